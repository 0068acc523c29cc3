//! docs/openapi.json, as `GET /openapi.json` answers it.

use anyhow::Context;

pub(super) fn document() -> anyhow::Result<String> {
    let document = server::openapi_document();
    let text = serde_json::to_string_pretty(&document).context("the document")?;
    Ok(format!("{text}\n"))
}

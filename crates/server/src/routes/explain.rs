//! `POST /v1/pipeline/explain`: what a pipeline would do to the files, from their headers alone.

use axum::Json;
use axum::extract::{Request, State as Extract};
use axum::response::{IntoResponse, Response};
use imaging::{Files, Plan};
use serde_json::{Value, json};

use crate::State;
use crate::error::{ApiError, Code};
use crate::judge::{Accepted, judge};
use crate::paced::paced;
use crate::routes::submit::close;
use crate::{admission, catalog, upload};

const OPERATION: &str = "pipeline";

/// `POST /v1/pipeline/explain`
pub(crate) async fn pipeline(Extract(state): Extract<State>, request: Request) -> Response {
    match explain(&state, request).await {
        Ok(explanation) => Json(explanation).into_response(),
        Err(error) => close(error.into_response()),
    }
}

async fn explain(state: &State, request: Request) -> Result<Value, ApiError> {
    let (head, body) = request.into_parts();
    admission::check(state, &head, None).await?;
    let host = crate::access::host(&head.uri, &head.headers).unwrap_or("localhost");
    let curl = catalog::curl(&state.catalog, "pipeline/explain", host);
    let boundary = admission::boundary(&head, &curl)?;
    let config = &state.parts.config;
    let body = paced(body, &config.upload, &config.timeouts);
    let upload = upload::inspect(state, body, &boundary).await?;
    let accepted = judge(state, OPERATION, upload, &curl)?;
    let files = explained(state, &accepted)?;
    Ok(json!({ "operation": OPERATION, "files": files }))
}

/// One explanation for each file that the steps run on.
fn explained(state: &State, accepted: &Accepted) -> Result<Vec<Value>, ApiError> {
    let limits = &state.parts.limits;
    let plan = Plan::parse(OPERATION, &accepted.document, limits);
    let (_, plan) = plan.map_err(|_| ApiError::internal("an accepted request does not parse"))?;
    let beside = Files::of_headers(&accepted.headers);
    let mut files = Vec::new();
    for index in plan.inputs(accepted.headers.len()) {
        let (header, file) = (&accepted.headers[index], &accepted.inputs[index]);
        let explanation = plan
            .explain(header, file.size_bytes, &beside, limits)
            .map_err(|faults| ApiError::of_faults(Code::InvalidRequest, faults))?;
        let mut explained = json!(explanation);
        explained["index"] = index.into();
        explained["filename"] = file.filename.as_str().into();
        files.push(explained);
    }
    Ok(files)
}

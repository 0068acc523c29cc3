//! docs/configuration.md, from the settings structs and their defaults.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use cli::config::Config;
use cli::config::settings::{leaves, variable};
use serde_json::Value;

use crate::docs::cell;

const HEAD: &str = "\
# Configuration

`imagehq serve` works without any settings. What is set comes from four places; the later win:

1. the defaults below,
2. a TOML file: `--config FILE`, or the one that `IMAGEHQ_CONFIG` names, or `imagehq.toml` in the
   folder it is started in,
3. the environment: `IMAGEHQ_JOBS_WORKERS=2` for `jobs.workers`,
4. flags: `--listen`, `--data`, `--role`, `--allow-anonymous`.

A name that does not exist is refused, in the file and in the environment, with the one that was
probably meant. `imagehq config` prints what is in force, and where each setting that is no default
comes from. Lists are written `[\"a\", \"b\"]` in the file and `a,b` in the environment.

```toml
# imagehq.toml
listen = \"127.0.0.1:9000\"
data = \"/var/lib/imagehq\"

[jobs]
workers = 2
```
";

pub(super) fn document() -> anyhow::Result<String> {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    let defaults = serde_json::to_value(Config::default()).context("the defaults")?;
    let mut out = HEAD.to_owned();
    let mut table = None;
    for path in leaves(&defaults) {
        let (parent, _) = path.rsplit_once('.').unwrap_or(("", &path));
        if table.as_deref() != Some(parent) {
            out.push_str(&heading(&schema, parent)?);
            table = Some(parent.to_owned());
        }
        let about = about(&schema, &path)?;
        if about.is_empty() {
            bail!("the setting `{path}` has no doc comment");
        }
        let default = defaults.pointer(&format!("/{}", path.replace('.', "/")));
        let default = default.map(shown).unwrap_or_default();
        let variable = variable(&path);
        let _ = writeln!(out, "| `{path}` | {default} | {} `{variable}` |", cell(&about));
    }
    Ok(out)
}

fn heading(schema: &Value, table: &str) -> anyhow::Result<String> {
    let title = if table.is_empty() { "General".to_owned() } else { format!("`[{table}]`") };
    let about = if table.is_empty() { String::new() } else { about(schema, table)? };
    let about = if about.is_empty() { about } else { format!("{about}\n\n") };
    Ok(format!("\n## {title}\n\n{about}| setting | default | |\n|---|---|---|\n"))
}

/// The doc comment of the setting or table at this path.
fn about(schema: &Value, path: &str) -> anyhow::Result<String> {
    let mut at = schema;
    for name in path.split('.') {
        at = at
            .pointer(&format!("/properties/{name}"))
            .with_context(|| format!("the setting `{path}` is not in the schema"))?;
    }
    Ok(at["description"].as_str().unwrap_or_default().to_owned())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        value => format!("`{value}`"),
    }
}

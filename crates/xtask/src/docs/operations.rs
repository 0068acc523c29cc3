//! docs/operations.md, from the lists of the engine.

use std::fmt::Write as _;

use anyhow::Context;
use cli::catalog::{self, Operation, Parameter};
use cli::ops::{command, request};
use imaging::FORMATS;
use imaging::operations::OPERATIONS;
use serde_json::Value;

use crate::docs::cell;
use crate::tree;

const HEAD: &str = "\
# Operations

A pipeline is a list of steps; each names its kind and holds its request:

```json
{\"steps\": [
  {\"operation\": \"transform\",
   \"request\": {\"operations\": [{\"type\": \"resize\", \"width\": 1600}]}},
  {\"operation\": \"filter\",
   \"request\": {\"filters\": [{\"type\": \"cinematic\", \"intensity\": 72}]}},
  {\"operation\": \"optimize\",
   \"request\": {\"operation\": \"convert_to_webp\"}}
]}
```

`POST /v1/pipeline` takes the document, `POST /v1/<kind>` takes the request of one step, and
`imagehq run` takes the document or the same steps as words:

```sh
imagehq run photo.jpg -o photo.webp resize:width=1600 cinematic:intensity=72
```

Pixels stay decoded between steps: one decode, one encode.

";

pub(super) fn document() -> anyhow::Result<String> {
    let mut out = HEAD.to_owned();
    out.push_str(&formats());
    let all = catalog::operations();
    for entry in OPERATIONS {
        let _ = write!(out, "\n## {}\n\n{}\n", entry.name, entry.about);
        for operation in all.iter().filter(|operation| operation.spot.step == entry.name) {
            out.push_str(&section(operation, operation.name != entry.name)?);
        }
    }
    Ok(out)
}

fn formats() -> String {
    let mut out = "## Formats\n\n| format | also | reads | writes | alpha | bits |\n".to_owned();
    out.push_str("|---|---|---|---|---|---|\n");
    let yes = |is| if is { "yes" } else { "no" };
    for format in FORMATS.iter().filter(|format| format.is_image()) {
        let (reads, writes) = (yes(format.decode.is_some()), yes(format.encode.is_some()));
        let (alpha, bits) = (yes(format.alpha), format.bit_depth_max());
        let (name, aliases) = (format.name, format.aliases.join(", "));
        let _ = writeln!(out, "| {name} | {aliases} | {reads} | {writes} | {alpha} | {bits} |");
    }
    out
}

fn section(operation: &Operation, with_heading: bool) -> anyhow::Result<String> {
    let mut out = String::new();
    if with_heading {
        let _ = write!(out, "\n### {}\n\n{}\n", operation.name, operation.about);
    }
    out.push_str(&picture(operation));
    if !operation.aliases.is_empty() {
        let _ = write!(out, "\nAlso called `{}`.\n", operation.aliases.join("`, `"));
    }
    if operation.parameters.is_empty() {
        out.push_str("\nNo parameters.\n");
    } else {
        out.push_str("\n| parameter | takes | default | |\n|---|---|---|---|\n");
        for parameter in &operation.parameters {
            let _ = writeln!(out, "{}", row(parameter));
        }
    }
    let request = serde_json::to_string(&request(operation)).context("an example")?;
    let _ = write!(out, "\n```json\n{request}\n```\n\n```sh\n{}\n```\n", command(operation));
    Ok(out)
}

/// The strip that the example `sheets` of the engine draws, where there is one. Of a crop, what
/// `smart` keeps.
fn picture(operation: &Operation) -> String {
    if operation.name == "crop" {
        let kept = "whole pictures, their middle, what smart keeps, what sharp keeps";
        return format!("\n![{kept}](images/smart-crop.jpg)\n");
    }
    let path = format!("images/{}s/{}.jpg", operation.spot.step, operation.name);
    match tree::root().join("docs").join(&path).exists() {
        true => format!("\n![above as it was, below with {}]({path})\n", operation.name),
        false => String::new(),
    }
}

fn row(parameter: &Parameter) -> String {
    let Parameter { name, expects, default, is_required, about, choices } = parameter;
    let default = match (default, is_required) {
        (_, true) => "required".to_owned(),
        (Some(Value::String(text)), false) => format!("`{text}`"),
        (Some(value), false) => format!("`{value}`"),
        (None, false) => String::new(),
    };
    let takes = match choices.is_empty() {
        true => expects.clone(),
        false => {
            choices.iter().map(|choice| format!("`{}`", choice.0)).collect::<Vec<_>>().join(" ")
        }
    };
    let mut about = about.clone();
    for (choice, meaning) in choices.iter().filter(|choice| !choice.1.is_empty()) {
        let _ = write!(about, "<br>`{choice}`: {meaning}");
    }
    format!("| `{name}` | {} | {default} | {} |", cell(&takes), cell(&about))
}

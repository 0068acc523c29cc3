//! `imagehq ops`: the operations, or one of them explained.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::args::OpsArgs;
use crate::catalog::{self, Operation, Parameter, Place};
use crate::terminal;

/// How wide the list is at most.
const WIDTH: usize = 100;

/// Prints the list, or what there is to know of one operation.
pub(crate) fn ops(args: &OpsArgs) -> anyhow::Result<ExitCode> {
    let all = catalog::operations();
    let chosen = match &args.name {
        None => all,
        Some(name) if catalog::group(name).is_some() => {
            all.into_iter().filter(|operation| operation.spot.step == name).collect()
        }
        Some(name) => {
            let spot = catalog::find(name).map_err(anyhow::Error::msg)?.spot;
            all.into_iter().filter(|operation| operation.spot == spot).collect()
        }
    };
    let text = match (args.json, chosen.as_slice()) {
        (true, chosen) => format!("{:#}\n", as_json(chosen)),
        (false, [one]) => explain(one),
        (false, chosen) => list(chosen),
    };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The table of operations, by step.
fn list(operations: &[Operation]) -> String {
    let mut out = String::new();
    let mut steps: Vec<&str> = operations.iter().map(|operation| operation.spot.step).collect();
    steps.dedup();
    for step in steps {
        let _ = writeln!(out, "{}", terminal::bold(step));
        let own = operations.iter().filter(|operation| operation.spot.step == step);
        let rows: Vec<_> = own.flat_map(rows).collect();
        let names = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let wrapped = rows.into_iter().flat_map(|(name, about)| {
            let lines = terminal::wrap(&about, WIDTH - 4 - names);
            let names = std::iter::once(name).chain(std::iter::repeat(String::new()));
            names.zip(lines).map(|(name, line)| vec![name, line])
        });
        out.push_str(&terminal::table(&wrapped.collect::<Vec<_>>(), 2));
        out.push('\n');
    }
    out.push_str("`imagehq ops NAME` explains one. On the command line:\n");
    out.push_str(
        "  imagehq run photo.jpg -o photo.webp resize:width=1600 cinematic:intensity=72\n",
    );
    out
}

/// A row for the operation, and one for each method that can be typed instead of it.
fn rows(operation: &Operation) -> Vec<(String, String)> {
    let row = |name: &str, about: &str| (name.to_owned(), first_sentence(about));
    let mut rows = vec![row(operation.name, &operation.about)];
    let methods = operation.parameters.iter().find(|parameter| parameter.name == "operation");
    let methods = methods.iter().flat_map(|parameter| &parameter.choices);
    rows.extend(methods.map(|(name, about)| row(&format!("  {name}"), about)));
    rows
}

/// The first sentence, whole: in the sources it may run over lines.
fn first_sentence(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |at| at + 1);
    paragraph[..end].to_owned()
}

/// All there is to know of an operation.
fn explain(operation: &Operation) -> String {
    let mut out = format!("{}\n", terminal::bold(&heading(operation)));
    for paragraph in operation.about.split("\n\n") {
        let _ = writeln!(out, "{}\n", paragraph.replace('\n', " "));
    }
    if operation.parameters.is_empty() {
        out.push_str("No parameters.\n\n");
    } else {
        let _ = writeln!(out, "{}", terminal::bold("Parameters"));
        out.push_str(&parameters(&operation.parameters));
        out.push('\n');
    }
    let request = request(operation);
    let _ = writeln!(out, "{}\n  {}\n", terminal::bold("As a step of a pipeline"), step(operation));
    let _ = writeln!(out, "{}\n  {}\n", terminal::bold("On the command line"), command(operation));
    let files = inputs(operation).into_iter().map(|name| format!("-F 'files[]=@{name}' "));
    let _ = writeln!(
        out,
        "{}\n  curl http://127.0.0.1:8080/v1/{} \\\n    {}-F 'request={request}'",
        terminal::bold("Over HTTP"),
        operation.spot.step,
        files.collect::<String>(),
    );
    out
}

fn heading(operation: &Operation) -> String {
    let mut heading = match operation.spot.place {
        Place::List { .. } => format!("{}.{}", operation.spot.step, operation.name),
        Place::Request => operation.name.to_owned(),
    };
    if !operation.aliases.is_empty() {
        let _ = write!(heading, " (also {})", operation.aliases.join(", "));
    }
    heading
}

fn parameters(parameters: &[Parameter]) -> String {
    let rows: Vec<Vec<String>> = parameters.iter().flat_map(parameter_rows).collect();
    terminal::table(&rows, 2)
}

fn parameter_rows(parameter: &Parameter) -> Vec<Vec<String>> {
    let default = match (&parameter.default, parameter.is_required) {
        (_, true) => "required".to_owned(),
        (Some(value), false) => format!("default {}", plain(value)),
        (None, false) => String::new(),
    };
    let about = parameter.about.replace('\n', " ");
    let expects = parameter.expects.clone();
    let mut rows = vec![vec![parameter.name.clone(), expects, default, about]];
    for (name, about) in &parameter.choices {
        rows.push(vec![String::new(), format!("  {name}"), String::new(), about.clone()]);
    }
    rows
}

/// A value without the quotes of JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The example as the request of its step.
pub fn request(operation: &Operation) -> Value {
    match operation.spot.place {
        Place::Request => operation.example.clone(),
        Place::List { field, kind } => {
            let mut item = Map::from_iter([("type".to_owned(), json!(kind))]);
            item.extend(operation.example.as_object().cloned().unwrap_or_default());
            json!({ field: [item] })
        }
    }
}

/// The example as a step of a pipeline.
pub fn step(operation: &Operation) -> Value {
    json!({"operation": operation.spot.step, "request": request(operation)})
}

/// The example as it is typed.
pub fn command(operation: &Operation) -> String {
    let fields = operation.example.as_object().into_iter().flatten();
    let mut pairs = Vec::new();
    for (name, value) in fields {
        match value.as_object() {
            Some(block) => pairs.extend(block.iter().map(pair)),
            // A hint that the bytes settle anyway.
            None if name == "input_format" => {}
            None => pairs.push(pair((name, value))),
        }
    }
    let pairs = if pairs.is_empty() { String::new() } else { format!(":{}", pairs.join(",")) };
    let typed = format!("{}{pairs}", operation.name);
    let quoted = if typed.contains(['#', ' ', '"', '(']) { format!("'{typed}'") } else { typed };
    let extension = operation.example["output_format"].as_str().unwrap_or("webp");
    format!("imagehq run {} -o out.{extension} {quoted}", inputs(operation).join(" "))
}

/// The files that the example takes: a photograph, and what it uses beside it.
fn inputs(operation: &Operation) -> Vec<String> {
    let format = operation.example["input_format"].as_str().unwrap_or("jpg");
    let mut names = vec![format!("photo.{format}")];
    if !operation.example["file_index"].is_null() {
        let is_table = operation.name == "lut";
        names.push(if is_table { "table.cube" } else { "logo.png" }.to_owned());
    }
    names
}

fn pair((name, value): (&String, &Value)) -> String {
    format!("{name}={}", plain(value))
}

fn as_json(operations: &[Operation]) -> Value {
    let operations = operations.iter().map(|operation| {
        let parameters = operation.parameters.iter().map(|parameter| {
            json!({
                "name": parameter.name,
                "expects": parameter.expects,
                "choices": parameter.choices.iter().map(|choice| &choice.0).collect::<Vec<_>>(),
                "default": parameter.default,
                "required": parameter.is_required,
                "about": parameter.about,
            })
        });
        json!({
            "name": operation.name,
            "aliases": operation.aliases,
            "step": operation.spot.step,
            "about": operation.about,
            "parameters": parameters.collect::<Vec<_>>(),
            "example": step(operation),
        })
    });
    json!({"operations": operations.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_valid_pipeline() {
        for operation in catalog::operations() {
            let document = json!({"steps": [step(&operation)]});
            let limits = imaging::Limits::default();
            let parsed = imaging::Plan::parse("pipeline", &document, &limits);
            let (_, plan) =
                parsed.unwrap_or_else(|faults| panic!("{}: {faults:?}", operation.name));
            let uses = plan.file_uses().into_iter().map(|(_, used)| used.index);
            let files = inputs(&operation).len();
            assert_eq!(plan.inputs(files), [0], "{}", operation.name);
            assert!(uses.eq(1..files), "{}: all files that are named are used", operation.name);
        }
    }

    #[test]
    fn the_list_has_every_operation_and_fits_a_terminal() {
        let text = list(&catalog::operations());
        for operation in catalog::operations() {
            assert!(text.contains(&format!("\n  {} ", operation.name)), "{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn descriptions_are_whole_sentences() {
        for operation in catalog::operations() {
            for (name, about) in rows(&operation) {
                assert!(about.ends_with('.'), "{name}: {about:?}");
            }
        }
    }
}

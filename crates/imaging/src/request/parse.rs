//! From JSON to the parts of a plan, collecting every fault on the way.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Envelope, Nested, Outer, Plan, Step, canonical};
use crate::Limits;
use crate::check::{Faults, check, shown};
use crate::format;
use crate::image_ops::IMAGE_OPS;
use crate::operation::Entry;
use crate::operations::{LATER, OPERATIONS};
use crate::output::Output;
use crate::params::{self, Params};

pub(super) fn single(
    name: &str,
    object: &Map<String, Value>,
    limits: &Limits,
    faults: &mut Faults,
) -> Option<(Envelope, Plan)> {
    let entry = entry(name, "", faults)?;
    let outer = outer_of(object, "", &properties((entry.schema)()), faults);
    let (step, nested) = step_of(entry, object, "", limits, faults);
    let (outer, nested, step) = (outer?, nested?, step?);
    let input_format = nested.input_format.clone();
    Some((
        envelope(outer, &nested),
        Plan { steps: vec![step], output: Output::default(), input_format },
    ))
}

pub(super) fn pipeline(
    object: &Map<String, Value>,
    limits: &Limits,
    faults: &mut Faults,
) -> Option<(Envelope, Plan)> {
    let own = BTreeSet::from(["steps".to_owned()]);
    let outer = outer_of(object, "", &own, faults);
    let nested = nested_of(object, "", faults);
    let steps = steps_of(object.get("steps"), limits, faults);
    let (outer, nested, steps) = (outer?, nested?, steps?);
    let input_format = nested.input_format.clone();
    let output = output_of(&nested);
    Some((envelope(outer, &nested), Plan { steps, output, input_format }))
}

fn envelope(outer: Outer, nested: &Nested) -> Envelope {
    Envelope {
        client_reference_id: nested.client_reference_id.clone(),
        tool_slug: nested.tool_slug.clone(),
        retention_policy: outer.retention_policy,
    }
}

fn output_of(nested: &Nested) -> Output {
    let mut output = nested.output.clone().unwrap_or_default();
    output.output_format =
        output.output_format.or(nested.output_format.clone()).map(|name| canonical(&name));
    output
}

fn steps_of(steps: Option<&Value>, limits: &Limits, faults: &mut Faults) -> Option<Vec<Step>> {
    const EXAMPLE: &str =
        r#"{"operation": "filter", "request": {"filters": [{"type": "cinematic"}]}}"#;
    let Some(steps) = steps else {
        faults.invalid("", format!("\"steps\" is missing: a list of steps such as {EXAMPLE}"));
        return None;
    };
    let Some(steps) = steps.as_array() else {
        faults.invalid(
            "/steps",
            format!("expected a list of steps such as {EXAMPLE}, got {}", shown(steps)),
        );
        return None;
    };
    if steps.is_empty() || steps.len() > limits.steps_max {
        let message = format!("expected 1 to {} steps, got {}", limits.steps_max, steps.len());
        faults.invalid("/steps", message);
        return None;
    }
    let mut parsed = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let pointer = format!("/steps/{index}");
        let Some(object) = step.as_object() else {
            faults.invalid(
                &pointer,
                format!("expected a step such as {EXAMPLE}, got {}", shown(step)),
            );
            continue;
        };
        for name in object.keys().filter(|name| !["operation", "request"].contains(&name.as_str()))
        {
            faults.unknown(&format!("{pointer}/{name}"), "field", name, ["operation", "request"]);
        }
        let Some(name) = object.get("operation") else {
            faults.invalid(&pointer, format!("\"operation\" is missing: a step such as {EXAMPLE}"));
            continue;
        };
        let Some(name) = name.as_str() else {
            let message = format!("expected the name of an operation, got {}", shown(name));
            faults.invalid(&format!("{pointer}/operation"), message);
            continue;
        };
        let Some(entry) = entry(name, &format!("{pointer}/operation"), faults) else {
            continue;
        };
        let empty = Value::Object(Map::new());
        let request = object.get("request").unwrap_or(&empty);
        let pointer = format!("{pointer}/request");
        let Some(request) = request.as_object() else {
            faults.invalid(&pointer, format!("expected an object, got {}", shown(request)));
            continue;
        };
        let own = properties((entry.schema)());
        refuse_unknown(
            request,
            &pointer,
            &own.union(&properties(params::schema_of::<Nested>())).cloned().collect(),
            faults,
        );
        parsed.extend(step_of(entry, request, &pointer, limits, faults).0);
    }
    Some(parsed)
}

/// The step kind of this name, or a fault.
fn entry(name: &str, pointer: &str, faults: &mut Faults) -> Option<&'static Entry> {
    if let Some(entry) = OPERATIONS.iter().find(|entry| entry.name == name) {
        return Some(entry);
    }
    if LATER.contains(&name) {
        faults.not_available(pointer, format!("{name:?} is not available in this build"));
    } else if ["batch", "pipeline"].contains(&name) {
        faults.invalid(pointer, format!("{name:?} cannot be a step"));
    } else {
        faults.unknown(pointer, "operation", name, OPERATIONS.iter().map(|entry| entry.name));
    }
    None
}

/// The step, and the fields that every request has.
fn step_of(
    entry: &'static Entry,
    object: &Map<String, Value>,
    pointer: &str,
    limits: &Limits,
    faults: &mut Faults,
) -> (Option<Step>, Option<Nested>) {
    let schema = (entry.schema)();
    let own = Value::Object(subset(object, &properties(schema)));
    let before = faults.len();
    let nested = nested_of(object, pointer, faults);
    // Required fields and shapes first: what the parser of the step relies on.
    for missing in required_of(schema).filter(|name| !object.contains_key(*name)) {
        let example = entry.example;
        faults.invalid(pointer, format!("{missing:?} is missing: a request such as {example}"));
    }
    if faults.len() > before {
        return (None, nested);
    }
    let operation = (entry.parse)(&own, pointer, limits, faults);
    let has_format = |nested: &Nested| output_of(nested).output_format.is_some();
    if entry.name == "convert" && nested.as_ref().is_some_and(|nested| !has_format(nested)) {
        faults.invalid(
            pointer,
            format!("\"output_format\" is missing: one of {}, same_as_input", writable()),
        );
    }
    let step = operation.zip(nested.as_ref()).map(|(operation, nested)| Step {
        name: entry.name,
        pointer: pointer.to_owned(),
        request: normal(object),
        operation,
        output: output_of(nested),
        input_format: nested.input_format.clone(),
    });
    (step, nested)
}

/// The fields of a step by the names that the docs use, whatever alias was written. The outer
/// fields of a single operation are not the step's.
fn normal(object: &Map<String, Value>) -> Value {
    let outer = properties(params::schema_of::<Outer>());
    let mut normal = object.clone();
    normal.retain(|name, _| !outer.contains(name));
    for list in normal.values_mut().filter_map(Value::as_array_mut) {
        for entry in list {
            let known = |name: &str| IMAGE_OPS.iter().find(|op| op.aliases.contains(&name));
            if let Some(op) = entry["type"].as_str().and_then(known) {
                entry["type"] = op.name.into();
            }
        }
    }
    let formats = ["input_format", "output_format"];
    let inner = normal.get_mut("output").and_then(Value::as_object_mut);
    if let Some(name) = inner.and_then(|inner| inner.get_mut("output_format")) {
        rename(name);
    }
    for field in formats {
        if let Some(name) = normal.get_mut(field) {
            rename(name);
        }
    }
    Value::Object(normal)
}

fn rename(format: &mut Value) {
    if let Some(name) = format.as_str() {
        *format = canonical(name).into();
    }
}

fn required_of(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn nested_of(object: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Option<Nested> {
    let schema = params::schema_of::<Nested>();
    let nested = params::parse::<Nested>(
        &Value::Object(subset(object, &properties(schema))),
        pointer,
        faults,
    )?;
    let named = [
        ("/output_format", &nested.output_format),
        (
            "/output/output_format",
            &nested.output.as_ref().and_then(|output| output.output_format.clone()),
        ),
    ];
    for (below, name) in named {
        if let Some(name) = name {
            check_output_format(name, &format!("{pointer}{below}"), faults);
        }
    }
    Some(nested)
}

fn check_output_format(name: &str, pointer: &str, faults: &mut Faults) {
    let lower = name.to_ascii_lowercase();
    if lower == "same_as_input"
        || format::by_name(&lower).is_some_and(|format| format.encode.is_some())
    {
        return;
    }
    if format::by_name(&lower).is_some() {
        return faults.not_available(
            pointer,
            format!("{name:?} cannot be written by this build; {} can", writable()),
        );
    }
    let known =
        format::FORMATS.iter().filter(|format| format.encode.is_some()).map(|format| format.name);
    faults.unknown(pointer, "format", name, known.chain(["same_as_input"]));
}

fn writable() -> String {
    let names: Vec<&str> =
        format::FORMATS.iter().filter(|f| f.encode.is_some()).map(|f| f.name).collect();
    names.join(", ")
}

/// The outer fields; refuses what nobody knows: neither the outer request, nor every request, nor
/// `own`.
fn outer_of(
    object: &Map<String, Value>,
    pointer: &str,
    own: &BTreeSet<String>,
    faults: &mut Faults,
) -> Option<Outer> {
    let schema = params::schema_of::<Outer>();
    let outer = properties(schema);
    let known =
        outer.iter().chain(own).cloned().chain(properties(params::schema_of::<Nested>())).collect();
    refuse_unknown(object, pointer, &known, faults);
    params::parse::<Outer>(&Value::Object(subset(object, &outer)), pointer, faults)
}

fn refuse_unknown(
    object: &Map<String, Value>,
    pointer: &str,
    known: &BTreeSet<String>,
    faults: &mut Faults,
) {
    let properties: Map<String, Value> =
        known.iter().map(|name| (name.clone(), json!({}))).collect();
    let schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let names: Map<String, Value> = object.keys().map(|name| (name.clone(), Value::Null)).collect();
    check(&schema, &Value::Object(names), Outer::LATER, pointer, faults);
}

fn properties(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

fn subset(object: &Map<String, Value>, names: &BTreeSet<String>) -> Map<String, Value> {
    object
        .iter()
        .filter(|(name, _)| names.contains(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

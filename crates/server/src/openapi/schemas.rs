//! The named schemas of the OpenAPI document.

use serde_json::{Map, Value, json};

use super::reference;
use crate::catalog::list;
use crate::error::CODES;

/// All of them.
pub(super) fn all(catalog: &Value) -> Value {
    let mut schemas = Map::new();
    schemas.insert("Job".to_owned(), job());
    schemas.insert("JobPage".to_owned(), job_page());
    schemas.insert("Explanation".to_owned(), explanation());
    schemas.insert("Problem".to_owned(), problem());
    schemas.insert("Warning".to_owned(), warning());
    schemas.insert(request_name("pipeline"), catalog["pipeline"]["schema"].clone());
    for operation in list(&catalog["operations"]) {
        let name = operation["name"].as_str().unwrap_or_default();
        schemas.insert(request_name(name), operation["schema"].clone());
    }
    Value::Object(schemas)
}

/// `ConvertRequest` for `convert`.
pub(super) fn request_name(operation: &str) -> String {
    let mut letters = operation.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("{}{}Request", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// The states of a job.
pub(super) fn status() -> Value {
    let names = ["queued", "processing", "succeeded", "failed", "cancelled"];
    json!({ "type": "string", "enum": names })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn time_or_null() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn count_or_null() -> Value {
    json!({ "type": ["integer", "null"], "minimum": 0 })
}

fn percent() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": 100 })
}

/// An object whose members are all there.
fn object(members: Value) -> Value {
    let names: Vec<&String> =
        members.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    json!({ "type": "object", "required": names, "properties": members })
}

fn several(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn outlook() -> Map<String, Value> {
    let members = json!({
        "format": text(),
        "width": count(),
        "height": count(),
        "frames": count(),
        "exact": { "type": "boolean" },
        "color": { "type": "string", "enum": ["gray", "rgb"] },
        "alpha": { "type": "boolean" },
        "bit_depth": count(),
    });
    members.as_object().cloned().unwrap_or_default()
}

fn explanation() -> Value {
    let picture = || object(Value::Object(outlook()));
    let mut step = outlook();
    step.extend([
        ("index".to_owned(), count()),
        ("operation".to_owned(), text()),
        ("request".to_owned(), json!({ "type": "object" })),
    ]);
    let pass = json!({
        "steps": several(count()),
        "work": text(),
        "width": count(),
        "height": count(),
    });
    let file = object(json!({
        "index": count(),
        "filename": text(),
        "input": picture(),
        "steps": several(object(Value::Object(step))),
        "passes": several(object(pass)),
        "output": picture(),
        "output_files": count(),
        "encode_generations": count(),
        "memory_peak_bytes": count(),
        "estimated_ms": count(),
        "warnings": several(reference("Warning")),
    }));
    object(json!({ "operation": text(), "files": several(file) }))
}

fn warning() -> Value {
    object(json!({
        "code": text(),
        "message": text(),
        "step_index": count_or_null(),
        "input_index": count_or_null(),
    }))
}

fn warnings() -> Value {
    several(json!({ "$ref": "#/components/schemas/Warning" }))
}

fn job() -> Value {
    let mut error =
        object(json!({ "code": text(), "message": text(), "step_index": count_or_null() }));
    error["type"] = json!(["object", "null"]);
    object(json!({
        "client_reference_id": text_or_null(),
        "created_at": time(),
        "current_stage": { "type": "string", "enum": ["queued", "processing"] },
        "download_url": text_or_null(),
        "error": error,
        "expired": { "type": "boolean" },
        "expires_at": time(),
        "finished_at": time_or_null(),
        "id": text(),
        "inputs": several(input()),
        "job_id": text(),
        "operation": text(),
        "outputs": several(output()),
        "poll_url": text(),
        "progress": percent(),
        "result_json": { "type": ["object", "null"] },
        "retention_policy": object(json!({ "ttl_hours": count(), "clamp": { "type": "boolean" } })),
        "stages": several(stage()),
        "started_at": time_or_null(),
        "status": status(),
        "steps": several(step()),
        "tool_slug": text_or_null(),
        "warnings": warnings(),
    }))
}

fn input() -> Value {
    object(json!({
        "filename": text(),
        "format": text(),
        "mime_type": text(),
        "size_bytes": count(),
    }))
}

fn output() -> Value {
    object(json!({
        "download_url": text_or_null(),
        "encode_generations": count(),
        "filename": text(),
        "format": text(),
        "height": count(),
        "id": text(),
        "input_index": count(),
        "mime_type": text(),
        "size_bytes": count(),
        "width": count(),
    }))
}

fn stage() -> Value {
    let names = ["pending", "processing", "succeeded", "failed", "cancelled", "skipped"];
    object(json!({
        "name": { "type": "string", "enum": ["queued", "processing"] },
        "progress": percent(),
        "status": { "type": "string", "enum": names },
    }))
}

fn step() -> Value {
    let names = ["pending", "processing", "succeeded", "failed", "skipped"];
    object(json!({
        "index": count(),
        "operation": text(),
        "status": { "type": "string", "enum": names },
        "progress": percent(),
        "started_at": time_or_null(),
        "finished_at": time_or_null(),
        "duration_ms": count_or_null(),
        "warnings": warnings(),
    }))
}

fn job_page() -> Value {
    object(json!({
        "jobs": several(json!({ "$ref": "#/components/schemas/Job" })),
        "next_cursor": text_or_null(),
    }))
}

fn problem() -> Value {
    let codes: Vec<&str> = CODES.iter().map(|code| code.name()).collect();
    let mut fault = object(json!({ "pointer": text(), "message": text() }));
    fault["properties"]["suggestion"] = text();
    object(json!({
        "type": text(),
        "title": text(),
        "status": { "type": "integer" },
        "detail": text(),
        "code": { "type": "string", "enum": codes },
        "request_id": text(),
        "errors": several(fault),
    }))
}

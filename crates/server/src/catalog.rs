//! What can be asked of this server, as data: `GET /v1/operations`, and the source of the OpenAPI
//! document and the pages.

use imaging::catalog::{self, ImageOpDoc, OperationDoc};
use serde_json::{Value, json};

use crate::Config;

/// Operations of the interface that this build does not serve yet.
pub(crate) const LATER: [&str; 5] = ["ocr", "metadata", "document", "enhance", "batch"];

/// The pipeline of the introduction: it works on any photograph.
fn pipeline_example() -> Value {
    json!({
        "steps": [
            {
                "operation": "transform",
                "request": { "operations": [{ "type": "resize", "width": 1600 }] },
            },
            {
                "operation": "filter",
                "request": { "filters": [{ "intensity": 72, "type": "cinematic" }] },
            },
            {
                "operation": "optimize",
                "request": { "input_format": "png", "operation": "convert_to_webp" },
            },
        ],
        "tool_slug": "pipeline-resize-filter-compress",
    })
}

/// The catalogue as a document.
pub(crate) fn document(limits: &imaging::Limits, config: &Config, jobs: &jobs::Config) -> Value {
    let image_ops = catalog::image_ops();
    let operation = |operation: &OperationDoc| {
        let types: Vec<Value> =
            image_ops.iter().filter(|op| op.operation == operation.name).map(image_op).collect();
        json!({
            "name": operation.name,
            "about": operation.about,
            "endpoint": format!("/v1/{}", operation.name),
            "example": operation.example,
            "schema": operation.schema,
            "types": types,
        })
    };
    let operations: Vec<Value> = catalog::operations().iter().map(operation).collect();
    json!({
        "operations": operations,
        "pipeline": {
            "about": "Several operations, one after the other, with one decode and one encode.",
            "endpoint": "/v1/pipeline",
            "example": pipeline_example(),
            "schema": catalog::pipeline_schema(),
        },
        "not_available": LATER,
        "formats": catalog::formats(),
        "fonts": imaging::text::families(),
        "engines": [],
        "languages": [],
        "limits": limits_document(limits, config, jobs),
    })
}

fn image_op(op: &ImageOpDoc) -> Value {
    json!({
        "name": op.name,
        "aliases": op.aliases,
        "about": op.about,
        "list_field": op.list_field,
        "example": op.example,
        "schema": op.schema,
    })
}

fn limits_document(limits: &imaging::Limits, config: &Config, jobs: &jobs::Config) -> Value {
    json!({
        "file_bytes_max": config.upload.file_bytes_max,
        "files_max": config.upload.files_max,
        "request_bytes_max": config.upload.request_bytes_max,
        "document_bytes_max": config.upload.document_bytes_max,
        "pixels_max": limits.pixels_max,
        "side_max": limits.side_max,
        "frames_max": limits.frames_max,
        "jpeg_scans_max": limits.jpeg_scans_max,
        "steps_max": limits.steps_max,
        "operations_max": limits.operations_max,
        "step_seconds_max": jobs.step_seconds_max,
        "attempts_max": jobs.attempts_max,
        "runner_memory_max_bytes": jobs.runner_memory_max_bytes,
        "ttl_hours_default": jobs.ttl_hours_default,
        "ttl_hours_max": jobs.ttl_hours_max,
        "queue_max": jobs.queue_max,
        "disk_floor_bytes": jobs.disk_floor_bytes,
    })
}

/// The names of the operations that are served.
pub(crate) fn operations(catalog: &Value) -> impl Iterator<Item = &str> {
    list(&catalog["operations"]).iter().filter_map(|operation| operation["name"].as_str())
}

/// Whether the interface has an operation of this name, served or not.
pub(crate) fn is_operation(catalog: &Value, name: &str) -> bool {
    LATER.contains(&name) || operations(catalog).any(|known| known == name)
}

/// An array, or nothing.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A request document that works for an operation, or for the pipeline.
pub(crate) fn example<'a>(catalog: &'a Value, operation: &str) -> &'a Value {
    list(&catalog["operations"])
        .iter()
        .find(|known| known["name"] == operation)
        .map_or(&catalog["pipeline"]["example"], |known| &known["example"])
}

/// A curl line that works for an operation, or for the pipeline.
pub(crate) fn curl(catalog: &Value, operation: &str, host: &str) -> String {
    let example = example(catalog, operation);
    format!(
        "curl -X POST \"http://{host}/v1/{operation}\" -F \"files[]=@image.png\" \
         -F 'request={example}'"
    )
}

//! The OpenAPI 3.1 document, made from the routes, the catalogue and the table of errors.

use serde_json::{Map, Value, json};

use crate::catalog::{self, list};
use crate::error::{CODES, Code};
use crate::routes::{self, Route};

mod schemas;

const ABOUT: &str = "Image pipelines over HTTP: post files and steps, poll the job, download the \
                     result. Errors are problem documents (RFC 9457) with a stable `code`.";

/// The document for a catalogue.
pub(crate) fn document(catalog: &Value) -> Value {
    let mut paths = Map::new();
    for route in routes::table() {
        match route.path {
            "/v1/{operation}" => {
                for operation in catalog::operations(catalog) {
                    let path = format!("/v1/{operation}");
                    insert(&mut paths, &path, "post", submission(catalog, operation));
                }
            }
            "/v1/pipeline" => {
                insert(&mut paths, route.path, "post", submission(catalog, "pipeline"));
            }
            "/v1/pipeline/explain" => {
                insert(&mut paths, route.path, "post", explanation(catalog, &route));
            }
            path => insert(&mut paths, path, &route.method.to_lowercase(), operation(&route)),
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "imagehq",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas::all(catalog) },
    })
}

fn insert(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    item[method] = operation;
}

/// A `POST` that makes a job.
fn submission(catalog: &Value, name: &str) -> Value {
    let known = list(&catalog["operations"]).iter().find(|known| known["name"] == name);
    let about = &known.unwrap_or(&catalog["pipeline"])["about"];
    let example = catalog::example(catalog, name);
    let schema = reference(&schemas::request_name(name));
    let binary = json!({ "type": "string", "contentMediaType": "application/octet-stream" });
    let content = json!({ "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "files[]": { "type": "array", "items": binary, "minItems": 1 },
                "request": schema,
            },
            "required": ["files[]", "request"],
        },
        "encoding": { "request": { "contentType": "application/json" } },
        "example": { "files[]": ["image.png"], "request": example },
    }});
    let mut responses = problems(&[
        Code::MalformedBody,
        Code::MissingPart,
        Code::InvalidJson,
        Code::InvalidHeader,
        Code::OriginNotAllowed,
        Code::UploadTimeout,
        Code::IdempotencyInFlight,
        Code::TooLarge,
        Code::UnsupportedMediaType,
        Code::UnsupportedFormat,
        Code::InvalidInput,
        Code::InvalidRequest,
        Code::LimitExceeded,
        Code::IdempotencyMismatch,
        Code::NotAvailable,
        Code::InternalError,
        Code::QueueFull,
        Code::ShuttingDown,
        Code::DiskFull,
    ]);
    responses["200"] = job_response("The job ended while the request waited (`Prefer: wait=N`).");
    responses["202"] = job_response("The job was accepted; poll `Location`.");
    json!({
        "operationId": format!("create_{name}"),
        "tags": ["operations"],
        "summary": about,
        "parameters": [
            header("Idempotency-Key", "The same key and payload make one job. A UUID is best."),
            header("Prefer", "`wait=N` holds the answer until the job ends, for N (up to 60) s."),
        ],
        "requestBody": { "required": true, "content": content },
        "responses": responses,
    })
}

/// The `POST` that only predicts.
fn explanation(catalog: &Value, route: &Route) -> Value {
    let mut explanation = submission(catalog, "pipeline");
    let responses = &mut explanation["responses"];
    if let Some(responses) = responses.as_object_mut() {
        responses.remove("202");
    }
    responses["200"] = json!({
        "description": "What would come of each file, after each step, and what it would take.",
        "content": { "application/json": { "schema": reference("Explanation") } },
    });
    explanation["operationId"] = route.name.into();
    explanation["summary"] = route.summary.into();
    explanation["parameters"] = json!([]);
    explanation
}

/// Any other route.
fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    parameters.extend(own_parameters(route.name));
    json!({
        "operationId": route.name,
        "tags": [tag(route.path)],
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses(route.name),
    })
}

fn tag(path: &str) -> &'static str {
    match path {
        path if path.starts_with("/v1/jobs") => "jobs",
        path if path.starts_with("/v1/pipeline") => "operations",
        "/v1/operations" | "/openapi.json" | "/docs" | "/docs/errors" => "documentation",
        "/healthz" | "/readyz" | "/metrics" => "operation of the server",
        "/" | "/style.css" => "pages",
        _ => unreachable!("`{path}` has no tag: give it one here"),
    }
}

fn own_parameters(name: &str) -> Vec<Value> {
    match name {
        "read_job" => vec![
            query(
                "wait",
                "Seconds to wait for the end, at most 60.",
                json!({ "type": "integer", "minimum": 0 }),
            ),
            header("If-None-Match", "Answers 304 when the job has not changed."),
        ],
        "list_jobs" => vec![
            query("status", "Only jobs with this status.", schemas::status()),
            query("operation", "Only jobs of this operation.", json!({ "type": "string" })),
            query(
                "client_reference_id",
                "Only jobs with this reference.",
                json!({ "type": "string" }),
            ),
            query("cursor", "The `next_cursor` of the page before.", json!({ "type": "string" })),
            query(
                "limit",
                "Jobs a page.",
                json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
            ),
        ],
        "stream_job" => vec![header("Last-Event-ID", "The version after which events are wanted.")],
        "download_job" | "download_output" => vec![
            header("Range", "One range of bytes."),
            header("If-Range", "The `ETag` for which the range is meant."),
            header("If-None-Match", "Answers 304 when the file is known."),
            header("If-Match", "Answers 412 when the file is another."),
        ],
        _ => Vec::new(),
    }
}

fn responses(name: &str) -> Value {
    let with = |status: &str, response: Value, codes: &[Code]| {
        let mut responses = problems(codes);
        responses[status] = response;
        responses
    };
    let kind = |about: &str, media: &str| json!({ "description": about, "content": { media: {} } });
    match name {
        "read_job" | "cancel_job" => {
            let mut all =
                with("200", job_response("The job."), &[Code::JobNotFound, Code::InvalidRequest]);
            all["304"] = json!({ "description": "The job has not changed." });
            all
        }
        "list_jobs" => {
            let content = json!({ "application/json": { "schema": reference("JobPage") } });
            let page = json!({ "description": "A page of jobs.", "content": content });
            with("200", page, &[Code::InvalidRequest])
        }
        "delete_job" => {
            with("204", json!({ "description": "The files are gone." }), &[Code::JobNotFound])
        }
        "stream_job" => {
            with("200", kind("The job at every change.", "text/event-stream"), &[Code::JobNotFound])
        }
        "download_job" | "download_output" => {
            let codes = [
                Code::JobNotFound,
                Code::OutputNotFound,
                Code::NotFinished,
                Code::NoResult,
                Code::Expired,
                Code::PreconditionFailed,
                Code::RangeNotSatisfiable,
            ];
            let mut all = with("200", kind("The file.", "application/octet-stream"), &codes);
            all["206"] = kind("A part of the file.", "application/octet-stream");
            all["304"] = json!({ "description": "The file is known." });
            all
        }
        "read_metrics" => with("200", kind("Counters.", "text/plain"), &[]),
        "read_readiness" => {
            with("200", kind("Jobs are taken.", "application/json"), &[Code::ShuttingDown])
        }
        "list_operations" | "read_openapi" | "read_health" => {
            with("200", kind("A document.", "application/json"), &[])
        }
        "read_style" => with("200", kind("A style sheet.", "text/css"), &[]),
        "read_docs" | "read_errors" | "read_home" => with("200", kind("A page.", "text/html"), &[]),
        _ => unreachable!("`{name}` has no answers: say here what it answers"),
    }
}

/// The problems that a route can answer with, by status.
fn problems(codes: &[Code]) -> Value {
    let mut responses = json!({});
    for code in CODES.iter().filter(|code| codes.contains(code)) {
        let status = code.status().as_u16().to_string();
        let line = format!("`{}`: {}", code.name(), code.about());
        let before = responses[&status]["description"].as_str().map(|text| format!("{text}\n\n"));
        responses[&status] = json!({
            "description": before.unwrap_or_default() + &line,
            "content": { "application/problem+json": { "schema": reference("Problem") } },
        });
    }
    responses
}

fn job_response(about: &str) -> Value {
    json!({
        "description": about,
        "content": { "application/json": { "schema": reference("Job") } },
    })
}

fn header(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } })
}

fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": about, "schema": schema })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

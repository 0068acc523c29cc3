//! The pages: what this is, the reference, the error codes. Plain HTML, no scripts, nothing fetched
//! from elsewhere.

use std::fmt::Write;

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use crate::State;
use crate::catalog::{self, list};
use crate::error::CODES;
use crate::html::{self, escape, prose};
use crate::routes;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The envelope that every request has: told once, not in every table.
const ENVELOPE: [&str; 7] = [
    "client_reference_id",
    "input_format",
    "output",
    "output_format",
    "retention_policy",
    "tool_slug",
    "webhook",
];

fn respond(title: &str, body: &str) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(html::page(title, body))).into_response()
}

/// `GET /style.css`
pub(crate) async fn style() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, include_str!("../ui/style.css")).into_response()
}

/// `GET /`
pub(crate) async fn home(Extract(state): Extract<State>, request: Request) -> Response {
    let base = base_url(request.uri(), request.headers());
    let catalog = &state.catalog;
    let body = include_str!("../ui/home.html")
        .replace("{{curl}}", &curl_block(catalog, &base))
        .replace("{{base}}", &escape(&base))
        .replace("{{operations}}", &operations(catalog))
        .replace("{{formats}}", &formats(catalog))
        .replace("{{limits}}", &limits(catalog))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"));
    respond("imagehq: image pipelines over HTTP", &body)
}

/// `GET /docs`
pub(crate) async fn docs(Extract(state): Extract<State>, request: Request) -> Response {
    let base = base_url(request.uri(), request.headers());
    let catalog = &state.catalog;
    let mut body = String::from("<main class=\"reference\">\n<h1>Reference</h1>\n");
    let _ = write!(
        body,
        "<p class=\"lead\">Generated from the same data as <a href=\"/openapi.json\">the OpenAPI \
         document</a>. Every error is a problem document with a <a href=\"/docs/errors\">stable \
         code</a>.</p>\n<h2 id=\"paths\">Paths</h2>\n<div class=\"scroll\"><table><tbody>\n"
    );
    for route in routes::table() {
        let _ = writeln!(
            body,
            "<tr><td><span class=\"method\">{}</span></td><td><code>{}</code></td><td>{}</td></tr>",
            route.method,
            escape(route.path),
            prose(route.summary)
        );
    }
    let _ = write!(
        body,
        "</tbody></table></div>\n<h2 id=\"every-request\">Every request</h2>\n<p>The fields that \
         every <code>request</code> document may have, whatever the operation.</p>\n{}",
        html::parameters(&envelope_schema(catalog), &[])
    );
    for operation in list(&catalog["operations"]) {
        let name = operation["name"].as_str().unwrap_or_default();
        let _ =
            write!(body, "<h2 id=\"{0}\">{0}</h2>\n{1}", escape(name), operation_body(operation));
        let _ = writeln!(body, "<pre>{}</pre>", escape(&in_lines(catalog, name, &base)));
    }
    body.push_str("</main>\n");
    respond("imagehq: reference", &body)
}

/// `GET /docs/errors`
pub(crate) async fn errors() -> Response {
    let mut body = String::from(
        "<main class=\"reference\">\n<h1>Errors</h1>\n<p class=\"lead\">An error is answered with \
         <code>application/problem+json</code> (RFC 9457). Branch on <code>code</code>; \
         <code>errors</code> lists every fault with a JSON pointer into the request document, and \
         <code>request_id</code> finds the request in the log.</p>\n<dl class=\"errors\">\n",
    );
    for code in CODES {
        let _ = writeln!(
            body,
            "<dt id=\"{0}\"><span class=\"method\">{1}</span> <code>{0}</code> {2}</dt>\n\
             <dd>{3}</dd>",
            code.name(),
            code.status().as_u16(),
            escape(code.title()),
            prose(code.about())
        );
    }
    body.push_str("</dl>\n</main>\n");
    respond("imagehq: errors", &body)
}

/// Where the client found this server.
fn base_url(uri: &Uri, headers: &HeaderMap) -> String {
    let forwarded = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let scheme = if forwarded { "https" } else { "http" };
    format!("{scheme}://{}", crate::access::host(uri, headers).unwrap_or("localhost"))
}

/// A curl line, broken for reading.
fn in_lines(catalog: &Value, operation: &str, base: &str) -> String {
    let example = catalog::example(catalog, operation);
    format!(
        "curl -X POST \"{base}/v1/{operation}\" \\\n  -F \"files[]=@image.png\" \\\n  \
         -F 'request={example}'"
    )
}

fn curl_block(catalog: &Value, base: &str) -> String {
    let mut example = catalog["pipeline"]["example"].clone();
    if let Some(members) = example.as_object_mut() {
        members.shift_remove("tool_slug");
    }
    escape(&format!(
        "curl -X POST \"{base}/v1/pipeline\" \\\n  -F \"files[]=@image.png\" \\\n  \
         -F 'request={}'",
        html::json(&example, html::WIDE)
    ))
}

/// The schema of the fields that every request has.
fn envelope_schema(catalog: &Value) -> Value {
    let mut schema = catalog["pipeline"]["schema"].clone();
    if let Some(fields) = schema["properties"].as_object_mut() {
        fields.retain(|name, _| ENVELOPE.contains(&name.as_str()));
    }
    schema["required"] = Value::Null;
    schema
}

fn operations(catalog: &Value) -> String {
    let mut out = String::new();
    for operation in list(&catalog["operations"]) {
        let name = operation["name"].as_str().unwrap_or_default();
        let types = list(&operation["types"]);
        let count = match types.len() {
            0 => String::new(),
            count => format!("<span class=\"count\">{count}</span>"),
        };
        let _ = write!(
            out,
            "<details class=\"operation\" id=\"{0}\"><summary><code>{0}</code><span>{1}</span>\
             {count}</summary>\n<div class=\"inside\">{2}</div></details>\n",
            escape(name),
            prose(operation["about"].as_str().unwrap_or_default()),
            operation_body(operation)
        );
    }
    out
}

fn operation_body(operation: &Value) -> String {
    let types = list(&operation["types"]);
    let mut out = String::new();
    if types.is_empty() {
        out.push_str(&html::parameters(&operation["schema"], &hidden(operation)));
    }
    for op in types {
        let name = op["name"].as_str().unwrap_or_default();
        let _ = write!(
            out,
            "<details><summary><code>{}</code><span>{}</span></summary>\n<div class=\"inside\">{}\
             <pre>{}</pre></div></details>\n",
            escape(name),
            prose(op["about"].as_str().unwrap_or_default()),
            html::parameters(&op["schema"], &["type"]),
            escape(&html::json(&op["example"], html::NARROW))
        );
    }
    let _ = write!(
        out,
        "<p class=\"label\">Request of <code>POST {}</code></p>\n<pre>{}</pre>\n",
        escape(operation["endpoint"].as_str().unwrap_or_default()),
        escape(&html::json(&operation["example"], html::NARROW))
    );
    out
}

/// The fields that are left out of the table of an operation: those that every request has, unless
/// the operation is about the output and has no others.
fn hidden(operation: &Value) -> Vec<&'static str> {
    let fields = operation["schema"]["properties"].as_object();
    let own = fields.is_some_and(|all| all.keys().any(|name| !ENVELOPE.contains(&name.as_str())));
    let output = ["input_format", "output", "output_format"];
    ENVELOPE.into_iter().filter(|name| own || !output.contains(name)).collect()
}

fn formats(catalog: &Value) -> String {
    let mut out = String::new();
    for format in list(&catalog["formats"]) {
        let can = |key: &str, text: &str| match format[key].as_bool() {
            Some(true) => format!("<li>{text}</li>"),
            Some(false) | None => String::new(),
        };
        let _ = writeln!(
            out,
            "<div class=\"card\"><h3>{}</h3><p><code>{}</code></p><ul>{}{}{}</ul></div>",
            escape(format["title"].as_str().unwrap_or_default()),
            escape(format["name"].as_str().unwrap_or_default()),
            can("read", "reads"),
            can("write", "writes"),
            can("alpha", "transparency"),
        );
    }
    out
}

fn limits(catalog: &Value) -> String {
    let limits = &catalog["limits"];
    let number = |key: &str| limits[key].as_f64().unwrap_or_default();
    let rows = [
        ("A file", format!("{} MB", number("file_bytes_max") / 1e6)),
        (
            "A request",
            format!("{} files, {} MB", number("files_max"), number("request_bytes_max") / 1e6),
        ),
        ("An image", format!("{:.0} megapixels", number("pixels_max") / 1e6)),
        ("A pipeline", format!("{} steps", number("steps_max"))),
        ("A step", format!("{} s", number("step_seconds_max"))),
        ("Results", format!("kept {} h", number("ttl_hours_default"))),
    ];
    let mut out = String::new();
    for (name, limit) in rows {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{limit}</dd></div>");
    }
    out
}

//! The HTTP side: it parses, submits and reads, and never touches a pixel.
//!
//! Reading order: `routes` lists every path; `routes::submit` is the way in of a job and
//! `upload` of its files; `judge` says whether a request may become a job; `wire` is the JSON
//! that clients see; `error` is every way to say no. Around the routes stand `log` (request ids,
//! the log line, the body of errors) and `access` (hosts and origins).

mod access;
mod admission;
mod archive;
mod byte_range;
mod catalog;
mod config;
mod cost;
mod disposition;
mod error;
mod html;
mod idempotency;
mod judge;
mod log;
mod metrics;
mod multipart;
mod names;
mod openapi;
mod paced;
mod query;
mod routes;
mod serve;
mod socket;
mod state;
mod upload;
mod wait;
mod wire;
mod zip;

use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::{Router, extract};

pub use config::{Config, TimeoutConfig, UploadConfig};
pub use error::{CODES, Code};
pub use metrics::Gauges;
pub use serve::serve;
pub use state::{Parts, State};

use crate::error::ApiError;

/// Every route with everything around it.
pub fn router(state: State) -> Router {
    routes::router()
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(access::cors(&state))
        .layer(from_fn_with_state(state.clone(), access::guard))
        .layer(from_fn_with_state(state.clone(), log::observe))
        .with_state(state)
}

/// The OpenAPI document of a server with default settings, for the documentation.
pub fn openapi_document() -> serde_json::Value {
    let limits = imaging::Limits::default();
    openapi::document(&catalog::document(&limits, &Config::default(), &jobs::Config::default()))
}

async fn not_found(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(128).collect();
    let routes = routes::table();
    let hint = match names::nearest(&path, routes.iter().map(|route| route.path)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`/docs` lists what there is".to_owned(),
    };
    ApiError::new(error::Code::NotFound, format!("there is no `{path}`; {hint}")).into_response()
}

async fn method_not_allowed(
    extract::State(state): extract::State<State>,
    method: Method,
    uri: Uri,
) -> Response {
    let path: String = uri.path().chars().take(128).collect();
    // Every word stands where an operation could: most of them are typing errors, not operations.
    if let Some(word) = path.strip_prefix("/v1/")
        && !routes::table().iter().any(|route| route.path == path)
        && !word.contains('/')
        && !catalog::is_operation(&state.catalog, word)
    {
        return not_found(uri).await;
    }
    let method: String = method.as_str().chars().take(16).collect();
    let detail = format!("`{path}` does not take {method}; the `Allow` header lists what it takes");
    ApiError::new(error::Code::MethodNotAllowed, detail).into_response()
}

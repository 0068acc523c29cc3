//! `GET /v1/operations` and `GET /openapi.json`.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::State;

/// What can be asked of this server.
pub(crate) async fn operations(Extract(state): Extract<State>) -> Response {
    ([(header::CACHE_CONTROL, "no-cache")], Json(&state.catalog)).into_response()
}

/// The OpenAPI document.
pub(crate) async fn openapi(Extract(state): Extract<State>) -> Response {
    ([(header::CACHE_CONTROL, "no-cache")], Json(&state.openapi)).into_response()
}

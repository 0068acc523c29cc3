//! Probes and counters.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use crate::State;
use crate::error::{ApiError, Code};

/// `GET /healthz`: the process answers.
pub(crate) async fn live() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "status": "ok" }))).into_response()
}

/// `GET /readyz`: the job store answers and the server does not stop.
pub(crate) async fn ready(Extract(state): Extract<State>) -> Result<Response, ApiError> {
    if state.draining.is_cancelled() {
        return Err(ApiError::new(Code::ShuttingDown, "the server is about to stop"));
    }
    let counts = state.parts.jobs.counts().await?;
    let body = json!({
        "status": "ready",
        "queued": counts.queued,
        "processing": counts.processing,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `GET /metrics`
pub(crate) async fn metrics(Extract(state): Extract<State>) -> Result<Response, ApiError> {
    let parts = &state.parts;
    let counts = parts.jobs.counts().await?;
    let free = parts.blobs.free_bytes();
    let text = state.metrics.render(&counts, free, parts.gauges.as_ref(), Timestamp::now());
    let version_0_0_4 = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, version_0_0_4)], text).into_response())
}

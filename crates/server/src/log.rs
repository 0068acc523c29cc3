//! The outermost layer: a request id, one log line, one count, and the body of every error.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use jobs::JobId;

use crate::State;
use crate::error::ApiError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken over from a client.
const REQUEST_ID_MAX: usize = 128;

/// The job that an answer is about, for the log.
#[derive(Debug, Clone)]
pub(crate) struct LoggedJob(pub(crate) JobId);

/// Wraps everything, panics included.
pub(crate) async fn observe(
    Extract(state): Extract<State>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered
        .unwrap_or_else(|panic| ApiError::internal(panic_message(panic.as_ref())).into_response());
    if let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() {
        write_problem(&mut response, &error, &id);
    }
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    let job = response.extensions().get::<LoggedJob>().map(|LoggedJob(job)| job.to_string());
    let job = job.as_deref().or_else(|| job_of(&path));
    tracing::info!(
        method = %method,
        path,
        status,
        ms = elapsed.as_secs_f64() * 1000.0,
        request_id = id,
        job,
        "request"
    );
    let route = route.as_deref().unwrap_or("none");
    state.metrics.record(known_method(&method), route, status, elapsed);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

fn write_problem(response: &mut Response, error: &ApiError, request_id: &str) {
    let problem = serde_json::to_vec(&error.problem(request_id)).unwrap_or_default();
    let json = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(problem.len()));
    *response.body_mut() = Body::from(problem);
}

/// The id that the client gave, when it is fit to be logged, else a new one.
fn request_id(request: &Request) -> String {
    let sane = |id: &&str| {
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(fit)
    };
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
    given.map_or_else(|| format!("req_{}", uuid::Uuid::now_v7().simple()), str::to_owned)
}

/// Clients can make up methods, which must not make up time series.
fn known_method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "DELETE" | "OPTIONS" | "PUT" | "PATCH") => known,
        _ => "other",
    }
}

fn job_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v1/jobs/")?;
    let id = rest.split('/').next()?;
    JobId::parse(id).map(|_| id)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_else(|| "no message".to_owned()))
}

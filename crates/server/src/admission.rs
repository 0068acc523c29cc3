//! What is checked before a byte of the body is read.

use axum::http::{HeaderMap, HeaderValue, header, request};

use crate::State;
use crate::error::{ApiError, Code};
use crate::idempotency::Key;
use crate::paced::request_too_large;
use crate::{multipart, query};

/// Turns a request away while the server cannot take it.
pub(crate) async fn check(
    state: &State,
    head: &request::Parts,
    key: Option<&Key>,
) -> Result<(), ApiError> {
    refuse_api_keys(&head.headers)?;
    if state.draining.is_cancelled() {
        return Err(ApiError::new(Code::ShuttingDown, "the server is about to stop"));
    }
    let length = query::content_length(&head.headers).unwrap_or(0);
    let upload = &state.parts.config.upload;
    if length > upload.request_bytes_max {
        return Err(request_too_large(upload));
    }
    // The answer to a request that came before is not a new job: a full queue does not matter.
    if !is_replay(state, key).await? {
        check_queue(state).await?;
    }
    check_disk(state, length)
}

async fn is_replay(state: &State, key: Option<&Key>) -> Result<bool, ApiError> {
    let Some(Key { scope, key }) = key else { return Ok(false) };
    Ok(state.parts.jobs.find_idempotent(scope, key).await?.is_some())
}

async fn check_queue(state: &State) -> Result<(), ApiError> {
    let queued = state.parts.jobs.counts().await?.queued;
    if queued < state.parts.jobs_config.queue_max {
        return Ok(());
    }
    Err(ApiError::new(Code::QueueFull, format!("{queued} jobs wait, as many as may")))
}

fn check_disk(state: &State, length: u64) -> Result<(), ApiError> {
    let Some(free) = state.parts.blobs.free_bytes() else { return Ok(()) };
    if free.saturating_sub(length) >= state.parts.jobs_config.disk_floor_bytes {
        return Ok(());
    }
    Err(ApiError::new(Code::DiskFull, "the disk has too little space left for this upload"))
}

/// An API key that nobody checks must not look as if it had been.
fn refuse_api_keys(headers: &HeaderMap) -> Result<(), ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().get(..7));
    let bearer = bearer.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    if bearer || headers.contains_key("x-api-key") {
        let detail = "this build does not know API keys yet; send the request without one";
        return Err(ApiError::new(Code::NotAvailable, detail));
    }
    Ok(())
}

/// A compressed body would be taken for a broken form.
fn refuse_encodings(headers: &HeaderMap) -> Result<(), ApiError> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |value| value.to_str());
    let encoding = encoding.unwrap_or("of the body");
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        return Ok(());
    }
    let encoding: String = encoding.chars().take(40).collect();
    let detail = format!(
        "the `Content-Encoding` {encoding} is not read; send the form as it is, images are \
         compressed anyway"
    );
    Err(ApiError::new(Code::UnsupportedMediaType, detail)
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// The boundary of the form, or why the body is none. `curl` is a line that works.
pub(crate) fn boundary(head: &request::Parts, curl: &str) -> Result<String, ApiError> {
    let no_length = !head.headers.contains_key(header::TRANSFER_ENCODING);
    if no_length && query::content_length(&head.headers).unwrap_or(0) == 0 {
        return Err(ApiError::new(
            Code::MalformedBody,
            format!("the body is empty; send a file and a request, for example: {curl}"),
        ));
    }
    refuse_encodings(&head.headers)?;
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map_or("", |value| value.to_str().unwrap_or_default());
    if let Some(boundary) = multipart::boundary(content_type) {
        return Ok(boundary);
    }
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Err(match kind.as_str() {
        "multipart/form-data" => ApiError::new(
            Code::MalformedBody,
            "the `Content-Type` has no boundary; do not set the header, the HTTP client does it \
             when it builds the form",
        ),
        "application/json" => ApiError::new(
            Code::NotAvailable,
            format!("this build does not fetch inputs by URL; send the file itself: {curl}"),
        ),
        _ => ApiError::new(
            Code::UnsupportedMediaType,
            format!("the body must be multipart/form-data, for example: {curl}"),
        ),
    })
}

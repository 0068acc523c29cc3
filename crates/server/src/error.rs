//! Every error code of the API in one table, and the answer that carries one.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use imaging::Fault;
use jobs::job_store::StoreError;
use serde::Serialize;

macro_rules! codes {
    ($($variant:ident $name:literal $status:literal $title:literal $about:literal;)*) => {
        /// What went wrong, as a stable name that clients branch on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $about] $variant,)*
        }

        /// The table of codes, by status.
        pub static CODES: &[Code] = &[$(Code::$variant,)*];

        impl Code {
            /// The stable name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status it is sent with.
            pub fn status(self) -> StatusCode {
                let status: u16 = match self { $(Self::$variant => $status,)* };
                StatusCode::from_u16(status).expect("the table holds valid statuses")
            }

            /// A short name for people, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and what to do.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

codes! {
    MalformedBody "malformed_body" 400 "Malformed body"
        "The body is empty, ends early or is no valid multipart/form-data. Let the HTTP client \
         build the form.";
    MissingPart "missing_part" 400 "Missing part"
        "The form lacks a file part `files[]` or the text part `request`, or holds a part of \
         another name.";
    InvalidJson "invalid_json" 400 "Invalid JSON"
        "The `request` part is no valid JSON. The detail names the line and the column.";
    InvalidHeader "invalid_header" 400 "Invalid header"
        "A request header that steers the job, such as `Idempotency-Key`, has a value that \
         cannot be used.";
    OriginNotAllowed "origin_not_allowed" 403 "Origin not allowed"
        "A web page of an origin that the operator did not allow sent the request. See the \
         setting `allowed_origins`.";
    NotFound "not_found" 404 "Not found"
        "The server has no such path.";
    JobNotFound "job_not_found" 404 "Job not found"
        "There is no job of this id, or it ended so long ago that it was forgotten.";
    OutputNotFound "output_not_found" 404 "Output not found"
        "The job has no output of this id. The job lists those it has.";
    MethodNotAllowed "method_not_allowed" 405 "Method not allowed"
        "The path exists but not with this method. The `Allow` header lists those it has.";
    UploadTimeout "upload_timeout" 408 "Upload timed out"
        "The body stopped arriving, or arrived too slowly. Nothing was kept; send the request \
         again.";
    NotFinished "not_finished" 409 "Job not finished"
        "The job has not ended yet. Poll it, or wait with `?wait=60`.";
    NoResult "no_result" 409 "No result"
        "The job ended without files: it failed, was cancelled, or only had data to give.";
    IdempotencyInFlight "idempotency_in_flight" 409 "Idempotency key in flight"
        "Another request with this `Idempotency-Key` is still uploading. Try again when it has \
         been answered.";
    Expired "expired" 410 "Files expired"
        "The files of the job are gone: its time is over, or it was deleted.";
    TooLarge "too_large" 413 "Too large"
        "A file, the `request` document or the whole request has more bytes than the limit. See \
         `GET /v1/operations` for the limits.";
    PreconditionFailed "precondition_failed" 412 "Precondition failed"
        "The `If-Match` header names another file than the one that is stored here now.";
    UnsupportedMediaType "unsupported_media_type" 415 "Unsupported content type"
        "The request is not multipart/form-data.";
    UnsupportedFormat "unsupported_format" 415 "Unsupported format"
        "A file is empty, or not in a format that can be read, whatever its name says. See `GET \
         /v1/operations` for the formats.";
    InvalidInput "invalid_input" 415 "Unreadable file"
        "The header of a file is damaged, so that it cannot be read at all.";
    RangeNotSatisfiable "range_not_satisfiable" 416 "Range not satisfiable"
        "The `Range` header asks for bytes behind the end of the file.";
    HostNotAllowed "host_not_allowed" 421 "Host not allowed"
        "The `Host` header names a server that this is not. See the setting `allowed_hosts`.";
    InvalidRequest "invalid_request" 422 "Invalid request"
        "The request document or a query parameter breaks a rule. Each entry of `errors` points \
         at one fault.";
    LimitExceeded "limit_exceeded" 422 "Limit exceeded"
        "There are too many files, or a file has too many pixels, frames or scans. See `GET \
         /v1/operations` for the limits.";
    IdempotencyMismatch "idempotency_mismatch" 422 "Idempotency key reused"
        "The `Idempotency-Key` came before with another request document or other files. Use a \
         new key for a new job.";
    NotAvailable "not_available" 422 "Not available"
        "A part of the interface that this build does not serve yet, or that needs something \
         that is not installed.";
    InternalError "internal_error" 500 "Internal error"
        "A bug of ours or a broken machine. The `request_id` finds it in the log.";
    QueueFull "queue_full" 503 "Queue full"
        "Too many jobs wait. Nothing of the body was read; try again after `Retry-After` \
         seconds.";
    ShuttingDown "shutting_down" 503 "Shutting down"
        "The server is about to stop. Try again after `Retry-After` seconds.";
    DiskFull "disk_full" 507 "Disk full"
        "The disk has too little space left for another upload. The operator must make room.";
}

/// Seconds after which a client should try again when the server is busy.
const RETRY_AFTER_BUSY: HeaderValue = HeaderValue::from_static("10");

/// An answer that says what went wrong. The outermost layer writes it, with the request id.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) code: Code,
    pub(crate) detail: String,
    pub(crate) faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut headers = Vec::new();
        if code.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.push((header::RETRY_AFTER, RETRY_AFTER_BUSY));
        }
        Self { code, detail: detail.into(), faults: Vec::new(), headers }
    }

    /// A bug or a broken machine: the reason goes to the log, never to the client.
    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(%reason, "internal error");
        Self::new(Code::InternalError, "the server made a mistake; its log has the details")
    }

    /// One answer for one or more faults; a single one is told in the detail too.
    pub(crate) fn of_faults(code: Code, faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [only] => {
                let place = if only.pointer.is_empty() { "" } else { ": " };
                let hint = only.suggestion.as_ref();
                let hint =
                    hint.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                format!("{}{place}{}{hint}", only.pointer, only.message)
            }
            several => format!("the request has {} faults; `errors` lists them", several.len()),
        };
        Self::new(code, detail).with_faults(faults)
    }

    pub(crate) fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The problem document of RFC 9457.
    pub(crate) fn problem<'a>(&'a self, request_id: &'a str) -> Problem<'a> {
        Problem {
            kind: format!("/docs/errors#{}", self.code.name()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.name(),
            request_id,
            errors: &self.faults,
        }
    }
}

/// The problem document of RFC 9457 with our members.
#[derive(Debug, Serialize)]
pub(crate) struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    errors: &'a [Fault],
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::QueueFull { .. } => Self::new(Code::QueueFull, error.to_string()),
            StoreError::DiskFull => Self::new(Code::DiskFull, error.to_string()),
            StoreError::Database(_) => Self::internal(error),
        }
    }
}

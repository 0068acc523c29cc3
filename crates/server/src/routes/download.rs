//! Results: one file as it is, several as a ZIP archive, whole or in part.

use axum::body::Body;
use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jobs::Job;
use jobs::blobs::BlobError;
use jobs::job::{OutputFile, Status};
use sha2::{Digest, Sha256};

use crate::State;
use crate::archive;
use crate::byte_range::{Wanted, wanted};
use crate::error::{ApiError, Code};
use crate::idempotency::hex;
use crate::query::{etag_differs, etag_matches};
use crate::{disposition, wait};

/// `GET /v1/jobs/{id}/download`
pub(crate) async fn all(
    Extract(state): Extract<State>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let job = wait::job(&state, &id).await?;
    check_ended_well(&job)?;
    match job.outputs.as_slice() {
        [] => Err(ApiError::new(Code::NoResult, "the job has no files to give, only data")),
        [only] => send(&state, Source::file(only), &method, &headers).await,
        _ => send(&state, Source::archive(job), &method, &headers).await,
    }
}

/// `GET /v1/jobs/{id}/outputs/{output_id}`
pub(crate) async fn one(
    Extract(state): Extract<State>,
    Path((id, output_id)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let job = wait::job(&state, &id).await?;
    check_ended_well(&job)?;
    let plain = !output_id.is_empty() && output_id.bytes().all(|byte| byte.is_ascii_digit());
    let index = output_id.parse::<usize>().ok().filter(|_| plain);
    let Some(output) = index.and_then(|index| job.outputs.get(index)) else {
        let count = job.outputs.len();
        let detail = format!("there is no such output; they count from 0, and the job has {count}");
        return Err(ApiError::new(Code::OutputNotFound, detail));
    };
    send(&state, Source::file(output), &method, &headers).await
}

fn check_ended_well(job: &Job) -> Result<(), ApiError> {
    let error = |code, detail: String| Err(ApiError::new(code, detail));
    match job.status {
        Status::Queued | Status::Processing => {
            let status = job.status.as_str();
            let detail = format!("the job is {status}; poll `/v1/jobs/{}?wait=60`", job.id);
            error(Code::NotFinished, detail)
        }
        Status::Failed => {
            let why = job.error.as_ref().map_or("no reason is known", |error| &error.message);
            error(Code::NoResult, format!("the job failed: {why}"))
        }
        Status::Cancelled => error(Code::NoResult, "the job was cancelled".to_owned()),
        Status::Succeeded if job.expired => {
            let detail = "the files of the job are gone; post it again to have them again";
            error(Code::Expired, detail.to_owned())
        }
        Status::Succeeded => Ok(()),
    }
}

/// What is sent: it knows its length and digest before a byte is read.
struct Source {
    filename: String,
    mime_type: String,
    /// SHA-256 in lower-case hex.
    sha256: String,
    size_bytes: u64,
    content: Content,
}

enum Content {
    Blob(String),
    Archive(Box<archive::Source>),
}

impl Source {
    fn file(output: &OutputFile) -> Self {
        Self {
            filename: output.filename.clone(),
            mime_type: output.mime_type.clone(),
            sha256: output.sha256.clone(),
            size_bytes: output.size_bytes,
            content: Content::Blob(output.blob.clone()),
        }
    }

    fn archive(job: Job) -> Self {
        let mut hash = Sha256::new();
        for output in &job.outputs {
            hash.update(output.filename.as_bytes());
            hash.update([0]);
            hash.update(output.sha256.as_bytes());
        }
        let filename = format!("{}.zip", job.id);
        let source = archive::Source::new(job);
        Self {
            filename,
            mime_type: "application/zip".to_owned(),
            sha256: hex(&hash.finalize()),
            size_bytes: source.size_bytes(),
            content: Content::Archive(Box::new(source)),
        }
    }
}

async fn send(
    state: &State,
    source: Source,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let etag = format!("\"{}\"", source.sha256);
    let common = common_headers(&source, &etag);
    if etag_differs(headers.get(header::IF_MATCH), &etag) {
        let detail = format!("the file is {etag}");
        return Err(ApiError::new(Code::PreconditionFailed, detail));
    }
    if etag_matches(headers.get(header::IF_NONE_MATCH), &etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let length = source.size_bytes;
    let (status, start, end) = match range(headers, &etag, length) {
        Wanted::Whole => (StatusCode::OK, 0, length),
        Wanted::Part { start, end } => (StatusCode::PARTIAL_CONTENT, start, end),
        Wanted::Nothing => {
            let detail = format!("the file has {length} bytes");
            return Err(ApiError::new(Code::RangeNotSatisfiable, detail)
                .with_header(header::CONTENT_RANGE, value(&format!("bytes */{length}"))));
        }
    };
    let body = match source.content {
        // A HEAD needs no file opened.
        _ if method == Method::HEAD => Body::empty(),
        Content::Blob(blob) => {
            let range = (status == StatusCode::PARTIAL_CONTENT).then_some(start..end);
            let stream = state.parts.blobs.read(&blob, range).await.map_err(gone)?;
            Body::from_stream(stream)
        }
        Content::Archive(archive) => {
            Body::from_stream(archive.stream(state.parts.blobs.clone(), start..end))
        }
    };
    let mut response = (status, common, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    headers.insert(header::CONTENT_TYPE, value(&source.mime_type));
    headers.insert(header::CONTENT_DISPOSITION, value(&disposition::attachment(&source.filename)));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{length}", end - 1);
        headers.insert(header::CONTENT_RANGE, value(&range));
    }
    Ok(response)
}

fn common_headers(source: &Source, etag: &str) -> [(HeaderName, HeaderValue); 4] {
    // A result may be a document that runs scripts; it must not run them as a page of this server.
    let policy = match source.content {
        Content::Blob(_) => "default-src 'none'; sandbox",
        Content::Archive(_) => "default-src 'none'",
    };
    [
        (header::ETAG, value(etag)),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ]
}

/// The range that is asked for, unless it is meant for another state of the file.
fn range(headers: &HeaderMap, etag: &str, length: u64) -> Wanted {
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    range.filter(|_| same).map_or(Wanted::Whole, |range| wanted(range, length))
}

/// The row said the blob is there: it expired in between.
fn gone(error: BlobError) -> ApiError {
    match error {
        BlobError::NotFound(_) => ApiError::new(Code::Expired, "the file has just expired"),
        BlobError::DiskFull | BlobError::Failed(_) => ApiError::internal(error),
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

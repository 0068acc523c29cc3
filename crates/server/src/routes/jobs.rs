//! Jobs: read, list, cancel, delete.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use imaging::Fault;
use jobs::JobId;
use jobs::job::{Job, Status};
use jobs::job_store::Filter;
use serde::Serialize;

use crate::State;
use crate::catalog;
use crate::error::ApiError;
use crate::log::LoggedJob;
use crate::query::{self, Pairs};
use crate::wait;
use crate::wire::JobBody;

/// How many jobs a page of the list has when the request does not say, and at most.
const PAGE: (u32, u32) = (20, 100);

/// `GET /v1/jobs/{id}`
pub(crate) async fn read(
    Extract(state): Extract<State>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let pairs = Pairs::parse(query.as_deref());
    pairs.only(&["wait"])?;
    let job = match pairs.number("wait", 0..=u64::MAX)? {
        Some(seconds) if seconds > 0 => {
            wait::until_end(&state, &id, Duration::from_secs(seconds.min(60))).await?
        }
        Some(_) | None => wait::job(&state, &id).await?,
    };
    let etag = etag(&job);
    let known = query::etag_matches(headers.get(header::IF_NONE_MATCH), &etag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(JobBody::new(&job)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    if !job.status.is_terminal() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}

/// The row version: it rises with every visible change.
fn etag(job: &Job) -> String {
    format!("\"{}\"", job.version)
}

#[derive(Serialize)]
struct Page<'a> {
    jobs: Vec<JobBody<'a>>,
    next_cursor: Option<&'a str>,
}

/// `GET /v1/jobs`
pub(crate) async fn list(
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let pairs = Pairs::parse(query.as_deref());
    let filter = filter(&state, &pairs)?;
    let limit = filter.limit as usize;
    // One more than asked for tells whether there is another page.
    let mut jobs = state.parts.jobs.list(Filter { limit: filter.limit + 1, ..filter }).await?;
    let more = jobs.len() > limit;
    jobs.truncate(limit);
    let page = Page {
        jobs: jobs.iter().map(JobBody::new).collect(),
        next_cursor: jobs.last().filter(|_| more).map(|job| job.id.as_str()),
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Json(page)).into_response())
}

fn filter(state: &State, pairs: &Pairs) -> Result<Filter, ApiError> {
    pairs.only(&["client_reference_id", "cursor", "limit", "operation", "status"])?;
    let limit = pairs.number("limit", 1..=u64::from(PAGE.1))?.unwrap_or(u64::from(PAGE.0));
    Ok(Filter {
        status: pairs.get("status").map(status).transpose()?,
        operation: pairs.get("operation").map(|name| operation(state, name)).transpose()?,
        client_reference_id: pairs.get("client_reference_id").map(str::to_owned),
        before: pairs.get("cursor").map(cursor).transpose()?,
        limit: u32::try_from(limit).unwrap_or(PAGE.1),
    })
}

fn status(name: &str) -> Result<Status, ApiError> {
    serde_json::from_value(name.into()).map_err(|_| {
        let names = ["queued", "processing", "succeeded", "failed", "cancelled"];
        query::fault(Fault {
            suggestion: crate::names::nearest(name, names),
            ..Fault::invalid("/query/status", format!("expected one of {}", names.join(", ")))
        })
    })
}

fn operation(state: &State, name: &str) -> Result<String, ApiError> {
    let mut known: Vec<&str> = catalog::operations(&state.catalog).collect();
    known.push("pipeline");
    if known.contains(&name) || catalog::LATER.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(query::fault(Fault {
        suggestion: crate::names::nearest(name, known.iter().copied()),
        ..Fault::invalid("/query/operation", format!("expected one of {}", known.join(", ")))
    }))
}

fn cursor(text: &str) -> Result<JobId, ApiError> {
    JobId::parse(text).ok_or_else(|| {
        query::fault(Fault::invalid(
            "/query/cursor",
            "expected the `next_cursor` of the page before",
        ))
    })
}

/// `POST /v1/jobs/{id}/cancel`
pub(crate) async fn cancel(
    Extract(state): Extract<State>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = JobId::parse(&id).ok_or_else(|| wait::not_found(&id))?;
    let job = state.parts.jobs.cancel(&id).await?;
    let job = job.ok_or_else(|| wait::not_found(id.as_str()))?;
    Ok(Json(JobBody::new(&job)).into_response())
}

/// `DELETE /v1/jobs/{id}`
pub(crate) async fn remove(
    Extract(state): Extract<State>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = JobId::parse(&id).ok_or_else(|| wait::not_found(&id))?;
    if !state.parts.jobs.purge(&id).await? {
        return Err(wait::not_found(id.as_str()));
    }
    // What a worker may still write is an orphan, which the sweeper finds.
    if let Err(error) = state.parts.blobs.delete_job(&id).await {
        tracing::warn!(job = %id, %error, "files of a deleted job are left to the sweeper");
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The 202 of an accepted job, as it is now.
pub(crate) fn accepted(job: &Job) -> Response {
    let headers = [
        (header::LOCATION, crate::wire::poll_url(&job.id)),
        (header::RETRY_AFTER, "1".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let mut response = (StatusCode::ACCEPTED, headers, Json(JobBody::new(job))).into_response();
    response.extensions_mut().insert(LoggedJob(job.id.clone()));
    response
}

/// The 200 of a job that ended while its request waited.
pub(crate) fn finished(job: &Job) -> Response {
    let headers = [
        (header::LOCATION, crate::wire::poll_url(&job.id)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let mut response = (headers, Json(JobBody::new(job))).into_response();
    response.extensions_mut().insert(LoggedJob(job.id.clone()));
    response
}

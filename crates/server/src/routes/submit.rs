//! `POST /v1/pipeline` and every single operation: one way in for all.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, header, request};
use axum::response::{IntoResponse, Response};
use jobs::job_store::{Idempotency, NewJob, Submitted};
use jobs::{Job, JobId};

use crate::State;
use crate::error::{ApiError, Code};
use crate::idempotency::{self, Key, Taken};
use crate::judge::{Accepted, judge};
use crate::paced::paced;
use crate::query::prefer_wait;
use crate::routes::jobs::{accepted, finished};
use crate::upload::{self, Unsubmitted};
use crate::{admission, catalog, names, wait, wire};

/// `POST /v1/pipeline`
pub(crate) async fn pipeline(Extract(state): Extract<State>, request: Request) -> Response {
    create(&state, "pipeline", request).await
}

/// `POST /v1/{operation}`
pub(crate) async fn operation(
    Extract(state): Extract<State>,
    Path(operation): Path<String>,
    request: Request,
) -> Response {
    if catalog::operations(&state.catalog).any(|known| known == operation) {
        return create(&state, &operation, request).await;
    }
    close(unknown_operation(&state, &operation).into_response())
}

fn unknown_operation(state: &State, operation: &str) -> ApiError {
    let mut known: Vec<&str> = catalog::operations(&state.catalog).collect();
    known.push("pipeline");
    let list = known.join(", ");
    let operation: String = operation.chars().take(64).collect();
    if catalog::LATER.contains(&operation.as_str()) {
        let detail = format!("this build does not serve `{operation}` yet; it serves {list}");
        return ApiError::new(Code::NotAvailable, detail);
    }
    let hint = match names::nearest(&operation, known) {
        Some(name) => format!("; did you mean `/v1/{name}`?"),
        None => format!("; there are {list}"),
    };
    ApiError::new(Code::NotFound, format!("there is no operation `{operation}`{hint}"))
}

/// A request to make a job.
struct Submission<'a> {
    state: &'a State,
    operation: &'a str,
    head: request::Parts,
    id: JobId,
}

async fn create(state: &State, operation: &str, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let wait = prefer_wait(&head.headers);
    let submission = Submission { state, operation, head, id: JobId::new() };
    let blobs = Unsubmitted::new(&state.parts.blobs, &submission.id);
    let (job, key) = match submission.receive(body).await {
        Ok(received) => received,
        Err(error) => {
            blobs.discard().await;
            return close(error.into_response());
        }
    };
    match submit(state, job, blobs, key).await {
        Ok(Submitted::Accepted(job)) => {
            state.metrics.accepted();
            answer(state, job, wait).await.unwrap_or_else(IntoResponse::into_response)
        }
        Ok(Submitted::Replayed(job)) => {
            let answered = answer(state, wire::as_accepted(job), wait).await;
            let mut response = answered.unwrap_or_else(IntoResponse::into_response);
            let replayed = HeaderName::from_static("idempotency-replayed");
            response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
            response
        }
        Ok(Submitted::Mismatch) => {
            let detail = "this `Idempotency-Key` came before with another request document or \
                          other files; use a new key for a new job";
            ApiError::new(Code::IdempotencyMismatch, detail).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// Stores the row, and lets the blobs go when there is none. Runs to its end even when the client
/// goes away meanwhile: a row must not lose its blobs halfway.
async fn submit(
    state: &State,
    job: NewJob,
    blobs: Unsubmitted,
    key: Option<Taken>,
) -> Result<Submitted, ApiError> {
    let store = Arc::clone(&state.parts.jobs);
    let submitting = tokio::spawn(async move {
        let submitted = store.submit(job).await;
        match submitted {
            Ok(Submitted::Accepted(_)) => blobs.keep(),
            Ok(Submitted::Replayed(_) | Submitted::Mismatch) | Err(_) => blobs.discard().await,
        }
        drop(key);
        submitted
    });
    Ok(submitting.await.map_err(ApiError::internal)??)
}

/// What a refused request is answered with: its body may not have been read to the end.
pub(crate) fn close(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// 202 with the job, or 200 when it ends while the client wants to wait.
async fn answer(state: &State, job: Job, wait: Option<u64>) -> Result<Response, ApiError> {
    let Some(seconds) = wait else { return Ok(accepted(&job)) };
    let job = wait::until_end(state, job.id.as_str(), Duration::from_secs(seconds)).await?;
    let mut response = if job.status.is_terminal() { finished(&job) } else { accepted(&job) };
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={seconds}")) {
        response.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
    }
    Ok(response)
}

impl Submission<'_> {
    /// Everything up to the row: checks, upload, judgement.
    async fn receive(&self, body: Body) -> Result<(NewJob, Option<Taken>), ApiError> {
        let path = format!("/v1/{}", self.operation);
        let key = Key::of(&path, &self.head.headers)?;
        let taken = key.as_ref().map(|key| self.take(key)).transpose()?;
        admission::check(self.state, &self.head, key.as_ref()).await?;
        let host = crate::access::host(&self.head.uri, &self.head.headers).unwrap_or("localhost");
        let curl = catalog::curl(&self.state.catalog, self.operation, host);
        let boundary = admission::boundary(&self.head, &curl)?;
        let config = &self.state.parts.config;
        let body = paced(body, &config.upload, &config.timeouts);
        let upload = upload::receive(self.state, &self.id, body, &boundary).await?;
        let accepted = judge(self.state, self.operation, upload, &curl)?;
        Ok((self.new_job(accepted, key), taken))
    }

    fn take(&self, key: &Key) -> Result<Taken, ApiError> {
        self.state.in_flight.take(key).ok_or_else(|| {
            ApiError::new(
                Code::IdempotencyInFlight,
                "another request with this `Idempotency-Key` is still uploading",
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
        })
    }

    fn new_job(&self, accepted: Accepted, key: Option<Key>) -> NewJob {
        let idempotency = key.map(|Key { scope, key }| {
            let payload = idempotency::payload_sha256(&accepted.document, &accepted.inputs);
            Idempotency { scope, key, payload_sha256: payload }
        });
        NewJob {
            id: self.id.clone(),
            operation: self.operation.to_owned(),
            request: accepted.document,
            client_reference_id: accepted.envelope.client_reference_id,
            tool_slug: accepted.envelope.tool_slug,
            retention: accepted.retention,
            inputs: accepted.inputs,
            steps: accepted.steps,
            idempotency,
        }
    }
}

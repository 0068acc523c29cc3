//! `GET /v1/jobs/{id}/events`: every change of a job as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use jobs::JobId;
use tokio::sync::broadcast::Receiver;

use crate::State;
use crate::error::ApiError;
use crate::wait;
use crate::wire::JobBody;

/// How often a comment keeps the connection alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a stream goes by.
struct Watcher {
    state: State,
    id: JobId,
    changes: Receiver<JobId>,
    /// The version the client has seen.
    seen: Option<u64>,
    ended: bool,
}

/// Each event holds the whole job, and its version as id.
pub(crate) async fn stream(
    Extract(state): Extract<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Listen before looking: a change in between would otherwise be missed.
    let changes = state.parts.jobs.watch();
    let job = wait::job(&state, &id).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.trim().parse().ok());
    if job.status.is_terminal() && seen >= Some(job.version) {
        // This status is how an EventSource is told not to connect again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watcher = Watcher { state, id: job.id, changes, seen, ended: false };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("heartbeat");
    let mut response = Sse::new(events(watcher)).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold the events back.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    Ok(response)
}

fn events(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    stream::unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    })
}

impl Watcher {
    /// The next change that the client has not seen; none after the end, or when the server stops.
    async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            let job = wait::job(&self.state, self.id.as_str()).await.ok()?;
            self.ended = job.status.is_terminal();
            if self.seen.is_none_or(|seen| seen < job.version) {
                self.seen = Some(job.version);
                let event = Event::default().id(job.version.to_string());
                return event.json_data(JobBody::new(&job)).ok();
            }
            let draining = self.state.draining.clone();
            tokio::select! {
                () = wait::next_look(&mut self.changes, &self.id) => {}
                () = draining.cancelled() => return None,
            }
        }
        None
    }
}

//! Waiting for jobs to change.

use std::time::Duration;

use jobs::{Job, JobId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::State;
use crate::error::{ApiError, Code};

/// The longest a request is held.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

/// A job is looked at this often even when nothing is heard, as another process may change it.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The job of a path segment.
pub(crate) async fn job(state: &State, id: &str) -> Result<Job, ApiError> {
    let known = match JobId::parse(id) {
        Some(id) => state.parts.jobs.get(&id).await?,
        None => None,
    };
    known.ok_or_else(|| not_found(id))
}

/// There is no such job.
pub(crate) fn not_found(id: &str) -> ApiError {
    let id: String = id.chars().take(64).collect();
    ApiError::new(
        Code::JobNotFound,
        format!("there is no job `{id}`; jobs are forgotten 7 days after their files expire"),
    )
}

/// The job once it has ended, or as it is when the time is up or the server stops.
pub(crate) async fn until_end(
    state: &State,
    id: &str,
    patience: Duration,
) -> Result<Job, ApiError> {
    let deadline = Instant::now() + patience.min(WAIT_MAX);
    // Listen before looking: a change in between would otherwise be missed.
    let mut changes = state.parts.jobs.watch();
    loop {
        let job = job(state, id).await?;
        if job.status.is_terminal() || Instant::now() >= deadline {
            return Ok(job);
        }
        let until = deadline.min(Instant::now() + LOOK_EVERY);
        tokio::select! {
            () = changed(&mut changes, &job.id) => {}
            () = tokio::time::sleep_until(until) => {}
            () = state.draining.cancelled() => return Ok(job),
        }
    }
}

/// Returns when a job has changed, or may have.
pub(crate) async fn changed(changes: &mut Receiver<JobId>, id: &JobId) {
    loop {
        match changes.recv().await {
            Ok(other) if other != *id => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            // The store is gone; whoever waits finds out at the next look.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The next change of a job, at the latest when it is time to look again.
pub(crate) async fn next_look(changes: &mut Receiver<JobId>, id: &JobId) {
    let _ = tokio::time::timeout(LOOK_EVERY, changed(changes, id)).await;
}

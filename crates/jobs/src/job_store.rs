//! Where job rows live. One trait, one conformance suite, one implementation a database.

pub mod conformance;
pub mod memory;
mod record;
pub mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::job::{
    InputFile, Job, JobError, JobId, OutputFile, Retention, Status, StepData, StepState, Warning,
};

/// A job that asks to be stored.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its name, chosen before the upload so that blobs can bear it.
    pub id: JobId,
    /// `pipeline`, or the single operation it was posted to.
    pub operation: String,
    /// The request document.
    pub request: serde_json::Value,
    /// Echoed.
    pub client_reference_id: Option<String>,
    /// Echoed.
    pub tool_slug: Option<String>,
    /// What was granted.
    pub retention: Retention,
    /// The files, already durable.
    pub inputs: Vec<InputFile>,
    /// The operations of its steps.
    pub steps: Vec<String>,
    /// Replays the first job that had the same scope and key.
    pub idempotency: Option<Idempotency>,
}

/// An `Idempotency-Key` and what it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// API key and path: the same key elsewhere is another key.
    pub scope: String,
    /// As the client sent it.
    pub key: String,
    /// SHA-256 of the request document and the digests of the files.
    pub payload_sha256: String,
}

/// What became of a submission.
#[derive(Debug)]
pub enum Submitted {
    /// A new job, durable.
    Accepted(Job),
    /// The same key and payload came before: that job, as it was when it was accepted.
    Replayed(Job),
    /// The same key came before with another payload.
    Mismatch,
}

/// The right to work on a job until the lease ends. Ended by value: a claim ends once.
#[derive(Debug)]
pub struct Claim {
    /// The job as claimed.
    pub job: Job,
    /// Proves the claim; new with every claim.
    pub token: String,
}

/// Progress to record with a heartbeat.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// 0 to 100 over all files.
    pub percent: u8,
    /// The steps, or `None` when nothing changed.
    pub steps: Option<Vec<StepState>>,
}

/// What a heartbeat brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Go on.
    Continue,
    /// Someone asked to cancel.
    Cancel,
}

/// How a claim ends.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// With results.
    Succeeded {
        /// The files; their blobs are durable.
        outputs: Vec<OutputFile>,
        /// What the caller should know.
        warnings: Vec<Warning>,
        /// Data of steps, as `(input_index, data)`.
        data: Vec<(usize, StepData)>,
        /// The steps as they ended.
        steps: Vec<StepState>,
    },
    /// For good: the same input would fail again.
    Failed {
        /// Why.
        error: JobError,
        /// Why each of several files failed.
        warnings: Vec<Warning>,
        /// The steps as they ended.
        steps: Vec<StepState>,
    },
    /// The runner crashed, hung or ran out of memory. Counts as an attempt; the last one fails the
    /// job with this error.
    Crashed {
        /// What it would fail with.
        error: JobError,
    },
    /// Someone asked.
    Cancelled,
    /// Not begun or not ended because the worker drains: given back, no attempt used.
    HandedBack,
}

/// A job store cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The queue holds as many jobs as it may.
    #[error("the queue is full: {queued} jobs wait")]
    QueueFull {
        /// Jobs that wait.
        queued: u64,
    },
    /// The disk is full.
    #[error("no space left for the job database")]
    DiskFull,
    /// Anything else.
    #[error("the job database failed: {0}")]
    Database(String),
}

/// The lease ended, or the job did: whatever was done is void.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another worker may hold the job.
    #[error("the lease on the job was lost")]
    LeaseLost,
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<Status>,
    /// Only of this operation.
    pub operation: Option<String>,
    /// Only with this reference.
    pub client_reference_id: Option<String>,
    /// Only older than this job (the last of the page before).
    pub before: Option<JobId>,
    /// At most so many.
    pub limit: u32,
}

/// What a sweep found. Its blobs are to be deleted by the caller.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that had run out and were taken back.
    pub leases_lost: u64,
    /// Jobs whose files are to go: their rows already say `expired`.
    pub expired: Vec<JobId>,
    /// Rows deleted for good.
    pub forgotten: u64,
}

/// How many jobs there are, for probes and metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Waiting.
    pub queued: u64,
    /// Running.
    pub processing: u64,
    /// When the waiting job that is next in line was accepted.
    pub oldest_queued_at: Option<Timestamp>,
}

/// Where job rows live. Every change of status is a compare-and-set on the claim token.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Stores a job; durable when it returns.
    async fn submit(&self, job: NewJob) -> Result<Submitted, StoreError>;
    /// Waits for a job that is ready and claims it.
    async fn claim(&self, worker: &str, lease: Duration) -> Result<Claim, StoreError>;
    /// Renews the lease, records progress, and says whether someone asked to cancel.
    async fn heartbeat(
        &self,
        claim: &Claim,
        progress: Progress,
        lease: Duration,
    ) -> Result<Signal, ClaimError>;
    /// Ends the claim; durable when it returns. The only place where a job ends from `processing`.
    async fn finish(&self, claim: Claim, outcome: Outcome) -> Result<(), ClaimError>;
    /// Asks to cancel: a queued job ends at once, a running one when its worker hears of it. The
    /// job as it is then, or `None` when there is none.
    async fn cancel(&self, id: &JobId) -> Result<Option<Job>, StoreError>;
    /// Cancels, and marks the files as expired now. `false` when there is no such job.
    async fn purge(&self, id: &JobId) -> Result<bool, StoreError>;
    /// The job, in every status.
    async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError>;
    /// Jobs, newest first.
    async fn list(&self, filter: Filter) -> Result<Vec<Job>, StoreError>;
    /// The job that was accepted under this scope and key, if any, with its payload digest.
    async fn find_idempotent(
        &self,
        scope: &str,
        key: &str,
    ) -> Result<Option<(Job, String)>, StoreError>;
    /// Hears of changes: yields the id of every job that changed. Lagging receivers must read
    /// again.
    fn watch(&self) -> tokio::sync::broadcast::Receiver<JobId>;
    /// Takes back lost leases, expires results, forgets old rows.
    async fn sweep(&self) -> Result<Swept, StoreError>;
    /// How many jobs there are.
    async fn counts(&self) -> Result<Counts, StoreError>;
}

//! A job as data, and the one function in which its status changes.

mod transition;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use imaging::run::{StepData, Warning};
pub use transition::{Change, NotAllowed};

/// The name of a job: `job_` and a UUID version 7 without dashes, so that names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// A new name, later than every name before it on this machine.
    #[expect(clippy::new_without_default, reason = "every call makes another name")]
    pub fn new() -> Self {
        Self(format!("job_{}", uuid::Uuid::now_v7().simple()))
    }

    /// A name that came from outside, or `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("job_")?;
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (rest.len() == 32 && rest.bytes().all(lower_hex)).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the name was made, in milliseconds since 1970: the first 48 bits of the UUID.
    pub fn created_ms(&self) -> i64 {
        i64::from_str_radix(&self.0[4..16], 16).expect("a parsed name is 32 hex digits")
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; waits for a runner.
    Queued,
    /// A worker holds a lease on it.
    Processing,
    /// Ended with results.
    Succeeded,
    /// Ended without.
    Failed,
    /// Ended because someone asked.
    Cancelled,
}

impl Status {
    /// Its name on the wire and in databases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Queued, Self::Processing, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// Whether it never changes again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A job, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// `pipeline`, or the single operation it was posted to.
    pub operation: String,
    /// The request document as it came: the plan is parsed from it again where it runs.
    pub request: Value,
    /// Echoed.
    pub client_reference_id: Option<String>,
    /// Echoed.
    pub tool_slug: Option<String>,
    /// Where it is in its life.
    pub status: Status,
    /// When its row became durable.
    pub created_at: Timestamp,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When its files go.
    pub expires_at: Timestamp,
    /// Its files are gone.
    pub expired: bool,
    /// What was asked and granted.
    pub retention: Retention,
    /// The files that came in.
    pub inputs: Vec<InputFile>,
    /// The results: visible if and only if the job succeeded.
    pub outputs: Vec<OutputFile>,
    /// One entry a step, in order.
    pub steps: Vec<StepState>,
    /// 0 to 100.
    pub progress: u8,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// Data of steps, as `(input_index, data)`.
    pub data: Vec<(usize, StepData)>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// How often a worker has begun it (attempts handed back on drain do not count).
    pub attempt: u32,
    /// How often its runner crashed.
    pub crashes: u32,
    /// How often the server or machine went away under it.
    pub interruptions: u32,
    /// Someone asked to cancel it.
    pub cancel_requested: bool,
    /// Rises with every visible change: `ETag` and event id.
    pub version: u64,
}

/// How long results are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Hours from creation.
    pub ttl_hours: u32,
    /// Whether an over-long time was to be cut.
    pub clamp: bool,
}

/// A file that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name as given, without folders.
    pub filename: String,
    /// Short format name, from its bytes.
    pub format: String,
    /// Media type.
    pub mime_type: String,
    /// Its length.
    pub size_bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// Where the blob is.
    pub blob: String,
}

/// A file that goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Its name.
    pub filename: String,
    /// Short format name.
    pub format: String,
    /// Media type.
    pub mime_type: String,
    /// Its length.
    pub size_bytes: u64,
    /// SHA-256 in lower-case hex: the `ETag` of its download.
    pub sha256: String,
    /// Where the blob is.
    pub blob: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Lossy encodes on the way from the input: 0 or 1.
    pub encode_generations: u32,
    /// The input it was made from.
    pub input_index: usize,
}

/// Where a step is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    /// Its operation.
    pub operation: String,
    /// Where it is.
    pub status: StepStatus,
    /// 0 to 100.
    pub progress: u8,
    /// When it first began.
    pub started_at: Option<Timestamp>,
    /// When it ended on the last file.
    pub finished_at: Option<Timestamp>,
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun.
    Processing,
    /// Done.
    Succeeded,
    /// Stopped the job.
    Failed,
    /// Never begun, as the job ended before.
    Skipped,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// Stable name.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The step it happened in.
    pub step_index: Option<usize>,
}

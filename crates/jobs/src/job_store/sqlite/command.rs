//! What the writer is asked to do, and how it answers.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::job::{Job, JobId};
use crate::job_store::{
    Claim, ClaimError, NewJob, Outcome, Progress, Signal, StoreError, Submitted, Swept,
};

pub(super) type Reply<T, E = StoreError> = oneshot::Sender<Result<T, E>>;

pub(super) enum Command {
    Submit {
        job: Box<NewJob>,
        reply: Reply<Submitted>,
    },
    Claim(Waiting),
    Heartbeat(Heartbeat),
    Finish {
        id: JobId,
        token: String,
        outcome: Outcome,
        reply: Reply<(), ClaimError>,
    },
    /// A claim that nobody received.
    Undelivered {
        id: JobId,
        token: String,
    },
    Cancel {
        id: JobId,
        reply: Reply<Option<Job>>,
    },
    Purge {
        id: JobId,
        reply: Reply<bool>,
    },
    Sweep {
        reply: Reply<Swept>,
    },
    Close,
}

/// A worker that waits for a job.
pub(super) struct Waiting {
    pub(super) worker: String,
    pub(super) lease: Duration,
    pub(super) reply: Reply<Delivery>,
}

pub(super) struct Heartbeat {
    pub(super) id: JobId,
    pub(super) token: String,
    pub(super) progress: Progress,
    pub(super) lease: Duration,
    pub(super) reply: Reply<Signal, ClaimError>,
}

impl Command {
    /// Whether a caller acts on the answer as on something that outlives a power cut.
    ///
    /// A claim or a heartbeat that is lost with the machine costs nothing: the worker is lost with
    /// it, the job is still queued and begins again. A submission, an end, a cancellation or a
    /// deletion that was acknowledged must be found again.
    pub(super) fn is_durable(&self) -> bool {
        match self {
            Self::Submit { .. }
            | Self::Finish { .. }
            | Self::Cancel { .. }
            | Self::Purge { .. }
            | Self::Sweep { .. } => true,
            Self::Claim(_) | Self::Heartbeat(_) | Self::Undelivered { .. } | Self::Close => false,
        }
    }
}

/// A claim on its way to the worker. When the worker has stopped waiting, wherever the claim is by
/// then, dropping it gives the job back.
pub(super) struct Delivery {
    claim: Option<Claim>,
    writer: mpsc::Sender<Command>,
}

impl Delivery {
    pub(super) fn new(claim: Claim, writer: mpsc::Sender<Command>) -> Self {
        Self { claim: Some(claim), writer }
    }

    pub(super) fn accept(mut self) -> Claim {
        self.claim.take().expect("taken only here, and this takes the delivery")
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(Claim { job, token }) = self.claim.take() {
            // A writer that is gone has closed the store; the next opening takes the job back.
            let _ = self.writer.send(Command::Undelivered { id: job.id, token });
        }
    }
}

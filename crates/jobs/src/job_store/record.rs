//! What every store keeps of a job, and the decisions that must not differ between databases.

use std::time::Duration;

use jiff::Timestamp;

use super::{ClaimError, Counts, Idempotency, NewJob, Outcome, Progress, Signal, Submitted};
use crate::clock::from_ms;
use crate::config::Rules;
use crate::job::{Change, Job, Status};

/// A job with what only stores know of it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) job: Job,
    /// When it may next be claimed, in milliseconds.
    pub(crate) run_at: i64,
    pub(crate) lease: Option<Lease>,
    pub(crate) idempotency: Option<Idempotency>,
    /// A sweep has told the caller to delete its files.
    pub(crate) swept: bool,
}

/// Who works on a job, and until when.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub(crate) token: String,
    pub(crate) worker: String,
    pub(crate) until: i64,
}

impl Record {
    pub(crate) fn new(mut new: NewJob, now: i64) -> Self {
        let idempotency = new.idempotency.take();
        let job = Job::accepted(new, from_ms(now));
        Self { job, run_at: now, lease: None, idempotency, swept: false }
    }

    /// Gives a waiting job to a worker; the token of the claim.
    pub(crate) fn claim(
        &mut self,
        worker: &str,
        now: i64,
        lease: Duration,
        rules: &Rules,
    ) -> String {
        self.job
            .transition(Change::Claimed, from_ms(now), rules)
            .expect("only waiting jobs are chosen");
        let token = uuid::Uuid::now_v7().simple().to_string();
        let until = now + millis(lease);
        self.lease = Some(Lease { token: token.clone(), worker: worker.to_owned(), until });
        token
    }

    /// Renews the lease. Also says whether anything visible changed.
    pub(crate) fn heartbeat(
        &mut self,
        token: &str,
        progress: Progress,
        until: i64,
    ) -> Result<(Signal, bool), ClaimError> {
        self.check(token)?;
        if let Some(lease) = &mut self.lease {
            lease.until = until;
        }
        let job = &mut self.job;
        let steps_changed = progress.steps.is_some_and(|steps| {
            let changed = steps != job.steps;
            job.steps = steps;
            changed
        });
        // A job is at 100 when its end is durable, not before.
        let percent = progress.percent.min(99).max(job.progress);
        let changed = std::mem::replace(&mut job.progress, percent) != percent || steps_changed;
        job.version += u64::from(changed);
        let signal = if job.cancel_requested { Signal::Cancel } else { Signal::Continue };
        Ok((signal, changed))
    }

    /// Ends the claim that has this token.
    pub(crate) fn finish(
        &mut self,
        token: &str,
        outcome: Outcome,
        now: i64,
        rules: &Rules,
    ) -> Result<(), ClaimError> {
        self.check(token)?;
        let crashed = matches!(outcome, Outcome::Crashed { .. });
        self.job
            .transition(Change::Ended(outcome), from_ms(now), rules)
            .map_err(|_| ClaimError::LeaseLost)?;
        self.lease = None;
        if crashed && self.job.status == Status::Queued {
            let doublings = self.job.crashes.saturating_sub(1).min(6);
            self.run_at = now + millis(rules.crash_backoff * 2_u32.pow(doublings));
        }
        Ok(())
    }

    /// Takes the job back from a worker that is gone.
    pub(crate) fn interrupt(&mut self, now: i64, rules: &Rules) -> bool {
        self.lease = None;
        self.change(Change::Interrupted, now, rules)
    }

    /// Applies a change that needs no claim. Says whether anything visible changed.
    pub(crate) fn change(&mut self, change: Change, now: i64, rules: &Rules) -> bool {
        self.job.transition(change, from_ms(now), rules).unwrap_or(false)
    }

    /// Whether a sweep is to have its files deleted.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        let over = self.job.expired || self.job.expires_at.as_millisecond() <= now;
        self.job.status.is_terminal() && !self.swept && over
    }

    /// Whether even its row has had its time.
    pub(crate) fn is_forgettable(&self, now: i64, rules: &Rules) -> bool {
        self.swept && self.job.expires_at.as_millisecond() + millis(rules.forget_after) <= now
    }

    /// Answers a submission with the same idempotency key as the one that made this record.
    pub(crate) fn replay(&self, payload_sha256: &str) -> Submitted {
        match &self.idempotency {
            Some(first) if first.payload_sha256 == payload_sha256 => {
                Submitted::Replayed(self.job.as_accepted())
            }
            _ => Submitted::Mismatch,
        }
    }

    /// Whether it may be what takes the machine down.
    pub(crate) fn is_suspect(&self, rules: &Rules) -> bool {
        self.job.interruptions >= rules.suspect_after_interruptions
    }

    fn check(&self, token: &str) -> Result<(), ClaimError> {
        let held = self.lease.as_ref().is_some_and(|lease| lease.token == token);
        if held && self.job.status == Status::Processing {
            Ok(())
        } else {
            Err(ClaimError::LeaseLost)
        }
    }
}

/// How many records there are in the states that matter to the queue.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) queued: u64,
    pub(crate) processing: u64,
    /// Suspects among those that run.
    pub(crate) suspects: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, record: &Record, rules: &Rules) {
        match record.job.status {
            Status::Queued => self.queued += 1,
            Status::Processing => {
                self.processing += 1;
                self.suspects += u64::from(record.is_suspect(rules));
            }
            Status::Succeeded | Status::Failed | Status::Cancelled => {}
        }
    }

    pub(crate) fn remove(&mut self, record: &Record, rules: &Rules) {
        match record.job.status {
            Status::Queued => self.queued -= 1,
            Status::Processing => {
                self.processing -= 1;
                self.suspects -= u64::from(record.is_suspect(rules));
            }
            Status::Succeeded | Status::Failed | Status::Cancelled => {}
        }
    }

    /// Whether the job that is next in line may begin. A suspect waits until it can run alone, and
    /// nothing begins beside it.
    pub(crate) fn allows(&self, next: &Record, rules: &Rules) -> bool {
        self.suspects == 0 && (self.processing == 0 || !next.is_suspect(rules))
    }

    pub(crate) fn counts(&self, next_created_at: Option<Timestamp>) -> Counts {
        Counts {
            queued: self.queued,
            processing: self.processing,
            oldest_queued_at: next_created_at,
        }
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

//! The one function in which the status of a job changes.

use std::time::Duration;

use jiff::Timestamp;

use super::{Job, JobError, Status, StepState, StepStatus};
use crate::config::Rules;
use crate::job_store::{NewJob, Outcome};

/// Something that happens to a job.
#[derive(Debug, Clone)]
pub enum Change {
    /// A worker begins it.
    Claimed,
    /// Its worker ends it or gives it back.
    Ended(Outcome),
    /// Its server or machine went away.
    Interrupted,
    /// Someone asks to cancel it.
    CancelAsked,
    /// Someone asks to cancel it and to delete its files.
    Purged,
    /// Its files have had their time.
    Expired,
}

/// The job is in a status in which that cannot happen. Nothing was changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {} job cannot be {change}", from.as_str())]
pub struct NotAllowed {
    from: Status,
    change: &'static str,
}

impl Job {
    /// A job as it is accepted.
    pub fn accepted(new: NewJob, at: Timestamp) -> Self {
        let steps = new.steps.into_iter().map(StepState::pending).collect();
        Self {
            id: new.id,
            operation: new.operation,
            request: new.request,
            client_reference_id: new.client_reference_id,
            tool_slug: new.tool_slug,
            status: Status::Queued,
            created_at: at,
            started_at: None,
            finished_at: None,
            expires_at: at + hours(new.retention.ttl_hours),
            expired: false,
            retention: new.retention,
            inputs: new.inputs,
            outputs: Vec::new(),
            steps,
            progress: 0,
            warnings: Vec::new(),
            data: Vec::new(),
            error: None,
            attempt: 0,
            crashes: 0,
            interruptions: 0,
            cancel_requested: false,
            version: 1,
        }
    }

    /// The job as it was when it was accepted: what a repeated submission is answered with.
    #[must_use]
    pub fn as_accepted(&self) -> Self {
        let new = NewJob {
            id: self.id.clone(),
            operation: self.operation.clone(),
            request: self.request.clone(),
            client_reference_id: self.client_reference_id.clone(),
            tool_slug: self.tool_slug.clone(),
            retention: self.retention,
            inputs: self.inputs.clone(),
            steps: self.steps.iter().map(|step| step.operation.clone()).collect(),
            idempotency: None,
        };
        Self::accepted(new, self.created_at)
    }

    /// Changes the status; nothing else in the project does. A job that succeeded, failed or was
    /// cancelled keeps that status for ever. Returns whether anything visible changed.
    pub fn transition(
        &mut self,
        change: Change,
        at: Timestamp,
        rules: &Rules,
    ) -> Result<bool, NotAllowed> {
        let changed = match (self.status, change) {
            (Status::Queued, Change::Claimed) => {
                self.status = Status::Processing;
                self.started_at.get_or_insert(at);
                self.attempt += 1;
                true
            }
            (Status::Processing, Change::Ended(outcome)) => {
                self.end_claim(outcome, at, rules);
                true
            }
            (Status::Processing, Change::Interrupted) => {
                self.interrupt(at, rules);
                true
            }
            (Status::Queued, Change::CancelAsked) => {
                self.cancel_requested = true;
                self.end(Status::Cancelled, at, rules);
                true
            }
            (Status::Processing, Change::CancelAsked) => {
                !std::mem::replace(&mut self.cancel_requested, true)
            }
            (_, Change::CancelAsked) => false,
            (status, Change::Purged) => {
                if status == Status::Queued {
                    self.cancel_requested = true;
                    self.end(Status::Cancelled, at, rules);
                }
                self.cancel_requested |= status == Status::Processing;
                self.expires_at = self.expires_at.min(at);
                !std::mem::replace(&mut self.expired, true)
            }
            (status, Change::Expired) if status.is_terminal() => {
                !std::mem::replace(&mut self.expired, true)
            }
            (from, change) => return Err(NotAllowed { from, change: change.name() }),
        };
        self.version += u64::from(changed);
        Ok(changed)
    }

    fn end_claim(&mut self, outcome: Outcome, at: Timestamp, rules: &Rules) {
        match outcome {
            // Its files are to go: results that nobody may see are no success.
            Outcome::Succeeded { .. } if self.expired => self.end(Status::Cancelled, at, rules),
            Outcome::Succeeded { outputs, warnings, data, steps } => {
                self.steps = steps;
                self.outputs = outputs;
                self.warnings = warnings;
                self.data = data;
                self.end(Status::Succeeded, at, rules);
            }
            Outcome::Failed { .. } | Outcome::Crashed { .. } if self.cancel_requested => {
                self.end(Status::Cancelled, at, rules);
            }
            Outcome::Failed { error, warnings, steps } => {
                self.steps = steps;
                self.warnings = warnings;
                self.error = Some(error);
                self.end(Status::Failed, at, rules);
            }
            Outcome::Crashed { error } => {
                self.crashes += 1;
                if self.attempt >= rules.attempts_max {
                    self.error = Some(error);
                    self.end(Status::Failed, at, rules);
                } else {
                    self.requeue();
                }
            }
            Outcome::Cancelled => self.end(Status::Cancelled, at, rules),
            Outcome::HandedBack => {
                self.attempt = self.attempt.saturating_sub(1);
                self.requeue_unless_cancelled(at, rules);
            }
        }
    }

    fn interrupt(&mut self, at: Timestamp, rules: &Rules) {
        self.interruptions += 1;
        self.attempt = self.attempt.saturating_sub(1);
        if self.interruptions > rules.interruptions_max {
            let times = self.interruptions;
            self.error = Some(JobError {
                code: "interrupted".into(),
                message: format!("the server went away {times} times while this job ran"),
                step_index: None,
            });
            self.end(Status::Failed, at, rules);
        } else {
            self.requeue_unless_cancelled(at, rules);
        }
    }

    fn requeue_unless_cancelled(&mut self, at: Timestamp, rules: &Rules) {
        if self.cancel_requested {
            self.end(Status::Cancelled, at, rules);
        } else {
            self.requeue();
        }
    }

    fn requeue(&mut self) {
        self.status = Status::Queued;
        self.progress = 0;
        for step in &mut self.steps {
            *step = StepState::pending(std::mem::take(&mut step.operation));
        }
    }

    fn end(&mut self, status: Status, at: Timestamp, rules: &Rules) {
        self.status = status;
        self.finished_at = Some(at);
        if !self.expired {
            self.expires_at = self.expires_at.max(at + rules.results_min);
        }
        match status {
            Status::Succeeded => self.close_succeeded(at),
            Status::Failed | Status::Cancelled => self.close_unfinished(at),
            Status::Queued | Status::Processing => unreachable!("not an end"),
        }
    }

    fn close_succeeded(&mut self, at: Timestamp) {
        self.progress = 100;
        for step in &mut self.steps {
            step.status = StepStatus::Succeeded;
            step.progress = 100;
            step.started_at.get_or_insert(at);
            step.finished_at.get_or_insert(at);
        }
    }

    /// The step that stopped the job is failed (cancelled jobs have none), those after it are
    /// skipped.
    fn close_unfinished(&mut self, at: Timestamp) {
        let failed = self.error.as_ref().map(|error| {
            let unfinished = |step: &StepState| step.status != StepStatus::Succeeded;
            error.step_index.or_else(|| self.steps.iter().position(unfinished)).unwrap_or(0)
        });
        for (index, step) in self.steps.iter_mut().enumerate() {
            if failed == Some(index) {
                step.status = StepStatus::Failed;
                step.started_at.get_or_insert(at);
                step.finished_at = Some(at);
            } else if failed.is_some_and(|failed| index < failed) {
                step.status = StepStatus::Succeeded;
                step.progress = 100;
                step.started_at.get_or_insert(at);
                step.finished_at.get_or_insert(at);
            } else if failed.is_some() || step.status != StepStatus::Succeeded {
                step.status = StepStatus::Skipped;
                step.finished_at = step.started_at.map(|_| at);
            }
        }
    }
}

impl StepState {
    /// A step that has not begun.
    pub fn pending(operation: String) -> Self {
        Self {
            operation,
            status: StepStatus::Pending,
            progress: 0,
            started_at: None,
            finished_at: None,
        }
    }
}

impl Change {
    fn name(&self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Ended(_) => "ended",
            Self::Interrupted => "interrupted",
            Self::CancelAsked => "cancelled",
            Self::Purged => "purged",
            Self::Expired => "expired",
        }
    }
}

fn hours(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * 3600)
}

#[cfg(test)]
mod tests;

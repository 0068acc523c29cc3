//! What every job store must do. Each implementation runs this one suite from its own tests:
//! `jobs::conformance!(open)`, where `open` makes an empty store of given rules and clock.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Claim, JobStore, NewJob, Outcome, Submitted};
use crate::clock::{Clock, ManualClock};
use crate::config::Rules;
use crate::job::{InputFile, Job, JobError, JobId, OutputFile, Retention, StepData, Warning};

/// Writes one test for each case of the suite. `$open` is an [`Open`].
#[macro_export]
macro_rules! conformance {
    ($open:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::job_store::conformance::$case(
                    &$crate::job_store::conformance::Bench::new($open)
                ).await;
            }
        )*
    };
    ($open:expr) => {
        $crate::conformance! { $open;
            a_job_goes_through_its_life
            what_is_stored_is_read_back_whole
            jobs_are_claimed_in_order_and_each_once
            a_waiting_claim_is_served_by_the_submission
            an_abandoned_claim_loses_no_job
            the_same_key_and_payload_replays_the_first_answer
            the_same_key_with_another_payload_is_a_mismatch
            a_key_is_found_with_its_digest
            a_full_queue_refuses_and_recovers
            a_heartbeat_renews_the_lease_and_records_progress
            a_lost_lease_goes_to_another_worker_and_the_first_cannot_write
            a_claim_that_was_ended_cannot_be_ended_again
            a_crash_waits_and_counts_and_the_third_fails_the_job
            a_job_handed_back_is_claimed_again_at_once
            a_suspect_runs_alone
            cancelling_a_waiting_job_ends_it
            cancelling_a_running_job_reaches_its_worker
            cancelling_twice_or_too_late_changes_nothing
            purging_ends_and_expires
            purging_a_running_job_hides_its_results
            results_expire_and_rows_are_forgotten
            lists_are_filtered_and_paged
            changes_are_heard
            counts_follow_the_queue
            many_workers_share_many_jobs
            racing_ends_leave_one
        }
    };
}

const LEASE: Duration = Duration::from_secs(30);

/// Opens an empty store.
pub type Open = Box<dyn Fn(Rules, Clock) -> Arc<dyn JobStore> + Send + Sync>;

/// Makes stores for the cases.
pub struct Bench {
    open: Open,
    clock: Clock,
    time: ManualClock,
}

impl Bench {
    /// A bench that opens stores with this function.
    pub fn new(open: Open) -> Self {
        let (clock, time) = Clock::manual(1_800_000_000_000);
        Self { open, clock, time }
    }

    fn open(&self) -> Arc<dyn JobStore> {
        (self.open)(Rules::default(), self.clock.clone())
    }

    fn pass(&self, duration: Duration) {
        self.time.advance(duration);
    }
}

/// A new job with one input and two steps.
pub fn new_job() -> NewJob {
    let id = JobId::new();
    let input = InputFile {
        filename: "käse.png".into(),
        format: "png".into(),
        mime_type: "image/png".into(),
        size_bytes: 7,
        sha256: "ab".repeat(32),
        blob: format!("jobs/{id}/inputs/0"),
    };
    NewJob {
        id,
        operation: "pipeline".into(),
        request: json!({"steps": [{"b": 1, "a": [1.5, null, "\u{0}'\""]}], "tool_slug": "x"}),
        client_reference_id: None,
        tool_slug: None,
        retention: Retention { ttl_hours: 24, clamp: true },
        inputs: vec![input],
        steps: vec!["transform".into(), "optimize".into()],
        idempotency: None,
    }
}

async fn submit(store: &dyn JobStore, job: NewJob) -> Job {
    match store.submit(job).await.expect("the store takes jobs") {
        Submitted::Accepted(job) => job,
        other => panic!("not accepted: {other:?}"),
    }
}

async fn claim(store: &dyn JobStore) -> Claim {
    let claim = store.claim("worker", LEASE);
    let claim = tokio::time::timeout(Duration::from_secs(20), claim).await;
    claim.expect("a job is ready").expect("the store works")
}

/// Whether a claim stays open when everything that is under way has been done.
async fn nothing_to_claim(store: &dyn JobStore) -> bool {
    let mut claim = std::pin::pin!(store.claim("worker", LEASE));
    let mut waits = false;
    for _ in 0..3 {
        waits = futures_util::poll!(&mut claim).is_pending();
        // Any command that is answered says that those before it have been handled.
        store.cancel(&JobId::new()).await.expect("the store works");
    }
    waits && futures_util::poll!(&mut claim).is_pending()
}

async fn get(store: &dyn JobStore, id: &JobId) -> Job {
    store.get(id).await.expect("the store works").expect("the job exists")
}

fn success(job: &Job) -> Outcome {
    let output = OutputFile {
        filename: "käse.webp".into(),
        format: "webp".into(),
        mime_type: "image/webp".into(),
        size_bytes: 3,
        sha256: "cd".repeat(32),
        blob: format!("jobs/{}/1-token/0", job.id),
        width: 16,
        height: 9,
        encode_generations: 1,
        input_index: 0,
    };
    let warning = Warning {
        code: "upscaled".into(),
        message: "larger than it was".into(),
        step_index: Some(0),
        input_index: Some(0),
    };
    let data =
        StepData { step_index: 1, operation: "optimize".into(), data: json!({"saved": 0.5}) };
    Outcome::Succeeded {
        outputs: vec![output],
        warnings: vec![warning],
        data: vec![(0, data)],
        steps: job.steps.clone(),
    }
}

fn crash() -> Outcome {
    Outcome::Crashed { error: error("runner_crashed") }
}

fn error(code: &str) -> JobError {
    JobError { code: code.into(), message: "it broke".into(), step_index: Some(0) }
}

mod ends;
mod queue;
mod rows;

pub use ends::*;
pub use queue::*;
pub use rows::*;

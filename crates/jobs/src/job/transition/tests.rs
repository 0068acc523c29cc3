use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::job::{JobId, Retention};

fn job(steps: usize) -> Job {
    let new = NewJob {
        id: JobId::new(),
        operation: "pipeline".into(),
        request: serde_json::json!({}),
        client_reference_id: None,
        tool_slug: None,
        retention: Retention { ttl_hours: 24, clamp: true },
        inputs: Vec::new(),
        steps: vec!["filter".into(); steps],
        idempotency: None,
    };
    Job::accepted(new, at(0))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn error(step_index: Option<usize>) -> JobError {
    JobError { code: "invalid_input".into(), message: "bad".into(), step_index }
}

fn success() -> Outcome {
    Outcome::Succeeded { outputs: vec![], warnings: vec![], data: vec![], steps: job(3).steps }
}

fn failure(step_index: Option<usize>) -> Outcome {
    Outcome::Failed { error: error(step_index), warnings: vec![], steps: job(3).steps }
}

#[track_caller]
fn apply(job: &mut Job, change: Change, seconds: i64) -> bool {
    job.transition(change, at(seconds), &Rules::default()).unwrap()
}

fn statuses(job: &Job) -> Vec<StepStatus> {
    job.steps.iter().map(|step| step.status).collect()
}

#[test]
fn success_closes_every_step() {
    let mut job = job(3);
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Ended(success()), 2);
    assert_eq!((job.status, job.progress), (Status::Succeeded, 100));
    assert_eq!(statuses(&job), [StepStatus::Succeeded; 3]);
    assert!(job.steps.iter().all(|step| step.progress == 100 && step.finished_at == Some(at(2))));
}

#[test]
fn a_failure_marks_its_step_and_skips_the_rest() {
    let mut job = job(3);
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Ended(failure(Some(1))), 2);
    assert_eq!(statuses(&job), [StepStatus::Succeeded, StepStatus::Failed, StepStatus::Skipped]);
    assert_eq!(job.steps[2].started_at, None);
}

#[test]
fn a_failure_without_a_step_is_that_of_the_first_unfinished_one() {
    let mut job = job(2);
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Ended(failure(None)), 2);
    assert_eq!(statuses(&job), [StepStatus::Failed, StepStatus::Skipped, StepStatus::Skipped]);
}

#[test]
fn the_last_crash_fails_the_job_with_what_crashed_it() {
    let mut job = job(1);
    for attempt in 1..=3 {
        apply(&mut job, Change::Claimed, 1);
        assert_eq!(job.attempt, attempt);
        apply(&mut job, Change::Ended(Outcome::Crashed { error: error(None) }), 2);
    }
    assert_eq!((job.status, job.crashes), (Status::Failed, 3));
    assert_eq!(job.error, Some(error(None)));
}

#[test]
fn interruptions_use_no_attempt_and_end_at_their_own_cap() {
    let mut job = job(1);
    for interruption in 1..=20 {
        apply(&mut job, Change::Claimed, 1);
        apply(&mut job, Change::Interrupted, 2);
        assert_eq!((job.status, job.attempt), (Status::Queued, 0), "{interruption}");
    }
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Interrupted, 2);
    assert_eq!(job.status, Status::Failed);
    assert_eq!(job.error.unwrap().code, "interrupted");
}

#[test]
fn a_job_handed_back_is_as_if_it_had_not_begun() {
    let mut job = job(2);
    apply(&mut job, Change::Claimed, 1);
    job.steps[0].status = StepStatus::Succeeded;
    job.progress = 50;
    apply(&mut job, Change::Ended(Outcome::HandedBack), 2);
    assert_eq!((job.status, job.attempt, job.progress), (Status::Queued, 0, 0));
    assert_eq!(statuses(&job), [StepStatus::Pending; 2]);
}

#[test]
fn a_job_given_back_after_someone_cancelled_it_is_cancelled() {
    for change in [Change::Interrupted, Change::Ended(Outcome::HandedBack)] {
        let mut job = job(1);
        apply(&mut job, Change::Claimed, 1);
        apply(&mut job, Change::CancelAsked, 2);
        assert_eq!(job.status, Status::Processing);
        apply(&mut job, change, 3);
        assert_eq!((job.status, job.error), (Status::Cancelled, None));
    }
}

#[test]
fn results_that_came_before_the_worker_heard_of_the_cancellation_count() {
    let mut job = job(3);
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::CancelAsked, 2);
    apply(&mut job, Change::Ended(success()), 3);
    assert_eq!(job.status, Status::Succeeded);
}

#[test]
fn results_of_a_purged_job_do_not_count() {
    let mut job = job(3);
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Purged, 2);
    apply(&mut job, Change::Ended(success()), 3);
    assert_eq!((job.status, job.expired, job.expires_at), (Status::Cancelled, true, at(2)));
}

#[test]
fn results_live_an_hour_after_the_end_at_least() {
    let day = 24 * 3600;
    let mut job = job(3);
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Ended(success()), 2);
    assert_eq!(job.expires_at, at(day));
    let mut late = self::job(3);
    apply(&mut late, Change::Claimed, 1);
    apply(&mut late, Change::Ended(success()), day - 5);
    assert_eq!(late.expires_at, at(day - 5) + Duration::from_secs(3600));
}

#[test]
fn the_accepted_job_is_found_again_in_what_it_became() {
    let mut job = job(3);
    let accepted = job.clone();
    apply(&mut job, Change::Claimed, 1);
    apply(&mut job, Change::Ended(success()), 90_000);
    assert_eq!(job.as_accepted(), accepted);
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Claimed),
        Just(Change::Ended(success())),
        Just(Change::Ended(failure(Some(1)))),
        Just(Change::Ended(Outcome::Crashed { error: error(None) })),
        Just(Change::Ended(Outcome::Cancelled)),
        Just(Change::Ended(Outcome::HandedBack)),
        Just(Change::Interrupted),
        Just(Change::CancelAsked),
        Just(Change::Purged),
        Just(Change::Expired),
    ]
}

proptest! {
    #[test]
    fn ends_are_for_ever_and_versions_rise(changes in prop::collection::vec(changes(), 1..60)) {
        let mut job = job(3);
        for (second, change) in changes.into_iter().enumerate() {
            let before = job.clone();
            let result = job.transition(change, at(second as i64), &Rules::default());
            if result == Ok(true) {
                prop_assert!(job.version > before.version);
            } else {
                prop_assert_eq!(&job.version, &before.version);
            }
            if before.status.is_terminal() {
                prop_assert_eq!(job.status, before.status);
                prop_assert_eq!(&job.outputs, &before.outputs);
            }
            prop_assert_eq!(job.status.is_terminal(), job.finished_at.is_some());
            prop_assert!(job.attempt <= 3 && job.crashes <= 3);
            prop_assert_eq!(job.error.is_some(), job.status == Status::Failed);
        }
    }
}

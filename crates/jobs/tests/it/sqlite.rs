//! What only the SQLite store promises.

use std::sync::Arc;
use std::time::Duration;

use jobs::clock::Clock;
use jobs::job::Status;
use jobs::job_store::conformance::new_job;
use jobs::job_store::sqlite::Options;
use jobs::job_store::{NewJob, Outcome, StoreError, Submitted};
use jobs::{DataDir, JobId, JobStore, SqliteStore};

const LEASE: Duration = Duration::from_secs(30);

fn open(folder: &std::path::Path, options: Options) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(Arc::new(DataDir::open(folder).unwrap()), options)
}

#[tokio::test]
async fn jobs_of_the_previous_process_are_taken_back_at_opening() {
    let folder = tempfile::tempdir().unwrap();
    let id = new_job().id;
    for interruptions in 0..4 {
        let store = open(folder.path(), Options::default()).unwrap();
        if interruptions == 0 {
            store.submit(NewJob { id: id.clone(), ..new_job() }).await.unwrap();
        }
        let claim = store.claim("worker", LEASE).await.unwrap();
        assert_eq!((&claim.job.id, claim.job.attempt), (&id, 1), "no attempt was used");
        assert_eq!((claim.job.interruptions, claim.job.crashes), (interruptions, 0));
    }
}

#[tokio::test]
async fn a_job_that_takes_the_server_down_again_and_again_fails() {
    let folder = tempfile::tempdir().unwrap();
    let id = new_job().id;
    for start in 0..=20 {
        let store = open(folder.path(), Options::default()).unwrap();
        if start == 0 {
            store.submit(NewJob { id: id.clone(), ..new_job() }).await.unwrap();
        }
        store.claim("worker", LEASE).await.unwrap();
    }
    let store = open(folder.path(), Options::default()).unwrap();
    let job = store.get(&id).await.unwrap().unwrap();
    assert_eq!((job.status, job.interruptions), (Status::Failed, 21));
    assert_eq!(job.error.unwrap().code, "interrupted");
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Options::default()).unwrap();
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let Submitted::Accepted(job) = store.submit(new_job()).await.unwrap() else { panic!() };
        jobs.push(job);
    }
    store.cancel(&jobs[1].id).await.unwrap();
    jobs[1] = store.get(&jobs[1].id).await.unwrap().unwrap();
    let counts = store.counts().await.unwrap();
    drop(store);
    let store = open(folder.path(), Options::default()).unwrap();
    for job in jobs {
        assert_eq!(store.get(&job.id).await.unwrap(), Some(job));
    }
    assert_eq!(store.counts().await.unwrap(), counts);
}

#[test]
fn a_database_from_a_later_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), Options::default()).unwrap());
    let connection = rusqlite::Connection::open(folder.path().join("jobs.sqlite3")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(folder.path(), Options::default()).unwrap_err().to_string();
    assert!(error.contains("version 99") && error.contains("newer program"), "{error}");
}

#[tokio::test]
async fn a_command_that_fails_does_not_fail_its_neighbors() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Options::default()).unwrap();
    let first = new_job();
    let twin = NewJob { id: first.id.clone(), ..new_job() };
    for _ in 0..50 {
        store.submit(new_job()).await.unwrap();
    }
    // Sent together, they share a transaction.
    let (a, b, c, d) = tokio::join!(
        store.submit(first),
        store.submit(twin),
        store.submit(new_job()),
        store.claim("worker", LEASE)
    );
    assert!(a.is_ok() && c.is_ok() && d.is_ok());
    assert!(matches!(b, Err(StoreError::Database(_))), "{b:?}");
    assert_eq!(store.counts().await.unwrap().queued, 51);
}

#[tokio::test]
async fn a_crashed_job_is_served_when_its_time_comes() {
    let folder = tempfile::tempdir().unwrap();
    let rules =
        jobs::config::Rules { crash_backoff: Duration::from_millis(30), ..Default::default() };
    let store = open(folder.path(), Options { rules, ..Options::default() }).unwrap();
    store.submit(new_job()).await.unwrap();
    let claim = store.claim("worker", LEASE).await.unwrap();
    let error = jobs::job::JobError { code: "x".into(), message: "x".into(), step_index: None };
    store.finish(claim, Outcome::Crashed { error }).await.unwrap();
    // No command comes that would wake the writer.
    let claim = tokio::time::timeout(LEASE, store.claim("worker", LEASE)).await;
    assert_eq!(claim.expect("it wakes by itself").unwrap().job.attempt, 2);
}

#[tokio::test]
async fn cancelling_in_a_race_with_claim_and_finish_leaves_one_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path(), Options::default()).unwrap());
    for round in 0..300 {
        let Submitted::Accepted(job) = store.submit(new_job()).await.unwrap() else { panic!() };
        let worker = tokio::spawn(work_one(Arc::clone(&store), job.id.clone()));
        let cancel = tokio::spawn(cancel_later(Arc::clone(&store), job.id.clone(), round % 7));
        let cancelled = cancel.await.unwrap();
        if cancelled == Status::Cancelled {
            worker.abort();
        } else {
            worker.await.unwrap();
        }
        let ended = store.get(&job.id).await.unwrap().unwrap();
        assert!(ended.status.is_terminal(), "round {round}: {:?}", ended.status);
        assert_eq!(store.cancel(&job.id).await.unwrap(), Some(ended));
    }
}

/// Cancels the job after so many turns of others; its status then.
async fn cancel_later(store: Arc<SqliteStore>, id: JobId, turns: u32) -> Status {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    store.cancel(&id).await.unwrap().unwrap().status
}

/// Claims the job of this id, and ends it well.
async fn work_one(store: Arc<SqliteStore>, id: JobId) {
    let claim = store.claim("worker", LEASE).await.unwrap();
    assert_eq!(claim.job.id, id);
    let steps = claim.job.steps.clone();
    let (outputs, warnings, data) = Default::default();
    store.finish(claim, Outcome::Succeeded { outputs, warnings, data, steps }).await.unwrap();
}

#[tokio::test]
async fn the_clock_of_the_store_is_the_one_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, time) = Clock::manual(1_800_000_000_123);
    let store =
        open(folder.path(), Options { clock: clock.clone(), ..Options::default() }).unwrap();
    time.advance(Duration::from_millis(877));
    let Submitted::Accepted(job) = store.submit(new_job()).await.unwrap() else { panic!() };
    assert_eq!(job.created_at.as_millisecond(), 1_800_000_001_000);
}

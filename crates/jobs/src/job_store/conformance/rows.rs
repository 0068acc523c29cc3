//! What is stored, found and told.

use super::*;
use crate::job::Status;
use crate::job_store::{Filter, Idempotency, StoreError};

/// A job goes through its life.
pub async fn a_job_goes_through_its_life(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    assert_eq!((job.status, job.version, job.attempt), (Status::Queued, 1, 0));
    assert_eq!(job.created_at, bench.clock.now());
    assert_eq!(job.expires_at, job.created_at + Duration::from_secs(24 * 3600));
    assert_eq!(get(&*store, &job.id).await, job);

    bench.pass(Duration::from_secs(5));
    let claim = claim(&*store).await;
    assert_eq!((claim.job.status, claim.job.attempt), (Status::Processing, 1));
    assert_eq!(claim.job.started_at, Some(bench.clock.now()));
    assert_eq!(get(&*store, &job.id).await, claim.job);

    bench.pass(Duration::from_secs(5));
    store.finish(claim, success(&job)).await.expect("the claim holds");
    let ended = get(&*store, &job.id).await;
    assert_eq!((ended.status, ended.progress), (Status::Succeeded, 100));
    assert_eq!(ended.finished_at, Some(bench.clock.now()));
    assert!(ended.version > 2);
}

/// What is stored is read back whole.
pub async fn what_is_stored_is_read_back_whole(bench: &Bench) {
    let store = bench.open();
    let new = NewJob {
        client_reference_id: Some("ref '\" é".into()),
        tool_slug: Some("png-to-jpg".into()),
        ..new_job()
    };
    let accepted = submit(&*store, new.clone()).await;
    assert_eq!(accepted, Job::accepted(new, bench.clock.now()));
    let claim = claim(&*store).await;
    let Outcome::Succeeded { outputs, warnings, data, .. } = success(&accepted) else {
        unreachable!("it is a success")
    };
    store.finish(claim, success(&accepted)).await.expect("the claim holds");
    let read = get(&*store, &accepted.id).await;
    assert_eq!((read.outputs, read.warnings, read.data), (outputs, warnings, data));
    assert_eq!((&read.request, &read.inputs), (&accepted.request, &accepted.inputs));
    assert_eq!(read.request.to_string(), accepted.request.to_string(), "the order of keys");
    assert_eq!(store.get(&JobId::new()).await.expect("the store works"), None);
}

fn with_key(key: &str, payload: &str) -> NewJob {
    let idempotency = Idempotency {
        scope: "/v1/pipeline".into(),
        key: key.into(),
        payload_sha256: payload.into(),
    };
    NewJob { idempotency: Some(idempotency), ..new_job() }
}

/// The same key and payload replays the first answer, whatever became of the job.
pub async fn the_same_key_and_payload_replays_the_first_answer(bench: &Bench) {
    let store = bench.open();
    let first = submit(&*store, with_key("k", "p")).await;
    let claim = claim(&*store).await;
    store.finish(claim, success(&first)).await.expect("the claim holds");
    bench.pass(Duration::from_secs(60));
    match store.submit(with_key("k", "p")).await.expect("the store works") {
        Submitted::Replayed(job) => assert_eq!(job, first),
        other => panic!("not replayed: {other:?}"),
    }
    assert_eq!(store.counts().await.expect("the store works").queued, 0);
    submit(&*store, with_key("another", "p")).await;
    let mut elsewhere = with_key("k", "p");
    elsewhere.idempotency.as_mut().expect("set above").scope = "/v1/filter".into();
    submit(&*store, elsewhere).await;
}

/// The same key with another payload is a mismatch.
pub async fn the_same_key_with_another_payload_is_a_mismatch(bench: &Bench) {
    let store = bench.open();
    submit(&*store, with_key("k", "p")).await;
    let second = store.submit(with_key("k", "q")).await.expect("the store works");
    assert!(matches!(second, Submitted::Mismatch));
    assert_eq!(store.counts().await.expect("the store works").queued, 1);
}

/// A key is found with its digest.
pub async fn a_key_is_found_with_its_digest(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, with_key("k", "p")).await;
    let found = store.find_idempotent("/v1/pipeline", "k").await.expect("the store works");
    assert_eq!(found, Some((job, "p".to_owned())));
    let other = store.find_idempotent("/v1/filter", "k").await.expect("the store works");
    assert_eq!(other, None);
}

/// A full queue refuses, and takes jobs again when one has been claimed.
pub async fn a_full_queue_refuses_and_recovers(bench: &Bench) {
    let rules = Rules { queue_max: 2, ..Rules::default() };
    let store = (bench.open)(rules, bench.clock.clone());
    submit(&*store, with_key("k", "p")).await;
    submit(&*store, new_job()).await;
    let refused = store.submit(new_job()).await;
    assert!(matches!(refused, Err(StoreError::QueueFull { queued: 2 })), "{refused:?}");
    let replayed = store.submit(with_key("k", "p")).await.expect("the store works");
    assert!(matches!(replayed, Submitted::Replayed(_)), "a replay needs no room");
    claim(&*store).await;
    submit(&*store, new_job()).await;
}

/// Lists are filtered and paged, newest first.
pub async fn lists_are_filtered_and_paged(bench: &Bench) {
    let store = bench.open();
    let mut ids = Vec::new();
    for n in 0..5 {
        let operation = if n % 2 == 0 { "pipeline" } else { "filter" };
        let client_reference_id = (n == 3).then(|| "mine".to_owned());
        let job = NewJob { operation: operation.into(), client_reference_id, ..new_job() };
        ids.push(submit(&*store, job).await.id);
    }
    ids.reverse();
    let claimed = claim(&*store).await;
    let list = async |filter: Filter| -> Vec<JobId> {
        let jobs = store.list(Filter { limit: 100, ..filter }).await.expect("the store works");
        jobs.into_iter().map(|job| job.id).collect()
    };
    assert_eq!(list(Filter::default()).await, ids);
    let before = Some(ids[2].clone());
    assert_eq!(list(Filter { before, ..Filter::default() }).await, ids[3..]);
    let status = Some(Status::Processing);
    let processing = list(Filter { status, ..Filter::default() }).await;
    assert_eq!(processing, [claimed.job.id]);
    let operation = Some("filter".to_owned());
    let filtered = list(Filter { operation, ..Filter::default() }).await;
    assert_eq!(filtered, [ids[1].clone(), ids[3].clone()]);
    let client_reference_id = Some("mine".to_owned());
    let mine = list(Filter { client_reference_id, ..Filter::default() }).await;
    assert_eq!(mine, [ids[1].clone()]);
    let two = store.list(Filter { limit: 2, ..Filter::default() }).await.expect("the store works");
    assert_eq!(two.into_iter().map(|job| job.id).collect::<Vec<_>>(), ids[..2]);
}

/// Every visible change is told, and only those.
pub async fn changes_are_heard(bench: &Bench) {
    let store = bench.open();
    let mut changes = store.watch();
    let job = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    let quiet = Default::default();
    store.heartbeat(&claim, quiet, LEASE).await.expect("the claim holds");
    store.cancel(&job.id).await.expect("the store works");
    store.cancel(&job.id).await.expect("the store works");
    store.finish(claim, Outcome::Cancelled).await.expect("the claim holds");
    // An answer may overtake the news of it; the end is the fourth change and the last.
    for _ in 0..4 {
        let change = tokio::time::timeout(Duration::from_secs(20), changes.recv()).await;
        assert_eq!(change.expect("a change is told").expect("none is lost"), job.id);
    }
    assert_eq!(get(&*store, &job.id).await.version, 4);
    submit(&*store, new_job()).await;
    let next = tokio::time::timeout(Duration::from_secs(20), changes.recv()).await;
    assert_ne!(next.expect("a change is told").expect("none is lost"), job.id);
}

/// Counts follow the queue.
pub async fn counts_follow_the_queue(bench: &Bench) {
    let store = bench.open();
    let counts = async || {
        let counts = store.counts().await.expect("the store works");
        (counts.queued, counts.processing, counts.oldest_queued_at)
    };
    assert_eq!(counts().await, (0, 0, None));
    let first = submit(&*store, new_job()).await;
    bench.pass(Duration::from_secs(1));
    let second = submit(&*store, new_job()).await;
    assert_eq!(counts().await, (2, 0, Some(first.created_at)));
    let claim = claim(&*store).await;
    assert_eq!(counts().await, (1, 1, Some(second.created_at)));
    store.finish(claim, success(&first)).await.expect("the claim holds");
    assert_eq!(counts().await, (1, 0, Some(second.created_at)));
    store.purge(&second.id).await.expect("the store works");
    assert_eq!(counts().await, (0, 0, None));
}

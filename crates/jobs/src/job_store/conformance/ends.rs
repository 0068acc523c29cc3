//! How jobs end, and that they end once.

use super::*;
use crate::job::Status;
use crate::job_store::{ClaimError, Progress, Signal};

/// A claim that was ended cannot be ended again.
pub async fn a_claim_that_was_ended_cannot_be_ended_again(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    let again = Claim { job: claim.job.clone(), token: claim.token.clone() };
    store.finish(claim, success(&job)).await.expect("the claim holds");
    let ended = get(&*store, &job.id).await;
    let beat = store.heartbeat(&again, Progress::default(), LEASE).await;
    assert!(matches!(beat, Err(ClaimError::LeaseLost)), "{beat:?}");
    let end = store.finish(again, crash()).await;
    assert!(matches!(end, Err(ClaimError::LeaseLost)), "{end:?}");
    assert_eq!(get(&*store, &job.id).await, ended);
}

/// Cancelling a waiting job ends it; no worker gets it.
pub async fn cancelling_a_waiting_job_ends_it(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let cancelled = store.cancel(&job.id).await.expect("the store works").expect("it exists");
    assert_eq!(cancelled.status, Status::Cancelled);
    assert_eq!(get(&*store, &job.id).await, cancelled);
    assert!(nothing_to_claim(&*store).await);
    assert_eq!(store.cancel(&JobId::new()).await.expect("the store works"), None);
}

/// Cancelling a running job reaches its worker with the next heartbeat.
pub async fn cancelling_a_running_job_reaches_its_worker(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    let asked = store.cancel(&job.id).await.expect("the store works").expect("it exists");
    assert_eq!((asked.status, asked.cancel_requested), (Status::Processing, true));
    let signal = store.heartbeat(&claim, Progress::default(), LEASE).await;
    assert_eq!(signal.expect("the claim holds"), Signal::Cancel);
    store.finish(claim, Outcome::Cancelled).await.expect("the claim holds");
    assert_eq!(get(&*store, &job.id).await.status, Status::Cancelled);
}

/// Cancelling twice, or after the end, changes nothing.
pub async fn cancelling_twice_or_too_late_changes_nothing(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    store.cancel(&job.id).await.expect("the store works");
    let once = get(&*store, &job.id).await;
    store.cancel(&job.id).await.expect("the store works");
    assert_eq!(get(&*store, &job.id).await, once);
    store.finish(claim, success(&job)).await.expect("the claim holds");
    let ended = get(&*store, &job.id).await;
    assert_eq!(ended.status, Status::Succeeded);
    assert_eq!(store.cancel(&job.id).await.expect("the store works"), Some(ended));
}

/// Purging ends a waiting job and hides the files of every job at once.
pub async fn purging_ends_and_expires(bench: &Bench) {
    let store = bench.open();
    let waiting = submit(&*store, new_job()).await;
    assert!(store.purge(&waiting.id).await.expect("the store works"));
    let purged = get(&*store, &waiting.id).await;
    assert_eq!((purged.status, purged.expired), (Status::Cancelled, true));
    assert_eq!(purged.expires_at, bench.clock.now());

    let done = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    assert_eq!(claim.job.id, done.id);
    store.finish(claim, success(&done)).await.expect("the claim holds");
    assert!(store.purge(&done.id).await.expect("the store works"));
    let purged = get(&*store, &done.id).await;
    assert_eq!((purged.status, purged.expired), (Status::Succeeded, true));

    let mut swept = store.sweep().await.expect("the store works").expired;
    swept.sort();
    assert_eq!(swept, [waiting.id, done.id]);
    assert_eq!(store.sweep().await.expect("the store works").expired, []);
    assert!(!store.purge(&JobId::new()).await.expect("the store works"));
}

/// A running job that is purged is cancelled, even when its results come in first.
pub async fn purging_a_running_job_hides_its_results(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    assert!(store.purge(&job.id).await.expect("the store works"));
    assert_eq!(
        store.sweep().await.expect("the store works").expired,
        [],
        "its worker still writes"
    );
    store.finish(claim, success(&job)).await.expect("the claim holds");
    let purged = get(&*store, &job.id).await;
    assert_eq!((purged.status, purged.expired), (Status::Cancelled, true));
    assert_eq!(purged.outputs, []);
    assert_eq!(store.sweep().await.expect("the store works").expired, [job.id]);
}

/// Results expire after their time, rows are forgotten a week later.
pub async fn results_expire_and_rows_are_forgotten(bench: &Bench) {
    const HOUR: Duration = Duration::from_secs(3600);
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let waiting = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    store.finish(claim, success(&job)).await.expect("the claim holds");
    bench.pass(HOUR * 24 - Duration::from_millis(1));
    assert_eq!(store.sweep().await.expect("the store works"), Default::default());
    bench.pass(Duration::from_millis(1));
    let swept = store.sweep().await.expect("the store works").expired;
    assert_eq!(swept, std::slice::from_ref(&job.id));
    let expired = get(&*store, &job.id).await;
    assert_eq!((expired.status, expired.expired), (Status::Succeeded, true));
    assert_eq!(store.sweep().await.expect("the store works"), Default::default());
    assert_eq!(get(&*store, &waiting.id).await.status, Status::Queued, "it still waits");
    bench.pass(HOUR * 24 * 7);
    assert_eq!(store.sweep().await.expect("the store works").forgotten, 1);
    assert_eq!(store.get(&job.id).await.expect("the store works"), None);
}

/// A cancellation, an end and a sweep at the same moment leave one end, for ever.
pub async fn racing_ends_leave_one(bench: &Bench) {
    let store = bench.open();
    for round in 0..300 {
        let job = submit(&*store, new_job()).await;
        let claim = claim(&*store).await;
        bench.pass(LEASE);
        let end = async { store.finish(claim, success(&job)).await.is_ok() };
        let cancel = async { store.cancel(&job.id).await.expect("the store works") };
        let sweep = async { store.sweep().await.expect("the store works").leases_lost };
        let (finished, lost) = match round % 3 {
            0 => {
                let (finished, _, lost) = tokio::join!(end, cancel, sweep);
                (finished, lost)
            }
            1 => {
                let (lost, finished, _) = tokio::join!(sweep, end, cancel);
                (finished, lost)
            }
            _ => {
                let (_, lost, finished) = tokio::join!(cancel, sweep, end);
                (finished, lost)
            }
        };
        let ended = get(&*store, &job.id).await;
        assert_ne!(finished, lost == 1, "round {round}: either it ended or its lease was lost");
        assert!(ended.status.is_terminal(), "round {round}: {:?}", ended.status);
        assert_eq!(ended.status == Status::Succeeded, finished, "round {round}");
        assert_eq!(ended.outputs.is_empty(), !finished, "round {round}");
    }
}

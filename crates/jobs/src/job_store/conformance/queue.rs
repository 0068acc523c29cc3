//! Claims, leases and heartbeats.

use super::*;
use crate::job::{Status, StepState, StepStatus};
use crate::job_store::{ClaimError, Progress, Signal};

/// Jobs are claimed in the order of their submission, and each once.
pub async fn jobs_are_claimed_in_order_and_each_once(bench: &Bench) {
    let store = bench.open();
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(submit(&*store, new_job()).await.id);
    }
    let mut tokens = std::collections::BTreeSet::new();
    for id in ids {
        let claim = claim(&*store).await;
        assert_eq!(claim.job.id, id);
        assert!(tokens.insert(claim.token), "every claim has its own token");
    }
    assert!(nothing_to_claim(&*store).await);
}

/// A claim that waits is served by the submission that comes.
pub async fn a_waiting_claim_is_served_by_the_submission(bench: &Bench) {
    let store = bench.open();
    let (claim, job) = tokio::join!(claim(&*store), submit(&*store, new_job()));
    assert_eq!(claim.job.id, job.id);
}

/// A claim whose worker stops waiting, at whatever moment, loses no job and uses no attempt.
pub async fn an_abandoned_claim_loses_no_job(bench: &Bench) {
    let store = bench.open();
    for round in 0..200 {
        let job = submit(&*store, new_job()).await;
        {
            let mut abandoned = std::pin::pin!(store.claim("worker", LEASE));
            for turn in 0..round % 4 {
                if let std::task::Poll::Ready(claim) = futures_util::poll!(&mut abandoned) {
                    let claim = claim.expect("the store works");
                    store.finish(claim, Outcome::HandedBack).await.expect("the claim holds");
                    break;
                }
                if turn == 2 {
                    // Its answer comes after that of the claim, which is thus on its way.
                    store.cancel(&JobId::new()).await.expect("the store works");
                }
            }
        }
        let claim = claim(&*store).await;
        assert_eq!((&claim.job.id, claim.job.attempt), (&job.id, 1), "round {round}");
        store.finish(claim, Outcome::Cancelled).await.expect("the claim holds");
    }
    assert!(nothing_to_claim(&*store).await);
}

/// A heartbeat renews the lease and records progress.
pub async fn a_heartbeat_renews_the_lease_and_records_progress(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let claim = claim(&*store).await;
    let mut steps = claim.job.steps.clone();
    steps[0] = StepState {
        status: StepStatus::Processing,
        progress: 80,
        started_at: Some(bench.clock.now()),
        ..steps[0].clone()
    };
    bench.pass(LEASE - Duration::from_secs(1));
    let progress = Progress { percent: 40, steps: Some(steps.clone()) };
    let signal = store.heartbeat(&claim, progress, LEASE).await.expect("the claim holds");
    assert_eq!(signal, Signal::Continue);
    let seen = get(&*store, &job.id).await;
    assert_eq!((seen.progress, &seen.steps), (40, &steps));
    assert!(seen.version > claim.job.version);

    bench.pass(LEASE - Duration::from_secs(1));
    assert_eq!(store.sweep().await.expect("the store works").leases_lost, 0);
    let quiet = Progress { percent: 10, steps: None };
    store.heartbeat(&claim, quiet, LEASE).await.expect("the claim holds");
    assert_eq!(get(&*store, &job.id).await, seen, "progress never falls");
}

/// A lost lease goes to another worker, and the first can no longer write.
pub async fn a_lost_lease_goes_to_another_worker_and_the_first_cannot_write(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    let first = claim(&*store).await;
    bench.pass(LEASE);
    assert_eq!(store.sweep().await.expect("the store works").leases_lost, 1);
    let second = claim(&*store).await;
    assert_eq!((&second.job.id, second.job.attempt), (&job.id, 1), "no attempt was used");
    assert_eq!(second.job.interruptions, 1);
    assert_ne!(first.token, second.token);
    let beat = store.heartbeat(&first, Progress::default(), LEASE).await;
    assert!(matches!(beat, Err(ClaimError::LeaseLost)), "{beat:?}");
    let end = store.finish(first, success(&job)).await;
    assert!(matches!(end, Err(ClaimError::LeaseLost)), "{end:?}");
    assert_eq!(get(&*store, &job.id).await.status, Status::Processing);
    store.finish(second, success(&job)).await.expect("the claim holds");
}

/// A crash waits and counts, and the third fails the job with what crashed it.
pub async fn a_crash_waits_and_counts_and_the_third_fails_the_job(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    for crashes in 1..=3 {
        let claim = claim(&*store).await;
        assert_eq!((claim.job.attempt, claim.job.crashes), (crashes, crashes - 1));
        store.finish(claim, crash()).await.expect("the claim holds");
        assert!(nothing_to_claim(&*store).await, "it waits");
        let other = submit(&*store, new_job()).await;
        let next = self::claim(&*store).await;
        assert_eq!(next.job.id, other.id, "others do not wait for it");
        store.finish(next, success(&other)).await.expect("the claim holds");
        bench.pass(Duration::from_secs(10));
    }
    let failed = get(&*store, &job.id).await;
    assert_eq!((failed.status, failed.attempt, failed.crashes), (Status::Failed, 3, 3));
    assert_eq!(failed.error, Some(error("runner_crashed")));
    assert_eq!(failed.steps[0].status, StepStatus::Failed);
    assert!(nothing_to_claim(&*store).await);
}

/// A job handed back is claimed again at once, before those behind it.
pub async fn a_job_handed_back_is_claimed_again_at_once(bench: &Bench) {
    let store = bench.open();
    let job = submit(&*store, new_job()).await;
    submit(&*store, new_job()).await;
    for _ in 0..5 {
        let claim = claim(&*store).await;
        assert_eq!((&claim.job.id, claim.job.attempt), (&job.id, 1));
        store.finish(claim, Outcome::HandedBack).await.expect("the claim holds");
    }
}

/// A job that was there at several interruptions runs alone.
pub async fn a_suspect_runs_alone(bench: &Bench) {
    let store = bench.open();
    let suspect = submit(&*store, new_job()).await;
    for _ in 0..3 {
        claim(&*store).await;
        bench.pass(LEASE);
        store.sweep().await.expect("the store works");
    }
    let other = submit(&*store, new_job()).await;
    let alone = claim(&*store).await;
    assert_eq!((&alone.job.id, alone.job.interruptions), (&suspect.id, 3));
    assert!(nothing_to_claim(&*store).await, "nothing begins beside it");

    store.finish(alone, crash()).await.expect("the claim holds");
    let innocent = claim(&*store).await;
    assert_eq!(innocent.job.id, other.id);
    bench.pass(Duration::from_secs(10));
    assert!(nothing_to_claim(&*store).await, "it begins beside nothing");
    store.finish(innocent, success(&other)).await.expect("the claim holds");
    assert_eq!(claim(&*store).await.job.id, suspect.id);
}

/// Many workers share many jobs: each job ends once, none is lost.
pub async fn many_workers_share_many_jobs(bench: &Bench) {
    const JOBS: usize = 400;
    let store = bench.open();
    let submit_all = async {
        for _ in 0..JOBS {
            submit(&*store, new_job()).await;
        }
    };
    let work = async |name: &str| {
        let mut ended = Vec::new();
        for _ in 0..JOBS / 8 {
            let claim = store.claim(name, LEASE).await.expect("the store works");
            ended.push(claim.job.id.clone());
            let outcome = success(&claim.job);
            store.finish(claim, outcome).await.expect("the claim holds");
        }
        ended
    };
    let workers = (0..8).map(|_| work("worker"));
    let ((), ended) = tokio::join!(submit_all, futures_util::future::join_all(workers));
    let distinct: std::collections::BTreeSet<_> = ended.concat().into_iter().collect();
    assert_eq!(distinct.len(), JOBS);
    for id in distinct {
        assert_eq!(get(&*store, &id).await.status, Status::Succeeded);
    }
}

//! Workers: claim a job, run it, store its results, end the claim.

mod attempt;
mod outputs;
mod progress;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::progress::Tracker;
use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::config::Config;
use crate::job::JobId;
use crate::job_store::{Claim, ClaimError, JobStore, Outcome, Progress, Signal, StoreError};
use crate::pool::Pool;

/// How often a worker looks whether there is something to tell or to hear.
const TICK: Duration = Duration::from_millis(250);
/// How long a worker waits when the database cannot answer.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// How often the end of a claim is tried when the database cannot answer.
const FINISH_TRIES: u32 = 5;

/// What workers work with.
#[derive(Clone)]
pub struct Parts {
    /// The rows.
    pub store: Arc<dyn JobStore>,
    /// The files.
    pub blobs: Blobs,
    /// The runners.
    pub pool: Pool,
    /// Bounds for every image.
    pub limits: imaging::Limits,
    /// The time of day, for the steps.
    pub clock: Clock,
}

/// Running workers.
#[derive(Debug)]
pub struct Worker {
    loops: JoinSet<()>,
    _relay: AbortOnDropHandle<()>,
    stop: CancellationToken,
    hurry: CancellationToken,
    drain: Duration,
}

impl Worker {
    /// Starts as many workers as the configuration says.
    pub fn start(parts: Parts, config: &Config) -> Self {
        let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
        let shared = Arc::new(Shared {
            parts,
            lease: config.lease(),
            attempts_max: config.attempts_max.max(1),
            running: Mutex::default(),
            stop: stop.clone(),
            hurry: hurry.clone(),
        });
        let mut loops = JoinSet::new();
        let relay = tokio::spawn(Arc::clone(&shared).relay_changes());
        let _relay = AbortOnDropHandle::new(relay);
        for number in 0..config.workers_resolved() {
            let name = format!("{}-{number}", std::process::id());
            loops.spawn(Arc::clone(&shared).work(name));
        }
        Self { loops, _relay, stop, hurry, drain: Duration::from_secs(config.drain_seconds) }
    }

    /// Claims no more jobs, lets those that run end within the grace of the configuration, and
    /// gives the others back as if they had not been begun.
    pub async fn drain(mut self) {
        self.stop.cancel();
        let loops = &mut self.loops;
        let mut all = std::pin::pin!(async { while loops.join_next().await.is_some() {} });
        if tokio::time::timeout(self.drain, &mut all).await.is_err() {
            self.hurry.cancel();
            all.await;
        }
    }
}

struct Shared {
    parts: Parts,
    lease: Duration,
    attempts_max: u32,
    /// Jobs under way here, to be told of changes by others.
    running: Mutex<HashMap<JobId, Arc<Notify>>>,
    stop: CancellationToken,
    hurry: CancellationToken,
}

/// A claim that is to be ended, or that is void.
struct Ended {
    claim: Claim,
    outcome: Option<Outcome>,
}

/// Why an attempt is broken off.
enum Stop {
    Cancelled,
    LeaseLost,
    Drained,
}

impl Shared {
    async fn work(self: Arc<Self>, name: String) {
        let mut ended: Option<Ended> = None;
        loop {
            let finish = async {
                if let Some(ended) = ended.take() {
                    self.finish(ended).await;
                }
            };
            // Together, so that the end of one job and the claim of the next can share a commit.
            let ((), claim) = tokio::join!(finish, self.claim(&name));
            match claim {
                None => return,
                Some(Ok(claim)) => ended = Some(self.run(claim).await),
                Some(Err(error)) => {
                    tracing::warn!(%error, "no job could be claimed");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
    }

    /// The next job, or `None` when the workers are to stop.
    async fn claim(&self, name: &str) -> Option<Result<Claim, StoreError>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            claim = self.parts.store.claim(name, self.lease) => Some(claim),
        }
    }

    async fn run(&self, claim: Claim) -> Ended {
        let id = claim.job.id.clone();
        let job = &claim.job;
        tracing::debug!(job = %id, attempt = job.attempt, "begun");
        let clock = self.parts.clock.clone();
        let inputs = attempt::Roles::of(job, &self.parts.limits).inputs.len();
        let tracker = Arc::new(Mutex::new(Tracker::new(&job.steps, inputs, clock)));
        let wake = Arc::new(Notify::new());
        self.running().insert(id.clone(), Arc::clone(&wake));
        let is_last = job.attempt >= self.attempts_max;
        let outcome = tokio::select! {
            outcome = attempt::run(&self.parts, &claim, &tracker, is_last) => Ok(outcome),
            stop = self.watch_over(&claim, &tracker, &wake) => Err(stop),
        };
        self.running().remove(&id);
        if let Ok(Outcome::Crashed { error }) = &outcome {
            tracing::warn!(job = %id, attempt = job.attempt, error.code, error.message, "failed");
        }
        let outcome = match outcome {
            Ok(outcome) => Some(outcome),
            Err(Stop::Cancelled) => Some(Outcome::Cancelled),
            Err(Stop::Drained) => Some(Outcome::HandedBack),
            Err(Stop::LeaseLost) => None,
        };
        Ended { claim, outcome }
    }

    /// Keeps the lease, records progress, and returns when the attempt is to be broken off.
    async fn watch_over(&self, claim: &Claim, tracker: &Mutex<Tracker>, wake: &Notify) -> Stop {
        let mut tick = interval_at(Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut woken) = (Instant::now(), false);
        let mut unsaid = None;
        loop {
            tokio::select! {
                biased;
                () = self.hurry.cancelled() => return Stop::Drained,
                () = wake.notified(), if !woken => {
                    woken = true;
                    continue;
                }
                _ = tick.tick() => {}
            }
            unsaid = tracker.lock().unwrap_or_else(PoisonError::into_inner).take().or(unsaid);
            if !woken && unsaid.is_none() && heard.elapsed() < self.lease / 3 {
                continue;
            }
            // No steps and 0 percent leave the progress as it is.
            let progress = unsaid.clone().unwrap_or(Progress { percent: 0, steps: None });
            match self.parts.store.heartbeat(claim, progress, self.lease).await {
                Ok(Signal::Cancel) => return Stop::Cancelled,
                Ok(Signal::Continue) => (heard, woken, unsaid) = (Instant::now(), false, None),
                Err(ClaimError::LeaseLost) => return Stop::LeaseLost,
                // Whoever cannot renew in time must not work when another may have begun.
                Err(ClaimError::Store(_)) if heard.elapsed() > self.lease * 2 / 3 => {
                    return Stop::LeaseLost;
                }
                Err(ClaimError::Store(error)) => tracing::warn!(%error, "no heartbeat"),
            }
        }
    }

    /// Ends the claim, and deletes what it left when its results do not count.
    async fn finish(&self, Ended { claim, outcome }: Ended) {
        let void = match outcome {
            None => true,
            Some(outcome) => self.end(&claim, outcome).await,
        };
        if void && let Err(error) = self.parts.blobs.delete_attempt(&claim).await {
            tracing::warn!(job = %claim.job.id, %error, "a void attempt is left to the sweeper");
        }
    }

    /// Ends the claim; says whether its results are certain not to count.
    async fn end(&self, claim: &Claim, outcome: Outcome) -> bool {
        let id = &claim.job.id;
        let success = matches!(outcome, Outcome::Succeeded { .. });
        for tries in 1..=FINISH_TRIES {
            let claim = Claim { job: claim.job.clone(), token: claim.token.clone() };
            match self.parts.store.finish(claim, outcome.clone()).await {
                Ok(()) => return !success,
                Err(ClaimError::LeaseLost) => {
                    tracing::warn!(job = %id, "the lease was lost before the end");
                    // The answer to an earlier try may be what was lost.
                    return tries == 1;
                }
                Err(ClaimError::Store(error)) => {
                    tracing::error!(job = %id, %error, tries, "the end of a job was not recorded");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
        false
    }

    /// Wakes those who watch over a job that someone else changed: to cancel must not take until
    /// the next heartbeat.
    async fn relay_changes(self: Arc<Self>) {
        let mut changes = self.parts.store.watch();
        loop {
            match changes.recv().await {
                Ok(id) => {
                    if let Some(wake) = self.running().get(&id) {
                        wake.notify_one();
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    self.running().values().for_each(|wake| wake.notify_one());
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Notify>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("blobs", &self.blobs).field("pool", &self.pool).finish()
    }
}

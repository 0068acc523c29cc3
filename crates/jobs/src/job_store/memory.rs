//! Job rows in memory: for tests, and the plainest statement of what a store does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, broadcast};

use super::record::{Record, Tally, millis};
use super::{
    Claim, ClaimError, Counts, Filter, JobStore, NewJob, Outcome, Progress, Signal, StoreError,
    Submitted, Swept,
};
use crate::clock::Clock;
use crate::config::Rules;
use crate::job::{Change, Job, JobId, Status};

/// Job rows that live as long as the process.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    ready: Arc<Notify>,
    changes: broadcast::Sender<JobId>,
    clock: Clock,
    rules: Rules,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<JobId, Record>,
    tally: Tally,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(rules: Rules, clock: Clock) -> Self {
        Self {
            state: Arc::default(),
            ready: Arc::default(),
            changes: broadcast::channel(1024).0,
            clock,
            rules,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a record, keeps count, and tells those who watch.
    fn change<T>(
        &self,
        state: &mut State,
        id: &JobId,
        change: impl FnOnce(&mut Record) -> T,
    ) -> Option<T> {
        let record = state.records.get_mut(id)?;
        let version = record.job.version;
        state.tally.remove(record, &self.rules);
        let result = change(record);
        state.tally.add(record, &self.rules);
        if record.job.version != version {
            let _ = self.changes.send(id.clone());
            self.ready.notify_waiters();
        }
        Some(result)
    }

    /// Claims the next job, or says when to look again.
    fn try_claim(&self, worker: &str, lease: Duration) -> Result<Claim, Duration> {
        let mut state = self.state();
        let now = self.clock.now_ms();
        let waiting = state.records.values().filter(|record| record.job.status == Status::Queued);
        let next = waiting.min_by_key(|record| (record.run_at, &record.job.id));
        let Some(next) = next else { return Err(Duration::from_secs(3600)) };
        if next.run_at > now {
            return Err(Duration::from_millis((next.run_at - now).unsigned_abs()));
        }
        if !state.tally.allows(next, &self.rules) {
            return Err(Duration::from_secs(3600));
        }
        let id = next.job.id.clone();
        let claim = self.change(&mut state, &id, |record| {
            let token = record.claim(worker, now, lease, &self.rules);
            Claim { job: record.job.clone(), token }
        });
        Ok(claim.expect("the record was just found"))
    }
}

#[async_trait]
impl JobStore for MemoryStore {
    async fn submit(&self, job: NewJob) -> Result<Submitted, StoreError> {
        let mut state = self.state();
        if let Some(asked) = &job.idempotency {
            let same = |record: &&Record| is_same_key(record, &asked.scope, &asked.key);
            if let Some(first) = state.records.values().find(same) {
                return Ok(first.replay(&asked.payload_sha256));
            }
        }
        if state.tally.queued >= self.rules.queue_max {
            return Err(StoreError::QueueFull { queued: state.tally.queued });
        }
        let record = Record::new(job, self.clock.now_ms());
        let job = record.job.clone();
        if state.records.contains_key(&job.id) {
            return Err(StoreError::Database(format!("{} exists", job.id)));
        }
        state.tally.add(&record, &self.rules);
        state.records.insert(job.id.clone(), record);
        let _ = self.changes.send(job.id.clone());
        self.ready.notify_waiters();
        Ok(Submitted::Accepted(job))
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Claim, StoreError> {
        loop {
            // Listen before looking: a job submitted in between would otherwise be overlooked.
            let mut ready = std::pin::pin!(self.ready.notified());
            ready.as_mut().enable();
            match self.try_claim(worker, lease) {
                Ok(claim) => return Ok(claim),
                Err(wait) => {
                    let _ = tokio::time::timeout(wait, ready).await;
                }
            }
        }
    }

    async fn heartbeat(
        &self,
        claim: &Claim,
        progress: Progress,
        lease: Duration,
    ) -> Result<Signal, ClaimError> {
        let until = self.clock.now_ms() + millis(lease);
        let beat = |record: &mut Record| record.heartbeat(&claim.token, progress, until);
        let result = self.change(&mut self.state(), &claim.job.id, beat);
        Ok(result.ok_or(ClaimError::LeaseLost)??.0)
    }

    async fn finish(&self, claim: Claim, outcome: Outcome) -> Result<(), ClaimError> {
        let now = self.clock.now_ms();
        let end = |record: &mut Record| record.finish(&claim.token, outcome, now, &self.rules);
        let result = self.change(&mut self.state(), &claim.job.id, end);
        result.ok_or(ClaimError::LeaseLost)?
    }

    async fn cancel(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let now = self.clock.now_ms();
        Ok(self.change(&mut self.state(), id, |record| {
            record.change(Change::CancelAsked, now, &self.rules);
            record.job.clone()
        }))
    }

    async fn purge(&self, id: &JobId) -> Result<bool, StoreError> {
        let now = self.clock.now_ms();
        let purge = |record: &mut Record| record.change(Change::Purged, now, &self.rules);
        Ok(self.change(&mut self.state(), id, purge).is_some())
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.state().records.get(id).map(|record| record.job.clone()))
    }

    async fn list(&self, filter: Filter) -> Result<Vec<Job>, StoreError> {
        let state = self.state();
        let jobs = state.records.values().rev().map(|record| &record.job);
        let fits = |job: &&Job| filter.fits(job);
        Ok(jobs.filter(fits).take(filter.limit as usize).cloned().collect())
    }

    async fn find_idempotent(
        &self,
        scope: &str,
        key: &str,
    ) -> Result<Option<(Job, String)>, StoreError> {
        let state = self.state();
        let found = state.records.values().find(|record| is_same_key(record, scope, key));
        Ok(found.and_then(|record| {
            let first = record.idempotency.as_ref()?;
            Some((record.job.as_accepted(), first.payload_sha256.clone()))
        }))
    }

    fn watch(&self) -> broadcast::Receiver<JobId> {
        self.changes.subscribe()
    }

    async fn sweep(&self) -> Result<Swept, StoreError> {
        let mut state = self.state();
        let (now, rules) = (self.clock.now_ms(), &self.rules);
        let mut swept = Swept::default();
        let ids: Vec<JobId> = state.records.keys().cloned().collect();
        for id in ids {
            let record = &state.records[&id];
            if record.lease.as_ref().is_some_and(|lease| lease.until <= now) {
                self.change(&mut state, &id, |record| record.interrupt(now, rules));
                swept.leases_lost += 1;
            } else if record.is_due(now) {
                self.change(&mut state, &id, |record| {
                    record.change(Change::Expired, now, rules);
                    record.swept = true;
                });
                swept.expired.push(id);
            } else if record.is_forgettable(now, rules) {
                state.records.remove(&id);
                swept.forgotten += 1;
            }
        }
        Ok(swept)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let state = self.state();
        let waiting = state.records.values().filter(|record| record.job.status == Status::Queued);
        let next = waiting.min_by_key(|record| (record.run_at, &record.job.id));
        Ok(state.tally.counts(next.map(|record| record.job.created_at)))
    }
}

impl Filter {
    fn fits(&self, job: &Job) -> bool {
        self.status.is_none_or(|status| status == job.status)
            && self.operation.as_ref().is_none_or(|operation| *operation == job.operation)
            && (self.client_reference_id.is_none()
                || self.client_reference_id == job.client_reference_id)
            && self.before.as_ref().is_none_or(|before| job.id < *before)
    }
}

fn is_same_key(record: &Record, scope: &str, key: &str) -> bool {
    record.idempotency.as_ref().is_some_and(|it| it.scope == scope && it.key == key)
}

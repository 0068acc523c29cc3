//! The sweeper: takes back lost leases, expires results, deletes files that nobody owns.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use crate::blobs::{BlobError, Blobs};
use crate::clock::Clock;
use crate::config::Config;
use crate::job::{Job, JobId};
use crate::job_store::{JobStore, StoreError};

/// How often all files are compared with the rows. Only a process that was killed leaves such
/// files.
const ORPHANS_INTERVAL: Duration = Duration::from_secs(3600);

/// Looks after rows and files in the background.
#[derive(Clone)]
pub struct Sweeper {
    store: Arc<dyn JobStore>,
    blobs: Blobs,
    clock: Clock,
    interval: Duration,
    orphan_age: Duration,
    /// Files without a job are old, too, when they are older than this.
    alone_since_ms: i64,
}

/// A sweep was broken off; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The rows cannot be read or changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files cannot be listed or deleted.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl Sweeper {
    /// A sweeper that does nothing until it is asked to.
    pub fn new(store: Arc<dyn JobStore>, blobs: Blobs, config: &Config, clock: Clock) -> Self {
        Self {
            store,
            blobs,
            clock,
            interval: Duration::from_secs(config.sweep_seconds.max(1)),
            orphan_age: Duration::from_secs(config.orphan_seconds),
            alone_since_ms: i64::MIN,
        }
    }

    /// Says that nobody else writes here, as the lock on the data folder grants: files of before
    /// that have no job are an upload that ended with the process before, and go at once.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { alone_since_ms: self.clock.now_ms(), ..self }
    }

    /// Sweeps in the background until the handle is dropped. A sweep that is broken off so is safe.
    pub fn start(self) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.run()))
    }

    async fn run(mut self) {
        let mut tick = interval(self.interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut orphans_at = Instant::now();
        loop {
            tick.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "the sweep was broken off");
            }
            if orphans_at <= Instant::now() {
                orphans_at = Instant::now() + ORPHANS_INTERVAL;
                if let Err(error) = self.sweep_orphans().await {
                    tracing::warn!(%error, "the search for orphaned files was broken off");
                }
                // Once is enough, and a clock that is set back must not make uploads old.
                self.alone_since_ms = i64::MIN;
            }
        }
    }

    /// Takes back lost leases, and deletes the files of jobs whose time is over.
    pub async fn sweep(&self) -> Result<(), SweepError> {
        loop {
            let swept = self.store.sweep().await?;
            if swept.leases_lost > 0 {
                tracing::warn!(jobs = swept.leases_lost, "leases were lost");
            }
            for id in &swept.expired {
                self.blobs.delete_job(id).await?;
            }
            if swept.expired.is_empty() {
                return Ok(());
            }
        }
    }

    /// Compares all files with the rows, and deletes those that no row owns.
    pub async fn sweep_orphans(&self) -> Result<(), SweepError> {
        for id in self.blobs.job_ids().await? {
            match self.store.get(&id).await? {
                None if self.is_old(&id) => self.blobs.delete_job(&id).await?,
                Some(job) if job.status.is_terminal() && job.expired => {
                    self.blobs.delete_job(&id).await?;
                }
                Some(job) if job.status.is_terminal() && was_disturbed(&job) => {
                    let outputs = job.outputs.iter().map(|output| output.blob.as_str());
                    self.blobs.delete_other_attempts(&id, outputs).await?;
                }
                // Young files without a row are an upload; jobs that are not over own their files.
                None | Some(_) => {}
            }
        }
        Ok(())
    }

    fn is_old(&self, id: &JobId) -> bool {
        if id.created_ms() < self.alone_since_ms {
            return true;
        }
        let age = self.clock.now_ms().saturating_sub(id.created_ms());
        u64::try_from(age).is_ok_and(|age| Duration::from_millis(age) >= self.orphan_age)
    }
}

/// Whether an attempt may have left something behind.
fn was_disturbed(job: &Job) -> bool {
    job.attempt > 1 || job.crashes > 0 || job.interruptions > 0 || job.outputs.is_empty()
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweeper").field("blobs", &self.blobs).finish_non_exhaustive()
    }
}

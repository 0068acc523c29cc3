//! Job rows in SQLite: the default, embedded and durable.
//!
//! One thread writes ([`writer`]), since SQLite has one writer at a time anyway and one that is
//! never contended can put many changes into one commit: the wait for the disk, which dominates, is
//! shared. Reads go to connections of their own, which WAL lets run beside the writer.

mod command;
mod readers;
mod row;
mod schema;
mod writer;

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{broadcast, oneshot};

use self::command::{Command, Heartbeat, Reply, Waiting};
use self::readers::Readers;
use self::writer::Writer;
use super::{
    Claim, ClaimError, Counts, Filter, JobStore, NewJob, Outcome, Progress, Signal, StoreError,
    Submitted, Swept,
};
use crate::clock::Clock;
use crate::config::Rules;
use crate::data_dir::DataDir;
use crate::job::{Job, JobId};

/// How a [`SqliteStore`] is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The rules that jobs go by.
    pub rules: Rules,
    /// The time they go by.
    pub clock: Clock,
    /// The most changes that share one commit; 1 commits each alone.
    pub batch_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { rules: Rules::default(), clock: Clock::system(), batch_max: 256 }
    }
}

/// Job rows in a SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    writer: mpsc::Sender<Command>,
    thread: Option<JoinHandle<()>>,
    readers: Readers,
    changes: broadcast::Sender<JobId>,
    counts: Arc<Mutex<Counts>>,
}

impl SqliteStore {
    /// Opens or creates the database. Jobs that the previous process had claimed are taken back at
    /// once: as the folder is locked, that process is gone.
    pub fn open(data: Arc<DataDir>, options: Options) -> Result<Self, StoreError> {
        let connection = connect(&data)?;
        Self::start(connection, data, options)
    }

    fn start(
        connection: Connection,
        data: Arc<DataDir>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let path = data.database();
        let (sender, commands) = mpsc::channel();
        let counts = Arc::default();
        let changes = broadcast::channel(1024).0;
        let mut writer = Writer {
            connection,
            commands,
            sender: sender.clone(),
            changes: changes.clone(),
            counts: Arc::clone(&counts),
            clock: options.clock,
            rules: options.rules,
            batch_max: options.batch_max.max(1),
            waiting: VecDeque::new(),
            tally: Default::default(),
            wake_at: None,
            synchronous_full: true,
            answered: 0,
            deferred: Vec::new(),
            _data: data,
        };
        writer.begin().map_err(store_error)?;
        let thread = std::thread::Builder::new()
            .name("job-writer".into())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self {
            writer: sender,
            thread: Some(thread),
            readers: Readers::new(path),
            changes,
            counts,
        })
    }

    /// Hands a command to the writer and waits for the answer.
    async fn ask<T, E: From<StoreError>>(
        &self,
        command: impl FnOnce(Reply<T, E>) -> Command,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        let failed = |why: &str| E::from(StoreError::Database(why.into()));
        self.writer.send(command(reply)).map_err(|_| failed("its writer has stopped"))?;
        answer.await.map_err(|_| failed("no transaction could be begun"))?
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        let _ = self.writer.send(Command::Close);
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

/// The connection that writes, with the schema of this program.
fn connect(data: &DataDir) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(data.database()).map_err(store_error)?;
    prepare(&connection).map_err(store_error)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // 16 MB: a checkpoint waits for the disk too, so it should not come with every few commits.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// What callers are told of a failure of the database.
fn store_error(error: impl Borrow<rusqlite::Error>) -> StoreError {
    let error = error.borrow();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => StoreError::Database(error.to_string()),
    }
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn submit(&self, job: NewJob) -> Result<Submitted, StoreError> {
        let job = Box::new(job);
        self.ask(|reply| Command::Submit { job, reply }).await
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Claim, StoreError> {
        let worker = worker.to_owned();
        let delivery = self.ask(|reply| Command::Claim(Waiting { worker, lease, reply })).await?;
        Ok(delivery.accept())
    }

    async fn heartbeat(
        &self,
        claim: &Claim,
        progress: Progress,
        lease: Duration,
    ) -> Result<Signal, ClaimError> {
        let (id, token) = (claim.job.id.clone(), claim.token.clone());
        self.ask(|reply| Command::Heartbeat(Heartbeat { id, token, progress, lease, reply })).await
    }

    async fn finish(&self, claim: Claim, outcome: Outcome) -> Result<(), ClaimError> {
        let Claim { job, token } = claim;
        self.ask(|reply| Command::Finish { id: job.id, token, outcome, reply }).await
    }

    async fn cancel(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let id = id.clone();
        self.ask(|reply| Command::Cancel { id, reply }).await
    }

    async fn purge(&self, id: &JobId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.ask(|reply| Command::Purge { id, reply }).await
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let id = id.clone();
        let find = move |connection: &Connection| row::load(connection, &id);
        Ok(self.readers.read(find).await?.map(|record| record.job))
    }

    async fn list(&self, filter: Filter) -> Result<Vec<Job>, StoreError> {
        self.readers.read(move |connection| readers::list(connection, &filter)).await
    }

    async fn find_idempotent(
        &self,
        scope: &str,
        key: &str,
    ) -> Result<Option<(Job, String)>, StoreError> {
        let (scope, key) = (scope.to_owned(), key.to_owned());
        let find = move |connection: &Connection| row::load_idempotent(connection, &scope, &key);
        let found = self.readers.read(find).await?;
        Ok(found.and_then(|record| {
            let first = record.idempotency.as_ref()?;
            Some((record.job.as_accepted(), first.payload_sha256.clone()))
        }))
    }

    fn watch(&self) -> broadcast::Receiver<JobId> {
        self.changes.subscribe()
    }

    async fn sweep(&self) -> Result<Swept, StoreError> {
        self.ask(|reply| Command::Sweep { reply }).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        Ok(self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Status;
    use crate::job_store::conformance::new_job;

    #[tokio::test]
    async fn a_full_disk_is_said_loses_nothing_and_heals() {
        let folder = tempfile::tempdir().unwrap();
        let data = Arc::new(DataDir::open(folder.path()).unwrap());
        let connection = connect(&data).unwrap();
        connection.pragma_update(None, "max_page_count", 60).unwrap();
        let store = SqliteStore::start(connection, Arc::clone(&data), Options::default()).unwrap();
        let mut accepted = Vec::new();
        let error = loop {
            match store.submit(new_job()).await {
                Ok(Submitted::Accepted(job)) => accepted.push(job.id),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::DiskFull), "{error:?}");
        let counts = store.counts().await.unwrap();
        assert_eq!(counts.queued, accepted.len() as u64);
        drop(store);
        let store = SqliteStore::open(data, Options::default()).unwrap();
        for id in &accepted {
            assert_eq!(store.get(id).await.unwrap().unwrap().status, Status::Queued);
        }
        store.submit(new_job()).await.unwrap();
        assert_eq!(store.counts().await.unwrap().queued, counts.queued + 1);
    }
}

//! The one thread that writes: gathers what is asked, commits it at once, then answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::broadcast;

use super::command::{Command, Delivery, Heartbeat, Waiting};
use super::{row, store_error};
use crate::clock::{Clock, from_ms};
use crate::config::Rules;
use crate::data_dir::DataDir;
use crate::job::{Change, JobId};
use crate::job_store::record::{Record, Tally, millis};
use crate::job_store::{Claim, ClaimError, Counts, NewJob, StoreError, Submitted, Swept};

/// How many rows a sweep takes at a time, so that it does not hold up the queue.
const SWEEP_MAX: u32 = 500;

/// How long a commit waits for those who were answered together with its first command.
const PATIENCE: Duration = Duration::from_micros(200);

/// Tells a caller what became of its command, once the commit has succeeded or failed.
type Answer = Box<dyn FnOnce(Option<&rusqlite::Error>) + Send>;

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) commands: mpsc::Receiver<Command>,
    /// For claims that are not received.
    pub(super) sender: mpsc::Sender<Command>,
    pub(super) changes: broadcast::Sender<JobId>,
    pub(super) counts: Arc<Mutex<Counts>>,
    pub(super) clock: Clock,
    pub(super) rules: Rules,
    pub(super) batch_max: usize,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) tally: Tally,
    /// When a waiting job becomes ready; now, if one is ready that did not fit into the batch.
    pub(super) wake_at: Option<i64>,
    pub(super) synchronous_full: bool,
    /// How many were answered after the last commit.
    pub(super) answered: usize,
    /// Left over from a transaction that SQLite gave up: they go into one of their own.
    pub(super) deferred: Vec<Command>,
    // Dropped with the writer: the folder is held until the last write.
    pub(super) _data: Arc<DataDir>,
}

/// What a transaction has done that others hear of only after its commit.
#[derive(Default)]
struct Batch {
    answers: Vec<Answer>,
    changed: Vec<JobId>,
}

impl Writer {
    /// Takes back what the previous process had claimed, and counts.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        let (now, rules) = (self.clock.now_ms(), self.rules.clone());
        self.tally = count(&self.connection, &self.rules)?;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let sql = "SELECT id FROM jobs WHERE status = 'processing'";
        for id in row::ids(&self.connection, sql, [])? {
            self.change(&id, &mut Batch::default(), |record| record.interrupt(now, &rules))?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.publish_counts();
        Ok(())
    }

    pub(super) fn run(mut self) {
        loop {
            let (commands, close) = self.gather();
            self.commit(commands);
            if close {
                return;
            }
        }
    }

    /// Waits for a command or for a job to become ready, and takes what else is there.
    fn gather(&mut self) -> (Vec<Command>, bool) {
        let mut commands = std::mem::take(&mut self.deferred);
        if !commands.is_empty() {
            return (commands, false);
        }
        let first = match self.wake_at.filter(|_| !self.waiting.is_empty()) {
            None => self.commands.recv().ok(),
            Some(at) => {
                // At most a second, as the clock of the machine may be set.
                let ms = (at - self.clock.now_ms()).clamp(0, 1000).unsigned_abs();
                match self.commands.recv_timeout(Duration::from_millis(ms)) {
                    Ok(command) => Some(command),
                    Err(mpsc::RecvTimeoutError::Timeout) => return (commands, false),
                    Err(mpsc::RecvTimeoutError::Disconnected) => None,
                }
            }
        };
        let mut next = first.or(Some(Command::Close));
        let mut patience = None;
        while let Some(command) = next {
            if matches!(command, Command::Close) {
                return (commands, true);
            }
            commands.push(command);
            next = self.next_of_batch(commands.len(), &mut patience);
        }
        (commands, false)
    }

    /// What else goes into the batch: what is there, and what is about to come. Those who were
    /// answered together tend to ask again together; a commit for the first of them would make the
    /// others wait for two.
    fn next_of_batch(&self, gathered: usize, patience: &mut Option<Instant>) -> Option<Command> {
        if gathered >= self.batch_max {
            return None;
        }
        if gathered >= self.answered {
            return self.commands.try_recv().ok();
        }
        let until = *patience.get_or_insert_with(|| Instant::now() + PATIENCE);
        self.commands.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }

    fn commit(&mut self, commands: Vec<Command>) {
        let durable = commands.iter().any(Command::is_durable);
        let mut batch = Batch::default();
        let result = self.transact(commands, durable, &mut batch);
        if let Err(error) = &result {
            tracing::error!(%error, "a transaction of the job database failed");
            self.recover();
        }
        self.publish_counts();
        self.answered = batch.answers.len();
        for answer in batch.answers {
            answer(result.as_ref().err());
        }
        if result.is_ok() {
            for id in batch.changed {
                let _ = self.changes.send(id);
            }
        }
    }

    /// Each command writes in one statement, which SQLite undoes alone when it fails: that command
    /// is answered with the error and its neighbors go on. Only when SQLite had to give up the
    /// whole transaction (a full disk) does the batch fail as one.
    fn transact(
        &mut self,
        commands: Vec<Command>,
        durable: bool,
        batch: &mut Batch,
    ) -> rusqlite::Result<()> {
        self.set_synchronous(durable)?;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let room = self.batch_max.saturating_sub(commands.len());
        for command in commands {
            // Outside of the transaction a command would be committed that is told it failed.
            if self.connection.is_autocommit() {
                self.deferred.push(command);
            } else {
                self.handle(command, batch);
            }
        }
        if !self.connection.is_autocommit() {
            self.serve(room, batch)?;
        }
        if self.connection.is_autocommit() {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
            return Err(rusqlite::Error::SqliteFailure(code, None));
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// FULL waits for the disk at each commit, NORMAL leaves the write to the next FULL commit: see
    /// [`Command::is_durable`] for who may go without.
    fn set_synchronous(&mut self, full: bool) -> rusqlite::Result<()> {
        if full != self.synchronous_full {
            let mode = if full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.synchronous_full = full;
        }
        Ok(())
    }

    fn handle(&mut self, command: Command, batch: &mut Batch) {
        match command {
            Command::Submit { job, reply } => {
                let result = self.submit(*job, batch);
                batch.answer(reply, result);
            }
            Command::Claim(waiting) => self.waiting.push_back(waiting),
            Command::Heartbeat(heartbeat) => self.heartbeat(heartbeat, batch),
            Command::Finish { id, token, outcome, reply } => {
                let now = self.clock.now_ms();
                let rules = self.rules.clone();
                let end = |record: &mut Record| record.finish(&token, outcome, now, &rules);
                let result = self.change(&id, batch, end);
                batch.answer(reply, flatten(result));
            }
            Command::Undelivered { id, token } => {
                let (now, rules) = (self.clock.now_ms(), self.rules.clone());
                let outcome = crate::job_store::Outcome::HandedBack;
                let back = |record: &mut Record| record.finish(&token, outcome, now, &rules);
                if let Err(error) = self.change(&id, batch, back) {
                    tracing::warn!(%id, %error, "a job was not given back; its lease will end");
                }
            }
            Command::Cancel { id, reply } => {
                let cancelled = self.change_free(&id, Change::CancelAsked, batch);
                batch.answer(reply, cancelled.map(|record| record.map(|record| record.job)));
            }
            Command::Purge { id, reply } => {
                let purged = self.change_free(&id, Change::Purged, batch);
                batch.answer(reply, purged.map(|record| record.is_some()));
            }
            Command::Sweep { reply } => {
                let result = self.sweep(batch);
                batch.answer(reply, result.map_err(store_error));
            }
            Command::Close => unreachable!("the loop ends before"),
        }
    }

    fn submit(&mut self, job: NewJob, batch: &mut Batch) -> Result<Submitted, StoreError> {
        if let Some(asked) = &job.idempotency {
            let first = row::load_idempotent(&self.connection, &asked.scope, &asked.key);
            if let Some(first) = first.map_err(store_error)? {
                return Ok(first.replay(&asked.payload_sha256));
            }
        }
        if self.tally.queued >= self.rules.queue_max {
            return Err(StoreError::QueueFull { queued: self.tally.queued });
        }
        let record = Record::new(job, self.clock.now_ms());
        row::insert(&self.connection, &record).map_err(store_error)?;
        self.tally.add(&record, &self.rules);
        batch.changed.push(record.job.id.clone());
        Ok(Submitted::Accepted(record.job))
    }

    fn heartbeat(&mut self, heartbeat: Heartbeat, batch: &mut Batch) {
        let Heartbeat { id, token, progress, lease, reply } = heartbeat;
        let until = self.clock.now_ms() + millis(lease);
        let beat = |record: &mut Record| record.heartbeat(&token, progress, until);
        let result = self.change(&id, batch, beat);
        batch.answer(reply, flatten(result).map(|(signal, _)| signal));
    }

    /// Gives ready jobs to the workers that wait, in the same transaction.
    fn serve(&mut self, room: usize, batch: &mut Batch) -> rusqlite::Result<()> {
        self.wake_at = None;
        self.waiting.retain(|waiting| !waiting.reply.is_closed());
        for served in 0.. {
            if self.waiting.is_empty() || self.tally.queued == 0 {
                return Ok(());
            }
            let Some(mut record) = self.next_in_line()? else { return Ok(()) };
            let now = self.clock.now_ms();
            if record.run_at > now {
                self.wake_at = Some(record.run_at);
                return Ok(());
            }
            if !self.tally.allows(&record, &self.rules) {
                return Ok(());
            }
            // A batch has room for one command at least, also when it began without.
            if served >= room && !(served == 0 && batch.answers.is_empty()) {
                self.wake_at = Some(now);
                return Ok(());
            }
            let waiting = self.waiting.pop_front().expect("checked above");
            self.tally.remove(&record, &self.rules);
            let token = record.claim(&waiting.worker, now, waiting.lease, &self.rules);
            let saved = row::update_state(&self.connection, &record);
            self.tally.add(&record, &self.rules);
            batch.changed.push(record.job.id.clone());
            let claim = Claim { job: record.job, token };
            let delivery = Delivery::new(claim, self.sender.clone());
            batch.answer(waiting.reply, Ok::<_, StoreError>(delivery));
            saved?;
        }
        Ok(())
    }

    fn next_in_line(&self) -> rusqlite::Result<Option<Record>> {
        let sql = "SELECT * FROM jobs WHERE status = 'queued' ORDER BY run_at, id LIMIT 1";
        row::find(&self.connection, sql, [])
    }

    /// The one command of many statements: all of them count, or none.
    fn sweep(&mut self, batch: &mut Batch) -> rusqlite::Result<Swept> {
        let (tally, changed) = (self.tally.clone(), batch.changed.len());
        self.connection.execute_batch("SAVEPOINT sweep")?;
        let swept = self.sweep_rows(batch);
        if swept.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK TO sweep")?;
            batch.changed.truncate(changed);
            self.tally = tally;
        }
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("RELEASE sweep")?;
        }
        swept
    }

    fn sweep_rows(&mut self, batch: &mut Batch) -> rusqlite::Result<Swept> {
        let (now, rules) = (self.clock.now_ms(), self.rules.clone());
        let mut swept = Swept::default();
        let sql = "SELECT id FROM jobs WHERE status = 'processing' AND lease_until <= ?1 LIMIT ?2";
        for id in row::ids(&self.connection, sql, (now, SWEEP_MAX))? {
            self.change(&id, batch, |record| record.interrupt(now, &rules))?;
            swept.leases_lost += 1;
        }
        let sql = "SELECT id FROM jobs WHERE swept = 0 AND finished_at IS NOT NULL
                   AND expires_at <= ?1 LIMIT ?2";
        for id in row::ids(&self.connection, sql, (now, SWEEP_MAX))? {
            self.change(&id, batch, |record| {
                record.change(Change::Expired, now, &rules);
                record.swept = true;
            })?;
            swept.expired.push(id);
        }
        let mut forget = self.connection.prepare_cached(
            "DELETE FROM jobs WHERE rowid IN
             (SELECT rowid FROM jobs WHERE swept = 1 AND expires_at <= ?1 LIMIT ?2)",
        )?;
        let before = now - millis(rules.forget_after);
        swept.forgotten = forget.execute((before, SWEEP_MAX))? as u64;
        Ok(swept)
    }

    fn change_free(
        &mut self,
        id: &JobId,
        change: Change,
        batch: &mut Batch,
    ) -> Result<Option<Record>, StoreError> {
        let (now, rules) = (self.clock.now_ms(), self.rules.clone());
        let apply = |record: &mut Record| {
            record.change(change, now, &rules);
            record.clone()
        };
        self.change(id, batch, apply).map_err(store_error)
    }

    /// Loads a record, changes it, writes it back, keeps count.
    fn change<T>(
        &mut self,
        id: &JobId,
        batch: &mut Batch,
        change: impl FnOnce(&mut Record) -> T,
    ) -> rusqlite::Result<Option<T>> {
        let Some(mut record) = row::load(&self.connection, id)? else { return Ok(None) };
        let (version, mut tally) = (record.job.version, self.tally.clone());
        tally.remove(&record, &self.rules);
        let result = change(&mut record);
        tally.add(&record, &self.rules);
        row::update(&self.connection, &record)?;
        self.tally = tally;
        if record.job.version != version {
            batch.changed.push(id.clone());
        }
        Ok(Some(result))
    }

    /// After a failed transaction: nothing of it happened.
    fn recover(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the job database could not be rolled back");
        }
        match count(&self.connection, &self.rules) {
            Ok(tally) => self.tally = tally,
            Err(error) => tracing::error!(%error, "the job database could not be counted"),
        }
    }

    fn publish_counts(&self) {
        let next = if self.tally.queued == 0 { None } else { self.next_created_at() };
        let counts = self.tally.counts(next.map(from_ms));
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    fn next_created_at(&self) -> Option<i64> {
        let sql = "SELECT created_at FROM jobs WHERE status = 'queued' ORDER BY run_at, id LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql).ok()?;
        statement.query_row([], |row| row.get(0)).ok()
    }
}

impl Batch {
    fn answer<T, E>(
        &mut self,
        reply: tokio::sync::oneshot::Sender<Result<T, E>>,
        result: Result<T, E>,
    ) where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.answers.push(Box::new(move |failure| {
            // A caller that stopped waiting needs no answer.
            let _ = reply.send(match failure {
                None => result,
                Some(error) => Err(store_error(error).into()),
            });
        }));
    }
}

/// Counts the rows: at opening, and when a failed transaction made the running count doubtful.
pub(super) fn count(connection: &Connection, rules: &Rules) -> rusqlite::Result<Tally> {
    let sql = "SELECT count(*) FILTER (WHERE status = 'queued'),
               count(*) FILTER (WHERE status = 'processing'),
               count(*) FILTER (WHERE status = 'processing' AND interruptions >= ?1)
               FROM jobs WHERE status = 'queued' OR status = 'processing'";
    connection.query_row(sql, [rules.suspect_after_interruptions], |row| {
        let number = |index| Ok::<_, rusqlite::Error>(row.get::<_, i64>(index)?.unsigned_abs());
        Ok(Tally { queued: number(0)?, processing: number(1)?, suspects: number(2)? })
    })
}

fn flatten<T>(result: rusqlite::Result<Option<Result<T, ClaimError>>>) -> Result<T, ClaimError> {
    result.map_err(store_error)?.ok_or(ClaimError::LeaseLost)?
}

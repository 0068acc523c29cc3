//! A process that uses the SQLite store is killed, stopped and copied at any moment.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use jobs::job::Status;
use jobs::job_store::sqlite::Options;
use jobs::{DataDir, JobId, JobStore, SqliteStore};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, WaitIdOptions};

use crate::stage::example;

/// The process, and what it has been told is safe.
struct Victim {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    submitted: BTreeSet<JobId>,
    finished: BTreeSet<JobId>,
}

impl Victim {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(example("store_victim"));
        let mut child = command.arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, submitted: BTreeSet::new(), finished: BTreeSet::new() }
    }

    /// Takes so many acknowledgements, or all that are left.
    fn hear(&mut self, count: usize) {
        for line in self.lines.by_ref().take(count) {
            let line = line.unwrap();
            // The last line may be cut by the kill.
            let Some(id) = line.get(2..).and_then(JobId::parse) else { continue };
            match &line[..1] {
                "s" => self.submitted.insert(id),
                _ => self.finished.insert(id),
            };
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn stop(&self) {
        self.signal(Signal::STOP);
        let id = rustix::process::WaitId::Pid(Pid::from_child(&self.child));
        rustix::process::waitid(id, WaitIdOptions::STOPPED).unwrap();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.hear(usize::MAX);
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(folder: &Path) -> SqliteStore {
    let data = Arc::new(DataDir::open(folder).unwrap());
    SqliteStore::open(data, Options::default()).unwrap()
}

/// Everything acknowledged is there, and nothing is left in the middle.
async fn check(store: &SqliteStore, submitted: &BTreeSet<JobId>, finished: &BTreeSet<JobId>) {
    for id in submitted {
        let job = store.get(id).await.unwrap().expect("an acknowledged job exists");
        assert_ne!(job.status, Status::Processing, "taken back at opening");
        if finished.contains(id) {
            assert_eq!(job.status, Status::Succeeded, "an acknowledged end is kept");
        }
        assert!(job.attempt <= 1, "an interruption uses no attempt");
    }
}

fn is_sound(database: &Path) {
    let connection = Connection::open(database).unwrap();
    let verdict: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (mut submitted, mut finished) = (BTreeSet::new(), BTreeSet::new());
    for acknowledgements in [0, 1, 2, 5, 17, 40, 111, 200, 333, 64] {
        let mut victim = Victim::start(folder.path());
        victim.hear(acknowledgements);
        victim.kill();
        submitted.append(&mut victim.submitted);
        finished.append(&mut victim.finished);
        let store = open(folder.path());
        check(&store, &submitted, &finished).await;
        let counts = store.counts().await.unwrap();
        assert_eq!(counts.processing, 0);
        drop(store);
        is_sound(&folder.path().join("jobs.sqlite3"));
    }
    assert!(finished.len() > 100, "the test did something: {}", finished.len());
}

#[tokio::test]
async fn copies_at_any_moment_open_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = Victim::start(folder.path());
    for round in 0..12 {
        victim.hear(7 + round * 13);
        victim.stop();
        let copy = tempfile::tempdir().unwrap();
        for file in ["jobs.sqlite3", "jobs.sqlite3-wal"] {
            std::fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
        }
        victim.signal(Signal::CONT);
        let store = open(copy.path());
        check(&store, &victim.submitted, &victim.finished).await;
        drop(store);
        is_sound(&copy.path().join("jobs.sqlite3"));
    }
}

#[tokio::test]
async fn a_log_cut_anywhere_opens_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = Victim::start(folder.path());
    victim.hear(400);
    victim.kill();
    let wal = std::fs::read(folder.path().join("jobs.sqlite3-wal")).unwrap();
    for round in 0..24 {
        let copy = tempfile::tempdir().unwrap();
        let database = copy.path().join("jobs.sqlite3");
        std::fs::copy(folder.path().join("jobs.sqlite3"), &database).unwrap();
        let end = wal.len() * round / 23;
        // Some cuts on a page, some in the middle of one, some with garbage after.
        let mut torn = wal[..end].to_vec();
        torn.extend(std::iter::repeat_n(0xA5, round % 3 * 1000));
        std::fs::write(copy.path().join("jobs.sqlite3-wal"), torn).unwrap();
        drop(open(copy.path()));
        is_sound(&database);
    }
}

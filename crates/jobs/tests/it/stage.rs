//! What the tests play on: jobs, files, and the runner that does as it is told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jobs::clock::Clock;
use jobs::config::Rules;
use jobs::job::{InputFile, Job, JobId, Retention, Status};
use jobs::job_store::{NewJob, Submitted};
use jobs::pool::{Pool, Program};
use jobs::worker::{Parts, Worker};
use jobs::{Blobs, Config, DataDir, JobStore, MemoryStore, SqliteStore};
use serde_json::{Value, json};

/// A runner that does as it is told.
pub(crate) fn odd_runner() -> Program {
    Program { path: example("odd_runner"), args: Vec::new() }
}

/// An example of this crate, which cargo builds beside the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let path = target.join("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build -p jobs --examples", path.display());
    path
}

pub(crate) fn config() -> Config {
    Config { workers: 2, runner_memory_max_bytes: 256 << 20, ..Config::default() }
}

pub(crate) struct Stage {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) blobs: Blobs,
    pub(crate) config: Config,
    pub(crate) dir: tempfile::TempDir,
}

impl Stage {
    /// Rows in memory, files in a folder.
    pub(crate) fn new(config: Config) -> Self {
        let rules = Rules { crash_backoff: Duration::from_millis(1), ..config.rules() };
        Self::with_store(config, Arc::new(MemoryStore::new(rules, Clock::system())))
    }

    pub(crate) fn with_store(config: Config, store: Arc<dyn JobStore>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
        Self { store, blobs, config, dir }
    }

    /// Rows in SQLite, files beside them.
    pub(crate) fn on_disk(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Arc::new(DataDir::open(dir.path()).unwrap());
        let options =
            jobs::job_store::sqlite::Options { rules: config.rules(), ..Default::default() };
        let blobs = Blobs::open(data.blobs()).unwrap();
        let store = Arc::new(SqliteStore::open(data, options).unwrap());
        Self { store, blobs, config, dir }
    }

    pub(crate) fn worker(&self) -> Worker {
        let parts = Parts {
            store: Arc::clone(&self.store),
            blobs: self.blobs.clone(),
            pool: Pool::new(odd_runner(), &self.config),
            limits: imaging::Limits::default(),
            clock: Clock::system(),
        };
        Worker::start(parts, &self.config)
    }

    pub(crate) async fn submit(&self, request: Value, files: &[&str]) -> JobId {
        let new = new_job(&self.blobs, request, files).await;
        let Submitted::Accepted(job) = self.store.submit(new).await.unwrap() else {
            panic!("not accepted")
        };
        job.id
    }

    /// Waits for the end of a job.
    pub(crate) async fn end(&self, id: &JobId) -> Job {
        until(&*self.store, id, |job| job.status.is_terminal()).await
    }

    /// Waits until a job has begun.
    pub(crate) async fn begun(&self, id: &JobId) -> Job {
        until(&*self.store, id, |job| job.status != Status::Queued).await
    }

    /// All files of a job, by their keys.
    pub(crate) fn files(&self, id: &JobId) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.path().join(format!("blobs/jobs/{id}"))];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.dir.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }
}

/// Waits for a job to be as asked.
pub(crate) async fn until(store: &dyn JobStore, id: &JobId, is: impl Fn(&Job) -> bool) -> Job {
    let mut changes = store.watch();
    let wait = async {
        loop {
            let job = store.get(id).await.unwrap().expect("the job exists");
            if is(&job) {
                return job;
            }
            let _ = changes.recv().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the job never got there")
}

/// A job with its files stored.
pub(crate) async fn new_job(blobs: &Blobs, request: Value, files: &[&str]) -> NewJob {
    let id = JobId::new();
    let mut inputs = Vec::new();
    for (index, text) in files.iter().enumerate() {
        let mut writer = blobs.write_input(&id, index);
        writer.write(text.as_bytes()).await.unwrap();
        let stored = writer.finish().await.unwrap();
        inputs.push(InputFile {
            filename: "a.png".into(),
            format: "png".into(),
            mime_type: "image/png".into(),
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
            blob: stored.blob,
        });
    }
    NewJob {
        id,
        operation: "pipeline".into(),
        request,
        client_reference_id: None,
        tool_slug: None,
        retention: Retention { ttl_hours: 24, clamp: true },
        inputs,
        steps: vec!["transform".into(), "filter".into(), "optimize".into()],
        idempotency: None,
    }
}

pub(crate) fn does(what: &str) -> Value {
    json!({ "do": what })
}

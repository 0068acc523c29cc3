//! A server without a port, a worker that is stepped by hand, and files that are small.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use jobs::blobs::Blobs;
use jobs::clock::{Clock, ManualClock};
use jobs::job::{JobError, OutputFile, StepStatus};
use jobs::job_store::{
    Claim, ClaimError, Counts, Filter, NewJob, Outcome, Progress, Signal, StoreError, Submitted,
    Swept,
};
use jobs::{Job, JobId, JobStore, MemoryStore};
use serde_json::Value;
use server::{Config, Parts, State, router};
use tempfile::TempDir;
use tower::ServiceExt;

/// 2026-05-02T00:00:00Z, the day of the examples.
const START_MS: i64 = 1_777_680_000_000;

/// The request of the introduction.
pub(crate) const PIPELINE: &str = concat!(
    r#"{"steps":[{"operation":"transform","request":{"operations":[{"type":"resize","width":1600}"#,
    r#"]}},{"operation":"filter","request":{"filters":[{"intensity":72,"type":"cinematic"}]}},"#,
    r#"{"operation":"optimize","request":{"input_format":"png","operation":"convert_to_webp"}}],"#,
    r#""tool_slug":"pipeline-resize-filter-compress"}"#
);

/// The boundary of [`form`].
pub(crate) const BOUNDARY: &str = "----boundary";

/// A server and all it stands on.
pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) state: State,
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) blobs: Blobs,
    pub(crate) clock: ManualClock,
    pub(crate) folder: TempDir,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Settings with small limits, so that tests can pass them.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.upload.file_bytes_max = 10_000;
    config.upload.files_max = 3;
    config.upload.request_bytes_max = 25_000;
    config.upload.document_bytes_max = 4_000;
    config
}

pub(crate) fn jobs_config() -> jobs::Config {
    jobs::Config { disk_floor_bytes: 0, queue_max: 5, ..jobs::Config::default() }
}

pub(crate) fn app() -> App {
    app_with(config(), jobs_config())
}

pub(crate) fn app_with(config: Config, jobs_config: jobs::Config) -> App {
    let folder = TempDir::new().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let (clock, manual) = Clock::manual(START_MS);
    let store: Arc<dyn JobStore> = Arc::new(MemoryStore::new(jobs_config.rules(), clock));
    let state = state_over(Arc::clone(&store), &blobs, config, jobs_config);
    App { router: router(state.clone()), state, store, blobs, clock: manual, folder }
}

fn state_over(
    jobs: Arc<dyn JobStore>,
    blobs: &Blobs,
    config: Config,
    jobs_config: jobs::Config,
) -> State {
    State::new(Parts {
        jobs,
        blobs: blobs.clone(),
        limits: imaging::Limits::default(),
        config,
        jobs_config,
        listen: "127.0.0.1:8080".parse().unwrap(),
        gauges: Arc::new(()),
    })
}

impl App {
    /// The same server over another job store.
    pub(crate) fn router_over(&self, store: impl JobStore + 'static) -> Router {
        router(state_over(Arc::new(store), &self.blobs, config(), jobs_config()))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[], Body::empty())).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(Method::GET, path, headers, Body::empty())).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(request(method, path, &[], Body::empty())).await
    }

    /// Posts a form.
    pub(crate) async fn post(&self, path: &str, parts: &[Part<'_>]) -> Answer {
        self.post_with(path, parts, &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        parts: &[Part<'_>],
        headers: &[(&str, &str)],
    ) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let body = form(parts);
        let length = body.len().to_string();
        let mut all = vec![("content-type", kind.as_str()), ("content-length", length.as_str())];
        all.extend(headers);
        self.send(request(Method::POST, path, &all, Body::from(body))).await
    }

    /// Posts the pipeline of the introduction and gives the id of its job.
    pub(crate) async fn accepted(&self) -> String {
        self.accepted_with(&[file("image.png", png(8, 6)), document(PIPELINE)]).await
    }

    pub(crate) async fn accepted_with(&self, parts: &[Part<'_>]) -> String {
        let answer = self.post("/v1/pipeline", parts).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Claims the next job.
    pub(crate) async fn claim(&self) -> Claim {
        self.store.claim("test", Duration::from_secs(30)).await.unwrap()
    }

    /// Ends the next job with these files.
    pub(crate) async fn succeed(&self, files: &[(&str, &[u8])]) {
        let claim = self.claim().await;
        self.clock.advance(Duration::from_millis(1500));
        self.succeed_claim(claim, files).await;
    }

    pub(crate) async fn succeed_claim(&self, claim: Claim, files: &[(&str, &[u8])]) {
        let mut outputs = Vec::new();
        for (index, (filename, bytes)) in files.iter().enumerate() {
            let mut writer = self.blobs.write_output(&claim, index);
            writer.write(bytes).await.unwrap();
            let stored = writer.finish().await.unwrap();
            outputs.push(OutputFile {
                filename: (*filename).to_owned(),
                format: "webp".to_owned(),
                mime_type: "image/webp".to_owned(),
                size_bytes: stored.size_bytes,
                sha256: stored.sha256,
                blob: stored.blob,
                width: 1600,
                height: 1200,
                encode_generations: 1,
                input_index: index.min(claim.job.inputs.len() - 1),
            });
        }
        let mut steps = claim.job.steps.clone();
        for step in &mut steps {
            step.status = StepStatus::Succeeded;
            step.progress = 100;
            step.started_at = claim.job.started_at;
            step.finished_at = claim.job.started_at.map(|at| at + Duration::from_millis(1500));
        }
        let outcome = Outcome::Succeeded { outputs, warnings: Vec::new(), data: Vec::new(), steps };
        self.store.finish(claim, outcome).await.unwrap();
    }

    /// Ends the next job without files.
    pub(crate) async fn fail(&self) {
        let claim = self.claim().await;
        let error = JobError {
            code: "invalid_input".to_owned(),
            message: "png: bad checksum".to_owned(),
            step_index: Some(0),
        };
        let steps = claim.job.steps.clone();
        self.store
            .finish(claim, Outcome::Failed { error, warnings: Vec::new(), steps })
            .await
            .unwrap();
    }

    /// Asserts that nothing was kept: no row, no blob.
    pub(crate) async fn assert_no_trace(&self) {
        let filter = Filter { limit: 10, ..Default::default() };
        assert_eq!(self.store.list(filter).await.unwrap(), [], "a job was made");
        self.assert_no_files();
    }

    /// Asserts that no file lies in the data folder.
    pub(crate) fn assert_no_files(&self) {
        let files = files_below(self.folder.path());
        assert!(files.is_empty(), "files were kept: {files:?}");
    }
}

pub(crate) fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// A request with a `Host` header.
pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        request.headers_mut().unwrap().insert(name, value.parse().unwrap());
    }
    request.body(body).unwrap()
}

/// A part of a form: its name, file name and data.
pub(crate) type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

pub(crate) fn file<'a>(filename: &'a str, bytes: &'a [u8]) -> Part<'a> {
    ("files[]", Some(filename), bytes)
}

pub(crate) fn document(text: &str) -> Part<'_> {
    ("request", None, text.as_bytes())
}

pub(crate) fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, data) in parts {
        let filename = filename.map_or_else(String::new, |name| format!("; filename=\"{name}\""));
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// A PNG that is sound as far as the door looks: the pixels need not decode.
pub(crate) fn png(width: u32, height: u32) -> &'static [u8] {
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header.as_slice()), (b"IDAT", b"pixels"), (b"IEND", b"")] {
        file.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        let start = file.len();
        file.extend_from_slice(kind);
        file.extend_from_slice(data);
        let checksum = crc32fast::hash(&file[start..]);
        file.extend_from_slice(&checksum.to_be_bytes());
    }
    file.leak()
}

/// JSON with ids replaced, so that it can be compared with a snapshot.
pub(crate) fn settled(mut value: Value) -> Value {
    settle(&mut value);
    value
}

fn settle(value: &mut Value) {
    match value {
        Value::String(text) => *text = settle_text(text),
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(members) => members.values_mut().for_each(settle),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn settle_text(text: &str) -> String {
    let mut out = text.to_owned();
    for prefix in ["job_", "req_"] {
        while let Some(at) = out.find(prefix).filter(|at| is_id(&out[at + 4..])) {
            out.replace_range(at..at + 4 + 32, &prefix.to_uppercase().replace('_', "-ID"));
        }
    }
    out
}

fn is_id(text: &str) -> bool {
    text.len() >= 32 && text.bytes().take(32).all(|byte| byte.is_ascii_hexdigit())
}

/// A job store that is broken in the worst way.
pub(crate) struct Panics;

#[async_trait::async_trait]
impl JobStore for Panics {
    async fn submit(&self, _: NewJob) -> Result<Submitted, StoreError> {
        panic!("secret")
    }
    async fn claim(&self, _: &str, _: Duration) -> Result<Claim, StoreError> {
        panic!("secret")
    }
    async fn heartbeat(&self, _: &Claim, _: Progress, _: Duration) -> Result<Signal, ClaimError> {
        panic!("secret")
    }
    async fn finish(&self, _: Claim, _: Outcome) -> Result<(), ClaimError> {
        panic!("secret")
    }
    async fn cancel(&self, _: &JobId) -> Result<Option<Job>, StoreError> {
        panic!("secret")
    }
    async fn purge(&self, _: &JobId) -> Result<bool, StoreError> {
        panic!("secret")
    }
    async fn get(&self, _: &JobId) -> Result<Option<Job>, StoreError> {
        panic!("secret")
    }
    async fn list(&self, _: Filter) -> Result<Vec<Job>, StoreError> {
        panic!("secret")
    }
    async fn find_idempotent(&self, _: &str, _: &str) -> Result<Option<(Job, String)>, StoreError> {
        panic!("secret")
    }
    fn watch(&self) -> tokio::sync::broadcast::Receiver<JobId> {
        panic!("secret")
    }
    async fn sweep(&self) -> Result<Swept, StoreError> {
        panic!("secret")
    }
    async fn counts(&self) -> Result<Counts, StoreError> {
        panic!("secret")
    }
}

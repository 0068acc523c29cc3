//! The program as a child process.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The pipeline of the API docs.
pub(crate) const PIPELINE: &str = r#"{"steps":[
    {"operation":"transform","request":{"operations":[{"type":"resize","width":1600}]}},
    {"operation":"filter","request":{"filters":[{"intensity":72,"type":"cinematic"}]}},
    {"operation":"optimize","request":{"input_format":"png","operation":"convert_to_webp"}}],
    "tool_slug":"pipeline-resize-filter-compress"}"#;

/// `imagehq` with these arguments, in a folder of its own settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagehq"));
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("IMAGEHQ_") {
            command.env_remove(name);
        }
    }
    command
}

/// What came of `imagehq` with these arguments, started in this folder.
pub(crate) fn imagehq(folder: &Path, arguments: &[&str]) -> Output {
    command(arguments).current_dir(folder).output().unwrap()
}

/// What a process said, for assertions.
pub(crate) fn said(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{}\nstdout: {stdout}\nstderr: {stderr}", output.status)
}

/// A photograph of the project, 2400 pixels wide.
pub(crate) fn photo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/demo.jpg")
}

/// A running server. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts a server on a free port and waits until it is ready.
    pub(crate) fn start(data: &Path, environment: &[(&str, &str)]) -> Self {
        let begun = Instant::now();
        let data_flag = data.to_str().unwrap();
        let mut child = command(&["serve", "--listen", "127.0.0.1:0", "--data", data_flag])
            .envs(environment.iter().copied())
            .current_dir(data.parent().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready_after = begun.elapsed();
        let Some(url) = line.trim_end().strip_prefix("listening on ") else {
            let mut complaint = String::new();
            child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
            panic!("the server said {line:?} and {complaint}");
        };
        let url = url.to_owned();
        // Read to the end, so that the server never waits for a reader of its log.
        let mut log = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, url, ready_after }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < within, "the server did not end within {within:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The processes that the server started and that live.
    pub(crate) fn children(&self) -> Vec<u32> {
        children_of(self.pid())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes whose parent this is.
fn children_of(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        entry.unwrap().file_name().to_str().and_then(|name| name.parse::<u32>().ok())
    });
    pids.filter(|pid| status_field(*pid, "PPid") == Some(u64::from(parent))).collect()
}

/// Whether a process lives: it is there and no zombie.
pub(crate) fn lives(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains("Z (zombie)"))
}

/// A number of /proc/PID/status.
pub(crate) fn status_field(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Posts the pipeline with a photograph and gives the 202 body.
pub(crate) async fn post(server: &Server, file: Vec<u8>, request: &str) -> Value {
    let file = reqwest::multipart::Part::bytes(file).file_name("photo.jpg");
    let form = reqwest::multipart::Form::new().part("files[]", file);
    let form = form.text("request", request.to_owned());
    let url = format!("{}/v1/pipeline", server.url);
    let answer = reqwest::Client::new().post(url).multipart(form).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 202, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The JSON at this path of the server.
pub(crate) async fn get(server: &Server, path: &str) -> Value {
    let answer = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Polls a job until it ended.
pub(crate) async fn ended(server: &Server, job: &Value) -> Value {
    let path = job["poll_url"].as_str().unwrap();
    for _ in 0..6 {
        let job = get(server, &format!("{path}?wait=20")).await;
        if matches!(job["status"].as_str(), Some("succeeded" | "failed" | "cancelled")) {
            return job;
        }
    }
    panic!("the job did not end: {job}");
}

/// The size of a WebP file by its header.
pub(crate) fn webp_size(bytes: &[u8]) -> (u32, u32) {
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    let header = imaging::format::header(bytes, &imaging::Limits::default()).unwrap();
    assert_eq!(header.format.name, "webp");
    (header.size.width, header.size.height)
}

//! A runner process as the server sees it.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::protocol::{CHUNK_BYTES, Frame, Setup};
use super::{Program, chunks};

/// How much of the last words on standard error is kept, in bytes.
const LAST_WORDS_BYTES: usize = 4096;
/// A runner that closed its output is about to end.
const END_WAIT: Duration = Duration::from_secs(1);

/// Starts processes from one thread that lives as long as the pool. The runners ask the kernel to
/// kill them when their parent *thread* ends, so that thread must not be one of a pool of threads.
#[derive(Debug)]
pub(super) struct Spawner(mpsc::Sender<oneshot::Sender<io::Result<Process>>>);

impl Spawner {
    pub(super) fn start(program: Program) -> Self {
        let (requests, todo) = mpsc::channel::<oneshot::Sender<io::Result<Process>>>();
        let spawn_all = move || {
            for reply in todo {
                // A process that nobody takes is killed by its `Drop`.
                let _ = reply.send(spawn(&program));
            }
        };
        let thread = std::thread::Builder::new().name("runner-spawner".into());
        thread.spawn(spawn_all).expect("a process that cannot start one thread cannot serve");
        Self(requests)
    }

    pub(super) async fn spawn(&self, setup: Setup) -> io::Result<Runner> {
        let (reply, process) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts runners is gone");
        self.0.send(reply).map_err(|_| gone())?;
        let process = process.await.map_err(|_| gone())??;
        Runner::new(process, setup).await
    }
}

fn spawn(program: &Program) -> io::Result<Process> {
    let mut command = Command::new(&program.path);
    command.arg0("imagehq-runner").args(&program.args).env_clear();
    let (name, value) = imaging::heap::LARGE_PAGES;
    command.env(name, value);
    // A Ctrl-C in the terminal is for the server, which then lets its runners end.
    command.process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(Process(Some(command.spawn()?)))
}

/// A child process that is killed and waited for when it is dropped.
#[derive(Debug)]
pub(super) struct Process(Option<Child>);

impl Process {
    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("taken only by Drop")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take()
            && !matches!(child.try_wait(), Ok(Some(_)))
        {
            let _ = child.kill();
            // A killed process that hangs in the kernel must not hang us.
            let reap = move || child.wait();
            let _ = std::thread::Builder::new().name("runner-reaper".into()).spawn(reap);
        }
    }
}

/// A warm runner: its process and its pipes.
#[derive(Debug)]
pub(super) struct Runner {
    process: Process,
    pub(super) stdin: pipe::Sender,
    pub(super) stdout: BufReader<pipe::Receiver>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    listener: JoinHandle<()>,
    /// Files it has worked on.
    pub(super) units: u32,
}

/// How a runner ended by itself.
#[derive(Debug)]
pub(super) struct Death {
    pub(super) status: Option<ExitStatus>,
    pub(super) last_words: String,
}

impl Runner {
    async fn new(mut process: Process, setup: Setup) -> io::Result<Self> {
        let child = process.child();
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let missing = || io::Error::other("a runner without pipes");
        let stdin = stdin.ok_or_else(missing)?;
        let stdout = stdout.ok_or_else(missing)?;
        let stderr = stderr.ok_or_else(missing)?;
        // Larger pipes mean fewer turns; the smaller default works too.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdin, CHUNK_BYTES);
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, CHUNK_BYTES);
        let last_words = Arc::default();
        let stderr = pipe::Receiver::from_owned_fd(stderr.into())?;
        let listener = tokio::spawn(listen(stderr, Arc::clone(&last_words)));
        let stdout = pipe::Receiver::from_owned_fd(stdout.into())?;
        let mut stdin = pipe::Sender::from_owned_fd(stdin.into())?;
        Frame::Setup(setup).send(&mut stdin).await?;
        // It may open no files: what it draws with comes from here, the same for all runners.
        for font in imaging::fonts::added() {
            for chunk in chunks(Bytes::from_static(font)) {
                Frame::Chunk(chunk).send(&mut stdin).await?;
            }
            Frame::End.send(&mut stdin).await?;
        }
        let stdout = BufReader::with_capacity(64 << 10, stdout);
        Ok(Self { process, stdin, stdout, last_words, listener, units: 0 })
    }

    /// Whether the process still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.process.child().try_wait(), Ok(None))
    }

    /// Resident memory in bytes; 0 when the system does not say.
    pub(super) fn rss_bytes(&mut self) -> u64 {
        let path = format!("/proc/{}/statm", self.process.child().id());
        let statm = std::fs::read_to_string(path).unwrap_or_default();
        let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
        pages.unwrap_or(0) * rustix::param::page_size() as u64
    }

    /// Waits for the end of a runner that stopped talking. One that does not end is killed.
    pub(super) async fn bury(mut self) -> Death {
        let deadline = tokio::time::Instant::now() + END_WAIT;
        let status = loop {
            match self.process.child().try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                _ => break None,
            }
        };
        let _ = tokio::time::timeout(END_WAIT, &mut self.listener).await;
        let last_words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = last_words.iter().copied().collect();
        Death { status, last_words: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(mut stderr: pipe::Receiver, last_words: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..n]);
        tracing::debug!(target: "runner", "{}", text.trim_end());
        let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend(&buffer[..n]);
        let excess = words.len().saturating_sub(LAST_WORDS_BYTES);
        words.drain(..excess);
    }
}

impl Death {
    /// Whether memory ran out: Rust and C++ say so before they abort, the kernel kills.
    pub(super) fn is_out_of_memory(&self) -> bool {
        let said = ["memory allocation of", "std::bad_alloc"];
        match self.status.and_then(|status| status.signal()) {
            Some(9) => true,
            Some(6) => said.iter().any(|words| self.last_words.contains(words)),
            _ => false,
        }
    }

    /// What happened, as the end of a sentence about the runner.
    pub(super) fn describe(&self) -> String {
        let Some(status) = self.status else { return "closed its output".into() };
        match (status.signal(), status.code()) {
            (Some(signal), _) => format!("was ended by {}", signal_name(signal)),
            (None, Some(code)) => format!("ended with exit code {code}"),
            (None, None) => "ended".into(),
        }
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {signal}"),
    };
    name.into()
}

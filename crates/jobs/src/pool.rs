//! Warm runner processes: started when needed, fed one file at a time, watched, replaced.
//!
//! Pixels are touched in these processes only. Whatever a file does to its runner (crash, hang, eat
//! memory) costs that one unit; dropping the future of [`Pool::run`] kills the runner at once.

mod process;
mod protocol;
pub mod runner;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::process::{Runner, Spawner};
use self::protocol::{CHUNK_BYTES, Failure, Frame, Setup};
use crate::config::Config;
use crate::job::JobError;

pub use protocol::{OutputHeader, Unit, UnitReport};

/// A runner that was found dead is replaced so often before the pool gives up.
const STARTS_MAX: u32 = 3;

/// The program that runners are started from.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// Arguments that make it call [`runner::main`].
    pub args: Vec<OsString>,
}

impl Program {
    /// This very program, even when its file has since been replaced by another version.
    pub fn this(args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { path: "/proc/self/exe".into(), args }
    }
}

/// Warm runner processes. Clones share them.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spawner: Spawner,
    idle: Mutex<Vec<Runner>>,
    permits: Semaphore,
    memory_max_bytes: u64,
    threads: usize,
    idle_rss_max_bytes: u64,
    units_max: u32,
    step_time_max: Duration,
}

/// The bytes of an input, in pieces.
pub type InputStream = BoxStream<'static, io::Result<Bytes>>;

/// The files of a unit, each in pieces.
pub struct Inputs {
    /// The file that the plan runs on.
    pub input: InputStream,
    /// The others, in the order of [`Unit::files`].
    pub files: Vec<InputStream>,
}

impl From<InputStream> for Inputs {
    fn from(input: InputStream) -> Self {
        Self { input, files: Vec::new() }
    }
}

/// Hears what a unit does, and takes its results piece by piece.
#[async_trait]
pub trait Sink: Send {
    /// A step has got this far (0 to 1).
    fn step(&mut self, step_index: usize, fraction: f32);
    /// A result begins.
    async fn begin(&mut self, header: OutputHeader) -> Result<(), SinkError>;
    /// The next bytes of the result.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError>;
    /// The result is whole.
    async fn end(&mut self) -> Result<(), SinkError>;
}

/// Why a result could not be taken.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Why a unit has no results.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The plan cannot be run on the file: it would fail again.
    #[error("{}", .0.message)]
    Failed(JobError),
    /// The runner crashed, hung or ran out of memory.
    #[error("{}", .0.message)]
    Crashed(JobError),
    /// The input cannot be read.
    #[error("the input cannot be read: {0}")]
    Input(io::Error),
    /// A result cannot be stored.
    #[error("a result cannot be stored: {0}")]
    Output(SinkError),
    /// No runner can be started.
    #[error("no runner can be started: {0}")]
    Unavailable(io::Error),
}

/// Collects results in memory, for callers that write them to files themselves.
#[derive(Debug, Default)]
pub struct Collect<F> {
    /// The results.
    pub outputs: Vec<(OutputHeader, Vec<u8>)>,
    /// Called with the index of a step and how far it got.
    pub on_step: F,
}

#[async_trait]
impl<F: FnMut(usize, f32) + Send> Sink for Collect<F> {
    fn step(&mut self, step_index: usize, fraction: f32) {
        (self.on_step)(step_index, fraction);
    }

    async fn begin(&mut self, header: OutputHeader) -> Result<(), SinkError> {
        self.outputs.push((header, Vec::new()));
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let (_, all) = self.outputs.last_mut().ok_or("bytes before a result")?;
        all.extend_from_slice(bytes);
        Ok(())
    }

    async fn end(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Pool {
    /// A pool that starts its first runner when the first unit comes.
    pub fn new(program: Program, config: &Config) -> Self {
        Self(Arc::new(Inner {
            spawner: Spawner::start(program),
            idle: Mutex::default(),
            permits: Semaphore::new(config.workers_resolved()),
            memory_max_bytes: config.runner_memory_max_bytes,
            threads: config.runner_threads_resolved(),
            idle_rss_max_bytes: config.runner_idle_rss_max_bytes,
            units_max: config.runner_units_max.max(1),
            step_time_max: Duration::from_secs(config.step_seconds_max.max(1)),
        }))
    }

    /// Starts a runner before it is needed.
    pub async fn warm_up(&self) -> io::Result<()> {
        let runner = self.0.spawn().await?;
        self.0.put_back(runner);
        Ok(())
    }

    /// Runs a unit, when a runner is free. Dropping the future kills the runner.
    pub async fn run(
        &self,
        unit: &Unit,
        inputs: impl Into<Inputs>,
        sink: &mut dyn Sink,
    ) -> Result<UnitReport, UnitError> {
        let inputs = inputs.into();
        let _permit = self.0.permits.acquire().await.expect("the semaphore is never closed");
        let runner = self.0.begin(unit).await.map_err(UnitError::Unavailable)?;
        let mut run = Run { inner: &self.0, runner, step_index: None, output_bytes: 0 };
        match run.go(inputs, sink).await {
            Ok(End::Done(report)) => {
                self.0.put_back(run.runner);
                Ok(report)
            }
            Ok(End::Failed(Failure { error, retire })) => {
                if !retire {
                    self.0.put_back(run.runner);
                }
                Err(UnitError::Failed(error))
            }
            Err(Stop::Caller(error)) => Err(error),
            Err(Stop::Runner(cause)) => Err(UnitError::Crashed(run.post_mortem(cause).await)),
        }
    }
}

/// The bytes of an input that is in memory.
pub fn input_bytes(bytes: impl Into<Bytes>) -> InputStream {
    let bytes = bytes.into();
    futures_util::stream::once(async move { Ok(bytes) }).boxed()
}

impl Inner {
    async fn spawn(&self) -> io::Result<Runner> {
        let setup = Setup {
            memory_max_bytes: self.memory_max_bytes,
            threads: self.threads,
            fonts: imaging::fonts::added().len(),
        };
        self.spawner.spawn(setup).await
    }

    /// Finds a runner that takes the unit. One that died while it was idle is not the unit's fault.
    async fn begin(&self, unit: &Unit) -> io::Result<Runner> {
        let mut starts = 0;
        loop {
            let pooled = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut runner = match pooled {
                Some(runner) => runner,
                None => {
                    starts += 1;
                    self.spawn().await?
                }
            };
            match timeout_at(Instant::now() + self.step_time_max, runner.begin(unit)).await {
                Ok(Ok(())) => return Ok(runner),
                Ok(Err(_)) | Err(_) if starts < STARTS_MAX => {}
                Ok(Err(error)) => {
                    let death = runner.bury().await;
                    let (what, words) = (death.describe(), death.last_words);
                    return Err(io::Error::new(
                        error.kind(),
                        format!("it {what}: {}", words.trim()),
                    ));
                }
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    /// Keeps a runner for the next unit, unless it has had its time.
    fn put_back(&self, mut runner: Runner) {
        let worn = runner.units >= self.units_max || runner.rss_bytes() > self.idle_rss_max_bytes;
        if !worn && runner.is_alive() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(runner);
        }
    }
}

impl Runner {
    async fn begin(&mut self, unit: &Unit) -> io::Result<()> {
        self.units += 1;
        Frame::Unit(Box::new(unit.clone())).send(&mut self.stdin).await?;
        match Frame::receive(&mut self.stdout).await? {
            Frame::Began => Ok(()),
            _ => Err(io::Error::other("a runner that is out of step")),
        }
    }
}

/// A unit under way.
struct Run<'a> {
    inner: &'a Inner,
    runner: Runner,
    step_index: Option<usize>,
    output_bytes: u64,
}

enum End {
    Done(UnitReport),
    Failed(Failure),
}

enum Stop {
    /// Nothing is wrong with the runner, but it cannot be used on.
    Caller(UnitError),
    Runner(Cause),
}

enum Cause {
    TimeOut,
    Gone,
    Nonsense(&'static str),
}

impl Run<'_> {
    async fn go(&mut self, inputs: Inputs, sink: &mut dyn Sink) -> Result<End, Stop> {
        self.feed_file(inputs.input).await?;
        for file in inputs.files {
            self.feed_file(file).await?;
        }
        self.listen(sink).await
    }

    async fn feed_file(&mut self, mut input: InputStream) -> Result<(), Stop> {
        while let Some(bytes) =
            input.try_next().await.map_err(|error| Stop::Caller(UnitError::Input(error)))?
        {
            for chunk in chunks(bytes) {
                self.feed(Frame::Chunk(chunk)).await?;
            }
        }
        self.feed(Frame::End).await
    }

    async fn feed(&mut self, frame: Frame) -> Result<(), Stop> {
        let deadline = Instant::now() + self.inner.step_time_max;
        match timeout_at(deadline, frame.send(&mut self.runner.stdin)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::Runner(Cause::Gone)),
            Err(_) => Err(Stop::Runner(Cause::TimeOut)),
        }
    }

    async fn listen(&mut self, sink: &mut dyn Sink) -> Result<End, Stop> {
        let take = |error| Stop::Caller(UnitError::Output(error));
        let mut deadline = Instant::now() + self.inner.step_time_max;
        let mut missing = 0;
        loop {
            let frame = match timeout_at(deadline, Frame::receive(&mut self.runner.stdout)).await {
                Ok(Ok(frame)) => frame,
                Ok(Err(_)) => return Err(Stop::Runner(Cause::Gone)),
                Err(_) => return Err(Stop::Runner(Cause::TimeOut)),
            };
            match frame {
                Frame::Step { step_index, fraction } => {
                    let step_index = step_index as usize;
                    if self.step_index.is_none_or(|last| step_index > last) {
                        self.step_index = Some(step_index);
                        deadline = Instant::now() + self.inner.step_time_max;
                    }
                    sink.step(step_index, fraction.clamp(0.0, 1.0));
                }
                Frame::Output(header) if missing == 0 => {
                    missing = header.size_bytes;
                    self.count_output(missing)?;
                    sink.begin(header).await.map_err(take)?;
                    if missing == 0 {
                        sink.end().await.map_err(take)?;
                    }
                }
                Frame::Chunk(bytes) if bytes.len() as u64 <= missing && !bytes.is_empty() => {
                    missing -= bytes.len() as u64;
                    sink.write(&bytes).await.map_err(take)?;
                    if missing == 0 {
                        sink.end().await.map_err(take)?;
                    }
                    // Storing the results is our time, not the step's.
                    deadline = Instant::now() + self.inner.step_time_max;
                }
                Frame::Done(report) if missing == 0 => return Ok(End::Done(report)),
                Frame::Failed(failure) => return Ok(End::Failed(failure)),
                _ => return Err(Stop::Runner(Cause::Nonsense("a frame out of order"))),
            }
        }
    }

    /// A sound runner holds its results in memory; one that announces more is none.
    fn count_output(&mut self, bytes: u64) -> Result<(), Stop> {
        self.output_bytes = self.output_bytes.saturating_add(bytes);
        if self.output_bytes > self.inner.memory_max_bytes {
            return Err(Stop::Runner(Cause::Nonsense("more results than fit into its memory")));
        }
        Ok(())
    }

    async fn post_mortem(self, cause: Cause) -> JobError {
        let step_index = self.step_index;
        let error = |code: &str, message| JobError { code: code.into(), message, step_index };
        match cause {
            Cause::TimeOut => {
                let seconds = self.inner.step_time_max.as_secs();
                error("timeout", format!("the step took longer than {seconds} seconds"))
            }
            Cause::Nonsense(what) => {
                error("runner_crashed", format!("the process that worked on the file sent {what}"))
            }
            Cause::Gone => {
                let death = self.runner.bury().await;
                tracing::warn!(what = death.describe(), words = death.last_words, "a runner died");
                if death.is_out_of_memory() {
                    let megabytes = self.inner.memory_max_bytes >> 20;
                    let message = format!("the file needs more than {megabytes} MB of memory");
                    error("out_of_memory", message)
                } else {
                    let what = death.describe();
                    error("runner_crashed", format!("the process that worked on the file {what}"))
                }
            }
        }
    }
}

fn chunks(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let len = bytes.len().min(CHUNK_BYTES);
        (len > 0).then(|| bytes.split_to(len))
    })
}

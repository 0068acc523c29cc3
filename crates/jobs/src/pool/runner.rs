//! The loop inside a runner process, the only place where pixels are touched.
//!
//! The main thread only reads what the server sends, so that it notices at once when the server is
//! gone, even while native code hangs in the thread that works.

use std::fs::File;
use std::io::{self, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use imaging::run::{Events, Input, Report};
use imaging::{Error, ErrorKind, Files, Plan};
use rustix::process::{Resource, Rlimit, Signal};

use super::protocol::{CHUNK_BYTES, Failure, Frame, OutputHeader, Setup, Unit, UnitReport};
use crate::job::JobError;

/// Progress within a step is told at most this often.
const STEP_INTERVAL: Duration = Duration::from_millis(50);
const STACK_BYTES: usize = 8 << 20;
/// Free memory that a runner keeps from one unit to the next, which need not have it cleared.
const HEAP_KEPT_BYTES: usize = 128 << 20;
/// And when it has waited for one so long.
const HEAP_KEPT_IDLE_BYTES: usize = 32 << 20;
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Standard streams, the copy of standard output, and a few for the C library.
const FILES_MAX: u64 = 16;

/// Runs plans until the server closes the standard input. What the hidden subcommand calls, before
/// it does anything else.
pub fn main() -> ExitCode {
    main_with(run_plan)
}

/// The same with other work: for programs that test the pool.
pub fn main_with<W>(work: W) -> ExitCode
where
    W: Fn(&Unit, &Bodies, &dyn Events) -> imaging::Result<Report> + Send + 'static,
{
    match serve(work) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("runner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve<W>(work: W) -> io::Result<std::convert::Infallible>
where
    W: Fn(&Unit, &Bodies, &dyn Events) -> imaging::Result<Report> + Send + 'static,
{
    // Whatever a library prints must not end up between the frames.
    let output = File::from(rustix::io::dup(io::stdout())?);
    rustix::stdio::dup2_stdout(io::stderr())?;
    confine()?;
    imaging::heap::keep_freed();
    let mut input = BufReader::with_capacity(CHUNK_BYTES, io::stdin().lock());
    let Frame::Setup(setup) = Frame::read_from(&mut input)? else {
        return Err(io::Error::other("the first frame is no setup"));
    };
    confine_memory(&setup)?;
    let fonts = (0..setup.fonts).map(|_| receive_body(&mut input)).collect::<io::Result<_>>()?;
    imaging::fonts::add(fonts).map_err(io::Error::other)?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(setup.threads);
    threads.build_global().map_err(io::Error::other)?;

    let output = std::sync::Arc::new(Output(Mutex::new(output)));
    let (units, todo) = mpsc::sync_channel::<(Unit, Bodies)>(1);
    let worker = std::sync::Arc::clone(&output);
    std::thread::Builder::new().name("plan".into()).stack_size(STACK_BYTES).spawn(move || {
        while let Some((unit, bodies)) = next(&todo) {
            worker.tell_or_exit(|output| perform(&work, &unit, &bodies, output));
            drop((unit, bodies));
            imaging::heap::trim(HEAP_KEPT_BYTES);
        }
    })?;
    loop {
        match receive(&mut input, &output) {
            Ok(unit) => units.send(unit).map_err(io::Error::other)?,
            // The server is gone. Not `exit`, which runs handlers that may wait for a hung thread.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => die(),
            Err(error) => return Err(error),
        }
    }
}

/// The next of what there is to do; gives memory back when there is nothing for a while.
fn next<T>(todo: &mpsc::Receiver<T>) -> Option<T> {
    todo.recv_timeout(IDLE_AFTER).ok().or_else(|| {
        imaging::heap::trim(HEAP_KEPT_IDLE_BYTES);
        todo.recv().ok()
    })
}

/// The files of a unit, whole.
#[derive(Debug)]
pub struct Bodies {
    /// The file that the plan runs on.
    pub input: Vec<u8>,
    /// The others, in the order of [`Unit::files`].
    pub files: Vec<Vec<u8>>,
}

/// Reads a unit and its files.
fn receive(input: &mut impl io::Read, output: &Output) -> io::Result<(Unit, Bodies)> {
    let Frame::Unit(unit) = Frame::read_from(input)? else {
        return Err(io::Error::other("a frame that is no unit"));
    };
    output.lock().send(&Frame::Began)?;
    let body = receive_body(input)?;
    let files = unit.files.iter().map(|_| receive_body(input)).collect::<io::Result<_>>()?;
    Ok((*unit, Bodies { input: body, files }))
}

fn receive_body(input: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match Frame::read_from(input)? {
            Frame::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            Frame::End => return Ok(bytes),
            _ => return Err(io::Error::other("a frame that is no chunk")),
        }
    }
}

fn perform<W>(work: &W, unit: &Unit, bodies: &Bodies, output: &Output) -> io::Result<()>
where
    W: Fn(&Unit, &Bodies, &dyn Events) -> imaging::Result<Report>,
{
    let events = Steps { output, last: Mutex::new(None) };
    // Nothing of a failed unit is used again: the runner retires.
    match catch_unwind(AssertUnwindSafe(|| work(unit, bodies, &events))) {
        Ok(Ok(report)) => output.report(report),
        Ok(Err(error)) => {
            let Error { kind, message, step_index } = error;
            let error = JobError { code: kind.code().into(), message, step_index };
            output.lock().send(&Frame::Failed(Failure { error, retire: false }))
        }
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            eprintln!("runner: panicked: {}", text.unwrap_or_default());
            let error = JobError {
                code: ErrorKind::Internal.code().into(),
                message: "a bug in imagehq stopped the work on this file".into(),
                step_index: events.current(),
            };
            output.lock().send(&Frame::Failed(Failure { error, retire: true }))
        }
    }
}

fn run_plan(unit: &Unit, bodies: &Bodies, events: &dyn Events) -> imaging::Result<Report> {
    let parsed = Plan::parse(&unit.operation, &unit.request, &unit.limits);
    let (_, plan) = parsed.map_err(|faults| {
        let texts = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.message));
        Error::internal(format!("not a valid request: {}", texts.collect::<Vec<_>>().join("; ")))
    })?;
    let others = unit.files.iter().copied().zip(bodies.files.iter().map(Vec::as_slice));
    let files = Files::of_bytes(others, &unit.limits)?;
    let input = Input { filename: &unit.filename, bytes: &bodies.input, files: &files };
    imaging::run(&plan, input, &unit.limits, events)
}

/// Frames to the server, whole, from both threads.
struct Output(Mutex<File>);

struct Locked<'a>(MutexGuard<'a, File>);

impl Output {
    fn lock(&self) -> Locked<'_> {
        Locked(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A server that does not listen is gone.
    fn tell_or_exit(&self, tell: impl FnOnce(&Self) -> io::Result<()>) {
        if tell(self).is_err() {
            die();
        }
    }

    fn report(&self, report: Report) -> io::Result<()> {
        for file in report.outputs {
            let header = OutputHeader {
                filename: file.filename,
                format: file.format.into(),
                mime_type: file.mime_type.into(),
                width: file.width,
                height: file.height,
                encode_generations: file.encode_generations,
                size_bytes: file.bytes.len() as u64,
            };
            self.lock().send(&Frame::Output(header))?;
            let mut bytes = Bytes::from(file.bytes);
            while !bytes.is_empty() {
                let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES));
                self.lock().send(&Frame::Chunk(chunk))?;
            }
        }
        let Report { warnings, data, .. } = report;
        self.lock().send(&Frame::Done(UnitReport { warnings, data }))
    }
}

impl Locked<'_> {
    fn send(&mut self, frame: &Frame) -> io::Result<()> {
        frame.write_to(&mut *self.0)
    }
}

/// Tells the server of steps: of beginnings and ends always, of what is between now and then.
struct Steps<'a> {
    output: &'a Output,
    last: Mutex<Option<(usize, Instant)>>,
}

impl Steps<'_> {
    fn current(&self) -> Option<usize> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).map(|(step_index, _)| step_index)
    }
}

impl Events for Steps<'_> {
    fn step(&self, step_index: usize, fraction: f32) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let between = fraction > 0.0 && fraction < 1.0;
        let fresh =
            last.is_some_and(|(index, at)| index == step_index && at.elapsed() < STEP_INTERVAL);
        if between && fresh {
            return;
        }
        *last = Some((step_index, Instant::now()));
        let step_index = u32::try_from(step_index).unwrap_or(u32::MAX);
        let frame = Frame::Step { step_index, fraction };
        self.output.tell_or_exit(|output| output.lock().send(&frame));
    }
}

/// No new rights, no core dumps, no files, and an end with the server.
fn confine() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, FILES_MAX)
}

fn confine_memory(setup: &Setup) -> io::Result<()> {
    limit(Resource::Data, setup.memory_max_bytes)
}

fn limit(resource: Resource, max: u64) -> io::Result<()> {
    let allowed = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let max = Some(max.min(allowed));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: max, maximum: max })?)
}

fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    std::process::abort()
}

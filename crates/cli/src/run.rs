//! `imagehq run`: a pipeline on files, without a server, through the same runner processes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use imaging::Limits;
use jobs::Pool;
use jobs::pool::OutputHeader;
use tokio::task::JoinSet;

use crate::args::RunArgs;
use crate::run::progress::{Progress, summary};
use crate::run::request::{Input, Request};
use crate::run::target::{Names, Target};
use crate::run::work::{Done, Failure, Staged, Work};
use crate::{config, fonts, runners, terminal};

mod explain;
mod progress;
mod request;
mod short_form;
mod target;
mod work;

/// What the shell answers for a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Runs the pipeline on all inputs.
pub(crate) fn run(file: Option<&Path>, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let mut config = config::load(file, None)?.config;
    for skipped in fonts::add(&config.fonts)?.skipped {
        terminal::complain(&format!("imagehq: {skipped}"));
    }
    let request = Request::new(args, &config.limits)?;
    if args.explain {
        return explain::print(&request, &config.limits);
    }
    let used = request.files.iter().map(|(_, input)| input);
    let names = Names::sparing(request.inputs.iter().chain(used).filter_map(|input| match input {
        Input::File(path) => Some(path.as_path()),
        Input::Stdin => None,
    }));
    if let Target::File(path) = &request.target
        && names.is_input(path)
    {
        bail!("{} is an input and stays as it is; choose another name", path.display());
    }
    if let Some(jobs) = args.jobs {
        config.jobs.workers = usize::from(jobs);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        let bytes_max = config.jobs.runner_memory_max_bytes;
        let files = read_files(&request, &config.limits, bytes_max).await?;
        let work = Arc::new(Work {
            pool: Pool::new(runners::program(), &config.jobs),
            document: request.document.clone(),
            limits: config.limits.clone(),
            bytes_max,
            files,
            folder: request.target.folder()?,
        });
        let quiet = args.quiet;
        let to_stderr = request.target == Target::Stdout;
        let progress = Progress::new(request.inputs.len(), request.steps(), quiet, to_stderr);
        let progress = Arc::new(progress);
        let mut batch = Batch { request, names, progress, bytes_in: 0, bytes_out: 0, failed: 0 };
        tokio::select! {
            result = batch.run(&work, config.jobs.workers_resolved()) => result,
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(INTERRUPTED)),
        }
    });
    // Nobody waits for a terminal that gives no end of input.
    runtime.shutdown_background();
    code
}

/// The files that operations use, whole: every input needs them. One that is not what its operation
/// wants is refused here, as every input would fail for it.
async fn read_files(
    request: &Request,
    limits: &Limits,
    bytes_max: u64,
) -> anyhow::Result<Vec<(usize, Bytes)>> {
    let (mut read, mut headers) = (Vec::new(), Vec::new());
    for (place, input) in &request.files {
        let bytes = work::read(input, bytes_max).await.with_context(|| input.to_string())?;
        // By the inspector, as at the door of the server: decoders stay in the runners.
        let inspected = explain::header(&bytes[..], limits).with_context(|| input.to_string())?;
        headers.push((*place, inspected.0));
        read.push((*place, bytes.into()));
    }
    request.check_files(&headers)?;
    Ok(read)
}

/// All the files and what came of them so far.
struct Batch {
    request: Request,
    names: Names,
    progress: Arc<Progress>,
    bytes_in: u64,
    bytes_out: u64,
    failed: usize,
}

type Ended = (usize, Result<Done, Failure>);

impl Batch {
    async fn run(&mut self, work: &Arc<Work>, at_a_time: usize) -> anyhow::Result<ExitCode> {
        let inputs = self.request.inputs.clone();
        let mut waiting = inputs.into_iter().enumerate();
        let mut running: JoinSet<Ended> = JoinSet::new();
        for (index, input) in waiting.by_ref().take(at_a_time) {
            self.begin(&mut running, work, index, input);
        }
        // Names are given in the order of the inputs, whichever file is done first.
        let mut ended = BTreeMap::new();
        let mut next = 0;
        while let Some(joined) = running.join_next().await {
            let (index, result) = joined.context("a bug stopped the work on a file")?;
            if let Some((index, input)) = waiting.next() {
                self.begin(&mut running, work, index, input);
            }
            ended.insert(index, result);
            while let Some(result) = ended.remove(&next) {
                self.end(next, result);
                next += 1;
            }
        }
        self.progress.finish(self.bytes_in, self.bytes_out, self.failed);
        Ok(if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn begin(&self, running: &mut JoinSet<Ended>, work: &Arc<Work>, index: usize, input: Input) {
        let work = Arc::clone(work);
        let progress = Arc::clone(&self.progress);
        running.spawn(async move {
            let name = input.to_string();
            let on_step = |step, fraction| progress.step(index, &name, step, fraction);
            let result = work.run(&input, on_step).await;
            (index, result)
        });
    }

    fn end(&mut self, index: usize, result: Result<Done, Failure>) {
        let input = self.request.inputs[index].to_string();
        let result = result.and_then(|done| {
            self.keep(&input, done).map_err(|error| Failure { error, step_index: None })
        });
        match result {
            Ok(lines) => self.progress.done(index, &lines),
            Err(Failure { error, step_index }) => {
                self.failed += 1;
                let step = step_index.map(|step| format!("{}: ", self.request.step(step)));
                let step = step.unwrap_or_default();
                let said = self.request.explain(&format!("{error:#}"));
                self.progress.failed(index, &format!("imagehq: {input}: {step}{said}"));
            }
        }
    }

    /// Gives the results of a file their names, and says so.
    fn keep(&mut self, input: &str, done: Done) -> anyhow::Result<Vec<String>> {
        if done.results.is_empty() {
            bail!("the pipeline made no file of it");
        }
        let mut lines = Vec::new();
        let mut bytes_out = 0;
        for (header, staged) in done.results {
            let output = self.place(&header, staged)?;
            bytes_out += header.size_bytes;
            lines.push(summary((input, done.bytes_in), (&output, &header), done.took));
            lines.extend(mismatch(&self.request.target, &header));
        }
        lines.extend(done.warnings.iter().map(|warning| format!("  note: {warning}")));
        self.bytes_in += done.bytes_in;
        self.bytes_out += bytes_out;
        Ok(lines)
    }

    /// Puts a result where it belongs; the name of that place.
    fn place(&mut self, header: &OutputHeader, staged: Staged) -> anyhow::Result<String> {
        let file = match staged {
            Staged::File(file) => file,
            Staged::Memory(bytes) => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(&bytes).and_then(|()| stdout.flush()).context("stdout")?;
                return Ok("stdout".to_owned());
            }
        };
        let path = match &self.request.target {
            Target::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let folder = path.parent().map(Path::to_owned).unwrap_or_default();
                self.names.take(&folder, &name)?
            }
            Target::Folder(folder) => self.names.take(folder, &header.filename)?,
            Target::Stdout | Target::Nowhere => PathBuf::from("stdout"),
        };
        put(file, &path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(terminal::name(&path))
    }
}

/// Moves a file to its place at once; what is no file there (a pipe, `/dev/null`) is written into,
/// not replaced.
fn put(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    if !std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return file.persist(path).map(drop).map_err(|error| error.error);
    }
    let mut there = std::fs::OpenOptions::new().write(true).open(path)?;
    std::io::copy(&mut file.reopen()?, &mut there).map(drop)
}

/// A note when the name of the result says another format than it has.
fn mismatch(target: &Target, header: &OutputHeader) -> Option<String> {
    let Target::File(path) = target else { return None };
    let named = target.extension().and_then(imaging::format::by_name)?;
    let differs = named.name != header.format;
    differs.then(|| {
        format!("  note: {} holds {}, as a step says", terminal::name(path), header.format)
    })
}

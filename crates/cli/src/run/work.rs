//! One file through the runners, and its results onto the disk, not yet under their names.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use imaging::Limits;
use jobs::Pool;
use jobs::job::JobError;
use jobs::pool::{Collect, Inputs, OutputHeader, Unit, UnitError, input_bytes};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::run::request::Input;
use crate::run::target;
use crate::terminal;

/// What every file goes through.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) pool: Pool,
    pub(super) document: Value,
    pub(super) limits: Limits,
    /// The most bytes that a file may have.
    pub(super) bytes_max: u64,
    /// The other files that operations use: their places in the arguments, and their bytes.
    pub(super) files: Vec<(usize, Bytes)>,
    /// Where results are staged, or `None` when they stay in memory for stdout.
    pub(super) folder: Option<PathBuf>,
}

/// What came of one file.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) bytes_in: u64,
    pub(super) results: Vec<(OutputHeader, Staged)>,
    pub(super) warnings: Vec<String>,
    pub(super) took: Duration,
}

/// A result that waits for its name.
#[derive(Debug)]
pub(super) enum Staged {
    File(NamedTempFile),
    Memory(Vec<u8>),
}

/// Why a file has no results.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: anyhow::Error,
    pub(super) step_index: Option<usize>,
}

impl Work {
    /// Runs the pipeline on a file.
    pub(super) async fn run(
        &self,
        input: &Input,
        on_step: impl FnMut(usize, f32) + Send,
    ) -> Result<Done, Failure> {
        let plain = |error| Failure { error, step_index: None };
        let begun = Instant::now();
        let bytes = read(input, self.bytes_max).await.map_err(plain)?;
        let bytes_in = bytes.len() as u64;
        let unit = Unit {
            operation: "pipeline".to_owned(),
            request: self.document.clone(),
            limits: self.limits.clone(),
            filename: filename(input),
            files: self.files.iter().map(|(index, _)| *index).collect(),
        };
        let files = self.files.iter().map(|(_, bytes)| input_bytes(bytes.clone())).collect();
        let inputs = Inputs { input: input_bytes(bytes), files };
        let mut sink = Collect { outputs: Vec::new(), on_step };
        let report = self.pool.run(&unit, inputs, &mut sink).await.map_err(Failure::from)?;
        let mut results = Vec::new();
        for (header, bytes) in sink.outputs {
            let staged = match &self.folder {
                Some(folder) => target::stage(folder, &bytes).map(Staged::File).map_err(plain)?,
                None => Staged::Memory(bytes),
            };
            results.push((header, staged));
        }
        let warnings = report.warnings.into_iter().map(|warning| warning.message).collect();
        Ok(Done { bytes_in, results, warnings, took: begun.elapsed() })
    }
}

/// The bytes of a file, unless it is larger than a runner could hold: some files have no end.
pub(super) async fn read(input: &Input, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let input = input.clone();
    tokio::task::spawn_blocking(move || match input {
        Input::File(path) => {
            let file = File::open(path).context("cannot be read")?;
            let length = file.metadata().context("cannot be read")?.len();
            read_within(file, length, bytes_max)
        }
        Input::Stdin => read_within(std::io::stdin().lock(), 0, bytes_max),
    })
    .await?
}

/// `length` is as far as it is known.
fn read_within(reader: impl Read, length: u64, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if length <= bytes_max {
        reader.take(bytes_max + 1).read_to_end(&mut bytes).context("cannot be read")?;
        if bytes.len() as u64 <= bytes_max {
            return Ok(bytes);
        }
    }
    let limit = terminal::bytes(bytes_max);
    bail!(
        "is larger than {limit}, which is all that may be allocated to work on it \
         (jobs.runner_memory_max_bytes)"
    )
}

/// The name that results are called after.
fn filename(input: &Input) -> String {
    match input {
        Input::File(path) => {
            let name = path.file_name().map(Path::new).unwrap_or(path);
            name.to_string_lossy().into_owned()
        }
        Input::Stdin => "stdin".to_owned(),
    }
}

impl From<UnitError> for Failure {
    fn from(error: UnitError) -> Self {
        match error {
            UnitError::Failed(error) | UnitError::Crashed(error) => Self {
                error: anyhow!("{}{}", error.message, remedy(&error)),
                step_index: error.step_index,
            },
            error => Self { error: anyhow!("{error}"), step_index: None },
        }
    }
}

/// What helps where memory ran out: an allocation says so, a runner that was killed cannot.
fn remedy(error: &JobError) -> &'static str {
    if error.code == "out_of_memory" || error.message.contains("no memory for") {
        ": resize or crop in the first step, take a smaller file, or raise \
         jobs.runner_memory_max_bytes"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_memory_ran_out_a_remedy_is_named() {
        let said = |code: &str, message: &str| {
            let error =
                JobError { code: code.to_owned(), message: message.to_owned(), step_index: None };
            Failure::from(UnitError::Failed(error)).error.to_string()
        };
        let setting = "jobs.runner_memory_max_bytes";
        let short = said("limit_exceeded", "no memory for 231 MB");
        assert!(short.starts_with("no memory for 231 MB: ") && short.contains(setting), "{short}");
        assert!(said("out_of_memory", "the file needs more than 9 MB").contains(setting));
        assert_eq!(said("limit_exceeded", "9 frames are too many"), "9 frames are too many");
    }

    #[test]
    fn files_without_an_end_are_refused() {
        assert_eq!(read_within(&b"abc"[..], 3, 3).unwrap(), b"abc");
        for (reader, length) in
            [(Box::new(std::io::repeat(0)) as Box<dyn Read>, 0), (Box::new(&b"abcd"[..]), 4)]
        {
            let error = read_within(reader, length, 3).unwrap_err().to_string();
            assert!(error.contains("larger than 3 B"), "{error}");
        }
    }
}

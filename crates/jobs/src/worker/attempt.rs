//! One attempt at one job: each of its files through a runner, the results into blobs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::TryStreamExt;
use imaging::{Limits, Plan};

use super::Parts;
use super::outputs::{Outputs, make_names_distinct};
use super::progress::Tracker;
use crate::blobs::BlobError;
use crate::job::{InputFile, Job, JobError, OutputFile, StepData, Warning};
use crate::job_store::{Claim, Outcome};
use crate::pool::{InputStream, Inputs, SinkError, Unit, UnitError};

/// What the units of an attempt have come to so far.
#[derive(Default)]
struct Gathered {
    outputs: Vec<OutputFile>,
    warnings: Vec<Warning>,
    data: Vec<(usize, StepData)>,
    successes: usize,
    first_failure: Option<Failure>,
}

/// Why a unit failed.
enum Failure {
    /// It would again.
    Final(JobError),
    /// Another attempt may succeed.
    Crash(JobError),
}

/// Runs all files of a job. A crash ends the attempt; on the last attempt it costs only its own
/// file.
pub(super) async fn run(
    parts: &Parts,
    claim: &Claim,
    tracker: &Arc<Mutex<Tracker>>,
    is_last: bool,
) -> Outcome {
    let mut gathered = Gathered::default();
    let roles = Roles::of(&claim.job, &parts.limits);
    for &index in &roles.inputs {
        let result = run_unit(parts, claim, tracker, (index, &roles), &mut gathered).await;
        lock(tracker).input_done();
        match result {
            Ok(()) => gathered.successes += 1,
            Err(Failure::Crash(error)) if !is_last => return Outcome::Crashed { error },
            Err(failure) if roles.inputs.len() > 1 => {
                gathered.fail_among_others(index, &claim.job.inputs[index].filename, failure);
            }
            Err(failure) => gathered.first_failure = Some(failure),
        }
    }
    gathered.into_outcome(lock(tracker).steps())
}

/// What the files of a job are for.
pub(super) struct Roles {
    /// Those that the plan runs on, one after the other.
    pub(super) inputs: Vec<usize>,
    /// Those that its operations use beside them.
    files: Vec<usize>,
}

impl Roles {
    pub(super) fn of(job: &Job, limits: &Limits) -> Self {
        let all = || (0..job.inputs.len()).collect();
        if job.inputs.len() < 2 {
            return Self { inputs: all(), files: Vec::new() };
        }
        // The runner says what is wrong with a plan that does not parse.
        let Ok((_, plan)) = Plan::parse(&job.operation, &job.request, limits) else {
            return Self { inputs: all(), files: Vec::new() };
        };
        let used: BTreeSet<usize> = plan.file_uses().iter().map(|(_, used)| used.index).collect();
        let files = used.into_iter().filter(|index| *index < job.inputs.len()).collect();
        Self { inputs: plan.inputs(job.inputs.len()), files }
    }
}

async fn run_unit(
    parts: &Parts,
    claim: &Claim,
    tracker: &Arc<Mutex<Tracker>>,
    (input_index, roles): (usize, &Roles),
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let job = &claim.job;
    let input = &job.inputs[input_index];
    let unit = Unit {
        operation: job.operation.clone(),
        request: job.request.clone(),
        limits: parts.limits.clone(),
        filename: input.filename.clone(),
        files: roles.files.clone(),
    };
    let mut outputs = Outputs {
        blobs: &parts.blobs,
        claim,
        tracker: Arc::clone(tracker),
        input_index,
        before: gathered.outputs.len(),
        current: None,
        stored: Vec::new(),
    };
    let mut files = Vec::new();
    for &index in &roles.files {
        files.push(stream(parts, &job.inputs[index]).await?);
    }
    let inputs = Inputs { input: stream(parts, input).await?, files };
    match parts.pool.run(&unit, inputs, &mut outputs).await {
        Ok(report) => {
            gathered.outputs.append(&mut outputs.stored);
            let ours = |warning| Warning { input_index: Some(input_index), ..warning };
            gathered.warnings.extend(report.warnings.into_iter().map(ours));
            gathered.data.extend(report.data.into_iter().map(|data| (input_index, data)));
            Ok(())
        }
        Err(error) => {
            drop(outputs.current.take());
            for stored in outputs.stored {
                // What cannot be deleted now goes with the job.
                let _ = parts.blobs.delete(&stored.blob).await;
            }
            Err(unit_failure(error))
        }
    }
}

async fn stream(parts: &Parts, file: &InputFile) -> Result<InputStream, Failure> {
    let bytes = parts.blobs.read(&file.blob, None).await.map_err(input_failure)?;
    Ok(bytes.map_err(std::io::Error::other).boxed())
}

impl Gathered {
    /// One of several files failed: a warning says why, and the error would say which it was.
    fn fail_among_others(&mut self, input_index: usize, name: &str, mut failure: Failure) {
        let (Failure::Final(error) | Failure::Crash(error)) = &mut failure;
        self.warnings.push(Warning {
            code: error.code.clone(),
            message: error.message.clone(),
            step_index: error.step_index,
            input_index: Some(input_index),
        });
        error.message = format!("file {input_index} ({name}): {}", error.message);
        self.first_failure.get_or_insert(failure);
    }

    fn into_outcome(mut self, steps: Vec<crate::job::StepState>) -> Outcome {
        match self.first_failure {
            Some(Failure::Final(error)) if self.successes == 0 => {
                Outcome::Failed { error, warnings: self.warnings, steps }
            }
            Some(Failure::Crash(error)) if self.successes == 0 => Outcome::Crashed { error },
            _ => {
                make_names_distinct(&mut self.outputs);
                let Self { outputs, warnings, data, .. } = self;
                Outcome::Succeeded { outputs, warnings, data, steps }
            }
        }
    }
}

fn unit_failure(error: UnitError) -> Failure {
    match error {
        UnitError::Failed(error) => Failure::Final(error),
        UnitError::Crashed(error) => Failure::Crash(error),
        UnitError::Input(error) => {
            crash("storage_failed", format!("an input was not read: {error}"))
        }
        UnitError::Output(error) => output_failure(&error),
        UnitError::Unavailable(error) => {
            crash("runner_unavailable", format!("no runner could be started: {error}"))
        }
    }
}

fn input_failure(error: BlobError) -> Failure {
    match error {
        BlobError::NotFound(_) => Failure::Final(JobError {
            code: "input_missing".into(),
            message: "the stored input is gone".into(),
            step_index: None,
        }),
        BlobError::DiskFull | BlobError::Failed(_) => {
            crash("storage_failed", format!("an input was not read: {error}"))
        }
    }
}

fn output_failure(error: &SinkError) -> Failure {
    match error.downcast_ref::<BlobError>() {
        Some(BlobError::DiskFull) => {
            crash("storage_full", "the disk is full: a result could not be stored".into())
        }
        _ => crash("storage_failed", format!("a result could not be stored: {error}")),
    }
}

fn crash(code: &str, message: String) -> Failure {
    Failure::Crash(JobError { code: code.into(), message, step_index: None })
}

fn lock(tracker: &Mutex<Tracker>) -> std::sync::MutexGuard<'_, Tracker> {
    tracker.lock().unwrap_or_else(PoisonError::into_inner)
}

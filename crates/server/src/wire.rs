//! The JSON of the API, exactly as clients see it.

use imaging::run::Warning;
use jiff::Timestamp;
use jobs::job::{InputFile, Job, JobError, JobId, OutputFile, Retention, Status, StepState};
use jobs::job::{StepData, StepStatus};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A job, whole. Every key is always there; what is not known or was not given is `null`.
#[derive(Debug, Serialize)]
pub(crate) struct JobBody<'a> {
    client_reference_id: Option<&'a str>,
    created_at: Seconds,
    current_stage: &'static str,
    download_url: Option<String>,
    error: Option<&'a JobError>,
    expired: bool,
    expires_at: Seconds,
    finished_at: Option<Seconds>,
    id: &'a str,
    inputs: Vec<InputBody<'a>>,
    job_id: &'a str,
    operation: &'a str,
    outputs: Vec<OutputBody<'a>>,
    poll_url: String,
    progress: u8,
    result_json: Option<Value>,
    retention_policy: Retention,
    stages: [StageBody; 2],
    started_at: Option<Seconds>,
    status: Status,
    steps: Vec<StepBody<'a>>,
    tool_slug: Option<&'a str>,
    warnings: &'a [Warning],
}

/// A moment as the API writes it: RFC 3339 in UTC, whole seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds(Timestamp);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

#[derive(Debug, Serialize)]
struct InputBody<'a> {
    filename: &'a str,
    format: &'a str,
    mime_type: &'a str,
    size_bytes: u64,
}

#[derive(Debug, Serialize)]
struct OutputBody<'a> {
    download_url: Option<String>,
    encode_generations: u32,
    filename: &'a str,
    format: &'a str,
    height: u32,
    id: String,
    input_index: usize,
    mime_type: &'a str,
    size_bytes: u64,
    width: u32,
}

#[derive(Debug, Serialize)]
struct StageBody {
    name: &'static str,
    progress: u8,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct StepBody<'a> {
    index: usize,
    operation: &'a str,
    status: StepStatus,
    progress: u8,
    started_at: Option<Seconds>,
    finished_at: Option<Seconds>,
    duration_ms: Option<i64>,
    warnings: Vec<&'a Warning>,
}

/// Where a job is polled.
pub(crate) fn poll_url(id: &JobId) -> String {
    format!("/v1/jobs/{id}")
}

impl<'a> JobBody<'a> {
    pub(crate) fn new(job: &'a Job) -> Self {
        let output = |(index, file)| OutputBody::new(job, index, file);
        let step = |(index, step)| StepBody::new(job, index, step);
        Self {
            client_reference_id: job.client_reference_id.as_deref(),
            created_at: Seconds(job.created_at),
            current_stage: if job.status == Status::Queued { "queued" } else { "processing" },
            download_url: has_files(job).then(|| format!("/v1/jobs/{}/download", job.id)),
            error: job.error.as_ref(),
            expired: job.expired,
            expires_at: Seconds(job.expires_at),
            finished_at: job.finished_at.map(Seconds),
            id: job.id.as_str(),
            inputs: job.inputs.iter().map(InputBody::new).collect(),
            job_id: job.id.as_str(),
            operation: &job.operation,
            outputs: job.outputs.iter().enumerate().map(output).collect(),
            poll_url: poll_url(&job.id),
            progress: job.progress,
            result_json: result_json(job),
            retention_policy: job.retention,
            stages: stages(job),
            started_at: job.started_at.map(Seconds),
            status: job.status,
            steps: job.steps.iter().enumerate().map(step).collect(),
            tool_slug: job.tool_slug.as_deref(),
            warnings: &job.warnings,
        }
    }
}

impl<'a> InputBody<'a> {
    fn new(file: &'a InputFile) -> Self {
        Self {
            filename: &file.filename,
            format: &file.format,
            mime_type: &file.mime_type,
            size_bytes: file.size_bytes,
        }
    }
}

impl<'a> OutputBody<'a> {
    fn new(job: &Job, index: usize, file: &'a OutputFile) -> Self {
        let there = has_files(job);
        Self {
            download_url: there.then(|| format!("/v1/jobs/{}/outputs/{index}", job.id)),
            encode_generations: file.encode_generations,
            filename: &file.filename,
            format: &file.format,
            height: file.height,
            id: index.to_string(),
            input_index: file.input_index,
            mime_type: &file.mime_type,
            size_bytes: file.size_bytes,
            width: file.width,
        }
    }
}

impl<'a> StepBody<'a> {
    fn new(job: &'a Job, index: usize, step: &'a StepState) -> Self {
        let of_this_step = |warning: &&Warning| warning.step_index == Some(index);
        Self {
            index,
            operation: &step.operation,
            status: step.status,
            progress: step.progress,
            started_at: step.started_at.map(Seconds),
            finished_at: step.finished_at.map(Seconds),
            duration_ms: step
                .started_at
                .zip(step.finished_at)
                .map(|(start, end)| (end.as_millisecond() - start.as_millisecond()).max(0)),
            warnings: job.warnings.iter().filter(of_this_step).collect(),
        }
    }
}

fn has_files(job: &Job) -> bool {
    job.status == Status::Succeeded && !job.expired && !job.outputs.is_empty()
}

/// The two stages every job goes through. A job that ended in the queue skipped the second.
fn stages(job: &Job) -> [StageBody; 2] {
    let ended = match job.status {
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        Status::Queued | Status::Processing | Status::Succeeded => "succeeded",
    };
    let (queued, processing) = match job.status {
        Status::Queued => (("processing", 0), ("pending", 0)),
        Status::Processing => (("succeeded", 100), ("processing", job.progress)),
        _ if job.started_at.is_none() => ((ended, 0), ("skipped", 0)),
        Status::Succeeded | Status::Failed | Status::Cancelled => {
            (("succeeded", 100), (ended, job.progress))
        }
    };
    let stage = |name, (status, progress)| StageBody { name, progress, status };
    [stage("queued", queued), stage("processing", processing)]
}

/// The data of the steps: one object as it is, several as a list.
fn result_json(job: &Job) -> Option<Value> {
    match job.data.as_slice() {
        [] => None,
        [(_, only)] if job.inputs.len() <= 1 => Some(only.data.clone()),
        several => Some(listed(several)),
    }
}

fn listed(data: &[(usize, StepData)]) -> Value {
    let results: Vec<Value> = data
        .iter()
        .map(|(input_index, step)| {
            let mut entry = Map::new();
            entry.insert("step_index".into(), step.step_index.into());
            entry.insert("input_index".into(), (*input_index).into());
            entry.insert("operation".into(), step.operation.clone().into());
            entry.extend(step.data.as_object().cloned().unwrap_or_default());
            Value::Object(entry)
        })
        .collect();
    let mut body = json!({ "results": results });
    let mut texts = data.iter().filter(|(_, step)| step.operation == "ocr");
    if let (Some((_, ocr)), None) = (texts.next(), texts.next()) {
        body["confidence"] = ocr.data["confidence"].clone();
        body["text"] = ocr.data["text"].clone();
    }
    body
}

/// A job as it was when it was accepted, which is what a replayed request is answered with.
pub(crate) fn as_accepted(mut job: Job) -> Job {
    job.status = Status::Queued;
    job.started_at = None;
    job.finished_at = None;
    job.expired = false;
    job.outputs.clear();
    job.progress = 0;
    job.warnings.clear();
    job.data.clear();
    job.error = None;
    for step in &mut job.steps {
        step.status = StepStatus::Pending;
        step.progress = 0;
        step.started_at = None;
        step.finished_at = None;
    }
    job
}

#[cfg(test)]
mod tests;

//! Whether an upload is a job: every fault of the document and of the files at once.

use imaging::request::FaultCode;
use imaging::{Envelope, Fault, Files, Header, Plan};
use jobs::job::{InputFile, Retention};
use serde_json::Value;

use crate::error::{ApiError, Code};
use crate::upload::{DOCUMENT_PART, FILE_PARTS, Refused, Upload};
use crate::{State, cost};

/// Fields of the interface that this build does not serve yet.
const LATER_FIELDS: [(&str, &str); 2] = [
    ("inputs", "inputs by URL are not served by this build; send the files as parts `files[]`"),
    ("webhook", "webhooks are not served by this build; poll the job or read its event stream"),
];

/// A request that makes a job.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) document: Value,
    pub(crate) envelope: Envelope,
    pub(crate) steps: Vec<String>,
    pub(crate) inputs: Vec<InputFile>,
    pub(crate) headers: Vec<Header>,
    pub(crate) retention: Retention,
}

/// Accepts an upload, or says all that is wrong with it. `curl` is a line that works.
pub(crate) fn judge(
    state: &State,
    operation: &str,
    upload: Upload,
    curl: &str,
) -> Result<Accepted, ApiError> {
    check_parts(&upload, curl)?;
    let mut inputs = Vec::new();
    let mut headers = Vec::new();
    let mut refused = Vec::new();
    for file in upload.files {
        match file {
            Ok((input, header)) => {
                inputs.push(input);
                headers.push(Some(header));
            }
            Err(refusal) => {
                refused.push(refusal);
                headers.push(None);
            }
        }
    }
    let text = upload.document.unwrap_or_default();
    let document = match parse_json(&text) {
        Ok(document) => document,
        Err(message) => return Err(refusal(Some((Code::InvalidJson, vec![message])), refused)),
    };
    match parse(state, operation, &document, &headers) {
        Ok((envelope, steps, retention)) if refused.is_empty() => {
            let headers = headers.into_iter().flatten().collect();
            Ok(Accepted { document, envelope, steps, inputs, headers, retention })
        }
        Ok(_) => Err(refusal(None, refused)),
        Err(faults) => {
            let only_later = faults.iter().all(|fault| fault.code == FaultCode::NotAvailable);
            let code = if only_later { Code::NotAvailable } else { Code::InvalidRequest };
            Err(refusal(Some((code, faults)), refused))
        }
    }
}

/// One answer for all faults. The document's decide what it is, as they are what is mended first.
fn refusal(document: Option<(Code, Vec<Fault>)>, refused: Vec<Refused>) -> ApiError {
    let (code, mut faults) = document.unwrap_or_else(|| {
        (refused.first().map_or(Code::InternalError, |refused| refused.code), Vec::new())
    });
    faults.extend(refused.into_iter().map(|refused| refused.fault));
    ApiError::of_faults(code, faults)
}

fn check_parts(upload: &Upload, curl: &str) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    if upload.files.is_empty() {
        faults.push(Fault::invalid("/files", "the form has no file part `files[]`"));
    }
    if upload.document.is_none() {
        let message = "the form has no part `request` with the JSON document";
        faults.push(Fault::invalid("", message));
    }
    for name in &upload.unknown {
        let known = FILE_PARTS.into_iter().chain([DOCUMENT_PART]);
        let suggestion = crate::names::nearest(name, known)
            .or_else(|| upload.files.is_empty().then(|| FILE_PARTS[0].to_owned()));
        let message = format!("the form has a part `{name}`, which means nothing here");
        faults.push(Fault { suggestion, ..Fault::invalid("", message) });
    }
    if faults.is_empty() {
        return Ok(());
    }
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let detail = format!("{}; for example: {curl}", messages.join("; "));
    Err(ApiError::new(Code::MissingPart, detail).with_faults(faults))
}

fn parse_json(text: &[u8]) -> Result<Value, Fault> {
    let text = text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(Fault::invalid("", "the part `request` is empty; it must be a JSON object"));
    }
    serde_json::from_slice(text).map_err(|error| {
        Fault::invalid("", format!("the part `request` is no valid JSON: {error}"))
    })
}

type Parsed = (Envelope, Vec<String>, Retention);

fn parse(
    state: &State,
    operation: &str,
    document: &Value,
    headers: &[Option<Header>],
) -> Result<Parsed, Vec<Fault>> {
    let limits = &state.parts.limits;
    let mut faults = Vec::new();
    let served = without_later_fields(document, &mut faults);
    match Plan::parse(operation, &served, limits) {
        Err(parsed) => {
            faults.extend(parsed);
            Err(faults)
        }
        Ok((envelope, plan)) => {
            let retention = retention(state, &envelope, &mut faults);
            check_headers(&plan, headers, limits, &mut faults);
            if faults.is_empty() {
                faults.extend(cost::check(&plan, headers, limits, &state.parts.jobs_config));
            }
            let steps = plan.operations().map(str::to_owned).collect();
            if faults.is_empty() { Ok((envelope, steps, retention)) } else { Err(faults) }
        }
    }
}

fn without_later_fields(document: &Value, faults: &mut Vec<Fault>) -> Value {
    let mut served = document.clone();
    if let Some(members) = served.as_object_mut() {
        for (field, message) in LATER_FIELDS {
            if members.shift_remove(field).is_some() {
                faults.push(Fault::not_available(format!("/{field}"), message));
            }
        }
    }
    served
}

/// Whether the plan can run on every file that was not refused. A fault that several have is told
/// once, with their numbers.
fn check_headers(
    plan: &Plan,
    headers: &[Option<Header>],
    limits: &imaging::Limits,
    faults: &mut Vec<Fault>,
) {
    if let Err(wrong) = plan.check_files(headers) {
        return faults.extend(wrong);
    }
    let refused = |index: usize| headers.get(index).is_none_or(Option::is_none);
    if plan.file_uses().iter().any(|(_, used)| refused(used.index)) {
        return;
    }
    let known = headers.iter().enumerate();
    let known = known.filter_map(|(index, header)| Some((index, header.clone()?)));
    let files = Files::of_some_headers(known);
    let mut found: Vec<(Fault, Vec<usize>)> = Vec::new();
    for index in plan.inputs(headers.len()) {
        let Some(header) = &headers[index] else { continue };
        for fault in plan.check(header, &files, limits).err().unwrap_or_default() {
            match found.iter_mut().find(|(known, _)| *known == fault) {
                Some((_, files)) => files.push(index),
                None => found.push((fault, vec![index])),
            }
        }
    }
    for (mut fault, files) in found {
        if headers.len() > 1 {
            let numbers: Vec<String> = files.iter().map(usize::to_string).collect();
            let noun = if files.len() == 1 { "file" } else { "files" };
            fault.message = format!("{} ({noun} {})", fault.message, numbers.join(", "));
        }
        faults.push(fault);
    }
}

/// How long the results are kept: what was asked, cut to the maximum or refused above it.
fn retention(state: &State, envelope: &Envelope, faults: &mut Vec<Fault>) -> Retention {
    let jobs::Config { ttl_hours_default, ttl_hours_max, .. } = state.parts.jobs_config;
    let asked = envelope.retention_policy.as_ref();
    let clamp = asked.and_then(|asked| asked.clamp).unwrap_or(true);
    let hours = asked.and_then(|asked| asked.ttl_hours).unwrap_or(ttl_hours_default);
    if hours == 0 || (hours > ttl_hours_max && !clamp) {
        faults.push(Fault::invalid(
            "/retention_policy/ttl_hours",
            format!("expected 1 to {ttl_hours_max} hours, got {hours}"),
        ));
    }
    Retention { ttl_hours: hours.min(ttl_hours_max), clamp }
}

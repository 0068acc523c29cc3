//! A request document becomes a [`Plan`] once; after that a parameter error is impossible.

mod parse;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::{Faults, shown};
use crate::draft::{Asker, Context, Draft};
use crate::files::{FileKind, FileUse, Files};
use crate::format::{self, DpiPlace, Format, Sequence};
use crate::operation::Operation;
use crate::output::Output;
use crate::params::Params;
use crate::{Header, Limits};

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What kind of fault, for the status and code of the answer.
    #[serde(skip)]
    pub code: FaultCode,
    /// JSON pointer (RFC 6901) into the request document, or `/files/<index>`.
    pub pointer: String,
    /// A lower-case sentence without a dot: what is wrong and what would be right.
    pub message: String,
    /// The name that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// What kind of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// Against the schema or the rules.
    Invalid,
    /// Part of the interface, but not served by this build.
    NotAvailable,
}

impl Fault {
    /// A fault against the schema or the rules.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: FaultCode::Invalid,
            pointer: pointer.into(),
            message: message.into(),
            suggestion: None,
        }
    }

    /// Something this build does not serve.
    pub fn not_available(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: FaultCode::NotAvailable, ..Self::invalid(pointer, message) }
    }
}

/// What a request says about the job rather than about the pixels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The caller's own name for the job, echoed.
    pub client_reference_id: Option<String>,
    /// An opaque label, echoed.
    pub tool_slug: Option<String>,
    /// How long results are wanted.
    pub retention_policy: Option<RetentionRequest>,
}

/// How long results are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRequest {
    /// Hours from the creation of the job.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub ttl_hours: Option<u32>,
    /// Whether an over-long time is cut to the maximum (else it is refused). `true` by default.
    pub clamp: Option<bool>,
}

/// The fields that every request has, also those of steps.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nested {
    /// Your own name for the job, echoed.
    #[schemars(length(max = 200))]
    client_reference_id: Option<String>,
    /// A label, echoed: lower-case letters, digits and dashes, at most 100.
    #[schemars(length(max = 100))]
    tool_slug: Option<String>,
    /// What the input is said to be. A hint: the bytes decide.
    #[schemars(length(max = 20))]
    input_format: Option<String>,
    /// The format of the result: a name, or `same_as_input`. May also stand in `output`.
    output_format: Option<String>,
    /// How the result is written.
    output: Option<Output>,
}

impl Params for Nested {
    const NAME: &'static str = "request";
    const EXAMPLE: &'static str = "{}";

    fn rules(&self) -> Result<(), (&'static str, String)> {
        if let Some(slug) = &self.tool_slug {
            let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            if slug.is_empty() || !slug.bytes().all(fits) {
                return Err((
                    "tool_slug",
                    "expected lower-case letters, digits and dashes".to_owned(),
                ));
            }
        }
        let in_output = self.output.as_ref().and_then(|output| output.output_format.as_ref());
        if let (Some(top), Some(inner)) = (&self.output_format, in_output)
            && canonical(top) != canonical(inner)
        {
            return Err((
                "output_format",
                format!("{top:?} here and {inner:?} in output: say it once"),
            ));
        }
        Ok(())
    }
}

/// The fields that only the outer request has.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outer {
    /// How long results are kept.
    retention_policy: Option<RetentionRequest>,
}

impl Params for Outer {
    const NAME: &'static str = "request";
    const EXAMPLE: &'static str = "{}";
    const LATER: &'static [&'static str] = &["webhook", "inputs"];
}

/// One step of a plan.
#[derive(Debug)]
struct Step {
    name: &'static str,
    pointer: String,
    /// In normal form.
    request: Value,
    operation: Box<dyn Operation>,
    output: Output,
    input_format: Option<String>,
}

/// A checked request: every name exists and every parameter is in range. Whether the steps fit an
/// image, [`Plan::check`] says.
#[derive(Debug)]
pub struct Plan {
    steps: Vec<Step>,
    /// Of the outer request: holds where no step says otherwise.
    output: Output,
    input_format: Option<String>,
}

impl Plan {
    /// Parses the request document of `POST /v1/<operation>`, where the operation is `pipeline` or
    /// the name of a step kind. All faults are reported at once.
    pub fn parse(
        operation: &str,
        request: &Value,
        limits: &Limits,
    ) -> Result<(Envelope, Self), Vec<Fault>> {
        let mut faults = Faults::default();
        let Some(object) = request.as_object() else {
            faults.invalid("", format!("expected an object, got {}", shown(request)));
            return Err(faults.into_inner());
        };
        let parsed = match operation {
            "pipeline" => parse::pipeline(object, limits, &mut faults),
            name => parse::single(name, object, limits, &mut faults),
        };
        match parsed {
            Some(parsed) => faults.into_result(parsed),
            None => Err(faults.into_inner()),
        }
    }

    /// The operations of the steps in order: `["transform", "filter", "optimize"]`. A
    /// single-operation request is one step.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().map(|step| step.name)
    }

    /// The other files that operations name, each with the pointer of the field that names it.
    pub fn file_uses(&self) -> Vec<(String, FileUse)> {
        let uses = self.steps.iter().flat_map(|step| {
            let pointer = |below: String, field| format!("{}{below}/{field}", step.pointer);
            let uses = step.operation.file_uses().into_iter();
            uses.map(move |(below, file_use)| (pointer(below, file_use.field), file_use))
        });
        uses.collect()
    }

    /// Of so many files of a request, those that the steps run on: all that no operation names.
    pub fn inputs(&self, files: usize) -> Vec<usize> {
        let used: BTreeSet<usize> =
            self.file_uses().into_iter().map(|(_, file_use)| file_use.index).collect();
        (0..files).filter(|index| !used.contains(index)).collect()
    }

    /// Whether the files that operations name are there and are what they must be, and whether
    /// what is left are pictures. Of files that were refused there is no header: nothing is said
    /// of them.
    pub fn check_files(&self, headers: &[Option<Header>]) -> Result<(), Vec<Fault>> {
        let mut faults = Faults::default();
        for (pointer, file_use) in self.file_uses() {
            let Some(header) = headers.get(file_use.index) else {
                let files = if headers.len() == 1 { "file" } else { "files" };
                let message = format!(
                    "there is no file {}: {} {files} came, counted from 0",
                    file_use.index,
                    headers.len()
                );
                faults.invalid(&pointer, message);
                continue;
            };
            let Some(header) = header else { continue };
            let is_table = header.format.decode.is_none();
            let (fits, wanted) = match file_use.kind {
                FileKind::Image => (!is_table, "a picture"),
                FileKind::Table => (is_table, "a table of colors (.cube)"),
            };
            if !fits {
                let title = header.format.title;
                let message = format!("file {} is {title}, not {wanted}", file_use.index);
                faults.invalid(&pointer, message);
            }
        }
        let inputs = self.inputs(headers.len());
        for index in &inputs {
            if let Some(header) = &headers[*index]
                && header.format.decode.is_none()
            {
                let title = header.format.title;
                faults.invalid(
                    &format!("/files/{index}"),
                    format!("{title} is no picture, and no operation names it"),
                );
            }
        }
        if inputs.is_empty() && !headers.is_empty() && faults.is_empty() {
            faults.invalid("/files", "every file is used by an operation; send one to work on");
        }
        faults.into_result(())
    }

    /// Whether the plan can run on a file with this header beside these others: crops inside the
    /// image, results within the limits. Pointers are into the request document.
    pub fn check(
        &self,
        header: &Header,
        files: &Files<'_>,
        limits: &Limits,
    ) -> Result<(), Vec<Fault>> {
        let header = self.drawn(header);
        match self.draft(&header, Context { files, limits, decided: &[] }) {
            // The pages of a drawn document are of sizes that its first bytes do not tell.
            Err(_)
                if header.format.drawn_at_dpi.is_some() && header.sequence == Sequence::Pages =>
            {
                Ok(())
            }
            checked => checked.map(|_| ()),
        }
    }

    /// The header, with the size at which a drawing is drawn.
    pub(crate) fn drawn(&self, header: &Header) -> Header {
        let scale = self.drawing_scale(header);
        let size = if scale == 1.0 { header.size } else { header.size.scaled(scale) };
        Header { size, ..header.clone() }
    }

    /// How large a drawing is drawn beside its own size, from the resolution that is asked for.
    pub(crate) fn drawing_scale(&self, header: &Header) -> f64 {
        let own = header.format.drawn_at_dpi;
        own.zip(self.asked_dpi()).map_or(1.0, |(own, asked)| asked / own)
    }

    /// The resolution that is asked for.
    pub(crate) fn asked_dpi(&self) -> Option<f64> {
        let steps = self.steps.iter().rev().map(|step| &step.output);
        steps.chain([&self.output]).find_map(|output| output.dpi)
    }

    /// What the steps add up to for an image with this header.
    pub(crate) fn draft<'a>(
        &self,
        header: &'a Header,
        context: Context<'a>,
    ) -> Result<Draft<'a>, Vec<Fault>> {
        let mut draft = Draft::new(header, context);
        draft.ask(Asker::Request, self.output.clone());
        self.warn_of_mismatch(header, &mut draft);
        let mut lost = false;
        for (index, step) in self.steps.iter().enumerate() {
            draft.begin(index);
            draft.ask(Asker::Block(index), step.output.clone());
            if step.operation.lower(&mut draft).is_err() {
                lost = true;
                break;
            }
            draft.end_step();
        }
        draft.end_output();
        let mut faults: Vec<Fault> = std::mem::take(&mut draft.misfits)
            .into_iter()
            .map(|(step, below, message)| {
                Fault::invalid(format!("{}{below}", self.steps[step].pointer), message)
            })
            .collect();
        if !lost {
            self.check_output(&mut draft, &mut faults);
        }
        if faults.is_empty() { Ok(draft) } else { Err(faults) }
    }

    /// Whether the format can hold what comes, in the way that is asked for.
    fn check_output(&self, draft: &mut Draft<'_>, faults: &mut Vec<Fault>) {
        let format = draft.output_format();
        let size = draft.size();
        if size.width.max(size.height) > format.side_max {
            let message = format!(
                "{size} is over what {} can hold, {} pixels a side",
                format.title, format.side_max
            );
            let pointer = match &draft.sized_by {
                Some((step, below)) => format!("{}{below}", self.steps[*step].pointer),
                None => self.steps.last().map_or("", |step| &step.pointer).to_owned(),
            };
            faults.push(Fault::invalid(pointer, message));
        }
        let header = draft.header();
        let pages = if header.sequence == Sequence::Pages { header.frames } else { 1 };
        if let Some(Err(page)) = draft.intent.output.pages.as_ref().map(|asked| asked.of(pages)) {
            let message = format!("there is no page {page}, only {pages}");
            faults.push(Fault::invalid(self.setting(draft, "pages"), message));
        }
        let output = &draft.intent.output;
        let depths = format.bit_depths;
        if let Some(depth) = output.bit_depth.filter(|depth| !depths.contains(depth)) {
            let depths: Vec<String> = depths.iter().map(u8::to_string).collect();
            let message = format!(
                "{} holds {} bits a sample, not {depth}",
                format.title,
                depths.join(" or ")
            );
            faults.push(Fault::invalid(self.setting(draft, "bit_depth"), message));
        }
        if output.lossless == Some(true) {
            warn_of_loss(draft, format);
        }
        // Of a drawing it says at which resolution it is drawn.
        let is_drawing = draft.header().format.drawn_at_dpi.is_some();
        if draft.intent.output.dpi.is_some() && format.dpi == DpiPlace::Nowhere && !is_drawing {
            draft.warn("dpi_ignored", format.ignored_dpi());
        }
    }

    /// The pointer of a setting of the output, where it was said last.
    fn setting(&self, draft: &Draft<'_>, field: &str) -> String {
        let place = match draft.asker(field) {
            Some(Asker::Block(step) | Asker::Step(step)) => &self.steps[step].pointer,
            Some(Asker::Request) | None => "",
        };
        format!("{place}/output/{field}")
    }

    /// The steps with their requests in normal form: names without aliases.
    pub(crate) fn normal_steps(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.steps.iter().map(|step| (step.name, step.request.clone()))
    }

    /// The step index of the last step.
    pub(crate) fn last_step(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }

    /// The name of a step.
    pub(crate) fn step_name(&self, step_index: usize) -> &'static str {
        self.steps[step_index].name
    }

    fn warn_of_mismatch(&self, header: &Header, draft: &mut Draft<'_>) {
        let hints = std::iter::once((&self.input_format, 0));
        let hints = hints
            .chain(self.steps.iter().enumerate().map(|(index, step)| (&step.input_format, index)));
        let wrong: Option<(&String, usize)> = hints
            .filter_map(|(hint, index)| hint.as_ref().map(|hint| (hint, index)))
            .find(|(hint, _)| canonical(hint) != header.format.name);
        if let Some((hint, index)) = wrong {
            draft.begin(index);
            draft.warn(
                "input_format_mismatch",
                format!("input_format says {hint}, but the file is {}", header.format.name),
            );
        }
    }
}

/// Tells what is lost of a result that is to lose nothing.
fn warn_of_loss(draft: &mut Draft<'_>, format: &Format) {
    let output = &draft.intent.output;
    let (depth, own) = (format.depth_written(output), draft.header().bit_depth);
    if (format.is_lossy)(output) {
        let message = format!("{} cannot be written without loss", format.title);
        draft.warn("lossless_ignored", message);
    } else if depth < own {
        let deeper = format.bit_depth_max() > depth;
        let hint = if deeper { "; bit_depth asks for more" } else { "" };
        let message =
            format!("{} is written with {depth} of {own} bits a sample{hint}", format.title);
        draft.warn("depth_reduced", message);
    }
}

/// A format name in the spelling of the wire, whatever alias was used.
fn canonical(name: &str) -> String {
    format::by_name(name).map_or_else(|| name.to_ascii_lowercase(), |format| format.name.to_owned())
}

#[cfg(test)]
mod tests;

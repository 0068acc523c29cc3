//! A request document becomes a [`Plan`] once; after that a parameter error is impossible.

mod parse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::{Faults, shown};
use crate::draft::Draft;
use crate::format;
use crate::operation::Operation;
use crate::output::Output;
use crate::params::{self, Params};
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
    const LATER: &'static [&'static str] = &["dpi", "pages", "palette", "loop", "frames"];

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
    operation: Box<dyn Operation>,
    output: Output,
    input_format: Option<String>,
}

/// A checked request: every name exists, every parameter is in range, every step fits the one
/// before.
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

    /// Whether the plan can run on a file with this header: crops inside the image, results within
    /// the limits. Pointers are into the request document.
    pub fn check(&self, header: &Header, limits: &Limits) -> Result<(), Vec<Fault>> {
        self.draft(header, limits).map(|_| ())
    }

    /// What the steps add up to for an image with this header.
    pub(crate) fn draft<'a>(
        &self,
        header: &'a Header,
        limits: &Limits,
    ) -> Result<Draft<'a>, Vec<Fault>> {
        let mut draft = Draft::new(header);
        draft.set_output(self.output.clone());
        self.warn_of_mismatch(header, &mut draft);
        for (index, step) in self.steps.iter().enumerate() {
            draft.begin(index);
            let stages_before = draft.stages.len();
            if let Err((below, misfit)) = step.operation.lower(&mut draft) {
                let pointer = params::below(&format!("{}{below}", step.pointer), misfit.field);
                return Err(vec![Fault::invalid(pointer, misfit.message)]);
            }
            let mut size = header.upright_size();
            for (at, (_, stage)) in draft.stages.iter().enumerate() {
                size = stage.output_size(size);
                if at >= stages_before
                    && let Err(error) = limits.check_size(size)
                {
                    return Err(vec![Fault::invalid(
                        step.pointer.clone(),
                        format!("the result of {error}"),
                    )]);
                }
            }
            draft.set_output(step.output.clone());
        }
        let format = draft.output_format();
        let size = draft.size();
        if size.width.max(size.height) > format.side_max {
            let message = format!(
                "{size} is over what {} can hold, {} pixels a side",
                format.title, format.side_max
            );
            return Err(vec![Fault::invalid(
                self.steps.last().map_or("", |step| &step.pointer),
                message,
            )]);
        }
        Ok(draft)
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

/// A format name in the spelling of the wire, whatever alias was used.
fn canonical(name: &str) -> String {
    format::by_name(name).map_or_else(|| name.to_ascii_lowercase(), |format| format.name.to_owned())
}

#[cfg(test)]
mod tests;

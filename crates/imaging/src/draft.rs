//! A plan on its way to a program: what the steps add up to for an image of known size.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::files::Files;
use crate::format::{self, Format};
use crate::output::Output;
use crate::run::Warning;
use crate::scene::Scene;
use crate::stage::Stage;
use crate::{Error, Header, Limits, Size};

/// What a draft is made with besides the header.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The other files of the request.
    pub(crate) files: &'a Files<'a>,
    /// Bounds on the work.
    pub(crate) limits: &'a Limits,
    /// The sizes that came of the first `Decide` stages, as far as they have run.
    pub(crate) decided: &'a [Size],
}

/// What the steps add up to so far.
pub struct Draft<'a> {
    header: &'a Header,
    context: Context<'a>,
    size: Size,
    step_index: usize,
    decides: usize,
    /// The first size that is over the limits.
    pub(crate) over: Option<Error>,
    /// What does not fit: the step, the pointer below its request, what is wrong.
    pub(crate) misfits: Vec<(usize, String, String)>,
    /// The operation that changed the size last: its step, and the pointer below the request.
    pub(crate) sized_by: Option<(usize, String)>,
    /// Who asked for the settings of the output.
    askers: BTreeMap<String, Asker>,
    /// Settings for what nobody asks for.
    defaults: Output,
    /// What is known after each step.
    pub(crate) after: Vec<After>,
    pub(crate) stages: Vec<(usize, Stage)>,
    pub(crate) intent: Intent,
    pub(crate) warnings: Vec<Warning>,
}

/// What is known after a step.
pub(crate) struct After {
    pub(crate) size: Size,
    /// See [`Draft::is_exact`].
    pub(crate) exact: bool,
    /// The format that is wanted so far.
    pub(crate) format: Option<&'static Format>,
}

/// Who asks for a setting of the output. The later in this list wins, of two steps the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The fields of the whole request.
    Request,
    /// The fields that every step has: `output_format` and `output`.
    Block(usize),
    /// The step's own fields.
    Step(usize),
}

/// A step whose result has a size that is not known, as it does not fit: what follows cannot be
/// checked.
#[derive(Debug)]
pub struct Lost;

/// What is wanted of the output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intent {
    /// Settings; the later step wins field by field.
    pub(crate) output: Output,
    /// The first step that optimizes: it reports sizes.
    pub(crate) optimize_step: Option<usize>,
    /// The result must not be larger than the input while the format stays.
    pub(crate) never_larger: bool,
    /// Previews in the metadata show what was hidden, and go.
    pub(crate) drops_previews: bool,
}

impl<'a> Draft<'a> {
    /// Nothing done yet to an image with this header.
    pub(crate) fn new(header: &'a Header, context: Context<'a>) -> Self {
        Self {
            header,
            context,
            size: header.upright_size(),
            step_index: 0,
            decides: 0,
            over: None,
            misfits: Vec::new(),
            sized_by: None,
            askers: BTreeMap::new(),
            defaults: Output::default(),
            after: Vec::new(),
            stages: Vec::new(),
            intent: Intent::default(),
            warnings: Vec::new(),
        }
    }

    /// What an operation meets at this point.
    pub(crate) fn scene(&self) -> Scene<'a> {
        let mut scene = Scene::new(self.size, self.context.files, self.context.limits);
        if self.decides > self.context.decided.len() {
            scene.guess_size();
        }
        scene
    }

    /// Takes over what an operation had to say besides its stages.
    pub(crate) fn take_notes(&mut self, scene: Scene<'_>) {
        for (code, message) in scene.warnings {
            self.warn(code, message);
        }
        self.ask(Asker::Step(self.step_index), scene.output);
        self.intent.drops_previews |= scene.drops_previews;
    }

    /// The header of the input.
    pub fn header(&self) -> &Header {
        self.header
    }

    /// The size of the image at this point.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether the header knows the size and no stage so far had to see the image.
    pub(crate) fn is_exact(&self) -> bool {
        self.decides == 0 && !self.header.is_guess
    }

    /// What follows belongs to this step.
    pub(crate) fn begin(&mut self, step_index: usize) {
        self.step_index = step_index;
    }

    /// The step that began last has said all.
    pub(crate) fn end_step(&mut self) {
        let wanted = self.intent.output.output_format.as_deref();
        self.after.push(After {
            size: self.size,
            exact: self.is_exact(),
            format: wanted.and_then(format::by_name),
        });
    }

    /// Adds a stage.
    pub fn push(&mut self, stage: Stage) {
        let mut size = stage.output_size(self.size);
        if let Stage::Decide(_) = stage {
            size = self.context.decided.get(self.decides).copied().unwrap_or(size);
            self.decides += 1;
        }
        // A drawing is drawn at the size of its first resample.
        let is_drawn = self.header.format.drawn_at_dpi.is_some() && self.stages.is_empty();
        let is_larger = size.area() > self.size.area() && !is_drawn;
        if is_larger && matches!(stage, Stage::Resample(_)) {
            self.warn(
                "upscaled",
                format!("the image is enlarged from {} to {size}: it gains no detail", self.size),
            );
        }
        if self.over.is_none() {
            self.over = self.context.limits.check_size(size).err();
        }
        self.size = size;
        self.stages.push((self.step_index, stage));
    }

    /// Something does not fit the image: where below the request of this step, and what.
    pub(crate) fn refuse(&mut self, below: impl Into<String>, message: impl Into<String>) {
        self.misfits.push((self.step_index, below.into(), message.into()));
    }

    /// Does not go on where the image is over the limits after the operation with this pointer.
    pub(crate) fn check_size(&mut self, below: &str) -> Result<(), Lost> {
        let Some(error) = self.over.take() else { return Ok(()) };
        self.refuse(below, format!("the result of {error}"));
        Err(Lost)
    }

    /// The operation with this pointer below the request changed the size.
    pub(crate) fn sized_here(&mut self, below: String) {
        self.sized_by = Some((self.step_index, below));
    }

    /// Goes on with this size, which is what the step at fault would give if it were mended.
    pub(crate) fn assume(&mut self, size: Size) {
        self.size = size;
    }

    /// Adds wishes of the step's own for the output; they win over those of earlier steps.
    pub fn set_output(&mut self, output: Output) {
        self.ask(Asker::Step(self.step_index), output);
    }

    /// Adds settings that hold where nobody asks for others.
    pub(crate) fn set_defaults(&mut self, output: Output) {
        self.defaults.merge(output);
    }

    /// No more wishes come.
    pub(crate) fn end_output(&mut self) {
        let asked = std::mem::take(&mut self.intent.output);
        self.intent.output = std::mem::take(&mut self.defaults);
        self.intent.output.merge(asked);
    }

    /// Adds wishes for the output, and tells of those before that differ.
    pub(crate) fn ask(&mut self, asker: Asker, output: Output) {
        let (before, now) = (self.intent.output.given(), output.given());
        for (field, value) in now {
            let earlier = before.get(&field).zip(self.askers.get(&field).copied());
            if let Some((earlier, other)) = earlier
                && other != asker
                && self.differ(&field, earlier, &value)
            {
                self.warn_of_override(
                    other,
                    asker,
                    &shown(&field, earlier),
                    &shown(&field, &value),
                );
            }
            self.askers.insert(field, asker);
        }
        self.intent.output.merge(output);
    }

    /// Whether two wishes for a setting come to something else. The format of the input is what
    /// holds without a wish: a step that says another does not overrule anybody.
    fn differ(&self, field: &str, before: &Value, now: &Value) -> bool {
        if field != "output_format" {
            return before != now;
        }
        let chosen = |name: &Value| match name.as_str() {
            Some("same_as_input") | None => self.header.format.name,
            Some(name) => format::by_name(name).map_or("", |format| format.name),
        };
        before != "same_as_input" && chosen(before) != chosen(now)
    }

    fn warn_of_override(&mut self, before: Asker, now: Asker, earlier: &str, later: &str) {
        let (step_index, message) = match (before, now) {
            (Asker::Request, Asker::Block(step) | Asker::Step(step)) => (
                step,
                format!(
                    "the request asks for {earlier}, but step {step} asks for {later} and wins"
                ),
            ),
            (Asker::Block(step), Asker::Step(own)) if step == own => (
                step,
                format!(
                    "output asks for {earlier}, but the fields of the operation itself ask for \
                     {later} and win"
                ),
            ),
            (Asker::Block(step) | Asker::Step(step), Asker::Block(other) | Asker::Step(other)) => (
                step,
                format!("step {step} asked for {earlier}, but step {other} asks for {later} later"),
            ),
            (_, Asker::Request) => return,
        };
        self.warnings.push(Warning {
            code: "output_overridden".to_owned(),
            message,
            step_index: Some(step_index),
            input_index: None,
        });
    }

    /// Who asked for this setting of the output.
    pub(crate) fn asker(&self, field: &str) -> Option<Asker> {
        self.askers.get(field).copied()
    }

    /// The step optimizes; `never_larger` passes the original through where that is smaller.
    pub fn optimize(&mut self, never_larger: bool) {
        self.intent.optimize_step.get_or_insert(self.step_index);
        self.intent.never_larger = never_larger;
    }

    /// Tells the caller something about this step.
    pub fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.warnings.push(Warning {
            code: code.to_owned(),
            message: message.into(),
            step_index: Some(self.step_index),
            input_index: None,
        });
    }

    /// The format of the result: the one asked for, else that of the input where it can be written,
    /// else PNG (JPEG for photographs without alpha).
    pub(crate) fn output_format(&mut self) -> &'static Format {
        let asked =
            self.intent.output.output_format.as_deref().filter(|name| *name != "same_as_input");
        if let Some(format) =
            asked.and_then(format::by_name).filter(|format| format.encode.is_some())
        {
            return format;
        }
        let own = self.header.format;
        if own.encode.is_some() {
            return own;
        }
        let name = if self.header.is_lossy && !self.header.has_alpha { "jpg" } else { "png" };
        self.warn(
            "format_changed",
            format!("{} cannot be written; the result is {name}", own.name),
        );
        format::by_name(name).unwrap_or(own)
    }
}

/// A setting in a sentence: the name of a format speaks for itself.
fn shown(field: &str, value: &Value) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if field == "output_format" { value } else { format!("{field} {value}") }
}

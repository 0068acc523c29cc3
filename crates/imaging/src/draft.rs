//! A plan on its way to a program: what the steps add up to for an image of known size.

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
    /// What is known after each step.
    pub(crate) after: Vec<After>,
    pub(crate) stages: Vec<(usize, Stage)>,
    pub(crate) intent: Intent,
    pub(crate) warnings: Vec<Warning>,
}

/// What is known after a step.
pub(crate) struct After {
    pub(crate) size: Size,
    /// Whether no stage so far had to see the image.
    pub(crate) exact: bool,
    /// The format that is wanted so far.
    pub(crate) format: Option<&'static Format>,
}

/// What is wanted of the output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intent {
    /// Settings; the later step wins field by field.
    pub(crate) output: Output,
    /// The step that chose the format last.
    format_step: Option<usize>,
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
        self.intent.output.merge(scene.output);
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

    /// What follows belongs to this step.
    pub(crate) fn begin(&mut self, step_index: usize) {
        self.step_index = step_index;
    }

    /// The step that began last has said all.
    pub(crate) fn end_step(&mut self) {
        let wanted = self.intent.output.output_format.as_deref();
        self.after.push(After {
            size: self.size,
            exact: self.decides == 0,
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

    /// Adds wishes for the output; they win over those of earlier steps.
    pub fn set_output(&mut self, output: Output) {
        if let Some(name) = &output.output_format {
            let chosen = |name: &str| format::by_name(name).map(|format| format.name);
            let before = self.intent.output.output_format.clone();
            if let (Some(before), Some(step)) = (before, self.intent.format_step)
                && chosen(&before) != chosen(name)
                && step != self.step_index
            {
                let message = format!(
                    "step {step} asked for {before}, but step {} asks for {name} later",
                    self.step_index
                );
                self.warnings.push(Warning {
                    code: "output_overridden".to_owned(),
                    message,
                    step_index: Some(step),
                    input_index: None,
                });
            }
            self.intent.format_step = Some(self.step_index);
        }
        self.intent.output.merge(output);
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

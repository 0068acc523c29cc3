//! Runs a plan on one file.
//!
//! A file is one picture, the frames of an animation, or pages. `making` turns a picture into the
//! one that is wanted, `track` does so for every frame, `write` makes the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::draft::{Context, Draft, Intent};
use crate::format::{self, DecodeRequest, Format, Sequence};
use crate::image::{Frame, Pixels};
use crate::kernels::canvas;
use crate::metadata::Orientation;
use crate::output::FrameChoice;
use crate::{Error, Files, Header, Image, Limits, Plan, Result, Size};

mod making;
mod pass;
mod steps;
mod track;
mod write;

use making::{Made, Source};
use steps::Steps;
use write::Written;

/// A file that came in.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name as the caller gave it; only the stem is used, for the names of outputs.
    pub filename: &'a str,
    /// The whole file.
    pub bytes: &'a [u8],
    /// The other files of the request.
    pub files: &'a Files<'a>,
}

static NO_FILES: Files<'static> = Files::NONE;

impl<'a> Input<'a> {
    /// A file without others beside it.
    pub fn alone(filename: &'a str, bytes: &'a [u8]) -> Self {
        Self { filename, bytes, files: &NO_FILES }
    }
}

/// A file that goes out.
#[derive(Debug, Clone)]
pub struct OutputFile {
    /// Stem of the input and extension of the format.
    pub filename: String,
    /// Short name of the format.
    pub format: &'static str,
    /// Media type.
    pub mime_type: &'static str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Lossy encodes on the way from the input: 0 or 1.
    pub encode_generations: u32,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// Something the caller should know that is no failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable name.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The step it is about.
    pub step_index: Option<usize>,
    /// The input it is about; filled in by whoever knows it.
    pub input_index: Option<usize>,
}

/// What a step has to say as data (`result_json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepData {
    /// The step.
    pub step_index: usize,
    /// Its operation.
    pub operation: String,
    /// Its data: an object.
    pub data: Value,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The results, in order.
    pub outputs: Vec<OutputFile>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// What steps have to say.
    pub data: Vec<StepData>,
}

/// Hears of progress while a plan runs.
pub trait Events {
    /// A step has got this far (0 to 1); 0 says it has begun, 1 that it has ended. Steps begin and
    /// end in order; fused steps begin together.
    fn step(&self, step_index: usize, fraction: f32);

    /// A file is being decoded or encoded.
    fn codec(&self, _: Codec) {}
}

/// Work between a file and pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// File to pixels.
    Decode,
    /// Pixels to file.
    Encode,
}

impl Events for () {
    fn step(&self, _: usize, _: f32) {}
}

/// How the stages of a plan are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// Reordered, fused, in the narrowest form that serves: what users get.
    Fused,
    /// One stage after the other, from a whole decode, in 16 bits, without tables: what the fused
    /// form is measured against.
    Plain,
}

/// Runs a plan on one file. An error names the step it happened in.
pub fn run(plan: &Plan, input: Input<'_>, limits: &Limits, events: &dyn Events) -> Result<Report> {
    run_as(Execution::Fused, plan, input, limits, events)
}

/// Runs a plan on one file in one of two ways that must agree.
pub fn run_as(
    execution: Execution,
    plan: &Plan,
    input: Input<'_>,
    limits: &Limits,
    events: &dyn Events,
) -> Result<Report> {
    let own = format::true_header(input.bytes, limits)?;
    let header = plan.drawn(&own);
    let mut runner = Runner {
        execution,
        plan,
        steps: Steps::new(events),
        input,
        header: &header,
        drawing_scale: plan.drawing_scale(&own),
        limits,
        document: None,
        found: BTreeMap::new(),
        says_more: false,
        same_colors: true,
        report: Report::default(),
    };
    runner.run()?;
    runner.steps.end_through(plan.last_step());
    Ok(runner.report)
}

/// A plan that does not fit the file: the door finds this first where it sees the header.
fn refused(faults: &[crate::Fault]) -> Error {
    let text: Vec<String> =
        faults.iter().map(|fault| format!("{} ({})", fault.message, fault.pointer)).collect();
    Error::input(text.join("; "))
}

struct Runner<'a> {
    execution: Execution,
    plan: &'a Plan,
    steps: Steps<'a>,
    input: Input<'a>,
    /// Of the file: of its first page or frame.
    header: &'a Header,
    /// How large a drawing is drawn beside its own size.
    drawing_scale: f64,
    limits: &'a Limits,
    /// The file has Exif or XMP.
    says_more: bool,
    /// No picture so far had to lose the colors that the file says.
    same_colors: bool,
    /// The parsed file, where it has pages that share its parse.
    document: Option<Box<dyn format::Document + 'a>>,
    /// What steps found in the pictures.
    found: BTreeMap<usize, Map<String, Value>>,
    report: Report,
}

impl Runner<'_> {
    fn run(&mut self) -> Result<()> {
        let (format, intent, unchanged) = self.intent()?;
        let choice = intent.output.frames;
        match self.header.sequence {
            Sequence::Still => self.picture(self.header, 0, None)?,
            Sequence::Frames
                if choice == Some(FrameChoice::All) && format.encode_frames.is_none() =>
            {
                self.frames_apart()?;
            }
            Sequence::Frames
                if choice != Some(FrameChoice::First) && format.encode_frames.is_some() =>
            {
                self.animation(format)?;
            }
            Sequence::Frames => {
                if choice.is_none() {
                    self.warn("animation_dropped", format.holds_one_frame(self.header.frames));
                }
                self.picture(self.header, 0, None)?;
            }
            Sequence::Pages => self.pages(format, &intent)?,
        }
        for output in &mut self.report.outputs {
            let size = (format.written_size)(Size::new(output.width, output.height));
            (output.width, output.height) = (size.width, size.height);
        }
        for (step_index, data) in std::mem::take(&mut self.found) {
            self.push_data(step_index, Value::Object(data));
        }
        self.keep_whole(&intent, unchanged);
        if let Some(step_index) = intent.optimize_step {
            self.report_savings(step_index);
        }
        self.report.data.sort_by_key(|data| data.step_index);
        Ok(())
    }

    /// What is wanted of the output, as far as the first picture tells, and whether nothing is done
    /// to the pixels.
    fn intent(&self) -> Result<(&'static Format, Intent, bool)> {
        let mut draft = self.draft(self.header, &[])?;
        Ok((draft.output_format(), draft.intent, draft.stages.is_empty()))
    }

    fn draft<'b>(&'b self, header: &'b Header, decided: &'b [Size]) -> Result<Draft<'b>> {
        let context = Context { files: self.input.files, limits: self.limits, decided };
        self.plan.draft(header, context).map_err(|faults| refused(&faults))
    }

    /// One picture to one file; `number` stands in its name.
    fn picture(&mut self, header: &Header, page: u32, number: Option<u32>) -> Result<()> {
        if header.sequence == Sequence::Still && self.wrapped(header)? {
            return Ok(());
        }
        let made = self.make(header, Source::File { page })?;
        self.steps.begin_through(self.plan.last_step());
        self.write(made, header, number).map_err(|error| error.in_step(self.plan.last_step()))
    }

    /// The frames of an animation to a file each.
    fn frames_apart(&mut self) -> Result<()> {
        let track = self.track()?;
        let (count, color, metadata) = (track.count, track.color, track.metadata);
        for (index, frame) in (1..).zip(track.frames) {
            let image = Image {
                frames: vec![Frame { delay_ms: 0, ..frame? }],
                loop_count: 0,
                color: color.clone(),
                metadata: metadata.clone(),
            };
            let made = self.make(self.header, Source::Pixels(image))?;
            self.write(made, self.header, Some(index))
                .map_err(|error| error.in_step(self.plan.last_step()))?;
            self.steps.part(index, count);
        }
        Ok(())
    }

    /// The chosen pages of a document: into one file where the format holds pages, else to a file
    /// each.
    fn pages(&mut self, format: &'static Format, intent: &Intent) -> Result<()> {
        let count = self.header.frames;
        if let Some(open) = self.header.format.open_document {
            self.document = Some(open(self.input.bytes, self.limits)?);
        }
        let chosen = match &intent.output.pages {
            None => (0..count).collect(),
            Some(pages) => pages
                .of(count)
                .map_err(|page| Error::input(format!("there is no page {page}, only {count}")))?,
        };
        if let Some(own) = self.header.format.drawn_at_dpi
            && self.plan.asked_dpi().is_none()
        {
            self.warn("rendered", rendered(own));
        }
        if let (Some(encode), true) = (format.encode_pages, chosen.len() > 1) {
            return self.pages_together(format, encode, &chosen);
        }
        for (index, page) in (1..).zip(&chosen) {
            let header = self.page(*page)?;
            self.picture(&header, *page, (chosen.len() > 1).then_some(page + 1))?;
            self.steps.part(index, chosen.len() as u32);
        }
        Ok(())
    }

    fn pages_together(
        &mut self,
        format: &'static Format,
        encode: format::EncodePages,
        chosen: &[u32],
    ) -> Result<()> {
        let (_, intent, _) = self.intent()?;
        let mut index = 0;
        let mut size = self.header.size;
        self.steps.events.codec(Codec::Encode);
        let mut pages = std::iter::from_fn(|| {
            let page = *chosen.get(index as usize)?;
            index += 1;
            let image = self.page(page).and_then(|header| {
                let Made { mut image, intent, format, .. } =
                    self.make(&header, Source::File { page })?;
                self.apply_policy(&mut image, &intent.output)?;
                self.fit(&mut image, format, &intent.output)?;
                self.steps.part(index, chosen.len() as u32);
                Ok(image)
            });
            if let (Ok(image), 1) = (&image, index) {
                size = image.size();
            }
            Some(image)
        });
        let bytes = encode(&mut pages, chosen.len() as u32, &intent.output)?;
        let lossy = (format.is_lossy)(&intent.output);
        let encode_generations = u32::from(lossy);
        self.push_output(Written { format, size, bytes, encode_generations }, None);
        Ok(())
    }

    /// The header of a page, with the size at which it is drawn and the number of all pages.
    fn page(&self, page: u32) -> Result<Header> {
        let own = match (&self.document, self.header.format.page_header) {
            (Some(document), _) => document.header(page)?,
            (None, Some(page_header)) => page_header(self.input.bytes, page, self.limits)?,
            (None, None) => return Ok(self.header.clone()),
        };
        let Header { frames, sequence, .. } = *self.header;
        Ok(self.plan.drawn(&Header { frames, sequence, ..own }))
    }

    fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.warn_of_step(self.steps.current(), code, message);
    }

    fn warn_of_step(&mut self, step: usize, code: &str, message: impl Into<String>) {
        let (code, message) = (code.to_owned(), message.into());
        self.add_warning(Warning { code, message, step_index: Some(step), input_index: None });
    }

    /// Pages and frames say the same again.
    fn add_warning(&mut self, warning: Warning) {
        if !self.report.warnings.contains(&warning) {
            self.report.warnings.push(warning);
        }
    }

    fn push_data(&mut self, step_index: usize, data: Value) {
        let operation = self.plan.step_name(step_index).to_owned();
        self.report.data.push(StepData { step_index, operation, data });
    }
}

/// What is said of pages that are drawn at a resolution that nobody asked for.
pub(crate) fn rendered(dpi: f64) -> String {
    format!("pages are drawn at {dpi} dpi (dpi chooses another)")
}

fn widen_all(image: &mut Image) -> Result<()> {
    image.map_pixels(|pixels| {
        Ok(match pixels.into_packed()? {
            Pixels::U8(packed) => Pixels::U16(canvas::widen(&packed)?),
            pixels => pixels,
        })
    })
}

//! Runs a plan on one file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::color::Color;
use crate::draft::{Draft, Intent};
use crate::format::{self, Decoded, Format};
use crate::image::{Channels, ColorSpace, Frame, Packed, Pixels};
use crate::kernels::{canvas, orient, planes, resample};
use crate::lower::{Pass, Work, lower, plain};
use crate::metadata::{Metadata, Orientation};
use crate::output::IccPolicy;
use crate::stage::Resample;
use crate::{Error, Header, Image, Limits, Plan, Result, Size, icc};

/// A file that came in.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name as the caller gave it; only the stem is used, for the names of outputs.
    pub filename: &'a str,
    /// The whole file.
    pub bytes: &'a [u8],
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
    let header = format::header(input.bytes, limits)?;
    let mut draft = plan.draft(&header, limits).map_err(|faults| refused(&faults))?;
    let format = draft.output_format();
    let Draft { stages, intent, warnings, .. } = draft;
    let mut runner = Runner {
        steps: Steps { events, begun: 0, ended: 0 },
        input,
        header: &header,
        limits,
        intent,
        format,
        report: Report { warnings, ..Report::default() },
    };
    let unchanged = stages.is_empty();
    runner.steps.begin_through(0);
    let program = match execution {
        Execution::Fused => lower(&header, stages, format, &runner.intent.output),
        Execution::Plain => plain(&header, stages),
    };
    events.codec(Codec::Decode);
    let decode = header.format.decode.ok_or_else(|| {
        Error::unsupported(format!("{} cannot be read by this build", header.format.title))
    })?;
    let mut decoded = decode(input.bytes, &program.decode, limits)?;
    if execution == Execution::Plain {
        widen_all(&mut decoded.image)?;
    }
    let image = runner.run_passes(decoded, program.passes)?;
    runner.steps.begin_through(plan.last_step());
    runner.write(image, unchanged).map_err(|error| error.in_step(plan.last_step()))?;
    if let Some(step_index) = runner.intent.optimize_step {
        runner.report_savings(step_index, plan.step_name(step_index));
    }
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
    steps: Steps<'a>,
    input: Input<'a>,
    header: &'a Header,
    limits: &'a Limits,
    intent: Intent,
    format: &'static Format,
    report: Report,
}

impl Runner<'_> {
    fn run_passes(&mut self, decoded: Decoded, passes: Vec<Pass>) -> Result<Image> {
        let Decoded { mut image, scale } = decoded;
        if matches!(&image.color, ColorSpace::Icc(profile) if icc::is_srgb(profile)) {
            image.color = ColorSpace::Srgb;
        }
        let mut scale = scale;
        for Pass { steps, work } in passes {
            self.steps.end_before(*steps.start());
            self.steps.begin_through(*steps.end());
            let in_step = |error: Error| error.in_step(*steps.start());
            // Geometry means the same in every color space; everything else is defined in sRGB.
            if !matches!(work, Work::Orient(_) | Work::Crop(_) | Work::Resample(..)) {
                image.convert_to_srgb().map_err(in_step)?;
            }
            let frames = std::mem::take(&mut image.frames);
            for frame in frames {
                let pixels = apply(&work, frame.pixels, scale).map_err(in_step)?;
                self.limits.check_size(pixels.size()).map_err(in_step)?;
                image.frames.push(Frame { pixels, ..frame });
            }
            scale = 1.0;
        }
        Ok(image)
    }

    /// Encodes the result, or passes the original through where an optimizer could only make it
    /// larger.
    fn write(&mut self, mut image: Image, unchanged: bool) -> Result<()> {
        let output = self.intent.output.clone();
        let size = image.size();
        let (kept, keeps_profile) = self.policy(&image);
        let same_colors = keeps_profile || image.color == ColorSpace::Srgb;
        if !keeps_profile {
            image.convert_to_srgb()?;
        }
        image.metadata = kept;
        self.fit_to_format(&mut image)?;
        let encode =
            self.format.encode.ok_or_else(|| Error::internal("the format cannot be written"))?;
        self.steps.events.codec(Codec::Encode);
        let mut bytes = encode(&image, &output)?;
        let lossy = (self.format.is_lossy)(&output);
        let mut encode_generations = u32::from(lossy);
        let same_format = self.format == self.header.format;
        // What the rewriter cannot change must be as it is wanted: upright, and with its own
        // colors.
        let as_wanted = self.header.orientation == Orientation::Normal && same_colors;
        let may_pass = self.intent.never_larger && same_format && unchanged && as_wanted;
        if may_pass && bytes.len() >= self.input.bytes.len() {
            let original = (self.format.rewrite)(self.input.bytes, &image.metadata)?;
            if original.len() <= bytes.len() {
                bytes = original;
                encode_generations = 0;
                self.warn("original_kept", "a new encode would not be smaller, so the original's pixels are passed through");
            }
        }
        if lossy && encode_generations == 1 && self.header.is_lossy && unchanged && same_format {
            self.warn(
                "lossy_after_lossy",
                "a lossy file is encoded with loss again, without a change to the picture",
            );
        }
        self.report.outputs.push(OutputFile {
            filename: format!("{}.{}", stem(self.input.filename), self.format.name),
            format: self.format.name,
            mime_type: self.format.mime_type,
            width: size.width,
            height: size.height,
            encode_generations,
            bytes,
        });
        Ok(())
    }

    /// The metadata to write, and whether the profile of the pixels stays.
    fn policy(&self, image: &Image) -> (Metadata, bool) {
        let output = &self.intent.output;
        let mut metadata = image.metadata.clone();
        match output.strip_metadata {
            Some(true) => metadata = Metadata::default(),
            Some(false) => metadata.make_upright(),
            None => metadata.keep_rights_only(),
        }
        let keeps_profile = match output.icc {
            Some(IccPolicy::Keep) => true,
            Some(IccPolicy::Srgb | IccPolicy::Strip) => false,
            None => output.strip_metadata != Some(true),
        };
        (metadata, keeps_profile)
    }

    /// What the format cannot hold goes: alpha over the background, depth by rounding.
    fn fit_to_format(&mut self, image: &mut Image) -> Result<()> {
        let output = &self.intent.output;
        let background = output.background.unwrap_or(Color::WHITE);
        let deep = self.format.bit_depth_max >= 16 && output.bit_depth != Some(8);
        let widen = self.format.bit_depth_max >= 16 && output.bit_depth == Some(16);
        let mut dropped_alpha = false;
        for frame in &mut image.frames {
            let mut pixels = std::mem::replace(
                &mut frame.pixels,
                Pixels::U8(Packed::zeroed(Size::new(0, 0), Channels::Gray)?),
            );
            if pixels.channels().has_alpha() && (!self.format.alpha || output.background.is_some())
            {
                dropped_alpha |= !is_opaque(&pixels) && output.background.is_none();
                pixels = canvas::flatten(pixels, background)?;
            }
            frame.pixels = match pixels {
                Pixels::U16(packed) if !deep => Pixels::U8(canvas::narrow(&packed)?),
                Pixels::U8(packed) if widen => Pixels::U16(canvas::widen(&packed)?),
                Pixels::Ycc(planar) if !self.format.encodes_planes => {
                    Pixels::U8(planes::to_rgb(planar)?)
                }
                pixels => pixels,
            };
        }
        if dropped_alpha {
            let message =
                format!("{} holds no transparency; it was laid over white", self.format.title);
            self.warn("alpha_flattened", message);
        }
        Ok(())
    }

    fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.report.warnings.push(Warning {
            code: code.to_owned(),
            message: message.into(),
            step_index: Some(self.steps.begun.saturating_sub(1)),
            input_index: None,
        });
    }

    fn report_savings(&mut self, step_index: usize, operation: &str) {
        let original = self.input.bytes.len() as u64;
        let optimized: u64 =
            self.report.outputs.iter().map(|output| output.bytes.len() as u64).sum();
        let savings = 100.0 * (1.0 - optimized as f64 / original.max(1) as f64);
        let data = json!({
            "original_size_bytes": original,
            "optimized_size_bytes": optimized,
            "savings_percent": (savings * 10.0).round() / 10.0,
        });
        self.report.data.push(StepData { step_index, operation: operation.to_owned(), data });
    }
}

/// One piece of work on one frame; `scale` is what the decoder scaled by, of which only the first
/// pass, a resample, has to know.
fn apply(work: &Work, pixels: Pixels, scale: f64) -> Result<Pixels> {
    match work {
        Work::Orient(orientation) => match pixels {
            Pixels::Ycc(planar) if !orient::is_exact_on_planes(planar.size, planar.subsampling) => {
                orient::orient(Pixels::U8(planes::to_rgb(planar)?), *orientation)
            }
            pixels => orient::orient(pixels, *orientation),
        },
        Work::Crop(rect) => canvas::crop(&packed(pixels)?, *rect),
        Work::Resample(resample, subsampling) => {
            let scaled = Resample { source: resample.source.scaled(scale, scale), ..*resample };
            match pixels {
                Pixels::Ycc(planar) => {
                    resample::resample_planes(&planar, &scaled, *subsampling).map(Pixels::Ycc)
                }
                pixels => resample::resample(pixels, &scaled),
            }
        }
        Work::Extend(extend) => canvas::extend(packed(pixels)?, extend),
        Work::Colors(pass) => pass.run(pixels),
        Work::Area(area) => area.apply(packed(pixels)?),
    }
}

fn widen_all(image: &mut Image) -> Result<()> {
    for frame in std::mem::take(&mut image.frames) {
        let pixels = match packed(frame.pixels)? {
            Pixels::U8(packed) => Pixels::U16(canvas::widen(&packed)?),
            pixels => pixels,
        };
        image.frames.push(Frame { pixels, ..frame });
    }
    Ok(())
}

/// The pixels as interleaved samples.
fn packed(pixels: Pixels) -> Result<Pixels> {
    match pixels {
        Pixels::Ycc(planar) => planes::to_rgb(planar).map(Pixels::U8),
        pixels => Ok(pixels),
    }
}

fn is_opaque(pixels: &Pixels) -> bool {
    match pixels {
        Pixels::U8(packed) => packed.is_opaque(),
        Pixels::U16(packed) => packed.is_opaque(),
        Pixels::Ycc(_) => true,
    }
}

/// A file name without its folders and extension.
fn stem(filename: &str) -> &str {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or(filename);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ if name.is_empty() => "output",
        _ => name,
    }
}

impl Image {
    /// Brings the pixels to sRGB, if they are not.
    fn convert_to_srgb(&mut self) -> Result<()> {
        let ColorSpace::Icc(profile) = std::mem::replace(&mut self.color, ColorSpace::Srgb) else {
            return Ok(());
        };
        for frame in std::mem::take(&mut self.frames) {
            self.frames.push(Frame { pixels: icc::to_srgb(frame.pixels, &profile)?, ..frame });
        }
        Ok(())
    }
}

/// Tells of the steps as they begin and end, each once and in order.
struct Steps<'a> {
    events: &'a dyn Events,
    begun: usize,
    ended: usize,
}

impl Steps<'_> {
    fn begin_through(&mut self, step_index: usize) {
        while self.begun <= step_index {
            self.events.step(self.begun, 0.0);
            self.begun += 1;
        }
    }

    fn end_before(&mut self, step_index: usize) {
        while self.ended < step_index {
            self.begin_through(self.ended);
            self.events.step(self.ended, 1.0);
            self.ended += 1;
        }
    }

    fn end_through(&mut self, step_index: usize) {
        self.end_before(step_index + 1);
    }
}

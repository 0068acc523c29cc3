//! What a plan would do to a file, from its header alone: nothing is decoded.
//!
//! Sizes and formats are those that a run gives, except behind a step that has to see the image
//! (a trim), where they are the largest that can come, and where a stream can only guess them. Of
//! pages they are those of the first. Time and memory are estimates.

use serde::Serialize;
use serde_json::Value;

use crate::draft::{Context, Draft};
use crate::format::Sequence;
use crate::lower::{Pass, Program, Work, lower, takes_half_planes};
use crate::metadata::Orientation;
use crate::output::{FrameChoice, Output};
use crate::run::{Warning, rendered};
use crate::stage::{Resample, Stage};
use crate::{Fault, Files, Format, Header, Limits, Plan, Size};

/// What a plan would do to a file.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The picture as it comes in, upright.
    pub input: Outlook,
    /// The picture after each step, with the step in its normal form.
    pub steps: Vec<StepOutlook>,
    /// What is really run, in order: steps are reordered and fused where that gives the same.
    pub passes: Vec<PassOutlook>,
    /// The result.
    pub output: Outlook,
    /// How many files come of it.
    pub output_files: u32,
    /// Lossy encodes on the way: 0 or 1.
    pub encode_generations: u32,
    /// The most memory that pixels and files take at one time.
    pub memory_peak_bytes: u64,
    /// What of it files take that are already written. How well they compress shows only then.
    #[serde(skip)]
    pub written_bytes: u64,
    /// CPU time on a core of a common server.
    pub estimated_ms: u64,
    /// What the job would warn of, as far as headers tell.
    pub warnings: Vec<Warning>,
}

/// A picture as far as it is known without looking at it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlook {
    /// Short name of the format; between steps, the format that is intended.
    pub format: &'static str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames or pages.
    pub frames: u32,
    /// Whether size and number are known, or depend on what the image shows.
    pub exact: bool,
    /// `gray` or `rgb`.
    pub color: &'static str,
    /// Whether it can be transparent.
    pub alpha: bool,
    /// Bits a sample.
    pub bit_depth: u8,
}

/// The picture after a step.
#[derive(Debug, Clone, Serialize)]
pub struct StepOutlook {
    /// Its place.
    pub index: usize,
    /// Its operation.
    pub operation: &'static str,
    /// Its request in normal form.
    pub request: Value,
    /// The picture after it.
    #[serde(flatten)]
    pub after: Outlook,
}

/// One pass over the pixels.
#[derive(Debug, Clone, Serialize)]
pub struct PassOutlook {
    /// The first and the last step that it does, or does part of.
    pub steps: [usize; 2],
    /// What it does, in a few words.
    pub work: String,
    /// Width of what comes out.
    pub width: u32,
    /// Height of what comes out.
    pub height: u32,
}

/// Nanoseconds a pixel of passes, as measured on the machine of the benchmarks.
const COPY_NS: f64 = 1.5;
const RESAMPLE_NS: f64 = 2.5;
const COLORS_NS: f64 = 7.0;
/// What every file costs besides its pixels.
const FILE_MS: f64 = 0.3;

impl Plan {
    /// What the plan would do to a file with this header and length, beside these others; or what
    /// is wrong with it.
    pub fn explain(
        &self,
        header: &Header,
        size_bytes: u64,
        files: &Files<'_>,
        limits: &Limits,
    ) -> Result<Explanation, Vec<Fault>> {
        let header = self.drawn(header);
        let context = Context { files, limits, decided: &[] };
        let mut draft = self.draft(&header, context)?;
        let format = draft.output_format();
        let frames = frames_out(&header, format, &draft);
        let (count, files_out) = frames;
        draft.begin(0);
        if let (Sequence::Pages, Some(own)) = (header.sequence, header.format.drawn_at_dpi)
            && self.asked_dpi().is_none()
        {
            draft.warn("rendered", rendered(own));
        }
        if header.is_guess {
            draft.warn("unsure", unsure(header.format));
        }
        draft.begin(self.last_step());
        let is_animation = header.sequence == Sequence::Frames && count > 1;
        if is_animation
            && draft.intent.output.palette.is_some()
            && let Some(message) = format.ignored_palette()
        {
            draft.warn("palette_ignored", message);
            draft.intent.output.palette = None;
        }
        let (output, size) = (&draft.intent.output, draft.size());
        if let Some(message) = format.lowered_effort(output, size, is_animation) {
            draft.warn("effort_lowered", message);
        }
        warn_of_losses(&mut draft, &header, format);
        let known = !header.is_guess;
        let exact = draft.is_exact();
        let input = outlook(&header, header.format, header.upright_size(), header.frames, known);
        let steps = self.step_outlooks(&header, &draft, count);
        let after = seen_after(&header, &draft, usize::MAX);
        let mut output = outlook(&after, format, (format.written_size)(draft.size()), count, exact);
        let settings = &draft.intent.output;
        output.alpha &= settings.background.is_none();
        // A picture that does not fill its place in the file has nothing around it.
        output.alpha |= format.alpha && (format.written_size)(draft.size()) != draft.size();
        let is_narrow = settings.palette.is_some() || (is_animation && !format.deep_frames);
        let is_deep = header.bit_depth > 8 || settings.bit_depth.is_some();
        output.bit_depth = match is_deep && !is_narrow {
            true => format.depth_written(settings),
            false => format.bit_depth_min(),
        };
        let lossy = (format.is_lossy)(&draft.intent.output);
        let warnings = std::mem::take(&mut draft.warnings);
        let pictures = u64::from(count.max(files_out));
        let work = Estimate::of(&header, draft, format, is_animation);
        let written_bytes = work.file_bytes.saturating_mul(pictures - 1);
        Ok(Explanation {
            input,
            steps,
            passes: work.passes,
            output,
            output_files: files_out,
            encode_generations: u32::from(lossy),
            memory_peak_bytes: (size_bytes + work.memory_bytes).saturating_add(written_bytes),
            written_bytes,
            estimated_ms: (FILE_MS + work.ms * pictures as f64).ceil() as u64,
            warnings,
        })
    }

    fn step_outlooks(&self, header: &Header, draft: &Draft<'_>, count: u32) -> Vec<StepOutlook> {
        let mut format = header.format;
        let after = self.normal_steps().zip(&draft.after).enumerate();
        after
            .map(|(index, ((operation, request), after))| {
                format = after.format.unwrap_or(format);
                let header = seen_after(header, draft, index);
                let after = outlook(&header, format, after.size, count, after.exact);
                StepOutlook { index, operation, request, after }
            })
            .collect()
    }
}

/// What is said of a header that may turn out otherwise.
fn unsure(format: &Format) -> String {
    format!(
        "size and pages are what is seen of a {} while it goes by: a run may find others",
        format.title
    )
}

/// Frames or pages of an output, and the number of outputs.
fn frames_out(header: &Header, format: &Format, draft: &Draft<'_>) -> (u32, u32) {
    let output = &draft.intent.output;
    let pages = || {
        let chosen = output.pages.as_ref().and_then(|pages| pages.of(header.frames).ok());
        chosen.map_or(header.frames, |chosen| chosen.len() as u32)
    };
    match (header.sequence, output.frames) {
        (Sequence::Still, _) | (Sequence::Frames, Some(FrameChoice::First)) => (1, 1),
        (Sequence::Frames, _) if format.encode_frames.is_some() => (header.frames, 1),
        (Sequence::Frames, Some(FrameChoice::All)) => (1, header.frames),
        (Sequence::Frames, None) => (1, 1),
        (Sequence::Pages, _) if format.encode_pages.is_some() => (pages(), 1),
        (Sequence::Pages, _) => (1, pages()),
    }
}

/// The header that the picture would have after a step.
fn seen_after(header: &Header, draft: &Draft<'_>, step: usize) -> Header {
    let stages = || draft.stages.iter().filter(|(of, _)| *of <= step).map(|(_, stage)| stage);
    let has_alpha = header.has_alpha || stages().any(Stage::adds_alpha);
    let is_gray = stages().fold(header.is_gray, |is_gray, stage| stage.is_gray_after(is_gray));
    Header { has_alpha, is_gray, ..header.clone() }
}

/// What the runner finds out with the pixels in hand.
fn warn_of_losses(draft: &mut Draft<'_>, header: &Header, format: &Format) {
    let output = draft.intent.output.clone();
    let header = seen_after(header, draft, usize::MAX);
    if header.has_alpha && !format.alpha && output.background.is_none() {
        draft.warn(
            "alpha_flattened",
            format!("{} holds no transparency; it is laid over white", format.title),
        );
    }
    if header.sequence == Sequence::Frames
        && format.encode_frames.is_none()
        && output.frames.is_none()
    {
        draft.warn("animation_dropped", format.holds_one_frame(header.frames));
    }
    let lossy = (format.is_lossy)(&output);
    if lossy && header.is_lossy && draft.stages.is_empty() && format == header.format {
        draft.warn(
            "lossy_after_lossy",
            "a lossy file is encoded with loss again, without a change to the picture",
        );
    }
}

fn outlook(
    header: &Header,
    format: &'static Format,
    size: Size,
    frames: u32,
    exact: bool,
) -> Outlook {
    Outlook {
        format: format.name,
        width: size.width,
        height: size.height,
        frames,
        exact,
        color: if header.is_gray { "gray" } else { "rgb" },
        alpha: header.has_alpha && (format.alpha || format.encode.is_none()),
        bit_depth: header.bit_depth.min(format.bit_depth_max().max(8)),
    }
}

/// What running it takes.
struct Estimate {
    passes: Vec<PassOutlook>,
    memory_bytes: u64,
    /// Of one picture or frame.
    file_bytes: u64,
    ms: f64,
}

impl Estimate {
    /// Of one picture with this header, or one frame.
    fn of(header: &Header, draft: Draft<'_>, format: &Format, is_animation: bool) -> Self {
        let output = draft.intent.output;
        let planes_out = takes_half_planes(format, &output);
        let mut stages = draft.stages;
        if header.orientation != Orientation::Normal {
            stages.insert(0, (0, Stage::Orient(header.orientation)));
        }
        let mut decides = stages.iter().filter(|(_, stage)| matches!(stage, Stage::Decide(_)));
        let decide = decides.next().map(|(step, _)| *step);
        let program = lower(header.size, stages, planes_out);
        let is_plain = !header.has_alpha && !header.is_gray && header.bit_depth <= 8;
        let planar = program.decode.planes && header.format.decodes_planes && is_plain;
        let mut held = Held {
            size: decoded_size(header, &program),
            planes: planar.then_some(HALF_CHROMA),
            is_deep: header.bit_depth > 8,
            has_alpha: header.has_alpha,
            is_gray: header.is_gray,
            peak: 0,
        };
        held.peak = held.bytes() + header.format.decode_bytes * header.size.area();
        let mut ns = f64::from(header.format.decode_ns) * decode_area(header, held.size);
        let mut passes = Vec::new();
        for pass in &program.passes {
            if decide.is_some_and(|step| *pass.steps.start() >= step) {
                held.pack();
            }
            let before = held.size;
            let (work, out, cost) = describe(pass, before);
            held.pass(&pass.work, out);
            ns += cost * before.area().max(out.area()) as f64;
            passes.push(PassOutlook {
                steps: [*pass.steps.start(), *pass.steps.end()],
                work,
                width: out.width,
                height: out.height,
            });
        }
        if decide.is_some() || !format.encodes_planes {
            held.pack();
        }
        if held.has_alpha && !format.alpha {
            held.peak = held.peak.max(2 * held.bytes());
            held.has_alpha = false;
        }
        let area = held.size.area();
        // Encoders copy the samples as deep as they are.
        let encoder = (format.encode_memory)(&output, held.size) * held.pixel_bytes().max(3) / 3;
        let lossy = (format.is_lossy)(&output);
        let file_bits = match (lossy, header.format.drawn_at_dpi, is_animation) {
            (false, Some(_), _) => DRAWN_FILE_BITS,
            (false, None, false) => FILE_BITS,
            _ => LOSSY_FILE_BITS,
        };
        let effort = (format.effort_lowered)(&output, held.size, is_animation);
        let output = Output { effort: effort.or(output.effort), ..output };
        ns += f64::from((format.encode_ns)(&output, is_animation)) * area as f64;
        Self {
            passes,
            memory_bytes: held.peak.max(held.bytes() + encoder),
            file_bytes: area * file_bits / 8,
            ms: ns / 1e6,
        }
    }
}

/// Bits a pixel of the file of a photograph.
const FILE_BITS: u64 = 13;
/// With loss; or of a frame of which only what changes is written.
const LOSSY_FILE_BITS: u64 = 4;
/// Of a page of text or a drawing.
const DRAWN_FILE_BITS: u64 = 1;

/// Halves of samples a pixel: what is smaller than a pixel counts too.
const HALF_CHROMA: u64 = 3;
const FULL_CHROMA: u64 = 6;

/// The picture on its way, and the most that it and what is made of it have taken.
struct Held {
    size: Size,
    /// Halves of samples a pixel, where it lies in planes.
    planes: Option<u64>,
    is_deep: bool,
    has_alpha: bool,
    is_gray: bool,
    peak: u64,
}

impl Held {
    fn bytes(&self) -> u64 {
        self.planes.unwrap_or(2 * self.pixel_bytes()) * self.size.area() / 2
    }

    /// Of interleaved samples.
    fn pixel_bytes(&self) -> u64 {
        let samples = if self.is_gray { 1 } else { 3 } + u64::from(self.has_alpha);
        samples * if self.is_deep { 2 } else { 1 }
    }

    /// Planes become interleaved samples, by way of planes with full chroma.
    fn pack(&mut self) {
        if self.planes.take().is_some() {
            self.peak = self.peak.max(2 * self.bytes());
        }
    }

    fn pass(&mut self, work: &Work, out: Size) {
        if !matches!(work, Work::Resample(..) | Work::Orient(_)) {
            self.pack();
        }
        let (from, before) = (self.size, self.bytes());
        // What may color the picture is taken to do so.
        self.is_gray &= matches!(work, Work::Resample(..) | Work::Orient(_) | Work::Crop(_));
        if let (Work::Resample(_, subsampling), Some(planes)) = (work, &mut self.planes) {
            *planes = if *subsampling == (1, 1) { FULL_CHROMA } else { HALF_CHROMA };
        }
        self.size = out;
        self.has_alpha |= match work {
            Work::Extend(extend) => !extend.color.is_opaque(),
            Work::Area(area) => area.adds_alpha(),
            _ => false,
        };
        let beside = match work {
            // They are changed where they are.
            Work::Colors(_) => return,
            // Colors are weighed by alpha, in four samples of 16 bits.
            Work::Resample(..) if self.is_deep || self.has_alpha => 8 * (from.area() + out.area()),
            Work::Area(area) => area.held_bytes(before),
            _ => 0,
        };
        self.peak = self.peak.max(before + self.bytes() + beside);
    }
}

/// What the decoder gives: smaller where the program lets it.
fn decoded_size(header: &Header, program: &Program) -> Size {
    let scale = match program.decode.scale_min {
        scale if scale > 0.0 && header.format.scales_when_decoding => scale,
        _ => 1.0,
    };
    let side = |length: u32| ((f64::from(length) * scale).ceil() as u32).max(1);
    Size::new(side(header.size.width), side(header.size.height))
}

/// Entropy decoding goes over the whole file however small the result is: half of the work.
fn decode_area(header: &Header, decoded: Size) -> f64 {
    (header.size.area() as f64 + decoded.area() as f64) / 2.0
}

fn describe(pass: &Pass, size: Size) -> (String, Size, f64) {
    match &pass.work {
        Work::Orient(orientation) if orientation.transposes() => {
            ("turn".to_owned(), size.transposed(), COPY_NS)
        }
        Work::Orient(_) => ("turn".to_owned(), size, COPY_NS),
        Work::Crop(rect) => ("crop".to_owned(), rect.size, COPY_NS),
        Work::Resample(Resample { size: out, .. }, _) => ("resample".to_owned(), *out, RESAMPLE_NS),
        Work::Extend(extend) => ("extend the canvas".to_owned(), extend.size, COPY_NS),
        Work::Colors(colors) => {
            let count = colors.len();
            let what = match count {
                1 => "a function of color".to_owned(),
                _ => format!("{count} functions of color and place, as one"),
            };
            (what, size, COLORS_NS)
        }
        Work::Area(area) => {
            ("look at neighborhoods".to_owned(), area.output_size(size), area.cost_ns())
        }
    }
}

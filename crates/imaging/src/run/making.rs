//! From a picture of the file to the picture that is wanted.
//!
//! Stages up to one that has to see the image are one program; what it finds is another; then the
//! plan is lowered again for the size that came of it.

use std::sync::Arc;

use super::pass::run_passes;
use super::*;
use crate::image::ColorSpace;
use crate::lower::{Pass, Program, Work, lower, plain, takes_half_planes};
use crate::run::Codec;
use crate::stage::{DecideFn, Notes, Stage};

/// Where a picture comes from.
pub(super) enum Source {
    /// A page of the file.
    File { page: u32 },
    /// A frame that is decoded.
    Pixels(Image),
}

/// A picture as it is wanted, before it is fitted to its format.
pub(super) struct Made {
    pub(super) image: Image,
    pub(super) intent: Intent,
    pub(super) format: &'static Format,
    /// No stage has touched the pixels.
    pub(super) unchanged: bool,
    /// What was run, to run it again on the other frames.
    pub(super) programs: Vec<Program>,
}

/// The factors of pixels that nobody has scaled.
const WHOLE: (f64, f64) = (1.0, 1.0);

/// Stages with the steps that they belong to.
type Numbered = Vec<(usize, Stage)>;
/// A stage that has to see the image, with its step.
type Deciding = (usize, Arc<dyn DecideFn>);

impl Runner<'_> {
    /// Runs all stages of the plan on a picture.
    pub(super) fn make(&mut self, header: &Header, source: Source) -> Result<Made> {
        let mut made = Vec::new();
        let mut source = Some(source);
        let mut decided: Vec<Size> = Vec::new();
        let mut done = 0;
        let mut current: Option<Image> = None;
        loop {
            let mut draft = self.draft(header, &decided)?;
            let format = draft.output_format();
            let Draft { stages, intent, warnings, .. } = draft;
            let unchanged = stages.is_empty();
            let (segment, decide) = next_segment(stages.into_iter().skip(done));
            done += segment.len() + 1;
            let size = current.as_ref().map(Image::size);
            let planes_out = decide.is_none() && takes_half_planes(format, &intent.output);
            let program = self.program(header, size, segment, planes_out);
            self.steps.begin_through(0);
            let (image, scale) = match (current.take(), source.take()) {
                (Some(image), _) => (image, WHOLE),
                (None, Some(source)) => self.open(header, source, &program.decode)?,
                (None, None) => return Err(Error::internal("a picture comes from nowhere")),
            };
            let mut image = self.run_program(image, scale, &program)?;
            let metadata = &image.metadata;
            self.says_more |= metadata.exif.is_some() || metadata.xmp.is_some();
            if intent.drops_previews {
                image.metadata.drop_previews();
            }
            made.push(program);
            let Some((step, decide)) = decide else {
                for warning in warnings {
                    self.add_warning(warning);
                }
                return Ok(Made { image, intent, format, unchanged, programs: made });
            };
            self.steps.begin_through(step);
            let (image, program) =
                self.decide(image, step, &*decide).map_err(|error| error.in_step(step))?;
            decided.push(image.size());
            made.push(program);
            current = Some(image);
        }
    }

    /// The pixels of the source and the factors that they are scaled by beside the header.
    fn open(
        &mut self,
        header: &Header,
        source: Source,
        request: &DecodeRequest,
    ) -> Result<(Image, (f64, f64))> {
        let (mut image, scale) = match source {
            Source::Pixels(image) => (image, WHOLE),
            Source::File { page } => {
                self.steps.events.codec(Codec::Decode);
                let format = self.header.format;
                let decode = format.decode.ok_or_else(|| {
                    Error::unsupported(format!("{} cannot be read by this build", format.title))
                })?;
                let drawing_scale = match request.drawing_scale {
                    0.0 => self.drawing_scale,
                    scale => scale * self.drawing_scale,
                };
                let request = DecodeRequest { page, drawing_scale, ..*request };
                let decoded = match &self.document {
                    Some(document) => document.decode(&request)?,
                    None => decode(self.input.bytes, &request, self.limits)?,
                };
                if let Some((code, message)) = decoded.left_out {
                    self.warn(code, message);
                }
                let scale = match format.drawn_at_dpi {
                    None => (decoded.scale, decoded.scale),
                    // A drawing fills its pixels, whose number is rounded.
                    Some(_) => {
                        let (drawn, said) = (decoded.image.size(), header.size);
                        let factor = |drawn: u32, said: u32| f64::from(drawn) / f64::from(said);
                        (factor(drawn.width, said.width), factor(drawn.height, said.height))
                    }
                };
                (decoded.image, scale)
            }
        };
        if self.execution == Execution::Plain {
            widen_all(&mut image)?;
        }
        Ok((image, scale))
    }

    /// The program of a segment: the first one begins by turning the picture upright.
    fn program(
        &self,
        header: &Header,
        size: Option<Size>,
        mut segment: Numbered,
        planes_out: bool,
    ) -> Program {
        if size.is_none() && header.orientation != Orientation::Normal {
            segment.insert(0, (0, Stage::Orient(header.orientation)));
        }
        match self.execution {
            Execution::Fused => lower(size.unwrap_or(header.size), segment, planes_out),
            Execution::Plain => plain(segment),
        }
    }

    /// A step is as far as its passes are. Decoding is one of the first step, encoding one of the
    /// last.
    fn run_program(&mut self, image: Image, scale: (f64, f64), program: &Program) -> Result<Image> {
        let (steps, last) = (&mut self.steps, self.plan.last_step());
        let passes = &program.passes;
        let touching = |passes: &[Pass], step: usize| {
            passes.iter().filter(|pass| pass.steps.contains(&step)).count()
        };
        let fraction = |done: usize, step: usize| {
            let done = touching(&passes[..done], step) + usize::from(step == 0);
            let codecs = usize::from(step == 0) + usize::from(step == last);
            done as f32 / (touching(passes, step) + codecs) as f32
        };
        let mut begun = 0;
        let image = run_passes(image, scale, passes, self.limits, |pass| {
            steps.end_before(*pass.steps.start());
            steps.begin_through(*pass.steps.end());
            steps.within(pass.steps.clone(), |step| fraction(begun, step));
            begun += 1;
        })?;
        if let Some(pass) = passes.last() {
            steps.within(pass.steps.clone(), |step| fraction(begun, step));
        }
        for pass in passes {
            let Work::Area(area) = &pass.work else { continue };
            if let Some((code, message)) = area.left_out() {
                self.warn_of_step(*pass.steps.start(), code, message);
            }
        }
        Ok(image)
    }

    /// Shows the image to a stage that has to see it, and does what it says.
    fn decide(
        &mut self,
        mut image: Image,
        step: usize,
        decide: &dyn DecideFn,
    ) -> Result<(Image, Program)> {
        image.map_pixels(Pixels::into_packed)?;
        let mut notes = Notes::default();
        let shown = match image.color {
            ColorSpace::Srgb => None,
            ColorSpace::Icc(_) => Some(image.clone()),
        };
        let shown = shown.map(|mut shown| shown.convert_to_srgb().map(|()| shown)).transpose()?;
        let seen = shown.as_ref().unwrap_or(&image);
        let stages = decide.decide(&seen.frames[0].pixels, &mut notes)?;
        self.found.entry(step).or_default().extend(notes.data);
        for (code, message) in notes.warnings {
            self.warn(code, message);
        }
        let stages = stages.into_iter().map(|stage| (step, stage)).collect();
        let program = match self.execution {
            Execution::Fused => lower(image.size(), stages, false),
            Execution::Plain => plain(stages),
        };
        let image = self.run_program(image, WHOLE, &program)?;
        Ok((image, program))
    }
}

/// The stages up to the first that has to see the image, and that one.
fn next_segment(stages: impl Iterator<Item = (usize, Stage)>) -> (Numbered, Option<Deciding>) {
    let mut segment = Vec::new();
    for (step, stage) in stages {
        if let Stage::Decide(decide) = stage {
            return (segment, Some((step, decide)));
        }
        segment.push((step, stage));
    }
    (segment, None)
}

impl Image {
    /// Brings the pixels to sRGB, if they are not.
    pub(crate) fn convert_to_srgb(&mut self) -> Result<()> {
        let ColorSpace::Icc(profile) = std::mem::replace(&mut self.color, ColorSpace::Srgb) else {
            return Ok(());
        };
        self.map_pixels(|pixels| crate::icc::to_srgb(pixels, &profile))
    }
}

//! An animation, frame by frame: one is decoded, changed and encoded before the next.

use super::pass::run_passes;
use super::write::{Written, apply_policy, fit_to_format};
use super::*;
use crate::format::Track;
use crate::lower::Program;
use crate::output::Output;
use crate::run::Codec;

/// What every frame after the first goes through.
struct Way<'a> {
    programs: Vec<Program>,
    format: &'static Format,
    output: Output,
    limits: &'a Limits,
}

impl<'a> Runner<'a> {
    /// The frames of the file.
    pub(super) fn track(&mut self) -> Result<Track<'a>> {
        self.steps.in_parts();
        self.steps.events.codec(Codec::Decode);
        let format = self.header.format;
        let decode = format.decode_frames.ok_or_else(|| {
            Error::unsupported(format!("animated {} cannot be read by this build", format.title))
        })?;
        decode(self.input.bytes, self.limits)
    }

    /// All frames into one file.
    pub(super) fn animation(&mut self, format: &'static Format) -> Result<()> {
        let encode = format
            .encode_frames
            .ok_or_else(|| Error::internal("the format cannot hold an animation"))?;
        let Track { count, loop_count, color, metadata, mut frames, .. } = self.track()?;
        let first = frames.next().ok_or_else(|| Error::input("the animation has no frame"))??;
        let still = |frame| Image {
            frames: vec![frame],
            loop_count,
            color: color.clone(),
            metadata: metadata.clone(),
        };
        let mut made = self.make(self.header, Source::Pixels(still(first)))?;
        let last = self.plan.last_step();
        self.steps.begin_through(last);
        self.tell_what_the_first_decides(&made);
        let (mut output, unchanged) = (made.intent.output.clone(), made.unchanged);
        if let (Some(_), Some(message)) = (output.palette, format.ignored_palette()) {
            self.warn("palette_ignored", message);
            output.palette = None;
        }
        let same_colors = self.apply_policy(&mut made.image, &output)?;
        self.fit(&mut made.image, format, &output)?;
        let size = made.image.size();
        self.tell_effort(format, &output, size, true);
        let Image { frames: first, color: written, metadata: kept, .. } = made.image;
        let way =
            Way { programs: made.programs, format, output: output.clone(), limits: self.limits };
        let rest = frames.map(|frame| way.run(still(frame?), size));
        let steps = &mut self.steps;
        steps.events.codec(Codec::Encode);
        let (mut done, mut seen) = (0, Seen::default());
        let all = first.into_iter().map(Ok).chain(rest).inspect(|frame: &Result<Frame>| {
            frame.iter().for_each(|frame| seen.add(frame, format));
            done += 1;
            steps.part(done, count);
        });
        let track = Track {
            size,
            count,
            loop_count: output.loop_count.unwrap_or(loop_count),
            color: written,
            metadata: kept.clone(),
            frames: Box::new(all),
        };
        let mut bytes = encode(track, &output).map_err(|error| error.in_step(last))?;
        if seen.soft_alpha {
            self.warn("alpha_hardened", format.hardened_alpha());
        }
        let mut encode_generations = u32::from((format.is_lossy)(&output));
        let header = self.header;
        let as_wanted = header.orientation == Orientation::Normal
            && same_colors
            && unchanged
            && output.loop_count.is_none();
        if made.intent.never_larger
            && format == header.format
            && as_wanted
            && let Some(original) = self.original(&bytes, format, &kept)?
        {
            bytes = original;
            encode_generations = 0;
        } else if seen.longest_ms > format.delay_ms_max {
            self.warn("delay_cut", format.cut_delay());
        }
        self.push_output(Written { format, size, bytes, encode_generations }, None);
        Ok(())
    }
}

/// What the frames of an animation ask of its format.
#[derive(Default)]
struct Seen {
    longest_ms: u32,
    /// Only looked for where the format cannot hold it.
    soft_alpha: bool,
}

impl Seen {
    fn add(&mut self, frame: &Frame, format: &Format) {
        self.longest_ms = self.longest_ms.max(frame.delay_ms);
        self.soft_alpha |= !format.soft_alpha && frame.pixels.has_soft_alpha();
    }
}

impl Runner<'_> {
    fn tell_what_the_first_decides(&mut self, made: &Made) {
        // A program ends where a stage has to see the image.
        if made.programs.len() > 1 {
            let message = "what is found in the image (a border, a skew, what draws the eye) is \
                           found in the first frame, and all frames are treated alike";
            self.warn("first_frame_decides", message);
        }
    }
}

impl Way<'_> {
    /// What the first frame went through, for another.
    fn run(&self, mut image: Image, size: Size) -> Result<Frame> {
        for program in &self.programs {
            image = run_passes(image, (1.0, 1.0), &program.passes, self.limits, |_| ())?;
        }
        apply_policy(&mut image, &self.output)?;
        fit_to_format(&mut image, self.format, &self.output)?;
        if image.size() != size {
            return Err(Error::internal("frames of one animation came out at different sizes"));
        }
        image.frames.pop().ok_or_else(|| Error::internal("a frame got lost"))
    }
}

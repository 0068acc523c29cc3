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
        let (mut done, mut longest_ms) = (0, 0);
        let all = first.into_iter().map(Ok).chain(rest).inspect(|frame: &Result<Frame>| {
            longest_ms = longest_ms.max(frame.as_ref().map_or(0, |frame| frame.delay_ms));
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
        } else if longest_ms > format.delay_ms_max {
            let seconds = f64::from(format.delay_ms_max) / 1000.0;
            let title = format.title;
            let message =
                format!("{title} shows a frame for {seconds} seconds at most: longer ones are cut");
            self.warn("delay_cut", message);
        }
        self.push_output(Written { format, size, bytes, encode_generations }, None);
        Ok(())
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

//! Animated JPEG XL.

use ::jxl::api::{Event, JxlDecoder};

use super::splice::Splice;
use super::{Reader, boxes, damage, early, inspect, options, write};
use crate::format::{self, Header, Sequence, Track};
use crate::formats::clock::Clock;
use crate::image::{Channels, Frame, Pixels};
use crate::metadata::{Metadata, Orientation, exif};
use crate::output::Output;
use crate::{Error, Image, Limits, Result};

/// The header of a whole file. Where a walk past the frames gets stuck, the decoder looks for them.
pub(super) fn whole_header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let (header, is_counted) = inspect::whole(bytes, limits)?;
    if is_counted {
        return Ok(header);
    }
    let frames = count(bytes, limits)?;
    let sequence = if frames > 1 { Sequence::Frames } else { Sequence::Still };
    Ok(Header { frames, sequence, ..header })
}

fn count(bytes: &[u8], limits: &Limits) -> Result<u32> {
    let mut options = options(limits);
    options.scan_frames_only = true;
    let mut decoder = JxlDecoder::new(options);
    let mut input = bytes;
    let mut frames = 0;
    loop {
        match decoder.process(&mut input, None, None).map_err(damage)? {
            Event::FrameHeader => {
                frames += 1;
                limits.check_frames(frames)?;
            }
            Event::FrameComplete { has_more_frames: false } | Event::Complete => {
                return Ok(frames.max(1));
            }
            Event::NeedMoreInput { .. } => return Err(early()),
            Event::FrameComplete { .. } | Event::BasicInfo => {}
        }
    }
}

/// The frames of a file.
pub(super) fn track<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Track<'a>> {
    let Header { size, frames: count, .. } = whole_header(bytes, limits)?;
    let reader = Reader::open(bytes, limits)?;
    let loop_count = reader.info.animation.as_ref().map_or(1, |animation| animation.num_loops);
    let color = reader.color();
    let mut frames = Frames { reader, ms: 0.0, clock: Clock::default() };
    Ok(Track {
        size,
        count,
        loop_count,
        color,
        metadata: boxes::metadata(bytes),
        frames: format::frames(count, move || frames.frame()),
    })
}

struct Frames<'a> {
    reader: Reader<'a>,
    /// When the last frame ends.
    ms: f64,
    clock: Clock,
}

impl Frames<'_> {
    fn frame(&mut self) -> Result<Frame> {
        let (pixels, ms) = self.reader.frame()?;
        self.ms += ms;
        Ok(Frame { pixels, delay_ms: self.clock.delay_until(self.ms) })
    }
}

/// With more effort the encoder takes pictures apart in ways that differ from one to the next, and
/// with loss it chooses colors for each; an animation has one header.
const EFFORT_MAX: u8 = 8;
const LOSSY_EFFORT_MAX: u8 = 5;
/// Thinner ones are written without loss: the encoder fails on some of them.
const LOSSY_SIDE_MIN: u32 = 16;

pub(super) fn effort_max(output: &Output) -> u8 {
    if output.lossless == Some(true) { EFFORT_MAX } else { LOSSY_EFFORT_MAX }
}

/// A file of frames as they come, each a still picture at first.
pub(super) fn encode_frames(track: Track<'_>, output: &Output) -> Result<Vec<u8>> {
    let Track { size, loop_count, color, metadata, frames, .. } = track;
    let is_thin = size.width.min(size.height) < LOSSY_SIDE_MIN;
    let lossless = Some(output.lossless == Some(true) || is_thin);
    let effort = Some(output.effort.unwrap_or(write::EFFORT).min(effort_max(output)));
    let output = Output { lossless, effort, ..output.clone() };
    let turn = metadata.exif.as_deref().and_then(exif::orientation);
    let mut splice = Splice::new(turn.map(Orientation::from_exif).unwrap_or_default(), loop_count);
    let mut form = None;
    let mut level: Option<Vec<u8>> = None;
    for frame in frames {
        let Frame { pixels, delay_ms } = frame?;
        let image = Image {
            color: color.clone(),
            // The orientation is said once, for all.
            metadata: Metadata::default(),
            ..Image::still(in_form(pixels, &mut form)?)
        };
        let file = write::encode(&image, &output)?;
        let (codestream, own) = boxes::codestream(&file)?;
        splice.add(codestream, delay_ms)?;
        level = own.map(<[u8]>::to_vec);
    }
    boxes::file(splice.finish()?, level.as_deref(), &metadata)
}

/// Pixels in the form of the first ones: all frames are of the same.
fn in_form(pixels: Pixels, form: &mut Option<(Channels, bool)>) -> Result<Pixels> {
    let pixels = pixels.into_packed()?;
    let own = match &pixels {
        Pixels::U8(packed) => (packed.channels(), false),
        Pixels::U16(packed) => (packed.channels(), true),
        Pixels::Ycc(_) => return Err(Error::internal("planes were not unpacked")),
    };
    let (channels, is_wide) = *form.get_or_insert(own);
    let is_gray = |channels| matches!(channels, Channels::Gray | Channels::GrayAlpha);
    let fits = (channels.has_alpha() || !own.0.has_alpha())
        && (is_gray(own.0) || !is_gray(channels))
        && own.1 == is_wide;
    match pixels {
        Pixels::U8(packed) if fits => packed.with_channels(channels).map(Pixels::U8),
        Pixels::U16(packed) if fits => packed.with_channels(channels).map(Pixels::U16),
        _ => Err(Error::internal("the frames of a JPEG XL do not fit the first")),
    }
}

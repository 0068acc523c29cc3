//! Animated PNG (W3C PNG, third edition): whole pictures from frames, and frames from pictures.

use std::borrow::Cow;
use std::io::Cursor;

use png::{BitDepth, BlendOp, ColorType, DecodingError, DisposeOp, Reader, Transformations};

use super::chunks::chunks;
use super::{Settings, color, damage, encoder, failure, metadata};
use crate::format::{self, Track};
use crate::formats::clock::Clock;
use crate::formats::composite::{Canvas, Disposal, Place};
use crate::formats::difference;
use crate::image::{self, Channels, Frame, Packed, Pixels, Size};
use crate::kernels::canvas;
use crate::output::Output;
use crate::stage::Rect;
use crate::{Error, Limits, Result};

/// The frames of a file.
pub(super) fn track<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Track<'a>> {
    let header = format::header(bytes, limits)?;
    let changes = Transformations::EXPAND | Transformations::STRIP_16;
    let mut reader = super::open(bytes, changes, limits)?;
    let info = reader.info();
    let size = Size::new(info.width, info.height);
    let loop_count = info.animation_control.map_or(0, |control| control.num_plays);
    let (color, metadata) = (color::color_space(info, false), metadata(info));
    let count = header.frames;
    // The picture for viewers that know no animation may be none of its frames.
    if info.frame_control.is_none() {
        reader.next_frame_info().map_err(|error| frame_error(error, 1, count))?;
    }
    let len = reader.output_buffer_size().ok_or_else(|| Error::limit("the PNG is too large"))?;
    let has_alpha = header.has_alpha || uncovers(bytes, size);
    let mut frames = Frames {
        reader,
        canvas: Canvas::new(size)?,
        samples: image::zeroed(len as u64)?,
        has_alpha,
        seconds: 0.0,
        clock: Clock::default(),
        number: 0,
        count,
    };
    let frames = format::frames(count, move || frames.frame());
    Ok(Track { size, count, loop_count, color, metadata, frames })
}

/// Whether a frame clears its place, or the first does not cover the canvas: then pixels can be
/// transparent that have no alpha of their own.
fn uncovers(png: &[u8], size: Size) -> bool {
    let mut is_first = true;
    for chunk in chunks(png).filter(|chunk| chunk.name == b"fcTL") {
        let Some(control) = chunk.data.first_chunk::<26>() else { continue };
        let covers = control[4..8] == size.width.to_be_bytes()
            && control[8..12] == size.height.to_be_bytes();
        if control[24] != DisposeOp::None as u8 || (is_first && !covers) {
            return true;
        }
        is_first = false;
    }
    false
}

struct Frames<'a> {
    reader: Reader<Cursor<Cow<'a, [u8]>>>,
    canvas: Canvas,
    /// Of one frame as it is stored.
    samples: Vec<u8>,
    has_alpha: bool,
    /// When the last frame ends.
    seconds: f64,
    clock: Clock,
    /// Of the frame that was read last, counted from 1.
    number: u32,
    count: u32,
}

/// Why a frame cannot be read: what the decoder says of one that is not there, it says of chunks.
/// It is known by its sentence alone: the decoder has no kind of error for it.
fn frame_error(error: DecodingError, number: u32, count: u32) -> Error {
    if error.to_string().starts_with("IDAT or fdAT chunk is missing") {
        let message = format!("the animation ends early: frame {number} of {count} has no pixels");
        return Error::input(message);
    }
    damage(error)
}

impl Frames<'_> {
    fn frame(&mut self) -> Result<Frame> {
        self.number += 1;
        let (number, count) = (self.number, self.count);
        let stored = self
            .reader
            .next_frame(&mut self.samples)
            .map_err(|error| frame_error(error, number, count))?;
        let info = self.reader.info();
        let control = info
            .frame_control
            .ok_or_else(|| Error::input("the PNG has a frame that does not say how it is shown"))?;
        // Interlaced frames are laid out as wide as the canvas.
        let stride = match info.interlaced {
            true => self.reader.output_line_size(info.width).unwrap_or(stored.line_size),
            false => stored.line_size,
        };
        let place = Place::inside(
            self.canvas.size(),
            (control.x_offset, control.y_offset),
            Size::new(stored.width, stored.height),
        );
        let disposal = match control.dispose_op {
            DisposeOp::None => Disposal::Keep,
            DisposeOp::Background => Disposal::Clear,
            // There is nothing before the first frame.
            DisposeOp::Previous if number == 1 => Disposal::Clear,
            DisposeOp::Previous => Disposal::Restore,
        };
        self.canvas.begin(place, disposal);
        for (y, row) in self.samples.chunks(stride).enumerate().take(place.height) {
            let pixels = self.canvas.row(place, y).into_iter().flatten();
            lay(pixels, row, stored.color_type, control.blend_op)?;
        }
        let per_second = if control.delay_den == 0 { 100 } else { control.delay_den };
        self.seconds += f64::from(control.delay_num) / f64::from(per_second);
        let delay_ms = self.clock.delay_until(self.seconds * 1000.0);
        let pixels = Pixels::U8(self.canvas.copy(self.has_alpha)?);
        Ok(Frame { pixels: color::shown(pixels, self.reader.info())?, delay_ms })
    }
}

/// Lays a row of samples over pixels, or puts it in their place.
fn lay<'p>(
    pixels: impl Iterator<Item = &'p mut [u8; 4]>,
    row: &[u8],
    color: ColorType,
    blend: BlendOp,
) -> Result<()> {
    let samples = match color {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => {
            return Err(Error::internal("the PNG decoder did not expand a palette"));
        }
    };
    for (pixel, sample) in pixels.zip(row.chunks_exact(samples)) {
        let source = match *sample {
            [gray] => [gray, gray, gray, 255],
            [gray, alpha] => [gray, gray, gray, alpha],
            [r, g, b] => [r, g, b, 255],
            [r, g, b, alpha, ..] => [r, g, b, alpha],
            [] => continue,
        };
        *pixel = match blend {
            BlendOp::Source => source,
            BlendOp::Over => over(source, *pixel),
        };
    }
    Ok(())
}

/// One straight color over another.
fn over(source: [u8; 4], under: [u8; 4]) -> [u8; 4] {
    match (source[3], under[3]) {
        (255, _) | (_, 0) => source,
        (0, _) => under,
        (alpha, beneath) => {
            let front = u32::from(alpha) * 255;
            let back = (255 - u32::from(alpha)) * u32::from(beneath);
            let whole = front + back;
            let mix = |c: usize| {
                let sum = u32::from(source[c]) * front + u32::from(under[c]) * back;
                ((sum + whole / 2) / whole) as u8
            };
            [mix(0), mix(1), mix(2), ((whole + 127) / 255) as u8]
        }
    }
}

/// Which settings suit an animation: what repeats from frame to frame is worth to be found.
fn settings(effort: Option<u8>) -> Settings {
    match effort {
        Some(0..=2) => super::FAST,
        None | Some(3..=7) => super::SMALL,
        Some(8..) => super::SMALLEST,
    }
}

/// Nanoseconds a pixel, with these settings.
pub(super) fn encode_ns(effort: Option<u8>) -> f32 {
    match effort {
        Some(0..=2) => super::FAST_NS,
        None | Some(3..=7) => super::SMALL_NS,
        Some(8..) => super::SMALLEST_NS,
    }
}

/// A file of frames of which each holds only what changes.
pub(super) fn encode_frames(track: Track<'_>, output: &Output) -> Result<Vec<u8>> {
    let Track { size, count, loop_count, color, metadata, frames } = track;
    let mut info = png::Info::with_size(size.width, size.height);
    (info.color_type, info.bit_depth) = (ColorType::Rgba, BitDepth::Eight);
    let mut png = Vec::new();
    let settings = settings(output.effort);
    let mut encoder = encoder(&mut png, info, (&color, &metadata), settings).map_err(failure)?;
    encoder.set_animated(count, loop_count).map_err(failure)?;
    let mut writer = encoder.write_header().map_err(failure)?;
    let mut before: Option<Packed<u8>> = None;
    for frame in frames {
        let Frame { pixels, delay_ms } = frame?;
        let wanted = rgba(pixels)?;
        if wanted.size() != size {
            return Err(Error::internal("a frame has another size than its PNG"));
        }
        let part = part(before.as_ref(), &wanted);
        let (parts, per_second) = delay(delay_ms);
        let Rect { x, y, size: Size { width, height } } = part.place;
        writer.set_frame_position(0, 0).map_err(failure)?;
        writer.set_frame_dimension(width, height).map_err(failure)?;
        writer.set_frame_position(x, y).map_err(failure)?;
        writer.set_frame_delay(parts, per_second).map_err(failure)?;
        writer.set_blend_op(part.blend).map_err(failure)?;
        writer.write_image_data(part.pixels.as_flattened()).map_err(failure)?;
        before = Some(wanted);
    }
    writer.finish().map_err(failure)?;
    Ok(png)
}

/// What of a picture goes into its frame.
struct Part {
    place: Rect,
    blend: BlendOp,
    pixels: Vec<[u8; 4]>,
}

fn part(before: Option<&Packed<u8>>, wanted: &Packed<u8>) -> Part {
    let size = wanted.size();
    let whole = Rect { x: 0, y: 0, size };
    let after = wanted.samples().as_chunks::<4>().0;
    let Some(before) = before.map(|before| before.samples().as_chunks::<4>().0) else {
        return Part { place: whole, blend: BlendOp::Source, pixels: after.to_vec() };
    };
    // A frame has one pixel at least.
    let place = difference::bounds(size, before, after, differs)
        .unwrap_or(Rect { size: Size::new(1, 1), ..whole });
    let pairs = || difference::pairs(size, place, before, after);
    let unchanged = pairs().filter(|(before, after)| !differs(before, after)).count();
    let covers = pairs().all(|(before, after)| after[3] == 255 || !differs(before, after));
    // Holes are cheap where there are many, and break up pictures where there are few.
    if covers && 2 * unchanged as u64 >= place.size.area() {
        let hole = |(before, after): (&[u8; 4], &[u8; 4])| match differs(before, after) {
            true => *after,
            false => [0; 4],
        };
        return Part { place, blend: BlendOp::Over, pixels: pairs().map(hole).collect() };
    }
    let pixels = pairs().map(|(_, after)| *after).collect();
    Part { place, blend: BlendOp::Source, pixels }
}

/// Colors that are not seen do not count.
fn differs(before: &[u8; 4], after: &[u8; 4]) -> bool {
    before != after && (before[3] != 0 || after[3] != 0)
}

/// A delay as a fraction of a second.
fn delay(delay_ms: u32) -> (u16, u16) {
    for per_second in [1000u16, 100, 10] {
        let parts = delay_ms / (1000 / u32::from(per_second));
        if let Ok(parts) = u16::try_from(parts) {
            return (parts, per_second);
        }
    }
    (u16::try_from(delay_ms / 1000).unwrap_or(u16::MAX), 1)
}

fn rgba(pixels: Pixels) -> Result<Packed<u8>> {
    match pixels.into_packed()? {
        Pixels::U8(packed) => packed,
        Pixels::U16(packed) => canvas::narrow(&packed)?,
        Pixels::Ycc(_) => return Err(Error::internal("planes were not unpacked")),
    }
    .with_channels(Channels::Rgba)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_over_another_mixes_as_seen() {
        assert_eq!(over([1, 2, 3, 255], [9, 9, 9, 9]), [1, 2, 3, 255]);
        assert_eq!(over([1, 2, 3, 0], [9, 8, 7, 6]), [9, 8, 7, 6]);
        assert_eq!(over([200, 0, 100, 128], [0, 200, 100, 255]), [100, 100, 100, 255]);
        assert_eq!(over([200, 0, 0, 128], [0, 0, 0, 0]), [200, 0, 0, 128]);
        let [r, _, _, alpha] = over([255, 0, 0, 128], [0, 0, 0, 128]);
        assert_eq!((r, alpha), (170, 192));
    }

    #[test]
    fn delays_fit_their_fractions() {
        assert_eq!(delay(0), (0, 1000));
        assert_eq!(delay(65_535), (65_535, 1000));
        assert_eq!(delay(70_000), (7000, 100));
        assert_eq!(delay(6_553_500), (65_535, 10));
        assert_eq!(delay(u32::MAX), (65_535, 1));
    }
}

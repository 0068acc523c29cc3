//! Animated WebP.

use native::webp::Features;
use native::webp::animation::{AnimationDecoder, AnimationEncoder};

use super::container::Extras;
use super::{container, failure, metadata, mode};
use crate::format::{self, Header, Track};
use crate::formats::{native_error, profile};
use crate::image::{self, Channels, ColorSpace, Frame, Packed, Pixels, Size};
use crate::kernels::canvas;
use crate::output::Output;
use crate::{Error, Limits, Result};

/// The frames of a file.
pub(super) fn track<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Track<'a>> {
    let header = format::header(bytes, limits)?;
    let reader = AnimationDecoder::new(bytes).map_err(damage)?;
    let (width, height) = reader.size();
    let (count, loop_count) = (reader.frame_count(), reader.loop_count());
    if (Size::new(width, height), count) != (header.size, header.frames) {
        return Err(Error::input("the WebP contradicts itself on its size or its frames"));
    }
    let icc = container::find(bytes, b"ICCP").map(<[u8]>::to_vec);
    let mut frames = Frames { reader, header: header.clone() };
    Ok(Track {
        size: header.size,
        count,
        loop_count,
        color: profile::color_space(icc, false),
        metadata: metadata(bytes),
        frames: format::frames(count, move || frames.frame()),
    })
}

struct Frames<'a> {
    reader: AnimationDecoder<'a>,
    header: Header,
}

impl Frames<'_> {
    fn frame(&mut self) -> Result<Frame> {
        let size = self.header.size;
        let frame = self.reader.next_frame().map_err(damage)?;
        let (rgba, delay_ms) = frame.ok_or_else(|| Error::input("the WebP ends early"))?;
        let packed = if self.header.has_alpha {
            let mut samples = image::zeroed(size.area() * 4)?;
            samples.copy_from_slice(rgba);
            Packed::new(size, Channels::Rgba, samples)
        } else {
            let mut samples: Vec<u8> = image::zeroed(size.area() * 3)?;
            let pixels = samples.as_chunks_mut::<3>().0.iter_mut();
            for (rgb, rgba) in pixels.zip(rgba.as_chunks::<4>().0) {
                rgb.copy_from_slice(&rgba[..3]);
            }
            Packed::new(size, Channels::Rgb, samples)
        };
        Ok(Frame { pixels: Pixels::U8(packed), delay_ms })
    }
}

fn damage(error: native::Error) -> Error {
    native_error("the WebP cannot be decoded", error)
}

/// A file of frames as they come. Frames that are the same become one that is shown longer.
pub(super) fn encode_frames(track: Track<'_>, output: &Output) -> Result<Vec<u8>> {
    let Size { width, height } = track.size;
    let plays = u16::try_from(track.loop_count).unwrap_or(u16::MAX);
    let mode = mode(output);
    let mut encoder = AnimationEncoder::new(width, height, plays, mode).map_err(failure)?;
    let mut argb: Vec<u32> = image::zeroed(track.size.area())?;
    for frame in track.frames {
        let Frame { pixels, delay_ms } = frame?;
        let packed = match pixels.into_packed()? {
            Pixels::U8(packed) => packed,
            Pixels::U16(packed) => canvas::narrow(&packed)?,
            Pixels::Ycc(_) => return Err(Error::internal("planes were not unpacked")),
        };
        argb.clear();
        argb.extend(super::argb(&packed));
        encoder.add(&mut argb, delay_ms).map_err(failure)?;
    }
    let webp = encoder.finish().map_err(failure)?;
    let icc = match &track.color {
        ColorSpace::Srgb => None,
        ColorSpace::Icc(icc) => Some(&**icc),
    };
    let extras =
        Extras { icc, exif: track.metadata.exif.as_deref(), xmp: track.metadata.xmp.as_deref() };
    if extras.icc.or(extras.exif).or(extras.xmp).is_none() {
        return Ok(webp);
    }
    let Features { has_alpha, .. } = native::webp::features(&webp).map_err(failure)?;
    Ok(container::with_extras(&webp, track.size, has_alpha, &extras))
}

/// The first frame of a file.
pub(super) fn first_frame(bytes: &[u8], limits: &Limits) -> Result<image::Image> {
    let Track { loop_count, color, metadata, mut frames, .. } = track(bytes, limits)?;
    let first = frames.next().ok_or_else(|| Error::input("the WebP has no frame"))??;
    let frames = vec![Frame { delay_ms: 0, ..first }];
    Ok(image::Image { frames, loop_count, color, metadata })
}

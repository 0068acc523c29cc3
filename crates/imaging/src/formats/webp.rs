//! WebP.

use std::borrow::Cow;

use native::webp::{self as codec, Mode};

use super::{native_error, profile};
use crate::format::{DecodeRequest, Decoded, DpiPlace, Format};
use crate::image::{Channels, ColorSpace, Frame, Packed, Pixels};
use crate::kernels;
use crate::kernels::narrow::narrow;
use crate::metadata::{Metadata, exif};
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

mod animation;
mod container;
mod inspect;
mod planes;

use container::Extras;

/// WebP.
pub static WEBP: Format = Format {
    name: "webp",
    aliases: &[],
    title: "WebP",
    mime_type: "image/webp",
    sniff: |start| start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP"),
    inspect: |limits| Box::new(inspect::Walk::start(limits)),
    decode: Some(decode),
    decode_frames: Some(animation::track),
    encode: Some(encode),
    encode_frames: Some(animation::encode_frames),
    // The encoder cuts delays to this.
    delay_ms_max: codec::animation::DELAY_MAX - 1,
    alpha: true,
    encodes_planes: true,
    is_lossy: |output| output.lossless != Some(true),
    rewrite: Some(container::rewrite),
    dpi: DpiPlace::Exif,
    bit_depths: &[8],
    side_max: codec::SIDE_MAX,
    decode_ns: 5.5,
    decode_bytes: 3,
    encode_ns,
    encode_memory: |output, size| {
        let bytes = if output.lossless == Some(true) { 27 } else { 2 };
        bytes * size.area()
    },
    ..Format::PLAIN
};

/// Quality when none is asked for.
const QUALITY: u8 = 80;
/// Method of a lossy encode when no effort is asked for: the knee of size against time.
const METHOD: u8 = 2;
/// Level of a lossless encode when no effort is asked for.
const LEVEL: u8 = 1;

fn decode(bytes: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let damage = |error| native_error("the WebP cannot be decoded", error);
    let features = codec::features(bytes).map_err(damage)?;
    let size = Size::new(features.width, features.height);
    limits.check_size(size)?;
    if features.has_animation {
        return animation::first_frame(bytes, limits).map(Decoded::full);
    }
    let (_, samples) = codec::decode(bytes, features.has_alpha).map_err(damage)?;
    let channels = if features.has_alpha { Channels::Rgba } else { Channels::Rgb };
    let pixels =
        super::channels::without_full_alpha(Pixels::U8(Packed::new(size, channels, samples)));
    let icc = container::find(bytes, b"ICCP").map(<[u8]>::to_vec);
    let image = Image {
        color: profile::color_space(icc, false),
        metadata: metadata(bytes),
        ..Image::still(pixels)
    };
    Ok(Decoded::full(image))
}

fn metadata(bytes: &[u8]) -> Metadata {
    let exif = container::find(bytes, b"EXIF");
    let exif = exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
    Metadata {
        exif: exif.map(<[u8]>::to_vec),
        xmp: container::find(bytes, b"XMP ").map(<[u8]>::to_vec),
        dpi: exif.and_then(exif::dpi),
        ..Metadata::default()
    }
}

fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("a still WebP holds one frame"));
    };
    let pixels = narrowed(pixels);
    let webp = match (output.lossless.unwrap_or(false), &*pixels) {
        (false, _) => encode_lossy(&pixels, output),
        (true, Pixels::U8(packed)) => encode_lossless(packed, output),
        (true, Pixels::Ycc(planar)) => {
            encode_lossless(&kernels::planes::to_rgb(planar.clone())?, output)
        }
        (true, Pixels::U16(_)) => Err(Error::internal("WebP samples have 8 bits")),
    }?;
    let icc = match &image.color {
        ColorSpace::Srgb => None,
        ColorSpace::Icc(icc) => Some(&**icc),
    };
    let extras =
        Extras { icc, exif: image.metadata.exif.as_deref(), xmp: image.metadata.xmp.as_deref() };
    if extras.icc.or(extras.exif).or(extras.xmp).is_none() {
        return Ok(webp);
    }
    let has_alpha = codec::features(&webp).map_err(failure)?.has_alpha;
    Ok(container::with_extras(&webp, pixels.size(), has_alpha, &extras))
}

fn narrowed(pixels: &Pixels) -> Cow<'_, Pixels> {
    match pixels {
        Pixels::U8(_) | Pixels::Ycc(_) => Cow::Borrowed(pixels),
        Pixels::U16(packed) => {
            let samples = narrow(packed.samples());
            Cow::Owned(Pixels::U8(Packed::new(packed.size(), packed.channels(), samples)))
        }
    }
}

fn encode_lossy(pixels: &Pixels, output: &Output) -> Result<Vec<u8>> {
    let planes = match pixels {
        Pixels::Ycc(planar) => planes::from_planar(planar),
        Pixels::U8(packed) => {
            let (size, samples) = (packed.size(), packed.samples());
            match packed.channels() {
                Channels::Gray => planes::from_gray(size, samples, false),
                Channels::GrayAlpha => planes::from_gray(size, samples, true),
                Channels::Rgb => planes::from_rgb(size, samples),
                Channels::Rgba => planes::from_rgba(size, samples),
            }
        }
        Pixels::U16(_) => return Err(Error::internal("WebP samples have 8 bits")),
    };
    let (quality, method) = lossy(output);
    codec::encode_planes(planes, quality, method).map_err(failure)
}

fn encode_lossless(packed: &Packed<u8>, output: &Output) -> Result<Vec<u8>> {
    let Size { width, height } = packed.size();
    let mode = Mode::Lossless { level: level(output) };
    codec::encode_argb(width, height, argb(packed).collect(), mode).map_err(failure)
}

/// Words of alpha, red, green and blue from the highest byte down.
fn argb(packed: &Packed<u8>) -> impl Iterator<Item = u32> {
    packed.samples().chunks_exact(packed.channels().count()).map(|pixel| match *pixel {
        [gray] => u32::from_be_bytes([255, gray, gray, gray]),
        [gray, alpha] => u32::from_be_bytes([alpha, gray, gray, gray]),
        [r, g, b] => u32::from_be_bytes([255, r, g, b]),
        [r, g, b, alpha, ..] => u32::from_be_bytes([alpha, r, g, b]),
        [] => 0,
    })
}

/// Quality and method of a lossy encode.
fn lossy(output: &Output) -> (f32, u8) {
    let quality = output.quality.unwrap_or(QUALITY);
    (quality.into(), output.effort.map_or(METHOD, |effort| scaled(effort, 6)))
}

/// Level of a lossless encode.
fn level(output: &Output) -> u8 {
    output.effort.map_or(LEVEL, |effort| scaled(effort, 9))
}

fn mode(output: &Output) -> Mode {
    if output.lossless == Some(true) {
        return Mode::Lossless { level: level(output) };
    }
    let (quality, method) = lossy(output);
    Mode::Lossy { quality, method }
}

/// As measured on a photograph.
fn encode_ns(output: &Output, _: bool) -> f32 {
    const LOSSLESS: [f32; 10] =
        [75.0, 290.0, 290.0, 320.0, 350.0, 700.0, 1000.0, 1600.0, 6000.0, 17_300.0];
    match (output.lossless == Some(true), lossy(output).1) {
        (true, _) => LOSSLESS[usize::from(level(output))],
        (false, 0..=2) => 55.0,
        (false, 3..=5) => 130.0,
        (false, _) => 180.0,
    }
}

/// An effort of 0 to 10 on another scale that starts at 0.
fn scaled(effort: u8, max: u8) -> u8 {
    (u16::from(effort.min(10)) * u16::from(max)).div_ceil(10) as u8
}

fn failure(error: native::Error) -> Error {
    native_error("the WebP cannot be written", error)
}

//! The data of a JPEG as another container takes them, which names size, colors and profile itself.

use native::turbojpeg::{self, Color};

use super::segments::Segments;
use super::{MEMORY_MB, damage, inspect, rewrite};
use crate::metadata::Metadata;
use crate::{Limits, Result, Size};

/// A JPEG that needs no container of its own.
pub(in crate::formats) struct Embedded {
    /// The image data with the metadata that were asked for, without profile and what follows the
    /// picture.
    pub(in crate::formats) bytes: Vec<u8>,
    /// As stored.
    pub(in crate::formats) size: Size,
    /// Samples a pixel: 1, 3 or 4.
    pub(in crate::formats) channels: u8,
    /// Inks are stored the other way round.
    pub(in crate::formats) is_inverted: bool,
    pub(in crate::formats) icc: Option<Vec<u8>>,
    pub(in crate::formats) dpi: Option<(f64, f64)>,
}

/// The data of a whole, sound JPEG whose colors every reader takes for the same; `None` for any
/// other. `policy` chooses the metadata.
pub(in crate::formats) fn embed(
    jpeg: &[u8],
    policy: impl FnOnce(&mut Metadata),
    limits: &Limits,
) -> Result<Option<Embedded>> {
    let Some(end) = end_of_picture(jpeg).filter(|_| inspect::has_end(jpeg)) else {
        return Ok(None);
    };
    let jpeg = &jpeg[..end];
    let native_limits = turbojpeg::Limits {
        scans_max: limits.jpeg_scans_max,
        pixels_max: limits.pixels_max,
        memory_mb: MEMORY_MB,
    };
    let header = turbojpeg::Decoder::open(jpeg, &native_limits).map_err(damage)?.header();
    let segments = Segments::read(jpeg);
    // Where JFIF, Adobe's marker and the names of the components contradict each other, readers
    // differ.
    let (channels, is_clear) = match (header.color, segments.adobe_transform) {
        (Color::Gray, _) => (1, true),
        (Color::YCbCr, transform) => (3, transform != Some(0)),
        (Color::Rgb, transform) => (3, transform == Some(0)),
        (Color::Cmyk, transform) => (4, matches!(transform, None | Some(0))),
        (Color::Ycck, transform) => (4, transform == Some(2)),
    };
    if !is_clear || !is_usual(jpeg) {
        return Ok(None);
    }
    let mut metadata = segments.metadata();
    let dpi = metadata.dpi;
    policy(&mut metadata);
    Ok(Some(Embedded {
        bytes: rewrite::without_profile(jpeg, &metadata)?,
        size: Size::new(header.width, header.height),
        channels,
        is_inverted: channels == 4 && segments.is_adobe,
        icc: segments.icc(),
        dpi,
    }))
}

/// The markers outside of image data with the bytes that follow each.
fn markers(jpeg: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            rest = &rest[memchr::memchr(0xFF, rest)? + 1..];
            match rest {
                // Filling, stuffing, restarts.
                [0xFF, ..] => {}
                [0x00 | 0x01 | 0xD0..=0xD7, after @ ..] => rest = after,
                [code, after @ ..] => {
                    let len = match (code, after) {
                        (0xD9, _) => 0,
                        (_, [high, low, ..]) => usize::from(u16::from_be_bytes([*high, *low])),
                        _ => return None,
                    };
                    rest = after.get(len..)?;
                    return Some((*code, after));
                }
                [] => return None,
            }
        }
    })
}

/// Behind the end of the picture. Phones append other pictures there.
fn end_of_picture(jpeg: &[u8]) -> Option<usize> {
    let (_, after) = markers(jpeg).find(|(code, _)| *code == 0xD9)?;
    Some(jpeg.len() - after.len())
}

/// Whether it is a baseline or progressive JPEG of 8 bits, coded by Huffman: no others are sure to
/// be read.
fn is_usual(jpeg: &[u8]) -> bool {
    let frame = markers(jpeg)
        .find(|(code, _)| matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC));
    matches!(frame, Some((0xC0..=0xC2, [_, _, 8, ..])))
}

//! The data of a JPEG as other containers take them, without an encode.

use std::sync::Arc;

use native::turbojpeg::{self, Color};

use super::segments::Segments;
use super::walk;
use super::{MEMORY_MB, damage, inspect, profile, rewrite};
use crate::image::ColorSpace;
use crate::metadata::{Metadata, Orientation};
use crate::output::Output;
use crate::{Limits, Result, Size};

/// A JPEG that another container can hold as it is.
pub(in crate::formats) struct Embedded<'a> {
    /// Without what follows the picture.
    jpeg: &'a [u8],
    /// Those that are wanted.
    metadata: Metadata,
    icc: Option<Vec<u8>>,
    /// As stored.
    pub(in crate::formats) size: Size,
    /// Samples a pixel: 1, 3 or 4.
    pub(in crate::formats) channels: u8,
    /// Inks are stored the other way round.
    pub(in crate::formats) is_inverted: bool,
    pub(in crate::formats) dpi: Option<(f64, f64)>,
}

impl Embedded<'_> {
    /// The file for a container that holds the color profile itself.
    pub(in crate::formats) fn without_profile(&self) -> Result<Vec<u8>> {
        rewrite::without_profile(self.jpeg, &self.metadata)
    }

    /// The file, in which nothing but this is said of how it lies.
    pub(in crate::formats) fn oriented(&self, orientation: Orientation) -> Result<Vec<u8>> {
        rewrite::rewrite(self.jpeg, &self.metadata.clone().oriented(orientation))
    }

    /// The profile, where it says what the samples would not be taken for without it.
    pub(in crate::formats) fn profile(&self) -> Option<Arc<[u8]>> {
        if self.channels == 4 {
            let is_cmyk = |icc: &&Vec<u8>| icc.get(16..20) == Some(b"CMYK");
            return self.icc.as_ref().filter(is_cmyk).map(|icc| icc.as_slice().into());
        }
        match profile::color_space(self.icc.clone(), self.channels == 1) {
            ColorSpace::Icc(profile) => Some(profile),
            ColorSpace::Srgb => None,
        }
    }
}

/// The data of a whole, sound JPEG with the metadata that are wanted; `None` where its colors may
/// not stay, or where not every reader takes them for the same.
pub(in crate::formats) fn embed<'a>(
    jpeg: &'a [u8],
    output: &Output,
    limits: &Limits,
) -> Result<Option<Embedded<'a>>> {
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
    match output.strip_metadata {
        Some(true) => metadata = Metadata::default(),
        Some(false) => {}
        None => metadata.keep_rights_only(),
    }
    let embedded = Embedded {
        jpeg,
        metadata,
        icc: segments.icc(),
        size: Size::new(header.width, header.height),
        channels,
        is_inverted: channels == 4 && segments.is_adobe,
        dpi,
    };
    let is_srgb = embedded.profile().is_none() && channels < 4;
    Ok((is_srgb || output.keeps_profile()).then_some(embedded))
}

/// Behind the end of the picture. Phones append other pictures there.
fn end_of_picture(jpeg: &[u8]) -> Option<usize> {
    let end = walk::segments(jpeg).find(|segment| segment.code == 0xD9)?;
    Some(end.place.end)
}

/// Whether it is a baseline or progressive JPEG of 8 bits, coded by Huffman: no others are sure to
/// be read.
fn is_usual(jpeg: &[u8]) -> bool {
    let is_frame = |code| matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC);
    let frame = walk::segments(jpeg).find(|segment| is_frame(segment.code));
    frame.is_some_and(|frame| matches!((frame.code, frame.payload), (0xC0..=0xC2, [8, ..])))
}

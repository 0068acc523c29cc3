//! The application segments of a JPEG: JFIF, Exif, XMP, ICC and Adobe, read and written.

use super::walk;
use crate::image::ColorSpace;
use crate::metadata::{Metadata, exif};

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// ICC.1:2010, annex B.4.
pub(super) const ICC: &[u8] = b"ICC_PROFILE\0";
const JFIF: &[u8] = b"JFIF\0";
const ADOBE: &[u8] = b"Adobe";
/// The longest payload of a segment.
const PAYLOAD_MAX: usize = 65_533;
/// No real profile is larger; a chain of 255 segments could be.
const ICC_MAX: usize = 16 << 20;

/// What the segments before the image data say.
#[derive(Default)]
pub(super) struct Segments<'a> {
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
    icc: Vec<(u8, &'a [u8])>,
    jfif_dpi: Option<(f64, f64)>,
    /// Whether Adobe's marker is there, which says that inks are stored inverted.
    pub(super) is_adobe: bool,
    /// How that marker says that the components are coded: 0 as they are, 1 `Y'CbCr`, 2 YCCK.
    pub(super) adobe_transform: Option<u8>,
}

impl<'a> Segments<'a> {
    /// Reads up to the first scan, and no further than the file is sound.
    pub(super) fn read(jpeg: &'a [u8]) -> Self {
        let mut segments = Self::default();
        for segment in walk::segments(jpeg) {
            if matches!(segment.code, 0xD9 | 0xDA) {
                break;
            }
            segments.take(segment.code, segment.payload);
        }
        segments
    }

    fn take(&mut self, code: u8, payload: &'a [u8]) {
        match code {
            0xE0 => self.jfif_dpi = payload.strip_prefix(JFIF).and_then(jfif_dpi).or(self.jfif_dpi),
            0xE1 => {
                self.exif = self.exif.or(payload.strip_prefix(EXIF));
                self.xmp = self.xmp.or(payload.strip_prefix(XMP));
            }
            0xE2 => {
                if let Some([number, _count, part @ ..]) = payload.strip_prefix(ICC) {
                    self.icc.push((*number, part));
                }
            }
            0xEE => {
                if let Some(adobe) = payload.strip_prefix(ADOBE) {
                    self.is_adobe = true;
                    // Version and two words of flags stand before it.
                    self.adobe_transform = adobe.get(6).copied();
                }
            }
            _ => {}
        }
    }

    /// The profile, put together from its parts in the order of their numbers.
    pub(super) fn icc(&self) -> Option<Vec<u8>> {
        let mut parts = self.icc.clone();
        parts.sort_by_key(|(number, _)| *number);
        let in_order = parts.iter().zip(1..).all(|((number, _), index)| *number == index);
        let len: usize = parts.iter().map(|(_, part)| part.len()).sum();
        let is_whole = in_order && (1..=ICC_MAX).contains(&len);
        is_whole.then(|| parts.iter().flat_map(|(_, part)| part.iter().copied()).collect())
    }

    /// What the segments say beside the pixels.
    pub(super) fn metadata(&self) -> Metadata {
        Metadata {
            exif: self.exif.map(<[u8]>::to_vec),
            xmp: self.xmp.map(<[u8]>::to_vec),
            dpi: self.jfif_dpi.or_else(|| self.exif.and_then(exif::dpi)),
            ..Metadata::default()
        }
    }
}

fn jfif_dpi(jfif: &[u8]) -> Option<(f64, f64)> {
    let &[_, _, unit, x1, x0, y1, y0, ..] = jfif else {
        return None;
    };
    let inches = match unit {
        1 => 1.0,
        2 => 2.54,
        _ => return None,
    };
    let (x, y) = (u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]));
    (x > 0 && y > 0).then(|| (f64::from(x) * inches, f64::from(y) * inches))
}

/// The file with metadata and profile after its JFIF segment. What does not fit into a segment is
/// left out, but for the rights, which always do.
pub(super) fn with_segments(jpeg: &[u8], metadata: &Metadata, color: &ColorSpace) -> Vec<u8> {
    let mut segments = Vec::new();
    if let Some(exif) = &metadata.exif {
        if EXIF.len() + exif.len() <= PAYLOAD_MAX {
            push(&mut segments, 0xE1, &[EXIF, exif]);
        } else if let Some(rights) = exif::rights(exif) {
            push(&mut segments, 0xE1, &[EXIF, &rights]);
        }
    }
    if let Some(xmp) = metadata.xmp.as_ref().filter(|xmp| XMP.len() + xmp.len() <= PAYLOAD_MAX) {
        push(&mut segments, 0xE1, &[XMP, xmp]);
    }
    if let ColorSpace::Icc(icc) = color {
        let parts = icc.chunks(PAYLOAD_MAX - ICC.len() - 2);
        let count = parts.len() as u8;
        for (number, part) in (1..=u8::MAX).zip(parts) {
            push(&mut segments, 0xE2, &[ICC, &[number, count], part]);
        }
    }
    if segments.is_empty() {
        return jpeg.to_vec();
    }
    let (start, rest) = jpeg.split_at(end_of_jfif(jpeg));
    [start, &segments, rest].concat()
}

fn push(segments: &mut Vec<u8>, code: u8, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    segments.extend([0xFF, code]);
    segments.extend(((len + 2) as u16).to_be_bytes());
    segments.extend(parts.iter().flat_map(|part| part.iter().copied()));
}

fn end_of_jfif(jpeg: &[u8]) -> usize {
    match walk::segment_at(jpeg, 2) {
        Some(segment) if segment.code == 0xE0 => segment.place.end,
        _ => 2.min(jpeg.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_back_as_written() {
        let metadata = Metadata {
            exif: Some(exif::write(&[(0x013B, b"Ann Other")])),
            xmp: Some(b"<x:xmpmeta/>".to_vec()),
            dpi: None,
            ..Metadata::default()
        };
        let icc: Vec<u8> = (0..150_000u32).map(|i| (i % 251) as u8).collect();
        let jpeg =
            with_segments(b"\xFF\xD8\xFF\xDA", &metadata, &ColorSpace::Icc(icc.clone().into()));
        let segments = Segments::read(&jpeg);
        assert_eq!(segments.metadata(), metadata);
        assert_eq!(segments.icc(), Some(icc));
        assert!(jpeg.ends_with(b"\xFF\xDA"));
    }

    #[test]
    fn a_profile_with_a_missing_part_is_none() {
        let mut jpeg = b"\xFF\xD8".to_vec();
        push(&mut jpeg, 0xE2, &[ICC, &[2, 2], b"second half"]);
        assert_eq!(Segments::read(&jpeg).icc(), None);
    }

    #[test]
    fn too_much_exif_leaves_the_rights() {
        let mut exif = exif::write(&[(0x013B, b"Ann Other"), (0x8298, b"hers")]);
        let rights = exif::rights(&exif);
        exif.resize(100_000, 0);
        let metadata = Metadata { exif: Some(exif), ..Metadata::default() };
        let jpeg = with_segments(b"\xFF\xD8\xFF\xDA", &metadata, &ColorSpace::Srgb);
        assert_eq!(Segments::read(&jpeg).metadata().exif, rights);
    }

    #[test]
    fn density_is_in_inches() {
        assert_eq!(jfif_dpi(&[1, 2, 1, 0, 72, 0, 96, 0, 0]), Some((72.0, 96.0)));
        assert_eq!(jfif_dpi(&[1, 2, 2, 0, 100, 0, 100, 0, 0]), Some((254.0, 254.0)));
        assert_eq!(jfif_dpi(&[1, 2, 0, 0, 1, 0, 1, 0, 0]), None);
        assert_eq!(jfif_dpi(&[1]), None);
    }
}

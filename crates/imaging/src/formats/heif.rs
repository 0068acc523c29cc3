//! The container of AVIF and HEIC (HEIF, ISO/IEC 23008-12, on the boxes of ISO/IEC 14496-12): a
//! `meta` box with items, their properties and how they belong together, and the coded data.

mod boxes;
mod coded;
mod hevc;
mod inspect;
mod meta;
mod picture;
mod properties;
mod samples;
mod write;

pub(super) use boxes::{Fields, boxes, head};
pub(super) use coded::decode;
pub(super) use inspect::start;
pub(super) use write::{Item, Parts, file};

/// Bytes a pixel that a decoder holds beside the picture, as measured: the planes of the codec,
/// before and after its filters.
pub(super) const DECODE_BYTES: u64 = 11;

/// Whether a file that starts like this says that it is of one of these brands, itself or as one of
/// the first brands that it is compatible with.
pub(super) fn has_brand(start: &[u8], brands: &[&[u8; 4]]) -> bool {
    let Some((head, rest)) = start.split_first_chunk::<8>() else { return false };
    let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if head[4..] != *b"ftyp" {
        return false;
    }
    let (all, _) = rest[..rest.len().min(len.saturating_sub(8))].as_chunks::<4>();
    // The second word is a version.
    let said = all.iter().enumerate().filter(|(index, _)| *index != 1);
    said.map(|(_, brand)| brand).any(|brand| brands.contains(&brand))
}

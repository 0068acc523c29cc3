//! The boxes around a codestream (ISO/IEC 18181-2): metadata, in plain or compressed with Brotli.

use std::borrow::Cow;
use std::io::Read;

use super::CONTAINER;
use crate::formats::heif;
use crate::metadata::{Metadata, exif};
use crate::{Error, Result};

/// The box that says what kind of file it is.
const FILE_TYPE: &[u8] = b"\0\0\0\x14ftypjxl \0\0\0\0jxl ";
/// The box that says what a decoder must be able to do.
const LEVEL: &[u8; 4] = b"jxll";
/// What belongs to the picture: its level, codestream, index and gain map.
const PICTURE: [&[u8; 4]; 5] = [LEVEL, b"jxlc", b"jxlp", b"jxli", b"jhgm"];
/// Compressed metadata may become so long; more is a bomb.
const UNPACKED_MAX: u64 = 16 << 20;

/// What is said beside the codestream.
pub(super) fn metadata(file: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    if !file.starts_with(CONTAINER) {
        return metadata;
    }
    for (kind, payload) in heif::boxes(file).map_while(Result::ok) {
        let (kind, payload) = match (&kind, payload.split_first_chunk()) {
            (b"brob", Some((kind, packed))) => (*kind, unpacked(packed)),
            (b"brob", None) => continue,
            _ => (kind, Some(Cow::Borrowed(payload))),
        };
        match (&kind, payload) {
            // The start of the TIFF header, counted from here.
            (b"Exif", Some(payload)) => {
                let start = payload.first_chunk().map(|start| u32::from_be_bytes(*start) as usize);
                let exif = start.and_then(|start| payload.get(start.checked_add(4)?..));
                metadata.exif = exif.map(<[u8]>::to_vec);
            }
            (b"xml ", Some(payload)) => metadata.xmp = Some(payload.into_owned()),
            _ => {}
        }
    }
    metadata.dpi = metadata.exif.as_deref().and_then(exif::dpi);
    metadata
}

fn unpacked(packed: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut bytes = Vec::new();
    let reader = brotli_decompressor::Decompressor::new(packed, 4096);
    reader.take(UNPACKED_MAX + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= UNPACKED_MAX).then_some(Cow::Owned(bytes))
}

/// The same picture with this metadata instead of its own. What a JPEG could be had back from goes:
/// it holds the metadata of that JPEG.
pub(super) fn rewrite(file: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    let is_bare = metadata.exif.is_none() && metadata.xmp.is_none();
    let is_naked = !file.starts_with(CONTAINER);
    if is_naked && is_bare {
        return Ok(file.to_vec());
    }
    let parts =
        if is_naked { Vec::new() } else { heif::boxes(file).collect::<Result<Vec<_>>>()? };
    let parts = parts.into_iter().filter(|(kind, _)| PICTURE.contains(&kind));
    // The level has its place before all others.
    let (levels, picture): (Vec<_>, Vec<_>) = parts.partition(|(kind, _)| kind == LEVEL);
    let mut out = [CONTAINER, FILE_TYPE].concat();
    for (kind, payload) in levels {
        push(&mut out, kind, payload);
    }
    if let Some(exif) = &metadata.exif {
        push(&mut out, *b"Exif", &[&[0; 4], &exif[..]].concat());
    }
    if let Some(xmp) = &metadata.xmp {
        push(&mut out, *b"xml ", xmp);
    }
    if is_naked {
        push(&mut out, *b"jxlc", file);
    }
    for (kind, payload) in picture {
        push(&mut out, kind, payload);
    }
    Ok(out)
}

/// The codestream that a file of one piece holds, and its level where that is said.
pub(super) fn codestream(file: &[u8]) -> Result<(&[u8], Option<&[u8]>)> {
    if !file.starts_with(CONTAINER) {
        return Ok((file, None));
    }
    let (mut codestream, mut level) = (None, None);
    for part in heif::boxes(file) {
        match part? {
            (kind, payload) if &kind == b"jxlc" => codestream = Some(payload),
            (kind, payload) if &kind == LEVEL => level = Some(payload),
            _ => {}
        }
    }
    let missing = || Error::internal("the JPEG XL has no codestream in one piece");
    Ok((codestream.ok_or_else(missing)?, level))
}

/// A file of a codestream.
pub(super) fn file(
    codestream: Vec<u8>,
    level: Option<&[u8]>,
    metadata: &Metadata,
) -> Result<Vec<u8>> {
    let Some(level) = level else { return rewrite(&codestream, metadata) };
    let mut file = [CONTAINER, FILE_TYPE].concat();
    push(&mut file, *b"jxll", level);
    push(&mut file, *b"jxlc", &codestream);
    rewrite(&file, metadata)
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], payload: &[u8]) {
    match u32::try_from(payload.len() + 8) {
        Ok(len) => {
            out.extend(len.to_be_bytes());
            out.extend(kind);
        }
        Err(_) => {
            out.extend(1u32.to_be_bytes());
            out.extend(kind);
            out.extend((payload.len() as u64 + 16).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(parts: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = [CONTAINER, FILE_TYPE].concat();
        for (kind, payload) in parts {
            push(&mut file, **kind, payload);
        }
        file
    }

    #[test]
    fn all_but_the_picture_is_replaced() {
        let before = file(&[
            (b"jbrd", b"a jpeg"),
            (b"Exif", b"\0\0\0\0secret"),
            (b"jxlp", b"\0\0\0\0one"),
            (b"brob", b"xml packed"),
            (b"jxlp", b"\x80\0\0\x01two"),
            (b"jumb", b"history"),
        ]);
        let bare = rewrite(&before, &Metadata::default()).unwrap();
        assert_eq!(bare, file(&[(b"jxlp", b"\0\0\0\0one"), (b"jxlp", b"\x80\0\0\x01two")]));
        let rights = Metadata { exif: Some(b"MM\0*".to_vec()), ..Metadata::default() };
        let with = rewrite(&before, &rights).unwrap();
        assert_eq!(metadata(&with).exif, rights.exif);
        assert!(rewrite(&before[..before.len() - 3], &rights).is_err());
    }

    #[test]
    fn a_naked_codestream_is_dressed_for_metadata_alone() {
        let naked = b"\xFF\x0Apixels";
        assert_eq!(rewrite(naked, &Metadata::default()).unwrap(), naked);
        let xmp = Metadata { xmp: Some(b"<x/>".to_vec()), ..Metadata::default() };
        let dressed = rewrite(naked, &xmp).unwrap();
        assert_eq!(dressed, file(&[(b"xml ", b"<x/>"), (b"jxlc", naked)]));
    }

    #[test]
    fn what_is_packed_badly_is_no_metadata() {
        assert_eq!(metadata(&file(&[(b"brob", b"xml \xFF\xFF")])).xmp, None);
        assert_eq!(metadata(&file(&[(b"brob", b"x")])).xmp, None);
    }
}

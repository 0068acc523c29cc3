//! Other metadata around the same compressed image.

use super::chunks::chunks;
use super::{SIGNATURE, ending};
use crate::metadata::Metadata;
use crate::{Error, Result};

/// Chunks that talk about the picture and not about its samples.
const COMMENTS: [&[u8; 4]; 5] = [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"];

/// The file with this metadata instead of its own. Every chunk that says what the samples mean
/// stays. An end mark that is cut is made whole: what is rewritten was decoded before, so that
/// nothing else is missing.
pub(super) fn rewrite(png: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    let damaged = || Error::input("the PNG is damaged between its chunks");
    let mut kept = png.get(..SIGNATURE.len()).ok_or_else(damaged)?.to_vec();
    let cut_at = ending::cut_at(png);
    let mut chunks = chunks(&png[..cut_at.unwrap_or(png.len())]);
    for chunk in chunks.by_ref() {
        let is_resolution = chunk.name == b"pHYs" && metadata.dpi.is_none();
        if !COMMENTS.contains(&chunk.name) && !is_resolution {
            kept.extend_from_slice(&png[chunk.place()]);
        }
        if chunk.name == b"IHDR" {
            push_metadata(&mut kept, metadata);
        }
        if chunk.name == b"IEND" {
            return Ok(kept);
        }
    }
    // Less than a length is no chunk that is cut.
    if chunks.rest().len() >= 4 {
        return Err(damaged());
    }
    if cut_at.is_some() {
        kept.extend_from_slice(ending::END);
    }
    Ok(kept)
}

fn push_metadata(png: &mut Vec<u8>, metadata: &Metadata) {
    if let Some(exif) = &metadata.exif {
        push(png, b"eXIf", &[exif]);
    }
    if let Some(xmp) = &metadata.xmp {
        // Keyword, no compression, no language, no translated keyword (PNG, 3rd edition, 11.3.3.4).
        push(png, b"iTXt", &[super::XMP_KEYWORD.as_bytes(), &[0; 5], xmp]);
    }
}

fn push(png: &mut Vec<u8>, name: &[u8; 4], parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    png.extend((len as u32).to_be_bytes());
    let start = png.len();
    png.extend_from_slice(name);
    png.extend(parts.iter().flat_map(|part| part.iter().copied()));
    let crc = crc32fast::hash(&png[start..]);
    png.extend(crc.to_be_bytes());
}

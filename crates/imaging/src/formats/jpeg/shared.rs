//! A large JPEG, written by several threads: in parts, each a JPEG of its own whose scan becomes a
//! piece of the whole one's. A restart marker (ITU-T T.81, B.2.1) stands behind each row of units,
//! after which nothing is counted from what lies before; so readers too can begin at any row. The
//! parts follow from the size alone: the file is the same however many threads there are.

use std::ops::Range;

use native::turbojpeg::{EncodeOptions, SIDE_MAX};
use rayon::prelude::*;

use super::baseline::SHARED_AREA;
use super::walk::{Segment, segment_at};
use crate::{Error, Result, Size};

/// Rows of units of a part: restart markers are counted up to here.
const PART_ROWS: u32 = 8;

/// Writes an image of this size as `write` does the rows of pixels that it is given, with these
/// options. Those that look at the whole image before it is written leave it in one part.
pub(super) fn encode(
    size: Size,
    options: &EncodeOptions,
    write: impl Fn(Range<u32>, &EncodeOptions) -> Result<Vec<u8>> + Sync,
) -> Result<Vec<u8>> {
    let needs_all = options.optimize || options.progressive;
    let is_impossible = size.width.max(size.height) > SIDE_MAX;
    if needs_all || is_impossible || size.area() < SHARED_AREA {
        return write(0..size.height, options);
    }
    let options = EncodeOptions { restart_rows: Some(1), ..*options };
    let rows = PART_ROWS * 8 * options.subsampling.factors().1;
    let starts = (0..size.height).step_by(rows as usize).collect::<Vec<_>>();
    let part = |start: u32| write(start..(start + rows).min(size.height), &options);
    let parts = starts.into_par_iter().map(part).collect::<Result<Vec<_>>>()?;
    join(&parts, size.height).ok_or_else(|| Error::internal("a part of a JPEG is not one"))
}

/// The head of the first part with the height of all, and the scans of all parts.
fn join(parts: &[Vec<u8>], height: u32) -> Option<Vec<u8>> {
    let mut whole = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    for (number, part) in parts.iter().enumerate() {
        let (frame, scan) = places(part)?;
        if number == 0 {
            whole.extend_from_slice(part.get(..scan)?);
            // Length, precision, and then the height (B.2.2).
            let at = frame + 3;
            whole.get_mut(at..at + 2)?.copy_from_slice(&u16::try_from(height).ok()?.to_be_bytes());
        } else {
            // The last of eight.
            whole.extend([0xFF, 0xD7]);
        }
        whole.extend_from_slice(part.get(scan..)?.strip_suffix(&[0xFF, 0xD9])?);
    }
    whole.extend([0xFF, 0xD9]);
    Some(whole)
}

/// Where the frame header lies behind its marker, and where the data of the scan begin.
fn places(jpeg: &[u8]) -> Option<(usize, usize)> {
    let mut frame = None;
    let mut at = 2;
    loop {
        let Segment { code, place, .. } = segment_at(jpeg, at)?;
        match code {
            0xC0 | 0xC1 => frame = Some(place.start + 2),
            0xDA => return Some((frame?, place.end)),
            _ => {}
        }
        at = place.end;
    }
}

#[cfg(test)]
mod tests;

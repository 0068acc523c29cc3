//! Other metadata around the same frames.

use super::XMP_NAME;
use crate::metadata::Metadata;
use crate::{Error, Result};

const START_LEN: usize = 13;
const COMMENT: u8 = 0xFE;
const APPLICATION: u8 = 0xFF;

/// The file with this metadata instead of its comments and its XMP. A color profile stays.
pub(super) fn rewrite(gif: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    let damaged = || Error::input("the GIF is damaged between its blocks");
    let start = START_LEN + table_len(*gif.get(10).ok_or_else(damaged)?);
    let mut kept = gif.get(..start).ok_or_else(damaged)?.to_vec();
    if let Some(xmp) = &metadata.xmp {
        push_xmp(&mut kept, xmp);
    }
    let mut rest = &gif[start..];
    loop {
        let len = match rest {
            [0x21, label, after @ ..] => {
                let len = 2 + sub_blocks_len(after).ok_or_else(damaged)?;
                let is_xmp = *label == APPLICATION && after.get(1..12) == Some(XMP_NAME);
                if *label == COMMENT || is_xmp {
                    rest = &rest[len..];
                    continue;
                }
                len
            }
            [0x2C, after @ ..] => {
                let data = 9 + table_len(*after.get(8).ok_or_else(damaged)?) + 1;
                let sub_blocks = after.get(data..).and_then(sub_blocks_len);
                1 + data + sub_blocks.ok_or_else(damaged)?
            }
            // The trailer, or the end of a file that has none.
            _ => break,
        };
        kept.extend_from_slice(&rest[..len]);
        rest = &rest[len..];
    }
    kept.push(0x3B);
    Ok(kept)
}

/// The bytes of the table of colors that flags announce.
fn table_len(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The bytes of sub-blocks with the empty one that ends them.
fn sub_blocks_len(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    loop {
        let sub_block = usize::from(*bytes.get(len)?);
        len += 1 + sub_block;
        if sub_block == 0 {
            return Some(len);
        }
    }
}

/// XMP is no sub-blocks but stands as it is (XMP specification, part 3, 1.1.2): readers that take
/// its bytes for lengths land in a slide of falling numbers that leads them to its end.
pub(super) fn push_xmp(gif: &mut Vec<u8>, xmp: &[u8]) {
    gif.extend([0x21, APPLICATION, XMP_NAME.len() as u8]);
    gif.extend_from_slice(XMP_NAME);
    gif.extend_from_slice(xmp);
    gif.push(1);
    gif.extend((0..=255u8).rev());
    gif.push(0);
}

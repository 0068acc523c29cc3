//! Strips and tiles: where they lie, and their bytes without compression.

use std::io::Read;

use weezl::BitOrder;

use super::directory::{Directory, ends_early, slice};
use super::facts::{
    FAX_OPTIONS, FILL_ORDER, Facts, ROWS_PER_STRIP, STRIP_LENGTHS, STRIP_OFFSETS, TILE_HEIGHT,
    TILE_LENGTHS, TILE_OFFSETS, TILE_WIDTH,
};
use super::fax::{self, Group};
use crate::image::Size;
use crate::{Error, Result};

/// How an image is cut into strips or tiles.
pub(super) struct Grid {
    /// The size of a chunk; those at the edges may hang over.
    pub(super) chunk: Size,
    /// Chunks from left to right.
    pub(super) across: u32,
    /// Chunks from top to bottom.
    pub(super) down: u32,
    places: Vec<(u64, u64)>,
}

impl Grid {
    pub(super) fn read(directory: &Directory<'_>, facts: &Facts) -> Result<Self> {
        let Size { width, height } = facts.size;
        let is_tiled = directory.has(TILE_WIDTH) && directory.has(TILE_OFFSETS);
        let side = |tag| directory.number(tag).and_then(|side| u32::try_from(side).ok());
        let (chunk, offsets, lengths) = if is_tiled {
            let chunk = side(TILE_WIDTH).zip(side(TILE_HEIGHT));
            (chunk.unwrap_or((0, 0)), TILE_OFFSETS, TILE_LENGTHS)
        } else {
            let rows = side(ROWS_PER_STRIP).unwrap_or(height).min(height);
            ((width, rows), STRIP_OFFSETS, STRIP_LENGTHS)
        };
        let chunk = Size::new(chunk.0, chunk.1);
        if chunk.area() == 0 {
            return Err(Error::input("the TIFF has strips or tiles without pixels"));
        }
        let (across, down) = (width.div_ceil(chunk.width), height.div_ceil(chunk.height));
        let planes = if facts.is_planar { facts.samples } else { 1 };
        let wanted = u64::from(across) * u64::from(down) * planes as u64;
        let offsets = directory.numbers(offsets).ok_or_else(ends_early)?;
        let lengths = match directory.numbers(lengths) {
            Some(lengths) => lengths,
            // Old writers leave them out; a reader of plain samples does not need them.
            None if facts.compression == 1 => vec![u64::MAX; offsets.len()],
            None => return Err(Error::input("the TIFF does not say how long its strips are")),
        };
        if (offsets.len().min(lengths.len()) as u64) < wanted {
            return Err(Error::input("the TIFF has fewer strips or tiles than it needs"));
        }
        let places = offsets.into_iter().zip(lengths).collect();
        let grid = Self { chunk, across, down, places };
        grid.check_work(facts, wanted)?;
        Ok(grid)
    }

    /// Tiles that hang far over the image would cost time that has nothing to do with its size.
    fn check_work(&self, facts: &Facts, chunks: u64) -> Result<()> {
        let bits = facts.samples as u64 * u64::from(facts.bits);
        let rows = u64::from(self.chunk.height.min(facts.size.height));
        let per_chunk = u64::from(self.chunk.width).saturating_mul(rows).saturating_mul(bits) / 8;
        let image = facts.size.area().saturating_mul(bits) / 8;
        if per_chunk.saturating_mul(chunks) > image.saturating_mul(16).saturating_add(64 << 20) {
            return Err(Error::limit(format!(
                "the TIFF has tiles of {}, far more than its {} needs",
                self.chunk, facts.size
            )));
        }
        Ok(())
    }

    /// The bytes of a chunk as they are stored.
    pub(super) fn stored<'a>(
        &self,
        file: &'a [u8],
        index: usize,
        plain_len: usize,
    ) -> Result<&'a [u8]> {
        let (place, len) = *self.places.get(index).ok_or_else(ends_early)?;
        let len = if len == u64::MAX { plain_len as u64 } else { len };
        slice(file, place, len).ok_or_else(ends_early)
    }
}

/// How chunks are compressed, JPEG aside.
pub(super) struct Codec {
    compression: u16,
    is_reversed: bool,
    fax_options: u64,
}

impl Codec {
    pub(super) fn of(directory: &Directory<'_>, facts: &Facts) -> Self {
        Self {
            compression: facts.compression,
            is_reversed: directory.number(FILL_ORDER) == Some(2),
            fax_options: directory.number(FAX_OPTIONS).unwrap_or(0),
        }
    }

    /// `len` bytes of a chunk that is `width` pixels wide and of which `rows` are wanted.
    pub(super) fn unpack(
        &self,
        stored: &[u8],
        len: usize,
        (width, rows): (usize, usize),
    ) -> Result<Vec<u8>> {
        let reversed: Vec<u8>;
        let stored = if self.is_reversed {
            reversed = stored.iter().map(|byte| byte.reverse_bits()).collect();
            &reversed
        } else {
            stored
        };
        let fax = |group| fax::decode(stored, group, width, rows).ok_or_else(|| damaged("fax"));
        let bytes = match self.compression {
            1 => stored.get(..len).ok_or_else(ends_early)?.to_vec(),
            2 => fax(Group::Lines)?,
            3 => fax(Group::Three { is_two_dimensional: self.fax_options & 1 != 0 })?,
            4 => fax(Group::Four)?,
            5 => lzw(stored, len)?,
            8 | 32_946 => deflate(stored, len)?,
            32_773 => packbits(stored, len)?,
            _ => return Err(Error::internal("a compression was let through")),
        };
        if bytes.len() < len { Err(ends_early()) } else { Ok(bytes) }
    }
}

fn damaged(what: &str) -> Error {
    Error::input(format!("the {what} data of the TIFF are damaged"))
}

fn lzw(stored: &[u8], len: usize) -> Result<Vec<u8>> {
    let mut bytes = crate::image::zeroed::<u8>(len as u64)?;
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let (mut from, mut to) = (0, 0);
    while to < len {
        let step = decoder.decode_bytes(&stored[from..], &mut bytes[to..]);
        from += step.consumed_in;
        to += step.consumed_out;
        step.status.map_err(|_| damaged("LZW"))?;
        if step.consumed_in == 0 && step.consumed_out == 0 {
            return Err(ends_early());
        }
    }
    Ok(bytes)
}

fn deflate(stored: &[u8], len: usize) -> Result<Vec<u8>> {
    let mut bytes = crate::image::zeroed::<u8>(len as u64)?;
    let mut decoder = flate2::read::ZlibDecoder::new(stored);
    decoder.read_exact(&mut bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ends_early(),
        _ => damaged("deflate"),
    })?;
    Ok(bytes)
}

/// Runs and literal stretches, as TIFF and Photoshop files have them.
pub(in crate::formats) fn packbits(stored: &[u8], len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Error::limit("no memory for the TIFF"))?;
    let mut rest = stored;
    while bytes.len() < len {
        let Some((code, after)) = rest.split_first() else { break };
        rest = after;
        let room = len - bytes.len();
        match *code {
            128 => {}
            code @ 0..=127 => {
                let Some((literal, after)) = rest.split_at_checked(usize::from(code) + 1) else {
                    break;
                };
                bytes.extend_from_slice(&literal[..literal.len().min(room)]);
                rest = after;
            }
            code => {
                let Some((value, after)) = rest.split_first() else { break };
                bytes.resize(bytes.len() + (257 - usize::from(code)).min(room), *value);
                rest = after;
            }
        }
    }
    Ok(bytes)
}

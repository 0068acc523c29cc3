//! OpenEXR (Academy Software Foundation, "OpenEXR File Layout"): light as numbers of 16 or 32 bits,
//! in scan lines or tiles. The first part that shows a picture is read, at its finest level.

use std::io::Cursor;

use ::exr::block::chunk::{
    Chunk, CompressedBlock, CompressedScanLineBlock as ScanLine, CompressedTileBlock as Tile,
};
use ::exr::block::reader::ChunksReader;
use ::exr::block::{self, UncompressedBlock};
use ::exr::error::Error as ExrError;
use ::exr::meta::MetaData;
use moxcms::{Chromaticity, ColorPrimaries, ColorProfile, Matrix3d, XyY};

use super::light;
use super::tiff::half;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Packed, Pixels};
use crate::metadata::Orientation;
use crate::{Error, Image, Limits, Result};

mod inspect;
mod parts;

use inspect::Walk;
use parts::{Part, Picture, Sample};

/// OpenEXR.
pub static EXR: Format = Format {
    name: "exr",
    title: "OpenEXR",
    mime_type: "image/x-exr",
    sniff: |start| start.starts_with(&SIGNATURE),
    inspect: |limits| Box::new(inspect::start(limits)),
    decode: Some(decode),
    alpha: true,
    bit_depths: &[8, 16],
    decode_ns: 60.0,
    ..Format::PLAIN
};

const SIGNATURE: [u8; 4] = [0x76, 0x2F, 0x31, 0x01];

/// What the door and the decoder need to know.
struct Facts {
    /// Its place among the parts.
    index: usize,
    part: Part,
    picture: Picture,
}

impl Facts {
    fn header(&self) -> Header {
        Header {
            format: &EXR,
            size: self.part.shown().size,
            orientation: Orientation::Normal,
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: self.picture.alpha.is_some(),
            is_gray: self.picture.is_gray,
            bit_depth: 16,
            is_lossy: self.part.is_lossy(),
            is_guess: false,
        }
    }
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let mut walk = inspect::start(limits);
    walk.take(file)?;
    let facts = Walk::facts(walk.into_steps())?;
    super::guard::guarded("OpenEXR", || pixels(file, &facts))
        .map(|pixels| Decoded::full(Image::still(pixels)))
}

fn pixels(file: &[u8], facts: &Facts) -> Result<Pixels> {
    let Facts { part, picture, .. } = facts;
    let shown = part.shown();
    let channels = picture.channels();
    let mut packed = Packed::<u16>::zeroed(shown.size, channels)?;
    let reader = block::read(Cursor::new(file), false).map_err(damage)?;
    let mut chunks = reader.all_chunks(false).map_err(damage)?;
    let to_srgb = part.primaries.and_then(to_srgb);
    // What is outside of the window of the data is black, and transparent where there is alpha.
    let mut missing = part.data.size.area();
    while missing > 0 {
        let chunk = match chunks.next() {
            Some(chunk) => chunk.map_err(damage)?,
            None => return Err(Error::input("the OpenEXR has gaps in its picture")),
        };
        if chunk.layer_index != facts.index || !is_finest(&chunk.compressed_block) {
            continue;
        }
        if matches!(part.compression, DWAA | DWAB) {
            check_sizes(&chunk, chunks.meta_data(), part)?;
        }
        let block = UncompressedBlock::decompress_chunk(chunk, chunks.meta_data(), false)
            .map_err(damage)?;
        let (left, top) = (block.index.pixel_position.x(), block.index.pixel_position.y());
        let (width, height) = (block.index.pixel_size.x(), block.index.pixel_size.y());
        missing = missing.saturating_sub((width * height) as u64);
        let line_len = width * part.bytes_per_pixel();
        let lines = block.data.chunks_exact(line_len.max(1)).take(height);
        for (y, line) in (top..).zip(lines) {
            let y = i64::from(part.data.y) + y as i64 - i64::from(shown.y);
            let x = i64::from(part.data.x) + left as i64 - i64::from(shown.x);
            let Some(row) = usize::try_from(y).ok().filter(|y| *y < shown.size.height as usize)
            else {
                continue;
            };
            // The part of the line that is in the picture.
            let skipped = usize::try_from(-x).unwrap_or(0).min(width);
            let start = usize::try_from(x).unwrap_or(0).min(shown.size.width as usize);
            let count = (width - skipped).min(shown.size.width as usize - start);
            let stride = packed.stride();
            let at = row * stride + start * channels.count();
            let target = &mut packed.samples_mut()[at..][..count * channels.count()];
            lay(target, &Line { bytes: line, width, part, picture }, skipped, to_srgb.as_ref());
        }
    }
    Ok(super::channels::without_full_alpha(Pixels::U16(packed)))
}

const DWAA: u8 = 8;
const DWAB: u8 = 9;

/// A block of DWA starts with numbers that say how much there is of what. The decoder takes memory
/// for all of it before it has seen any: no more than pixels can need.
fn check_sizes(chunk: &Chunk, meta: &MetaData, part: &Part) -> Result<()> {
    let (CompressedBlock::ScanLine(ScanLine { compressed_pixels_le: bytes, .. })
    | CompressedBlock::Tile(Tile { compressed_pixels_le: bytes, .. })) = &chunk.compressed_block
    else {
        return Ok(());
    };
    let header = &meta.headers[chunk.layer_index];
    let place = header.get_block_data_indices(&chunk.compressed_block).map_err(damage)?;
    let size = header.get_absolute_block_pixel_coordinates(place).map_err(damage)?.size;
    let needed = |width: usize, height: usize| (width * height * part.bytes_per_pixel()) as u64;
    if bytes.len() as u64 == needed(size.x(), size.y()) {
        // Stored as it is.
        return Ok(());
    }
    // Cosine transforms are of whole squares of 8; runs take up to twice of what they stand for.
    let max = needed(size.x().next_multiple_of(8), size.y().next_multiple_of(8)) * 2;
    let numbers = bytes.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number));
    // Version and lengths in the file stand between what the sections come to.
    let is_size = |index: usize| matches!(index, 1 | 6..=9);
    if numbers.enumerate().take(10).any(|(index, number)| is_size(index) && number > max) {
        return Err(Error::input("the OpenEXR has a block that says it is larger than its pixels"));
    }
    Ok(())
}

/// Whether a chunk is of the whole picture and not of one of its smaller copies.
fn is_finest(block: &CompressedBlock) -> bool {
    match block {
        CompressedBlock::Tile(tile) => {
            (tile.coordinates.level_index.x(), tile.coordinates.level_index.y()) == (0, 0)
        }
        _ => true,
    }
}

/// A line of a block: all samples of the first channel, then all of the next.
struct Line<'a> {
    bytes: &'a [u8],
    width: usize,
    part: &'a Part,
    picture: &'a Picture,
}

impl Line<'_> {
    fn sample(&self, channel: usize, x: usize) -> f32 {
        let channel = &self.part.channels[channel];
        let at = channel.before * self.width + x * channel.sample.len();
        let bytes = &self.bytes[at..][..channel.sample.len()];
        match (channel.sample, bytes) {
            (Sample::Half, &[a, b]) => half(u16::from_ne_bytes([a, b])),
            (Sample::Float, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
            (Sample::Uint, &[a, b, c, d]) => u32::from_ne_bytes([a, b, c, d]) as f32,
            _ => 0.0,
        }
    }
}

/// Lays a line from `skipped` on over samples of sRGB.
fn lay(target: &mut [u16], line: &Line<'_>, skipped: usize, to_srgb: Option<&Matrix3d>) {
    let picture = line.picture;
    let count = picture.channels().count();
    let colors = if picture.is_gray { 1 } else { 3 };
    for (x, pixel) in (skipped..).zip(target.chunks_exact_mut(count)) {
        let alpha = picture.alpha.map_or(1.0, |channel| line.sample(channel, x).clamp(0.0, 1.0));
        // Colors are multiplied with alpha. A channel that is not there is black.
        let mut color = [0.0; 3];
        for (color, channel) in color.iter_mut().zip(&picture.colors[..colors]) {
            let light = channel.map_or(0.0, |channel| line.sample(channel, x));
            *color = if alpha > 0.0 { light / alpha } else { 0.0 };
        }
        if let (Some(matrix), false) = (to_srgb, picture.is_gray) {
            let [r, g, b] = color.map(f64::from);
            color = matrix.v.map(|row| (row[0] * r + row[1] * g + row[2] * b) as f32);
        }
        for (sample, color) in pixel.iter_mut().zip(&color[..colors]) {
            *sample = light::to_srgb(*color);
        }
        if picture.alpha.is_some() {
            pixel[colors] = (alpha * 65_535.0 + 0.5) as u16;
        }
    }
}

/// From light of these primaries and white (x and y of red, green, blue, white) to that of sRGB, or
/// none where they are the same or span no colors.
fn to_srgb(primaries: [f32; 8]) -> Option<Matrix3d> {
    const SRGB: [f32; 8] = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329];
    if primaries.iter().zip(SRGB).all(|(a, b)| (a - b).abs() < 0.001) {
        return None;
    }
    let xyz = |[rx, ry, gx, gy, bx, by, wx, wy]: [f32; 8]| {
        let primaries = ColorPrimaries {
            red: Chromaticity::new(rx, ry),
            green: Chromaticity::new(gx, gy),
            blue: Chromaticity::new(bx, by),
        };
        ColorProfile::colorants_matrix(XyY::new(wx.into(), wy.into(), 1.0), primaries)
    };
    let matrix = xyz(SRGB).inverse().mat_mul(xyz(primaries));
    matrix.v.as_flattened().iter().all(|value| value.is_finite()).then_some(matrix)
}

fn damage(error: ExrError) -> Error {
    match error {
        ExrError::NotSupported(what) => {
            Error::unsupported(format!("the OpenEXR cannot be read: {what}"))
        }
        ExrError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::input("the OpenEXR ends early")
        }
        error => Error::input(format!("the OpenEXR is damaged: {error}")),
    }
}

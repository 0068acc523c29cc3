//! Icons and cursors of Windows: several sizes of one picture, of which the largest is read.

use super::bmp::dib::{self, Dib};
use super::bmp::put_rows;
use super::bytes::Bytes;
use super::gather::{Gather, Steps, Want};
use super::{plain, png};
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels};
use crate::kernels::resample::{Kernel, resample};
use crate::metadata::Orientation;
use crate::output::Output;
use crate::stage::{RectF, Resample};
use crate::{Error, Image, Limits, Result, Size};

/// Icons.
pub static ICO: Format = Format {
    name: "ico",
    aliases: &["cur"],
    title: "ICO",
    mime_type: "image/vnd.microsoft.icon",
    sniff,
    inspect: |limits| {
        let walk = Walk { limits: limits.clone(), state: State::Start, at: 0, size: None };
        Box::new(Gather::new(walk, Want::Bytes(START_LEN)))
    },
    decode: Some(decode),
    encode: Some(encode),
    written_size: |size| {
        let side = sides(size).last().copied().unwrap_or_default();
        Size::new(side, side)
    },
    alpha: true,
    encode_memory: |_, size| 10 * size.area(),
    ..Format::PLAIN
};

const START_LEN: usize = 6;
const ENTRY_LEN: usize = 16;
/// More pictures than any icon has.
const ENTRIES_MAX: usize = 1024;
/// What of a picture tells its size: the start of a PNG or of a bitmap's header.
const PEEK_LEN: usize = 24;
/// The sizes that are written, up to the first that holds the image.
const SIDES: [u32; 7] = [16, 24, 32, 48, 64, 128, 256];

fn sniff(start: &[u8]) -> bool {
    let is_icon = matches!(start.get(..4), Some([0, 0, 1 | 2, 0]));
    let has_entry = matches!(start.get(4..6), Some(count) if count != [0, 0]);
    // The reserved byte of the first entry, and the length of its picture.
    let is_entry = matches!(start.get(9), Some(0 | 255));
    is_icon && has_entry && is_entry && start.get(14..18).is_some_and(|len| len != [0; 4])
}

fn count(start: &[u8]) -> Result<usize> {
    let count = start.get(4..6).map(|count| usize::from(u16::from_le_bytes([count[0], count[1]])));
    match count {
        Some(count @ 1..=ENTRIES_MAX) => Ok(count),
        Some(count) => Err(Error::input(format!(
            "the ICO says it holds {count} pictures: 1 to {ENTRIES_MAX} are read"
        ))),
        None => Err(Bytes::new(start, "ICO").ends_early()),
    }
}

/// The place and the length of the largest picture; of those, the one of the most colors.
fn largest(entries: &[u8]) -> Option<(u32, u32)> {
    let entries = entries.chunks_exact(ENTRY_LEN).rev().map(|entry| {
        let side = |side: u8| if side == 0 { 256u32 } else { side.into() };
        let number = |at: usize| {
            u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
        };
        let bits = u16::from_le_bytes([entry[6], entry[7]]);
        (side(entry[0]) * side(entry[1]), bits, (number(12), number(8)))
    });
    entries.max_by_key(|(area, bits, _)| (*area, *bits)).map(|(_, _, place)| place)
}

/// The size of a picture, which knows it better than its entry.
fn size(picture: &[u8]) -> Result<Size> {
    if picture.starts_with(png::SIGNATURE) {
        let mut bytes = Bytes::new(picture, "ICO");
        bytes.take(16)?;
        return Ok(Size::new(bytes.be32()?, bytes.be32()?));
    }
    let mut bytes = Bytes::new(picture, "ICO");
    bytes.take(4)?;
    let (width, height) = (bytes.le32()? as i32, bytes.le32()? as i32);
    Ok(Size::new(width.unsigned_abs(), height.unsigned_abs() / 2))
}

enum State {
    Start,
    Entries,
    Gap,
    Picture,
    Done,
}

struct Walk {
    limits: Limits,
    state: State,
    at: u64,
    size: Option<Size>,
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match self.state {
            State::Start => {
                let len = count(bytes)? * ENTRY_LEN;
                self.state = State::Entries;
                self.at = (START_LEN + len) as u64;
                Ok(Want::Bytes(len))
            }
            State::Entries => {
                let (place, _) = largest(bytes).ok_or_else(|| Error::input("an empty ICO"))?;
                let Some(gap) = u64::from(place).checked_sub(self.at) else {
                    return Err(Error::input("the ICO has a picture inside of its directory"));
                };
                self.state = State::Gap;
                Ok(Want::Skip(gap))
            }
            State::Gap => {
                self.state = State::Picture;
                Ok(Want::Bytes(PEEK_LEN))
            }
            State::Picture => {
                let size = size(bytes)?;
                self.limits.check_size(size)?;
                self.size = Some(size);
                self.state = State::Done;
                Ok(Want::Nothing)
            }
            State::Done => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        Ok(Header {
            format: &ICO,
            size: self.size.ok_or_else(|| Error::input("the ICO ends early"))?,
            orientation: Orientation::Normal,
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: true,
            is_gray: false,
            bit_depth: 8,
            is_lossy: false,
            is_guess: false,
        })
    }
}

fn decode(file: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let mut bytes = Bytes::new(file, "ICO");
    let len = count(bytes.take(START_LEN)?)? * ENTRY_LEN;
    let (place, len) = largest(bytes.take(len)?).ok_or_else(|| bytes.ends_early())?;
    let (place, len) = (place as usize, len as usize);
    let picture = file.get(place..).and_then(|rest| rest.get(..len));
    let picture = picture.ok_or_else(|| bytes.ends_early())?;
    limits.check_size(size(picture)?)?;
    if picture.starts_with(png::SIGNATURE) {
        return png::decode(picture, request, limits);
    }
    let dib = Dib::read(picture)?.into_icon();
    limits.check_size(dib.size)?;
    let packed = dib.pixels(picture, None)?;
    let mask = picture.get(dib.extent().0 + dib.extent().1..).unwrap_or_default();
    with_mask(packed, mask).map(|packed| Decoded::full(Image::still(Pixels::U8(packed))))
}

/// Alpha where a bitmap has some, else from the mask: a bit that is set lets the desktop through.
fn with_mask(packed: Packed<u8>, mask: &[u8]) -> Result<Packed<u8>> {
    let Size { width, height } = packed.size();
    let has_alpha = packed.channels().has_alpha();
    if has_alpha && packed.samples().iter().skip(3).step_by(4).any(|alpha| *alpha > 0) {
        return Ok(packed);
    }
    let stride = dib::stride(width as usize, 1);
    if mask.len() < stride * height as usize && !has_alpha {
        return Err(Bytes::new(mask, "ICO").ends_early());
    }
    let mut packed = packed.with_channels(Channels::Rgba)?;
    let out_stride = packed.stride();
    let rows = packed.samples_mut().chunks_exact_mut(out_stride).enumerate();
    for (row, line) in rows {
        let stored = &mask[((height as usize - 1 - row) * stride).min(mask.len())..];
        for (x, pixel) in line.chunks_exact_mut(4).enumerate() {
            let is_clear = stored.get(x / 8).is_some_and(|byte| byte >> (7 - x % 8) & 1 == 1);
            pixel[3] = if is_clear { 0 } else { 255 };
        }
    }
    Ok(packed)
}

/// The sides of the squares that are written, up to the first that holds the image as it is.
fn sides(image: Size) -> &'static [u32] {
    let below = SIDES.iter().filter(|side| **side < image.width.max(image.height)).count();
    &SIDES[..SIDES.len().min(below + 1)]
}

fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let packed = plain::narrow_srgb(image)?.with_channels(Channels::Rgba)?;
    let sides = sides(packed.size());
    let mut entries = Vec::new();
    let mut pictures: Vec<u8> = Vec::new();
    for side in sides {
        let picture = picture(&square(&packed, *side)?, output)?;
        let place = START_LEN + sides.len() * ENTRY_LEN + pictures.len();
        // 256 is written as 0.
        entries.extend([*side as u8, *side as u8, 0, 0, 1, 0, 32, 0]);
        entries.extend((picture.len() as u32).to_le_bytes());
        entries.extend((place as u32).to_le_bytes());
        pictures.extend(picture);
    }
    let start = [0, 0, 1, 0, sides.len() as u8, 0];
    Ok([&start[..], &entries, &pictures].concat())
}

/// The image in the middle of a square, made smaller where it does not fit.
fn square(packed: &Packed<u8>, side: u32) -> Result<Packed<u8>> {
    let Size { width, height } = packed.size();
    let scale = f64::from(side) / f64::from(width.max(height));
    let fit = |length: u32| {
        if scale >= 1.0 { length } else { ((f64::from(length) * scale).round() as u32).max(1) }
    };
    let size = Size::new(fit(width), fit(height));
    let stage = Resample { source: RectF::full(packed.size()), size, kernel: Kernel::Lanczos3 };
    let Pixels::U8(small) = resample(Pixels::U8(packed.clone()), &stage)? else {
        return Err(Error::internal("8 bits stay 8 bits"));
    };
    let mut out = Packed::<u8>::zeroed(Size::new(side, side), Channels::Rgba)?;
    let (left, top) = ((side - size.width) / 2, (side - size.height) / 2);
    let stride = out.stride();
    for (row, source) in small.rows().enumerate() {
        let start = (top as usize + row) * stride + left as usize * 4;
        out.samples_mut()[start..start + source.len()].copy_from_slice(source);
    }
    Ok(out)
}

/// A PNG for the largest size, as Windows has them, and a bitmap with a mask for the others, which
/// every reader knows.
fn picture(packed: &Packed<u8>, output: &Output) -> Result<Vec<u8>> {
    let Size { width, height } = packed.size();
    if width == 256 {
        return png::encode(&Image::still(Pixels::U8(packed.clone())), output);
    }
    let mut file = Vec::new();
    for number in [40, width, height * 2] {
        file.extend(number.to_le_bytes());
    }
    file.extend([1, 0, 32, 0]);
    file.extend([0; 24]);
    put_rows(packed, width as usize * 4, &mut file);
    let stride = dib::stride(width as usize, 1);
    let rows: Vec<&[u8]> = packed.rows().collect();
    for row in rows.into_iter().rev() {
        let mut mask = vec![0u8; stride];
        for (x, pixel) in row.chunks_exact(4).enumerate() {
            mask[x / 8] |= u8::from(pixel[3] == 0) << (7 - x % 8);
        }
        file.extend(mask);
    }
    Ok(file)
}

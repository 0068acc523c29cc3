//! TGA (Truevision's file format, version 2).

use super::bytes::Bytes;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels};
use crate::metadata::Orientation;
use crate::{Error, Image, Limits, Result, Size};

/// TGA. It has no signature, so it stands last in the list and asks for a header that makes sense
/// throughout.
pub static TGA: Format = Format {
    name: "tga",
    aliases: &["targa"],
    title: "TGA",
    mime_type: "image/x-tga",
    sniff: |start| Facts::read(start).is_ok_and(|facts| facts.is_sound()),
    inspect: |limits| Prefix::start(HEADER_LEN, header, limits),
    decode: Some(decode),
    alpha: true,
    ..Format::PLAIN
};

const HEADER_LEN: usize = 18;
/// Pixels that a byte of run lengths can stand for.
const PIXELS_PER_BYTE: u64 = 128;

struct Facts {
    id_len: usize,
    has_map: u8,
    kind: u8,
    map_first: usize,
    map_len: usize,
    map_bits: u8,
    size: Size,
    bits: u8,
    descriptor: u8,
}

impl Facts {
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut bytes = Bytes::new(bytes, "TGA");
        let [id_len, has_map, kind] = bytes.array()?;
        let (map_first, map_len) = (bytes.le16()?.into(), bytes.le16()?.into());
        let map_bits = bytes.u8()?;
        bytes.take(4)?;
        let size = Size::new(bytes.le16()?.into(), bytes.le16()?.into());
        let [bits, descriptor] = bytes.array()?;
        let id_len = usize::from(id_len);
        Ok(Self { id_len, has_map, kind, map_first, map_len, map_bits, size, bits, descriptor })
    }

    fn is_sound(&self) -> bool {
        let bits_fit = match self.kind & 7 {
            1 => self.has_map == 1 && matches!(self.bits, 8 | 16) && self.map_len > 0,
            2 => matches!(self.bits, 15 | 16 | 24 | 32),
            3 => matches!(self.bits, 8 | 16),
            _ => false,
        };
        let map_fits = match self.has_map {
            0 => self.map_len == 0 && self.map_first == 0,
            1 => matches!(self.map_bits, 15 | 16 | 24 | 32),
            _ => false,
        };
        // Two bits are reserved, and so is every kind but plain (1 to 3) and run lengths (9 to 11).
        let is_kind = matches!(self.kind, 1..=3 | 9..=11);
        is_kind && bits_fit && map_fits && self.size.area() > 0 && self.descriptor & 0xC0 == 0
    }

    fn channels(&self) -> Channels {
        let alpha_bits = self.descriptor & 0xF;
        let color = |bits: u8| match bits {
            32 => Channels::Rgba,
            16 if alpha_bits > 0 => Channels::Rgba,
            _ => Channels::Rgb,
        };
        match (self.kind & 7, self.bits) {
            (1, _) => color(self.map_bits),
            (3, 16) => Channels::GrayAlpha,
            (3, _) => Channels::Gray,
            (_, bits) => color(bits),
        }
    }
}

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let facts = Facts::read(bytes)?;
    limits.check_size(facts.size)?;
    let channels = facts.channels();
    Ok(Header {
        format: &TGA,
        size: facts.size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: channels.has_alpha(),
        is_gray: matches!(channels, Channels::Gray | Channels::GrayAlpha),
        bit_depth: 8,
        is_lossy: false,
        is_guess: false,
    })
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let facts = Facts::read(file)?;
    if !facts.is_sound() {
        return Err(Error::input("the TGA has a header that makes no sense"));
    }
    limits.check_size(facts.size)?;
    let mut bytes = Bytes::new(&file[HEADER_LEN..], "TGA");
    bytes.take(facts.id_len)?;
    let map_len = if facts.has_map == 1 { facts.map_len } else { 0 };
    let map = bytes.take(map_len * usize::from(facts.map_bits.div_ceil(8)))?;
    if (bytes.rest().len() as u64).saturating_mul(PIXELS_PER_BYTE) < facts.size.area() {
        return Err(bytes.ends_early());
    }
    let channels = facts.channels();
    let mut packed = Packed::<u8>::zeroed(facts.size, channels)?;
    let stored = pixels(&facts, bytes)?;
    let (count, stride) = (channels.count(), packed.stride());
    let unit = usize::from(facts.bits.div_ceil(8));
    let rows = stored.chunks_exact(facts.size.width as usize * unit).enumerate();
    for (row, line) in rows {
        let is_top_down = facts.descriptor & 0x20 != 0;
        let y = if is_top_down { row } else { facts.size.height as usize - 1 - row };
        let target = &mut packed.samples_mut()[y * stride..][..stride];
        let width = facts.size.width as usize;
        for (x, pixel) in line.chunks_exact(unit).enumerate() {
            let x = if facts.descriptor & 0x10 != 0 { width - 1 - x } else { x };
            put(&facts, map, pixel, &mut target[x * count..][..count])?;
        }
    }
    Ok(Decoded::full(Image::still(Pixels::U8(opaque_where_empty(packed)))))
}

/// Pixels as they are stored, without run lengths.
fn pixels(facts: &Facts, mut bytes: Bytes<'_>) -> Result<Vec<u8>> {
    let unit = usize::from(facts.bits.div_ceil(8));
    let len = facts.size.area() as usize * unit;
    if facts.kind < 8 {
        return bytes.take(len).map(<[u8]>::to_vec);
    }
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| Error::limit("no memory for the TGA"))?;
    while out.len() < len {
        let code = bytes.u8()?;
        let count = usize::from(code & 0x7F) + 1;
        let room = len - out.len();
        if code & 0x80 == 0 {
            let literal = bytes.take(count * unit)?;
            out.extend_from_slice(&literal[..literal.len().min(room)]);
        } else {
            let pixel = bytes.take(unit)?;
            (0..count.min(room / unit)).for_each(|_| out.extend_from_slice(pixel));
        }
    }
    Ok(out)
}

fn put(facts: &Facts, map: &[u8], pixel: &[u8], target: &mut [u8]) -> Result<()> {
    if facts.kind & 7 != 1 {
        color(pixel, target);
        return Ok(());
    }
    let index = pixel.iter().rev().fold(0, |index, byte| index << 8 | usize::from(*byte));
    let unit = usize::from(facts.map_bits.div_ceil(8));
    let place = index.checked_sub(facts.map_first).map(|index| index * unit);
    let entry = place.and_then(|place| map.get(place..place + unit));
    let entry = entry.ok_or_else(|| Error::input("the TGA has a color that is not in its map"))?;
    color(entry, target);
    Ok(())
}

fn color(stored: &[u8], target: &mut [u8]) {
    match (stored, &mut *target) {
        (&[low, high], [_, _, _]) | (&[low, high], [_, _, _, _]) => {
            let value = u16::from_le_bytes([low, high]);
            let level = |shift: u16| ((u32::from(value >> shift & 31) * 255 + 15) / 31) as u8;
            let alpha = if value & 0x8000 == 0 { 0 } else { 255 };
            let all = [level(10), level(5), level(0), alpha];
            target.copy_from_slice(&all[..target.len()]);
        }
        (&[b, g, r], _) => target.copy_from_slice(&[r, g, b]),
        (&[b, g, r, a], _) => target.copy_from_slice(&[r, g, b, a]),
        _ => target.copy_from_slice(stored),
    }
}

/// Writers that know no alpha leave it at zero throughout.
fn opaque_where_empty(mut packed: Packed<u8>) -> Packed<u8> {
    let count = packed.channels().count();
    let alphas = |packed: &Packed<u8>| {
        packed.samples().iter().skip(count - 1).step_by(count).any(|a| *a > 0)
    };
    if packed.channels().has_alpha() && !alphas(&packed) {
        packed.samples_mut().iter_mut().skip(count - 1).step_by(count).for_each(|a| *a = 255);
    }
    packed
}

//! The bitmap inside of a BMP and of an icon: header, masks, palette, rows.

use super::{ends_early, rle};
use crate::formats::bytes::Bytes;
use crate::image::{Channels, Packed, Size};
use crate::{Error, Result};

/// The longest header (`BITMAPV5HEADER`) and the masks that may follow a short one.
pub(in crate::formats) const HEADER_LEN_MAX: usize = 124 + 16;
pub(in crate::formats) const BIT_FIELDS: u32 = 3;
const RLE_8: u32 = 1;
const RLE_4: u32 = 2;
const ALPHA_BIT_FIELDS: u32 = 6;
const CORE_LEN: u32 = 12;
const EMBEDDED: u32 = 0x4D42_4544;

/// What the header says.
pub(in crate::formats) struct Dib {
    pub(in crate::formats) size: Size,
    pub(in crate::formats) bits: u16,
    compression: u32,
    is_top_down: bool,
    colors: u32,
    /// Where red, green, blue and alpha are in a pixel of 16 or 32 bits.
    masks: [u32; 4],
    /// Pixels a meter.
    pub(in crate::formats) per_meter: (u32, u32),
    header_len: u32,
    /// The bytes of header and masks together.
    palette_at: usize,
}

/// The bytes of a row, which are a multiple of four.
pub(in crate::formats) fn stride(width: usize, bits: usize) -> usize {
    (width * bits).div_ceil(32) * 4
}

impl Dib {
    pub(in crate::formats) fn read(bytes: &[u8]) -> Result<Self> {
        let mut header = Bytes::new(bytes, "BMP");
        let header_len = header.le32()?;
        if !matches!(header_len, CORE_LEN | 16 | 40 | 52 | 56 | 64 | 108 | 124) {
            let message = format!("a BMP header of {header_len} bytes is not supported");
            return Err(Error::unsupported(message));
        }
        let (width, height) = if header_len == CORE_LEN {
            (i32::from(header.le16()?), i32::from(header.le16()?))
        } else {
            (header.le32()? as i32, header.le32()? as i32)
        };
        if width < 0 {
            return Err(Error::input(format!("the BMP says it is {width} pixels wide")));
        }
        header.le16()?;
        let bits = header.le16()?;
        let mut dib = Self {
            size: Size::new(width.unsigned_abs(), height.unsigned_abs()),
            bits,
            compression: 0,
            is_top_down: height < 0,
            colors: 0,
            masks: [0; 4],
            per_meter: (0, 0),
            header_len,
            palette_at: header_len as usize,
        };
        if header_len >= 40 {
            dib.compression = header.le32()?;
            header.le32()?;
            dib.per_meter = (header.le32()?, header.le32()?);
            dib.colors = header.le32()?;
            header.le32()?;
        }
        dib.read_masks(header)?;
        dib.check()?;
        Ok(dib)
    }

    fn read_masks(&mut self, mut header: Bytes<'_>) -> Result<()> {
        let is_told = matches!(self.compression, BIT_FIELDS | ALPHA_BIT_FIELDS);
        // Headers of OS/2 have other fields there.
        let is_inside = self.header_len >= 52 && self.header_len != 64;
        if is_told && self.header_len != 64 {
            let count = match self.header_len {
                56.. => 4,
                40 if self.compression == ALPHA_BIT_FIELDS => 4,
                _ => 3,
            };
            for mask in self.masks.iter_mut().take(count) {
                *mask = header.le32()?;
            }
            self.palette_at += if is_inside { 0 } else { count * 4 };
        } else if self.bits == 16 {
            self.masks = [0x7C00, 0x03E0, 0x001F, 0];
        } else {
            self.masks = [0x00FF_0000, 0xFF00, 0xFF, 0];
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let (bits, compression) = (self.bits, self.compression);
        let is_served = match compression {
            0 => matches!(bits, 1 | 2 | 4 | 8 | 16 | 24 | 32),
            RLE_8 => bits == 8,
            RLE_4 => bits == 4,
            BIT_FIELDS | ALPHA_BIT_FIELDS => self.header_len != 64 && matches!(bits, 16 | 32),
            _ => false,
        };
        if is_served {
            return Ok(());
        }
        let name = match compression {
            4 => " (JPEG)",
            5 => " (PNG)",
            _ => "",
        };
        Err(Error::unsupported(format!(
            "BMP compression {compression}{name} with {bits} bits is not supported"
        )))
    }

    pub(in crate::formats) fn has_alpha(&self) -> bool {
        self.masks[3] != 0
    }

    /// For an icon, where the upper half of the height is a mask.
    pub(in crate::formats) fn into_icon(mut self) -> Self {
        self.size.height /= 2;
        if self.bits == 32 {
            self.masks = [0x00FF_0000, 0xFF00, 0xFF, 0xFF00_0000];
        }
        self
    }

    /// Where the pixels start when no file header says so, and what they take.
    pub(in crate::formats) fn extent(&self) -> (usize, usize) {
        let start = self.palette_at + self.palette_len() * 4;
        let stride = stride(self.size.width as usize, usize::from(self.bits));
        (start, stride.saturating_mul(self.size.height as usize))
    }

    fn palette_len(&self) -> usize {
        match self.bits {
            1..=8 if self.colors == 0 => 1 << self.bits,
            1..=8 => (self.colors as usize).min(1 << self.bits),
            _ => 0,
        }
    }

    /// The profile that the longest header may point to, counted from its start.
    pub(in crate::formats) fn profile<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        if self.header_len != 124 || number(56)? != EMBEDDED {
            return None;
        }
        let (start, len) = (number(112)? as usize, number(116)? as usize);
        bytes.get(start..start.checked_add(len)?)
    }

    /// The pixels; `bytes` start with the header.
    pub(in crate::formats) fn pixels(
        &self,
        bytes: &[u8],
        pixels_at: Option<usize>,
    ) -> Result<Packed<u8>> {
        // Some writers forget the palette when they say where the pixels start.
        let forgets = |at: &usize| self.palette_len() > 0 && *at <= self.palette_at;
        let start = pixels_at.filter(|at| !forgets(at)).unwrap_or(self.extent().0);
        let data = bytes.get(start..).ok_or_else(ends_early)?;
        if self.bits <= 8 {
            return self.indexed(bytes, start, data);
        }
        let stride = stride(self.size.width as usize, usize::from(self.bits));
        if data.len() < self.extent().1 {
            return Err(ends_early());
        }
        let channels = if self.has_alpha() { Channels::Rgba } else { Channels::Rgb };
        let mut packed = Packed::<u8>::zeroed(self.size, channels)?;
        let fields = self.masks.map(Field::of);
        let out_stride = packed.stride();
        for (row, line) in packed.samples_mut().chunks_exact_mut(out_stride).enumerate() {
            let source = &data[self.stored_row(row) * stride..][..stride];
            let pixels = line.chunks_exact_mut(channels.count());
            let stored = source.chunks_exact(usize::from(self.bits / 8));
            for (pixel, stored) in pixels.zip(stored) {
                match (self.bits, stored) {
                    (24, &[b, g, r]) => pixel.copy_from_slice(&[r, g, b]),
                    _ => {
                        let join = |value, byte: &u8| value << 8 | u32::from(*byte);
                        let value = stored.iter().rev().fold(0, join);
                        pixel
                            .iter_mut()
                            .zip(&fields)
                            .for_each(|(s, field)| *s = field.of_value(value));
                    }
                }
            }
        }
        Ok(packed)
    }

    /// Where a row from the top is stored.
    fn stored_row(&self, row: usize) -> usize {
        if self.is_top_down { row } else { self.size.height as usize - 1 - row }
    }

    fn indexed(&self, bytes: &[u8], start: usize, data: &[u8]) -> Result<Packed<u8>> {
        let palette = self.palette(bytes, start);
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let indices = if self.compression == 0 {
            let stride = stride(width, usize::from(self.bits));
            if data.len() < self.extent().1 {
                return Err(ends_early());
            }
            let per_byte = 8 / usize::from(self.bits);
            let mask = ((1u16 << self.bits) - 1) as u8;
            let mut indices = crate::image::zeroed::<u8>(self.size.area())?;
            let rows = indices.chunks_exact_mut(width).zip(data.chunks_exact(stride));
            for (row, stored) in rows {
                for (x, index) in row.iter_mut().enumerate() {
                    let shift = (per_byte - 1 - x % per_byte) * usize::from(self.bits);
                    *index = stored[x / per_byte] >> shift & mask;
                }
            }
            indices
        } else {
            rle::decode(data, self.compression == RLE_4, (width, height))?
        };
        let mut packed = Packed::<u8>::zeroed(self.size, Channels::Rgb)?;
        let stride = packed.stride();
        for (row, line) in packed.samples_mut().chunks_exact_mut(stride).enumerate() {
            let indices = &indices[self.stored_row(row) * width..][..width];
            for (pixel, index) in line.chunks_exact_mut(3).zip(indices) {
                pixel.copy_from_slice(palette.get(usize::from(*index)).unwrap_or(&[0; 3]));
            }
        }
        Ok(packed)
    }

    fn palette(&self, bytes: &[u8], pixels_at: usize) -> Vec<[u8; 3]> {
        let entry = if matches!(self.header_len, CORE_LEN) { 3 } else { 4 };
        let end = pixels_at.min(bytes.len()).max(self.palette_at.min(bytes.len()));
        let stored = &bytes[self.palette_at.min(end)..end];
        let colors = stored.chunks_exact(entry).take(self.palette_len());
        colors.map(|color| [color[2], color[1], color[0]]).collect()
    }
}

/// The bits of one sample in a pixel.
#[derive(Clone, Copy)]
struct Field {
    shift: u32,
    max: u32,
}

impl Field {
    fn of(mask: u32) -> Self {
        let shift = mask.trailing_zeros().min(31);
        Self { shift, max: mask >> shift }
    }

    fn of_value(self, value: u32) -> u8 {
        if self.max == 0 {
            return 0;
        }
        let sample = u64::from(value >> self.shift & self.max);
        ((sample * 255 + u64::from(self.max) / 2) / u64::from(self.max)) as u8
    }
}

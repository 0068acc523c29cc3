//! From the bytes of a row to samples.

use super::directory::Order;
use super::facts::{Facts, Number};
use crate::{Error, Result};

/// What turns rows of a chunk into samples.
pub(super) struct Rows {
    pub(super) order: Order,
    pub(super) bits: u8,
    pub(super) number: Number,
    /// 1 for none, 2 for differences, 3 for differences of the bytes of floating-point numbers.
    predictor: u64,
    /// Samples a pixel in the chunk.
    pub(super) samples: usize,
}

impl Rows {
    pub(super) fn new(order: Order, facts: &Facts, predictor: u64) -> Result<Self> {
        let uses_predictor = matches!(facts.compression, 5 | 8 | 32_946);
        let predictor = if uses_predictor { predictor } else { 1 };
        let is_served = match predictor {
            1 => true,
            2 => matches!(facts.bits, 8 | 16 | 32),
            3 => facts.number == Number::Float,
            _ => false,
        };
        if !is_served {
            let bits = facts.bits;
            let message = format!("TIFF predictor {predictor} for {bits} bits is not supported");
            return Err(Error::unsupported(message));
        }
        let samples = if facts.is_planar { 1 } else { facts.samples };
        Ok(Self { order, bits: facts.bits, number: facts.number, predictor, samples })
    }

    /// The bytes of a row of so many pixels.
    pub(super) fn len(&self, pixels: usize) -> usize {
        (pixels * self.samples * usize::from(self.bits)).div_ceil(8)
    }

    /// Samples of up to 8 bits, not scaled.
    pub(super) fn narrow(&self, row: &[u8], out: &mut [u8]) {
        match self.bits {
            8 => out.copy_from_slice(&row[..out.len()]),
            bits => {
                let mut reader = BitRow { row, at: 0 };
                out.iter_mut().for_each(|sample| *sample = reader.next(bits) as u8);
            }
        }
        if self.predictor == 2 {
            for at in self.samples..out.len() {
                out[at] = out[at].wrapping_add(out[at - self.samples]);
            }
        }
    }

    /// Samples of more than 8 bits: whole numbers not scaled, but for those of 32 bits, of which
    /// the upper half is kept; floating-point numbers from 0 to 1 on the whole range.
    pub(super) fn wide(&self, row: &mut [u8], out: &mut [u16]) {
        match (self.number, self.bits) {
            (Number::Whole, 16) => {
                for (pair, sample) in row.chunks_exact(2).zip(&mut *out) {
                    *sample = self.order.number(pair) as u16;
                }
                if self.predictor == 2 {
                    for at in self.samples..out.len() {
                        out[at] = out[at].wrapping_add(out[at - self.samples]);
                    }
                }
            }
            (Number::Whole, 32) => {
                let words = self.words(row);
                out.iter_mut().zip(words).for_each(|(sample, word)| *sample = (word >> 16) as u16);
            }
            (Number::Whole, bits) => {
                let mut reader = BitRow { row, at: 0 };
                out.iter_mut().for_each(|sample| *sample = reader.next(bits) as u16);
            }
            (Number::Float, bits) => self.floats(row, usize::from(bits / 8), out),
        }
    }

    fn words(&self, row: &[u8]) -> Vec<u32> {
        let mut words: Vec<u32> =
            row.chunks_exact(4).map(|bytes| self.order.number(bytes) as u32).collect();
        if self.predictor == 2 {
            for at in self.samples..words.len() {
                words[at] = words[at].wrapping_add(words[at - self.samples]);
            }
        }
        words
    }

    fn floats(&self, row: &mut [u8], len: usize, out: &mut [u16]) {
        if self.predictor == 3 {
            for at in self.samples..row.len() {
                row[at] = row[at].wrapping_add(row[at - self.samples]);
            }
            // The bytes of all numbers stand apart: first all of the highest ones.
            let count = row.len() / len;
            for (index, sample) in out.iter_mut().enumerate() {
                let high_first = (0..len).map(|byte| row[byte * count + index]);
                let bits = high_first.fold(0, |bits, byte| bits << 8 | u64::from(byte));
                *sample = from_float(bits, len);
            }
            return;
        }
        if (self.predictor, len) == (2, 4) {
            let words = self.words(row);
            out.iter_mut().zip(words).for_each(|(s, word)| *s = from_float(word.into(), len));
            return;
        }
        for (bytes, sample) in row.chunks_exact(len).zip(out) {
            *sample = from_float(self.order.number(bytes), len);
        }
    }
}

/// Floating-point numbers from 0 to 1 on the range of 16 bits; those outside are clipped, and what
/// is no number is 0.
fn from_float(bits: u64, len: usize) -> u16 {
    let value = match len {
        2 => half(bits as u16),
        4 => f32::from_bits(bits as u32),
        _ => f64::from_bits(bits) as f32,
    };
    (value * 65_535.0 + 0.5) as u16
}

/// A number of 16 bits (IEEE 754, binary16).
pub(in crate::formats) fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// Numbers of any width, the high bit first.
struct BitRow<'a> {
    row: &'a [u8],
    at: usize,
}

impl BitRow<'_> {
    fn next(&mut self, bits: u8) -> u32 {
        let byte = |index: usize| u32::from(self.row.get(index).copied().unwrap_or(0));
        let index = self.at / 8;
        let window = byte(index) << 16 | byte(index + 1) << 8 | byte(index + 2);
        let shift = 24 - (self.at % 8) as u32 - u32::from(bits);
        self.at += usize::from(bits);
        window >> shift & ((1 << bits) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_ieee_says() {
        for (bits, value) in
            [(0x3C00, 1.0), (0xC000, -2.0), (0x0001, 2f32.powi(-24)), (0x3555, 0.333_251_95)]
        {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7E00).is_nan());
        assert_eq!(half(0x7C00), f32::INFINITY);
    }

    #[test]
    fn floating_point_numbers_are_clipped() {
        for (value, expected) in [(0.0, 0), (1.0, 65_535), (7.5, 65_535), (-1.0, 0), (0.5, 32_768)]
        {
            assert_eq!(from_float(u64::from(f32::to_bits(value)), 4), expected);
        }
        assert_eq!(from_float(u64::from(f32::NAN.to_bits()), 4), 0);
    }

    #[test]
    fn numbers_of_twelve_bits_lie_across_bytes() {
        let mut reader = BitRow { row: &[0x12, 0x34, 0x56], at: 0 };
        assert_eq!([reader.next(12), reader.next(12), reader.next(12)], [0x123, 0x456, 0]);
    }
}

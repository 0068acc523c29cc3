//! The codes of fax machines (ITU-T T.4 and T.6): lines of black and white runs.
//!
//! The code tables are those of the crate `fax`; its own decoders leave out two-dimensional Group 3
//! and lines without end marks, both of which scanners write.

use std::convert::Infallible;

use fax::BitReader;
use fax::maps::{Mode, black, mode, white};

/// Bits of a stream; zeros after its end.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader for Bits<'_> {
    type Error = Infallible;

    fn peek(&self, bits: u8) -> Option<u16> {
        let byte = |index: usize| u32::from(self.bytes.get(index).copied().unwrap_or(0));
        let index = self.at / 8;
        let window = byte(index) << 16 | byte(index + 1) << 8 | byte(index + 2);
        let shift = 24 - (self.at % 8) as u32 - u32::from(bits.min(16));
        Some((window >> shift) as u16 & ((1u32 << bits.min(16)) - 1) as u16)
    }

    fn consume(&mut self, bits: u8) -> Result<(), Infallible> {
        self.at += usize::from(bits);
        Ok(())
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        ((8 - self.at % 8) % 8) as u8
    }
}

impl Bits<'_> {
    fn has_ended(&self) -> bool {
        self.at >= self.bytes.len() * 8
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// Passes an end-of-line mark and the fill before it, if there is one.
    fn end_of_line(&mut self) -> bool {
        let start = self.at;
        while !self.has_ended() && self.peek(1) == Some(0) {
            self.at += 1;
        }
        let is_mark = self.at - start >= 11 && !self.has_ended();
        self.at = if is_mark { self.at + 1 } else { start };
        is_mark
    }

    fn run(&mut self, is_black: bool) -> Option<usize> {
        let mut sum = 0;
        loop {
            let part = if is_black { black::decode(self) } else { white::decode(self) }?;
            sum += usize::from(part);
            if part < 64 {
                return (!self.is_past_end()).then_some(sum);
            }
            if self.has_ended() {
                return None;
            }
        }
    }

    fn is_past_end(&self) -> bool {
        self.at > self.bytes.len() * 8
    }
}

/// How lines follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Lines of their own that start at bytes (TIFF compression 2).
    Lines,
    /// Lines with marks; whether some lean on the line before them (TIFF compression 3).
    Three { is_two_dimensional: bool },
    /// All lines lean on the line before them (TIFF compression 4).
    Four,
}

/// Rows of bits, white 0 and black 1, or `None` where the codes are damaged. Rows after the end of
/// the codes are missing.
pub(super) fn decode(bytes: &[u8], group: Group, width: usize, rows: usize) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes, at: 0 };
    let row_len = width.div_ceil(8);
    let mut out = Vec::new();
    let mut line: Vec<usize> = Vec::new();
    for _ in 0..rows {
        if bits.has_ended() {
            break;
        }
        let leans = match group {
            Group::Lines => {
                bits.align();
                false
            }
            Group::Three { is_two_dimensional } => {
                bits.end_of_line();
                is_two_dimensional && {
                    bits.at += 1;
                    bits.peek_back() == 0
                }
            }
            Group::Four => true,
        };
        line = if leans { leaning(&mut bits, &line, width)? } else { plain(&mut bits, width)? };
        out.try_reserve(row_len).ok()?;
        draw(&line, width, &mut out);
    }
    Some(out)
}

impl Bits<'_> {
    /// The bit that was passed last.
    fn peek_back(&self) -> u8 {
        let at = self.at - 1;
        self.bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1)
    }
}

/// The places at which the color changes, white first.
fn plain(bits: &mut Bits<'_>, width: usize) -> Option<Vec<usize>> {
    let mut line = Vec::new();
    let (mut at, mut is_black) = (0, false);
    while at < width {
        at += bits.run(is_black)?;
        line.push(at.min(width));
        is_black = !is_black;
    }
    Some(line)
}

/// The same, told by the places of the line above (T.4, 4.2).
fn leaning(bits: &mut Bits<'_>, above: &[usize], width: usize) -> Option<Vec<usize>> {
    let mut line: Vec<usize> = Vec::new();
    let (mut at, mut is_black, mut is_start) = (0, false, true);
    let mut passed = 0;
    while at < width {
        if bits.is_past_end() {
            return None;
        }
        // The first change above that lies to the right and goes to the other color. A step back
        // may lead before changes that were passed.
        while passed > 0 && above.get(passed - 1).is_none_or(|place| *place > at) {
            passed -= 1;
        }
        while above.get(passed).is_some_and(|place| *place < at || *place == at && !is_start) {
            passed += 1;
        }
        let first = if passed % 2 == usize::from(is_black) { passed } else { passed + 1 };
        let place = |index: usize| above.get(index).copied().unwrap_or(width);
        match mode::decode(bits)? {
            Mode::Pass => at = place(first + 1),
            Mode::Vertical(delta) => {
                let to = place(first).checked_add_signed(isize::from(delta))?;
                if to < at || to > width {
                    return None;
                }
                line.push(to);
                at = to;
                is_black = !is_black;
            }
            Mode::Horizontal => {
                let middle = at + bits.run(is_black)?;
                at = middle + bits.run(!is_black)?;
                line.extend([middle.min(width), at.min(width)]);
            }
            Mode::Extension | Mode::EOF => return None,
        }
        is_start = false;
    }
    Some(line)
}

fn draw(line: &[usize], width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width.div_ceil(8), 0);
    let row = &mut out[start..];
    let ends = line.iter().copied().chain([width]);
    let mut from = 0;
    for (index, to) in ends.enumerate() {
        if index % 2 == 1 {
            fill(row, from, to);
        }
        from = to.max(from);
    }
}

fn fill(row: &mut [u8], from: usize, to: usize) {
    let mut at = from;
    while at < to {
        if at.is_multiple_of(8) && to - at >= 8 {
            row[at / 8] = 0xFF;
            at += 8;
        } else {
            row[at / 8] |= 0x80 >> (at % 8);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_marks_start_at_bytes() {
        // Three white and five black, then eight white.
        let rows = decode(&[0b1000_0011, 0b1001_1000], Group::Lines, 8, 2);
        assert_eq!(rows, Some(vec![0b0001_1111, 0]));
    }

    #[test]
    fn codes_that_end_early_give_fewer_rows() {
        assert_eq!(decode(&[0b1000_0011], Group::Lines, 8, 2), Some(vec![0b0001_1111]));
        assert_eq!(decode(&[0b1000_0000], Group::Lines, 8, 1), None);
    }

    #[test]
    fn a_line_like_the_one_above_is_one_bit_a_change() {
        // Horizontal: three white, two black; then the rest straight from above. Twice more.
        let codes = [0b0011_0001, 0b1111_1111];
        assert_eq!(decode(&codes, Group::Four, 8, 3), Some(vec![0b0001_1000; 3]));
    }
}

//! The start of a codestream (ISO/IEC 18181-1, annex D): bits from the lowest of each byte up.

use crate::image::Size;
use crate::metadata::Orientation;

/// What the start of a codestream says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) size: Size,
    pub(super) orientation: Orientation,
    pub(super) bit_depth: u8,
    pub(super) has_alpha: bool,
    pub(super) is_gray: bool,
    pub(super) is_lossy: bool,
}

/// The start of a codestream, or `None` when these bytes hold only a part of it.
pub(super) fn start(codestream: &[u8]) -> Option<Start> {
    let mut bits = Bits { bytes: codestream, at: 16 };
    let size = bits.size()?;
    let mut start = Start {
        size,
        orientation: Orientation::Normal,
        bit_depth: 8,
        has_alpha: false,
        is_gray: false,
        is_lossy: true,
    };
    if bits.flag()? {
        return Some(start);
    }
    if bits.flag()? {
        start.orientation = Orientation::from_exif(bits.take(3)? + 1);
        bits.extra_fields()?;
    }
    start.bit_depth = bits.depth()?;
    bits.flag()?;
    for _ in 0..bits.choice([(0, 0), (0, 1), (4, 2), (12, 1)])? {
        start.has_alpha |= bits.extra_channel()?;
    }
    start.is_lossy = bits.flag()?;
    if !bits.flag()? {
        bits.flag()?;
        start.is_gray = bits.name()? == GRAY;
    }
    Some(start)
}

/// Of the kinds of extra channels.
const ALPHA: u32 = 0;
const SPOT_COLOR: u32 = 2;
const FILTER_ARRAY: u32 = 5;
/// Of the color spaces.
const GRAY: u32 = 1;

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for bit in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// A number in one of four ways: as many bits, and what is added to them.
    fn choice(&mut self, ways: [(usize, u32); 4]) -> Option<u32> {
        let (count, more) = ways[self.take(2)? as usize];
        self.take(count).map(|value| value.wrapping_add(more))
    }

    /// One of several names.
    fn name(&mut self) -> Option<u32> {
        self.choice([(0, 0), (0, 1), (4, 2), (6, 18)])
    }

    fn size(&mut self) -> Option<Size> {
        let is_small = self.flag()?;
        let height = self.side(is_small)?;
        let width = match self.take(3)? {
            0 => self.side(is_small)?,
            ratio => {
                let (across, down) =
                    [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)][ratio as usize - 1];
                u32::try_from(u64::from(height) * across / down).ok()?
            }
        };
        Some(Size::new(width, height))
    }

    fn side(&mut self, is_small: bool) -> Option<u32> {
        if is_small {
            return self.take(5).map(|eighth| (eighth + 1) * 8);
        }
        self.choice([(9, 1), (13, 1), (18, 1), (30, 1)])
    }

    /// The size it is meant to be shown at, a preview, and the clock of an animation.
    fn extra_fields(&mut self) -> Option<()> {
        if self.flag()? {
            self.size()?;
        }
        if self.flag()? {
            self.preview()?;
        }
        if self.flag()? {
            self.choice([(0, 100), (0, 1000), (10, 1), (30, 1)])?;
            self.choice([(0, 1), (0, 1001), (8, 1), (10, 1)])?;
            self.choice([(0, 0), (3, 0), (16, 0), (32, 0)])?;
            self.flag()?;
        }
        Some(())
    }

    fn preview(&mut self) -> Option<()> {
        let ways = if self.flag()? {
            [(0, 16), (0, 32), (5, 1), (9, 33)]
        } else {
            [(6, 1), (8, 65), (10, 321), (12, 1345)]
        };
        self.choice(ways)?;
        if self.take(3)? == 0 {
            self.choice(ways)?;
        }
        Some(())
    }

    fn depth(&mut self) -> Option<u8> {
        let bits = if self.flag()? {
            let bits = self.choice([(0, 32), (0, 16), (0, 24), (6, 1)])?;
            self.take(4)?;
            bits
        } else {
            self.choice([(0, 8), (0, 10), (0, 12), (6, 1)])?
        };
        u8::try_from(bits).ok()
    }

    /// Whether it is alpha.
    fn extra_channel(&mut self) -> Option<bool> {
        if self.flag()? {
            return Some(true);
        }
        let kind = self.name()?;
        self.depth()?;
        self.choice([(0, 0), (0, 3), (0, 4), (3, 1)])?;
        let name_len = self.choice([(0, 0), (4, 0), (5, 16), (10, 48)])?;
        self.skip(name_len as usize * 8)?;
        match kind {
            ALPHA => self.skip(1)?,
            SPOT_COLOR => self.skip(4 * 16)?,
            FILTER_ARRAY => {
                self.choice([(0, 1), (2, 0), (4, 3), (8, 19)])?;
            }
            _ => {}
        }
        Some(kind == ALPHA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_square_with_all_defaults_takes_three_bytes() {
        // Small, height 8 × (1 + 5 bits), ratio 1:1 (3 bits), all default.
        let bits: u32 = 1 | 3 << 1 | 1 << 6 | 1 << 9;
        let codestream = [0xFF, 0x0A, bits as u8, (bits >> 8) as u8];
        let start = start(&codestream).unwrap();
        assert_eq!((start.size, start.bit_depth), (Size::new(32, 32), 8));
        assert_eq!(super::start(&codestream[..3]), None);
    }
}

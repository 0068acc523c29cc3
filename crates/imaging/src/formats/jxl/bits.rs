//! The start of a codestream (ISO/IEC 18181-1, annex D): bits from the lowest of each byte up.

use std::ops::Range;

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
    /// What frames are read by, where it was asked for or there are several.
    pub(super) frames: Option<Frames>,
}

/// What the start of a codestream says of its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frames {
    pub(super) size: Size,
    pub(super) is_animated: bool,
    pub(super) has_timecodes: bool,
    pub(super) is_xyb: bool,
    pub(super) extra_channels: u32,
    /// The bits of what is said of the samples and their colors.
    pub(super) samples: Range<usize>,
    /// The byte at which the first frame starts. `None` where a profile, whose length only decoding
    /// tells, or a preview comes first.
    pub(super) at: Option<usize>,
}

/// The start of a codestream, or `None` when these bytes hold only a part of it.
pub(super) fn start(codestream: &[u8]) -> Option<Start> {
    parse(codestream, false)
}

/// What the start of a codestream says of its frames, of a still image too.
pub(super) fn frames(codestream: &[u8]) -> Option<Frames> {
    parse(codestream, true)?.frames
}

fn parse(codestream: &[u8], wants_frames: bool) -> Option<Start> {
    let mut bits = Bits::at(codestream, 16);
    let size = bits.size()?;
    let mut start = Start {
        size,
        orientation: Orientation::Normal,
        bit_depth: 8,
        has_alpha: false,
        is_gray: false,
        is_lossy: true,
        frames: None,
    };
    if bits.flag()? {
        return Some(start);
    }
    let has_extra = bits.flag()?;
    let mut extra = Extra::default();
    if has_extra {
        start.orientation = Orientation::from_exif(bits.take(3)? + 1);
        extra = bits.extra_fields()?;
    }
    let samples_at = bits.at;
    start.bit_depth = bits.depth()?;
    bits.flag()?;
    let extra_channels = bits.choice([(0, 0), (0, 1), (4, 2), (12, 1)])?;
    for _ in 0..extra_channels {
        start.has_alpha |= bits.extra_channel()?;
    }
    start.is_lossy = bits.flag()?;
    let wants_frames = wants_frames || extra.is_animated;
    let color = bits.color(wants_frames)?;
    start.is_gray = color.is_gray;
    if wants_frames {
        let samples = samples_at..bits.at;
        bits.rest(has_extra, start.is_lossy)?;
        let is_near = !color.is_profile && !extra.has_preview;
        start.frames = Some(Frames {
            size,
            is_animated: extra.is_animated,
            has_timecodes: extra.has_timecodes,
            is_xyb: start.is_lossy,
            extra_channels,
            samples,
            at: is_near.then_some(bits.at.div_ceil(8)),
        });
    }
    Some(start)
}

/// What extra fields say.
#[derive(Default)]
struct Extra {
    has_preview: bool,
    is_animated: bool,
    has_timecodes: bool,
}

/// What the color encoding says.
struct Color {
    is_gray: bool,
    is_profile: bool,
}

/// Of the kinds of extra channels.
const ALPHA: u32 = 0;
const SPOT_COLOR: u32 = 2;
const FILTER_ARRAY: u32 = 5;
/// Of the color spaces.
const GRAY: u32 = 1;
const XYB: u32 = 2;
/// Of white points and primaries.
const CUSTOM: u32 = 2;
/// How many numbers the inverse of the matrix to XYB has, and kernels for 2, 4 and 8 times.
const OPSIN_NUMBERS: usize = 16;
const KERNEL_NUMBERS: [usize; 3] = [15, 55, 210];

/// Bits on their way.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bit; behind the last when more bytes are needed.
    pub(super) at: usize,
}

impl<'a> Bits<'a> {
    /// From this bit on.
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for bit in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.saturating_add(count);
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// A number in one of four ways: as many bits, and what is added to them.
    pub(super) fn choice(&mut self, ways: [(usize, u32); 4]) -> Option<u32> {
        let (count, more) = ways[self.take(2)? as usize];
        self.take(count).map(|value| value.wrapping_add(more))
    }

    /// A number that may be long.
    pub(super) fn long(&mut self) -> Option<u64> {
        let short = |value: u32| u64::from(value);
        match self.take(2)? {
            0 => return Some(0),
            1 => return self.take(4).map(|value| short(value) + 1),
            2 => return self.take(8).map(|value| short(value) + 17),
            _ => {}
        }
        let mut value = short(self.take(12)?);
        for shift in (12..64).step_by(8) {
            if !self.flag()? {
                break;
            }
            let count = if shift == 60 { 4 } else { 8 };
            value |= short(self.take(count)?) << shift;
        }
        Some(value)
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
    fn extra_fields(&mut self) -> Option<Extra> {
        let mut extra = Extra::default();
        if self.flag()? {
            self.size()?;
        }
        if self.flag()? {
            extra.has_preview = true;
            self.preview()?;
        }
        if self.flag()? {
            self.choice([(0, 100), (0, 1000), (10, 1), (30, 1)])?;
            self.choice([(0, 1), (0, 1001), (8, 1), (10, 1)])?;
            self.choice([(0, 0), (3, 0), (16, 0), (32, 0)])?;
            extra.is_animated = true;
            extra.has_timecodes = self.flag()?;
        }
        Some(extra)
    }

    /// What the numbers mean, as far as the color space or to the end.
    fn color(&mut self, to_the_end: bool) -> Option<Color> {
        if self.flag()? {
            return Some(Color { is_gray: false, is_profile: false });
        }
        let is_profile = self.flag()?;
        let space = self.name()?;
        let color = Color { is_gray: space == GRAY, is_profile };
        if is_profile || !to_the_end {
            return Some(color);
        }
        if space != XYB && self.name()? == CUSTOM {
            self.places(1)?;
        }
        if space != XYB && space != GRAY && self.name()? == CUSTOM {
            self.places(3)?;
        }
        // A gamma, or the name of a curve.
        if space != XYB {
            match self.flag()? {
                true => self.skip(24)?,
                false => self.name().map(|_| ())?,
            }
        }
        self.name()?;
        Some(color)
    }

    /// Places in the plane of chromaticities.
    fn places(&mut self, count: usize) -> Option<()> {
        for _ in 0..2 * count {
            self.choice([(19, 0), (19, 524_288), (20, 1_048_576), (21, 2_097_152)])?;
        }
        Some(())
    }

    /// What follows the color encoding.
    fn rest(&mut self, has_extra: bool, is_xyb: bool) -> Option<()> {
        // How bright it is.
        if has_extra && !self.flag()? {
            self.skip(16 + 16 + 1 + 16)?;
        }
        self.extensions()?;
        if self.flag()? {
            return Some(());
        }
        if is_xyb && !self.flag()? {
            self.skip(OPSIN_NUMBERS * 16)?;
        }
        let mask = self.take(3)?;
        for (kernel, numbers) in KERNEL_NUMBERS.into_iter().enumerate() {
            if mask >> kernel & 1 == 1 {
                self.skip(numbers * 16)?;
            }
        }
        Some(())
    }

    /// What later editions may add.
    pub(super) fn extensions(&mut self) -> Option<()> {
        let kinds = self.long()?;
        let mut len = 0_u64;
        for _ in 0..kinds.count_ones() {
            len = len.saturating_add(self.long()?);
        }
        self.skip(usize::try_from(len).unwrap_or(usize::MAX))
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

//! The header of a frame (ISO/IEC 18181-1, annex F): as much as is needed to go from one frame to
//! the next without decoding any.

use super::bits::{Bits, Frames};
use crate::image::Size;

/// What a frame says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: Kind,
    pub(super) size: Size,
    /// How long it is shown, in ticks; 0 for what is shown together with a later frame.
    pub(super) duration: u32,
    pub(super) is_last: bool,
    /// Whether its sections come in another order, which only decoding tells.
    pub(super) is_permuted: bool,
    /// The sections that it consists of.
    pub(super) sections: u64,
    /// The bit at which its duration stands, or would if it were of an frames.
    pub(super) duration_at: usize,
    /// The bit after that says whether its sections are permuted.
    pub(super) end: usize,
}

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    /// A small picture from which the next one starts.
    Low,
    /// For other frames to refer to.
    Reference,
    SkipProgressive,
}

impl FrameHeader {
    /// Whether an animation shows it by itself.
    pub(super) fn is_shown(&self) -> bool {
        (self.is_last || self.duration > 0) && self.kind.is_normal()
    }
}

impl Kind {
    pub(super) fn is_normal(self) -> bool {
        matches!(self, Self::Regular | Self::SkipProgressive)
    }
}

/// Flags of a frame.
const USES_LOW_FRAME: u64 = 0x20;
/// Of the ways in which a frame is laid over what was there.
const REPLACE: u32 = 0;
const BLEND: u32 = 2;
const WEIGHTED_ADD: u32 = 3;
const MULTIPLY: u32 = 4;

/// Sides of a crop: as many bits, and what is added to them.
const SIDES: [(usize, u32); 4] = [(8, 0), (11, 256), (14, 2304), (30, 18_688)];
/// Factors of which the exponent is stored.
const FACTORS: [(usize, u32); 4] = [(0, 1), (0, 2), (0, 4), (0, 8)];

/// The header at the start of these bytes, or how many bytes are needed at least.
pub(super) fn header(bytes: &[u8], frames: &Frames) -> Result<FrameHeader, usize> {
    let mut bits = Bits::at(bytes, 0);
    let header = read(&mut bits, frames);
    header.ok_or_else(|| bits.at.div_ceil(8).max(bytes.len() + 1))
}

/// One entry of the table of sections: its length in bytes.
pub(super) fn section(bits: &mut Bits<'_>) -> Option<u32> {
    bits.choice([(10, 0), (14, 1024), (22, 17_408), (30, 4_211_712)])
}

fn read(bits: &mut Bits<'_>, frames: &Frames) -> Option<FrameHeader> {
    if bits.flag()? {
        return regular(bits, frames);
    }
    let kind = match bits.take(2)? {
        0 => Kind::Regular,
        1 => Kind::Low,
        2 => Kind::Reference,
        _ => Kind::SkipProgressive,
    };
    let is_modular = bits.flag()?;
    let flags = bits.long()?;
    let is_ycbcr = !frames.is_xyb && bits.flag()?;
    let (mut chroma, mut factor) = ([0; 3], 1);
    if flags & USES_LOW_FRAME == 0 {
        (chroma, factor) = sampling(bits, is_ycbcr, frames.extra_channels)?;
    }
    let group_shift = if is_modular { bits.take(2)? } else { 1 };
    if !is_modular && frames.is_xyb {
        bits.skip(3 + 3)?;
    }
    let passes = if kind == Kind::Reference { 1 } else { passes(bits)? };
    let level = if kind == Kind::Low { bits.choice([(0, 1), (0, 2), (0, 3), (0, 4)])? } else { 0 };
    let (crop, covers) = if kind != Kind::Low && bits.flag()? {
        crop(bits, kind, frames.size)?
    } else {
        (frames.size, true)
    };
    let mut header = FrameHeader {
        kind,
        size: crop,
        duration: 0,
        is_last: false,
        is_permuted: false,
        sections: 0,
        duration_at: 0,
        end: 0,
    };
    timing(bits, frames, covers, &mut header)?;
    let name_len = bits.choice([(0, 0), (4, 0), (5, 16), (10, 48)])?;
    bits.skip(name_len as usize * 8)?;
    filters(bits, is_modular)?;
    bits.extensions()?;
    header.end = bits.at;
    header.is_permuted = bits.flag()?;
    let side = |side: u32| u64::from(side).div_ceil(1 << (3 * level)).div_ceil(factor.into());
    header.sections =
        sections((side(crop.width), side(crop.height)), chroma, 7 + group_shift, passes);
    Some(header)
}

/// How coarse the planes are, and by how much all of them are enlarged.
fn sampling(bits: &mut Bits<'_>, is_ycbcr: bool, extra_channels: u32) -> Option<([u32; 3], u32)> {
    let mut chroma = [0; 3];
    if is_ycbcr {
        for shift in &mut chroma {
            *shift = bits.take(2)?;
        }
    }
    let factor = bits.choice(FACTORS)?;
    for _ in 0..extra_channels {
        bits.choice(FACTORS)?;
    }
    Some((chroma, factor))
}

/// Over what it is laid, how long it is shown and what it is kept for.
fn timing(
    bits: &mut Bits<'_>,
    frames: &Frames,
    covers: bool,
    header: &mut FrameHeader,
) -> Option<()> {
    let kind = header.kind;
    let mut replaces = false;
    if kind.is_normal() {
        let has_alpha = frames.extra_channels > 0;
        replaces = blending(bits, has_alpha, covers)? == REPLACE;
        for _ in 0..frames.extra_channels {
            blending(bits, has_alpha, covers)?;
        }
        header.duration_at = bits.at;
        header.duration = duration(bits, frames)?;
        header.is_last = bits.flag()?;
    }
    let may_be_kept = kind != Kind::Low && !header.is_last;
    let place = if may_be_kept { bits.take(2)? } else { 0 };
    let is_kept = may_be_kept && (header.duration == 0 || place != 0);
    // Whether that is before its colors are converted.
    if kind == Kind::Reference || (is_kept && replaces && covers) {
        bits.flag()?;
    }
    Some(())
}

/// A frame that says that it is like most.
fn regular(bits: &mut Bits<'_>, frames: &Frames) -> Option<FrameHeader> {
    let (duration_at, end) = (bits.at, bits.at);
    let side = |side: u32| u64::from(side);
    let size = frames.size;
    Some(FrameHeader {
        kind: Kind::Regular,
        size,
        duration: 0,
        is_last: true,
        is_permuted: bits.flag()?,
        sections: sections((side(size.width), side(size.height)), [0; 3], 8, 1),
        duration_at,
        end,
    })
}

fn passes(bits: &mut Bits<'_>) -> Option<u64> {
    let passes = bits.choice([(0, 1), (0, 2), (0, 3), (3, 4)])?;
    if passes > 1 {
        let scales = bits.choice([(0, 0), (0, 1), (0, 2), (1, 3)])?;
        bits.skip(2 * (passes as usize - 1))?;
        for _ in 0..scales {
            bits.choice(FACTORS)?;
        }
        for _ in 0..scales {
            bits.choice([(0, 0), (0, 1), (0, 2), (3, 0)])?;
        }
    }
    Some(passes.into())
}

/// The size of a frame that has its own, and whether it covers the canvas.
fn crop(bits: &mut Bits<'_>, kind: Kind, canvas: Size) -> Option<(Size, bool)> {
    let mut place = || {
        let packed = bits.choice(SIDES)?;
        let half = i64::from(packed >> 1);
        Some(if packed & 1 == 1 { -half - 1 } else { half })
    };
    let (x, y) = if kind == Kind::Reference { (0, 0) } else { (place()?, place()?) };
    let size = Size::new(bits.choice(SIDES)?, bits.choice(SIDES)?);
    let covers =
        |start: i64, len: u32, whole: u32| start <= 0 && start + i64::from(len) >= whole.into();
    let covers = covers(x, size.width, canvas.width) && covers(y, size.height, canvas.height);
    // A side of 0 is that of the canvas.
    let side = |own: u32, whole: u32| if own == 0 { whole } else { own };
    Some((Size::new(side(size.width, canvas.width), side(size.height, canvas.height)), covers))
}

/// How a frame is laid over what was there.
fn blending(bits: &mut Bits<'_>, has_extra: bool, covers: bool) -> Option<u32> {
    let mode = bits.choice([(0, 0), (0, 1), (0, 2), (2, 3)])?;
    let uses_alpha = has_extra && (mode == BLEND || mode == WEIGHTED_ADD);
    if uses_alpha {
        bits.choice([(0, 0), (0, 1), (0, 2), (3, 3)])?;
    }
    if uses_alpha || mode == MULTIPLY {
        bits.flag()?;
    }
    if !(covers && mode == REPLACE) {
        bits.skip(2)?;
    }
    Some(mode)
}

fn duration(bits: &mut Bits<'_>, frames: &Frames) -> Option<u32> {
    if !frames.is_animated {
        return Some(0);
    }
    let duration = bits.choice([(0, 0), (0, 1), (8, 0), (32, 0)])?;
    if frames.has_timecodes {
        bits.skip(32)?;
    }
    Some(duration)
}

/// What smooths the frame after it is decoded.
fn filters(bits: &mut Bits<'_>, is_modular: bool) -> Option<()> {
    if bits.flag()? {
        return Some(());
    }
    if bits.flag()? && bits.flag()? {
        bits.skip(6 * 16)?;
    }
    let rounds = bits.take(2)?;
    if rounds > 0 {
        if !is_modular && bits.flag()? {
            bits.skip(8 * 16)?;
        }
        if bits.flag()? {
            bits.skip(5 * 16)?;
        }
        if bits.flag()? {
            bits.skip(if is_modular { 3 } else { 4 } * 16)?;
        }
        if is_modular {
            bits.skip(16)?;
        }
    }
    bits.extensions()
}

/// The sections of a frame of this size, cut into groups of so many bits a side.
fn sections((width, height): (u64, u64), chroma: [u32; 3], group_bits: u32, passes: u64) -> u64 {
    let in_groups = |side: u64| side.div_ceil(1 << group_bits);
    let groups = in_groups(width) * in_groups(height);
    if groups == 1 && passes == 1 {
        return 1;
    }
    // In blocks of 8, and as many of them as the coarsest plane needs.
    let blocks = |side: u64, halved: [u32; 2]| {
        let halves = u32::from(chroma.iter().any(|kind| halved.contains(kind)));
        side.div_ceil(8 << halves) << halves
    };
    let low = in_groups(blocks(width, [1, 2])) * in_groups(blocks(height, [1, 3]));
    2 + low + groups * passes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(width: u32, height: u32) -> Frames {
        Frames {
            size: Size::new(width, height),
            is_animated: true,
            has_timecodes: false,
            is_xyb: true,
            extra_channels: 0,
            samples: 0..0,
            at: Some(0),
        }
    }

    #[test]
    fn a_frame_like_most_is_one_bit() {
        let header = header(&[0b01], &canvas(600, 300)).unwrap();
        assert!(header.is_shown() && header.is_last && !header.is_permuted);
        // Three groups by two, one low group, and two for all.
        assert_eq!((header.end, header.sections), (1, 2 + 1 + 6));
        assert_eq!(super::header(&[0b01], &canvas(256, 200)).unwrap().sections, 1);
        assert_eq!(super::header(&[], &canvas(256, 200)), Err(1));
    }

    #[test]
    fn as_many_bytes_are_asked_for_as_are_needed() {
        // A regular frame by cosines: no flags, no enlargement, scales of 3 and 2, one pass, the
        // whole canvas, replaced, of no duration, the last, with a name of 15 letters.
        let bits: u64 = 0b011 << 8 | 0b010 << 11 | 1 << 21 | 1 << 22 | 15 << 24;
        let bytes = bits.to_le_bytes();
        assert_eq!(header(&bytes[..2], &canvas(9, 9)), Err(3));
        assert_eq!(header(&bytes[..4], &canvas(9, 9)), Err(19));
    }

    #[test]
    fn halved_planes_have_an_even_number_of_blocks() {
        assert_eq!(sections((2049, 9), [0; 3], 8, 1), 2 + 2 + 9);
        assert_eq!(sections((2041, 9), [0; 3], 8, 1), 2 + 1 + 8);
        assert_eq!(sections((2049, 9), [1, 0, 1], 8, 2), 2 + 2 + 18);
        assert_eq!(sections((200, 9), [0; 3], 8, 2), 2 + 1 + 2);
    }
}

//! Leaves out channels that say nothing.

use std::borrow::Cow;

use crate::Size;
use crate::image::{Channels, Packed, Pixels, Scalar};

/// Samples as a PNG stores them: 16-bit ones as two bytes, high byte first.
pub(super) struct Plain<'a> {
    pub(super) size: Size,
    pub(super) channels: Channels,
    pub(super) is_wide: bool,
    pub(super) bytes: Cow<'a, [u8]>,
}

/// A sample of a PNG.
pub(super) trait Sample: Scalar + Eq {
    /// The value that is opaque.
    const FULL: Self;
    /// Whether it takes two bytes.
    const IS_WIDE: bool;
    /// All bits that are set in both.
    fn and(self, other: Self) -> Self;
    /// Samples as they are stored.
    fn bytes(samples: Cow<'_, [Self]>) -> Cow<'_, [u8]>;
}

impl Sample for u8 {
    const FULL: Self = Self::MAX;
    const IS_WIDE: bool = false;

    fn and(self, other: Self) -> Self {
        self & other
    }

    fn bytes(samples: Cow<'_, [Self]>) -> Cow<'_, [u8]> {
        samples
    }
}

impl Sample for u16 {
    const FULL: Self = Self::MAX;
    const IS_WIDE: bool = true;

    fn and(self, other: Self) -> Self {
        self & other
    }

    fn bytes(samples: Cow<'_, [Self]>) -> Cow<'_, [u8]> {
        Cow::Owned(samples.iter().flat_map(|sample| sample.to_be_bytes()).collect())
    }
}

/// The samples without an alpha channel that is opaque throughout and, where `may_be_gray`, as grey
/// when all pixels are.
pub(super) fn plain<S: Sample>(packed: &Packed<S>, may_be_gray: bool) -> Plain<'_> {
    let channels = packed.channels();
    let has_alpha = channels.has_alpha() && !is_opaque(packed);
    let has_color =
        matches!(channels, Channels::Rgb | Channels::Rgba) && !(may_be_gray && is_gray(packed));
    let kept = match (has_color, has_alpha) {
        (false, false) => Channels::Gray,
        (false, true) => Channels::GrayAlpha,
        (true, false) => Channels::Rgb,
        (true, true) => Channels::Rgba,
    };
    Plain {
        size: packed.size(),
        channels: kept,
        is_wide: S::IS_WIDE,
        bytes: S::bytes(with_channels(packed, kept)),
    }
}

/// The same pixels without an alpha channel that is opaque throughout.
pub(super) fn without_full_alpha(pixels: Pixels) -> Pixels {
    match pixels {
        Pixels::U8(packed) => Pixels::U8(opaque(packed)),
        Pixels::U16(packed) => Pixels::U16(opaque(packed)),
        Pixels::Ycc(_) => pixels,
    }
}

fn opaque<S: Sample>(packed: Packed<S>) -> Packed<S> {
    let channels = match packed.channels() {
        Channels::GrayAlpha => Channels::Gray,
        Channels::Rgba => Channels::Rgb,
        Channels::Gray | Channels::Rgb => return packed,
    };
    if !is_opaque(&packed) {
        return packed;
    }
    let samples = with_channels(&packed, channels).into_owned();
    Packed::new(packed.size(), channels, samples)
}

/// Pixels that are looked at before the first answer: enough for the loop to run in SIMD.
const BLOCK: usize = 1024;

fn is_opaque<S: Sample>(packed: &Packed<S>) -> bool {
    let count = packed.channels().count();
    packed.samples().chunks(BLOCK * count).all(|block| {
        let alphas = block.chunks_exact(count).map(|pixel| pixel[count - 1]);
        alphas.fold(S::FULL, S::and) == S::FULL
    })
}

fn is_gray<S: Sample>(packed: &Packed<S>) -> bool {
    let count = packed.channels().count();
    packed.samples().chunks_exact(count).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
}

fn with_channels<S: Sample>(packed: &Packed<S>, kept: Channels) -> Cow<'_, [S]> {
    let samples = packed.samples();
    match (packed.channels(), kept) {
        (from, to) if from == to => Cow::Borrowed(samples),
        (Channels::Rgba, Channels::Rgb) => pick(samples, |[r, g, b, _]: [S; 4]| [r, g, b]),
        (Channels::Rgba, Channels::GrayAlpha) => pick(samples, |[g, _, _, a]: [S; 4]| [g, a]),
        (Channels::Rgba, _) => pick(samples, |[g, _, _, _]: [S; 4]| [g]),
        (Channels::Rgb, _) => pick(samples, |[g, _, _]: [S; 3]| [g]),
        (Channels::GrayAlpha | Channels::Gray, _) => pick(samples, |[g, _]: [S; 2]| [g]),
    }
}

fn pick<'a, S: Sample, const N: usize, const M: usize>(
    samples: &[S],
    pick: impl Fn([S; N]) -> [S; M],
) -> Cow<'a, [S]> {
    let (pixels, _) = samples.as_chunks::<N>();
    let picked: Vec<[S; M]> = pixels.iter().map(|pixel| pick(*pixel)).collect();
    Cow::Owned(picked.into_flattened())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(channels: Channels, samples: &[u8], expected: (Channels, &[u8])) {
        let size = Size::new((samples.len() / channels.count()) as u32, 1);
        let packed = Packed::new(size, channels, samples.to_vec());
        let reduced = plain(&packed, true);
        assert_eq!((reduced.channels, &*reduced.bytes), expected);
    }

    #[test]
    fn channels_that_say_nothing_go() {
        check(Channels::Rgba, &[1, 2, 3, 255, 4, 5, 6, 255], (Channels::Rgb, &[1, 2, 3, 4, 5, 6]));
        check(Channels::Rgba, &[7, 7, 7, 255, 9, 9, 9, 255], (Channels::Gray, &[7, 9]));
        check(Channels::Rgba, &[7, 7, 7, 255, 9, 9, 9, 1], (Channels::GrayAlpha, &[7, 255, 9, 1]));
        check(Channels::GrayAlpha, &[7, 255], (Channels::Gray, &[7]));
        check(Channels::Rgb, &[7, 7, 7], (Channels::Gray, &[7]));
    }

    #[test]
    fn channels_that_say_something_stay() {
        check(Channels::Rgba, &[1, 2, 3, 254], (Channels::Rgba, &[1, 2, 3, 254]));
        check(Channels::Rgb, &[7, 7, 8], (Channels::Rgb, &[7, 7, 8]));
        check(Channels::Gray, &[7], (Channels::Gray, &[7]));
    }

    #[test]
    fn wide_samples_store_the_high_byte_first() {
        let packed = Packed::new(Size::new(1, 1), Channels::Gray, vec![0x1234u16]);
        let reduced = plain(&packed, true);
        assert_eq!((reduced.is_wide, &*reduced.bytes), (true, &[0x12, 0x34][..]));
    }
}

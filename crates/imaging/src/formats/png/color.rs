//! What the chunks of a PNG say of its colors. The first that is there decides: cICP, iCCP, sRGB,
//! then gAMA and cHRM (W3C PNG, third edition, 4.3).

use std::borrow::Cow;

use moxcms::{Chromaticity, ColorPrimaries, ColorProfile, curve_from_gamma};
use native::av1::Cicp;
use png::{Info, SourceChromaticities};

use super::at_depth;
use super::chunks::named_chunks;
use crate::Result;
use crate::formats::{code_points, pq_hlg, profile};
use crate::image::{ColorSpace, Packed, Pixels};
use crate::stage::Sample;

/// What gAMA says in files that mean sRGB and do not say so: 1 / 2.2.
const SRGB_GAMMA: f32 = 0.45455;
const SRGB_GAMMA_SPREAD: f32 = 0.005;
/// Exponents that a curve can have; any other is damage.
const EXPONENTS: std::ops::RangeInclusive<f32> = 0.1..=10.0;

/// The pixels as a usual screen shows them, in the same depth.
pub(super) fn shown(pixels: Pixels, info: &Info<'_>) -> Result<Pixels> {
    let Some(cicp) = cicp(info) else { return Ok(pixels) };
    let pixels = if cicp.full_range { pixels } else { full_range(pixels) };
    if !pq_hlg::is_hdr(cicp) {
        return Ok(pixels);
    }
    let depth = if matches!(pixels, Pixels::U8(_)) { 8 } else { 16 };
    Ok(at_depth(&pq_hlg::to_sdr(pixels, cicp)?, Some(depth)).into_owned())
}

/// Whether the samples change to be [`shown`].
pub(super) fn changes(info: &Info<'_>) -> bool {
    cicp(info).is_some_and(|cicp| pq_hlg::is_hdr(cicp) || !cicp.full_range)
}

fn is_hdr(info: &Info<'_>) -> bool {
    cicp(info).is_some_and(pq_hlg::is_hdr)
}

/// The file as the decoder reads it: it refuses one with a cICP for other than RGB, or without a
/// range, where such a chunk should count as if it were not there.
pub(super) fn readable(png: &[u8]) -> Cow<'_, [u8]> {
    let mut readable = Cow::Borrowed(png);
    for chunk in named_chunks(png).take_while(|chunk| chunk.name != b"IDAT") {
        if chunk.name == b"cICP" && !matches!(chunk.data, [_, _, 0, 0 | 1]) {
            // With a wrong checksum, which stands at its end, it is passed over.
            readable.to_mut()[chunk.place().end - 1] ^= 0xFF;
        }
    }
    readable
}

/// The code points, where they are known: else the chunk counts as if it were not there.
fn cicp(info: &Info<'_>) -> Option<Cicp> {
    let points = info.coding_independent_code_points?;
    let cicp = Cicp {
        primaries: points.color_primaries,
        transfer: points.transfer_function,
        matrix: points.matrix_coefficients,
        full_range: points.is_video_full_range_image,
    };
    code_points::is_known(cicp).then_some(cicp)
}

/// Samples of the range of video (16 to 235 of 8 bits, ITU-T H.273) on the whole range.
fn full_range(pixels: Pixels) -> Pixels {
    fn spread<S: Sample>(mut packed: Packed<S>, most: f32) -> Packed<S> {
        let (count, has_alpha) = (packed.channels().count(), packed.channels().has_alpha());
        for pixel in packed.samples_mut().chunks_exact_mut(count) {
            for sample in &mut pixel[..count - usize::from(has_alpha)] {
                let value = (sample.to_f32() / S::MAX * most - 16.0) / 219.0;
                *sample = S::from_f32(value * S::MAX);
            }
        }
        packed
    }
    match pixels {
        Pixels::U8(packed) => Pixels::U8(spread(packed, 255.0)),
        // 16 and 235 lie at 256 times their value, and the largest sample a little below 256.
        Pixels::U16(packed) => Pixels::U16(spread(packed, 65_535.0 / 256.0)),
        planes @ Pixels::Ycc(_) => planes,
    }
}

/// The color space of RGB or gray samples as they are [`shown`].
pub(super) fn color_space(info: &Info<'_>, is_gray: bool) -> ColorSpace {
    if is_hdr(info) {
        return ColorSpace::Srgb;
    }
    if let Some(color) = cicp(info).and_then(|cicp| code_points::color_space(cicp, is_gray)) {
        return color;
    }
    let profile = match (&info.icc_profile, info.srgb) {
        (Some(icc), _) => Some(icc.to_vec()),
        (None, Some(_)) => None,
        (None, None) => measured(info, is_gray).and_then(|profile| profile.encode().ok()),
    };
    profile::color_space(profile, is_gray)
}

/// The curve and the primaries, where one of them is given.
fn measured(info: &Info<'_>, is_gray: bool) -> Option<ColorProfile> {
    let primaries = info.chrm_chunk.as_ref().and_then(primaries).filter(|_| !is_gray);
    let gamma = info.gama_chunk.map(png::ScaledFloat::into_value);
    let exponent = gamma
        .filter(|gamma| primaries.is_some() || (gamma - SRGB_GAMMA).abs() > SRGB_GAMMA_SPREAD)
        .map(f32::recip)
        .filter(|exponent| EXPONENTS.contains(exponent));
    if is_gray {
        return exponent.map(ColorProfile::new_gray_with_gamma);
    }
    if exponent.is_none() && primaries.is_none() {
        return None;
    }
    let mut profile = ColorProfile::new_srgb();
    profile.description = None;
    profile.cicp = None;
    if let Some((white, primaries)) = primaries {
        profile.update_rgb_colorimetry(white.to_xyyb(), primaries);
    }
    if let Some(exponent) = exponent {
        let curve = Some(curve_from_gamma(exponent));
        (profile.red_trc, profile.green_trc, profile.blue_trc) =
            (curve.clone(), curve.clone(), curve);
    }
    Some(profile)
}

/// White and primaries, if they span any colors.
fn primaries(given: &SourceChromaticities) -> Option<(Chromaticity, ColorPrimaries)> {
    let point = |(x, y): (png::ScaledFloat, png::ScaledFloat)| (x.into_value(), y.into_value());
    let [white, red, green, blue] = [given.white, given.red, given.green, given.blue].map(point);
    let area = (green.0 - red.0) * (blue.1 - red.1) - (blue.0 - red.0) * (green.1 - red.1);
    let is_sound = |(x, y): (f32, f32)| (0.0..=1.0).contains(&x) && (0.001..=1.0).contains(&y);
    if area.abs() < 0.001 || ![white, red, green, blue].into_iter().all(is_sound) {
        return None;
    }
    let [white, red, green, blue] = [white, red, green, blue].map(|(x, y)| Chromaticity::new(x, y));
    Some((white, ColorPrimaries { red, green, blue }))
}

//! From samples as they are stored to gray or RGB, with straight alpha.

use super::directory::Directory;
use super::facts::{Alpha, COLOR_MAP, Facts, ICC, Photometric, YCC_COEFFICIENTS};
use crate::formats::jpeg::ink;
use crate::formats::lab;
use crate::formats::profile;
use crate::image::{Channels, ColorSpace, Packed, Pixels, Size};
use crate::kernels::narrow::{narrow, widen};
use crate::{Error, Result};

/// Samples of an image: the colors and, where there is one, the alpha after them.
pub(super) enum Samples {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

/// Pixels and what their numbers mean.
pub(super) fn interpret(
    samples: Samples,
    facts: &Facts,
    directory: &Directory<'_>,
) -> Result<(Pixels, ColorSpace)> {
    let has_alpha = facts.alpha.is_some();
    let icc = directory.bytes(ICC).map(<[u8]>::to_vec);
    let gray = if has_alpha { Channels::GrayAlpha } else { Channels::Gray };
    let rgb = if has_alpha { Channels::Rgba } else { Channels::Rgb };
    let size = facts.size;
    let pixels = match facts.photometric {
        Photometric::Gray | Photometric::GrayFromWhite => {
            let mut samples = scaled(samples, facts.bits);
            if facts.photometric == Photometric::GrayFromWhite {
                invert(&mut samples, gray.count());
            }
            packed(size, gray, samples)
        }
        Photometric::Rgb => packed(size, rgb, scaled(samples, facts.bits)),
        Photometric::Palette => {
            let map = directory.numbers(COLOR_MAP).unwrap_or_default();
            Pixels::U8(Packed::new(size, rgb, from_palette(samples, facts, &map)?))
        }
        Photometric::Inks => {
            let samples = to_narrow(scaled(samples, facts.bits));
            let inks =
                with_alpha(&samples, 4, has_alpha, |inks| ink::to_srgb(inks, icc.as_deref()));
            let pixels = Pixels::U8(Packed::new(size, rgb, inks));
            return Ok((straight(pixels, facts), ColorSpace::Srgb));
        }
        Photometric::Ycc => {
            let [red, green, blue] = coefficients(directory)?;
            let samples = to_narrow(scaled(samples, facts.bits));
            let to_rgb = |ycc: &[u8]| from_ycc(ycc, [red, green, blue]);
            Pixels::U8(Packed::new(size, rgb, with_alpha(&samples, 3, has_alpha, to_rgb)))
        }
        Photometric::Lab | Photometric::IccLab => {
            let is_signed = facts.photometric == Photometric::Lab;
            let pixels = Pixels::U16(Packed::new(size, rgb, from_lab(samples, facts, is_signed)));
            return Ok((straight(pixels, facts), ColorSpace::Srgb));
        }
    };
    let color =
        profile::color_space(icc, !matches!(pixels.channels(), Channels::Rgb | Channels::Rgba));
    Ok((straight(pixels, facts), color))
}

fn packed(size: Size, channels: Channels, samples: Samples) -> Pixels {
    match samples {
        Samples::Narrow(samples) => Pixels::U8(Packed::new(size, channels, samples)),
        Samples::Wide(samples) => Pixels::U16(Packed::new(size, channels, samples)),
    }
}

/// Samples on the whole range of 8 or 16 bits.
fn scaled(mut samples: Samples, bits: u8) -> Samples {
    match &mut samples {
        Samples::Narrow(samples) if bits < 8 => {
            let max = (1u32 << bits) - 1;
            samples.iter_mut().for_each(|s| *s = ((u32::from(*s) * 255 + max / 2) / max) as u8);
        }
        Samples::Wide(samples) if bits < 16 => {
            let max = (1u32 << bits) - 1;
            samples.iter_mut().for_each(|s| *s = ((u32::from(*s) * 65_535 + max / 2) / max) as u16);
        }
        Samples::Narrow(_) | Samples::Wide(_) => {}
    }
    samples
}

fn to_narrow(samples: Samples) -> Vec<u8> {
    match samples {
        Samples::Narrow(samples) => samples,
        Samples::Wide(samples) => narrow(&samples),
    }
}

fn invert(samples: &mut Samples, count: usize) {
    match samples {
        Samples::Narrow(samples) => samples.iter_mut().step_by(count).for_each(|s| *s = !*s),
        Samples::Wide(samples) => samples.iter_mut().step_by(count).for_each(|s| *s = !*s),
    }
}

/// Colors by a function that knows no alpha, the alpha beside them again.
pub(in crate::formats) fn with_alpha<S: Copy>(
    samples: &[S],
    colors: usize,
    has_alpha: bool,
    to_rgb: impl Fn(&[S]) -> Vec<S>,
) -> Vec<S> {
    if !has_alpha {
        return to_rgb(samples);
    }
    let mut out = Vec::with_capacity(samples.len() / (colors + 1) * 4);
    // Pieces, so that there is never a second image in memory.
    for piece in samples.chunks((colors + 1) * 4096) {
        let pixels = piece.chunks_exact(colors + 1);
        let plain: Vec<S> = pixels.clone().flat_map(|pixel| &pixel[..colors]).copied().collect();
        for (rgb, pixel) in to_rgb(&plain).chunks_exact(3).zip(pixels) {
            out.extend_from_slice(rgb);
            out.push(pixel[colors]);
        }
    }
    out
}

fn from_palette(samples: Samples, facts: &Facts, map: &[u64]) -> Result<Vec<u8>> {
    let Samples::Narrow(samples) = samples else {
        return Err(Error::unsupported(format!(
            "a TIFF palette of {} bits is not supported",
            facts.bits
        )));
    };
    let len = 1usize << facts.bits;
    if map.len() < 3 * len {
        return Err(Error::input("the TIFF has a palette that is too short"));
    }
    // Some writers take the range of 8 bits instead of 16.
    let is_narrow = map.iter().all(|value| *value < 256);
    // The high byte is the level whether writers filled the low one or not.
    let level = |value: u64| if is_narrow { value as u8 } else { (value >> 8) as u8 };
    let color = |index: usize| [0, 1, 2].map(|plane| level(map[plane * len + index]));
    let colors: Vec<[u8; 3]> = (0..len).map(color).collect();
    let top = (len - 1) as u32;
    let mut out = Vec::new();
    for pixel in samples.chunks_exact(1 + usize::from(facts.alpha.is_some())) {
        out.extend(colors[usize::from(pixel[0])]);
        out.extend(pixel.get(1).map(|alpha| (u32::from(*alpha) * 255 / top) as u8));
    }
    Ok(out)
}

/// The shares of red, green and blue in luma (TIFF 6.0, section 21).
fn coefficients(directory: &Directory<'_>) -> Result<[f32; 3]> {
    match directory.rationals(YCC_COEFFICIENTS)[..] {
        [red, green, blue] if red > 0.0 && green > 0.0 && blue > 0.0 => {
            Ok([red as f32, green as f32, blue as f32])
        }
        [] => Ok([0.299, 0.587, 0.114]),
        _ => Err(Error::input("the TIFF has luma coefficients that make no sense")),
    }
}

fn from_ycc(ycc: &[u8], [red, green, blue]: [f32; 3]) -> Vec<u8> {
    let mut out = Vec::with_capacity(ycc.len());
    for pixel in ycc.chunks_exact(3) {
        let [luma, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
        let r = luma + (cr - 128.0) * (2.0 - 2.0 * red);
        let b = luma + (cb - 128.0) * (2.0 - 2.0 * blue);
        let g = (luma - blue * b - red * r) / green;
        out.extend([r, g, b].map(|value| (value + 0.5) as u8));
    }
    out
}

fn from_lab(samples: Samples, facts: &Facts, is_signed: bool) -> Vec<u16> {
    let has_alpha = facts.alpha.is_some();
    let samples = match scaled(samples, facts.bits) {
        Samples::Narrow(samples) if is_signed => {
            // As if they were raised by half of the range, on 16 bits.
            let levels = |lab: &[u8]| {
                let raise = |(index, s): (usize, &u8)| if index % 3 == 0 { *s } else { s ^ 0x80 };
                widen(&lab.iter().enumerate().map(raise).collect::<Vec<_>>())
            };
            return with_alpha_wide(&samples, has_alpha, |lab| lab::to_srgb(&levels(lab), 257.0));
        }
        Samples::Narrow(samples) => {
            return with_alpha_wide(&samples, has_alpha, |lab| lab::to_srgb(&widen(lab), 257.0));
        }
        Samples::Wide(samples) => samples,
    };
    with_alpha(&samples, 3, has_alpha, |lab| {
        let raise =
            |(index, s): (usize, &u16)| if is_signed && index % 3 != 0 { s ^ 0x8000 } else { *s };
        lab::to_srgb(&lab.iter().enumerate().map(raise).collect::<Vec<_>>(), 256.0)
    })
}

/// As [`with_alpha`], with colors that become wide.
fn with_alpha_wide(
    samples: &[u8],
    has_alpha: bool,
    to_rgb: impl Fn(&[u8]) -> Vec<u16>,
) -> Vec<u16> {
    if !has_alpha {
        return to_rgb(samples);
    }
    let pixels = samples.chunks_exact(4);
    let wide = |pixel: &[u8]| {
        let rgb = to_rgb(&pixel[..3]);
        [rgb[0], rgb[1], rgb[2], u16::from(pixel[3]) * 257]
    };
    pixels.flat_map(wide).collect()
}

/// Divides the colors by the alpha they were multiplied with.
fn straight(mut pixels: Pixels, facts: &Facts) -> Pixels {
    if !matches!(facts.alpha, Some((_, Alpha::Premultiplied))) {
        return pixels;
    }
    match &mut pixels {
        Pixels::U8(packed) => {
            let count = packed.channels().count();
            for pixel in packed.samples_mut().chunks_exact_mut(count) {
                divide(pixel, 255, u32::from, |value| value as u8);
            }
        }
        Pixels::U16(packed) => {
            let count = packed.channels().count();
            for pixel in packed.samples_mut().chunks_exact_mut(count) {
                divide(pixel, 65_535, u32::from, |value| value as u16);
            }
        }
        Pixels::Ycc(_) => {}
    }
    pixels
}

fn divide<S: Copy>(pixel: &mut [S], max: u32, widen: impl Fn(S) -> u32, narrow: impl Fn(u32) -> S) {
    let Some((alpha, colors)) = pixel.split_last_mut() else { return };
    let alpha = widen(*alpha);
    for color in colors {
        let value = (widen(*color) * max + alpha / 2).checked_div(alpha);
        *color = value.map_or(*color, |value| narrow(value.min(max)));
    }
}

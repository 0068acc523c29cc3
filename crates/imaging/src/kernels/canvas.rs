//! Cropping, canvases and backgrounds.

use crate::color::Color;
use crate::image::{Channels, Packed, Pixels, zeroed};
use crate::kernels::narrow::{narrowed, widened};
use crate::stage::{Extend, Rect, Sample};
use crate::{Error, Result};

/// A rectangle of an image of interleaved samples.
pub fn crop(pixels: &Pixels, rect: Rect) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => crop_packed(packed, rect).map(Pixels::U8),
        Pixels::U16(packed) => crop_packed(packed, rect).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes are cropped by the resampler")),
    }
}

fn crop_packed<S: Sample>(packed: &Packed<S>, rect: Rect) -> Result<Packed<S>> {
    let mut out = Packed::zeroed(rect.size, packed.channels())?;
    let count = packed.channels().count();
    let (stride, width) = (packed.stride(), rect.size.width as usize * count);
    let start = rect.y as usize * stride + rect.x as usize * count;
    let rows = packed.samples()[start..].chunks(stride);
    for (from, to) in rows.zip(out.samples_mut().chunks_exact_mut(width)) {
        to.copy_from_slice(&from[..width]);
    }
    Ok(out)
}

/// The image on a larger canvas.
pub fn extend(pixels: Pixels, extend: &Extend) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => extend_packed(packed, extend).map(Pixels::U8),
        Pixels::U16(packed) => extend_packed(packed, extend).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes have no canvas")),
    }
}

fn extend_packed<S: Sample>(packed: Packed<S>, extend: &Extend) -> Result<Packed<S>> {
    let [r, g, b, _] = extend.color.0;
    let is_gray = r == g && g == b;
    let channels = match (packed.channels(), extend.color.is_opaque()) {
        (Channels::Gray, true) if is_gray => Channels::Gray,
        (Channels::Gray | Channels::GrayAlpha, _) if is_gray => Channels::GrayAlpha,
        (Channels::Gray | Channels::Rgb, true) => Channels::Rgb,
        (Channels::Gray | Channels::GrayAlpha | Channels::Rgb | Channels::Rgba, _) => {
            Channels::Rgba
        }
    };
    let packed = packed.with_channels(channels)?;
    let color = extend.color.0.map(S::from_u8);
    let pixel = match channels {
        Channels::Gray => vec![color[0]],
        Channels::GrayAlpha => vec![color[0], color[3]],
        Channels::Rgb => color[..3].to_vec(),
        Channels::Rgba => color.to_vec(),
    };
    let mut out = Packed::zeroed(extend.size, channels)?;
    for to in out.samples_mut().chunks_exact_mut(pixel.len()) {
        to.copy_from_slice(&pixel);
    }
    let stride = out.stride();
    let (x, y) = (extend.x as usize * pixel.len(), extend.y as usize);
    let rows = out.samples_mut().chunks_exact_mut(stride).skip(y);
    for (from, to) in packed.rows().zip(rows) {
        to[x..x + from.len()].copy_from_slice(from);
    }
    Ok(out)
}

/// The image over a color, without alpha.
pub fn flatten(pixels: Pixels, background: Color) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => flatten_packed(packed, background).map(Pixels::U8),
        Pixels::U16(packed) => flatten_packed(packed, background).map(Pixels::U16),
        Pixels::Ycc(planar) => Ok(Pixels::Ycc(planar)),
    }
}

fn flatten_packed<S: Sample>(packed: Packed<S>, background: Color) -> Result<Packed<S>> {
    let [r, g, b, _] = background.0;
    let packed = match packed.channels() {
        Channels::Gray | Channels::Rgb => return Ok(packed),
        Channels::GrayAlpha if r == g && g == b => packed,
        Channels::GrayAlpha | Channels::Rgba => packed.with_channels(Channels::Rgba)?,
    };
    let count = packed.channels().count();
    let channels = if count == 2 { Channels::Gray } else { Channels::Rgb };
    let background = background.0.map(|sample| S::from_u8(sample).to_f32());
    let mut out = Packed::zeroed(packed.size(), channels)?;
    let pixels = packed.samples().chunks_exact(count);
    for (from, to) in pixels.zip(out.samples_mut().chunks_exact_mut(count - 1)) {
        let alpha = from[count - 1].to_f32() / S::MAX;
        for (channel, sample) in to.iter_mut().enumerate() {
            let behind = background[channel];
            *sample = S::from_f32(behind + (from[channel].to_f32() - behind) * alpha);
        }
    }
    Ok(out)
}

/// 16-bit samples as 8-bit samples, rounded.
pub fn narrow(packed: &Packed<u16>) -> Result<Packed<u8>> {
    let mut samples: Vec<u8> = zeroed(packed.samples().len() as u64)?;
    for (to, from) in samples.iter_mut().zip(packed.samples()) {
        *to = narrowed(*from);
    }
    Ok(Packed::new(packed.size(), packed.channels(), samples))
}

/// 8-bit samples as 16-bit samples.
pub fn widen(packed: &Packed<u8>) -> Result<Packed<u16>> {
    let mut samples: Vec<u16> = zeroed(packed.samples().len() as u64)?;
    for (to, from) in samples.iter_mut().zip(packed.samples()) {
        *to = widened(*from);
    }
    Ok(Packed::new(packed.size(), packed.channels(), samples))
}

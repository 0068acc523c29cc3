//! PNG by palette: at most 256 colors, each with an alpha (W3C PNG, 11.2.3 and 11.3.2.1).

use std::borrow::Cow;
use std::collections::BTreeMap;

use png::{BitDepth, ColorType, DeflateCompression, EncodingError, Filter};

use super::{Settings, at_depth, encoder, failure};
use crate::image::{self, Channels, ColorSpace, Pixels};
use crate::kernels::palette::{self, Histogram, Palette, Rgb, Rgba, by_palette, dither};
use crate::output::Output;
use crate::{Error, Image, Result, icc};

/// The picture by palette.
struct Indexed {
    colors: Vec<Rgba>,
    indices: Vec<u8>,
}

/// A PNG of at most this many colors.
pub(super) fn encode(
    image: &Image,
    pixels: &Pixels,
    colors_max: u16,
    output: &Output,
) -> Result<Vec<u8>> {
    let pixels = at_depth(pixels, Some(8)).into_owned();
    let is_gray = matches!(pixels.channels(), Channels::Gray | Channels::GrayAlpha);
    // A palette is RGB, so a profile for gray would not fit it.
    let (pixels, color) = match &image.color {
        ColorSpace::Icc(profile) if is_gray => {
            (icc::to_srgb(pixels, profile)?, Cow::Owned(ColorSpace::Srgb))
        }
        color => (pixels, Cow::Borrowed(color)),
    };
    let Pixels::U8(packed) = pixels else {
        return Err(Error::internal("a PNG by palette is made of samples of 8 bits"));
    };
    let size = packed.size();
    let packed = packed.with_channels(Channels::Rgba)?;
    let width = size.width as usize;
    let rounds = palette::rounds(output.effort);
    let indexed = indexed(packed.samples().as_chunks().0, width, colors_max.into(), rounds)?;
    drop(packed);
    let (bit_depth, bits) = match indexed.colors.len() {
        0..=2 => (BitDepth::One, 1),
        3..=4 => (BitDepth::Two, 2),
        5..=16 => (BitDepth::Four, 4),
        _ => (BitDepth::Eight, 8),
    };
    let rows = packed_rows(&indexed.indices, width, bits)?;
    let write = |settings: Settings| -> Result<Vec<u8>, EncodingError> {
        let mut info = png::Info::with_size(size.width, size.height);
        (info.color_type, info.bit_depth) = (ColorType::Indexed, bit_depth);
        let rgb: Vec<u8> = indexed.colors.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
        info.palette = Some(rgb.into());
        // Colors behind the last that shines through need not say that they are opaque.
        let alphas: Vec<u8> =
            indexed.colors.iter().map(|color| color[3]).take_while(|alpha| *alpha != 255).collect();
        info.trns = (!alphas.is_empty()).then(|| alphas.into());
        let mut bytes = Vec::new();
        let encoder = encoder(&mut bytes, info, (&color, &image.metadata), settings)?;
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rows)?;
        writer.finish()?;
        Ok(bytes)
    };
    let mut smallest: Option<Vec<u8>> = None;
    for settings in settings(output.effort) {
        let png = write(*settings).map_err(failure)?;
        if smallest.as_ref().is_none_or(|smallest| png.len() < smallest.len()) {
            smallest = Some(png);
        }
    }
    smallest.ok_or_else(|| Error::internal("no PNG was written"))
}

/// Filters predict values from their neighbours, but indices have no order that they could go by.
fn settings(effort: Option<u8>) -> &'static [Settings] {
    const QUICK: Settings = (DeflateCompression::Level(2), Filter::NoFilter);
    const SMALL: Settings = (DeflateCompression::Level(6), Filter::NoFilter);
    match effort {
        Some(0..=2) => &[QUICK],
        None | Some(3..=7) => &[SMALL],
        // Palettes are sorted by lightness, which a filter can make use of in ramps.
        Some(8..) => &[super::UNFILTERED, super::SMALLEST],
    }
}

/// Pixels in at most this many colors: as they are where there are no more, else the nearest of a
/// palette, with the errors spread.
fn indexed(pixels: &[Rgba], width: usize, max: usize, rounds: u8) -> Result<Indexed> {
    if let Some(exact) = exact(pixels, max)? {
        return Ok(exact);
    }
    if pixels.iter().any(|pixel| !matches!(pixel[3], 0 | 255)) {
        let (colors, indices) = by_palette(pixels, width, max, rounds)?;
        return Ok(Indexed { colors, indices });
    }
    let mut solid: Vec<Option<Rgb>> = image::zeroed(pixels.len() as u64)?;
    for (solid, [r, g, b, alpha]) in solid.iter_mut().zip(pixels) {
        *solid = (*alpha != 0).then_some([*r, *g, *b]);
    }
    let has_clear = solid.contains(&None);
    let histogram = Histogram::of(solid.iter().flatten().copied());
    let mut palette = Palette::of(&histogram, max - usize::from(has_clear), rounds);
    let clear = palette.colors().len();
    let mut indices = dither(&mut palette, width, &solid, clear as u8);
    let opaque = palette.colors().iter().map(|[r, g, b]| [*r, *g, *b, 255]);
    let mut colors: Vec<Rgba> = opaque.collect();
    if has_clear {
        colors.insert(0, [0; 4]);
        for index in &mut indices {
            *index = if usize::from(*index) == clear { 0 } else { *index + 1 };
        }
    }
    Ok(Indexed { colors, indices })
}

/// The pixels by a palette of all their colors, where there are no more than this. What is clear
/// has no color.
fn exact(pixels: &[Rgba], max: usize) -> Result<Option<Indexed>> {
    let shown = |pixel: &Rgba| if pixel[3] == 0 { [0; 4] } else { *pixel };
    // What is not opaque comes first, and the palette goes from dark to light.
    let key = |[r, g, b, a]: Rgba| {
        (a == 255, 3 * u32::from(r) + 6 * u32::from(g) + u32::from(b), r, g, b, a)
    };
    let mut colors = BTreeMap::new();
    let mut last = None;
    for pixel in pixels.iter().map(shown) {
        if last != Some(pixel) {
            last = Some(pixel);
            colors.insert(key(pixel), pixel);
            if colors.len() > max {
                return Ok(None);
            }
        }
    }
    let places: BTreeMap<Rgba, u8> = colors.values().copied().zip(0..=u8::MAX).collect();
    let mut indices: Vec<u8> = image::zeroed(pixels.len() as u64)?;
    let mut last = ([0; 4], places.get(&[0; 4]).copied().unwrap_or(0));
    for (index, pixel) in indices.iter_mut().zip(pixels.iter().map(shown)) {
        if last.0 != pixel {
            last = (pixel, places.get(&pixel).copied().unwrap_or(0));
        }
        *index = last.1;
    }
    Ok(Some(Indexed { colors: colors.into_values().collect(), indices }))
}

/// Rows of so many bits a pixel, the first in the high bits, each row filled up to a byte.
fn packed_rows(indices: &[u8], width: usize, bits: usize) -> Result<Cow<'_, [u8]>> {
    if bits == 8 {
        return Ok(Cow::Borrowed(indices));
    }
    let stride = (width * bits).div_ceil(8);
    let mut rows: Vec<u8> = image::zeroed((stride * (indices.len() / width)) as u64)?;
    for (row, indices) in rows.chunks_mut(stride).zip(indices.chunks(width)) {
        for (x, index) in indices.iter().enumerate() {
            row[x * bits / 8] |= index << (8 - bits - x * bits % 8);
        }
    }
    Ok(Cow::Owned(rows))
}

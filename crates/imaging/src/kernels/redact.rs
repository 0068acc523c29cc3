//! Making a rectangle of an image unreadable.

use crate::color::Color;
use crate::image::{Channels, Packed, Pixels};
use crate::stage::{Rect, Sample};
use crate::{Error, Result, Size};

/// What becomes of a rectangle.
#[derive(Debug, Clone)]
pub enum Way {
    /// One opaque color.
    Solid(Color),
    /// The averages of a grid, with smooth steps between them.
    Blur(Grid),
    /// The averages of a grid.
    Pixelate(Grid),
}

/// How many averages are kept of a rectangle, across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// From left to right.
    pub columns: u32,
    /// From top to bottom.
    pub rows: u32,
}

/// The most averages along the longer and along the shorter side.
const LONGER_MAX: f64 = 12.0;
const SHORTER_MAX: f64 = 4.0;
/// The smallest block, in pixels.
const BLOCK_MIN: f64 = 8.0;
/// Averages are rounded to so many steps.
const STEPS: f32 = 15.0;

impl Grid {
    /// As many blocks as fit, of the wanted size where that is not too fine.
    pub fn of(size: Size, wanted: Option<f64>) -> Self {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (shorter, longer) = (width.min(height), width.max(height));
        let least = (shorter / SHORTER_MAX).max(longer / LONGER_MAX).max(BLOCK_MIN);
        let block = wanted.unwrap_or(0.0).max(least);
        let count = |side: f64| ((side / block).floor() as u32).max(1);
        Self { columns: count(width), rows: count(height) }
    }
}

/// Makes a rectangle of the image unreadable; nothing else changes.
pub fn redact(pixels: Pixels, rect: Rect, way: &Way) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => redact_packed(packed, rect, way).map(Pixels::U8),
        Pixels::U16(packed) => redact_packed(packed, rect, way).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes are not redacted")),
    }
}

fn redact_packed<S: Sample>(packed: Packed<S>, rect: Rect, way: &Way) -> Result<Packed<S>> {
    let packed = match (way, packed.channels()) {
        (Way::Solid(color), Channels::Gray | Channels::GrayAlpha) if !is_gray(*color) => {
            let has_alpha = packed.channels().has_alpha();
            packed.with_channels(if has_alpha { Channels::Rgba } else { Channels::Rgb })?
        }
        _ => packed,
    };
    Ok(match packed.channels() {
        Channels::Gray => redact_pixels::<S, 1>(packed, rect, way),
        Channels::GrayAlpha => redact_pixels::<S, 2>(packed, rect, way),
        Channels::Rgb => redact_pixels::<S, 3>(packed, rect, way),
        Channels::Rgba => redact_pixels::<S, 4>(packed, rect, way),
    })
}

fn is_gray(Color([r, g, b, _]): Color) -> bool {
    r == g && g == b
}

fn redact_pixels<S: Sample, const N: usize>(
    mut packed: Packed<S>,
    rect: Rect,
    way: &Way,
) -> Packed<S> {
    let stride = packed.size().width as usize;
    let (width, height) = (rect.size.width as usize, rect.size.height as usize);
    let first = rect.y as usize * stride + rect.x as usize;
    let pixels = packed.samples_mut().as_chunks_mut::<N>().0;
    let row_at = |y: usize| first + y * stride..first + y * stride + width;
    match way {
        Way::Solid(color) => {
            let [r, g, b, _] = color.0.map(S::from_u8);
            let all = [r, g, b, S::max()];
            let pixel = std::array::from_fn(|c| match N {
                1 | 2 => [r, S::max()][c],
                _ => all[c],
            });
            (0..height).for_each(|y| pixels[row_at(y)].fill(pixel));
        }
        Way::Pixelate(grid) => {
            let kept = averages::<S, N>(|y| &pixels[row_at(y)], rect.size, *grid);
            for y in 0..height {
                let row = y * grid.rows as usize / height;
                for (x, pixel) in pixels[row_at(y)].iter_mut().enumerate() {
                    let column = x * grid.columns as usize / width;
                    *pixel = straight(kept[row * grid.columns as usize + column]);
                }
            }
        }
        Way::Blur(grid) => {
            let kept = averages::<S, N>(|y| &pixels[row_at(y)], rect.size, *grid);
            let columns = grid.columns as usize;
            for y in 0..height {
                let (above, below, down) = between(y, height, grid.rows as usize);
                for (x, pixel) in pixels[row_at(y)].iter_mut().enumerate() {
                    let (left, right, across) = between(x, width, columns);
                    let at = |row: usize, column: usize| kept[row * columns + column];
                    *pixel = straight(std::array::from_fn(|c| {
                        let upper = mix(at(above, left)[c], at(above, right)[c], across);
                        let lower = mix(at(below, left)[c], at(below, right)[c], across);
                        mix(upper, lower, down)
                    }));
                }
            }
        }
    }
    packed
}

fn mix(from: f32, to: f32, t: f32) -> f32 {
    from + (to - from) * t
}

/// The two blocks whose middles a place lies between, and how far it is from the first to the
/// second, on a smooth curve.
fn between(at: usize, side: usize, blocks: usize) -> (usize, usize, f32) {
    let position = (at as f32 + 0.5) / side as f32 * blocks as f32 - 0.5;
    let first = position.floor().max(0.0);
    let t = (position - first).clamp(0.0, 1.0);
    let last = blocks - 1;
    ((first as usize).min(last), (first as usize + 1).min(last), t * t * (3.0 - 2.0 * t))
}

/// Premultiplied averages of the blocks, rounded to a few steps: what distinguishes similar
/// originals is lost in the rounding.
fn averages<'a, S: Sample, const N: usize>(
    row: impl Fn(usize) -> &'a [[S; N]],
    size: Size,
    grid: Grid,
) -> Vec<[f32; N]> {
    let (columns, rows) = (grid.columns as usize, grid.rows as usize);
    let (width, height) = (size.width as usize, size.height as usize);
    let mut sums = vec![([0.0f64; N], 0u64); columns * rows];
    for y in 0..height {
        let block_row = y * rows / height * columns;
        for (x, pixel) in row(y).iter().enumerate() {
            let (sum, count) = &mut sums[block_row + x * columns / width];
            let alpha =
                if N.is_multiple_of(2) { f64::from(pixel[N - 1].to_f32() / S::MAX) } else { 1.0 };
            for c in 0..N {
                let is_alpha = N.is_multiple_of(2) && c == N - 1;
                let weight = if is_alpha { 1.0 } else { alpha };
                sum[c] += f64::from(pixel[c].to_f32() / S::MAX) * weight;
            }
            *count += 1;
        }
    }
    let average = |(sum, count): ([f64; N], u64)| {
        sum.map(|value| (value as f32 / count.max(1) as f32 * STEPS).round() / STEPS)
    };
    sums.into_iter().map(average).collect()
}

fn straight<S: Sample, const N: usize>(premultiplied: [f32; N]) -> [S; N] {
    let alpha = if N.is_multiple_of(2) { premultiplied[N - 1] } else { 1.0 };
    std::array::from_fn(|c| {
        let is_alpha = N.is_multiple_of(2) && c == N - 1;
        let value = premultiplied[c];
        let value = if is_alpha || alpha <= 0.0 { value } else { (value / alpha).min(1.0) };
        S::from_f32(value * S::MAX)
    })
}

#[cfg(test)]
mod tests;

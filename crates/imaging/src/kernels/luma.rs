//! Brightness alone.

use crate::Result;
use crate::image::{Channels, Packed};
use crate::kernels::rows;
use crate::stage::Sample;

/// The luma of an image (ITU-R BT.601), as one channel.
pub fn luma<S: Sample>(packed: &Packed<S>) -> Result<Packed<S>> {
    luma_as(packed)
}

/// The luma in samples of a depth of its own: slopes are told from rounding in 16 bits only.
pub fn luma_as<S: Sample, T: Sample>(packed: &Packed<S>) -> Result<Packed<T>> {
    let mut luma = Packed::zeroed(packed.size(), Channels::Gray)?;
    let count = packed.channels().count();
    let scale = T::MAX / S::MAX;
    let width = packed.size().width as usize;
    rows::each(luma.samples_mut(), width, |y, row| {
        for (to, pixel) in row.iter_mut().zip(packed.row(y).chunks_exact(count)) {
            let value = match *pixel {
                [gray] | [gray, _] => gray.to_f32(),
                [r, g, b, ..] => 0.299 * r.to_f32() + 0.587 * g.to_f32() + 0.114 * b.to_f32(),
                [] => 0.0,
            };
            *to = T::from_f32(value * scale);
        }
    });
    Ok(luma)
}

/// The slope of a plane at a pixel, from white to black in one pixel being 1: across and down.
/// Scharr's operator, which is nearly the same in all directions.
pub fn slope<S: Sample>(plane: &Packed<S>, x: usize, y: usize) -> [f32; 2] {
    let size = plane.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
    let (up, down) = (y.saturating_sub(1), (y + 1).min(height - 1));
    let samples = plane.samples();
    let at = |x: usize, y: usize| samples[y * width + x].to_f32();
    let across = 3.0 * (at(right, up) - at(left, up) + at(right, down) - at(left, down))
        + 10.0 * (at(right, y) - at(left, y));
    let along = 3.0 * (at(left, down) - at(left, up) + at(right, down) - at(right, up))
        + 10.0 * (at(x, down) - at(x, up));
    [across / (32.0 * S::MAX), along / (32.0 * S::MAX)]
}

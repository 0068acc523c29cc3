//! Small copies of images, for code that looks at all of one.

use crate::image::{Packed, Pixels};
use crate::stage::Sample;
use crate::{Error, Result, Size};

/// A smaller copy: every pixel is the average of a square of the image.
#[derive(Debug, Clone)]
pub struct Small {
    /// Its size.
    pub size: Size,
    /// The side of the squares.
    pub step: u32,
    /// Red, green and blue times alpha, and alpha, from 0 to 1.
    pub pixels: Vec<[f32; 4]>,
}

/// A copy whose sides are at most this long.
pub fn small(pixels: &Pixels, side_max: u32) -> Result<Small> {
    match pixels {
        Pixels::U8(packed) => small_of(packed, side_max),
        Pixels::U16(packed) => small_of(packed, side_max),
        Pixels::Ycc(_) => Err(Error::internal("planes are not looked at")),
    }
}

fn small_of<S: Sample>(packed: &Packed<S>, side_max: u32) -> Result<Small> {
    let from = packed.size();
    let step = from.width.max(from.height).div_ceil(side_max).max(1);
    let size = Size::new(from.width.div_ceil(step), from.height.div_ceil(step));
    let mut pixels: Vec<[f32; 4]> = crate::image::zeroed(size.area())?;
    let count = packed.channels().count();
    let width = size.width as usize;
    for (y, row) in packed.rows().enumerate() {
        let sums = &mut pixels[y / step as usize * width..][..width];
        for (sum, square) in sums.iter_mut().zip(row.chunks(step as usize * count)) {
            for pixel in square.chunks_exact(count) {
                let weighed = premultiplied(pixel);
                for (sum, sample) in sum.iter_mut().zip(weighed) {
                    *sum += sample;
                }
            }
        }
    }
    // The last squares of a row or column may be cut off.
    let length = |at: usize, side: u32| step.min(side - at as u32 * step) as f32;
    for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let area = length(x, from.width) * length(y, from.height);
            *pixel = pixel.map(|sum| sum / area);
        }
    }
    Ok(Small { size, step, pixels })
}

/// A pixel as red, green and blue times alpha, and alpha, from 0 to 1.
pub fn premultiplied<S: Sample>(pixel: &[S]) -> [f32; 4] {
    let scale = 1.0 / S::MAX;
    let (color, alpha) = match *pixel {
        [gray] => ([gray; 3], S::max()),
        [gray, alpha] => ([gray; 3], alpha),
        [r, g, b, alpha] => ([r, g, b], alpha),
        [r, g, b, ..] => ([r, g, b], S::max()),
        [] => ([S::default(); 3], S::default()),
    };
    let alpha = alpha.to_f32() * scale;
    let [r, g, b] = color.map(|sample| sample.to_f32() * scale * alpha);
    [r, g, b, alpha]
}

impl Small {
    /// Luma over white (ITU-R BT.601), from 0 to 1.
    pub fn luma(&self) -> Vec<f32> {
        let luma = |[r, g, b, alpha]: [f32; 4]| 0.299 * r + 0.587 * g + 0.114 * b + 1.0 - alpha;
        self.pixels.iter().copied().map(luma).collect()
    }
}

/// Sums over rectangles in four look-ups (Crow, "Summed-area tables for texture mapping", 1984).
pub struct Sums {
    width: usize,
    height: usize,
    // One row and one column of zeros stand before the others.
    sums: Vec<f64>,
}

impl Sums {
    /// The sums of the values of an image of this width.
    pub fn of(values: &[f32], width: usize) -> Self {
        let height = values.len() / width.max(1);
        let stride = width + 1;
        let mut sums = vec![0.0; stride * (height + 1)];
        for y in 0..height {
            let mut row = 0.0;
            for x in 0..width {
                row += f64::from(values[y * width + x]);
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
            }
        }
        Self { width, height, sums }
    }

    /// The sum from (left, top) to before (right, bottom), as far as it lies inside the image.
    pub fn over(&self, left: i64, top: i64, right: i64, bottom: i64) -> f64 {
        let within = |at: i64, side: usize| at.clamp(0, side as i64) as usize;
        let (left, right) = (within(left, self.width), within(right, self.width));
        let (top, bottom) = (within(top, self.height), within(bottom, self.height));
        let at = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        at(right.max(left), bottom.max(top)) - at(left, bottom.max(top)) - at(right.max(left), top)
            + at(left, top)
    }

    /// The average of the square that reaches so far around a pixel.
    pub fn mean(&self, x: usize, y: usize, reach: usize) -> f32 {
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(self.width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(self.height));
        let area = (right - left) * (bottom - top);
        let sum = self.over(left as i64, top as i64, right as i64, bottom as i64);
        (sum / area as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Channels;

    #[test]
    fn squares_are_averaged_and_those_at_the_edge_too() {
        let samples = (0..7 * 5).map(|i| if i % 7 == 6 { 255u8 } else { 51 }).collect();
        let image = Pixels::U8(Packed::new(Size::new(7, 5), Channels::Gray, samples));
        let copy = small(&image, 3).unwrap();
        assert_eq!((copy.size, copy.step), (Size::new(3, 2), 3));
        for (i, pixel) in copy.pixels.iter().enumerate() {
            let expected = if i % 3 == 2 { 1.0 } else { 0.2 };
            assert!((pixel[0] - expected).abs() < 1e-5 && pixel[3] == 1.0, "{i}: {pixel:?}");
        }
    }

    #[test]
    fn sums_over_rectangles_are_those_of_their_values() {
        let values: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let sums = Sums::of(&values, 5);
        assert_eq!(sums.over(1, 1, 3, 3), 6.0 + 7.0 + 11.0 + 12.0);
        assert_eq!(sums.over(-3, -3, 100, 100), 190.0);
        assert_eq!(sums.over(3, 3, 3, 1), 0.0);
        assert_eq!(sums.mean(0, 0, 1), (0.0 + 1.0 + 5.0 + 6.0) / 4.0);
    }
}

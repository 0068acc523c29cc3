//! What is left of an image when its fine structure is taken away and its edges are kept.

use crate::image::{Channels, Packed};
use crate::kernels::resample::{Kernel, resample};
use crate::stage::{RectF, Resample, Sample};
use crate::{Result, Size};

/// The radius of the windows in the smaller image that the filter is computed on.
const RADIUS: usize = 5;

/// The base of a plane: at every pixel a gain and an offset, on a coarse grid.
pub struct Base {
    size: Size,
    grid: Size,
    fits: Vec<[f32; 2]>,
}

impl Base {
    /// The base of a plane (He and Sun, "Fast guided filter", 2015): structure within `radius`
    /// pixels and of less contrast than `contrast` (a standard deviation, of 1) is not in it.
    pub fn of<S: Sample>(plane: &Packed<S>, radius: f32, contrast: f32) -> Result<Self> {
        let size = plane.size();
        let factor = (radius / RADIUS as f32).max(1.0);
        let side = |side: u32| (side as f32 / factor).ceil().max(1.0) as u32;
        let grid = Size::new(side(size.width), side(size.height));
        let small = match grid == size {
            true => plane.clone(),
            false => {
                let to =
                    Resample { source: RectF::full(size), size: grid, kernel: Kernel::Bilinear };
                S::unwrap(resample(S::wrap(plane.clone()), &to)?)?
            }
        };
        debug_assert_eq!(small.channels(), Channels::Gray, "a plane has one channel");
        let values = small.samples().iter().map(|sample| sample.to_f32() / S::MAX);
        let mut moments: Vec<[f32; 2]> = values.map(|value| [value, value * value]).collect();
        window_means(&mut moments, grid, RADIUS);
        for moment in &mut moments {
            let [mean, square] = *moment;
            let variance = (square - mean * mean).max(0.0);
            let gain = variance / (variance + contrast * contrast);
            *moment = [gain, mean * (1.0 - gain)];
        }
        window_means(&mut moments, grid, RADIUS);
        Ok(Self { size, grid, fits: moments })
    }

    /// Values of a grid, led along the edges of a plane of this size (He, Sun and Tang, "Guided
    /// image filtering", 2010): `guide` is the plane on the grid, and edges of less contrast than
    /// `contrast` do not lead. The windows reach `radius` points of the grid.
    pub fn led(
        size: Size,
        grid: Size,
        (guide, values): (&[f32], &[f32]),
        radius: usize,
        contrast: f32,
    ) -> Self {
        let pairs = guide.iter().zip(values);
        let mut moments: Vec<[f32; 4]> = pairs.map(|(g, v)| [*g, *v, g * g, g * v]).collect();
        window_means(&mut moments, grid, radius);
        let fit = |[guide, value, square, product]: [f32; 4]| {
            let variance = (square - guide * guide).max(0.0);
            let gain = (product - guide * value) / (variance + contrast * contrast);
            [gain, value - gain * guide]
        };
        let mut fits: Vec<[f32; 2]> = moments.into_iter().map(fit).collect();
        window_means(&mut fits, grid, radius);
        Self { size, grid, fits }
    }

    /// The base values of a row of the plane.
    pub fn row<S: Sample>(&self, y: usize, plane: &[S], row: &mut Vec<f32>) {
        let (grid_width, grid_height) = (self.grid.width as usize, self.grid.height as usize);
        let (top, bottom, down) = neighbors(y, self.size.height, grid_height);
        row.clear();
        for (x, sample) in plane.iter().enumerate() {
            let (left, right, across) = neighbors(x, self.size.width, grid_width);
            let at = |x: usize, y: usize| self.fits[y * grid_width + x];
            let corners = [at(left, top), at(right, top), at(left, bottom), at(right, bottom)];
            let [gain, offset] = [0, 1].map(|i| {
                let upper = corners[0][i] + (corners[1][i] - corners[0][i]) * across;
                let lower = corners[2][i] + (corners[3][i] - corners[2][i]) * across;
                upper + (lower - upper) * down
            });
            row.push(gain * sample.to_f32() / S::MAX + offset);
        }
    }
}

/// The two grid points around a pixel, and how far it is on the way from one to the other.
fn neighbors(at: usize, side: u32, grid: usize) -> (usize, usize, f32) {
    let position = (at as f32 + 0.5) * grid as f32 / side as f32 - 0.5;
    let position = position.clamp(0.0, (grid - 1) as f32);
    let low = position as usize;
    (low, (low + 1).min(grid - 1), position - low as f32)
}

/// Replaces every value by the mean of those within the radius, of those there are at the edges.
fn window_means<const N: usize>(values: &mut [[f32; N]], size: Size, radius: usize) {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut line = Vec::new();
    for row in values.chunks_exact_mut(width) {
        line.clear();
        line.extend_from_slice(row);
        means_of_line(&line, radius, |x, mean| row[x] = mean);
    }
    for x in 0..width {
        line.clear();
        line.extend((0..height).map(|y| values[y * width + x]));
        means_of_line(&line, radius, |y, mean| values[y * width + x] = mean);
    }
}

fn means_of_line<const N: usize>(
    line: &[[f32; N]],
    radius: usize,
    mut put: impl FnMut(usize, [f32; N]),
) {
    let mut sum = [0.0f64; N];
    let add = |sum: &mut [f64; N], index: usize, sign: f64| {
        for (sum, value) in sum.iter_mut().zip(line[index]) {
            *sum += sign * f64::from(value);
        }
    };
    for index in 0..line.len().min(radius) {
        add(&mut sum, index, 1.0);
    }
    for at in 0..line.len() {
        if at + radius < line.len() {
            add(&mut sum, at + radius, 1.0);
        }
        if at > radius {
            add(&mut sum, at - radius - 1, -1.0);
        }
        let count = (at + radius).min(line.len() - 1) - at.saturating_sub(radius) + 1;
        put(at, sum.map(|sum| (sum / count as f64) as f32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base_of(value: impl Fn(u32, u32) -> f32) -> Vec<f32> {
        let size = Size::new(120, 90);
        let samples = (0..90).flat_map(|y| (0..120).map(move |x| (x, y)));
        let samples = samples.map(|(x, y)| u16::from_f32(value(x, y) * u16::MAX as f32)).collect();
        let plane = Packed::new(size, Channels::Gray, samples);
        let base = Base::of(&plane, 15.0, 0.1).unwrap();
        let mut row = Vec::new();
        base.row(45, plane.rows().nth(45).unwrap(), &mut row);
        row
    }

    #[test]
    fn an_edge_stays_and_a_ripple_goes() {
        let edge = base_of(|x, _| if x < 60 { 0.1 } else { 0.9 });
        assert!(edge[55] < 0.2 && edge[64] > 0.8, "{} {}", edge[55], edge[64]);
        let ripple = base_of(|x, _| 0.5 + 0.03 * (x as f32 * 0.8).sin());
        let worst = ripple.iter().map(|value| (value - 0.5).abs()).fold(0.0, f32::max);
        assert!(worst < 0.012, "{worst}");
    }
}

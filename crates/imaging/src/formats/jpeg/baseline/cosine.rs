//! From coefficients to samples: the inverse discrete cosine transform, of 8 x 8 pixels or straight
//! to fewer.
//!
//! A smaller block is the inverse transform of the lowest coefficients alone: the same picture,
//! band-limited. Everything is done in floats and on several blocks at once, for vectors.

use std::f32::consts::FRAC_1_SQRT_2;
use std::ops::{Add, Mul, Sub};

use crate::stage::Sample;

/// Blocks that are drawn together: each has its place in vectors.
pub(super) const LANES: usize = 8;

#[derive(Clone, Copy)]
struct Lanes([f32; LANES]);

impl Lanes {
    #[inline(always)]
    fn with(mut self, other: Self, both: impl Fn(f32, f32) -> f32) -> Self {
        for (lane, other) in self.0.iter_mut().zip(other.0) {
            *lane = both(*lane, other);
        }
        self
    }
}

impl Add for Lanes {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

impl Mul<f32> for Lanes {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self.with(Self([factor; LANES]), |a, b| a * b)
    }
}

/// What turns coefficients into blocks of `N` x `N` pixels.
pub(super) struct Transform<const N: usize> {
    /// What each coefficient is multiplied by, by row and column: its quantizer and the weight of
    /// its cosines.
    factors: [[f32; N]; N],
    /// The cosines, by sample and coefficient.
    cosines: [[f32; N]; N],
}

impl<const N: usize> Transform<N> {
    /// For quantizers in natural order.
    pub(super) fn new(quant: &[u16; 64]) -> Self {
        // Orthonormal: the first of N cosines has a weight of 1/sqrt(N), the others of sqrt(2/N),
        // and fewer pixels hold as much less energy.
        let shrunk = (N as f64 / 8.0).sqrt();
        let weight = |k: usize| (if k == 0 { 1.0 } else { 2.0_f64 } / N as f64).sqrt() * shrunk;
        let factor = |v, u| (f64::from(quant[8 * v + u]) * weight(v) * weight(u)) as f32;
        let angle = |y, k| ((2 * y + 1) * k) as f64 * std::f64::consts::PI / (2 * N) as f64;
        Self {
            factors: std::array::from_fn(|v| std::array::from_fn(|u| factor(v, u))),
            cosines: std::array::from_fn(|y| std::array::from_fn(|k| angle(y, k).cos() as f32)),
        }
    }
}

/// What stands for 0 in samples (A.3.1).
const MIDDLE: f32 = 128.0;

/// Draws blocks beside each other, as many as fit in rows of `width` samples. Coefficient (u, v) of
/// all of them is at `N * v + u`; their DC is so much more.
#[inline(always)]
pub(super) fn draw<const N: usize>(
    (blocks, missing): (&[[i16; LANES]], i16),
    Transform { factors, cosines }: &Transform<N>,
    to: &mut [u8],
    (stride, width): (usize, usize),
) {
    let mut part = [[Lanes([0.0; LANES]); N]; N];
    let rows = part.iter_mut().zip(blocks.chunks_exact(N)).zip(factors);
    for ((row, coefficients), factors) in rows {
        for ((lanes, coefficients), factor) in row.iter_mut().zip(coefficients).zip(factors) {
            for (lane, coefficient) in lanes.0.iter_mut().zip(coefficients) {
                *lane = f32::from(*coefficient) * factor;
            }
        }
    }
    for (lane, dc) in part[0][0].0.iter_mut().zip(&blocks[0]) {
        *lane = f32::from(dc.wrapping_add(missing)) * factors[0][0];
    }
    for u in 0..N {
        let mut column = [Lanes([0.0; LANES]); N];
        for (lanes, row) in column.iter_mut().zip(&part) {
            *lanes = row[u];
        }
        invert(&mut column, cosines);
        for (row, lanes) in part.iter_mut().zip(column) {
            row[u] = lanes;
        }
    }
    for (y, row) in part.iter_mut().enumerate() {
        invert(row, cosines);
        let mut samples = [[0; LANES]; N];
        for (samples, lanes) in samples.iter_mut().zip(row) {
            for (sample, lane) in samples.iter_mut().zip(lanes.0) {
                *sample = u8::from_f32(lane + MIDDLE);
            }
        }
        let mut line = [[0; N]; LANES];
        for block in 0..LANES {
            for x in 0..N {
                line[block][x] = samples[x][block];
            }
        }
        to[y * stride..][..width].copy_from_slice(&line.as_flattened()[..width]);
    }
}

/// Makes `N` samples of `N` coefficients: what even cosines give is the same before and behind the
/// middle, what odd ones give has the other sign. Where `N` is even, the even ones are those of
/// half as many samples.
#[inline(always)]
fn invert<const N: usize>(lanes: &mut [Lanes; N], cosines: &[[f32; N]; N]) {
    match &mut lanes[..] {
        [_] => {}
        [a, b] => [*a, *b] = two(*a, *b),
        [a, b, c, d] => [*a, *b, *c, *d] = four([*a, *b, *c, *d]),
        [a, b, c, d, e, f, g, h] => {
            let even = four([*a, *c, *e, *g]);
            let odd_at = |y: usize| {
                (*b * cosines[y][1] + *d * cosines[y][3])
                    + (*f * cosines[y][5] + *h * cosines[y][7])
            };
            let odd = [odd_at(0), odd_at(1), odd_at(2), odd_at(3)];
            (*a, *b, *c, *d) =
                (even[0] + odd[0], even[1] + odd[1], even[2] + odd[2], even[3] + odd[3]);
            (*e, *f, *g, *h) =
                (even[3] - odd[3], even[2] - odd[2], even[1] - odd[1], even[0] - odd[0]);
        }
        _ => {
            let given = *lanes;
            for y in 0..N.div_ceil(2) {
                let mut sums = [given[0], Lanes([0.0; LANES])];
                for k in 1..N {
                    sums[k % 2] = sums[k % 2] + given[k] * cosines[y][k];
                }
                let [even, odd] = sums;
                (lanes[y], lanes[N - 1 - y]) = (even + odd, even - odd);
            }
        }
    }
}

#[inline(always)]
fn two(a: Lanes, b: Lanes) -> [Lanes; 2] {
    let odd = b * FRAC_1_SQRT_2;
    [a + odd, a - odd]
}

#[inline(always)]
fn four([a, b, c, d]: [Lanes; 4]) -> [Lanes; 4] {
    // Cosines of an eighth of a half turn, and of three.
    const COSINES: [f32; 2] = [0.923_879_5, 0.382_683_43];
    let even = two(a, c);
    let outer = b * COSINES[0] + d * COSINES[1];
    let inner = b * COSINES[1] - d * COSINES[0];
    [even[0] + outer, even[1] + inner, even[1] - inner, even[0] - outer]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Damaged files count their DC around.
    #[test]
    fn what_dc_misses_is_added_as_it_is_counted() {
        let transform = Transform::<2>::new(&[3; 64]);
        let drawn = |dc: i16, missing| {
            let mut to = [0; 2 * 2 * LANES];
            let blocks = [[dc; LANES], [7; LANES], [-9; LANES], [2; LANES]];
            draw((&blocks, missing), &transform, &mut to, (2 * LANES, 2 * LANES));
            to
        };
        for (dc, missing) in [(5, 20), (-40, 30), (32_000, 3000), (-32_768, -1)] {
            assert_eq!(drawn(dc, missing), drawn(dc.wrapping_add(missing), 0), "{dc} {missing}");
        }
    }
}

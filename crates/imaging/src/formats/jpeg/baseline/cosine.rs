//! From coefficients to samples: the inverse discrete cosine transform, of 8 x 8 pixels or straight
//! to fewer.
//!
//! A smaller block is the inverse transform of the lowest coefficients alone: the same picture,
//! band-limited. Everything is done in floats and on several blocks at once, for vectors.

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

/// What each coefficient is multiplied by: its quantizer and the scale of its cosines.
pub(super) type Factors<const N: usize> = [[f32; N]; N];

/// The factors of blocks of `N` x `N` pixels for quantizers in natural order.
pub(super) fn factors<const N: usize>(quant: &[u16; 64]) -> Factors<N> {
    // Orthonormal: the first of N cosines has a weight of 1/sqrt(N), the others of sqrt(2/N), and
    // fewer pixels hold as much less energy.
    let shrunk = (N as f64 / 8.0).sqrt();
    let weight = |k: usize| (if k == 0 { 1.0 } else { 2.0_f64 } / N as f64).sqrt() * shrunk;
    std::array::from_fn(|v| {
        std::array::from_fn(|u| (f64::from(quant[8 * v + u]) * weight(v) * weight(u)) as f32)
    })
}

/// What stands for 0 in samples (A.3.1).
const MIDDLE: f32 = 128.0;

/// Draws blocks beside each other, as many as fit in rows of `width` samples. Coefficient (u, v) of
/// all of them is at `N * v + u`.
#[inline(always)]
pub(super) fn draw<const N: usize>(
    blocks: &[[i16; LANES]],
    factors: &Factors<N>,
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
    for u in 0..N {
        let mut column = [Lanes([0.0; LANES]); N];
        for (lanes, row) in column.iter_mut().zip(&part) {
            *lanes = row[u];
        }
        invert(&mut column);
        for (row, lanes) in part.iter_mut().zip(column) {
            row[u] = lanes;
        }
    }
    for (y, row) in part.iter_mut().enumerate() {
        invert(row);
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

/// Makes 1, 2, 4 or 8 samples of as many coefficients: those of even cosines are the samples of
/// half as many, those of odd ones have the other sign behind the middle.
#[inline(always)]
fn invert(lanes: &mut [Lanes]) {
    match lanes {
        [a, b] => [*a, *b] = two(*a, *b),
        [a, b, c, d] => [*a, *b, *c, *d] = four([*a, *b, *c, *d]),
        [a, b, c, d, e, f, g, h] => {
            let even = four([*a, *c, *e, *g]);
            let odd_at = |y| {
                (*b * cosine(8, y, 1) + *d * cosine(8, y, 3))
                    + (*f * cosine(8, y, 5) + *h * cosine(8, y, 7))
            };
            let odd = [odd_at(0), odd_at(1), odd_at(2), odd_at(3)];
            (*a, *b, *c, *d) =
                (even[0] + odd[0], even[1] + odd[1], even[2] + odd[2], even[3] + odd[3]);
            (*e, *f, *g, *h) =
                (even[3] - odd[3], even[2] - odd[2], even[1] - odd[1], even[0] - odd[0]);
        }
        _ => {}
    }
}

#[inline(always)]
fn two(a: Lanes, b: Lanes) -> [Lanes; 2] {
    let odd = b * cosine(2, 0, 1);
    [a + odd, a - odd]
}

#[inline(always)]
fn four([a, b, c, d]: [Lanes; 4]) -> [Lanes; 4] {
    let even = two(a, c);
    let outer = b * cosine(4, 0, 1) + d * cosine(4, 0, 3);
    let inner = b * cosine(4, 1, 1) + d * cosine(4, 1, 3);
    [even[0] + outer, even[1] + inner, even[1] - inner, even[0] - outer]
}

/// The cosines of multiples of an eighth of a right angle.
const COSINES: [f32; 9] = [
    1.0,
    0.980_785_25,
    0.923_879_5,
    0.831_469_6,
    0.707_106_77,
    0.555_570_24,
    0.382_683_43,
    0.195_090_32,
    0.0,
];

/// `cos((2 y + 1) k pi / (2 n))`.
#[inline(always)]
const fn cosine(n: usize, y: usize, k: usize) -> f32 {
    let angle = (2 * y + 1) * k * (8 / n) % 32;
    let angle = if angle > 16 { 32 - angle } else { angle };
    if angle > 8 { -COSINES[16 - angle] } else { COSINES[angle] }
}

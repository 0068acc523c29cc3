//! Gaussian blur. A narrow kernel is summed whole; from [`HALVED_MIN`] on, the image is halved
//! first, which costs a quarter and stays within a level.
//!
//! The image is taken in strips from top to bottom. Of a strip, as many rows as the kernel spans
//! are kept, blurred along themselves: they stay in the processor's cache while columns are summed.
//! All sums are floats, so that 8 and 16 bits and colors weighed by alpha are served by the same
//! loops.

mod ends;
mod halved;
mod whole;

use ends::Ends;
use halved::Halved;
use whole::Whole;

use crate::image::{Packed, Pixels};
use crate::kernels::rows;
use crate::kernels::wide::wide;
use crate::stage::Sample;
use crate::{Error, Result};

/// The standard deviation from which on what halving loses cannot be seen: a Gaussian this wide
/// lets less than a hundredth of the frequencies through that a half image mistakes for others.
const HALVED_MIN: f32 = 3.0;

/// Samples that are summed at once: their sums fit the registers.
const BLOCK: usize = 128;

/// The image, blurred by a Gaussian of this standard deviation in pixels. Edges are repeated; alpha
/// weighs the colors, so that what cannot be seen does not bleed.
pub fn gaussian(pixels: Pixels, sigma: f32) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => blur(&packed, sigma).map(Pixels::U8),
        Pixels::U16(packed) => blur(&packed, sigma).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes are not blurred")),
    }
}

fn blur<S: Sample>(packed: &Packed<S>, sigma: f32) -> Result<Packed<S>> {
    let mut out = Packed::zeroed(packed.size(), packed.channels())?;
    let ends = Ends::new(packed);
    match sigma < HALVED_MIN {
        true => run(&Whole { kernel: Kernel::new(sigma), ends }, &mut out),
        false => run(&Halved::new(sigma, ends), &mut out),
    }
    Ok(out)
}

/// A way to blur a strip.
trait Way<S>: Sync {
    /// How many samples of a row make a strip, about.
    const STRIP: usize;

    /// Blurs the rows of a strip that begins at sample `left`.
    fn strip(&self, left: usize, rows: Vec<&mut [S]>);
}

fn run<S: Sample, W: Way<S>>(way: &W, out: &mut Packed<S>) {
    let (stride, count) = (out.stride(), out.channels().count());
    // An even number of whole pixels.
    let width = W::STRIP / (2 * count) * 2 * count;
    rows::strips(out.samples_mut(), stride, width, |left, rows| {
        wide(
            #[inline(always)]
            || way.strip(left, rows),
        );
    });
}

/// The weights of a symmetric kernel; all together are one.
struct Kernel {
    middle: f32,
    /// The weights at 1, 2, 3 and so on from the middle.
    sides: Vec<f32>,
}

impl Kernel {
    /// Three standard deviations to both sides hold 99.7 % of a Gaussian.
    fn new(sigma: f32) -> Self {
        let sigma = f64::from(sigma);
        let reach = (3.0 * sigma).ceil().max(1.0) as usize;
        let weight = |distance: usize| (-(distance as f64 / sigma).powi(2) / 2.0).exp();
        let total = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
        Self {
            middle: (1.0 / total) as f32,
            sides: (1..=reach).map(|distance| (weight(distance) / total) as f32).collect(),
        }
    }

    fn reach(&self) -> usize {
        self.sides.len()
    }

    /// The weighted sums of samples that lie in a row, pixels of `count` samples: `sums[i]` is that
    /// around `samples[i + reach * count]`.
    #[inline(always)]
    fn along(&self, samples: &[f32], count: usize, sums: &mut [f32]) {
        let middle = self.reach() * count;
        for (block, sums) in sums.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let middle = middle + block * BLOCK;
            *sums = self
                .sums(|distance| &samples[middle.wrapping_add_signed(distance * count as isize)..]);
        }
    }

    /// The weighted sums of rows that lie below each other, the middle one in the middle.
    #[inline(always)]
    fn down(&self, rows: &[&[f32]], sums: &mut [f32]) {
        let middle = self.reach();
        for (block, sums) in sums.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            *sums =
                self.sums(|distance| &rows[middle.wrapping_add_signed(distance)][block * BLOCK..]);
        }
    }

    /// The weighted sums of a block: `samples` gives those that lie so far from it.
    #[inline(always)]
    fn sums<'a>(&self, samples: impl Fn(isize) -> &'a [f32]) -> [f32; BLOCK] {
        let mut sums = [0.0; BLOCK];
        for (sum, sample) in sums.iter_mut().zip(&samples(0)[..BLOCK]) {
            *sum = sample * self.middle;
        }
        for (distance, weight) in (1..).zip(&self.sides) {
            let (before, behind) = (&samples(-distance)[..BLOCK], &samples(distance)[..BLOCK]);
            for ((sum, before), behind) in sums.iter_mut().zip(before).zip(behind) {
                *sum += (before + behind) * weight;
            }
        }
        sums
    }
}

/// The last rows of many, by their numbers.
struct Ring(Vec<Vec<f32>>);

impl Ring {
    fn new(rows: usize, width: usize) -> Self {
        Self(vec![vec![0.0; width]; rows])
    }

    #[inline(always)]
    fn slot(&self, row: isize) -> usize {
        row.rem_euclid(self.0.len() as isize) as usize
    }

    #[inline(always)]
    fn row(&self, row: isize) -> &[f32] {
        &self.0[self.slot(row)]
    }

    /// To be filled with a new row: the oldest is given up.
    #[inline(always)]
    fn next(&mut self, row: isize) -> &mut [f32] {
        let slot = self.slot(row);
        &mut self.0[slot]
    }

    /// The rows up to `reach` away from one.
    #[inline(always)]
    fn around(&self, row: isize, reach: usize) -> Vec<&[f32]> {
        let reach = reach as isize;
        (row - reach..=row + reach).map(|row| self.row(row)).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Size;
    use crate::image::Channels;

    #[test]
    fn an_edge_becomes_the_integral_of_the_gaussian() {
        let samples =
            (0..64).flat_map(|_| (0..64).map(|x| if x < 32 { 0u8 } else { 200 })).collect();
        let image = Packed::new(Size::new(64, 64), Channels::Gray, samples);
        let Pixels::U8(blurred) = gaussian(Pixels::U8(image), 4.0).unwrap() else {
            panic!("8 bits")
        };
        let normal = |x: f64| (-x * x / 32.0).exp() / (4.0 * (2.0 * std::f64::consts::PI).sqrt());
        let mut sum = 0.0;
        let mut expected = [0.0; 64];
        for (x, expected) in expected.iter_mut().enumerate() {
            sum += normal(x as f64 - 31.5 - 0.0);
            *expected = 200.0 * (sum - normal(x as f64 - 31.5) / 2.0 + normal(-32.0));
        }
        for (x, expected) in expected.iter().enumerate().skip(4).take(56) {
            let got = f64::from(blurred.samples()[32 * 64 + x]);
            assert!((got - expected).abs() < 3.0, "{x}: {got} {expected}");
        }
    }

    /// One row, blurred by the whole Gaussian without any rounding.
    pub(in crate::kernels) fn exact(row: &[u8], sigma: f64) -> Vec<f64> {
        let weight = |distance: f64| (-distance * distance / (2.0 * sigma * sigma)).exp();
        let reach = (8.0 * sigma).ceil() as i64 + 1;
        let total: f64 = (-reach..=reach).map(|d| weight(d as f64)).sum();
        let at = |x: i64| f64::from(row[x.clamp(0, row.len() as i64 - 1) as usize]);
        let sum = |x: i64| (-reach..=reach).map(|d| weight(d as f64) * at(x + d)).sum::<f64>();
        (0..row.len() as i64).map(|x| sum(x) / total).collect()
    }

    #[test]
    fn eight_bits_are_within_a_level_of_the_exact_gaussian_whatever_the_sigma() {
        // Equal rows: what is summed downwards changes nothing.
        let row: Vec<u8> =
            (0u32..97).map(|x| (x.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for sigma in [0.1, 0.2, 0.3, 0.4, 0.5, 0.79, 1.0, 1.7, 2.9, 3.0, 3.5, 5.0, 11.0] {
            let exact = exact(&row, f64::from(sigma));
            for channels in [Channels::Gray, Channels::Rgb] {
                let count = channels.count();
                let pixels = row.iter().flat_map(|v| std::iter::repeat_n(*v, count));
                let samples: Vec<u8> = pixels.collect::<Vec<_>>().repeat(41);
                let image = Packed::new(Size::new(97, 41), channels, samples);
                let Pixels::U8(blurred) = gaussian(Pixels::U8(image), sigma).unwrap() else {
                    panic!("8 bits")
                };
                for (i, got) in blurred.samples().iter().enumerate() {
                    let off = (f64::from(*got) - exact[i / count % 97]).abs();
                    assert!(off <= 1.0, "{channels:?} sigma {sigma} at {i}: off by {off}");
                }
            }
        }
    }

    #[test]
    fn hidden_colors_do_not_bleed() {
        let samples = (0..32 * 32)
            .flat_map(|i| if i % 32 < 16 { [255u8, 0, 0, 255] } else { [0, 255, 0, 0] });
        let image = Packed::new(Size::new(32, 32), Channels::Rgba, samples.collect());
        let Pixels::U8(blurred) = gaussian(Pixels::U8(image), 3.0).unwrap() else {
            panic!("8 bits")
        };
        for pixel in blurred.samples().chunks_exact(4).filter(|pixel| pixel[3] > 8) {
            assert!(pixel[0] >= 250 && pixel[1] <= 5, "{pixel:?}");
        }
    }
}

//! Gaussian blur with its full kernel, first along rows, then along columns.
//!
//! The image is taken in strips from top to bottom. Of a strip, as many rows as the kernel spans
//! are kept, blurred along themselves: they stay in the processor's cache while columns are summed.
//! All sums are floats, so that 8 and 16 bits and colors weighed by alpha are served by the same
//! loops.

use crate::image::{Packed, Pixels};
use crate::kernels::rows;
use crate::kernels::wide::wide;
use crate::stage::Sample;
use crate::{Error, Result};

/// Samples that are summed at once: their sums fit the registers.
const BLOCK: usize = 128;
/// Samples of a row of a strip: whole blocks.
const STRIP: usize = 8 * BLOCK;

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
    let count = packed.channels().count();
    let blur = Blur { kernel: Kernel::new(sigma), packed, premultiplies: !packed.is_opaque() };
    let (stride, strip) = (packed.stride(), STRIP / count * count);
    rows::strips(out.samples_mut(), stride, strip, |left, strip| {
        wide(
            #[inline(always)]
            || blur.strip(left, strip),
        );
    });
    Ok(out)
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

struct Blur<'a, S> {
    kernel: Kernel,
    packed: &'a Packed<S>,
    premultiplies: bool,
}

impl<S: Sample> Blur<'_, S> {
    /// Blurs the rows of a strip that begins at sample `left`.
    #[inline(always)]
    fn strip(&self, left: usize, mut rows: Vec<&mut [S]>) {
        let (reach, height) = (self.kernel.reach(), rows.len());
        let kept = (2 * reach + 1).min(height);
        // Row `y` is kept in `y % kept` until no row below needs it.
        let mut blurred = vec![[0.0; STRIP]; kept];
        let mut line = vec![0.0; STRIP + 2 * reach * self.packed.channels().count()];
        let mut next = 0;
        for (y, out) in rows.iter_mut().enumerate() {
            while next <= (y + reach).min(height - 1) {
                self.read(next, left, out.len(), &mut line);
                self.along(&line, &mut blurred[next % kept]);
                next += 1;
            }
            let row = |distance: isize| {
                let at = y.saturating_add_signed(distance).min(height - 1);
                &blurred[at % kept]
            };
            let mut sums = [0.0; STRIP];
            for (block, sums) in sums.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
                *sums = self.kernel.sums(|distance| &row(distance)[block * BLOCK..]);
            }
            self.write(&sums, out);
        }
    }

    /// The samples of a strip's row and those around it in reach of the kernel, colors times alpha.
    #[inline(always)]
    fn read(&self, y: usize, left: usize, len: usize, line: &mut [f32]) {
        let count = self.packed.channels().count();
        let row = &self.packed.samples()[y * self.packed.stride()..][..self.packed.stride()];
        let reach = self.kernel.reach() * count;
        // What lies inside the image; its first and its last pixel stand for what is outside.
        let (from, to) = (left.saturating_sub(reach), (left + len + reach).min(row.len()));
        let before = from + reach - left;
        let inside = &mut line[before..][..to - from];
        for (to, from) in inside.iter_mut().zip(&row[from..to]) {
            *to = from.to_f32();
        }
        if self.premultiplies {
            for pixel in inside.chunks_exact_mut(count) {
                let alpha = pixel[count - 1] * (1.0 / S::MAX);
                pixel[..count - 1].iter_mut().for_each(|sample| *sample *= alpha);
            }
        }
        for at in (0..before).rev() {
            line[at] = line[at + count];
        }
        for at in before + (to - from)..(len + 2 * reach).min(line.len()) {
            line[at] = line[at - count];
        }
    }

    #[inline(always)]
    fn along(&self, line: &[f32], row: &mut [f32; STRIP]) {
        let count = self.packed.channels().count();
        let middle = self.kernel.reach() * count;
        for (block, sums) in row.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let middle = middle + block * BLOCK;
            *sums = self
                .kernel
                .sums(|distance| &line[middle.wrapping_add_signed(distance * count as isize)..]);
        }
    }

    #[inline(always)]
    fn write(&self, sums: &[f32; STRIP], row: &mut [S]) {
        if !self.premultiplies {
            for (to, sum) in row.iter_mut().zip(sums) {
                *to = S::from_f32(*sum);
            }
            return;
        }
        let count = self.packed.channels().count();
        for (pixel, sums) in row.chunks_exact_mut(count).zip(sums.chunks_exact(count)) {
            let alpha = sums[count - 1];
            let scale = if alpha > 0.0 { S::MAX / alpha } else { 0.0 };
            for (sample, sum) in pixel.iter_mut().zip(sums) {
                *sample = S::from_f32((sum * scale).min(S::MAX));
            }
            pixel[count - 1] = S::from_f32(alpha);
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn exact(row: &[u8], sigma: f64) -> Vec<f64> {
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
        for sigma in [0.1, 0.2, 0.3, 0.4, 0.5, 0.79, 1.0, 1.7, 4.0, 11.0] {
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

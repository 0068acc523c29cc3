//! A wide blur at a cost that does not grow with its width.

use crate::image::Pixels;
use crate::kernels::blur::gaussian;
use crate::kernels::resample::{Kernel, resample};
use crate::stage::{RectF, Resample};
use crate::{Result, Size};

/// How close to the Gaussian it must be.
#[derive(Debug, Clone, Copy)]
enum Grade {
    /// Within four levels at a hard edge: for glows and shadows.
    Soft,
    /// Within a level.
    True,
}

impl Grade {
    /// The standard deviation that is left for the smaller image. Up to twice this width the plain
    /// blur is as quick.
    fn sigma(self) -> f32 {
        match self {
            Self::Soft => 3.0,
            Self::True => 12.0,
        }
    }
}

/// The image, blurred by about a Gaussian of this standard deviation in pixels: wide ones by way of
/// a smaller image, whose making and enlarging are part of the blur.
pub fn soften(pixels: Pixels, sigma: f32) -> Result<Pixels> {
    by_way_of_a_smaller(pixels, sigma, Grade::Soft)
}

/// The same, within a level of the Gaussian.
pub fn gaussian_of_any_width(pixels: Pixels, sigma: f32) -> Result<Pixels> {
    by_way_of_a_smaller(pixels, sigma, Grade::True)
}

fn by_way_of_a_smaller(pixels: Pixels, sigma: f32, grade: Grade) -> Result<Pixels> {
    let factor = (sigma / grade.sigma()).floor();
    if factor < 2.0 {
        return gaussian(pixels, sigma);
    }
    let size = pixels.size();
    let side = |side: u32| (side as f32 / factor).ceil().max(1.0) as u32;
    let small = Size::new(side(size.width), side(size.height));
    let to = |from: Size, size: Size| Resample {
        source: RectF::full(from),
        size,
        kernel: Kernel::Bilinear,
    };
    let reduced = resample(pixels, &to(size, small))?;
    // A triangle has a variance of a sixth of its width squared; there is one each way.
    let rest = ((sigma / factor).powi(2) - 1.0 / 3.0).sqrt();
    resample(gaussian(reduced, rest)?, &to(small, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Channels, Packed};
    use crate::kernels::blur;

    #[test]
    fn the_way_by_a_smaller_image_is_the_same_blur() {
        let size = Size::new(200, 120);
        let samples = (0..size.area()).map(|i| if i % 200 < 90 { 20 } else { 220 }).collect();
        let edge = Pixels::U8(Packed::new(size, Channels::Gray, samples));
        let exact = samples_of(gaussian(edge.clone(), 14.0).unwrap());
        let quick = samples_of(soften(edge, 14.0).unwrap());
        let worst = exact.iter().zip(&quick).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(4), "{worst:?}");
    }

    #[test]
    fn a_true_gaussian_of_any_width_is_within_a_level() {
        let size = Size::new(700, 90);
        let samples = (0..size.area()).map(|i| if i % 700 < 320 { 0 } else { 255 }).collect();
        let edge = Pixels::U8(Packed::new(size, Channels::Gray, samples));
        for sigma in [20.0, 25.0, 40.0, 61.0, 100.0] {
            let exact = samples_of(gaussian(edge.clone(), sigma).unwrap());
            let quick = samples_of(gaussian_of_any_width(edge.clone(), sigma).unwrap());
            let worst = exact.iter().zip(&quick).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(1), "{sigma}: {worst:?}");
            // All rows are equal. Half a level is rounding.
            let row: Vec<u8> = (0..700).map(|x| if x < 320 { 0 } else { 255 }).collect();
            let whole = blur::tests::exact(&row, f64::from(sigma));
            for (at, (quick, whole)) in quick.iter().zip(whole.iter().cycle()).enumerate() {
                let off = (f64::from(*quick) - whole).abs();
                assert!(off <= 1.5, "{sigma} at {at}: {quick} {whole}");
            }
        }
    }

    fn samples_of(pixels: Pixels) -> Vec<u8> {
        match pixels {
            Pixels::U8(packed) => packed.into_samples(),
            other => panic!("8 bits expected, got {other:?}"),
        }
    }
}

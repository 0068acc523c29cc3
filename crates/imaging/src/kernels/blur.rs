//! Gaussian blur with its full kernel.

use libblur::{
    BlurImage, BlurImageMut, BufferStore, ConvolutionMode, EdgeMode, EdgeMode2D, FastBlurChannels,
    GaussianBlurParams, ThreadingPolicy,
};
use std::borrow::Cow;

use crate::image::{Channels, Packed, Pixels};
use crate::kernels::canvas;
use crate::stage::Sample;
use crate::{Error, Result};

/// The image, blurred by a Gaussian of this standard deviation in pixels. Edges are repeated; alpha
/// weighs the colors, so that what cannot be seen does not bleed.
pub fn gaussian(pixels: Pixels, sigma: f32) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) if packed.is_opaque() => gaussian_u8(packed, sigma).map(Pixels::U8),
        // Premultiplied colors need more than 8 bits.
        Pixels::U8(packed) => {
            let wide = gaussian_u16(canvas::widen(&packed)?, sigma)?;
            canvas::narrow(&wide).map(Pixels::U8)
        }
        Pixels::U16(packed) => gaussian_u16(packed, sigma).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes are not blurred")),
    }
}

/// libblur knows one, three and four channels.
fn layout(channels: Channels) -> (Channels, FastBlurChannels) {
    match channels {
        Channels::Gray => (Channels::Gray, FastBlurChannels::Plane),
        Channels::Rgb => (Channels::Rgb, FastBlurChannels::Channels3),
        Channels::GrayAlpha | Channels::Rgba => (Channels::Rgba, FastBlurChannels::Channels4),
    }
}

fn gaussian_u8(packed: Packed<u8>, sigma: f32) -> Result<Packed<u8>> {
    blur(packed, sigma, |from, to, params, edges| {
        // libblur's fixed point keeps 7 bits of a weight on some processors: flat areas get darker.
        libblur::gaussian_blur(
            from,
            to,
            params,
            edges,
            ThreadingPolicy::Single,
            ConvolutionMode::Exact,
        )
    })
}

fn gaussian_u16(packed: Packed<u16>, sigma: f32) -> Result<Packed<u16>> {
    let packed = multiply_alpha(packed, false);
    let packed = blur(packed, sigma, |from, to, params, edges| {
        libblur::gaussian_blur_u16(
            from,
            to,
            params,
            edges,
            ThreadingPolicy::Single,
            ConvolutionMode::Exact,
        )
    })?;
    Ok(multiply_alpha(packed, true))
}

fn blur<S: Sample>(
    packed: Packed<S>,
    sigma: f32,
    run: impl Fn(
        &BlurImage<'_, S>,
        &mut BlurImageMut<'_, S>,
        GaussianBlurParams,
        EdgeMode2D,
    ) -> Result<(), libblur::BlurError>,
) -> Result<Packed<S>> {
    let asked = packed.channels();
    let (channels, libblur_channels) = layout(asked);
    let packed = packed.with_channels(channels)?;
    let size = packed.size();
    let mut out = Packed::<S>::zeroed(size, channels)?;
    let stride = packed.stride() as u32;
    let (width, height) = (size.width, size.height);
    let from = BlurImage {
        data: Cow::Borrowed(packed.samples()),
        width,
        height,
        stride,
        channels: libblur_channels,
    };
    let data = BufferStore::Borrowed(out.samples_mut());
    let mut to = BlurImageMut { data, width, height, stride, channels: libblur_channels };
    run(
        &from,
        &mut to,
        GaussianBlurParams::new(kernel_size(sigma), f64::from(sigma)),
        EdgeMode2D::new(EdgeMode::Clamp),
    )
    .map_err(|error| Error::internal(format!("blur: {error:?}")))?;
    drop(to);
    if asked == Channels::GrayAlpha { out.with_channels(asked) } else { Ok(out) }
}

/// Taps of the kernel: three standard deviations to both sides hold 99.7 % of it.
fn kernel_size(sigma: f32) -> u32 {
    2 * (3.0 * sigma).ceil().max(1.0) as u32 + 1
}

fn multiply_alpha(mut packed: Packed<u16>, divide: bool) -> Packed<u16> {
    let channels = packed.channels();
    if !channels.has_alpha() {
        return packed;
    }
    let last = channels.count() - 1;
    for pixel in packed.samples_mut().chunks_exact_mut(last + 1) {
        let alpha = f32::from(pixel[last]) / u16::MAX as f32;
        let factor = match divide {
            false => alpha,
            true if alpha > 0.0 => 1.0 / alpha,
            true => 0.0,
        };
        for sample in &mut pixel[..last] {
            *sample = u16::from_f32((f32::from(*sample) * factor).min(u16::MAX as f32));
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

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

//! Pixels and full-range planes to what lossy WebP stores: limited-range BT.601 (ITU-R BT.601-7,
//! section 2.5) with chroma halved both ways.

use native::webp::Planes;

use crate::formats::chroma;
use crate::image::{Planar, Size};

/// From full-range planes, as JPEG has them.
pub(super) fn from_planar(planar: &Planar) -> Planes {
    let luma = scaled(0, 16, 219);
    let chroma = scaled(128, 128, 224);
    let map = |samples: &[u8], table: &[u8; 256]| -> Vec<u8> {
        samples.iter().map(|sample| table[usize::from(*sample)]).collect()
    };
    let [blue, red] = chroma::at_subsampling(planar, (2, 2));
    Planes {
        width: planar.size.width,
        height: planar.size.height,
        y: map(&planar.planes[0].samples, &luma),
        u: map(&blue.samples, &chroma),
        v: map(&red.samples, &chroma),
        alpha: None,
    }
}

/// `to + (v - from) * range / 255`, rounded.
fn scaled(from: i32, to: i32, range: i32) -> [u8; 256] {
    std::array::from_fn(|v| {
        let scaled = (v as i32 - from) * range;
        // Rounds to the nearest on both sides of zero.
        let rounded = (2 * scaled + 255).div_euclid(2 * 255);
        (to + rounded).clamp(0, 255) as u8
    })
}

/// Bits after the point of the coefficients.
const BITS: u32 = 16;
const HALF: i32 = 1 << (BITS - 1);

fn luma(r: i32, g: i32, b: i32) -> u8 {
    ((16_829 * r + 33_039 * g + 6_416 * b + (16 << BITS) + HALF) >> BITS) as u8
}

/// Of sums of four pixels.
fn chroma_of_sum(r: i32, g: i32, b: i32) -> (u8, u8) {
    let rounding = (128 << (BITS + 2)) + (HALF << 2);
    let u = (-9_714 * r - 19_070 * g + 28_784 * b + rounding) >> (BITS + 2);
    let v = (28_784 * r - 24_103 * g - 4_681 * b + rounding) >> (BITS + 2);
    (u as u8, v as u8)
}

/// From RGB.
pub(super) fn from_rgb(size: Size, samples: &[u8]) -> Planes {
    convert::<3>(size, samples, sum_of_four::<3>)
}

/// From RGBA, where chroma counts as much as it is seen.
pub(super) fn from_rgba(size: Size, samples: &[u8]) -> Planes {
    let alpha = samples.chunks_exact(4).map(|pixel| pixel[3]).collect();
    Planes { alpha: Some(alpha), ..convert::<4>(size, samples, weighted_sum_of_four) }
}

/// From grey samples, with or without alpha.
pub(super) fn from_gray(size: Size, samples: &[u8], has_alpha: bool) -> Planes {
    let table: [u8; 256] = std::array::from_fn(|v| luma(v as i32, v as i32, v as i32));
    let channels = if has_alpha { 2 } else { 1 };
    let pixels = || samples.chunks_exact(channels);
    let chroma_len = size.width.div_ceil(2) as usize * size.height.div_ceil(2) as usize;
    Planes {
        width: size.width,
        height: size.height,
        y: pixels().map(|pixel| table[usize::from(pixel[0])]).collect(),
        u: vec![128; chroma_len],
        v: vec![128; chroma_len],
        alpha: has_alpha.then(|| pixels().map(|pixel| pixel[1]).collect()),
    }
}

/// Sums over four pixels of red, green and blue.
type Sum<const N: usize> = fn([&[u8; N]; 4]) -> (i32, i32, i32);

fn convert<const N: usize>(size: Size, samples: &[u8], sum: Sum<N>) -> Planes {
    let (width, height) = (size.width as usize, size.height as usize);
    let (pixels, _) = samples.as_chunks::<N>();
    let y = pixels
        .iter()
        .map(|pixel| luma(pixel[0].into(), pixel[1].into(), pixel[2].into()))
        .collect();
    let chroma_len = width.div_ceil(2) * height.div_ceil(2);
    let (mut u, mut v) = (Vec::with_capacity(chroma_len), Vec::with_capacity(chroma_len));
    for rows in pixels.chunks(2 * width) {
        // The last row and the last column stand for the ones that are not there.
        let (above, below) = rows.split_at(width);
        let below = if below.is_empty() { above } else { below };
        for (a, b) in above.chunks(2).zip(below.chunks(2)) {
            let (r, g, blue) = sum([&a[0], &a[a.len() - 1], &b[0], &b[b.len() - 1]]);
            let (cb, cr) = chroma_of_sum(r, g, blue);
            u.push(cb);
            v.push(cr);
        }
    }
    Planes { width: size.width, height: size.height, y, u, v, alpha: None }
}

fn sum_of_four<const N: usize>(pixels: [&[u8; N]; 4]) -> (i32, i32, i32) {
    let sum = |channel: usize| pixels.iter().map(|pixel| i32::from(pixel[channel])).sum();
    (sum(0), sum(1), sum(2))
}

fn weighted_sum_of_four(pixels: [&[u8; 4]; 4]) -> (i32, i32, i32) {
    let weight: i32 = pixels.iter().map(|pixel| i32::from(pixel[3])).sum();
    if weight == 0 || weight == 4 * 255 {
        return sum_of_four(pixels);
    }
    let sum = |channel: usize| {
        let sum: i32 =
            pixels.iter().map(|pixel| i32::from(pixel[channel]) * i32::from(pixel[3])).sum();
        (4 * sum + weight / 2) / weight
    };
    (sum(0), sum(1), sum(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(r: f64, g: f64, b: f64) -> [f64; 3] {
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        let u = (b - y) / 1.772;
        let v = (r - y) / 1.402;
        [16.0 + y * 219.0 / 255.0, 128.0 + u * 224.0 / 255.0, 128.0 + v * 224.0 / 255.0]
    }

    #[test]
    fn fixed_point_is_within_rounding_of_the_definition() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(15) {
                    let samples = [r as u8, g as u8, b as u8].repeat(4);
                    let planes = from_rgb(Size::new(2, 2), &samples);
                    let [y, u, v] = exact(r.into(), g.into(), b.into());
                    assert!((f64::from(planes.y[0]) - y).abs() <= 0.51);
                    assert!((f64::from(planes.u[0]) - u).abs() <= 0.51);
                    assert!((f64::from(planes.v[0]) - v).abs() <= 0.51);
                }
            }
        }
    }

    #[test]
    fn tables_round_to_the_nearest() {
        for (table, from, to, range) in
            [(scaled(0, 16, 219), 0.0, 16.0, 219.0), (scaled(128, 128, 224), 128.0, 128.0, 224.0)]
        {
            for (v, value) in table.into_iter().enumerate() {
                let exact: f64 = to + (v as f64 - from) * range / 255.0;
                assert!((f64::from(value) - exact).abs() <= 0.5, "{v}");
            }
        }
    }

    #[test]
    fn odd_sides_repeat_the_last_pixel() {
        let red_then_blue = [255, 0, 0, 255, 0, 0, 0, 0, 255];
        let planes = from_rgb(Size::new(3, 1), &red_then_blue);
        assert_eq!((planes.y.len(), planes.u.len()), (3, 2));
        let blue = from_rgb(Size::new(1, 1), &[0, 0, 255]);
        assert_eq!(planes.u[1], blue.u[0]);
    }

    #[test]
    fn colors_that_are_not_seen_do_not_count() {
        let visible_red = [255, 0, 0, 255];
        let hidden_green = [0, 255, 0, 0];
        let mixed = [visible_red, hidden_green, hidden_green, hidden_green].concat();
        let planes = from_rgba(Size::new(2, 2), &mixed);
        let red = from_rgb(Size::new(1, 1), &[255, 0, 0]);
        assert_eq!((planes.u[0], planes.v[0]), (red.u[0], red.v[0]));
        assert_eq!(planes.alpha, Some(vec![255, 0, 0, 0]));
    }
}

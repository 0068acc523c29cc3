//! Images that are turned or seen from another side: every pixel of the result is looked up at the
//! place of the image that it comes from.
//!
//! Between pixels a cubic interpolates. Beyond the edge the cubic sees the edge go on, and how much
//! of a pixel the image covers is reckoned from its distance to the edge, so that no ringing of the
//! cubic against nothing shows as a fringe. Where the image is made smaller, several places are
//! looked up and averaged.

use std::sync::Arc;

use crate::color::Color;
use crate::image::{Channels, Packed, Pixels};
use crate::kernels::rows;
use crate::stage::{AreaFn, Sample, Stage};
use crate::{Error, Result, Size};

/// A homography, row by row: `(x, y, 1)` times it, divided by the third coordinate.
pub type Homography = [[f64; 3]; 3];

/// What is seen beyond the edge of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// A color. It is beside the image, not behind it: what is transparent stays so.
    Color(Color),
    /// The outermost pixels, on and on.
    Edge,
}

/// Where each pixel of the result comes from.
#[derive(Debug, Clone)]
pub struct Warp {
    /// From the result to the image. The pixel at (0, 0) covers 0..1 in both directions.
    pub to_source: Homography,
    /// The size of the result.
    pub size: Size,
    /// What is around the image.
    pub beyond: Beyond,
}

impl Warp {
    /// The stage that does it.
    pub fn stage(self) -> Stage {
        Stage::Area(Arc::new(self))
    }
}

impl AreaFn for Warp {
    fn output_size(&self, _: Size) -> Size {
        self.size
    }

    fn apply(&self, pixels: Pixels) -> Result<Pixels> {
        warp(pixels, self)
    }

    fn adds_alpha(&self) -> bool {
        matches!(self.beyond, Beyond::Color(color) if !color.is_opaque())
    }

    fn keeps_gray(&self) -> bool {
        !matches!(self.beyond, Beyond::Color(color) if !color.is_gray())
    }

    fn is_geometry(&self) -> bool {
        match self.beyond {
            Beyond::Color(color) => color.is_of_any_profile(),
            Beyond::Edge => true,
        }
    }

    /// The image with four samples a pixel, and with colors that are weighed by alpha.
    fn held_bytes(&self, input_bytes: u64) -> u64 {
        2 * input_bytes
    }
}

/// Places along a row that share how many times a pixel is looked up.
const RUN: usize = 16;
/// At most this many places are looked up along each side of a pixel.
const TAKES_MAX: usize = 16;

/// The image as the warp shows it. Gray stays gray, and opaque stays opaque, where what is around
/// the image allows it.
pub fn warp(pixels: Pixels, warp: &Warp) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => warp_packed(packed, warp).map(Pixels::U8),
        Pixels::U16(packed) => warp_packed(packed, warp).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes are not warped")),
    }
}

fn warp_packed<S: Sample>(packed: Packed<S>, warp: &Warp) -> Result<Packed<S>> {
    let opaque = packed.is_opaque();
    let background = match warp.beyond {
        Beyond::Color(color) => color,
        Beyond::Edge => Color([0, 0, 0, 255]),
    };
    let [r, g, b, _] = background.0;
    let is_gray = matches!(packed.channels(), Channels::Gray | Channels::GrayAlpha)
        && ((r == g && g == b) || background.0[3] == 0);
    let channels = match (is_gray, opaque && background.is_opaque()) {
        (true, true) => Channels::Gray,
        (true, false) => Channels::GrayAlpha,
        (false, true) => Channels::Rgb,
        (false, false) => Channels::Rgba,
    };
    let mut out = Packed::zeroed(warp.size, channels)?;
    match (opaque, is_gray) {
        (true, true) => {
            let gray = packed.with_channels(Channels::Gray)?;
            run::<S, S, 1>(gray.samples().as_chunks().0, gray.size(), warp, &mut out);
        }
        (true, false) => {
            let rgba = packed.with_channels(Channels::Rgba)?;
            run::<S, S, 4>(rgba.samples().as_chunks().0, rgba.size(), warp, &mut out);
        }
        (false, _) => {
            let size = packed.size();
            let weighed = premultiplied(packed)?;
            run::<u16, S, 4>(weighed.as_chunks().0, size, warp, &mut out);
        }
    }
    Ok(out)
}

/// RGBA in 16 bits, colors times alpha: transparent colors mean nothing and must not bleed.
fn premultiplied<S: Sample>(packed: Packed<S>) -> Result<Vec<u16>> {
    let packed = packed.with_channels(Channels::Rgba)?;
    let mut weighed: Vec<u16> = crate::image::zeroed(packed.samples().len() as u64)?;
    let widen = 65_535.0 / S::MAX;
    let pixels = packed.samples().as_chunks::<4>().0.iter();
    for (from, to) in pixels.zip(weighed.as_chunks_mut::<4>().0) {
        let alpha = from[3].to_f32() / S::MAX;
        for (channel, sample) in to.iter_mut().enumerate() {
            let weight = if channel == 3 { widen } else { widen * alpha };
            *sample = u16::from_f32(from[channel].to_f32() * weight);
        }
    }
    Ok(weighed)
}

/// An image that is looked at: one gray sample a pixel, or red, green, blue and alpha.
struct Source<'a, S, const N: usize> {
    pixels: &'a [[S; N]],
    width: usize,
    height: usize,
    /// Premultiplied; the edge goes on where there is none.
    around: Option<[f32; 4]>,
}

/// Fills the result row by row.
fn run<S: Sample, T: Sample, const N: usize>(
    pixels: &[[S; N]],
    from: Size,
    warp: &Warp,
    out: &mut Packed<T>,
) {
    let (width, height) = (from.width as usize, from.height as usize);
    let around = match warp.beyond {
        Beyond::Color(color) => {
            let [r, g, b, alpha] = color.0.map(|sample| f32::from(sample) / 255.0);
            Some([r * alpha, g * alpha, b * alpha, alpha])
        }
        Beyond::Edge => None,
    };
    let source = Source { pixels, width, height, around };
    let (stride, count) = (out.stride(), out.channels().count());
    rows::each(out.samples_mut(), stride, |y, row| {
        for (part, run) in row.chunks_mut(RUN * count).enumerate() {
            let x = part * RUN;
            let takes = takes(&warp.to_source, x as f64 + RUN as f64 / 2.0, y as f64 + 0.5);
            for (pixel, x) in run.chunks_exact_mut(count).zip(x..) {
                let color = match takes {
                    (1, 1) => source.look(place(&warp.to_source, x as f64 + 0.5, y as f64 + 0.5)),
                    takes => average(&source, &warp.to_source, (x, y), takes),
                };
                put(color, pixel);
            }
        }
    });
}

/// Where a place of the result comes from.
fn place(map: &Homography, x: f64, y: f64) -> (f64, f64) {
    let [across, down, depth] = map.map(|row| row[0] * x + row[1] * y + row[2]);
    // An affine map has a depth of exactly 1, and divisions are slow.
    if depth == 1.0 { (across, down) } else { (across / depth, down / depth) }
}

/// How many places a pixel here is the average of, along its sides: one for each pixel of the image
/// that it stands for. A hair more than one is one.
fn takes(map: &Homography, x: f64, y: f64) -> (usize, usize) {
    let here = place(map, x, y);
    let far = |there: (f64, f64)| {
        let length = (there.0 - here.0).hypot(there.1 - here.1);
        // `as` saturates, and takes what is no number for 0.
        ((length - 0.2).ceil() as usize).clamp(1, TAKES_MAX)
    };
    (far(place(map, x + 1.0, y)), far(place(map, x, y + 1.0)))
}

fn average<S: Sample, const N: usize>(
    source: &Source<'_, S, N>,
    map: &Homography,
    (x, y): (usize, usize),
    (across, down): (usize, usize),
) -> [f32; 4] {
    let mut sum = [0.0f32; 4];
    for v in 0..down {
        let y = y as f64 + (v as f64 + 0.5) / down as f64;
        for u in 0..across {
            let x = x as f64 + (u as f64 + 0.5) / across as f64;
            let color = source.look(place(map, x, y));
            for (sum, sample) in sum.iter_mut().zip(color) {
                *sum += sample;
            }
        }
    }
    let weight = 1.0 / (across * down) as f32;
    sum.map(|sample| sample * weight)
}

impl<S: Sample, const N: usize> Source<'_, S, N> {
    /// The premultiplied color at a place, from 0 to 1.
    fn look(&self, (x, y): (f64, f64)) -> [f32; 4] {
        let Some(around) = self.around else { return self.interpolate(x, y) };
        let cover = cover(x, self.width) * cover(y, self.height);
        if cover <= 0.0 {
            return around;
        }
        let color = self.interpolate(x, y);
        if cover >= 1.0 {
            return color;
        }
        std::array::from_fn(|c| around[c] + (color[c] - around[c]) * cover)
    }

    fn interpolate(&self, x: f64, y: f64) -> [f32; 4] {
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let weights = (cubic((x - left) as f32), cubic((y - top) as f32));
        let inside = left >= 1.0
            && top >= 1.0
            && left + 2.0 < self.width as f64
            && top + 2.0 < self.height as f64;
        let sums = match inside {
            true => self.sum_inside(left as usize - 1, top as usize - 1, weights),
            false => {
                let near = |start: f64, side: usize| start.clamp(-4.0, side as f64 + 4.0) as i64;
                self.sum_at_edge(near(left, self.width) - 1, near(top, self.height) - 1, weights)
            }
        };
        let scale = 1.0 / S::MAX;
        match N {
            1 => [sums[0] * scale, sums[0] * scale, sums[0] * scale, 1.0],
            _ => sums.map(|sum| sum * scale),
        }
    }

    /// Four by four pixels, weighted, all of them inside the image.
    fn sum_inside(&self, left: usize, top: usize, weights: ([f32; 4], [f32; 4])) -> [f32; 4] {
        let mut sums = [0.0f32; 4];
        for (row, weight_y) in weights.1.into_iter().enumerate() {
            let start = (top + row) * self.width + left;
            let pixels = &self.pixels[start..start + 4];
            let mut line = [0.0f32; 4];
            for (pixel, weight_x) in pixels.iter().zip(weights.0) {
                for (sum, sample) in line.iter_mut().zip(pixel) {
                    *sum += sample.to_f32() * weight_x;
                }
            }
            for (sum, line) in sums.iter_mut().zip(line) {
                *sum += line * weight_y;
            }
        }
        sums
    }

    /// The same where the edge is near: it goes on and on.
    fn sum_at_edge(&self, left: i64, top: i64, weights: ([f32; 4], [f32; 4])) -> [f32; 4] {
        let mut sums = [0.0f32; 4];
        for (y, weight_y) in (top..).zip(weights.1) {
            let y = y.clamp(0, self.height as i64 - 1) as usize;
            for (x, weight_x) in (left..).zip(weights.0) {
                let x = x.clamp(0, self.width as i64 - 1) as usize;
                for (sum, sample) in sums.iter_mut().zip(&self.pixels[y * self.width + x]) {
                    *sum += sample.to_f32() * weight_x * weight_y;
                }
            }
        }
        sums
    }
}

/// How much of a pixel with its middle here lies inside a side: 1 from half a pixel inside on.
fn cover(x: f64, side: usize) -> f32 {
    (x.min(side as f64 - x) + 0.5).clamp(0.0, 1.0) as f32
}

/// Catmull and Rom's cubic through four samples at -1, 0, 1 and 2.
fn cubic(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t + t2 - 0.5 * t3,
        1.0 - 2.5 * t2 + 1.5 * t3,
        0.5 * t + 2.0 * t2 - 1.5 * t3,
        -0.5 * t2 + 0.5 * t3,
    ]
}

/// A premultiplied color as the straight samples of one pixel.
fn put<T: Sample>(color: [f32; 4], pixel: &mut [T]) {
    let [r, g, b, alpha] = color;
    let to = |value: f32| T::from_f32(value.clamp(0.0, 1.0) * T::MAX);
    match pixel {
        [gray] => *gray = to(r),
        [red, green, blue] => (*red, *green, *blue) = (to(r), to(g), to(b)),
        // Where next to nothing shows there is no telling of which color it is.
        [.., opacity] if alpha <= 0.0 => *opacity = T::default(),
        [gray, opacity] => (*gray, *opacity) = (to(r / alpha), to(alpha)),
        [red, green, blue, opacity] => {
            (*red, *green, *blue) = (to(r / alpha), to(g / alpha), to(b / alpha));
            *opacity = to(alpha);
        }
        _ => {}
    }
}

/// The homography from an image of this size to the quadrilateral with these corners (upper left,
/// upper right, lower right, lower left), after Heckbert, "Fundamentals of Texture Mapping and
/// Image Warping" (1989), section 2.2.3.
pub fn to_quadrilateral(size: Size, corners: [(f64, f64); 4]) -> Homography {
    let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = corners;
    let (dx1, dx2, sum_x) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
    let (dy1, dy2, sum_y) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
    let det = dx1 * dy2 - dx2 * dy1;
    let g = (sum_x * dy2 - dx2 * sum_y) / det;
    let h = (dx1 * sum_y - sum_x * dy1) / det;
    let unit = [
        [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
        [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
        [g, h, 1.0],
    ];
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    unit.map(|[across, down, offset]| [across / width, down / height, offset])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Homography = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    fn warped<S: Sample>(image: Packed<S>, to_source: Homography, beyond: Beyond) -> Packed<S> {
        let size = image.size();
        warp_packed(image, &Warp { to_source, size, beyond }).unwrap()
    }

    fn pattern(channels: Channels) -> Packed<u16> {
        let len = 17 * 11 * channels.count();
        let samples = (0..len).map(|i| (i * 7919 % 65_536) as u16).collect();
        Packed::new(Size::new(17, 11), channels, samples)
    }

    #[test]
    fn the_identity_is_exact_in_every_kind_of_pixels() {
        for channels in [Channels::Gray, Channels::Rgb] {
            let image = pattern(channels);
            assert_eq!(warped(image.clone(), NONE, Beyond::Edge), image);
            assert_eq!(warped(image.clone(), NONE, Beyond::Color(Color::WHITE)), image);
        }
        let image = pattern(Channels::Rgba);
        for (a, b) in warped(image.clone(), NONE, Beyond::Edge)
            .samples()
            .chunks_exact(4)
            .zip(image.samples().chunks_exact(4))
        {
            // Colors are weighed in 16 bits: what shows little comes back with little precision.
            let precision = 65_535 / u32::from(b[3].max(1)) + 1;
            assert_eq!(a[3], b[3]);
            assert!(
                b[3] == 0 || a.iter().zip(b).all(|(a, b)| u32::from(a.abs_diff(*b)) <= precision)
            );
        }
    }

    #[test]
    fn an_even_image_has_no_fringe_at_its_edge() {
        let image = Packed::new(Size::new(30, 30), Channels::Rgb, vec![200u8; 2700]);
        let map = [[0.9, 0.3, -4.0], [-0.3, 0.9, 6.0], [0.0, 0.0, 1.0]];
        let black = Color([0, 0, 0, 255]);
        let warped = warped(image, map, Beyond::Color(black));
        assert!(warped.samples().iter().all(|sample| *sample <= 200));
        assert!(warped.samples().contains(&0) && warped.samples().contains(&200));
    }

    #[test]
    fn a_smaller_image_is_an_average_and_not_a_choice() {
        // Stripes of one pixel: at a fifth of the size they are gray.
        let stripes =
            (0..100 * 100).map(|i| if i % 2 == 0 { 0u8 } else { 255 }).collect::<Vec<u8>>();
        let image = Packed::new(Size::new(100, 100), Channels::Gray, stripes);
        let size = Size::new(20, 20);
        let corners = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)];
        let to_source = to_quadrilateral(size, corners);
        let small = warp_packed(image, &Warp { to_source, size, beyond: Beyond::Edge }).unwrap();
        assert!(small.samples().iter().all(|sample| (85..=170).contains(sample)), "{small:?}");
    }

    #[test]
    fn a_homography_meets_its_corners() {
        let corners = [(10.0, 5.0), (80.0, 12.0), (95.0, 70.0), (3.0, 60.0)];
        let map = to_quadrilateral(Size::new(40, 30), corners);
        let own = [(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0)];
        for (own, corner) in own.into_iter().zip(corners) {
            let (x, y) = place(&map, own.0, own.1);
            assert!((x - corner.0).hypot(y - corner.1) < 1e-9, "{x} {y}");
        }
    }
}

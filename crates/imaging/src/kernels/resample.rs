//! Resampling with antialiasing kernels, on interleaved samples and on planes.

use std::borrow::Cow;

use resampler::{Filter, Input, Layout, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::{Channels, Packed, Pixels, Planar, Plane};
use crate::kernels::rows;
use crate::kernels::wide::wide;
use crate::stage::{RectF, Resample, Sample};
use crate::{Error, Result, Size};

/// How samples are weighted when an image changes its size. All but `nearest` widen with the
/// reduction, so that nothing aliases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// Windowed sinc over three pixels: the sharpest.
    #[default]
    Lanczos3,
    /// Mitchell and Netravali's cubic with B = C = 1/3: no ringing, a little soft.
    Mitchell,
    /// Catmull and Rom's cubic (B = 0, C = 1/2): between the two.
    CatmullRom,
    /// A triangle: soft.
    Bilinear,
    /// No filter: for pixel art.
    Nearest,
}

impl Kernel {
    fn filter(self) -> Filter {
        match self {
            Self::Lanczos3 => Filter::Lanczos3,
            Self::Mitchell => Filter::Mitchell,
            Self::CatmullRom => Filter::CatmullRom,
            Self::Bilinear => Filter::Bilinear,
            Self::Nearest => Filter::Nearest,
        }
    }
}

/// A rectangle of the image at another size. Planes keep their subsampling.
pub fn resample(pixels: Pixels, resample: &Resample) -> Result<Pixels> {
    Ok(match pixels {
        Pixels::U8(packed) => Pixels::U8(resample_packed(packed, resample)?),
        Pixels::U16(packed) => Pixels::U16(resample_packed(packed, resample)?),
        Pixels::Ycc(planar) => {
            let subsampling = planar.subsampling;
            Pixels::Ycc(resample_planes(&planar, resample, subsampling)?)
        }
    })
}

fn resample_packed<S: Sample>(packed: Packed<S>, resample: &Resample) -> Result<Packed<S>> {
    let asked = packed.channels();
    // The resampler serves these; the others are rare enough to go by way of them.
    let served = match asked {
        Channels::Gray | Channels::Rgb if size_of::<S>() == 1 => asked,
        Channels::Gray | Channels::GrayAlpha | Channels::Rgb | Channels::Rgba => Channels::Rgba,
    };
    // `nearest` mixes no pixels.
    let has_holes = resample.kernel != Kernel::Nearest && !packed.is_opaque();
    let packed = packed.with_channels(served)?;
    // Colors of transparent pixels mean nothing and must not bleed: weigh them by their alpha, in
    // 16 bits because 8 would band where little shows through. Opaque images need none of it.
    let resized = if has_holes {
        resample_with_alpha(&packed, resample)?
    } else {
        let mut out = Packed::zeroed(resample.size, served)?;
        run(packed.samples(), (packed.size(), served.count()), resample, out.samples_mut())?;
        out
    };
    resized.with_channels(asked)
}

fn resample_with_alpha<S: Sample>(packed: &Packed<S>, resample: &Resample) -> Result<Packed<S>> {
    // RGBA only: with a constant number of samples the loops run in vectors.
    const N: usize = 4;
    let mut premultiplied: Vec<u16> = crate::image::zeroed(packed.samples().len() as u64)?;
    let stride = packed.stride();
    rows::each(&mut premultiplied, stride, |y, row| {
        let pixels = packed.samples()[y * stride..].as_chunks().0;
        wide(
            #[inline(always)]
            || premultiply(pixels, row.as_chunks_mut().0),
        );
    });
    let mut resized: Vec<u16> = crate::image::zeroed(resample.size.area() * N as u64)?;
    run(&premultiplied, (packed.size(), N), resample, &mut resized)?;
    drop(premultiplied);
    let mut out = Packed::zeroed(resample.size, packed.channels())?;
    let stride = out.stride();
    rows::each(out.samples_mut(), stride, |y, row| {
        let pixels = resized[y * stride..].as_chunks().0;
        wide(
            #[inline(always)]
            || unpremultiply(pixels, row.as_chunks_mut().0),
        );
    });
    Ok(out)
}

/// Colors times alpha, in 16 bits.
#[inline(always)]
fn premultiply<S: Sample>(from: &[[S; 4]], to: &mut [[u16; 4]]) {
    let widen = 65_535.0 / S::MAX;
    for (from, to) in from.iter().zip(to) {
        let alpha = from[3].to_f32() * (1.0 / S::MAX);
        let weights = [widen * alpha, widen * alpha, widen * alpha, widen];
        for ((to, from), weight) in to.iter_mut().zip(from).zip(weights) {
            *to = u16::from_f32(from.to_f32() * weight);
        }
    }
}

/// The inverse of [`premultiply`].
#[inline(always)]
fn unpremultiply<S: Sample>(from: &[[u16; 4]], to: &mut [[S; 4]]) {
    let narrow = S::MAX / 65_535.0;
    for (from, to) in from.iter().zip(to) {
        let alpha = f32::from(from[3]);
        let scale = if alpha > 0.0 { S::MAX / alpha } else { 0.0 };
        for ((to, from), weight) in to.iter_mut().zip(from).zip([scale, scale, scale, narrow]) {
            *to = S::from_f32((f32::from(*from) * weight).min(S::MAX));
        }
    }
}

/// A rectangle of planes at another size, with chroma at another subsampling where that is wanted.
/// Chroma samples lie in the middle of the luma samples they stand for, as JPEG has them, so the
/// rectangle only scales. Where the last of them reach over the edge, they find it mirrored: so
/// they stand for what there is of their luma.
pub fn resample_planes(
    planar: &Planar,
    resample: &Resample,
    subsampling: (u32, u32),
) -> Result<Planar> {
    let Size { width, height } = resample.size;
    let size = Size::new(width.div_ceil(subsampling.0), height.div_ceil(subsampling.1));
    let (across, down) =
        (1.0 / f64::from(planar.subsampling.0), 1.0 / f64::from(planar.subsampling.1));
    let mut source = resample.source.scaled(across, down);
    source.width *= f64::from(size.width * subsampling.0) / f64::from(width);
    source.height *= f64::from(size.height * subsampling.1) / f64::from(height);
    let chroma = Resample { source, size, ..*resample };
    let [luma, blue, red] = &planar.planes;
    let of_chroma = |plane| resample_plane(&reaching(plane, source), &chroma);
    let (luma, (blue, red)) = rows::both(
        || resample_plane(luma, resample),
        || rows::both(|| of_chroma(blue), || of_chroma(red)),
    );
    Ok(Planar { size: resample.size, subsampling, planes: [luma?, blue?, red?] })
}

/// The plane, mirrored at its far edges as far as the rectangle goes.
fn reaching(plane: &Plane, rect: RectF) -> Cow<'_, Plane> {
    let end = |end: f64, side: u32| ((end - HAIR).ceil() as u32).max(side);
    let Size { width, height } = plane.size;
    let size = Size::new(end(rect.x + rect.width, width), end(rect.y + rect.height, height));
    if size == plane.size {
        return Cow::Borrowed(plane);
    }
    let side = |side: u32| side as usize;
    let mut samples = Vec::with_capacity(side(size.width) * side(size.height));
    let rows = plane.samples.chunks_exact(side(width));
    let more = side(size.width - width);
    for row in rows.clone().chain(rows.rev().cycle()).take(side(size.height)) {
        samples.extend_from_slice(row);
        samples.extend(row.iter().rev().cycle().take(more));
    }
    Cow::Owned(Plane { size, samples })
}

fn resample_plane(plane: &Plane, resample: &Resample) -> Result<Plane> {
    if plane.size == resample.size && resample.source == RectF::full(plane.size) {
        return Ok(plane.clone());
    }
    let mut samples = crate::image::zeroed(resample.size.area())?;
    run(&plane.samples, (plane.size, 1), resample, &mut samples)?;
    Ok(Plane { size: resample.size, samples })
}

fn run<S: Sample>(
    from: &[S],
    (size, channels): (Size, usize),
    resample: &Resample,
    to: &mut [S],
) -> Result<()> {
    let Size { width, height } = size;
    let layout = Layout { width, height, channels, sample_bytes: size_of::<S>() };
    // The kernel must not reach over the edge of the rectangle into what was cut away, so the
    // rectangle is first cut out to whole pixels; what is left of its fraction is given to the
    // resampler.
    let source = split(resample.source, size);
    let to_size = (resample.size.width, resample.size.height);
    let input = Input { bytes: bytemuck::cast_slice(from), layout, source };
    resampler::resize(input, bytemuck::cast_slice_mut(to), to_size, resample.kernel.filter())
        .map_err(|error| Error::internal(format!("resampling: {error}")))
}

/// Sums of fractions miss whole numbers by a hair; a hair is no pixel.
const HAIR: f64 = 1e-6;

/// The whole pixels that a rectangle touches, and the rectangle inside them.
fn split(source: RectF, size: Size) -> Source {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let left = (source.x + HAIR).floor().clamp(0.0, width - 1.0);
    let top = (source.y + HAIR).floor().clamp(0.0, height - 1.0);
    let right = (source.x + source.width - HAIR).ceil().clamp(left + 1.0, width);
    let bottom = (source.y + source.height - HAIR).ceil().clamp(top + 1.0, height);
    let x = (source.x - left).max(0.0);
    let y = (source.y - top).max(0.0);
    let inner_width = source.width.min(right - left - x).max(HAIR);
    let inner_height = source.height.min(bottom - top - y).max(HAIR);
    Source {
        outer: [left, top, right - left, bottom - top].map(|pixels| pixels as u32),
        inner: [x, y, inner_width, inner_height],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Packed<u8> {
        let samples =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y));
        Packed::new(Size::new(width, height), Channels::Gray, samples.collect())
    }

    fn to(size: Size, source: Size) -> Resample {
        Resample { source: RectF::full(source), size, kernel: Kernel::Lanczos3 }
    }

    #[test]
    fn a_ramp_stays_a_ramp_and_does_not_shift() {
        let ramp = gray(400, 4, |x, _| (x / 2) as u8);
        let half = resample_packed(ramp, &to(Size::new(200, 2), Size::new(400, 4))).unwrap();
        for x in 8..192 {
            let sample = i32::from(half.samples()[x]);
            assert!((sample - x as i32).abs() <= 1, "{x}: {sample}");
        }
    }

    /// `nearest` shows the pixel in which the middle of the new one lies.
    #[track_caller]
    fn check_nearest<S: Sample>(from: (u32, u32), to: (u32, u32), channels: Channels) {
        let size = Size::new(from.0, from.1);
        let count = channels.count();
        let len = size.area() as usize * count;
        let samples = (0..len).map(|i| S::from_f32((i * 7919 % (S::MAX as usize + 1)) as f32));
        let image = Packed::new(size, channels, samples.collect());
        let resample = Resample {
            source: RectF::full(size),
            size: Size::new(to.0, to.1),
            kernel: Kernel::Nearest,
        };
        let got = resample_packed(image.clone(), &resample).unwrap();
        let middle = |i: u32, from: u32, to: u32| ((2 * i + 1) * from / (2 * to)) as usize;
        for (y, row) in (0..to.1).zip(got.rows()) {
            for (x, pixel) in (0..to.0).zip(row.chunks_exact(count)) {
                let at = middle(y, from.1, to.1) * from.0 as usize + middle(x, from.0, to.0);
                let expected = &image.samples()[at * count..][..count];
                assert_eq!(pixel, expected, "{from:?} to {to:?} {channels:?} at {x}, {y}");
            }
        }
    }

    #[test]
    fn nearest_copies_pixels_without_a_shift_whatever_they_are_made_of() {
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
            for to in [(30, 20), (20, 14), (10, 7), (5, 3), (1, 1), (13, 29)] {
                check_nearest::<u8>((10, 7), to, channels);
                check_nearest::<u16>((10, 7), to, channels);
            }
        }
    }

    #[test]
    fn both_depths_cut_off_the_same_overshoot() {
        // Hard edges in both directions: the kernel overshoots everywhere.
        let image = gray(61, 47, |x, y| if (x * x + 3 * y * y) / 50 % 2 == 0 { 0 } else { 255 });
        let image = image.with_channels(Channels::Rgba).unwrap();
        let deep = image.samples().iter().map(|&sample| u16::from_u8(sample)).collect();
        let deep = Packed::new(image.size(), Channels::Rgba, deep);
        for (width, height) in [(17, 9), (40, 90), (61, 20), (100, 47)] {
            let resample = to(Size::new(width, height), image.size());
            let flat = resample_packed(image.clone(), &resample).unwrap();
            let deep = resample_packed(deep.clone(), &resample).unwrap();
            for (flat, deep) in flat.samples().iter().zip(deep.samples()) {
                let off = (flat.to_f32() - deep.to_f32() / 257.0).abs();
                assert!(off < 1.3, "{width} x {height}: {flat} and {deep}");
            }
        }
    }

    #[test]
    fn transparent_pixels_leave_no_fringe() {
        // Opaque white beside transparent black: every visible pixel of the result must stay white.
        let samples =
            (0..64 * 64).flat_map(|i| if i % 64 < 31 { [255u8; 4] } else { [0; 4] }).collect();
        let image = Packed::new(Size::new(64, 64), Channels::Rgba, samples);
        let small = resample_packed(image, &to(Size::new(23, 23), Size::new(64, 64))).unwrap();
        for pixel in small.samples().chunks_exact(4).filter(|pixel| pixel[3] > 0) {
            assert!(pixel[..3].iter().all(|&sample| sample >= 254), "{pixel:?}");
        }
    }

    #[test]
    fn what_was_cut_away_does_not_bleed_in() {
        let image = gray(100, 10, |x, _| if x < 50 { 0 } else { 255 });
        let source = RectF { x: 50.0, y: 0.0, width: 50.0, height: 10.0 };
        let right = Resample { source, size: Size::new(20, 4), kernel: Kernel::Lanczos3 };
        let cut = resample_packed(image, &right).unwrap();
        assert!(cut.samples().iter().all(|&sample| sample == 255), "{:?}", cut.samples());
    }

    #[test]
    fn chroma_planes_stay_on_their_luma() {
        let plane = |width: u32, height: u32, value: fn(u32) -> u8| {
            let packed = gray(width, height, |x, _| value(x));
            Plane { size: packed.size(), samples: packed.into_samples() }
        };
        let planes =
            [plane(256, 16, |x| x as u8), plane(128, 8, |x| (x * 2) as u8), plane(128, 8, |_| 128)];
        let planar = Planar { size: Size::new(256, 16), subsampling: (2, 2), planes };
        let full = resample_planes(&planar, &to(Size::new(128, 8), planar.size), (1, 1)).unwrap();
        for x in 6..122 {
            let (luma, chroma) =
                (i32::from(full.planes[0].samples[x]), i32::from(full.planes[1].samples[x]));
            assert!((luma - chroma).abs() <= 1, "at {x}: luma {luma}, chroma {chroma}");
        }
    }
    /// The last chroma sample of an odd side stands for luma of which a half is not there.
    #[test]
    fn half_chroma_of_odd_sides_stands_for_its_luma() {
        let full = Size::new(250, 150);
        let samples: Vec<u8> = (0..250 * 150).map(|i| (i % 250) as u8).collect();
        let planes = [(); 3].map(|()| Plane { size: full, samples: samples.clone() });
        let planar = Planar { size: full, subsampling: (1, 1), planes };
        for (width, height) in [(125, 75), (99, 59), (3, 5), (2, 1), (1, 1), (251, 151)] {
            let soft = Resample { kernel: Kernel::Mitchell, ..to(Size::new(width, height), full) };
            let half = resample_planes(&planar, &soft, (2, 2)).unwrap();
            let [luma, chroma, _] = &half.planes;
            assert_eq!(chroma.size, Size::new(width.div_ceil(2), height.div_ceil(2)));
            for (y, x) in
                (0..chroma.size.height).flat_map(|y| (0..chroma.size.width).map(move |x| (y, x)))
            {
                let its = [(0, 0), (1, 0), (0, 1), (1, 1)]
                    .map(|(right, below)| (2 * x + right, 2 * y + below))
                    .into_iter()
                    .filter(|(x, y)| *x < width && *y < height)
                    .map(|(x, y)| f64::from(luma.samples[(y * width + x) as usize]));
                let (sum, count) =
                    its.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
                let got = f64::from(chroma.samples[(y * chroma.size.width + x) as usize]);
                // A kernel that is twice as wide is softer. Edges that are repeated are off by 60
                // at 1 x 1.
                let off = (got - sum / count).abs();
                assert!(off <= 16.0, "{width} x {height}: {got} at {x} {y}, {}", sum / count);
            }
        }
    }
}

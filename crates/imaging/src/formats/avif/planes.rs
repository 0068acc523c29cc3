//! Pixels to the planes that AVIF stores: full-range BT.601 as JPEG has them, or green, blue and
//! red where nothing may be lost.

use native::av1::{Cicp, Layout, Picture, Planes};

use crate::formats::chroma;
use crate::image::{Channels, Packed, Planar, Scalar, Size};
use crate::{Error, Result};

/// What the planes are to be.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) bit_depth: u8,
    pub(super) layout: Layout,
    pub(super) is_lossless: bool,
}

/// From the planes of a JPEG.
pub(super) fn from_planar(planar: &Planar, layout: Layout, cicp: Cicp) -> Picture {
    let [blue, red] = chroma::at_subsampling(planar, layout.factors());
    let samples = [&planar.planes[0], &*blue, &*red].map(|plane| plane.samples.clone());
    Picture {
        width: planar.size.width,
        height: planar.size.height,
        bit_depth: 8,
        layout,
        cicp,
        planes: Planes::U8(samples.to_vec()),
    }
}

/// A sample of an image.
pub(super) trait In: Scalar {
    const MAX: f32;
    fn to_f32(self) -> f32;
}

impl In for u8 {
    const MAX: f32 = 255.0;

    fn to_f32(self) -> f32 {
        self.into()
    }
}

impl In for u16 {
    const MAX: f32 = 65_535.0;

    fn to_f32(self) -> f32 {
        self.into()
    }
}

/// A sample of a plane.
trait Out: Scalar {
    fn rounded(value: f32) -> Self;
}

impl Out for u8 {
    fn rounded(value: f32) -> Self {
        (value + 0.5) as Self
    }
}

impl Out for u16 {
    fn rounded(value: f32) -> Self {
        (value + 0.5) as Self
    }
}

/// From interleaved samples: color, and alpha where there is any.
pub(super) fn from_packed<S: In>(
    packed: &Packed<S>,
    form: Form,
    cicp: Cicp,
) -> Result<(Picture, Option<Picture>)> {
    let Size { width, height } = packed.size();
    let channels = packed.channels();
    let is_gray = matches!(channels, Channels::Gray | Channels::GrayAlpha);
    let (layout, matrix) = match (is_gray, form.is_lossless) {
        (true, _) => (Layout::Gray, cicp.matrix),
        (false, true) => (Layout::S444, 0),
        (false, false) => (form.layout, cicp.matrix),
    };
    let picture = |layout, cicp, planes| Picture {
        width,
        height,
        bit_depth: form.bit_depth,
        layout,
        cicp,
        planes,
    };
    let max = f32::from((1u16 << form.bit_depth) - 1);
    let planes = if form.bit_depth == 8 {
        Planes::U8(color_planes::<S, u8>(packed, layout, matrix == 0, max)?)
    } else {
        Planes::U16(color_planes::<S, u16>(packed, layout, matrix == 0, max)?)
    };
    let color = picture(layout, Cicp { matrix, ..cicp }, planes);
    if !channels.has_alpha() {
        return Ok((color, None));
    }
    let last = channels.count() - 1;
    let planes = if form.bit_depth == 8 {
        Planes::U8(vec![one::<S, u8>(packed, last, max)?])
    } else {
        Planes::U16(vec![one::<S, u16>(packed, last, max)?])
    };
    let unspecified = Cicp { primaries: 2, transfer: 2, matrix: 2, full_range: true };
    Ok((color, Some(picture(Layout::Gray, unspecified, planes))))
}

fn color_planes<S: In, T: Out>(
    packed: &Packed<S>,
    layout: Layout,
    is_identity: bool,
    max: f32,
) -> Result<Vec<Vec<T>>> {
    match (layout, is_identity) {
        (Layout::Gray, _) => Ok(vec![one(packed, 0, max)?]),
        (_, true) => [1, 2, 0].into_iter().map(|channel| one(packed, channel, max)).collect(),
        (Layout::S444, false) => full(packed, max),
        (Layout::S420, false) => half(packed, max),
        (Layout::S422, false) => Err(Error::internal("AVIF is not written in 4:2:2")),
    }
}

/// One channel.
fn one<S: In, T: Out>(packed: &Packed<S>, channel: usize, max: f32) -> Result<Vec<T>> {
    let mut out = crate::image::zeroed::<T>(packed.size().area())?;
    let scale = max / S::MAX;
    let pixels = packed.samples().chunks_exact(packed.channels().count());
    for (to, pixel) in out.iter_mut().zip(pixels) {
        *to = T::rounded(pixel[channel].to_f32() * scale);
    }
    Ok(out)
}

fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// The two differences, around `middle`.
fn differences(rgb: [f32; 3], middle: f32) -> [f32; 2] {
    let y = luma(rgb);
    [(rgb[2] - y) / 1.772 + middle, (rgb[0] - y) / 1.402 + middle]
}

fn middle(max: f32) -> f32 {
    (max + 1.0) / 2.0
}

fn rgb<S: In>(pixel: &[S], scale: f32) -> [f32; 3] {
    [pixel[0], pixel[1], pixel[2]].map(|v| v.to_f32() * scale)
}

/// All chroma.
fn full<S: In, T: Out>(packed: &Packed<S>, max: f32) -> Result<Vec<Vec<T>>> {
    let area = packed.size().area();
    let mut planes = [
        crate::image::zeroed::<T>(area)?,
        crate::image::zeroed(area)?,
        crate::image::zeroed(area)?,
    ];
    let scale = max / S::MAX;
    let [y, cb, cr] = &mut planes;
    let pixels = packed.samples().chunks_exact(packed.channels().count());
    for (((pixel, y), cb), cr) in pixels.zip(y).zip(cb).zip(cr) {
        let rgb = rgb(pixel, scale);
        let [blue, red] = differences(rgb, middle(max));
        (*y, *cb, *cr) =
            (T::rounded(luma(rgb)), T::rounded(blue.min(max)), T::rounded(red.min(max)));
    }
    Ok(planes.into())
}

/// A quarter of the chroma: the mean of four pixels, each of which counts as much as it is seen.
fn half<S: In, T: Out>(packed: &Packed<S>, max: f32) -> Result<Vec<Vec<T>>> {
    let Size { width, height } = packed.size();
    let area = u64::from(width.div_ceil(2)) * u64::from(height.div_ceil(2));
    let mut y = crate::image::zeroed::<T>(packed.size().area())?;
    let mut cb = crate::image::zeroed::<T>(area)?;
    let mut cr = crate::image::zeroed::<T>(area)?;
    let count = packed.channels().count();
    let scale = max / S::MAX;
    for (to, pixel) in y.iter_mut().zip(packed.samples().chunks_exact(count)) {
        *to = T::rounded(luma(rgb(pixel, scale)));
    }
    let stride = packed.stride();
    let mut chroma = cb.iter_mut().zip(&mut cr);
    for rows in packed.samples().chunks(2 * stride) {
        // The last row and the last column stand for the ones that are not there.
        let (above, below) = rows.split_at(stride);
        let below = if below.is_empty() { above } else { below };
        for (a, b) in above.chunks(2 * count).zip(below.chunks(2 * count)) {
            let last = a.len() - count;
            let four = [&a[..count], &a[last..], &b[..count], &b[last..]];
            let [blue, red] = differences(mean(four, scale), middle(max));
            if let Some((cb, cr)) = chroma.next() {
                (*cb, *cr) = (T::rounded(blue.min(max)), T::rounded(red.min(max)));
            }
        }
    }
    Ok(vec![y, cb, cr])
}

fn mean<S: In>(four: [&[S]; 4], scale: f32) -> [f32; 3] {
    let weights = four.map(|pixel| pixel.get(3).map_or(1.0, |alpha| alpha.to_f32()));
    let total: f32 = weights.iter().sum();
    let (weights, total) = if total == 0.0 { ([1.0; 4], 4.0) } else { (weights, total) };
    let mut sum = [0.0; 3];
    for (pixel, weight) in four.iter().zip(weights) {
        for (sum, v) in sum.iter_mut().zip(rgb(pixel, scale)) {
            *sum += v * weight;
        }
    }
    sum.map(|v| v / total)
}

//! From planes of any depth, range, matrix and subsampling to pixels.

use native::av1::{Cicp, Layout, Picture, Planes};

use crate::image::{Channels, Packed, Pixels, Planar, Plane, Scalar, Size};
use crate::kernels;
use crate::{Error, Result};

/// The picture, with alpha from another one of the same size. 8 bits stay 8 bits, more become 16.
/// Planes stay planes where they may and are what the engine calls planes.
pub(super) fn to_pixels(
    picture: Picture,
    alpha: Option<Picture>,
    is_premultiplied: bool,
    keep_planes: bool,
) -> Result<Pixels> {
    let wide = picture.bit_depth > 8;
    let pixels = match (picture.layout, as_jpeg(&picture)) {
        (Layout::Gray, _) => gray(&picture)?,
        (_, true) => {
            let planar = planar(picture)?;
            if keep_planes {
                return Ok(Pixels::Ycc(planar));
            }
            Pixels::U8(kernels::planes::to_rgb(planar)?)
        }
        (_, false) if wide => Pixels::U16(convert::<u16>(&picture)?),
        (_, false) => Pixels::U8(convert::<u8>(&picture)?),
    };
    let Some(alpha) = alpha else { return Ok(pixels) };
    let with_alpha = match pixels {
        Pixels::U8(packed) => Pixels::U8(join(&packed, &alpha, is_premultiplied)?),
        Pixels::U16(packed) => Pixels::U16(join(&packed, &alpha, is_premultiplied)?),
        Pixels::Ycc(_) => return Err(Error::internal("planes have no alpha")),
    };
    Ok(crate::formats::channels::without_full_alpha(with_alpha))
}

/// Whether the planes are what JPEG has, or are once their range is stretched.
fn as_jpeg(picture: &Picture) -> bool {
    picture.bit_depth == 8 && matches!(picture.cicp.matrix, 2 | 5 | 6)
}

/// A sample of the result.
trait Out: Scalar {
    const MAX: f32;
    fn rounded(value: f32) -> Self;
    fn to_f32(self) -> f32;
}

impl Out for u8 {
    const MAX: f32 = 255.0;

    fn rounded(value: f32) -> Self {
        // A cast keeps to the range.
        (value + 0.5) as Self
    }

    fn to_f32(self) -> f32 {
        self.into()
    }
}

impl Out for u16 {
    const MAX: f32 = 65_535.0;

    fn rounded(value: f32) -> Self {
        (value + 0.5) as Self
    }

    fn to_f32(self) -> f32 {
        self.into()
    }
}

/// The range of samples: `(v - zero) * scale` is 0 to 1 for luma, -1/2 to 1/2 for chroma.
#[derive(Clone, Copy)]
struct Range {
    luma: (f64, f64),
    chroma: (f64, f64),
}

impl Range {
    fn of(picture: &Picture) -> Self {
        let unit = f64::from(1u32 << (picture.bit_depth - 8));
        let middle = 128.0 * unit;
        if picture.cicp.full_range {
            let max = f64::from((1u32 << picture.bit_depth) - 1);
            Self { luma: (0.0, 1.0 / max), chroma: (middle, 1.0 / max) }
        } else {
            let (luma, chroma) = (1.0 / (219.0 * unit), 1.0 / (224.0 * unit));
            Self { luma: (16.0 * unit, luma), chroma: (middle, chroma) }
        }
    }
}

/// All values of a plane of `bit_depth`, scaled to the result: to the nearest, so that nothing is
/// lost on the way there and back.
fn table<S: Out>(bit_depth: u8, (zero, scale): (f64, f64)) -> Vec<S> {
    let scaled = |v: u32| (f64::from(v) - zero) * scale * f64::from(S::MAX);
    (0..1u32 << bit_depth).map(|v| S::rounded(scaled(v).round() as f32)).collect()
}

fn gray(picture: &Picture) -> Result<Pixels> {
    let size = Size::new(picture.width, picture.height);
    Ok(if picture.bit_depth > 8 {
        Pixels::U16(Packed::new(size, Channels::Gray, first_plane(picture)?))
    } else {
        Pixels::U8(Packed::new(size, Channels::Gray, first_plane(picture)?))
    })
}

/// Luma, or alpha, in the range of the result.
fn first_plane<S: Out>(picture: &Picture) -> Result<Vec<S>> {
    let table = table::<S>(picture.bit_depth, Range::of(picture).luma);
    let last = table.len() - 1;
    let mut out = crate::image::zeroed::<S>(u64::from(picture.width) * u64::from(picture.height))?;
    match &picture.planes {
        Planes::U8(planes) => {
            out.iter_mut().zip(&planes[0]).for_each(|(to, v)| *to = table[usize::from(*v)]);
        }
        Planes::U16(planes) => {
            let pairs = out.iter_mut().zip(&planes[0]);
            pairs.for_each(|(to, v)| *to = table[usize::from(*v).min(last)]);
        }
    }
    Ok(out)
}

/// 8-bit BT.601 planes at full range.
fn planar(picture: Picture) -> Result<Planar> {
    let Planes::U8(mut planes) = picture.planes.clone() else {
        return Err(Error::internal("8 bits are bytes"));
    };
    if !picture.cicp.full_range {
        let range = Range::of(&picture);
        let luma = table::<u8>(8, range.luma);
        let chroma: Vec<u8> = (0..=255u8)
            .map(|v| {
                ((f64::from(v) - range.chroma.0) * range.chroma.1 * 255.0 + 128.0).round() as u8
            })
            .collect();
        for (index, plane) in planes.iter_mut().enumerate() {
            let table = if index == 0 { &luma } else { &chroma };
            plane.iter_mut().for_each(|v| *v = table[usize::from(*v)]);
        }
    }
    let mut planes = planes.into_iter().enumerate().map(|(index, samples)| {
        let (width, height) = picture.plane_size(index);
        Plane { size: Size::new(width as u32, height as u32), samples }
    });
    let mut next = || planes.next().ok_or_else(|| Error::internal("color has three planes"));
    Ok(Planar {
        size: Size::new(picture.width, picture.height),
        subsampling: picture.layout.factors(),
        planes: [next()?, next()?, next()?],
    })
}

/// What the matrix of a picture makes of luma and two chroma values.
#[derive(Clone, Copy)]
enum Matrix {
    /// Luma and differences, by the weights of red and blue (ITU-T H.273, 8.3).
    Weights { red: f32, blue: f32 },
    /// Green, blue, red as they are.
    Identity,
    /// Lifted differences.
    YCgCo,
}

impl Matrix {
    fn of(cicp: Cicp) -> Result<Self> {
        let weights = |red, blue| Ok(Self::Weights { red, blue });
        match (cicp.matrix, cicp.primaries) {
            (0, _) => Ok(Self::Identity),
            (8, _) => Ok(Self::YCgCo),
            (9 | 10, _) | (12, 9) => weights(0.2627, 0.0593),
            (1, _) | (12, 1) => weights(0.2126, 0.0722),
            (4, _) => weights(0.30, 0.11),
            (7, _) => weights(0.212, 0.087),
            (2 | 5 | 6, _) => weights(0.299, 0.114),
            (other, _) => {
                Err(Error::unsupported(format!("colors by matrix {other} of H.273 cannot be read")))
            }
        }
    }
}

/// Any other color.
fn convert<S: Out>(picture: &Picture) -> Result<Packed<S>> {
    let size = Size::new(picture.width, picture.height);
    let mut out = Packed::<S>::zeroed(size, Channels::Rgb)?;
    let matrix = Matrix::of(picture.cicp)?;
    let width = size.width as usize;
    let mut lines = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
    let range = Range::of(picture);
    let table = table::<S>(picture.bit_depth, range.luma);
    for (y, row) in out.samples_mut().chunks_exact_mut(width * 3).enumerate() {
        for (index, line) in lines.iter_mut().enumerate() {
            match &picture.planes {
                Planes::U8(planes) => fill(line, (picture, &planes[index], index), y),
                Planes::U16(planes) => fill(line, (picture, &planes[index], index), y),
            }
        }
        if matches!(matrix, Matrix::Identity) {
            write_identity(row, &lines, &table);
        } else {
            write_row(row, &lines, range, matrix);
        }
    }
    Ok(out)
}

/// A row of a plane at the width of the picture: chroma lies in the middle of the luma samples that
/// share it, and is interpolated between the middles.
fn fill<V: Copy + Into<f32>>(
    line: &mut [f32],
    (picture, plane, index): (&Picture, &[V], usize),
    y: usize,
) {
    let (width, height) = picture.plane_size(index);
    let (across, down) = if index == 0 { (1, 1) } else { picture.layout.factors() };
    let row = |y: usize| &plane[y * width..][..width];
    if (across, down) == (1, 1) {
        line.iter_mut().zip(row(y)).for_each(|(to, v)| *to = (*v).into());
        return;
    }
    let (near, far) = neighbors(y, down, height);
    let mixed = |x: usize| {
        let value: f32 = row(near)[x].into();
        if near == far { value } else { value * 0.75 + row(far)[x].into() * 0.25 }
    };
    for (x, to) in line.iter_mut().enumerate() {
        let (near, far) = neighbors(x, across, width);
        *to = if near == far { mixed(near) } else { mixed(near) * 0.75 + mixed(far) * 0.25 };
    }
}

/// The sample that a place lies in, and the one that it lies next to.
fn neighbors(at: usize, factor: u32, len: usize) -> (usize, usize) {
    if factor == 1 {
        return (at, at);
    }
    let near = (at / 2).min(len - 1);
    let far = if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(len - 1) };
    (near, far)
}

fn write_row<S: Out>(row: &mut [S], lines: &[Vec<f32>; 3], range: Range, matrix: Matrix) {
    let [luma, blue, red] = lines;
    let narrow = |(zero, scale): (f64, f64)| (zero as f32, scale as f32);
    let ((zero, scale), (middle, chroma)) = (narrow(range.luma), narrow(range.chroma));
    let (pixels, _) = row.as_chunks_mut::<3>();
    for (((pixel, y), cb), cr) in pixels.iter_mut().zip(luma).zip(blue).zip(red) {
        let y = (y - zero) * scale;
        let cb = (cb - middle) * chroma;
        let cr = (cr - middle) * chroma;
        let [r, g, b] = match matrix {
            Matrix::Weights { red, blue } => {
                let r = y + 2.0 * (1.0 - red) * cr;
                let b = y + 2.0 * (1.0 - blue) * cb;
                [r, (y - red * r - blue * b) / (1.0 - red - blue), b]
            }
            Matrix::YCgCo => [y - cb + cr, y + cb, y - cb - cr],
            Matrix::Identity => [cr, y, cb],
        };
        *pixel = [r, g, b].map(|v| S::rounded(v * S::MAX));
    }
}

/// Green, blue, red, all with the range of luma.
fn write_identity<S: Out>(row: &mut [S], lines: &[Vec<f32>; 3], table: &[S]) {
    let [green, blue, red] = lines;
    let scaled = |v: &f32| table[(*v as usize).min(table.len() - 1)];
    let (pixels, _) = row.as_chunks_mut::<3>();
    for (((pixel, g), b), r) in pixels.iter_mut().zip(green).zip(blue).zip(red) {
        *pixel = [scaled(r), scaled(g), scaled(b)];
    }
}

/// The pixels with alpha beside them.
fn join<S: Out>(packed: &Packed<S>, alpha: &Picture, is_premultiplied: bool) -> Result<Packed<S>> {
    let count = packed.channels().count();
    let channels = if count == 1 { Channels::GrayAlpha } else { Channels::Rgba };
    let alpha = first_plane::<S>(alpha)?;
    let mut out = Packed::<S>::zeroed(packed.size(), channels)?;
    let pixels = packed.samples().chunks_exact(count);
    for ((to, pixel), alpha) in out.samples_mut().chunks_exact_mut(count + 1).zip(pixels).zip(alpha)
    {
        let factor =
            if is_premultiplied && alpha.to_f32() > 0.0 { S::MAX / alpha.to_f32() } else { 1.0 };
        for (to, v) in to.iter_mut().zip(pixel) {
            *to = if factor == 1.0 { *v } else { S::rounded((v.to_f32() * factor).min(S::MAX)) };
        }
        to[count] = alpha;
    }
    Ok(out)
}

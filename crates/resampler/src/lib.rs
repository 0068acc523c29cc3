//! Resampling of interleaved samples: one function in front of `fast_image_resize`.
//!
//! That library is generic, and its kernels are compiled into whoever calls it, for minutes. Here
//! they are compiled once, for the four kinds of pixels that the engine uses.

use fast_image_resize as fir;
use fir::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fir::pixels::{U8, U8x3, U8x4, U16x4};

/// How samples are weighted. All but `Nearest` widen with the reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// No filter.
    Nearest,
    /// A triangle.
    Bilinear,
    /// Catmull and Rom's cubic.
    CatmullRom,
    /// Mitchell and Netravali's cubic.
    Mitchell,
    /// A windowed sinc over three pixels.
    Lanczos3,
}

/// Samples in memory: rows without padding, native byte order.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Samples a pixel, 1 to 4.
    pub channels: usize,
    /// Bytes a sample, 1 or 2.
    pub sample_bytes: usize,
}

/// What is shown: whole pixels that may be looked at, and a rectangle inside them, relative to
/// them.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Left, top, width and height of the pixels that may be looked at.
    pub outer: [u32; 4],
    /// Left, top, width and height of the rectangle inside `outer`.
    pub inner: [f64; 4],
}

/// What is resampled.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The samples.
    pub bytes: &'a [u8],
    /// What they are.
    pub layout: Layout,
    /// What of them is shown.
    pub source: Source,
}

/// Brings a rectangle of `from` to the `width × height` of `to`, whose pixels have the same layout:
/// one, three or four samples of one byte, or four of two bytes.
pub fn resize(
    from: Input<'_>,
    to: &mut [u8],
    size: (u32, u32),
    filter: Filter,
) -> Result<(), String> {
    let Layout { channels, sample_bytes, .. } = from.layout;
    let run = match (channels, sample_bytes) {
        (1, 1) => run::<U8>,
        (3, 1) => run::<U8x3>,
        (4, 1) => run::<U8x4>,
        (4, 2) => run::<U16x4>,
        _ => return Err(format!("{channels} channels of {sample_bytes} bytes are not served")),
    };
    let algorithm = match filter {
        Filter::Nearest => fir::ResizeAlg::Nearest,
        Filter::Bilinear => fir::ResizeAlg::Convolution(fir::FilterType::Bilinear),
        Filter::CatmullRom => fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom),
        Filter::Mitchell => fir::ResizeAlg::Convolution(fir::FilterType::Mitchell),
        Filter::Lanczos3 => fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3),
    };
    run(from, to, size, algorithm).map_err(|error| error.to_string())
}

/// First the height, then the width, at every depth. What overshoots is cut off in between, so
/// another order would give another picture, and the library chooses it by depth.
fn run<P: fir::PixelTrait>(
    from: Input<'_>,
    to: &mut [u8],
    size: (u32, u32),
    algorithm: fir::ResizeAlg,
) -> Result<(), Box<dyn std::error::Error>> {
    let image = TypedImageRef::<P>::from_buffer(from.layout.width, from.layout.height, from.bytes)?;
    let [left, top, width, height] = from.source.outer;
    let view = TypedCroppedImage::from_ref(&image, left, top, width, height)?;
    let mut target = TypedImage::<P>::from_buffer(size.0, size.1, to)?;
    let [x, y, inner_width, inner_height] = from.source.inner;
    let options = fir::ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
    let mut resizer = fir::Resizer::new();
    let whole = options.crop(x, y, inner_width, inner_height);
    if from.layout.sample_bytes == 1 || algorithm == fir::ResizeAlg::Nearest {
        return Ok(resizer.resize_typed(&view, &mut target, &whole)?);
    }
    let mut lower = TypedImage::<P>::new(width, size.1);
    let rows = options.crop(0.0, y, f64::from(width), inner_height);
    resizer.resize_typed(&view, &mut lower, &rows)?;
    let columns = options.crop(x, 0.0, inner_width, f64::from(size.1));
    Ok(resizer.resize_typed(&lower, &mut target, &columns)?)
}

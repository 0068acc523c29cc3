//! Pixels in memory, with what they mean beside them.

use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kernels::planes;
use crate::metadata::Metadata;
use crate::{Error, Result};

/// A width and a height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// A size.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The number of pixels.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The size of a drawing of this size at a factor, at least a pixel each way.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let side = |length: u32| ((f64::from(length) * factor + 0.5).floor() as u32).max(1);
        Self::new(side(self.width), side(self.height))
    }

    /// Width and height exchanged, as by a quarter turn.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self::new(self.height, self.width)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

/// One or more frames that share a colour space and metadata.
#[derive(Debug, Clone)]
pub struct Image {
    /// At least one; a still image has exactly one. All have the same size.
    pub frames: Vec<Frame>,
    /// How often an animation plays; 0 is for ever. Of no meaning for a still image.
    pub loop_count: u32,
    /// What the numbers mean.
    pub color: ColorSpace,
    /// What else the file said.
    pub metadata: Metadata,
}

/// One picture of an [`Image`].
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its pixels.
    pub pixels: Pixels,
    /// How long an animation shows it, in milliseconds; 0 for a still image.
    pub delay_ms: u32,
}

/// What the numbers of an image mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColorSpace {
    /// sRGB (IEC 61966-2-1), or grey with the sRGB curve.
    Srgb,
    /// As an ICC profile (ISO 15076-1) says, for RGB or grey samples.
    Icc(Arc<[u8]>),
}

/// Samples in memory. Alpha is straight (not premultiplied).
#[derive(Debug, Clone)]
pub enum Pixels {
    /// Interleaved 8-bit samples.
    U8(Packed<u8>),
    /// Interleaved 16-bit samples.
    U16(Packed<u16>),
    /// Full-range BT.601 `Y'CbCr` planes, as JPEG stores them (JFIF, ITU-T T.871).
    Ycc(Planar),
}

/// How many samples a pixel has and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// Luminance.
    Gray,
    /// Luminance and alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl Channels {
    /// Samples a pixel.
    pub fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// Whether the last sample is alpha.
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }
}

/// Interleaved samples, rows from top to bottom without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed<S> {
    size: Size,
    channels: Channels,
    // Invariant: size.area() * channels.count() samples.
    samples: Vec<S>,
}

impl<S> fmt::Debug for Packed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} of {} bits", self.size, self.channels, size_of::<S>() * 8)
    }
}

impl<S: Scalar> Packed<S> {
    /// Wraps samples that a decoder or an operation made.
    ///
    /// # Panics
    /// When the samples do not fill the size exactly: that is a bug of the caller.
    pub fn new(size: Size, channels: Channels, samples: Vec<S>) -> Self {
        assert_eq!(
            samples.len() as u64,
            size.area() * channels.count() as u64,
            "samples fill the size"
        );
        Self { size, channels, samples }
    }

    /// A black (and transparent) image; `Limit` when there is no memory for it.
    pub fn zeroed(size: Size, channels: Channels) -> Result<Self> {
        Ok(Self { size, channels, samples: zeroed(size.area() * channels.count() as u64)? })
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// What a pixel is made of.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// All samples.
    pub fn samples(&self) -> &[S] {
        &self.samples
    }

    /// All samples, to change in place.
    pub fn samples_mut(&mut self) -> &mut [S] {
        &mut self.samples
    }

    /// The samples without the image around them.
    pub fn into_samples(self) -> Vec<S> {
        self.samples
    }

    /// Samples a row.
    pub fn stride(&self) -> usize {
        self.size.width as usize * self.channels.count()
    }

    /// The samples of a row.
    pub fn row(&self, y: usize) -> &[S] {
        &self.samples[y * self.stride()..][..self.stride()]
    }

    /// The rows from top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = &[S]> {
        self.samples.chunks_exact(self.stride())
    }
}

/// Three planes of 8 bits; the two chroma planes may be smaller than the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planar {
    /// The size of the image, which is the size of the first plane.
    pub size: Size,
    /// How chroma is subsampled: luma samples a chroma sample, across and down (1 or 2, or 4).
    pub subsampling: (u32, u32),
    /// Y', Cb, Cr. A chroma plane has `size / subsampling` samples, rounded up.
    pub planes: [Plane; 3],
}

/// One plane of 8-bit samples without row padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Plane {
    /// Its size.
    pub size: Size,
    /// `size.area()` samples.
    pub samples: Vec<u8>,
}

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plane {}", self.size)
    }
}

impl Pixels {
    /// Width and height.
    pub fn size(&self) -> Size {
        match self {
            Self::U8(packed) => packed.size,
            Self::U16(packed) => packed.size,
            Self::Ycc(planar) => planar.size,
        }
    }

    /// What a pixel is made of; planes count as RGB.
    pub fn channels(&self) -> Channels {
        match self {
            Self::U8(packed) => packed.channels,
            Self::U16(packed) => packed.channels,
            Self::Ycc(_) => Channels::Rgb,
        }
    }

    /// The pixels as interleaved samples.
    pub fn into_packed(self) -> Result<Self> {
        match self {
            Self::Ycc(planar) => planes::to_rgb(planar).map(Self::U8),
            pixels => Ok(pixels),
        }
    }

    /// Whether nothing shines through.
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::U8(packed) => packed.is_opaque(),
            Self::U16(packed) => packed.is_opaque(),
            Self::Ycc(_) => true,
        }
    }

    /// Whether pixels are half transparent: neither opaque nor invisible.
    pub fn has_soft_alpha(&self) -> bool {
        match self {
            Self::U8(packed) => packed.has_soft_alpha(),
            Self::U16(packed) => packed.has_soft_alpha(),
            Self::Ycc(_) => false,
        }
    }

    /// Bits a sample: 8 or 16.
    pub fn bit_depth(&self) -> u8 {
        if matches!(self, Self::U16(_)) { 16 } else { 8 }
    }
}

impl Image {
    /// A still image in sRGB without metadata.
    pub fn still(pixels: Pixels) -> Self {
        Self {
            frames: vec![Frame { pixels, delay_ms: 0 }],
            loop_count: 0,
            color: ColorSpace::Srgb,
            metadata: Metadata::default(),
        }
    }

    /// The size of every frame.
    pub fn size(&self) -> Size {
        self.frames[0].pixels.size()
    }

    /// Gives every frame the pixels that come of its own. After an error frames are missing.
    pub fn map_pixels(&mut self, mut map: impl FnMut(Pixels) -> Result<Pixels>) -> Result<()> {
        for frame in std::mem::take(&mut self.frames) {
            self.frames.push(Frame { pixels: map(frame.pixels)?, ..frame });
        }
        Ok(())
    }
}

/// A plain number, as samples are.
pub trait Scalar: Copy + Default + Send + Sync {}

impl<T: Copy + Default + Send + Sync> Scalar for T {}

/// Zeros; `Limit` when there is no memory for them. All threads take part, as most of the time goes
/// into the memory that they are the first to touch.
pub fn zeroed<S: Scalar>(len: u64) -> Result<Vec<S>> {
    let len = usize::try_from(len).map_err(|_| Error::limit("image does not fit into memory"))?;
    let mut samples = blocks(len, |_| [S::default(); BLOCK])?;
    samples.resize(len, S::default());
    Ok(samples)
}

/// One after the other in one piece, by all threads.
pub fn joined(start: &[u8], rest: &[u8]) -> Result<Vec<u8>> {
    let len = start.len() + rest.len();
    let byte = |at: usize| if at < start.len() { start[at] } else { rest[at - start.len()] };
    let mut bytes = blocks(len, |at| {
        let whole = at.checked_sub(start.len()).and_then(|at| rest[at..].first_chunk());
        whole.copied().unwrap_or_else(|| std::array::from_fn(|index| byte(at + index)))
    })?;
    bytes.extend((bytes.len()..len).map(byte));
    Ok(bytes)
}

/// Fewer samples than this are written sooner by one thread than they are shared out.
const SHARED_MIN: usize = 1 << 20;
/// So many samples are written at once.
const BLOCK: usize = 64;

/// Whole blocks of up to `len` samples, with room for the rest.
fn blocks<S: Scalar>(
    len: usize,
    block: impl Fn(usize) -> [S; BLOCK] + Send + Sync,
) -> Result<Vec<S>> {
    let mut blocks: Vec<[S; BLOCK]> = Vec::new();
    blocks
        .try_reserve_exact(len.div_ceil(BLOCK))
        .map_err(|_| Error::limit(format!("no memory for {} MB", (len * size_of::<S>()) >> 20)))?;
    let all = 0..len / BLOCK;
    if len >= SHARED_MIN && rayon::current_num_threads() > 1 {
        let all = all.into_par_iter().with_min_len(SHARED_MIN / BLOCK);
        blocks.par_extend(all.map(|index| block(index * BLOCK)));
    } else {
        blocks.extend(all.map(|index| block(index * BLOCK)));
    }
    Ok(blocks.into_flattened())
}

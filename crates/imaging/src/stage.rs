//! What operations become: the few kinds of work that the planner can reorder and fuse.

mod gray;

use std::sync::Arc;

use crate::color::{Color, from_oklab, luminance, to_linear, to_oklab};
use crate::format::LeftOut;
use crate::image::{Channels, Packed, Pixels};
use crate::kernels::look::Look;
use crate::kernels::resample::Kernel;
use crate::metadata::Orientation;
use crate::params::Percent;
use crate::{Error, Result, Size};

/// One piece of work on an image of known size.
#[derive(Clone)]
pub enum Stage {
    /// Mirrors and quarter turns: exact.
    Orient(Orientation),
    /// A rectangle of the image, cut out: exact.
    Crop(Rect),
    /// A rectangle of the image, brought to another size.
    Resample(Resample),
    /// A larger canvas around the image.
    Extend(Extend),
    /// A function of one pixel's color.
    Color(ColorFn),
    /// A function of one pixel's color and place.
    Position(Arc<dyn PositionFn>),
    /// A function of a pixel and those around it, or of the whole image.
    Area(Arc<dyn AreaFn>),
    /// Stages that depend on what the image shows, such as a crop to its content.
    Decide(Arc<dyn DecideFn>),
}

impl Stage {
    /// Whether what comes out may be transparent where what went in is not, as far as is known.
    pub fn adds_alpha(&self) -> bool {
        match self {
            Self::Extend(extend) => !extend.color.is_opaque(),
            Self::Area(area) => area.adds_alpha(),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Orient(orientation) => write!(f, "Orient({orientation:?})"),
            Self::Crop(rect) => write!(f, "Crop({rect:?})"),
            Self::Resample(resample) => write!(f, "{resample:?}"),
            Self::Extend(extend) => write!(f, "{extend:?}"),
            Self::Color(_) => f.write_str("Color"),
            Self::Position(_) => f.write_str("Position"),
            Self::Area(_) => f.write_str("Area"),
            Self::Decide(_) => f.write_str("Decide"),
        }
    }
}

impl Stage {
    /// A color function with a strength: no stage at all at 0, so that the image stays as it is to
    /// the bit.
    pub fn blended(
        intensity: Percent,
        map: impl Fn([f32; 3]) -> [f32; 3] + Send + Sync + 'static,
    ) -> Vec<Self> {
        match intensity.factor() {
            0.0 => Vec::new(),
            strength => vec![Self::Color(ColorFn::blended(strength, map))],
        }
    }

    /// A color for each luminance, with a strength; none at all at 0.
    pub fn tone(
        intensity: Percent,
        tone: impl Fn(f32) -> [f32; 3] + Send + Sync + 'static,
    ) -> Vec<Self> {
        match intensity.factor() {
            0.0 => Vec::new(),
            strength => vec![Self::Color(ColorFn::Tone(Arc::new(tone), strength))],
        }
    }

    /// A look with a strength; none at all at 0.
    pub fn look(intensity: Percent, look: &Arc<Look>) -> Vec<Self> {
        match intensity.factor() {
            0.0 => Vec::new(),
            strength => vec![Self::Color(ColorFn::Look(Arc::clone(look), strength))],
        }
    }

    /// The size of what comes out: a promise that the runner checks, except of `Decide`.
    pub fn output_size(&self, input: Size) -> Size {
        match self {
            Self::Orient(orientation) if orientation.transposes() => input.transposed(),
            Self::Orient(_) | Self::Color(_) | Self::Position(_) => input,
            Self::Crop(rect) => rect.size,
            Self::Resample(resample) => resample.size,
            Self::Extend(extend) => extend.size,
            Self::Area(area) => area.output_size(input),
            Self::Decide(decide) => decide.likely_size(input),
        }
    }
}

/// A rectangle of whole pixels inside an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Pixels from the left edge.
    pub x: u32,
    /// Pixels from the upper edge.
    pub y: u32,
    /// Width and height.
    pub size: Size,
}

/// A rectangle in pixel coordinates: the pixel at (0, 0) covers 0..1 in both directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RectF {
    /// From the left edge.
    pub x: f64,
    /// From the upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl RectF {
    /// All of an image.
    pub fn full(size: Size) -> Self {
        Self { x: 0.0, y: 0.0, width: f64::from(size.width), height: f64::from(size.height) }
    }

    /// The same rectangle in an image that is scaled by these factors.
    #[must_use]
    pub fn scaled(self, x: f64, y: f64) -> Self {
        Self { x: self.x * x, y: self.y * y, width: self.width * x, height: self.height * y }
    }
}

impl From<Rect> for RectF {
    fn from(rect: Rect) -> Self {
        Self { x: f64::from(rect.x), y: f64::from(rect.y), ..Self::full(rect.size) }
    }
}

/// Brings a rectangle of the image to another size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resample {
    /// What is shown, in pixels of the input.
    pub source: RectF,
    /// What comes out.
    pub size: Size,
    /// How samples are weighted.
    pub kernel: Kernel,
}

/// A larger canvas around the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extend {
    /// The canvas.
    pub size: Size,
    /// Where the image lies from the left.
    pub x: u32,
    /// Where the image lies from the top.
    pub y: u32,
    /// What is around it.
    pub color: Color,
}

/// From luminance to a color.
pub type ToneFn = Arc<dyn Fn(f32) -> [f32; 3] + Send + Sync>;

/// A function of one pixel's color, in sRGB from 0 to 1. Colors between two functions of a pass are
/// not clamped: what one pushes over white the next can bring back.
#[derive(Clone)]
pub enum ColorFn {
    /// Each channel by itself: `(channel, value) -> value`.
    Curves(Arc<dyn Fn(usize, f32) -> f32 + Send + Sync>),
    /// Each channel by itself, with jumps: never smoothed by a table.
    Steps(Arc<dyn Fn(usize, f32) -> f32 + Send + Sync>),
    /// A color for each luminance (linear light, 0 to 1), blended with the original by a strength
    /// (0 to 1).
    Tone(ToneFn, f32),
    /// A table, blended with the original by a strength (0 to 1).
    Look(Arc<Look>, f32),
    /// The two color axes of Oklab, mapped by rows of coefficients: lightness stays.
    Chroma([[f32; 2]; 2]),
    /// Anything else.
    Map(Arc<dyn Fn([f32; 3]) -> [f32; 3] + Send + Sync>),
}

impl ColorFn {
    /// The same curve for all channels.
    pub fn curve(curve: impl Fn(f32) -> f32 + Send + Sync + 'static) -> Self {
        Self::Curves(Arc::new(move |_, value| curve(value)))
    }

    /// Any function of a color, blended with the original by `strength` (0 to 1).
    pub fn blended(
        strength: f32,
        map: impl Fn([f32; 3]) -> [f32; 3] + Send + Sync + 'static,
    ) -> Self {
        Self::Map(Arc::new(move |rgb| mix(rgb, map(rgb), strength)))
    }

    /// The function of one color.
    pub fn eval(&self, rgb: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Curves(curve) | Self::Steps(curve) => std::array::from_fn(|c| curve(c, rgb[c])),
            Self::Tone(tone, strength) => mix(rgb, tone(luminance(rgb.map(to_linear))), *strength),
            Self::Look(look, strength) => mix(rgb, look.eval(rgb), *strength),
            Self::Chroma(rows) => {
                let [lightness, x, y] = to_oklab(rgb);
                let [x, y] = rows.map(|[a, b]| a * x + b * y);
                from_oklab([lightness, x, y])
            }
            Self::Map(map) => map(rgb),
        }
    }
}

/// From one color (0) to another (1).
fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|c| from[c] + (to[c] - from[c]) * share)
}

/// A function of a pixel's color and place.
pub trait PositionFn: Send + Sync {
    /// Changes one row of an image of this size; colors are sRGB from 0 to 1.
    fn apply_row(&self, size: Size, y: u32, row: &mut [[f32; 3]]);
}

/// A function of a pixel and those around it, or of the whole image.
pub trait AreaFn: Send + Sync {
    /// The size of what comes out.
    fn output_size(&self, input: Size) -> Size {
        input
    }

    /// Runs it on interleaved samples in sRGB with straight alpha; it never sees planes.
    fn apply(&self, pixels: Pixels) -> Result<Pixels>;

    /// See [`Stage::adds_alpha`].
    fn adds_alpha(&self) -> bool {
        false
    }

    /// Nanoseconds a pixel on a core of a common server, for estimates.
    fn cost_ns(&self) -> f64 {
        15.0
    }

    /// Bytes that it holds beside what goes in, which takes so many, and what comes out, for
    /// estimates.
    fn held_bytes(&self, _input_bytes: u64) -> u64 {
        0
    }

    /// Whether a picture without colors stays one, as far as is known before it runs.
    fn keeps_gray(&self) -> bool {
        true
    }

    /// Whether it only moves pixels: then they may be in the colors of any profile.
    fn is_geometry(&self) -> bool {
        false
    }

    /// What is missing of another file that it brings in; asked after it has run.
    fn left_out(&self) -> Option<LeftOut> {
        None
    }
}

/// An [`AreaFn`] that does the same to samples of either depth.
pub trait SampleFn: Send + Sync {
    /// Runs it on interleaved samples in sRGB with straight alpha.
    fn apply_to<S: Sample>(&self, packed: Packed<S>) -> Result<Packed<S>>;

    /// See [`AreaFn::cost_ns`].
    fn cost_ns(&self) -> f64 {
        15.0
    }

    /// See [`AreaFn::held_bytes`].
    fn held_bytes(&self, _input_bytes: u64) -> u64 {
        0
    }

    /// See [`AreaFn::keeps_gray`].
    fn keeps_gray(&self) -> bool {
        true
    }
}

impl<T: SampleFn> AreaFn for T {
    fn apply(&self, pixels: Pixels) -> Result<Pixels> {
        match pixels {
            Pixels::U8(packed) => self.apply_to(packed).map(Pixels::U8),
            Pixels::U16(packed) => self.apply_to(packed).map(Pixels::U16),
            Pixels::Ycc(_) => Err(Error::internal("areas are never planes")),
        }
    }

    fn cost_ns(&self) -> f64 {
        SampleFn::cost_ns(self)
    }

    fn held_bytes(&self, input_bytes: u64) -> u64 {
        SampleFn::held_bytes(self, input_bytes)
    }

    fn keeps_gray(&self) -> bool {
        SampleFn::keeps_gray(self)
    }
}

/// Looks at the whole image and says what is to be done to it. Of an animation it sees the first
/// frame, and what it finds holds for all.
pub trait DecideFn: Send + Sync {
    /// The size of what comes out as far as it is known before the image is seen.
    fn likely_size(&self, input: Size) -> Size {
        input
    }

    /// The stages, from interleaved samples in sRGB with straight alpha.
    fn decide(&self, pixels: &Pixels, notes: &mut Notes) -> Result<Vec<Stage>>;
}

/// What was found while looking at an image.
#[derive(Debug, Default)]
pub struct Notes {
    /// Code and message of each warning.
    pub warnings: Vec<(&'static str, String)>,
    /// Fields for the `result_json` of the step: `angle` of a deskew.
    pub data: serde_json::Map<String, serde_json::Value>,
}

/// Samples of 8 or 16 bits, for code that serves both.
pub trait Sample:
    Copy + Default + bytemuck::Pod + Send + Sync + std::fmt::Debug + PartialEq
{
    /// White.
    const MAX: f32;

    /// From 0..=MAX, rounded and clamped.
    fn from_f32(value: f32) -> Self;

    /// 0..=MAX.
    fn to_f32(self) -> f32;

    /// From 8 bits.
    fn from_u8(value: u8) -> Self;

    /// Pixels of these samples.
    fn wrap(packed: Packed<Self>) -> Pixels;

    /// The samples of pixels that are known to have this depth.
    fn unwrap(pixels: Pixels) -> Result<Packed<Self>>;

    /// Fully opaque, or white.
    fn max() -> Self {
        Self::from_u8(255)
    }
}

/// The nearest integer from 0 to `max`, half way up; of what is no number, 0. What `as` does, in
/// operations that vectors have: compilers take them apart for `as`, since it clamps.
#[inline(always)]
fn nearest(value: f32, max: f32) -> u32 {
    // From here on floats have no room for fractions: their lowest bits are the integer.
    const WHOLE: f32 = 8_388_608.0;
    let value = (value + 0.5).max(0.0).min(max);
    let rounded = value + WHOLE;
    rounded.to_bits().wrapping_sub(u32::from(rounded - WHOLE > value))
}

impl Sample for u8 {
    const MAX: f32 = 255.0;

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        nearest(value, <Self as Sample>::MAX) as Self
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }

    fn from_u8(value: u8) -> Self {
        value
    }

    fn wrap(packed: Packed<Self>) -> Pixels {
        Pixels::U8(packed)
    }

    fn unwrap(pixels: Pixels) -> Result<Packed<Self>> {
        match pixels {
            Pixels::U8(packed) => Ok(packed),
            other => Err(Error::internal(format!("{} bits came of 8", other.bit_depth()))),
        }
    }
}

impl Sample for u16 {
    const MAX: f32 = 65_535.0;

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        nearest(value, <Self as Sample>::MAX) as Self
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }

    fn from_u8(value: u8) -> Self {
        u16::from(value) * 257
    }

    fn wrap(packed: Packed<Self>) -> Pixels {
        Pixels::U16(packed)
    }

    fn unwrap(pixels: Pixels) -> Result<Packed<Self>> {
        match pixels {
            Pixels::U16(packed) => Ok(packed),
            other => Err(Error::internal(format!("{} bits came of 16", other.bit_depth()))),
        }
    }
}

impl<S: Sample> Packed<S> {
    /// The same picture with other channels. Gray becomes equal red, green and blue; new alpha is
    /// opaque. Color is never dropped here, alpha only where the caller says so by asking for
    /// channels without it.
    pub fn with_channels(self, channels: Channels) -> Result<Self> {
        let from = self.channels();
        if from == channels {
            return Ok(self);
        }
        let mut out = Self::zeroed(self.size(), channels)?;
        let pixels = self.samples().chunks_exact(from.count());
        for (old, new) in pixels.zip(out.samples_mut().chunks_exact_mut(channels.count())) {
            let color = match from {
                Channels::Gray | Channels::GrayAlpha => [old[0]; 3],
                Channels::Rgb | Channels::Rgba => [old[0], old[1], old[2]],
            };
            let alpha = if from.has_alpha() { old[from.count() - 1] } else { S::max() };
            match channels {
                Channels::Gray => new[0] = color[0],
                Channels::GrayAlpha => new.copy_from_slice(&[color[0], alpha]),
                Channels::Rgb => new.copy_from_slice(&color),
                Channels::Rgba => new.copy_from_slice(&[color[0], color[1], color[2], alpha]),
            }
        }
        Ok(out)
    }

    /// Whether no pixel lets anything through.
    pub fn is_opaque(&self) -> bool {
        let channels = self.channels();
        let last = channels.count() - 1;
        !channels.has_alpha()
            || self.samples().chunks_exact(channels.count()).all(|pixel| pixel[last] == S::max())
    }

    /// Whether a pixel is half transparent.
    pub fn has_soft_alpha(&self) -> bool {
        let channels = self.channels();
        let last = channels.count() - 1;
        let is_soft = |alpha: S| alpha != S::max() && alpha.to_f32() != 0.0;
        channels.has_alpha()
            && self.samples().chunks_exact(channels.count()).any(|pixel| is_soft(pixel[last]))
    }
}

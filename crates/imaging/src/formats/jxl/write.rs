//! JPEG XL from pixels, in one of three ways: with loss in XYB, the space that is made for it; with
//! loss in `Y'CbCr` where a profile says what the numbers mean; without loss.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jixel::{CodingTransform, ColorEncoding, EncodeConfig, EncodeError, FlMeta, Speed};

use super::animation;
use crate::icc;
use crate::image::{Channels, ColorSpace, Frame, Packed, Pixels, Scalar};
use crate::kernels::planes;
use crate::metadata::exif;
use crate::output::Output;
use crate::{Error, Image, Result, Size};

/// Quality when none is asked for: about what JPEG 85 looks like.
const QUALITY: u8 = 88;
/// Effort when none is asked for: the knee of size against time.
pub(super) const EFFORT: u8 = 4;
/// Up to this effort a lossless file is made by a coder that looks at each sample once.
const ONE_LOOK_EFFORT: u8 = 2;
/// Smaller pictures are written before other threads are awake.
const SHARED_AREA: u64 = 1 << 17;
/// The encoder may hold so many bytes; with more pixels there is less effort.
const MEMORY_MAX: u64 = 640 << 20;

pub(super) fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("a JPEG XL holds one frame here"));
    };
    match pixels {
        Pixels::U8(packed) => file(image, packed, output),
        Pixels::U16(packed) => file(image, packed, output),
        Pixels::Ycc(planar) => file(image, &planes::to_rgb(planar.clone())?, output),
    }
}

fn file<S: Sample>(image: &Image, packed: &Packed<S>, output: &Output) -> Result<Vec<u8>> {
    let is_lossless = output.lossless == Some(true);
    let effort = affordable(output, packed.size());
    let color = Color::of(image, matches!(packed.channels(), Channels::Gray | Channels::GrayAlpha));
    // With a profile that coder fails on all but small pictures.
    if is_lossless && effort <= ONE_LOOK_EFFORT && !matches!(color, Color::Profile(_)) {
        return S::encode_at_one_look(packed, &one_look(image, &color)).map_err(failure);
    }
    let mut config = config(image, output, effort, &color);
    // With loss it fails on some pictures with alpha that are as thin as a line.
    let encode = |config: &_| catch_unwind(AssertUnwindSafe(|| S::encode(packed, config)));
    let file = encode(&config).or_else(|_| {
        config.lossless = true;
        encode(&config)
    });
    match file {
        Ok(file) => file.map_err(failure),
        Err(_) => Err(Error::internal("the JPEG XL cannot be written: its encoder gave up")),
    }
}

/// What the encoder holds, as measured.
pub(super) fn memory(output: &Output, size: Size) -> u64 {
    bytes_a_pixel(output, affordable(output, size)) * size.area()
}

/// The effort that a picture or an animation gets, where that is less than is asked for.
pub(super) fn effort_lowered(output: &Output, size: Size, is_animation: bool) -> Option<u8> {
    let most = if is_animation { animation::effort_max(output) } else { u8::MAX };
    let effort = affordable(output, size).min(most);
    (effort < output.effort.unwrap_or(EFFORT)).then_some(effort)
}

/// The effort that is asked for, or less where that would take too much memory.
fn affordable(output: &Output, size: Size) -> u8 {
    let effort = output.effort.unwrap_or(EFFORT);
    let fits = |effort: &u8| bytes_a_pixel(output, *effort) * size.area() <= MEMORY_MAX;
    (0..=effort).rev().find(fits).unwrap_or(0)
}

/// As measured on a photograph.
pub(super) fn encode_ns(output: &Output, _: bool) -> f32 {
    match (output.lossless == Some(true), output.effort.unwrap_or(EFFORT)) {
        (true, 0..=ONE_LOOK_EFFORT) => 90.0,
        (true, 0..=5) => 640.0,
        (true, 6..=8) => 5700.0,
        (true, _) => 13_400.0,
        (false, 0) => 120.0,
        (false, 1..=2) => 360.0,
        (false, 3..=5) => 580.0,
        (false, 6) => 1100.0,
        (false, 7..=8) => 3130.0,
        (false, _) => 5500.0,
    }
}

fn bytes_a_pixel(output: &Output, effort: u8) -> u64 {
    match (output.lossless == Some(true), effort) {
        (true, 0..=ONE_LOOK_EFFORT) => 16,
        (true, 0..=5) => 65,
        (true, _) => 105,
        (false, 0..=5) => 18,
        (false, _) => 50,
    }
}

/// What the numbers mean.
enum Color<'a> {
    Srgb,
    /// By its name, so that it needs no profile.
    DisplayP3,
    Profile(&'a [u8]),
}

impl<'a> Color<'a> {
    fn of(image: &'a Image, is_gray: bool) -> Self {
        match &image.color {
            ColorSpace::Srgb => Self::Srgb,
            ColorSpace::Icc(profile) if !is_gray && icc::is_display_p3(profile) => Self::DisplayP3,
            ColorSpace::Icc(profile) => Self::Profile(profile),
        }
    }
}

fn config(image: &Image, output: &Output, effort: u8, color: &Color<'_>) -> EncodeConfig {
    let is_small = image.size().area() < SHARED_AREA;
    let mut config = EncodeConfig::default()
        .with_quality(output.quality.unwrap_or(QUALITY).into())
        .with_lossless(output.lossless == Some(true))
        .with_progressive(output.progressive == Some(true))
        .with_speed(speed(effort))
        .with_num_threads(if is_small { 1 } else { rayon::current_num_threads() })
        .with_orientation(orientation(image));
    // Both give an opaque picture an alpha channel.
    (config.ink_layer, config.vector_layers) = (false, false);
    config.exif.clone_from(&image.metadata.exif);
    config.xmp.clone_from(&image.metadata.xmp);
    match color {
        Color::Srgb => {}
        Color::DisplayP3 => config.color_encoding = ColorEncoding::display_p3(),
        Color::Profile(profile) => {
            config.icc_profile = Some(profile.to_vec());
            config.coding_transform = CodingTransform::YCbCr;
        }
    }
    config
}

pub(super) fn speed(effort: u8) -> Speed {
    match effort {
        0 => Speed::UltraFast,
        1 | 2 => Speed::Fastest,
        3..=5 => Speed::Fast,
        6 => Speed::Medium,
        7 | 8 => Speed::MediumSlow,
        _ => Speed::Slow,
    }
}

fn one_look(image: &Image, color: &Color<'_>) -> FlMeta {
    let meta = match color {
        Color::DisplayP3 => FlMeta::display_p3(),
        Color::Srgb | Color::Profile(_) => FlMeta::srgb(),
    };
    FlMeta {
        orientation: orientation(image),
        exif: image.metadata.exif.clone(),
        xmp: image.metadata.xmp.clone(),
        ..meta
    }
}

/// The header says it: what Exif says of it counts for nothing here.
fn orientation(image: &Image) -> jixel::Orientation {
    let value = image.metadata.exif.as_deref().and_then(exif::orientation);
    value
        .and_then(|value| u8::try_from(value).ok())
        .and_then(jixel::Orientation::from_exif)
        .unwrap_or_default()
}

/// A depth, with the encoder's functions for it.
trait Sample: Scalar {
    fn encode(packed: &Packed<Self>, config: &EncodeConfig) -> Result<Vec<u8>, EncodeError>;
    fn encode_at_one_look(packed: &Packed<Self>, meta: &FlMeta) -> Result<Vec<u8>, EncodeError>;
}

impl Sample for u8 {
    fn encode(packed: &Packed<Self>, config: &EncodeConfig) -> Result<Vec<u8>, EncodeError> {
        let encode = match packed.channels() {
            Channels::Gray => jixel::encode_image_gray,
            Channels::GrayAlpha => jixel::encode_image_gray_alpha,
            Channels::Rgb => jixel::encode_image,
            Channels::Rgba => jixel::encode_image_with_alpha,
        };
        let (width, height) = sides(packed);
        encode(packed.samples(), width, height, config)
    }

    fn encode_at_one_look(packed: &Packed<Self>, meta: &FlMeta) -> Result<Vec<u8>, EncodeError> {
        let (width, height) = sides(packed);
        let (space, has_alpha) = space(packed.channels());
        jixel::encode_fast_lossless(packed.samples(), width, height, space, has_alpha, meta)
    }
}

impl Sample for u16 {
    fn encode(packed: &Packed<Self>, config: &EncodeConfig) -> Result<Vec<u8>, EncodeError> {
        let encode = match packed.channels() {
            Channels::Gray => jixel::encode_image_gray_16bit,
            Channels::GrayAlpha => jixel::encode_image_gray_alpha_16bit,
            Channels::Rgb => jixel::encode_image_16bit,
            Channels::Rgba => jixel::encode_image_with_alpha_16bit,
        };
        let (width, height) = sides(packed);
        encode(packed.samples(), width, height, config)
    }

    fn encode_at_one_look(packed: &Packed<Self>, meta: &FlMeta) -> Result<Vec<u8>, EncodeError> {
        let (width, height) = sides(packed);
        let (space, has_alpha) = space(packed.channels());
        jixel::encode_fast_lossless_u16(packed.samples(), width, height, space, has_alpha, 16, meta)
    }
}

fn sides<S: Scalar>(packed: &Packed<S>) -> (usize, usize) {
    (packed.size().width as usize, packed.size().height as usize)
}

fn space(channels: Channels) -> (jixel::ColorSpace, bool) {
    let space = match channels {
        Channels::Gray | Channels::GrayAlpha => jixel::ColorSpace::Gray,
        Channels::Rgb | Channels::Rgba => jixel::ColorSpace::Rgb,
    };
    (space, channels.has_alpha())
}

pub(super) fn failure(error: EncodeError) -> Error {
    match error {
        EncodeError::AllocationFailed { .. } => Error::limit("no memory for the JPEG XL"),
        error => Error::internal(format!("the JPEG XL cannot be written: {error}")),
    }
}

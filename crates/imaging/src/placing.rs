//! Where on an image something is put, and the work of putting it there.

use std::sync::{Arc, OnceLock};

use crate::color::Color;
use crate::files::File;
use crate::format::{Decoded, LeftOut};
use crate::image::Pixels;
use crate::image_op::Misfit;
use crate::kernels::blend::{Blend, lay};
use crate::kernels::layer::Layer;
use crate::kernels::resample::{Kernel, resample};
use crate::kernels::turn;
use crate::kernels::warp::{Beyond, Warp, warp};
use crate::params::{Gravity, Length};
use crate::stage::{AreaFn, RectF, Resample, Stage};
use crate::{Error, Header, Limits, Result as ImagingResult, Size};

/// A place that is given, or else follows from a side to keep to.
#[derive(Debug, Clone, Copy)]
pub struct Anchor {
    /// From the left edge.
    pub x: Option<Length>,
    /// From the upper edge.
    pub y: Option<Length>,
    /// The side or corner to keep to where a coordinate is not given.
    pub gravity: Gravity,
    /// The distance from the edges, in pixels.
    pub margin: f64,
}

impl Anchor {
    /// The given coordinates in pixels, which must lie inside the image.
    pub fn given(&self, image: Size) -> Result<(Option<f64>, Option<f64>), Misfit> {
        let inside = |field, length: Option<Length>, side: u32| {
            let Some(length) = length else { return Ok(None) };
            let at = length.of(f64::from(side));
            if at >= f64::from(side) {
                let message = format!("{field} {at} lies outside the image of {image}");
                return Err(Misfit { field, message });
            }
            Ok(Some(at))
        };
        Ok((inside("x", self.x, image.width)?, inside("y", self.y, image.height)?))
    }

    /// Where the upper left corner of something of this size lies on the image, by gravity alone.
    pub fn kept(&self, image: Size, (width, height): (f64, f64)) -> (f64, f64) {
        let (left, top) = self.gravity.shares();
        let place = |side: u32, length: f64, share: f64| {
            let room = f64::from(side) - length;
            match share {
                0.0 => self.margin,
                1.0 => room - self.margin,
                share => room * share,
            }
        };
        (place(image.width, width, left), place(image.height, height, top))
    }
}

/// The shorter side of an image, which most lengths are said in percent of.
pub fn shorter(image: Size) -> f64 {
    f64::from(image.width.min(image.height))
}

/// What is laid over an image.
pub struct Laid {
    /// The picture of it.
    pub layer: Layer,
    /// The distances from its own place at which it stands.
    pub places: Vec<(i32, i32)>,
    /// What is missing of the file that it comes from.
    pub left_out: Option<LeftOut>,
}

impl Laid {
    /// Once, at its own place.
    pub fn once(layer: Layer) -> Self {
        Self { layer, places: vec![(0, 0)], left_out: None }
    }
}

/// A stage that lays over the image what `make` gives: it is called once, when the first frame
/// comes, and never at the door.
pub fn lay_over(
    blend: Blend,
    opacity: f32,
    make: impl Fn() -> ImagingResult<Laid> + Send + Sync + 'static,
) -> Vec<Stage> {
    lay_over_holding(0, blend, opacity, make)
}

/// The same, where making it takes so many bytes that they count.
pub fn lay_over_holding(
    held_bytes: u64,
    blend: Blend,
    opacity: f32,
    make: impl Fn() -> ImagingResult<Laid> + Send + Sync + 'static,
) -> Vec<Stage> {
    if opacity == 0.0 {
        return Vec::new();
    }
    let lay = LayOver { held_bytes, blend, opacity, make, made: OnceLock::new() };
    vec![Stage::Area(Arc::new(lay))]
}

struct LayOver<F> {
    held_bytes: u64,
    blend: Blend,
    opacity: f32,
    make: F,
    made: OnceLock<ImagingResult<Laid>>,
}

impl<F: Fn() -> ImagingResult<Laid> + Send + Sync> AreaFn for LayOver<F> {
    fn apply(&self, pixels: Pixels) -> ImagingResult<Pixels> {
        let laid = self.made.get_or_init(&self.make).as_ref().map_err(Clone::clone)?;
        lay(pixels, &laid.layer, &laid.places, self.blend, self.opacity)
    }

    fn held_bytes(&self, _: u64) -> u64 {
        self.held_bytes
    }

    /// At the door nobody has seen it.
    fn keeps_gray(&self) -> bool {
        false
    }

    fn left_out(&self) -> Option<LeftOut> {
        let laid = self.made.get()?.as_ref().ok()?;
        let (code, message) = laid.left_out.as_ref()?;
        Some((*code, format!("of the file that is laid over: {message}")))
    }
}

/// Another picture of the request that is laid over the image.
pub struct Picture {
    header: Header,
    /// At the door there are none.
    bytes: Option<Vec<u8>>,
    limits: Limits,
}

impl Picture {
    /// The picture of a file.
    pub fn of(file: &File<'_>, limits: &Limits) -> Self {
        let bytes = file.bytes.map(<[u8]>::to_vec);
        Self { header: file.header.clone(), bytes, limits: limits.clone() }
    }

    /// Bytes that it takes to bring it to this size: its own pixels, and with colors that are
    /// weighed by alpha in 16 bits, which the layer has in any case.
    pub fn held_bytes(&self, size: Size) -> u64 {
        let is_weighed = self.header.has_alpha || self.header.bit_depth > 8;
        let own = if is_weighed { 12 } else { 3 } + self.header.format.decode_bytes;
        own * self.header.size.area() + 16 * size.area()
    }

    /// The picture at this size, turned clockwise about its middle, with the upper left corner of
    /// what holds all of it at this place of the image.
    pub fn laid(&self, size: Size, angle: f64, corner: (i32, i32)) -> ImagingResult<Laid> {
        let file = File { header: self.header.clone(), bytes: self.bytes.as_deref() };
        let nothing = || Error::internal("a picture has no pixels");
        let Decoded { mut image, left_out, .. } =
            file.picture(&self.limits)?.ok_or_else(nothing)?;
        let pixels = image.frames.pop().ok_or_else(nothing)?.pixels;
        let source = RectF::full(pixels.size());
        let resized = match pixels.size() == size {
            true => pixels,
            false => resample(pixels, &Resample { source, size, kernel: Kernel::Lanczos3 })?,
        };
        let turned = match angle.rem_euclid(360.0) {
            0.0 => resized,
            angle => {
                let canvas = turn::bounds(size, angle);
                let to_source = turn::map(angle, size, canvas);
                let beyond = Beyond::Color(Color::TRANSPARENT);
                warp(resized, &Warp { to_source, size: canvas, beyond })?
            }
        };
        Ok(Laid { left_out, ..Laid::once(Layer::of_pixels(turned, corner)?) })
    }
}

/// Whole pixels, at least one.
pub fn side(length: f64) -> u32 {
    (length + 0.5).floor().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// A place in whole pixels.
pub fn whole((x, y): (f64, f64)) -> (i32, i32) {
    ((x + 0.5).floor() as i32, (y + 0.5).floor() as i32)
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tiny_skia_path::Rect;

use crate::image::{Channels, Packed, Pixels};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::coverage::{Mask, Window};
use crate::params::{Length, Params};
use crate::placing::shorter;
use crate::scene::Scene;
use crate::stage::{AreaFn, Sample, Stage};
use crate::text::rounded;
use crate::{Error, Result as ImagingResult, Size};

/// Rounds the corners of the image: what is cut off becomes transparent; formats without alpha show
/// their background there.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RoundCorners {
    /// The radius, in pixels or percent of the shorter side; `50%` makes a circle of a square. 10%
    /// by default.
    pub radius: Option<Length>,
}

impl Params for RoundCorners {
    const NAME: &'static str = "round_corners";
    const EXAMPLE: &'static str = r#"{"radius": "20%"}"#;
}

impl ImageOp for RoundCorners {
    const GROUP: Group = Group::Compose;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let size = scene.size();
        let radius = self.radius.unwrap_or(Length::Percent(10.0)).of(shorter(size)) as f32;
        Ok(match radius > 0.0 {
            true => vec![Stage::Area(Arc::new(Corners { size, radius }))],
            false => Vec::new(),
        })
    }
}

/// Cuts round corners.
pub(super) struct Corners {
    pub(super) size: Size,
    pub(super) radius: f32,
}

impl AreaFn for Corners {
    fn apply(&self, pixels: Pixels) -> ImagingResult<Pixels> {
        match pixels {
            Pixels::U8(packed) => self.cut(packed).map(Pixels::U8),
            Pixels::U16(packed) => self.cut(packed).map(Pixels::U16),
            Pixels::Ycc(_) => Err(Error::internal("planes have no corners to cut")),
        }
    }

    fn adds_alpha(&self) -> bool {
        true
    }
}

impl Corners {
    fn cut<S: Sample>(&self, packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let channels = match packed.channels() {
            Channels::Gray | Channels::GrayAlpha => Channels::GrayAlpha,
            Channels::Rgb | Channels::Rgba => Channels::Rgba,
        };
        let mut packed = packed.with_channels(channels)?;
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        let rect = Rect::from_xywh(0.0, 0.0, width as f32, height as f32);
        let Some(shape) = rect.and_then(|rect| rounded(rect, self.radius)) else {
            return Ok(packed);
        };
        // Where the radius is more than half a side the quarters meet in the middle.
        let (across, down) = (self.reach(width), self.reach(height));
        let (right, bottom) = ((width - across).max(across), (height - down).max(down));
        let corners = [
            Window::between((0, 0), (across, down)),
            Window::between((right, 0), (width, down)),
            Window::between((0, bottom), (across, height)),
            Window::between((right, bottom), (width, height)),
        ];
        for window in corners {
            let mask = Mask::of(&shape, window)?;
            cut_with(&mut packed, &mask);
        }
        Ok(packed)
    }

    fn reach(&self, side: i32) -> i32 {
        (self.radius.ceil() as i32).min((side + 1) / 2)
    }
}

fn cut_with<S: Sample>(packed: &mut Packed<S>, mask: &Mask) {
    let count = packed.channels().count();
    let stride = packed.stride();
    let width = mask.window.size.width as usize;
    if width == 0 {
        return;
    }
    let (x, y) = (mask.window.x as usize, mask.window.y as usize);
    let rows = packed.samples_mut().chunks_exact_mut(stride).skip(y);
    for (row, covered) in rows.zip(mask.samples.chunks_exact(width)) {
        let pixels = row[x * count..].chunks_exact_mut(count);
        for (pixel, covered) in pixels.zip(covered) {
            let alpha = pixel[count - 1].to_f32() * f32::from(*covered) / 255.0;
            pixel[count - 1] = S::from_f32(alpha);
        }
    }
}

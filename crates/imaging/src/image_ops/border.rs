use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tiny_skia_path::{PathBuilder, Rect};

use crate::color::Color;
use crate::image::Pixels;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::round_corners::Corners;
use crate::kernels::blend::{Blend, lay};
use crate::kernels::coverage::{Mask, Window};
use crate::kernels::layer::Layer;
use crate::params::{Length, Params};
use crate::placing::shorter;
use crate::scene::Scene;
use crate::stage::{AreaFn, Extend, Stage};
use crate::text::rounded;
use crate::{Result as ImagingResult, Size};

/// Puts a border of one color around the image, or inside along its edges.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Border {
    /// How wide the border is, in pixels or percent of the shorter side. 3% by default.
    pub width: Option<Length>,
    /// Its color. Black by default.
    pub color: Option<Color>,
    /// Whether the image grows.
    pub position: Position,
    /// How round the outer corners are, in pixels or percent of the shorter side: what is outside
    /// becomes transparent. Square by default.
    pub radius: Option<Length>,
}

/// Where a border lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Position {
    /// Around the image, which grows.
    #[default]
    Outside,
    /// Over the edges of the image, which keeps its size.
    Inside,
}

impl Params for Border {
    const NAME: &'static str = "border";
    const EXAMPLE: &'static str = r##"{"width": 6, "color": "#224466"}"##;
}

impl ImageOp for Border {
    const GROUP: Group = Group::Compose;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        let length = |length: Length| (length.of(shorter(image)) + 0.5).floor();
        let width = length(self.width.unwrap_or(Length::Percent(3.0))) as u32;
        let radius = self.radius.map_or(0.0, length) as f32;
        let color = self.color.unwrap_or(Color([0, 0, 0, 255]));
        let mut stages = Vec::new();
        let mut size = image;
        if width > 0 && self.position == Position::Outside {
            let grown = |side: u32| side.saturating_add(width.saturating_mul(2));
            size = Size::new(grown(image.width), grown(image.height));
            stages.push(Stage::Extend(Extend { size, x: width, y: width, color }));
        }
        // Outside, only the inner corners of a round border are left to draw.
        let is_round = radius > width as f32;
        if width > 0 && (self.position == Position::Inside || is_round) {
            let only_corners = self.position == Position::Outside;
            stages.push(Stage::Area(Arc::new(Ring { size, width, radius, color, only_corners })));
        }
        if radius > 0.0 {
            stages.push(Stage::Area(Arc::new(Corners { size, radius })));
        }
        Ok(stages)
    }
}

/// A band along the edges whose inner corners are round where the outer ones are rounder than it
/// is wide.
struct Ring {
    size: Size,
    width: u32,
    radius: f32,
    color: Color,
    only_corners: bool,
}

impl AreaFn for Ring {
    fn keeps_gray(&self) -> bool {
        self.color.is_gray()
    }

    fn apply(&self, mut pixels: Pixels) -> ImagingResult<Pixels> {
        let (width, height) = (self.size.width as f32, self.size.height as f32);
        let band = self.width as f32;
        let mut ring = PathBuilder::new();
        let inner = Rect::from_ltrb(band, band, width - band, height - band)
            .filter(|rect| rect.width() > 0.0 && rect.height() > 0.0);
        let outer = match (self.only_corners, inner) {
            (true, Some(inner)) => Some(inner),
            (true, None) => None,
            (false, _) => Rect::from_xywh(0.0, 0.0, width, height),
        };
        let Some(outer) = outer else { return Ok(pixels) };
        // Counter-clockwise: the inner path, which runs clockwise, cuts a hole into it.
        ring.move_to(outer.left(), outer.top());
        ring.line_to(outer.left(), outer.bottom());
        ring.line_to(outer.right(), outer.bottom());
        ring.line_to(outer.right(), outer.top());
        ring.close();
        if let Some(path) = inner.and_then(|inner| rounded(inner, self.radius - band)) {
            ring.push_path(&path);
        }
        let Some(ring) = ring.finish() else { return Ok(pixels) };
        for window in self.strips() {
            let mut layer = Layer::new(window)?;
            layer.paint(&Mask::of(&ring, window)?, self.color);
            pixels = lay(pixels, &layer, &[(0, 0)], Blend::Normal, 1.0)?;
        }
        Ok(pixels)
    }
}

impl Ring {
    /// The four parts of the image that the band lies in, without overlap.
    fn strips(&self) -> [Window; 4] {
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        let deep = (self.width as f32).max(self.radius).ceil() as i32;
        let (top, left) = (deep.min(height), deep.min(width));
        let (bottom, right) = ((height - deep).max(top), (width - deep).max(left));
        [
            Window::between((0, 0), (width, top)),
            Window::between((0, top), (left, bottom)),
            Window::between((right, top), (width, bottom)),
            Window::between((0, bottom), (width, height)),
        ]
    }
}

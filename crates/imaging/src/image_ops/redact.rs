use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::Size;
use crate::color::Color;
use crate::image::Pixels;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::redact::{Grid, Way, redact};
use crate::params::{Length, Params};
use crate::scene::Scene;
use crate::stage::{AreaFn, Rect, Stage};

/// Makes parts of the image unreadable, for good: `solid` destroys them. Previews of the image in
/// the metadata go too, even where metadata are kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Redact {
    /// The rectangles, such as `[{"x": 10, "y": 20, "width": 100, "height": 40}]`. They must lie
    /// inside the image.
    #[schemars(length(min = 1, max = 500))]
    pub regions: Vec<Region>,
    /// What becomes of them.
    #[serde(default)]
    pub mode: Mode,
    /// The color of `solid`. Black by default.
    #[serde(default)]
    pub color: Option<Color>,
    /// The size of a block of `pixelate` or a spot of `blur`, in pixels or percent of the shorter
    /// side of the region. It is at least a quarter of the shorter side and a twelfth of the longer
    /// one: finer blocks could be read.
    #[serde(default)]
    pub block_size: Option<Length>,
}

/// A rectangle of the image.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Region {
    /// From the left edge, in pixels or percent of the width.
    pub x: Length,
    /// From the upper edge, in pixels or percent of the height.
    pub y: Length,
    /// The width, in pixels or percent of the width.
    pub width: Length,
    /// The height, in pixels or percent of the height.
    pub height: Length,
}

/// What becomes of a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// One color: nothing is left.
    #[default]
    Solid,
    /// A soft picture of a few averages.
    Blur,
    /// Blocks of a few averages.
    Pixelate,
}

impl Params for Redact {
    const NAME: &'static str = "redact";
    const EXAMPLE: &'static str =
        r#"{"regions": [{"x": "25%", "y": "30%", "width": "50%", "height": "20%"}]}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match (self.mode, self.color) {
            (Mode::Solid, Some(color)) if !color.is_opaque() => {
                Err(("color", "a color that lets the image shine through hides nothing".to_owned()))
            }
            (Mode::Blur | Mode::Pixelate, Some(_)) => {
                Err(("color", "only solid takes a color".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl ImageOp for Redact {
    const GROUP: Group = Group::Compose;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        let regions = self.regions.iter().enumerate();
        scene.assume(image);
        let rects: Vec<Rect> =
            regions.filter_map(|(index, region)| region.rect(index, scene)).collect();
        scene.drop_previews();
        let name = match self.mode {
            Mode::Solid => None,
            Mode::Blur => Some("blur"),
            Mode::Pixelate => Some("pixelate"),
        };
        if let Some(name) = name {
            let message = format!(
                "{name} keeps a few rounded averages of each region: nobody sees the original, but \
                 someone who has a short list of what it may be could in theory tell which it was; \
                 solid keeps nothing"
            );
            scene.warn("redaction_reversible_in_theory", message);
        }
        let way = |rect: &Rect| {
            let grid = Grid::of(
                rect.size,
                self.block_size
                    .map(|length| length.of(f64::from(rect.size.width.min(rect.size.height)))),
            );
            match self.mode {
                Mode::Solid => Way::Solid(self.color.unwrap_or(Color([0, 0, 0, 255]))),
                Mode::Blur => Way::Blur(grid),
                Mode::Pixelate => Way::Pixelate(grid),
            }
        };
        let work = rects.iter().map(|rect| (*rect, way(rect))).collect();
        Ok(vec![Stage::Area(Arc::new(Redaction { work }))])
    }
}

impl Region {
    /// In pixels: all that it touches; `None` where it does not fit, which the scene is told.
    fn rect(self, index: usize, scene: &mut Scene<'_>) -> Option<Rect> {
        let image = scene.size();
        let mut span = |start: (&str, Length), length: (&str, Length), side: u32| {
            let whole = f64::from(side);
            let (from, long) = (start.1.of(whole), length.1.of(whole));
            // A hair beyond a pixel, from a sum of percents, touches no other.
            let (first, end) = ((from + 1e-6).floor(), (from + long - 1e-6).ceil());
            let fault = if long <= 0.0 {
                format!("region {index}: {} is 0", length.0)
            } else if end > whole {
                format!(
                    "region {index}: {} {from} and {} {long} lie outside the image of {image}",
                    start.0, length.0
                )
            } else {
                return Some((first as u32, (end - first).max(1.0) as u32));
            };
            let field = if first >= whole { start.0 } else { length.0 };
            scene.refuse(format!("regions/{index}/{field}"), fault);
            None
        };
        let across = span(("x", self.x), ("width", self.width), image.width);
        let down = span(("y", self.y), ("height", self.height), image.height);
        let ((x, width), (y, height)) = (across?, down?);
        Some(Rect { x, y, size: Size::new(width, height) })
    }
}

struct Redaction {
    work: Vec<(Rect, Way)>,
}

impl AreaFn for Redaction {
    fn keeps_gray(&self) -> bool {
        !self.work.iter().any(|(_, way)| matches!(way, Way::Solid(color) if !color.is_gray()))
    }

    fn apply(&self, pixels: Pixels) -> ImagingResult<Pixels> {
        self.work.iter().try_fold(pixels, |pixels, (rect, way)| redact(pixels, *rect, way))
    }
}

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::files::{FileKind, FileUse};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::text_overlay::{tell_outside, upright};
use crate::kernels::blend::Blend;
use crate::kernels::turn;
use crate::params::{Degrees, FileIndex, Gravity, Length, Params, Percent, Scale};
use crate::placing::{Anchor, Picture, lay_over_holding, shorter, side, whole};
use crate::scene::Scene;
use crate::stage::{RectF, Stage};

/// Lays another picture of the request over the image.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Overlay {
    /// Which of the files of the request is laid over, counted from 0.
    pub file_index: FileIndex,
    /// The left edge of the picture, in pixels or percent of the width. By gravity if not given.
    #[serde(default)]
    pub x: Option<Length>,
    /// The upper edge of the picture, in pixels or percent of the height. By gravity if not given.
    #[serde(default)]
    pub y: Option<Length>,
    /// Where on the image the picture lies when x or y is not given.
    #[serde(default)]
    pub gravity: Gravity,
    /// The distance from the edges of the image, in pixels or percent of its shorter side.
    #[serde(default)]
    pub margin: Option<Length>,
    /// How wide the picture is drawn, in pixels or percent of the width of the image.
    #[serde(default)]
    pub width: Option<Length>,
    /// How high the picture is drawn, in pixels or percent of the height of the image. With one of
    /// width and height the picture keeps its shape.
    #[serde(default)]
    pub height: Option<Length>,
    /// How large the picture is drawn beside its own size, instead of width and height.
    #[serde(default)]
    pub scale: Option<Scale>,
    /// How far the picture is turned about its middle, clockwise.
    #[serde(default = "upright")]
    pub rotation: Degrees,
    /// How much the picture hides what is behind it.
    #[serde(default)]
    pub opacity: Percent,
    /// How its colors are mixed with those of the image.
    #[serde(default)]
    pub blend: Blend,
}

impl Params for Overlay {
    const NAME: &'static str = "overlay";
    const EXAMPLE: &'static str =
        r#"{"file_index": 1, "gravity": "bottom_right", "width": "30%", "opacity": 80}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        if self.scale.is_some() && (self.width.is_some() || self.height.is_some()) {
            return Err(("scale", "give either scale or width and height".to_owned()));
        }
        for (field, length) in [("width", self.width), ("height", self.height)] {
            if let Some(Length::Px(0.0) | Length::Percent(0.0)) = length {
                return Err((field, "of a picture without a size nothing is seen".to_owned()));
            }
        }
        Ok(())
    }
}

impl ImageOp for Overlay {
    const GROUP: Group = Group::Compose;

    fn file_use(&self) -> Option<FileUse> {
        Some(FileUse { index: self.file_index.get(), field: "file_index", kind: FileKind::Image })
    }

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        scene.assume(image);
        let file = scene.file("file_index", self.file_index.get())?;
        let size = self.size(file.header.upright_size(), image);
        scene.limits().check_size(size).map_err(|error| Misfit {
            field: if self.scale.is_some() { "scale" } else { "width" },
            message: format!("the overlay of {}", error.message),
        })?;
        let margin = self.margin.map_or(0.0, |margin| margin.of(shorter(image)));
        let anchor = Anchor { x: self.x, y: self.y, gravity: self.gravity, margin };
        let (x, y) = anchor.given(image)?;
        let angle = self.rotation.get();
        let turned = turn::bounds(size, angle);
        let (wide, high) = (f64::from(turned.width), f64::from(turned.height));
        let kept = anchor.kept(image, (wide, high));
        // What is given is the corner of the picture as it was before the turn about its middle.
        let x = x.map_or(kept.0, |x| x + (f64::from(size.width) - wide) / 2.0);
        let y = y.map_or(kept.1, |y| y + (f64::from(size.height) - high) / 2.0);
        let picture = Picture::of(file, scene.limits());
        let (held_bytes, (x, y)) = (picture.held_bytes(size), whole((x, y)));
        let place = RectF { x: x.into(), y: y.into(), width: wide, height: high };
        tell_outside(("overlay_outside", "overlay"), place, scene);
        Ok(lay_over_holding(held_bytes, self.blend, self.opacity.factor(), move || {
            picture.laid(size, angle, (x, y))
        }))
    }
}

impl Overlay {
    /// How large a picture of its own size is drawn on the image.
    fn size(&self, own: Size, image: Size) -> Size {
        let (width, height) = (f64::from(own.width), f64::from(own.height));
        let wanted = (
            self.width.map(|width| width.of(f64::from(image.width))),
            self.height.map(|height| height.of(f64::from(image.height))),
        );
        match wanted {
            (Some(wide), Some(high)) => Size::new(side(wide), side(high)),
            (Some(wide), None) => Size::new(side(wide), side(height * wide / width)),
            (None, Some(high)) => Size::new(side(width * high / height), side(high)),
            (None, None) => {
                let scale = self.scale.map_or(1.0, |scale| scale.get() / 100.0);
                Size::new(side(width * scale), side(height * scale))
            }
        }
    }
}

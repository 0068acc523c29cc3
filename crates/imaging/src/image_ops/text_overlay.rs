use schemars::JsonSchema;
use serde::Deserialize;
use tiny_skia_path::{Rect, Transform};

use crate::Size;
use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::blend::Blend;
use crate::kernels::coverage::Window;
use crate::params::{Degrees, Gravity, Length, Params, Percent};
use crate::placing::{Anchor, Laid, lay_over, shorter};
use crate::scene::Scene;
use crate::stage::{RectF, Stage};
use crate::text::{
    Align, Backdrop, Block, Lettering, Look, Setting, Shadow, Typeface, check_family,
};

/// Writes text onto the image, in any script: letters are joined, reordered and stacked as the
/// script wants, lines run from right to left where it does, and emoji are drawn: in color where
/// the folder of fonts has them in color (Noto Color Emoji), else in the color of the text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TextOverlay {
    /// The text. Line breaks are kept.
    #[schemars(length(max = 2000))]
    pub text: String,
    /// The left edge of the text, in pixels or percent of the width. By gravity if not given.
    #[serde(default)]
    pub x: Option<Length>,
    /// The upper edge of the text, in pixels or percent of the height. By gravity if not given.
    #[serde(default)]
    pub y: Option<Length>,
    /// Where on the image the text stands when x or y is not given.
    #[serde(default)]
    pub gravity: Gravity,
    /// The distance from the edges of the image, in pixels or percent of its shorter side. 4% by
    /// default.
    #[serde(default)]
    pub margin: Option<Length>,
    /// The size of the letters, in pixels or percent of the shorter side of the image. 6% by
    /// default, but at least 12 pixels.
    #[serde(default)]
    pub font_size: Option<Length>,
    /// The color of the letters. White by default.
    #[serde(default)]
    pub color: Option<Color>,
    /// How much the text hides what is behind it, with all that belongs to it.
    #[serde(default)]
    pub opacity: Percent,
    /// The family of the letters, in any case: one that is built in, or one of the folder of fonts
    /// (the setting `fonts`); `GET /v1/operations` lists them. What it lacks is taken from others.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub font_family: Option<String>,
    /// How bold: 100 to 900; 400 is regular, 700 bold. The nearest that the family has.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub font_weight: Option<u16>,
    /// Whether letters slant.
    #[serde(default)]
    pub italic: bool,
    /// On which side lines are even. Where their script begins by default.
    #[serde(default)]
    pub align: Option<Align>,
    /// The width at which lines are broken, in pixels or percent of the width. By default what is
    /// free up to the edge of the image, less the margin.
    #[serde(default)]
    pub max_width: Option<Length>,
    /// From line to line, in font sizes. 1.25 by default.
    #[serde(default)]
    #[schemars(range(min = 0.5, max = 5))]
    pub line_height: Option<f32>,
    /// The color of a line around the letters. Black by default, if it has a width.
    #[serde(default)]
    pub stroke_color: Option<Color>,
    /// The width of a line around the letters, in pixels or percent of the font size. 5% by
    /// default, if it has a color.
    #[serde(default)]
    pub stroke_width: Option<Length>,
    /// The color of a shadow of the letters. None by default.
    #[serde(default)]
    pub shadow_color: Option<Color>,
    /// How far the shadow lies to the right (or left, below 0), in pixels. 6 % of the font size by
    /// default.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000))]
    pub shadow_x: Option<f32>,
    /// How far the shadow lies below (or above, below 0), in pixels. 6 % of the font size by
    /// default.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000))]
    pub shadow_y: Option<f32>,
    /// How soft the shadow is, in pixels, as in CSS. 12 % of the font size by default.
    #[serde(default)]
    #[schemars(range(min = 0, max = 200))]
    pub shadow_blur: Option<f32>,
    /// The color of a box behind the text. None by default.
    #[serde(default)]
    pub background: Option<Color>,
    /// How far the box reaches beyond the text, in pixels or percent of the font size. 30% by
    /// default.
    #[serde(default)]
    pub background_padding: Option<Length>,
    /// How round the corners of the box are, in pixels or percent of the font size. Square by
    /// default.
    #[serde(default)]
    pub background_radius: Option<Length>,
    /// How far the text is turned about its middle, clockwise.
    #[serde(default = "upright")]
    pub rotation: Degrees,
}

pub(super) fn upright() -> Degrees {
    Degrees::new(0.0)
}

impl Params for TextOverlay {
    const NAME: &'static str = "text_overlay";
    const EXAMPLE: &'static str =
        r##"{"text": "Hello", "x": "10%", "y": "10%", "font_size": "25%", "color": "#ffffff"}"##;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        if self.text.trim().is_empty() {
            return Err(("text", "the text is empty".to_owned()));
        }
        visible_size(self.font_size)?;
        known_family(self.font_family.as_deref())
    }
}

/// Refuses letters without a size.
pub(super) fn visible_size(font_size: Option<Length>) -> Result<(), (&'static str, String)> {
    match font_size {
        Some(Length::Px(size) | Length::Percent(size)) if size <= 0.0 => {
            Err(("font_size", "letters need a size above 0".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Refuses a family that is not bundled.
pub(super) fn known_family(name: Option<&str>) -> Result<(), (&'static str, String)> {
    match name.map(check_family) {
        Some(Err(message)) => Err(("font_family", message)),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Warns of characters that no font has.
pub(super) fn tell_missing(block: &Block, scene: &mut Scene<'_>) {
    if let Some(message) = block.missing_message() {
        scene.warn("glyph_missing", message);
    }
}

/// Warns, by this code, of something that lies outside the image with all of it, and tells whether
/// it does. What lies there in part may be meant so.
pub(super) fn tell_outside(
    (code, what): (&'static str, &str),
    place: RectF,
    scene: &mut Scene<'_>,
) -> bool {
    let image = RectF::full(scene.size());
    let is_outside = place.x + place.width <= 0.0
        || place.y + place.height <= 0.0
        || place.x >= image.width
        || place.y >= image.height;
    if is_outside {
        scene.warn(code, format!("the {what} lies outside the image: nothing of it is seen"));
    }
    is_outside
}

/// The place of a block on the image, turned as it may be.
pub(super) fn place_of(block: &Block, transform: Transform) -> Option<RectF> {
    let rect = Rect::from_xywh(0.0, 0.0, block.width, block.height)?.transform(transform)?;
    let [left, top, right, bottom] =
        [rect.left(), rect.top(), rect.right(), rect.bottom()].map(f64::from);
    Some(RectF { x: left, y: top, width: right - left, height: bottom - top })
}

/// Warns of letters that lie outside the image by more than their soft edge.
fn tell_cut_off(block: &Block, transform: Transform, scene: &mut Scene<'_>) {
    let Some(place) = place_of(block, transform) else { return };
    let ink = block.ink().and_then(|ink| ink.transform(transform));
    let (wide, high) = (scene.size().width as f32 + 1.0, scene.size().height as f32 + 1.0);
    let is_cut = ink.is_some_and(|ink| {
        ink.left() < -1.0 || ink.top() < -1.0 || ink.right() > wide || ink.bottom() > high
    });
    if !tell_outside(("text_cut_off", "text"), place, scene) && is_cut {
        scene.warn("text_cut_off", "a part of the text lies outside the image");
    }
}

impl ImageOp for TextOverlay {
    const GROUP: Group = Group::Compose;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        let size = match self.font_size {
            Some(length) => length.of(shorter(image)) as f32,
            None => (shorter(image) * 0.06).max(12.0) as f32,
        };
        let margin = self.margin.unwrap_or(Length::Percent(4.0)).of(shorter(image));
        let anchor = Anchor { x: self.x, y: self.y, gravity: self.gravity, margin };
        let look = self.look(size);
        let padding = look.backdrop.map_or(0.0, |backdrop| backdrop.padding);
        let (x, y) = anchor.given(image)?;
        let free = f64::from(image.width) - margin - f64::from(padding);
        let width_max = match self.max_width {
            Some(width) => width.of(f64::from(image.width)),
            None => free - x.unwrap_or(margin + f64::from(padding)),
        };
        let setting = Setting {
            typeface: Typeface {
                italic: self.italic,
                ..Typeface::of(self.font_family.as_deref(), self.font_weight.unwrap_or(400))
            },
            size,
            line_height: self.line_height.unwrap_or(1.25),
            align: self.align,
            width_max: Some(width_max.max(1.0) as f32),
            full_width: self.max_width.is_some(),
            breaks_words: true,
        };
        let block = Block::set(&self.text, &setting);
        tell_missing(&block, scene);
        let transform = placed(&block, (x, y), &anchor, (image, padding, self.rotation));
        tell_cut_off(&block, transform, scene);
        let lettering = Lettering { block, look, transform };
        Ok(lay_over(Blend::Normal, self.opacity.factor(), move || {
            lettering.draw(Window::full(image)).map(Laid::once)
        }))
    }
}

impl TextOverlay {
    fn look(&self, size: f32) -> Look {
        let of_size = |length: Length| length.of(f64::from(size)) as f32;
        let stroke = (self.stroke_color.is_some() || self.stroke_width.is_some()).then(|| {
            let color = self.stroke_color.unwrap_or(Color([0, 0, 0, 255]));
            (color, of_size(self.stroke_width.unwrap_or(Length::Percent(5.0))))
        });
        let shadow = self.shadow_color.map(|color| Shadow {
            color,
            offset: (self.shadow_x.unwrap_or(size * 0.06), self.shadow_y.unwrap_or(size * 0.06)),
            blur: self.shadow_blur.unwrap_or(size * 0.12).min(200.0),
        });
        let backdrop = self.background.map(|color| Backdrop {
            color,
            padding: of_size(self.background_padding.unwrap_or(Length::Percent(30.0))),
            radius: self.background_radius.map_or(0.0, of_size),
        });
        Look { color: self.color.unwrap_or(Color::WHITE), stroke, shadow, backdrop }
    }
}

/// From pixels of the block to pixels of the image: turned about its middle, with its upper left
/// corner where it was given, or else as a whole where the anchor says.
pub(super) fn placed(
    block: &Block,
    (x, y): (Option<f64>, Option<f64>),
    anchor: &Anchor,
    (image, padding, rotation): (Size, f32, Degrees),
) -> Transform {
    let (width, height) = (f64::from(block.width), f64::from(block.height));
    let around = f64::from(padding) * 2.0;
    let (sin, cos) = rotation.get().to_radians().sin_cos();
    let (sin_abs, cos_abs) = (sin.abs(), cos.abs());
    let (wide, high) = (width + around, height + around);
    let turned = (wide * cos_abs + high * sin_abs, wide * sin_abs + high * cos_abs);
    let kept = anchor.kept(image, turned);
    let middle_x = x.map_or(kept.0 + turned.0 / 2.0, |x| x + width / 2.0);
    let middle_y = y.map_or(kept.1 + turned.1 / 2.0, |y| y + height / 2.0);
    let (sin, cos) = (sin as f32, cos as f32);
    Transform::from_row(cos, sin, -sin, cos, middle_x as f32, middle_y as f32)
        .pre_translate(-block.width / 2.0, -block.height / 2.0)
}

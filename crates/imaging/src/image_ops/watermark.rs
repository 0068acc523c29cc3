use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::color::Color;
use crate::files::{FileKind, FileUse};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::text_overlay::{known_family, place_of, placed, tell_missing, tell_outside};
use crate::kernels::blend::Blend;
use crate::kernels::coverage::Window;
use crate::kernels::turn;
use crate::params::{Degrees, FileIndex, Gravity, Length, Params, Percent};
use crate::placing::{Anchor, Laid, Picture, lay_over, lay_over_holding, shorter, side, whole};
use crate::scene::Scene;
use crate::stage::{RectF, Stage};
use crate::text::{Align, Block, Lettering, Look, Setting, Typeface};

/// Marks the image with text or with another picture of the request, once or all over.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Watermark {
    /// The text of the mark.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub text: Option<String>,
    /// Which of the files of the request is the mark, counted from 0, instead of text.
    #[serde(default)]
    pub file_index: Option<FileIndex>,
    /// Where the mark stands.
    #[serde(default)]
    pub position: Position,
    /// How much the mark hides what is behind it.
    #[serde(default = "half")]
    pub opacity: Percent,
    /// How wide the mark is, in percent of the width of the image; where it would be higher than
    /// the image it is smaller. 25 by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub scale: Option<f64>,
    /// The distance from the edges of the image, or of tiled marks from each other, in pixels or
    /// percent of the shorter side. 4% by default, 12% for tiled marks.
    #[serde(default)]
    pub margin: Option<Length>,
    /// How far the mark is turned about its middle, clockwise. 0 by default, -30 for tiled marks.
    #[serde(default)]
    pub rotation: Option<Degrees>,
    /// How the colors of the mark are mixed with those of the image.
    #[serde(default)]
    pub blend: Blend,
    /// The color of text. White by default.
    #[serde(default)]
    pub color: Option<Color>,
    /// The color of a line around text, which keeps it legible on any image; `transparent` leaves
    /// it out. Half transparent black by default.
    #[serde(default)]
    pub stroke_color: Option<Color>,
    /// The family of the letters, as of `text_overlay`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub font_family: Option<String>,
    /// How bold: 100 to 900. 700 by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub font_weight: Option<u16>,
}

/// Where a mark stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Position {
    /// In the middle.
    Center,
    /// At the upper edge.
    Top,
    /// At the lower edge.
    Bottom,
    /// At the left edge.
    Left,
    /// At the right edge.
    Right,
    /// In the upper left corner.
    TopLeft,
    /// In the upper right corner.
    TopRight,
    /// In the lower left corner.
    BottomLeft,
    /// In the lower right corner.
    #[default]
    BottomRight,
    /// All over the image, in staggered rows.
    Tiled,
}

impl Position {
    fn gravity(self) -> Gravity {
        match self {
            Self::Center | Self::Tiled => Gravity::Center,
            Self::Top => Gravity::Top,
            Self::Bottom => Gravity::Bottom,
            Self::Left => Gravity::Left,
            Self::Right => Gravity::Right,
            Self::TopLeft => Gravity::TopLeft,
            Self::TopRight => Gravity::TopRight,
            Self::BottomLeft => Gravity::BottomLeft,
            Self::BottomRight => Gravity::BottomRight,
        }
    }
}

/// Code of a warning, and what it is about.
const MARK_OUTSIDE: (&str, &str) = ("watermark_outside", "watermark");

fn half() -> Percent {
    Percent::new(50.0)
}

impl Params for Watermark {
    const NAME: &'static str = "watermark";
    const EXAMPLE: &'static str =
        r#"{"text": "© Example", "position": "tiled", "opacity": 60, "scale": 60}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match (&self.text, self.file_index) {
            (Some(text), None) if text.trim().is_empty() => {
                Err(("text", "the text is empty".to_owned()))
            }
            (Some(_), None) | (None, Some(_)) => known_family(self.font_family.as_deref()),
            (Some(_), Some(_)) => {
                Err(("file_index", "give either text or file_index, not both".to_owned()))
            }
            (None, None) => Err(("", "give text or file_index".to_owned())),
        }
    }
}

impl ImageOp for Watermark {
    const GROUP: Group = Group::Compose;

    fn file_use(&self) -> Option<FileUse> {
        let index = self.file_index?.get();
        Some(FileUse { index, field: "file_index", kind: FileKind::Image })
    }

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        match (&self.text, self.file_index) {
            (_, Some(index)) => self.lower_picture(index.get(), scene),
            (Some(text), None) => Ok(self.lower_text(text, scene)),
            (None, None) => Ok(Vec::new()),
        }
    }
}

impl Watermark {
    fn is_tiled(&self) -> bool {
        self.position == Position::Tiled
    }

    fn rotation(&self) -> Degrees {
        self.rotation.unwrap_or(Degrees::new(if self.is_tiled() { -30.0 } else { 0.0 }))
    }

    fn anchor(&self, image: Size) -> Anchor {
        let share = if self.is_tiled() { 12.0 } else { 4.0 };
        let margin = self.margin.unwrap_or(Length::Percent(share)).of(shorter(image));
        Anchor { x: None, y: None, gravity: self.position.gravity(), margin }
    }

    /// How much larger something of this size is drawn than it is.
    fn factor(&self, image: Size, (width, height): (f64, f64)) -> f64 {
        let margin = if self.is_tiled() { 0.0 } else { self.anchor(image).margin };
        let high = (f64::from(image.height) - 2.0 * margin).max(1.0);
        let wide = self.scale.unwrap_or(25.0) / 100.0 * f64::from(image.width);
        (wide / width).min(high / height)
    }

    fn lower_text(&self, text: &str, scene: &mut Scene<'_>) -> Vec<Stage> {
        // Set once to see how wide it is, and again at its size.
        const TRIAL: f32 = 100.0;
        let image = scene.size();
        let setting = |size| Setting {
            typeface: Typeface::of(self.font_family.as_deref(), self.font_weight.unwrap_or(700)),
            size,
            line_height: 1.2,
            align: Some(Align::Center),
            width_max: None,
            full_width: false,
            breaks_words: false,
        };
        let trial = Block::set(text, &setting(TRIAL));
        let own = (f64::from(trial.width).max(1.0), f64::from(trial.height));
        let size = TRIAL * self.factor(image, own) as f32;
        let block = Block::set(text, &setting(size));
        tell_missing(&block, scene);
        let stroke = self.stroke_color.unwrap_or(Color([0, 0, 0, 128]));
        let look = Look {
            stroke: (stroke.0[3] > 0).then_some((stroke, size * 0.04)),
            ..Look::plain(self.color.unwrap_or(Color::WHITE))
        };
        let anchor = self.anchor(image);
        let transform = placed(&block, (None, None), &anchor, (image, 0.0, self.rotation()));
        if let Some(place) = place_of(&block, transform) {
            tell_outside(MARK_OUTSIDE, place, scene);
        }
        let lettering = Lettering { block, look, transform };
        let tiled = self.is_tiled();
        lay_over(self.blend, self.opacity.factor(), move || match tiled {
            false => lettering.draw(Window::full(image)).map(Laid::once),
            true => {
                // Whole, though it may reach out of the image.
                let room = Window::full(image).wider(image.width.max(image.height) as i32);
                Ok(tiles(Laid::once(lettering.draw(room)?), image, anchor.margin))
            }
        })
    }

    fn lower_picture(&self, index: usize, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        let file = scene.file("file_index", index)?;
        let own = file.header.upright_size();
        let own = (f64::from(own.width), f64::from(own.height));
        let factor = self.factor(image, own);
        let size = Size::new(side(own.0 * factor), side(own.1 * factor));
        let angle = self.rotation().get();
        let turned = turn::bounds(size, angle);
        let anchor = self.anchor(image);
        let (width, height) = (f64::from(turned.width), f64::from(turned.height));
        let (x, y) = whole(anchor.kept(image, (width, height)));
        let place = RectF { x: x.into(), y: y.into(), width, height };
        tell_outside(MARK_OUTSIDE, place, scene);
        let picture = Picture::of(file, scene.limits());
        let (held_bytes, tiled) = (picture.held_bytes(size), self.is_tiled());
        Ok(lay_over_holding(held_bytes, self.blend, self.opacity.factor(), move || {
            let laid = picture.laid(size, angle, (x, y))?;
            Ok(if tiled { tiles(laid, image, anchor.margin) } else { laid })
        }))
    }
}

/// The mark all over the image: one stands where it is, every other row is moved by half a mark.
fn tiles(laid: Laid, image: Size, gap: f64) -> Laid {
    let window = laid.layer.window;
    if window.is_empty() {
        return laid;
    }
    let step = |side: u32| ((f64::from(side) + gap).round() as i32).max(2);
    let (across, down) = (step(window.size.width), step(window.size.height));
    let rows = |from: i32, length: u32, side: u32, step: i32| {
        // From the first that reaches into the image to the last.
        let first = -((from + length as i32) / step);
        let last = (side as i32 - from) / step;
        first - 1..=last + 1
    };
    let mut places = Vec::new();
    for row in rows(window.y, window.size.height, image.height, down) {
        let shift = if row % 2 == 0 { 0 } else { across / 2 };
        for column in rows(window.x + shift, window.size.width, image.width, across) {
            places.push((column * across + shift, row * down));
        }
    }
    let seen = |(x, y): &(i32, i32)| !window.moved(*x, *y).within(Window::full(image)).is_empty();
    places.retain(seen);
    Laid { places, ..laid }
}

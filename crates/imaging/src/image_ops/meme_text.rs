use schemars::JsonSchema;
use serde::Deserialize;
use tiny_skia_path::Transform;

use crate::Size;
use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::text_overlay::{known_family, tell_missing};
use crate::kernels::blend::Blend;
use crate::kernels::coverage::Window;
use crate::params::Params;
use crate::placing::{Laid, lay_over};
use crate::scene::Scene;
use crate::stage::Stage;
use crate::text::{Align, Block, Lettering, Look, Setting, Typeface};

/// Writes a line at the top and one at the bottom, as large as they fit: bold, narrow, white with a
/// black outline.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MemeText {
    /// The text at the top.
    #[schemars(length(max = 500))]
    pub top_text: Option<String>,
    /// The text at the bottom.
    #[schemars(length(max = 500))]
    pub bottom_text: Option<String>,
    /// Whether all letters become capitals.
    pub uppercase: bool,
    /// The color of the letters.
    pub color: Color,
    /// The color of the line around the letters.
    pub stroke_color: Color,
    /// The family of the letters, as of `text_overlay`.
    #[schemars(length(max = 100))]
    pub font_family: Option<String>,
}

impl Default for MemeText {
    fn default() -> Self {
        Self {
            top_text: None,
            bottom_text: None,
            uppercase: true,
            color: Color::WHITE,
            stroke_color: Color([0, 0, 0, 255]),
            font_family: None,
        }
    }
}

impl Params for MemeText {
    const NAME: &'static str = "meme_text";
    const EXAMPLE: &'static str =
        r#"{"top_text": "One does not simply", "bottom_text": "write text onto an image"}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        let has_text =
            |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        if !has_text(&self.top_text) && !has_text(&self.bottom_text) {
            return Err(("", "give top_text or bottom_text".to_owned()));
        }
        known_family(self.font_family.as_deref())
    }
}

/// How wide letters are beside those of the font: it has no narrow ones.
const NARROW: f32 = 0.82;
/// The outline, in font sizes.
const OUTLINE: f32 = 0.055;

impl ImageOp for MemeText {
    const GROUP: Group = Group::Compose;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        let texts = [(&self.top_text, true), (&self.bottom_text, false)];
        let mut stages = Vec::new();
        for (text, at_top) in texts {
            let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
                continue;
            };
            let text = if self.uppercase { text.to_uppercase() } else { text.to_owned() };
            let (block, size) = self.largest(&text, image);
            tell_missing(&block, scene);
            let (width, height) = (image.width as f32, image.height as f32);
            let margin = height * 0.02;
            let (ink_top, ink_bottom) =
                block.ink().map_or((0.0, block.height), |ink| (ink.top(), ink.bottom()));
            // What is stacked higher than the line, or hangs lower, stays inside as well.
            let least = margin / 2.0 + size * OUTLINE;
            let y = match at_top {
                true => margin.max(least - ink_top),
                false => (height - margin - block.height).min(height - least - ink_bottom),
            };
            let x = (width - block.width * NARROW) / 2.0;
            let look = Look {
                stroke: Some((self.stroke_color, size * OUTLINE)),
                ..Look::plain(self.color)
            };
            let transform = Transform::from_row(NARROW, 0.0, 0.0, 1.0, x, y);
            let lettering = Lettering { block, look, transform };
            stages.extend(lay_over(Blend::Normal, 1.0, move || {
                lettering.draw(Window::full(image)).map(Laid::once)
            }));
        }
        Ok(stages)
    }
}

impl MemeText {
    /// The text as large as it fits into the width and a quarter of the height, and its font size.
    fn largest(&self, text: &str, image: Size) -> (Block, f32) {
        let (width, height) = (image.width as f32 * 0.94, image.height as f32 / 4.0);
        let set = |size: f32, width: f32| {
            let setting = Setting {
                typeface: Typeface::of(self.font_family.as_deref(), 900),
                size,
                line_height: 1.08,
                align: Some(Align::Center),
                width_max: Some(width / NARROW),
                full_width: false,
                breaks_words: false,
            };
            Block::set(text, &setting)
        };
        let (mut low, mut high) = (1.0, (height / 1.5).max(1.0));
        let mut best = (set(low, width), low);
        // Within two percent of the largest.
        while high - low > low * 0.02 {
            let size = (low + high) / 2.0;
            let block = set(size, width);
            if block.height <= height && block.width <= width / NARROW {
                (best, low) = ((block, size), size);
            } else {
                high = size;
            }
        }
        // As narrow as the same lines can be: the last is not left with a single word.
        let (mut block, size) = best;
        for share in 1..12 {
            let narrower = set(size, width * (1.0 - 0.05 * share as f32));
            if narrower.height > block.height || narrower.width > block.width {
                break;
            }
            block = narrower;
        }
        (block, size)
    }
}

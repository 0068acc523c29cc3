use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Margin, Params};
use crate::scene::Scene;
use crate::stage::{Extend, Stage};

/// Puts a margin around the image.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pad {
    /// The margin on all four sides.
    pub padding: Option<Margin>,
    /// The margin above, if another.
    pub top: Option<Margin>,
    /// The margin on the right, if another.
    pub right: Option<Margin>,
    /// The margin below, if another.
    pub bottom: Option<Margin>,
    /// The margin on the left, if another.
    pub left: Option<Margin>,
    /// The color of the margin. Transparent by default; formats without alpha show their
    /// background.
    pub color: Option<Color>,
}

impl Params for Pad {
    const NAME: &'static str = "pad";
    const EXAMPLE: &'static str = r##"{"padding": 40, "color": "#ffffff"}"##;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match [self.padding, self.top, self.right, self.bottom, self.left]
            .iter()
            .any(Option::is_some)
        {
            true => Ok(()),
            false => Err(("", "give padding, or some of top, right, bottom and left".to_owned())),
        }
    }
}

impl ImageOp for Pad {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        let margin = |own: Option<Margin>| own.or(self.padding).map_or(0, Margin::get);
        let (x, y) = (margin(self.left), margin(self.top));
        let size = Size::new(
            input.width.saturating_add(x + margin(self.right)),
            input.height.saturating_add(y + margin(self.bottom)),
        );
        if size == input {
            return Ok(Vec::new());
        }
        Ok(vec![Stage::Extend(Extend {
            size,
            x,
            y,
            color: self.color.unwrap_or(Color::TRANSPARENT),
        })])
    }
}

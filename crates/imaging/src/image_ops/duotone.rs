use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{Color, from_linear, from_oklab, to_oklab};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Prints the image in two colors: one for the shadows, one for the lights, and what lies between
/// them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Duotone {
    /// How far toward the two colors; 0 leaves the image as it is.
    pub intensity: Percent,
    /// The color that black becomes. A dark blue (`#10144a`) by default.
    pub shadows: Option<Color>,
    /// The color that white becomes. A light apricot (`#ffe2bc`) by default.
    pub highlights: Option<Color>,
}

impl Params for Duotone {
    const NAME: &'static str = "duotone";
    const EXAMPLE: &'static str = r##"{"shadows": "#10144a", "highlights": "#ffe2bc"}"##;
}

impl ImageOp for Duotone {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let lab = |color: Option<Color>, default: [u8; 3]| {
            let [r, g, b] = color.map_or(default, |Color([r, g, b, _])| [r, g, b]);
            to_oklab([r, g, b].map(|level| f32::from(level) / 255.0))
        };
        let dark = lab(self.shadows, [0x10, 0x14, 0x4a]);
        let light = lab(self.highlights, [0xff, 0xe2, 0xbc]);
        Ok(Stage::tone(self.intensity, move |luminance| {
            let [share, ..] = to_oklab([from_linear(luminance.clamp(0.0, 1.0)); 3]);
            from_oklab(std::array::from_fn(|i| dark[i] + (light[i] - dark[i]) * share))
        }))
    }
}

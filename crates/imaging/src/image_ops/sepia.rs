use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_linear, from_oklab, smoothstep, to_oklab};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Tones the image brown like an old silver print.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sepia {
    /// How strong the tone is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Sepia {
    const NAME: &'static str = "sepia";
    const EXAMPLE: &'static str = r#"{"intensity": 80}"#;
}

impl ImageOp for Sepia {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::tone(self.intensity, tone))
    }
}

fn tone(luminance: f32) -> [f32; 3] {
    let [lightness, ..] = to_oklab([from_linear(luminance); 3]);
    // The toner takes hold of the silver, most of it in the middle tones; paper and deep black stay
    // cleaner.
    let silver = smoothstep(0.0, 0.35, lightness) * smoothstep(1.12, 0.70, lightness);
    let chroma = 0.012 + 0.055 * silver;
    from_oklab([0.02 + lightness * 0.965, chroma * 0.42, chroma * 0.907])
}

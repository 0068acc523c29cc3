use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::from_linear;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Takes the color away and keeps the lightness that the eye sees.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grayscale {
    /// How much of the color goes; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Grayscale {
    const NAME: &'static str = "grayscale";
    const EXAMPLE: &'static str = r#"{"intensity": 100}"#;
}

impl ImageOp for Grayscale {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::tone(self.intensity, |luminance| [from_linear(luminance); 3]))
    }
}

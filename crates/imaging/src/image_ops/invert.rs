use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Exchanges light and dark and every color for its opposite, as a negative does.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Invert {
    /// How far toward the negative; 50 is plain gray, 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Invert {
    const NAME: &'static str = "invert";
    const EXAMPLE: &'static str = r#"{"intensity": 100}"#;
}

impl ImageOp for Invert {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(match self.intensity.factor() {
            0.0 => Vec::new(),
            strength => vec![Stage::Color(ColorFn::curve(move |value| {
                value + (1.0 - 2.0 * value) * strength
            }))],
        })
    }
}

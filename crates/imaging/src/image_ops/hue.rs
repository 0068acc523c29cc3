use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Turns all hues around the circle, at the same lightness and strength as the eye sees them
/// (Oklab).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hue {
    /// How far: 100 is half the circle (180 degrees) one way, -100 the other, 33.3 turns red to
    /// green.
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Hue {
    const NAME: &'static str = "hue";
    const EXAMPLE: &'static str = r#"{"value": 30}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Hue {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        let (sin, cos) = (amount * std::f32::consts::PI).sin_cos();
        Ok(vec![Stage::Color(ColorFn::Chroma([[cos, -sin], [sin, cos]]))])
    }
}

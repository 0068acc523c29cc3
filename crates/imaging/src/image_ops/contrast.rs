use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Draws light and dark apart, or together.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Contrast {
    /// How much more (to 100) or less (to -100); -100 is plain gray.
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Contrast {
    const NAME: &'static str = "contrast";
    const EXAMPLE: &'static str = r#"{"value": 20}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Contrast {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        // More is a logistic S through black, middle and white, so that nothing clips; less is a
        // plain line.
        let steepness = 7.0 * amount;
        let logistic = move |value: f32| 1.0 / (1.0 + (-steepness * (value - 0.5)).exp());
        let (low, high) = (logistic(0.0), logistic(1.0));
        let curve = move |value: f32| match amount > 0.0 {
            true => (logistic(value.clamp(0.0, 1.0)) - low) / (high - low),
            false => 0.5 + (value - 0.5) * (1.0 + amount),
        };
        Ok(vec![Stage::Color(ColorFn::curve(curve))])
    }
}

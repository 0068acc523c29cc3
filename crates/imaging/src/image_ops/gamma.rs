use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::power;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Lifts or lowers the middle tones by a power; black and white stay where they are.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Gamma {
    /// The exponent on a scale of doublings: 50 is a gamma of 2 (lighter), 100 of 4, -50 of 1/2
    /// (darker), -100 of 1/4.
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Gamma {
    const NAME: &'static str = "gamma";
    const EXAMPLE: &'static str = r#"{"value": 25}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Gamma {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        let exponent = 4.0f32.powf(-amount);
        let curve = move |value: f32| power(value, exponent);
        Ok(vec![Stage::Color(ColorFn::curve(curve))])
    }
}

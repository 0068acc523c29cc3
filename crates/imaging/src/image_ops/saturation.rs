use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Makes colors stronger or weaker, at the same lightness and hue.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Saturation {
    /// How much stronger (to 100, twice) or weaker (to -100, gray).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Saturation {
    const NAME: &'static str = "saturation";
    const EXAMPLE: &'static str = r#"{"value": 20}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Saturation {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        Ok(saturated(amount).into_iter().collect())
    }
}

/// The stage that makes colors stronger by this amount, -1 to 1; none at 0.
pub(super) fn saturated(amount: f32) -> Option<Stage> {
    let factor = 1.0 + amount;
    (amount != 0.0).then_some(Stage::Color(ColorFn::Chroma([[factor, 0.0], [0.0, factor]])))
}

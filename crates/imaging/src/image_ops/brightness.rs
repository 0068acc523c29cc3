use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::power;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Makes the image brighter or darker; black and white stay where they are.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Brightness {
    /// How much brighter (to 100) or darker (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Brightness {
    const NAME: &'static str = "brightness";
    const EXAMPLE: &'static str = r#"{"value": 20}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Brightness {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        // A gamma curve: ±100 is a little over one stop in the middle tones, and nothing clips.
        let gamma = (-1.25 * amount).exp2();
        let curve = ColorFn::curve(move |value| power(value.clamp(0.0, 1.0), gamma));
        Ok(vec![Stage::Color(curve)])
    }
}

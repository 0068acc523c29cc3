use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_linear, to_linear, with_gain};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Opens or closes the lens: more or less light, in stops. Highlights roll off instead of clipping.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Exposure {
    /// How many stops: 25 is one stop more, 100 four; -25 is one stop less.
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Exposure {
    const NAME: &'static str = "exposure";
    const EXAMPLE: &'static str = r#"{"value": 20}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Exposure {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        // One stop is twice the light.
        let gain = (amount * STOPS_MAX).exp2();
        let curve = move |value| from_linear(with_gain(to_linear(value), gain));
        Ok(vec![Stage::Color(ColorFn::curve(curve))])
    }
}

/// What a value of 100 is.
const STOPS_MAX: f32 = 4.0;

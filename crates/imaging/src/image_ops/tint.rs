use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_linear, luminance, to_linear, with_gain};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Moves the white balance between green and magenta, at the same brightness.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tint {
    /// Toward magenta (to 100) or green (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Tint {
    const NAME: &'static str = "tint";
    const EXAMPLE: &'static str = r#"{"value": 25}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Tint {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        let ratio = [(0.22 * amount).exp2(), (-0.30 * amount).exp2(), (0.28 * amount).exp2()];
        let light = luminance(ratio);
        let gains = ratio.map(|gain| gain / light);
        let curve =
            move |channel: usize, value| from_linear(with_gain(to_linear(value), gains[channel]));
        Ok(vec![Stage::Color(ColorFn::Curves(Arc::new(curve)))])
    }
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_oklab, smoothstep, to_oklab};
use crate::grading::Shade;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Makes muted colors stronger or weaker and leaves strong colors and skin almost alone.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Vibrance {
    /// How much stronger (to 100) or weaker (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Vibrance {
    const NAME: &'static str = "vibrance";
    const EXAMPLE: &'static str = r#"{"value": 50}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Vibrance {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        let map = move |rgb: [f32; 3]| {
            let muted = smoothstep(0.30, 0.0, Shade::of(rgb).chroma());
            let skin = Shade::of(rgb).skin();
            let factor = 1.0 + amount * muted * (1.0 - 0.65 * skin);
            let [lightness, a, b] = to_oklab(rgb);
            from_oklab([lightness, a * factor, b * factor])
        };
        Ok(vec![Stage::Color(ColorFn::Map(Arc::new(map)))])
    }
}

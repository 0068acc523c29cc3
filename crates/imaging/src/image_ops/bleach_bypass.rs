use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_linear, luminance, to_linear};
use crate::grading::{Shade, between};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Looks like film whose silver was left in: a black and white picture over the colored one, hard
/// and metallic.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BleachBypass {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for BleachBypass {
    const NAME: &'static str = "bleach_bypass";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for BleachBypass {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let skin = Shade::of(rgb).skin();
    let silver = from_linear(luminance(rgb.map(|value| to_linear(value.clamp(0.0, 1.0)))));
    // The silver lies over the dyes as in an overlay: it doubles the contrast of the lights and of
    // the shadows.
    let overlaid = rgb.map(|value| match silver < 0.5 {
        true => 2.0 * value * silver,
        false => 1.0 - 2.0 * (1.0 - value) * (1.0 - silver),
    });
    let mixed = std::array::from_fn(|c| rgb[c] + (overlaid[c] - rgb[c]) * 0.72);
    Shade::of(mixed).toned(|l| between(l, 0.03, 0.985)).saturated(0.38 + 0.16 * skin).rgb()
}

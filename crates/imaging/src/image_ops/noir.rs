use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_linear, to_linear};
use crate::grading::{Shade, between, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::grain::Grain;
use crate::image_ops::vignette::Falloff;
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Black and white as in the crime films of the forties: deep blacks, hard light, grain, dark
/// corners.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Noir {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Noir {
    const NAME: &'static str = "noir";
    const EXAMPLE: &'static str = r#"{"intensity": 100}"#;
}

impl ImageOp for Noir {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let mut stages = Stage::look(self.intensity, &LOOK);
        stages.extend(Falloff::stage(0.45 * self.intensity.factor()));
        stages.extend(Grain::of_film(0.09 * self.intensity.factor(), scene.size()));
        Ok(stages)
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    // A yellow filter before the lens: skin lighter, skies darker.
    let [r, g, b] = rgb.map(|value| to_linear(value.clamp(0.0, 1.0)));
    let gray = from_linear(0.38 * r + 0.55 * g + 0.07 * b);
    Shade::of([gray; 3])
        .toned(|l| {
            let hard = s_curve(s_curve(l, 1.1, 0.55), 0.8, 0.5);
            // A short toe: black a little before the end of the scale.
            between(hard, -0.02, 1.0).max(0.0)
        })
        .rgb()
}

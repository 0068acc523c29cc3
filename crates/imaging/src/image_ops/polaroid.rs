use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::vignette::Falloff;
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Looks like instant film: creamy whites, cyan shadows that never get black, soft colors, darker
/// corners.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Polaroid {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Polaroid {
    const NAME: &'static str = "polaroid";
    const EXAMPLE: &'static str = r#"{"intensity": 80}"#;
}

impl ImageOp for Polaroid {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let mut stages = Stage::look(self.intensity, &LOOK);
        stages.extend(Falloff::stage(0.3 * self.intensity.factor()));
        Ok(stages)
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim, bright) = (shade.skin(), shade.dim(), shade.bright());
    let (red, blue) = (shade.near(hue::RED, 45.0), shade.near(hue::BLUE, 60.0));
    shade
        .toned(|l| between(s_curve(l, 0.95, 0.48), 0.20, 0.945))
        .saturated(0.80 + 0.10 * skin - 0.10 * blue)
        .turned(45.0, 0.25 * red)
        .turned(218.0, 0.35 * blue)
        .tinted(208.0, 0.034 * dim * (1.0 - 0.5 * skin))
        .tinted(98.0, 0.030 * bright)
        .rgb()
}

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::vignette::Falloff;
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Hard light, heavy skies, subdued colors, dark corners.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Dramatic {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Dramatic {
    const NAME: &'static str = "dramatic";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for Dramatic {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let mut stages = Stage::look(self.intensity, &LOOK);
        stages.extend(Falloff::stage(0.38 * self.intensity.factor()));
        Ok(stages)
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim) = (shade.skin(), shade.dim());
    let sky = shade.near(hue::BLUE, 65.0);
    shade
        .toned(|l| s_curve(s_curve(l, 1.15, 0.58), 0.60, 0.5) - 0.12 * sky * l * (1.0 - l))
        .saturated(0.80 + 0.10 * skin)
        .tinted(248.0, 0.024 * dim * (1.0 - skin))
        .rgb()
}

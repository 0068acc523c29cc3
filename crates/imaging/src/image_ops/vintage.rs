use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::grain::Grain;
use crate::image_ops::vignette::Falloff;
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Looks like a print from the seventies that has aged: brown shadows that never get black, creamy
/// whites, calm colors, a little grain and darker corners.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Vintage {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Vintage {
    const NAME: &'static str = "vintage";
    const EXAMPLE: &'static str = r#"{"intensity": 80}"#;
}

impl ImageOp for Vintage {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let mut stages = Stage::look(self.intensity, &LOOK);
        stages.extend(Falloff::stage(0.28 * self.intensity.factor()));
        stages.extend(Grain::of_film(0.1 * self.intensity.factor(), scene.size()));
        Ok(stages)
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim, bright) = (shade.skin(), shade.dim(), shade.bright());
    let (blue, green) = (shade.near(hue::BLUE, 70.0), shade.near(hue::GREEN, 60.0));
    shade
        .toned(|l| between(s_curve(l, 0.65, 0.52), 0.225, 0.935))
        // The cyan dye fades first, and with it blues and greens.
        .saturated(0.80 - 0.34 * blue - 0.10 * green + 0.08 * skin)
        .turned(hue::YELLOW, 0.25 * green)
        .tinted(38.0, 0.024 * dim)
        .tinted(92.0, 0.012 + 0.030 * bright)
        .rgb()
}

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Washes the image out like a poster in the sun: little contrast, little color, milky shadows.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Faded {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Faded {
    const NAME: &'static str = "faded";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for Faded {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim, bright) = (shade.skin(), shade.dim(), shade.bright());
    shade
        .toned(|l| between(s_curve(l, 0.25, 0.55), 0.315, 0.945))
        .saturated(0.58 + 0.10 * skin)
        .tinted(185.0, 0.016 * dim)
        .tinted(70.0, 0.010 * bright)
        .rgb()
}

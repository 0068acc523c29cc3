use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::smoothstep;
use crate::grading::{Shade, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Makes colors rich and light clear, muted colors most of all; skin stays skin.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Vivid {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Vivid {
    const NAME: &'static str = "vivid";
    const EXAMPLE: &'static str = r#"{"intensity": 70}"#;
}

impl ImageOp for Vivid {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let skin = shade.skin();
    let muted = smoothstep(0.26, 0.04, shade.chroma());
    let (sky, leaf) = (shade.near(hue::BLUE, 60.0), shade.near(hue::GREEN, 55.0));
    shade
        .toned(|l| s_curve(l, 0.55, 0.50) - 0.02 * sky * l * (1.0 - l))
        .saturated(1.08 + 0.42 * muted * (1.0 - 0.8 * skin) + 0.10 * sky.max(leaf) * muted)
        .rgb()
}

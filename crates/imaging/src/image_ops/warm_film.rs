use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_oklab, smoothstep, to_oklab};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Looks like warm color negative film: soft contrast, lifted blacks, golden light, calm greens and
/// blues.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WarmFilm {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for WarmFilm {
    const NAME: &'static str = "warm_film";
    const EXAMPLE: &'static str = r#"{"intensity": 70}"#;
}

impl ImageOp for WarmFilm {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

/// The hue of late sunlight in Oklab as (a, b).
const GOLD: [f32; 2] = [0.45, 0.893];

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let [lightness, a, b] = to_oklab(rgb.map(|v| v.clamp(0.0, 1.0)));
    // A long toe and a long shoulder: black never quite black, white slow to come.
    let toned = 0.075 + lightness * (1.02 - 0.10 * lightness);
    // Film holds warm colors and lets go of cold ones.
    let cold = smoothstep(0.02, -0.10, b) + smoothstep(0.02, -0.10, a);
    let strength = 0.98 - 0.22 * cold.min(1.0);
    let light = smoothstep(0.25, 0.80, lightness) * smoothstep(1.02, 0.90, lightness);
    let shade = smoothstep(0.45, 0.10, lightness);
    let a = a * strength + GOLD[0] * 0.030 * light + 0.004 * shade;
    let b = b * strength + GOLD[1] * 0.038 * light + 0.012 * shade;
    from_oklab([toned, a, b])
}

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Looks like cool color negative film: soft contrast, open blue shadows, greens that lean to teal,
/// calm skin.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CoolFilm {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for CoolFilm {
    const NAME: &'static str = "cool_film";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for CoolFilm {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim, bright) = (shade.skin(), shade.dim(), shade.bright());
    let (green, blue) = (shade.near(hue::GREEN, 60.0), shade.near(hue::BLUE, 60.0));
    shade
        .toned(|l| between(s_curve(l, 0.55, 0.55), 0.13, 0.98))
        // Film of this kind mutes what is warm and keeps what is blue.
        .saturated(0.78 + 0.22 * blue + 0.08 * skin)
        .turned(178.0, 0.32 * green)
        .tinted(240.0, (0.030 * dim + 0.014) * (1.0 - 0.60 * skin))
        .tinted(205.0, 0.012 * bright * (1.0 - 0.8 * skin))
        .rgb()
}

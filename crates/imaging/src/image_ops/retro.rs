use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Looks like snapshots of the eighties: bright and candid, violet shadows, peach highlights,
/// strong reds, greens that lean to yellow.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Retro {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Retro {
    const NAME: &'static str = "retro";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for Retro {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim, bright) = (shade.skin(), shade.dim(), shade.bright());
    let (green, red) = (shade.near(hue::GREEN, 60.0), shade.near(hue::RED, 40.0));
    shade
        .toned(|l| between(s_curve(l, 1.0, 0.50), 0.19, 0.965))
        .saturated(1.0 + 0.16 * red - 0.04 * skin)
        .turned(118.0, 0.45 * green)
        .tinted(hue::VIOLET, 0.060 * dim * (1.0 - 0.5 * skin))
        .tinted(30.0, 0.010 + 0.032 * bright)
        .rgb()
}

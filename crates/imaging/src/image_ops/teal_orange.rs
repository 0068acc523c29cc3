use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::smoothstep;
use crate::grading::{Shade, between, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Splits the image into two colors as blockbusters do: skin and warm light to orange, everything
/// else to teal.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TealOrange {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for TealOrange {
    const NAME: &'static str = "teal_orange";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for TealOrange {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let skin = shade.skin();
    let cool = shade.near(hue::TEAL, 105.0).sqrt();
    let warm = shade.near(hue::ORANGE, 60.0).sqrt() * (1.0 - 0.5 * skin);
    let stray = (1.0 - cool.max(warm).max(skin)) * smoothstep(0.02, 0.08, shade.chroma());
    let dim = shade.dim() * (1.0 - 0.8 * skin);
    let bright = shade.bright() * smoothstep(1.0, 0.93, shade.lightness);
    shade
        .toned(|l| between(s_curve(l, 0.85, 0.5), 0.018, 0.985))
        .turned(hue::TEAL, 0.80 * cool)
        .turned(hue::ORANGE, 0.60 * warm)
        .saturated(1.04 + 0.06 * skin - 0.45 * stray)
        .tinted(hue::TEAL, 0.052 * dim)
        .tinted(hue::ORANGE, 0.034 * bright)
        .rgb()
}

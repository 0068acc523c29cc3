use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::smoothstep;
use crate::grading::{Shade, between, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Grades like the print of a feature film: dense and quiet colors, deep but open shadows that lean
/// to teal, creamy lights, believable skin.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Cinematic {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Cinematic {
    const NAME: &'static str = "cinematic";
    const EXAMPLE: &'static str = r#"{"intensity": 72}"#;
}

impl ImageOp for Cinematic {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(grade));

fn grade(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, lightness) = (shade.skin(), shade.lightness);
    let cool = shade.near(215.0, 80.0);
    // Dyes of a print are dense: the stronger a color, the darker it is.
    let density = smoothstep(0.04, 0.22, shade.chroma()) * (1.0 - 0.5 * skin);
    // Light itself: teal where it is dim, cream where it is bright, neutral in black and white.
    let dim =
        smoothstep(0.04, 0.25, lightness) * smoothstep(0.70, 0.25, lightness) * (1.0 - 0.75 * skin);
    let bright = shade.bright() * smoothstep(1.0, 0.93, lightness);
    shade
        .toned(|l| {
            let dense = s_curve(l, 0.75, 0.56) - 0.075 * density * l - 0.02 * l * (1.0 - l);
            between(dense, 0.03, 0.955)
        })
        .turned(225.0, 0.22 * cool)
        .saturated(0.76 + 0.14 * skin)
        .tinted(200.0, 0.032 * dim)
        .tinted(75.0, 0.022 * bright)
        .rgb()
}

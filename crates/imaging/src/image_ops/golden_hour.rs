use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, hue};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Bathes the image in the light of the last hour before sunset: golden lights, warm skin, greens
/// that turn to straw.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GoldenHour {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for GoldenHour {
    const NAME: &'static str = "golden_hour";
    const EXAMPLE: &'static str = r#"{"intensity": 70}"#;
}

impl ImageOp for GoldenHour {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim, bright) = (shade.skin(), shade.dim(), shade.bright());
    let (green, blue) = (shade.near(hue::GREEN, 60.0), shade.near(hue::BLUE, 75.0));
    // Low sun lights the middle tones and leaves white to itself.
    let sun = (1.0 - dim) * (1.0 - 0.55 * bright * bright);
    shade
        .toned(|l| between(l + 0.16 * l * (1.0 - l) * (1.0 - l), 0.06, 0.985))
        .saturated(1.05 - 0.34 * blue)
        .turned(108.0, 0.42 * green)
        .tinted(hue::GOLD, 0.058 * sun * (1.0 - 0.35 * skin))
        .tinted(42.0, 0.020 * dim)
        .rgb()
}

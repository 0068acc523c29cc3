use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, hue};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Bathes the image in the light of the last hour before sunset: bright and golden, warm skin,
/// greens that turn to straw, a lilac sky.
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
    // Low sun lights the middle tones, leaves white to itself, and passes the sky, which turns to
    // lilac. The shadows have none of it.
    let sun = (1.0 - dim) * (1.0 - 0.5 * bright * bright) * (1.0 - 0.62 * blue);
    shade
        .toned(|l| between(l + 0.34 * l * (1.0 - l) * (1.0 - l), 0.055, 0.985))
        .saturated(1.16 - 0.34 * blue)
        .turned(100.0, 0.38 * green)
        .turned(290.0, 0.20 * blue * (1.0 - bright))
        .tinted(hue::GOLD, 0.068 * sun * (1.0 - 0.3 * skin))
        .tinted(40.0, 0.022 * bright * blue)
        .tinted(320.0, 0.016 * dim)
        .rgb()
}

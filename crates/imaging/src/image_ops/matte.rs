use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, hue, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Flattens the blacks as on matte paper: soft shadows, quiet colors, no cast.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Matte {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Matte {
    const NAME: &'static str = "matte";
    const EXAMPLE: &'static str = r#"{"intensity": 75}"#;
}

impl ImageOp for Matte {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

/// The lightness of the deepest black.
const PAPER_BLACK: f32 = 0.31;

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let shade = Shade::of(rgb);
    let (skin, dim) = (shade.skin(), shade.dim());
    shade
        // A hyperbola: flat where it leaves the black, a straight line in the lights.
        .toned(|l| {
            let curved = s_curve(l, 0.5, 0.5);
            let black = PAPER_BLACK * PAPER_BLACK;
            (curved * curved * (1.0 - black) + black).sqrt() * 0.975
        })
        .saturated(0.82 + 0.08 * skin)
        .tinted(hue::BLUE, 0.006 * dim * (1.0 - skin))
        .rgb()
}

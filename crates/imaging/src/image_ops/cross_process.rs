use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grading::{Shade, between, s_curve};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Slide film developed as negative film: hard contrast, blue-green shadows, yellow-green lights,
/// loud colors.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CrossProcess {
    /// How strong the look is; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for CrossProcess {
    const NAME: &'static str = "cross_process";
    const EXAMPLE: &'static str = r#"{"intensity": 70}"#;
}

impl ImageOp for CrossProcess {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Stage::look(self.intensity, &LOOK))
    }
}

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(develop));

fn develop(rgb: [f32; 3]) -> [f32; 3] {
    let skin = Shade::of(rgb).skin();
    let [r, g, b] = rgb.map(|value| value.clamp(0.0, 1.0));
    // The layers of the wrong film have the wrong curves: red hard, blue soft.
    let crossed = [
        s_curve(r, 1.45, 0.52),
        s_curve(g, 1.00, 0.40),
        between(s_curve(b, -0.50, 0.5), 0.17, 0.74),
    ];
    let share = 1.0 - 0.30 * skin;
    let kept = [r, g, b];
    let mixed = std::array::from_fn(|c| kept[c] + (crossed[c] - kept[c]) * share);
    Shade::of(mixed).saturated(1.08).rgb()
}

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_oklab, smoothstep, to_oklab};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::look::Look;
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::Stage;

/// Grades like a feature film: deep but open shadows that lean to teal, warm highlights, believable
/// skin.
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

/// Hue directions in Oklab as (a, b).
const TEAL: [f32; 2] = [-0.906, -0.423];
const ORANGE: [f32; 2] = [0.574, 0.819];
/// Skin of every shade lies near this hue; it differs in lightness and chroma.
const SKIN: [f32; 2] = [0.668, 0.744];

static LOOK: LazyLock<Arc<Look>> = LazyLock::new(|| Look::of(grade));

fn grade(rgb: [f32; 3]) -> [f32; 3] {
    let [lightness, a, b] = to_oklab(rgb.map(|v| v.clamp(0.0, 1.0)));
    let chroma = a.hypot(b);
    let toward = |[x, y]: [f32; 2]| if chroma > 1e-4 { (a * x + b * y) / chroma } else { 0.0 };
    let colored = smoothstep(0.01, 0.06, chroma);
    let skin = colored * smoothstep(0.80, 0.97, toward(SKIN)) * smoothstep(0.30, 0.20, chroma);

    // An S about the middle, over a floor that keeps the shadows open and under a ceiling that
    // rolls off.
    let curved = lightness + 0.62 * lightness * (1.0 - lightness) * (lightness - 0.52);
    let toned = 0.022 + curved * 0.962;

    // Cool colors gather at teal, warm ones at orange; what lies between loses some of its
    // strength.
    let cool = colored * smoothstep(0.10, 0.85, toward(TEAL));
    let warm = colored * smoothstep(0.30, 0.95, toward(ORANGE)) * (1.0 - skin);
    let gather = |value: f32, teal: f32, orange: f32| {
        value + (chroma * teal - value) * 0.42 * cool + (chroma * orange - value) * 0.25 * warm
    };
    let between = colored * (1.0 - cool.max(warm).max(skin));
    let strength = (1.06 - 0.20 * between) * (0.86 + 0.18 * smoothstep(0.12, 0.55, lightness));
    let (a, b) =
        (gather(a, TEAL[0], ORANGE[0]) * strength, gather(b, TEAL[1], ORANGE[1]) * strength);

    // Light itself: teal where it is dim, warm where it is bright, neutral in black and white.
    let dim =
        smoothstep(0.05, 0.28, lightness) * smoothstep(0.66, 0.30, lightness) * (1.0 - 0.75 * skin);
    let bright = smoothstep(0.52, 0.82, lightness) * smoothstep(1.0, 0.92, lightness);
    let tint = |axis: usize| TEAL[axis] * 0.032 * dim + ORANGE[axis] * 0.026 * bright;
    from_oklab([toned, a + tint(0), b + tint(1)])
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::color::smoothstep;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::{PositionFn, Stage};

/// Darkens the corners, as a lens does, and leads the eye to the middle.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Vignette {
    /// How dark the corners become; 0 leaves the image as it is.
    pub intensity: Percent,
}

impl Params for Vignette {
    const NAME: &'static str = "vignette";
    const EXAMPLE: &'static str = r#"{"intensity": 50}"#;
}

impl ImageOp for Vignette {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Falloff::stage(self.intensity.factor()).into_iter().collect())
    }
}

/// The light that a lens loses toward the corners.
pub(super) struct Falloff {
    strength: f32,
}

impl Falloff {
    /// The stage with this strength, 0 to 1; none at 0.
    pub(super) fn stage(strength: f32) -> Option<Stage> {
        (strength > 0.0).then(|| Stage::Position(Arc::new(Self { strength })))
    }
}

impl PositionFn for Falloff {
    fn apply_row(&self, size: Size, y: u32, row: &mut [[f32; 3]]) {
        let from_middle = |at: usize, side: u32| (at as f32 + 0.5) / side as f32 * 2.0 - 1.0;
        let down = from_middle(y as usize, size.height);
        for (x, rgb) in row.iter_mut().enumerate() {
            let across = from_middle(x, size.width);
            // 1 in the corners. The share of light that arrives is taken in linear light and turned
            // into a factor for encoded values by the 2.2 that sRGB is close to.
            let radius = ((across * across + down * down) / 2.0).sqrt();
            let light = 1.0 - 0.88 * self.strength * smoothstep(0.30, 1.05, radius);
            let factor = light.powf(1.0 / 2.2);
            *rgb = rgb.map(|value| value * factor);
        }
    }
}

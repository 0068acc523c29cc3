use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Levels, Params, Percent};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Leaves few steps of each color, as a screen print does.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Posterize {
    /// How far toward the steps; 0 leaves the image as it is.
    pub intensity: Percent,
    /// How many steps red, green and blue have each.
    pub levels: Levels,
}

impl Params for Posterize {
    const NAME: &'static str = "posterize";
    const EXAMPLE: &'static str = r#"{"levels": 5}"#;
}

impl ImageOp for Posterize {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let strength = self.intensity.factor();
        let levels = f32::from(self.levels.get());
        let steps = move |_, value: f32| {
            // Steps of equal width that begin between two 8-bit levels.
            let step = ((value * 255.0 + 0.5) * levels / 256.0).floor().clamp(0.0, levels - 1.0);
            value + (step / (levels - 1.0) - value) * strength
        };
        Ok(match strength {
            0.0 => Vec::new(),
            _ => vec![Stage::Color(ColorFn::Steps(Arc::new(steps)))],
        })
    }
}

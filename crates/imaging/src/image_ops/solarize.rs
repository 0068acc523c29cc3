use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Params, Percent};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Turns what is lighter than a threshold into its negative, as a print that saw light while it was
/// developed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Solarize {
    /// How far toward the negative; 0 leaves the image as it is.
    pub intensity: Percent,
    /// The brightness above which colors turn, in percent. 50 by default.
    pub threshold: Option<Percent>,
}

impl Params for Solarize {
    const NAME: &'static str = "solarize";
    const EXAMPLE: &'static str = r#"{"threshold": 55}"#;
}

impl ImageOp for Solarize {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let strength = self.intensity.factor();
        let threshold = self.threshold.map_or(0.5, Percent::factor);
        let turn = move |_, value: f32| match value > threshold {
            true => value + (1.0 - 2.0 * value) * strength,
            false => value,
        };
        Ok(match strength {
            0.0 => Vec::new(),
            _ => vec![Stage::Color(ColorFn::Steps(Arc::new(turn)))],
        })
    }
}

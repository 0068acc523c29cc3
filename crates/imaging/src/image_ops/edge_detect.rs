use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::{Packed, Pixels};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::luma::{luma_as, slope};
use crate::kernels::rows;
use crate::kernels::soften::soften;
use crate::params::{Params, Percent, Sigma};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Shows the edges of things: white lines on black, or black lines on white like a drawing.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EdgeDetect {
    /// How far toward the lines; 0 leaves the image as it is.
    pub intensity: Percent,
    /// How coarse the edges are that count, as a standard deviation in pixels. 1 by default.
    pub sigma: Option<Sigma>,
    /// Black lines on white.
    pub invert: bool,
}

impl Params for EdgeDetect {
    const NAME: &'static str = "edge_detect";
    const EXAMPLE: &'static str = r#"{"invert": true}"#;
}

impl ImageOp for EdgeDetect {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let lines = Lines {
            strength: self.intensity.factor(),
            sigma: self.sigma.map_or(1.0, Sigma::get),
            invert: self.invert,
        };
        Ok(if lines.strength == 0.0 { Vec::new() } else { vec![Stage::Area(Arc::new(lines))] })
    }
}

struct Lines {
    strength: f32,
    sigma: f32,
    invert: bool,
}

impl SampleFn for Lines {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let deep: Packed<u16> = luma_as(&packed)?;
        let plane = u16::unwrap(soften(Pixels::U16(deep), self.sigma)?)?;
        // The slope of an edge of a quarter of full contrast after the blur is white.
        let gain = 4.0 * self.sigma.hypot(0.6) * std::f32::consts::TAU.sqrt();
        rows::colors(&mut packed, |(x, y), pixel| {
            let [across, down] = slope(&plane, x, y);
            let edge = across.hypot(down) * gain;
            // A shoulder instead of a clip, and no lines of noise.
            let line = (edge * edge / (0.15 + edge)).min(8.0);
            let line = 1.0 - (-line).exp();
            let shown = if self.invert { 1.0 - line } else { line } * S::MAX;
            for sample in pixel {
                let value = sample.to_f32();
                *sample = S::from_f32(value + (shown - value) * self.strength);
            }
        });
        Ok(packed)
    }
}

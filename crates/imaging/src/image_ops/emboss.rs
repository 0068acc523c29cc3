use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::{Packed, Pixels};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::luma::{luma_as, slope};
use crate::kernels::rows;
use crate::kernels::soften::soften;
use crate::params::{Degrees, Params, Percent, Sigma};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Stamps the image into gray metal, lit from one side.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Emboss {
    /// How far toward the relief; 0 leaves the image as it is.
    pub intensity: Percent,
    /// Where the light comes from, clockwise from the top. -45 (the upper left) by default.
    pub angle: Option<Degrees>,
    /// How coarse the relief is, as a standard deviation in pixels. 1 by default.
    pub sigma: Option<Sigma>,
}

impl Params for Emboss {
    const NAME: &'static str = "emboss";
    const EXAMPLE: &'static str = r#"{"angle": -45}"#;
}

impl ImageOp for Emboss {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let angle = self.angle.map_or(-45.0, Degrees::get).to_radians() as f32;
        let relief = Relief {
            strength: self.intensity.factor(),
            light: [angle.sin(), -angle.cos()],
            sigma: self.sigma.map_or(1.0, Sigma::get),
        };
        Ok(if relief.strength == 0.0 { Vec::new() } else { vec![Stage::Area(Arc::new(relief))] })
    }
}

struct Relief {
    strength: f32,
    /// Where the light is, across and down.
    light: [f32; 2],
    sigma: f32,
}

impl SampleFn for Relief {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let deep: Packed<u16> = luma_as(&packed)?;
        let plane = u16::unwrap(soften(Pixels::U16(deep), self.sigma)?)?;
        let height = 7.0 * self.sigma.hypot(0.6);
        rows::colors(&mut packed, |(x, y), pixel| {
            let [across, down] = slope(&plane, x, y);
            // A slope that rises away from the light faces it.
            let facing = -(across * self.light[0] + down * self.light[1]) * height;
            let shown = (0.5 + 0.5 * facing / (1.0 + facing * facing).sqrt()) * S::MAX;
            for sample in pixel {
                let value = sample.to_f32();
                *sample = S::from_f32(value + (shown - value) * self.strength);
            }
        });
        Ok(packed)
    }
}

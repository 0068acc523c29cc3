use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::Packed;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::blur::gaussian;
use crate::kernels::luma::luma;
use crate::kernels::rows;
use crate::params::{Params, Percent, Sigma};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Sharpens by an unsharp mask on the lightness, so that edges get no colored fringe.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sharpen {
    /// How strong; 0 leaves the image as it is.
    pub intensity: Percent,
    /// How fine the details are that are brought out, as a standard deviation in pixels. 1 by
    /// default.
    pub sigma: Option<Sigma>,
    /// How much of the difference is added at full intensity, in percent. 100 by default.
    pub amount: Option<Percent>,
    /// The smallest difference that counts, in percent of full scale: keeps noise and skin smooth.
    /// 1 by default.
    pub threshold: Option<Percent>,
}

impl Params for Sharpen {
    const NAME: &'static str = "sharpen";
    const EXAMPLE: &'static str = r#"{"intensity": 60, "sigma": 1}"#;
}

impl ImageOp for Sharpen {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let mask = UnsharpMask {
            sigma: self.sigma.map_or(1.0, Sigma::get),
            amount: self.intensity.factor() * self.amount.unwrap_or_default().factor() * 1.5,
            threshold: self.threshold.map_or(0.01, Percent::factor),
        };
        Ok(if mask.amount == 0.0 { Vec::new() } else { vec![Stage::Area(Arc::new(mask))] })
    }
}

struct UnsharpMask {
    sigma: f32,
    amount: f32,
    threshold: f32,
}

impl SampleFn for UnsharpMask {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let luma = luma(&packed)?;
        let blurred = S::unwrap(gaussian(S::wrap(luma.clone()), self.sigma)?)?;
        self.add(&mut packed, &luma, &blurred);
        Ok(packed)
    }
}

impl UnsharpMask {
    fn add<S: Sample>(&self, packed: &mut Packed<S>, luma: &Packed<S>, blurred: &Packed<S>) {
        let threshold = self.threshold * S::MAX;
        rows::colors(packed, |(x, y), pixel| {
            let difference = luma.row(y)[x].to_f32() - blurred.row(y)[x].to_f32();
            // What is under the threshold counts for nothing, what is over it for what is over it:
            // no step.
            let counted =
                (difference.abs() - threshold).max(0.0).copysign(difference) * self.amount;
            for sample in pixel {
                *sample = S::from_f32((sample.to_f32() + counted).clamp(0.0, S::MAX));
            }
        });
    }
}

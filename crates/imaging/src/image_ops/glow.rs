use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::Packed;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::rows;
use crate::kernels::soften::soften;
use crate::params::{Params, Percent, Sigma};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Lets light areas shine over their edges, as a soft-focus lens does.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Glow {
    /// How strong; 0 leaves the image as it is.
    pub intensity: Percent,
    /// How far the light reaches, as a standard deviation in pixels. A fiftieth of the shorter side
    /// by default.
    pub sigma: Option<Sigma>,
}

impl Params for Glow {
    const NAME: &'static str = "glow";
    const EXAMPLE: &'static str = r#"{"intensity": 60}"#;
}

impl ImageOp for Glow {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let shorter = scene.size().width.min(scene.size().height);
        let natural = (shorter as f32 / 50.0).clamp(0.5, 250.0);
        let halo = Halo {
            strength: self.intensity.factor() * 0.85,
            sigma: self.sigma.map_or(natural, Sigma::get),
        };
        Ok(if halo.strength == 0.0 { Vec::new() } else { vec![Stage::Area(Arc::new(halo))] })
    }
}

struct Halo {
    strength: f32,
    sigma: f32,
}

impl SampleFn for Halo {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let soft = S::unwrap(soften(S::wrap(packed.clone()), self.sigma)?)?;
        let count = packed.channels().count();
        rows::colors(&mut packed, |(x, y), pixel| {
            let soft = &soft.row(y)[x * count..];
            for (sample, soft) in pixel.iter_mut().zip(soft) {
                let (value, soft) = (sample.to_f32() / S::MAX, soft.to_f32() / S::MAX);
                // Only what is light shines; laid over as on a screen, so that nothing clips.
                let shine = soft * soft.sqrt() * self.strength;
                *sample = S::from_f32((1.0 - (1.0 - value) * (1.0 - shine)) * S::MAX);
            }
        });
        Ok(packed)
    }
}

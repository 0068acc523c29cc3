use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::Packed;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::guided::Base;
use crate::kernels::luma::luma;
use crate::kernels::rows;
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Draws out the structure of the middle tones, or softens it, without halos along edges.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Clarity {
    /// How much crisper (to 100) or softer (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Clarity {
    const NAME: &'static str = "clarity";
    const EXAMPLE: &'static str = r#"{"value": 60}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Clarity {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        let shorter = scene.size().width.min(scene.size().height) as f32;
        let structure = Structure {
            // Less than all of it can be taken away, more than once be added.
            amount: if amount > 0.0 { 1.3 * amount } else { 0.75 * amount },
            radius: (shorter * 0.03).max(3.0),
        };
        Ok(vec![Stage::Area(Arc::new(structure))])
    }
}

struct Structure {
    amount: f32,
    radius: f32,
}

impl Structure {
    /// Moves the colors of a pixel away from its base, or toward it.
    fn change<S: Sample>(&self, colors: &mut [S], light: f32, base: f32) {
        // Black and white stay: structure there is noise or about to clip.
        let middle = 1.0 - (2.0 * light - 1.0).powi(4);
        let change = (light - base) * self.amount * middle * S::MAX;
        for sample in colors {
            *sample = S::from_f32((sample.to_f32() + change).clamp(0.0, S::MAX));
        }
    }
}

impl SampleFn for Structure {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let plane = luma(&packed)?;
        let base = Base::of(&plane, self.radius, 0.12)?;
        let (channels, stride) = (packed.channels(), packed.stride());
        let count = channels.count();
        let colors = count - usize::from(channels.has_alpha());
        rows::bands(packed.samples_mut(), stride, |top, band| {
            let mut base_row = Vec::new();
            for (y, row) in (top..).zip(band.chunks_exact_mut(stride)) {
                let plane = plane.row(y);
                base.row(y, plane, &mut base_row);
                let lights = plane.iter().zip(&base_row);
                for (pixel, (light, base)) in row.chunks_exact_mut(count).zip(lights) {
                    self.change(&mut pixel[..colors], light.to_f32() / S::MAX, *base);
                }
            }
        });
        Ok(packed)
    }
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::Packed;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::rows;
use crate::params::{Length, Params, Percent};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Turns the image into a mosaic of squares.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pixelate {
    /// How large the squares are: 100 is a twentieth of the shorter side; 0 leaves the image as it
    /// is.
    pub intensity: Option<Percent>,
    /// The size itself instead of intensity: in pixels, or in percent of the shorter side.
    pub size: Option<Length>,
}

impl Params for Pixelate {
    const NAME: &'static str = "pixelate";
    const EXAMPLE: &'static str = r#"{"size": "4%"}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match (self.intensity, self.size) {
            (Some(_), Some(_)) => {
                Err(("size", "give either size or intensity, not both".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl ImageOp for Pixelate {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let shorter = scene.size().width.min(scene.size().height);
        let side = match self.size {
            Some(size) => size.resolve(shorter),
            None => {
                let share = 5.0 * f64::from(self.intensity.unwrap_or_default().factor());
                Length::Percent(share).resolve(shorter)
            }
        };
        Ok(match usize::try_from(side) {
            Ok(side) if side > 1 => vec![Stage::Area(Arc::new(Mosaic { side }))],
            _ => Vec::new(),
        })
    }
}

struct Mosaic {
    side: usize,
}

impl SampleFn for Mosaic {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let (stride, channels) = (packed.stride(), packed.channels());
        let count = channels.count();
        rows::each(packed.samples_mut(), stride * self.side, |_, band| {
            let mut means = vec![Mean::default(); (stride / count).div_ceil(self.side)];
            for row in band.chunks_exact(stride) {
                for (square, mean) in row.chunks(self.side * count).zip(&mut means) {
                    square
                        .chunks_exact(count)
                        .for_each(|pixel| mean.add(pixel, channels.has_alpha()));
                }
            }
            for row in band.chunks_exact_mut(stride) {
                for (square, mean) in row.chunks_mut(self.side * count).zip(&means) {
                    square.chunks_exact_mut(count).for_each(|pixel| mean.put(pixel));
                }
            }
        });
        Ok(packed)
    }
}

/// The mean of pixels, each weighted by its alpha.
#[derive(Clone, Default)]
struct Mean {
    sum: [f64; 4],
    weight: f64,
    pixels: f64,
}

impl Mean {
    fn add<S: Sample>(&mut self, pixel: &[S], has_alpha: bool) {
        let weight = match (has_alpha, pixel.last()) {
            (true, Some(alpha)) => f64::from(alpha.to_f32()),
            _ => f64::from(S::MAX),
        };
        for (sum, sample) in self.sum.iter_mut().zip(pixel) {
            *sum += f64::from(sample.to_f32()) * weight;
        }
        self.weight += weight;
        self.pixels += 1.0;
    }

    fn put<S: Sample>(&self, pixel: &mut [S]) {
        let last = pixel.len() - 1;
        for (index, sample) in pixel.iter_mut().enumerate() {
            let is_alpha = index == last && matches!(last, 1 | 3);
            *sample = match is_alpha {
                true => S::from_f32((self.weight / self.pixels) as f32),
                false if self.weight > 0.0 => S::from_f32((self.sum[index] / self.weight) as f32),
                false => S::default(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::image::Channels;

    #[test]
    fn squares_are_means_and_hidden_colors_do_not_count() {
        let samples = vec![10u8, 255, 30, 255, 200, 0, 50, 255, 20, 255, 99, 0];
        let image = Packed::new(Size::new(3, 2), Channels::GrayAlpha, samples);
        let mosaic = Mosaic { side: 2 }.apply_to(image).unwrap();
        let expected = [28, 255, 28, 255, 0, 0, 28, 255, 28, 255, 0, 0];
        assert_eq!(mosaic.samples(), expected);
    }
}

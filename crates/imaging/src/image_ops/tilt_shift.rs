use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::image::Packed;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::saturation::saturated;
use crate::kernels::rows;
use crate::kernels::soften::soften;
use crate::params::{Amount, Degrees, Params, Percent, Sigma};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};
use crate::{Result as ImagingResult, Size};

/// Keeps a band sharp and blurs what lies above and below it more and more, as in photographs of
/// miniatures.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TiltShift {
    /// How strong the blur and the saturation are; 0 leaves the image as it is.
    pub intensity: Percent,
    /// Where the middle of the band is, from the upper edge (0) to the lower one (100).
    pub position: Percent,
    /// How much of the height of the image the band is.
    pub width: Percent,
    /// How far the band is turned about its middle, clockwise.
    pub angle: Degrees,
    /// How wide the blur is where it is widest, as a standard deviation in pixels. A fortieth of
    /// the shorter side by default.
    pub sigma: Option<Sigma>,
    /// How much stronger colors become (to 100), as paint on a model, or weaker (to -100).
    pub saturation: Amount,
}

impl Default for TiltShift {
    fn default() -> Self {
        Self {
            intensity: Percent::FULL,
            position: Percent::new(50.0),
            width: Percent::new(16.0),
            angle: Degrees::new(0.0),
            sigma: None,
            saturation: Amount::new(20.0),
        }
    }
}

impl Params for TiltShift {
    const NAME: &'static str = "tilt_shift";
    const EXAMPLE: &'static str = r#"{"position": 60, "angle": -6}"#;
}

impl ImageOp for TiltShift {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let size = scene.size();
        let strength = self.intensity.factor();
        let natural = (size.width.min(size.height) as f32 / 40.0).clamp(0.5, 250.0);
        let sigma_max = self.sigma.map_or(natural, Sigma::get) * strength;
        let band = Band::new(self, size);
        let mut stages = Vec::new();
        if sigma_max >= SIGMA_MIN && band.reach > 0.0 {
            stages.push(Stage::Area(Arc::new(Lens { band, sigma_max })));
        }
        stages.extend(saturated(self.saturation.factor() * strength));
        Ok(stages)
    }
}

/// What is narrower cannot be told from sharp.
const SIGMA_MIN: f32 = 0.3;
/// How much wider a blur is than the one before it: so little that a mixture of the two looks like
/// the one between them.
const SIGMA_RATIO: f32 = 1.5;

/// The sharp band, in pixels.
struct Band {
    middle: [f32; 2],
    /// Across the band; a unit vector.
    normal: [f32; 2],
    half_width: f32,
    /// From the edge of the band to the corner that is farthest from it.
    reach: f32,
}

impl Band {
    fn new(params: &TiltShift, size: Size) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        let (sin, cos) = (params.angle.get() as f32).to_radians().sin_cos();
        let mut band = Self {
            middle: [width / 2.0, height * params.position.factor()],
            normal: [-sin, cos],
            half_width: height * params.width.factor() / 2.0,
            reach: 0.0,
        };
        let corners = [[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]];
        band.reach = corners.map(|[x, y]| band.beyond(x, y)).into_iter().fold(0.0, f32::max);
        band
    }

    /// How far a point lies outside of the band.
    fn beyond(&self, x: f32, y: f32) -> f32 {
        let across = (x - self.middle[0]) * self.normal[0] + (y - self.middle[1]) * self.normal[1];
        (across.abs() - self.half_width).max(0.0)
    }

    /// How blurred a pixel is, from 0 in the band to 1 in the farthest corner: in proportion to its
    /// distance, as behind a lens, but without a kink where the band ends.
    fn blur(&self, x: usize, y: usize) -> f32 {
        const KNEE: f32 = 0.2;
        let share = self.beyond(x as f32 + 0.5, y as f32 + 0.5) / self.reach;
        share * share * (1.0 + KNEE) / (share + KNEE)
    }
}

struct Lens {
    band: Band,
    sigma_max: f32,
}

impl Lens {
    /// The widths of blur that are made, the widest last.
    fn sigmas(&self) -> Vec<f32> {
        let steps = (self.sigma_max / SIGMA_MIN).log(SIGMA_RATIO).ceil();
        let share = |step: i32| SIGMA_RATIO.powf(step as f32 - steps);
        (0..=steps as i32).map(|step| self.sigma_max * share(step)).collect()
    }
}

impl SampleFn for Lens {
    fn apply_to<S: Sample>(&self, source: Packed<S>) -> ImagingResult<Packed<S>> {
        let (stride, channels) = (source.stride(), source.channels());
        let count = channels.count();
        let mut out = source.clone();
        let (mut sharper, mut sharper_sigma) = (source.clone(), 0.0f32);
        for sigma in self.sigmas() {
            let softer = S::unwrap(soften(S::wrap(source.clone()), sigma)?)?;
            // Variances add up, so it is them that are mixed.
            let (from, to) = (sharper_sigma.powi(2), sigma.powi(2));
            rows::each(out.samples_mut(), stride, |y, row| {
                let (sharper, softer) = (sharper.row(y), softer.row(y));
                let wanted = |x: usize| (self.sigma_max * self.band.blur(x, y)).powi(2);
                let pixels = row.chunks_exact_mut(count).enumerate();
                let pixels = pixels.map(|(x, pixel)| (x, wanted(x), pixel));
                for (x, wanted, pixel) in pixels.filter(|(_, wanted, _)| *wanted > from) {
                    let at = x * count..(x + 1) * count;
                    let share = ((wanted - from) / (to - from)).min(1.0);
                    mix([&sharper[at.clone()], &softer[at]], share, channels.has_alpha(), pixel);
                }
            });
            (sharper, sharper_sigma) = (softer, sigma);
        }
        Ok(out)
    }

    /// Each blur is made of the whole image; those of more than six pixels run on a smaller one.
    fn cost_ns(&self) -> f64 {
        let blur = |sigma: f32| 9.0 + 1.7 * f64::from(sigma.min(6.0));
        self.sigmas().into_iter().map(blur).sum()
    }

    /// Two blurred images, and what blurring another takes.
    fn held_bytes(&self, input_bytes: u64) -> u64 {
        3 * input_bytes
    }
}

/// From one pixel (0) to another (1); colors count as much as they are seen.
fn mix<S: Sample>([from, to]: [&[S]; 2], share: f32, has_alpha: bool, out: &mut [S]) {
    let colors = out.len() - usize::from(has_alpha);
    let mut share_of_colors = share;
    if has_alpha {
        let (kept, added) = (from[colors].to_f32() * (1.0 - share), to[colors].to_f32() * share);
        out[colors] = S::from_f32(kept + added);
        share_of_colors = if kept + added > 0.0 { added / (kept + added) } else { share };
    }
    for ((sample, from), to) in out[..colors].iter_mut().zip(from).zip(to) {
        let (from, to) = (from.to_f32(), to.to_f32());
        *sample = S::from_f32(from + (to - from) * share_of_colors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Channels;
    use crate::image::Pixels;
    use crate::scene::lower_alone;

    #[test]
    fn the_band_stays_and_the_blur_grows_with_the_distance() {
        let size = Size::new(64, 400);
        // Lines from top to bottom: the more they are blurred, the less they differ.
        let samples = (0..size.area()).map(|i| if i % 8 < 4 { 0u8 } else { 255 }).collect();
        let image = Packed::new(size, Channels::Gray, samples);
        let stages = lower_alone(&TiltShift::default(), size).unwrap();
        let Stage::Area(lens) = &stages[0] else { panic!("{stages:?}") };
        let Pixels::U8(out) = lens.apply(Pixels::U8(image.clone())).unwrap() else {
            panic!("8 bits")
        };
        let contrast = |y: usize| {
            let row = &out.row(y)[16..48];
            row.iter().max().unwrap() - row.iter().min().unwrap()
        };
        assert_eq!(out.row(170), image.row(170));
        assert_eq!(out.row(229), image.row(229));
        assert!((1..170).all(|y| contrast(y - 1) <= contrast(y)), "above the band");
        assert!((231..400).all(|y| contrast(y) <= contrast(y - 1)), "below the band");
        assert!(contrast(0) < 180, "{}", contrast(0));
        // Nowhere a step: neighbors differ by a few levels.
        assert!((1..400).all(|y| contrast(y).abs_diff(contrast(y - 1)) <= 8));
    }
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::image::Packed;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::guided::Base;
use crate::kernels::luma::luma;
use crate::kernels::resample::{Kernel, resample};
use crate::kernels::rows;
use crate::kernels::small::premultiplied;
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{RectF, Resample, Sample, SampleFn, Stage};
use crate::{Result as ImagingResult, Size};

/// Takes away haze, which grows with the distance, or adds it. What lies in clear air stays.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Dehaze {
    /// How much haze is taken away (to 100) or added (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Dehaze {
    const NAME: &'static str = "dehaze";
    const EXAMPLE: &'static str = r#"{"value": 60}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Dehaze {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let amount = adjustment(self.value, self.intensity);
        Ok(amount.map(|amount| Stage::Area(Arc::new(Air { amount }))).into_iter().collect())
    }
}

/// The shorter side of the smaller image that haze is looked for in.
const SIDE: f32 = 240.0;
/// Every square of twice this side shows something dark where the air is clear.
const PATCH_RADIUS: usize = 3;
/// How far the haze of a patch is led along the edges in the image, and what counts as one.
const GUIDE_RADIUS: usize = 12;
const GUIDE_CONTRAST: f32 = 0.03;
/// The color of thick haze is hardly ever darker. What is found in pictures at night is a lamp.
const AIRLIGHT_MIN: f32 = 0.6;
/// A little haze is left: without any, distance is lost (the paper has 0.95).
const REMOVED_MAX: f32 = 0.9;
/// Where less light than this comes through there is nothing but noise.
const TRANSMISSION_MIN: f32 = 0.25;

struct Air {
    amount: f32,
}

/// What the dark channel tells (He, Sun and Tang, "Single image haze removal using dark channel
/// prior", 2009).
struct Haze {
    /// The color of the haze.
    airlight: [f32; 3],
    /// How much of a pixel is haze, from its luma.
    share: Base,
}

impl Haze {
    /// `None` when nothing can be seen.
    fn of<S: Sample>(packed: &Packed<S>) -> ImagingResult<Option<Self>> {
        let size = packed.size();
        let factor = (size.width.min(size.height) as f32 / SIDE).max(1.0);
        let side = |side: u32| (side as f32 / factor).ceil().max(1.0) as u32;
        let grid = Size::new(side(size.width), side(size.height));
        let to = Resample { source: RectF::full(size), size: grid, kernel: Kernel::Bilinear };
        let small = S::unwrap(resample(S::wrap(packed.clone()), &to)?)?;
        let pixels = small.samples().chunks_exact(small.channels().count());
        let seen: Vec<Option<[f32; 3]>> = pixels
            .map(premultiplied)
            .map(|[r, g, b, a]| (a > 0.5).then(|| [r / a, g / a, b / a]))
            .collect();
        let Some(airlight) = airlight(&seen, grid) else { return Ok(None) };
        let mut share = darkest(&seen, grid, airlight);
        for (share, seen) in share.iter_mut().zip(&seen) {
            *share = if seen.is_some() { share.min(1.0) } else { 0.0 };
        }
        let guide: Vec<f32> =
            luma(&small)?.samples().iter().map(|sample| sample.to_f32() / S::MAX).collect();
        let share = Base::led(size, grid, (&guide, &share), GUIDE_RADIUS, GUIDE_CONTRAST);
        Ok(Some(Self { airlight, share }))
    }
}

/// The mean color of the thousandth of the image where even the darkest is the lightest.
fn airlight(seen: &[Option<[f32; 3]>], grid: Size) -> Option<[f32; 3]> {
    let dark = darkest(seen, grid, [1.0; 3]);
    let visible = seen.iter().zip(dark).filter_map(|(color, dark)| Some((dark, (*color)?)));
    let mut visible: Vec<(f32, [f32; 3])> = visible.collect();
    visible.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    visible.truncate((seen.len() / 1000).max(1));
    let count = visible.len() as f32;
    let mean = |c: usize| visible.iter().map(|(_, color)| color[c]).sum::<f32>() / count;
    (!visible.is_empty()).then(|| [0, 1, 2].map(|c| mean(c).max(AIRLIGHT_MIN)))
}

/// The dark channel: the least of all channels, as shares of a white, in the patch of each pixel.
fn darkest(seen: &[Option<[f32; 3]>], grid: Size, white: [f32; 3]) -> Vec<f32> {
    let least = |color: [f32; 3]| (0..3).map(|c| color[c] / white[c]).fold(f32::MAX, f32::min);
    let least: Vec<f32> = seen.iter().map(|color| color.map_or(f32::MAX, least)).collect();
    let (width, height) = (grid.width as usize, grid.height as usize);
    let around =
        |at: usize, side: usize| at.saturating_sub(PATCH_RADIUS)..(at + PATCH_RADIUS + 1).min(side);
    let of_rows: Vec<f32> = (0..least.len())
        .map(|i| (i / width * width, around(i % width, width)))
        .map(|(row, across)| least[row..][across].iter().copied().fold(f32::MAX, f32::min))
        .collect();
    (0..least.len())
        .map(|i| around(i / width, height).map(move |y| y * width + i % width))
        .map(|down| down.map(|i| of_rows[i]).fold(f32::MAX, f32::min))
        .collect()
}

impl Air {
    /// How much of a color is kept, and what is added, where so much of it is haze.
    fn change(&self, haze: f32, airlight: f32) -> (f32, f32) {
        if self.amount > 0.0 {
            let through = (1.0 - REMOVED_MAX * self.amount * haze).max(TRANSMISSION_MIN);
            return (1.0 / through, airlight * (1.0 - 1.0 / through));
        }
        // A veil over everything, and more where there is haze. It is half of the color that the
        // air has, half of a light gray: in clear air the lightest thing need not be air.
        let veil = 0.5 * airlight + 0.43;
        let through = (1.0 + 0.25 * self.amount) * (1.0 + 0.65 * self.amount * haze);
        (through, veil * (1.0 - through))
    }

    fn clear<S: Sample>(&self, colors: &mut [S], haze: f32, airlight: [f32; 3]) {
        for (sample, airlight) in colors.iter_mut().zip(airlight) {
            let (kept, added) = self.change(haze, airlight);
            let value = sample.to_f32() * kept + added * S::MAX;
            *sample = S::from_f32(value.clamp(0.0, S::MAX));
        }
    }
}

impl SampleFn for Air {
    fn apply_to<S: Sample>(&self, mut packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let Some(Haze { airlight, share }) = Haze::of(&packed)? else { return Ok(packed) };
        let plane = luma(&packed)?;
        let (channels, stride) = (packed.channels(), packed.stride());
        let count = channels.count();
        let colors = count - usize::from(channels.has_alpha());
        rows::bands(packed.samples_mut(), stride, |top, band| {
            let mut shares = Vec::new();
            for (y, row) in (top..).zip(band.chunks_exact_mut(stride)) {
                share.row(y, plane.row(y), &mut shares);
                for (pixel, haze) in row.chunks_exact_mut(count).zip(&shares) {
                    self.clear(&mut pixel[..colors], haze.clamp(0.0, 1.0), airlight);
                }
            }
        });
        Ok(packed)
    }

    fn cost_ns(&self) -> f64 {
        25.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Channels;

    const SIZE: Size = Size::new(160, 120);

    /// Colors in clear air below; above, haze that thickens toward the upper edge.
    fn scene(has_haze: bool) -> Packed<u16> {
        let pixel = |x: u32, y: u32| {
            let color = [[0.02, 0.3, 0.1], [0.5, 0.02, 0.2], [0.05, 0.05, 0.4]];
            let through = if has_haze { (0.2 + y as f32 / 75.0).min(1.0) } else { 1.0 };
            let color = color[(x / 2 + y / 2) as usize % 3];
            color.map(|value| {
                u16::from_f32((value * through + 0.9 * (1.0 - through)) * u16::MAX as f32)
            })
        };
        let places = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        let samples = places.flat_map(|(x, y)| pixel(x, y)).collect();
        Packed::new(SIZE, Channels::Rgb, samples)
    }

    fn changed(amount: f32, scene: Packed<u16>) -> Packed<u16> {
        Air { amount }.apply_to(scene).unwrap()
    }

    /// How far apart two images are on average, of 1.
    fn off(a: &Packed<u16>, b: &Packed<u16>) -> f32 {
        let off = a.samples().iter().zip(b.samples()).map(|(a, b)| f32::from(a.abs_diff(*b)));
        off.sum::<f32>() / a.samples().len() as f32 / f32::from(u16::MAX)
    }

    #[test]
    fn haze_goes_and_clear_air_stays() {
        let (clear, hazy) = (scene(false), scene(true));
        let (before, after) = (off(&hazy, &clear), off(&changed(1.0, hazy), &clear));
        // Where haze is thickest some is left, and no pixel shows its color alone.
        assert!(after < 0.65 * before, "{before} {after}");
        assert!(off(&changed(1.0, clear.clone()), &clear) < 0.03);
    }

    #[test]
    fn added_haze_is_light_and_can_be_taken_away() {
        let clear = scene(false);
        let hazy = changed(-1.0, clear.clone());
        assert!(hazy.samples().iter().all(|sample| *sample > 8000));
        assert!(off(&changed(1.0, hazy.clone()), &clear) < off(&hazy, &clear) / 2.0);
    }

    #[test]
    fn what_cannot_be_seen_stays() {
        let unseen = Packed::new(Size::new(3, 2), Channels::GrayAlpha, [7u8, 0].repeat(6));
        assert_eq!(Air { amount: 1.0 }.apply_to(unseen.clone()).unwrap(), unseen);
    }
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::{Channels, Packed};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::halftone::{Ink, Screen};
use crate::kernels::rows;
use crate::kernels::soften::soften;
use crate::params::{Degrees, Length, Params, Percent};
use crate::scene::Scene;
use crate::stage::{Sample, SampleFn, Stage};

/// Prints the image with dots of ink, as newspapers and comics do.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Halftone {
    /// How far toward the print; 0 leaves the image as it is.
    pub intensity: Percent,
    /// From one dot to the next, in pixels or in percent of the shorter side. 1.5% by default.
    pub size: Option<Length>,
    /// How the rows of dots lie, clockwise. 45 by default.
    pub angle: Option<Degrees>,
    /// Whether there is black ink alone; else cyan, magenta, yellow and black are printed over each
    /// other.
    pub monochrome: bool,
}

impl Default for Halftone {
    fn default() -> Self {
        Self { intensity: Percent::FULL, size: None, angle: None, monochrome: true }
    }
}

impl Params for Halftone {
    const NAME: &'static str = "halftone";
    const EXAMPLE: &'static str = r#"{"size": "3%", "monochrome": false}"#;
}

impl ImageOp for Halftone {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let shorter = scene.size().width.min(scene.size().height);
        let size = self.size.unwrap_or(Length::Percent(1.5)).resolve(shorter).clamp(3, 1000);
        let print = Print {
            strength: self.intensity.factor(),
            size: size as f32,
            angle: self.angle.map_or(45.0, Degrees::get) as f32,
            monochrome: self.monochrome,
        };
        Ok(if print.strength == 0.0 { Vec::new() } else { vec![Stage::Area(Arc::new(print))] })
    }
}

struct Print {
    strength: f32,
    size: f32,
    angle: f32,
    monochrome: bool,
}

/// The inks, each with the angle of its dots beside that of black.
const CYAN: Ink = Ink { angle: -30.0, light: [0.0, 0.66, 0.93] };
const MAGENTA: Ink = Ink { angle: 30.0, light: [0.92, 0.05, 0.55] };
const YELLOW: Ink = Ink { angle: -45.0, light: [1.0, 0.94, 0.05] };
const BLACK: Ink = Ink { angle: 0.0, light: [0.09, 0.09, 0.10] };

impl SampleFn for Print {
    fn keeps_gray(&self) -> bool {
        self.monochrome
    }

    fn apply_to<S: Sample>(&self, packed: Packed<S>) -> ImagingResult<Packed<S>> {
        let is_gray = matches!(packed.channels(), Channels::Gray | Channels::GrayAlpha);
        let mut packed = match (is_gray && !self.monochrome, packed.channels().has_alpha()) {
            (true, true) => packed.with_channels(Channels::Rgba)?,
            (true, false) => packed.with_channels(Channels::Rgb)?,
            (false, _) => packed,
        };
        // What is finer than a dot cannot be shown by one, and would tear it.
        let soft = S::unwrap(soften(S::wrap(packed.clone()), self.size * 0.3)?)?;
        let count = packed.channels().count();
        let inks: &[Ink] = if self.monochrome { &[BLACK] } else { &[CYAN, MAGENTA, YELLOW, BLACK] };
        let screens: Vec<(Ink, Screen)> =
            inks.iter().map(|ink| (*ink, Screen::new(self.size, self.angle + ink.angle))).collect();
        rows::colors(&mut packed, |(x, y), pixel| {
            let soft = &soft.row(y)[x * count..];
            let paper = match pixel.len() {
                1 => [soft[0]; 3],
                _ => [soft[0], soft[1], soft[2]],
            };
            let rgb = self.printed(&screens, (x, y), paper.map(|v| v.to_f32() / S::MAX));
            for (sample, shown) in pixel.iter_mut().zip(rgb) {
                let value = sample.to_f32();
                let shown = shown.clamp(0.0, 1.0) * S::MAX;
                *sample = S::from_f32(value + (shown - value) * self.strength);
            }
        });
        Ok(packed)
    }
}

impl Print {
    /// What lies at a pixel when a color is printed there.
    fn printed(
        &self,
        screens: &[(Ink, Screen)],
        at: (usize, usize),
        [r, g, b]: [f32; 3],
    ) -> [f32; 3] {
        let amounts = match self.monochrome {
            true => [1.0 - (0.299 * r + 0.587 * g + 0.114 * b), 0.0, 0.0, 0.0],
            false => {
                // Some of the gray that the three colors share is printed black.
                let black = 1.0 - r.max(g).max(b);
                let rest = 0.6 * black;
                [1.0 - r - rest, 1.0 - g - rest, 1.0 - b - rest, 0.75 * black]
            }
        };
        let mut rgb = [1.0f32; 3];
        for ((ink, screen), amount) in screens.iter().zip(amounts) {
            // A little less ink than the area says: dots grow on paper and in the eye.
            let cover = screen.cover(at, amount.clamp(0.0, 1.0).powf(1.25));
            for (channel, light) in rgb.iter_mut().zip(ink.light) {
                *channel *= 1.0 - cover * (1.0 - light);
            }
        }
        rgb
    }
}

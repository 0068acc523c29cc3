use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::color::smoothstep;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{GrainSize, Params, Percent, Seed};
use crate::scene::Scene;
use crate::stage::{PositionFn, Stage};

/// Adds the grain of film: strongest in the middle tones, none in black and white. The same request
/// gives the same grain.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grain {
    /// How strong; 20 is fine film, 60 is pushed film, 0 leaves the image as it is.
    pub intensity: Percent,
    /// How large the grains are, in pixels. By default they grow with the image.
    pub size: Option<GrainSize>,
    /// Whether the grain has no color of its own, as that of black and white film.
    pub monochrome: bool,
    /// Another number gives another pattern of the same kind.
    pub seed: Option<Seed>,
}

impl Default for Grain {
    fn default() -> Self {
        Self { intensity: Percent::FULL, size: None, monochrome: true, seed: None }
    }
}

impl Params for Grain {
    const NAME: &'static str = "grain";
    const EXAMPLE: &'static str = r#"{"intensity": 40}"#;
}

impl ImageOp for Grain {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let noise = Noise {
            strength: self.intensity.factor() * FULL,
            size: self.size.map_or_else(|| natural_size(scene.size()), GrainSize::get),
            channels: if self.monochrome { 1 } else { 3 },
            seed: self.seed.map_or(0, Seed::get),
        };
        Ok(noise.stage().into_iter().collect())
    }
}

impl Grain {
    /// The grain that belongs to a look, with this strength from 0 to 1.
    pub(super) fn of_film(strength: f32, size: Size) -> Option<Stage> {
        let strength = strength * FULL;
        Noise { strength, size: natural_size(size), channels: 1, seed: 0 }.stage()
    }
}

/// The standard deviation of an intensity of 100, in the middle tones.
const FULL: f32 = 0.12;

/// Grains are as large on every print of a negative.
fn natural_size(size: Size) -> f32 {
    (size.width.max(size.height) as f32 / 1400.0).clamp(1.0, 6.0)
}

/// Random values on a lattice, normally distributed, with as much variance between its points as on
/// them.
struct Noise {
    /// The standard deviation in the middle tones.
    strength: f32,
    size: f32,
    channels: usize,
    seed: u32,
}

impl Noise {
    fn stage(self) -> Option<Stage> {
        (self.strength > 0.0).then(|| Stage::Position(Arc::new(self)))
    }

    /// The value of a point of the lattice: four random bytes added are nearly normal.
    fn at(&self, x: u32, y: u32, channel: u32) -> f32 {
        let hash = mixed(x ^ mixed(y ^ mixed(self.seed ^ channel << 30)));
        let sum: u32 = hash.to_le_bytes().into_iter().map(u32::from).sum();
        (sum as f32 - 510.0) / 147.8
    }
}

impl PositionFn for Noise {
    fn apply_row(&self, size: Size, y: u32, row: &mut [[f32; 3]]) {
        let (top, down) = cell(y, self.size);
        let points = cell(size.width, self.size).0 + 2;
        let lattice: Vec<Vec<[f32; 2]>> = (0..self.channels as u32)
            .map(|c| (0..points).map(|x| [self.at(x, top, c), self.at(x, top + 1, c)]).collect())
            .collect();
        for (x, rgb) in row.iter_mut().enumerate() {
            let (left, across) = cell(x as u32, self.size);
            let weights = [
                (1.0 - across) * (1.0 - down),
                across * (1.0 - down),
                (1.0 - across) * down,
                across * down,
            ];
            let spread = weights.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
            let noise = |channel: usize| {
                let [a, b] = [0, 1].map(|right| lattice[channel][left as usize + right]);
                let sum =
                    a[0] * weights[0] + b[0] * weights[1] + a[1] * weights[2] + b[1] * weights[3];
                sum / spread
            };
            let light = (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]).clamp(0.0, 1.0);
            let strength = self.strength * (4.0 * light * (1.0 - light)).sqrt();
            let gray = noise(0) * strength;
            for (channel, value) in rgb.iter_mut().enumerate() {
                *value += match self.channels {
                    1 => gray,
                    _ => noise(channel) * strength,
                };
            }
        }
    }
}

/// The point of the lattice in front of a pixel, and how far it is on the way to the next one.
fn cell(at: u32, size: f32) -> (u32, f32) {
    let position = at as f32 / size;
    (position as u32, smoothstep(0.0, 1.0, position.fract()))
}

/// A hash of 32 bits in which every bit depends on every bit (Chris Wellons, `lowbias32`).
fn mixed(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ x >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grain_has_no_mean_and_the_strength_it_was_given_at_any_size() {
        for size in [1.0, 1.7, 4.0] {
            let noise = Noise { strength: 0.1, size, channels: 1, seed: 5 };
            let image = Size::new(300, 300);
            let mut values = Vec::new();
            for y in 0..300 {
                let mut row = vec![[0.5; 3]; 300];
                noise.apply_row(image, y, &mut row);
                values.extend(row.iter().map(|rgb| rgb[1] - 0.5));
            }
            let count = values.len() as f32;
            let mean = values.iter().sum::<f32>() / count;
            let deviation = (values.iter().map(|v| v * v).sum::<f32>() / count).sqrt();
            assert!(mean.abs() < 0.004, "{size}: {mean}");
            assert!((deviation - 0.1).abs() < 0.006, "{size}: {deviation}");
        }
    }
}

//! A color for each luminance: a table over luminance.

use crate::color::to_linear;

/// Steps of luminance from black to white: fine enough that the steepest part of the sRGB curve, in
/// black, moves by a fifth of a level from one to the next.
const STEPS: f32 = (1 << 14) as f32;
/// Fraction bits of luminance below a step.
const STEP_BITS: u32 = 12;
/// Fraction bits of levels. What a tone and its original add up to may leave 0 to 255 on the way.
const LEVEL_BITS: u32 = 6;

/// The tables of a tone at a strength, for values of channels that are given by their numbers.
pub(super) struct Toned {
    /// What each channel adds to the luminance.
    luminance: Vec<[i32; 3]>,
    /// What is left of the original.
    kept: Vec<[i16; 3]>,
    /// The luminance of the first of the tones.
    low: i32,
    /// What the tone adds; the fourth entry is of no meaning.
    tones: Vec<[i16; 4]>,
}

impl Toned {
    /// For fewer pixels the tone itself is called.
    pub(super) const PIXELS_MIN: u64 = 2 * STEPS as u64;

    /// For 8-bit levels.
    pub(super) fn of_levels(tone: &dyn Fn(f32) -> [f32; 3], strength: f32) -> Self {
        let values = (0..256).map(|level| [level as f32 / 255.0; 3]);
        Self::new(values, [0.0, 1.0], tone, strength)
    }

    /// For these values, whose colors have luminances in this range.
    pub(super) fn new(
        values: impl Iterator<Item = [f32; 3]>,
        [low, high]: [f32; 2],
        tone: &dyn Fn(f32) -> [f32; 3],
        strength: f32,
    ) -> Self {
        let level =
            |value: f32| (value.clamp(-2.0, 2.0) * (255 << LEVEL_BITS) as f32).round() as i16;
        let of_steps = |luminance: f32| (luminance * STEPS * (1 << STEP_BITS) as f32) as i32;
        let (mut luminance, mut kept) = (Vec::new(), Vec::new());
        for values in values {
            kept.push(values.map(|value| level(value * (1.0 - strength))));
            luminance.push(std::array::from_fn(|c| {
                let mut rgb = [0.0; 3];
                rgb[c] = to_linear(values[c]);
                of_steps(crate::color::luminance(rgb))
            }));
        }
        let steps = ((high - low) * STEPS).ceil() as usize + 1;
        let tones = (0..steps).map(|step| {
            let [r, g, b] = tone(low + step as f32 / STEPS);
            [r, g, b, 0.0].map(|value| level(value * strength))
        });
        Self { luminance, kept, low: of_steps(low), tones: tones.collect() }
    }

    /// The color that becomes of the values with these numbers.
    #[inline(always)]
    pub(super) fn color(&self, [r, g, b]: [usize; 3]) -> [u8; 3] {
        const HALF_STEP: i32 = 1 << (STEP_BITS - 1);
        const HALF_LEVEL: i32 = 1 << (LEVEL_BITS - 1);
        let sum = self.luminance[r][0] + self.luminance[g][1] + self.luminance[b][2];
        let step = ((sum - self.low + HALF_STEP) >> STEP_BITS).max(0) as usize;
        let tone = self.tones[step.min(self.tones.len() - 1)];
        let kept = [self.kept[r][0], self.kept[g][1], self.kept[b][2]];
        std::array::from_fn(|c| {
            let level = (i32::from(kept[c]) + i32::from(tone[c]) + HALF_LEVEL) >> LEVEL_BITS;
            level.clamp(0, 255) as u8
        })
    }

    /// Changes the colors of a row of pixels of `N` samples (3, or 4 with alpha last).
    pub(super) fn apply_row<const N: usize>(&self, row: &mut [u8]) {
        for pixel in row.as_chunks_mut::<N>().0 {
            let color = self.color([pixel[0], pixel[1], pixel[2]].map(usize::from));
            pixel[..3].copy_from_slice(&color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::from_linear;
    use crate::stage::ColorFn;
    use std::sync::Arc;

    #[test]
    fn tables_are_within_a_level_of_the_function() {
        let tone = |luminance: f32| {
            let gray = from_linear(luminance);
            [gray, 1.0 - gray, gray * gray - 0.1]
        };
        for strength in [0.25, 0.8, 1.0] {
            let toned = Toned::of_levels(&tone, strength);
            let exact = ColorFn::Tone(Arc::new(tone), strength);
            for seed in 0..50_000u32 {
                let rgb = match seed {
                    0..256 => [seed as u8; 3],
                    _ => seed.wrapping_mul(2_654_435_761).to_le_bytes()[1..].try_into().unwrap(),
                };
                let mut row = rgb;
                toned.apply_row::<3>(&mut row);
                let exact = exact.eval(rgb.map(|level| f32::from(level) / 255.0));
                for (ours, exact) in row.into_iter().zip(exact) {
                    let off = (f32::from(ours) - exact.clamp(0.0, 1.0) * 255.0).abs();
                    assert!(off < 0.8, "{strength} {rgb:?}: {ours} {exact}");
                }
            }
        }
    }
}

//! A color for each luminance: a table over luminance.

use crate::color::to_linear;

/// Steps of luminance from black to white: fine enough that the steepest part of the sRGB curve, in
/// black, moves by a fifth of a level from one to the next.
const STEPS: f32 = (1 << 14) as f32;
/// Room for twice the light of white, which is what colors that leave the range mostly stay below.
const TONES: usize = 2 << 14;
/// Fraction bits of luminance below a step.
const STEP_BITS: u32 = 12;
/// Fraction bits of levels. A tone and its original may leave 0 to 255 by as much again each.
const LEVEL_BITS: u32 = 5;

/// The tables of a tone at a strength, for `VALUES` values of channels that are given by number.
pub(super) struct Toned<const VALUES: usize> {
    /// What each channel adds to the luminance, in fractions of a step.
    luminance: Box<[[i32; 3]; VALUES]>,
    /// What is left of the original.
    kept: Box<[[i16; 3]; VALUES]>,
    /// The luminance of the first of the tones.
    low: i32,
    /// What the tone adds; the fourth entry is of no meaning.
    tones: Box<[[i16; 4]; TONES]>,
}

impl Toned<256> {
    /// For fewer pixels the tone itself is called.
    pub(super) const PIXELS_MIN: u64 = 2 * STEPS as u64;

    /// For 8-bit levels.
    pub(super) fn of_levels(tone: &dyn Fn(f32) -> [f32; 3], strength: f32) -> Self {
        Self::new(|level| [level as f32 / 255.0; 3], [0.0, 1.0], tone, strength)
    }
}

impl<const VALUES: usize> Toned<VALUES> {
    /// For these values, whose colors have luminances in this range.
    pub(super) fn new(
        values: impl Fn(usize) -> [f32; 3],
        [low, high]: [f32; 2],
        tone: &dyn Fn(f32) -> [f32; 3],
        strength: f32,
    ) -> Self {
        let level =
            |value: f32| (value.clamp(-2.0, 2.0) * (255 << LEVEL_BITS) as f32).round() as i16;
        let steps = STEPS.min((TONES - 1) as f32 / (high - low));
        let of_steps = |luminance: f32| (luminance * steps * (1 << STEP_BITS) as f32) as i32;
        let (mut luminance, mut kept) = (Box::new([[0; 3]; VALUES]), Box::new([[0; 3]; VALUES]));
        for number in 0..VALUES {
            let values = values(number);
            kept[number] = values.map(|value| level(value * (1.0 - strength)));
            luminance[number] = std::array::from_fn(|c| {
                let mut rgb = [0.0; 3];
                rgb[c] = to_linear(values[c]);
                of_steps(crate::color::luminance(rgb))
            });
        }
        let mut tones = Box::new([[0; 4]; TONES]);
        for (step, to) in tones.iter_mut().enumerate() {
            let [r, g, b] = tone((low + step as f32 / steps).min(high));
            *to = [r, g, b, 0.0].map(|value| level(value * strength));
        }
        Self { luminance, kept, low: of_steps(low), tones }
    }

    /// The color that becomes of the values with these numbers.
    #[inline(always)]
    pub(super) fn color(&self, numbers: [usize; 3]) -> [u8; 3] {
        const HALF_STEP: i32 = 1 << (STEP_BITS - 1);
        const HALF_LEVEL: i16 = 1 << (LEVEL_BITS - 1);
        let [r, g, b] = numbers.map(|number| number % VALUES);
        let sum = self.luminance[r][0] + self.luminance[g][1] + self.luminance[b][2];
        let mut step = (sum - self.low + HALF_STEP) >> STEP_BITS;
        // Colors of 8-bit levels never leave the range that they were made for.
        if VALUES > 256 {
            step = step.clamp(0, TONES as i32 - 1);
        }
        let tone = self.tones[step as usize % TONES];
        // Four at once, for vectors.
        let mut levels = [self.kept[r][0], self.kept[g][1], self.kept[b][2], 0];
        for (level, tone) in levels.iter_mut().zip(tone) {
            *level = ((*level + tone + HALF_LEVEL) >> LEVEL_BITS).clamp(0, 255);
        }
        [levels[0] as u8, levels[1] as u8, levels[2] as u8]
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

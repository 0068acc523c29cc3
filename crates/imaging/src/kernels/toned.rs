//! A color for each luminance, on 8-bit samples: a table over luminance.

use crate::color::to_linear;

/// Steps of luminance: fine enough that the steepest part of the sRGB curve, in black, moves by a
/// fifth of a level from one to the next.
const STEPS: usize = 1 << 14;
/// Fraction bits of luminance below a step.
const LUMINANCE_BITS: u32 = 16;
/// Fraction bits of levels.
const LEVEL_BITS: u32 = 7;

/// The tables of a tone at a strength.
pub(super) struct Toned {
    /// What each channel adds to the luminance, by its level.
    luminance: [[u32; 3]; 256],
    /// What is left of the original, by its level.
    kept: [u16; 256],
    /// What the tone adds; the fourth entry is of no meaning.
    tones: [[u16; 4]; STEPS],
}

impl Toned {
    /// For fewer pixels the tone itself is called.
    pub(super) const PIXELS_MIN: u64 = 2 * STEPS as u64;

    pub(super) fn new(tone: &dyn Fn(f32) -> [f32; 3], strength: f32) -> Self {
        let level = |value: f32| (value.clamp(0.0, 1.0) * (255 << LEVEL_BITS) as f32 + 0.5) as u16;
        let white = ((STEPS - 1) << LUMINANCE_BITS) as f32;
        let (mut luminance, mut kept) = ([[0; 3]; 256], [0; 256]);
        for value in 0..256 {
            let share = value as f32 / 255.0;
            kept[value] = level(share * (1.0 - strength));
            // The weights of [`crate::color::luminance`]; truncated, so that white is in the table.
            luminance[value] = std::array::from_fn(|c| {
                let mut rgb = [0.0; 3];
                rgb[c] = to_linear(share);
                (crate::color::luminance(rgb) * white) as u32
            });
        }
        let mut tones = [[0; 4]; STEPS];
        for (step, to) in tones.iter_mut().enumerate() {
            let [r, g, b] = tone(step as f32 / (STEPS - 1) as f32);
            *to = [r, g, b, 0.0].map(|value| level(value.clamp(0.0, 1.0) * strength));
        }
        Self { luminance, kept, tones }
    }

    /// Changes the colors of a row of pixels of `N` samples (3, or 4 with alpha last).
    pub(super) fn apply_row<const N: usize>(&self, row: &mut [u8]) {
        const HALF: u16 = 1 << (LEVEL_BITS - 1);
        for pixel in row.as_chunks_mut::<N>().0 {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(usize::from);
            let sum = self.luminance[r][0] + self.luminance[g][1] + self.luminance[b][2];
            let half = 1 << (LUMINANCE_BITS - 1);
            let tone = self.tones[((sum + half) >> LUMINANCE_BITS) as usize % STEPS];
            let level =
                |kept: usize, tone: u16| ((self.kept[kept] + tone + HALF) >> LEVEL_BITS) as u8;
            [pixel[0], pixel[1], pixel[2]] =
                [level(r, tone[0]), level(g, tone[1]), level(b, tone[2])];
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
            [gray, 1.0 - gray, gray * gray]
        };
        for strength in [0.25, 0.8, 1.0] {
            let toned = Toned::new(&tone, strength);
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

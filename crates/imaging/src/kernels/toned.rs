//! A color for each luminance: a table over luminance.

use super::lut3::BINS;
use super::wide::{BLOCK, blocks};
use crate::color::{luminance, to_linear};

/// Steps of luminance from black to white, as fine as black needs them: the cube root of perceptual
/// spaces moves by a quarter of a level from one to the next where the first color is that is not
/// black.
const STEPS: i32 = 1 << 18;
/// From this luminance on, 16 steps share a tone.
const DIM: i32 = STEPS / 256;
const DIM_BITS: u32 = 4;
/// And from this one on, 128 do.
const BRIGHT: i32 = STEPS / 16;
const BRIGHT_BITS: u32 = 7;
/// Fraction bits of luminance below a step.
const STEP_BITS: u32 = 8;
/// What luminance 1 is as a whole number.
pub(super) const LUMINANCE_ONE: f32 = (STEPS << STEP_BITS) as f32;
/// Colors that leave the usual range have luminances in this one, or are taken for those at its
/// ends.
pub(super) const RANGE: [f32; 2] = [-1.0, 4.0];
/// Fraction bits of levels. A tone and its original may leave 0 to 255 by as much again each.
const LEVEL_BITS: u32 = 5;
/// A function of luminance, in linear light.
type Tone = dyn Fn(f32) -> [f32; 3];

/// A color with fraction bits; the fourth entry is of no meaning.
pub(super) type Color = [i16; 4];

/// What a tone adds to a color, over luminance.
pub(super) struct Tones {
    first: i32,
    colors: Vec<Color>,
}

impl Tones {
    /// For luminances of this range.
    pub(super) fn new([low, high]: [f32; 2], tone: &Tone, strength: f32) -> Self {
        let number =
            |value: f32| number_of((value.clamp(RANGE[0], RANGE[1]) * STEPS as f32) as i32);
        let (first, last) = (number(low) - 1, number(high) + 1);
        let color = |number| {
            let value = (step_of(number) as f32 / STEPS as f32).clamp(low, high);
            let [r, g, b] = tone(value).map(|value| level(value * strength));
            [r, g, b, 0]
        };
        Self { first, colors: (first..=last).map(color).collect() }
    }

    /// Where the tone of a luminance stands, of which [`LUMINANCE_ONE`] is white. For vectors,
    /// which [`Self::at`] is not.
    #[inline(always)]
    pub(super) fn place(&self, luminance: i32) -> i32 {
        const HALF_STEP: i32 = 1 << (STEP_BITS - 1);
        let place = number_of((luminance + HALF_STEP) >> STEP_BITS) - self.first;
        place.clamp(0, self.colors.len() as i32 - 1)
    }

    /// What is added by the tone that stands there.
    #[inline(always)]
    pub(super) fn at(&self, place: i32) -> Color {
        self.colors[place as usize]
    }
}

/// The number of the first tone of dim and of bright luminances, less that of its steps.
const DIM_OFFSET: i32 = DIM - (DIM >> DIM_BITS);
const BRIGHT_OFFSET: i32 = (BRIGHT >> DIM_BITS) + DIM_OFFSET - (BRIGHT >> BRIGHT_BITS);

/// The number of the tone of a step. What is below black mirrors what is above.
#[inline(always)]
fn number_of(step: i32) -> i32 {
    let number = match step.abs() {
        size if size < DIM => size,
        size if size < BRIGHT => (size >> DIM_BITS) + DIM_OFFSET,
        size => (size >> BRIGHT_BITS) + BRIGHT_OFFSET,
    };
    if step < 0 { -number } else { number }
}

/// The step in the middle of those that share a tone.
fn step_of(number: i32) -> i32 {
    let middle = |steps: i32, bits: u32| (steps << bits) + (1 << (bits - 1));
    let step = match number.abs() {
        size if size < DIM => size,
        size if size < (BRIGHT >> DIM_BITS) + DIM_OFFSET => middle(size - DIM_OFFSET, DIM_BITS),
        size => middle(size - BRIGHT_OFFSET, BRIGHT_BITS),
    };
    if number < 0 { -step } else { step }
}

/// A level with fraction bits.
pub(super) fn level(value: f32) -> i16 {
    (value.clamp(-2.0, 2.0) * (255 << LEVEL_BITS) as f32).round() as i16
}

/// The levels of originals and what tones add to them.
#[inline(always)]
pub(super) fn summed<const COUNT: usize>(
    kept: &[Color; COUNT],
    tones: &[Color; COUNT],
) -> [[u8; 4]; COUNT] {
    const HALF: i16 = 1 << (LEVEL_BITS - 1);
    let mut levels = [[0; 4]; COUNT];
    let pairs = kept.as_flattened().iter().zip(tones.as_flattened());
    for (level, (kept, tone)) in levels.as_flattened_mut().iter_mut().zip(pairs) {
        *level = ((kept + tone + HALF) >> LEVEL_BITS).clamp(0, 255) as u8;
    }
    levels
}

/// What a value of a channel adds to the luminance.
fn luminances(values: [f32; 3]) -> [i32; 3] {
    std::array::from_fn(|c| {
        let mut rgb = [0.0; 3];
        rgb[c] = to_linear(values[c]);
        (luminance(rgb) * LUMINANCE_ONE) as i32
    })
}

/// A tone for 8-bit levels.
pub(super) struct LevelTones {
    luminance: Box<[[i32; 3]; 256]>,
    /// What of a level is kept, with fraction bits of both kinds.
    kept: i32,
    tones: Tones,
}

/// Fraction bits of what is kept, beside those of levels.
const KEPT_BITS: u32 = 8;

impl LevelTones {
    /// For fewer pixels the tone itself is called.
    pub(super) const PIXELS_MIN: u64 = 1 << 13;

    pub(super) fn new(tone: &Tone, strength: f32) -> Self {
        let levels = std::array::from_fn(|level| luminances([level as f32 / 255.0; 3]));
        Self {
            luminance: Box::new(levels),
            kept: ((1.0 - strength) * (1 << (LEVEL_BITS + KEPT_BITS)) as f32).round() as i32,
            tones: Tones::new([0.0, 1.0], tone, strength),
        }
    }

    /// Changes the colors of a row of pixels of `N` samples (3, or 4 with alpha last).
    pub(super) fn apply_row<const N: usize>(&self, row: &mut [u8]) {
        blocks::<N>(
            row,
            #[inline(always)]
            |block| self.apply_block(block),
        );
    }

    #[inline(always)]
    fn apply_block<const N: usize>(&self, block: &mut [[u8; N]]) {
        const HALF: i16 = 1 << (LEVEL_BITS - 1);
        // The fourth entry of a tone lies where alpha or the next pixel is.
        let mut added = [0; 4 * BLOCK + 4];
        let mut alphas = [0; BLOCK];
        for (at, pixel) in block.iter().enumerate() {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(usize::from);
            let luminance = self.luminance[r][0] + self.luminance[g][1] + self.luminance[b][2];
            let tone = self.tones.at(self.tones.place(luminance));
            added[at * N..at * N + 4].copy_from_slice(&tone);
            alphas[at] = pixel[N - 1];
        }
        for (level, added) in block.as_flattened_mut().iter_mut().zip(added) {
            let kept = ((i32::from(*level) * self.kept) >> KEPT_BITS) as i16;
            *level = ((kept + added + HALF) >> LEVEL_BITS).clamp(0, 255) as u8;
        }
        if N == 4 {
            for (pixel, alpha) in block.iter_mut().zip(alphas) {
                pixel[N - 1] = alpha;
            }
        }
    }
}

/// A tone for what a cube gives, by bins.
pub(super) struct Toned {
    luminance: Box<[[i32; 3]; BINS]>,
    kept: Box<[[i16; 3]; BINS]>,
    tones: Tones,
}

impl Toned {
    /// For the values of these bins, whose colors have luminances in this range.
    pub(super) fn new(
        values: impl Fn(usize) -> [f32; 3],
        range: [f32; 2],
        tone: &Tone,
        strength: f32,
    ) -> Self {
        let (mut luminance, mut kept) = (Box::new([[0; 3]; BINS]), Box::new([[0; 3]; BINS]));
        for bin in 0..BINS {
            let values = values(bin);
            luminance[bin] = luminances(values);
            kept[bin] = values.map(|value| level(value * (1.0 - strength)));
        }
        Self { luminance, kept, tones: Tones::new(range, tone, strength) }
    }

    /// The color that becomes of these bins.
    #[inline(always)]
    pub(super) fn color(&self, bins: [usize; 3]) -> [u8; 3] {
        let [r, g, b] = bins.map(|bin| bin % BINS);
        let luminance = self.luminance[r][0] + self.luminance[g][1] + self.luminance[b][2];
        let tone = self.tones.at(self.tones.place(luminance));
        let kept = [self.kept[r][0], self.kept[g][1], self.kept[b][2], 0];
        let [[r, g, b, _]] = summed(&[kept], &[tone]);
        [r, g, b]
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
            let toned = LevelTones::new(&tone, strength);
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

    #[test]
    fn tones_follow_each_other_and_stand_in_the_middle_of_their_steps() {
        let mut before = number_of(-STEPS);
        for step in -STEPS + 1..4 * STEPS {
            let next = number_of(step);
            assert!(next == before || next == before + 1, "{step}");
            let shared = match step.abs() {
                size if size < DIM => 1,
                size if size < BRIGHT => 1 << DIM_BITS,
                _ => 1 << BRIGHT_BITS,
            };
            assert!((step_of(next) - step).abs() <= shared / 2, "{step}: {}", step_of(next));
            before = next;
        }
    }

    #[test]
    fn tones_over_lightness_are_right_next_to_black() {
        let tone = |luminance: f32| [luminance.max(0.0).cbrt(); 3];
        let (tones, exact) = (LevelTones::new(&tone, 1.0), ColorFn::Tone(Arc::new(tone), 1.0));
        for number in 0..27u8 {
            let rgb = [number / 9, number / 3 % 3, number % 3];
            let mut row = rgb;
            tones.apply_row::<3>(&mut row);
            let exact = exact.eval(rgb.map(|level| f32::from(level) / 255.0));
            assert!(
                (f32::from(row[0]) - exact[0] * 255.0).abs() < 0.9,
                "{rgb:?} {row:?} {exact:?}"
            );
        }
    }
}

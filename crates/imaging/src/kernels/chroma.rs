//! Linear maps of the color axes of Oklab for many pixels side by side: vectors for what lies
//! between linear light and linear light, tables for the curves at both ends. It is exact but for
//! the steps of the tables, and none of them depends on the image, as a cube would.

use super::fuse;
use super::toned::{self, Color, LUMINANCE_ONE, Tones};
use super::wide::{BLOCK, blocks};
use crate::color::{
    CONES_TO_LIGHT, LAB_TO_ROOTS, LIGHT_TO_CONES, Matrix, ROOTS_TO_LAB, from_linear, luminance,
    times, to_linear,
};
use crate::stage::{ColorFn, Sample};

/// Steps of the square root of linear light from black to white. A step is less than a tenth of a
/// level everywhere.
const STEPS: f32 = 4096.0;
/// The place of black: what is darker mirrors the curve.
const BLACK: f32 = 4096.0;
/// Room for roots from -1 to 3: a tone brings back what maps push that far out.
const PLACES: usize = 1 << 14;

/// A chain of curves, maps of chroma, and then either more curves or a tone.
pub(super) struct Chroma {
    /// The linear light of levels, behind the curves in front.
    light: Box<[[f32; 3]; 256]>,
    /// Between the cube roots of cones.
    turn: Matrix,
    exit: Exit,
}

/// What becomes of linear light; the tables are over its square root.
enum Exit {
    Levels(Box<[[u8; 3]; PLACES]>),
    Toned { kept: Box<[i16; PLACES]>, tones: Tones },
}

impl Chroma {
    /// For fewer pixels the functions are called.
    pub(super) const PIXELS_MIN: u64 = 1 << 15;

    /// The chain, if it is of that kind.
    pub(super) fn of(chain: &[ColorFn]) -> Option<Self> {
        let is_chroma = |function: &ColorFn| matches!(function, ColorFn::Chroma(_));
        let start = chain.iter().position(is_chroma)?;
        let len = chain[start..].iter().take_while(|function| is_chroma(function)).count();
        let (curves, rest) = chain.split_at(start);
        let (maps, tail) = rest.split_at(len);
        if !curves.iter().all(fuse::is_curve) {
            return None;
        }
        let light =
            fuse::filled(|level| fuse::eval(curves, [level as f32 / 255.0; 3]).map(to_linear));
        let turn = turn(maps);
        let exit = match tail {
            [ColorFn::Tone(tone, strength)] => {
                let kept = |place| toned::level(value_at(place) * (1.0 - strength));
                let range = luminances(&light);
                Exit::Toned {
                    kept: Box::new(std::array::from_fn(kept)),
                    tones: Tones::new(range, &**tone, *strength),
                }
            }
            curves if curves.iter().all(fuse::is_curve) => {
                let level = |value: f32| u8::from_f32(value.clamp(0.0, 1.0) * 255.0);
                let levels = |place| fuse::eval(curves, [value_at(place); 3]).map(level);
                Exit::Levels(fuse::filled(levels))
            }
            _ => return None,
        };
        Some(Self { light, turn, exit })
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
        let mut light = [[0.0; BLOCK]; 3];
        self.look_up(block, &mut light);
        let light = self.mapped(&light);
        let mut places = [[0u16; BLOCK]; 3];
        for (place, light) in places.as_flattened_mut().iter_mut().zip(light.as_flattened()) {
            let root = light.abs().sqrt().copysign(*light);
            *place = (root * STEPS + (BLACK + 0.5)).clamp(0.0, (PLACES - 1) as f32) as u16;
        }
        let place = |c: usize, at: usize| usize::from(places[c][at]) % PLACES;
        match &self.exit {
            Exit::Levels(levels) => {
                for (at, pixel) in block.iter_mut().enumerate() {
                    for c in 0..3 {
                        pixel[c] = levels[place(c, at)][c];
                    }
                }
            }
            Exit::Toned { kept, tones } => {
                let mut tone_places = [0; BLOCK];
                for (at, place) in tone_places.iter_mut().enumerate() {
                    let luminance = luminance([light[0][at], light[1][at], light[2][at]]);
                    *place = tones.place(
                        (luminance.clamp(toned::RANGE[0], toned::RANGE[1]) * LUMINANCE_ONE) as i32,
                    );
                }
                let (mut left, mut added) = ([Color::default(); BLOCK], [Color::default(); BLOCK]);
                for at in 0..block.len() {
                    left[at] = [kept[place(0, at)], kept[place(1, at)], kept[place(2, at)], 0];
                    added[at] = tones.at(tone_places[at]);
                }
                for (pixel, levels) in block.iter_mut().zip(toned::summed(&left, &added)) {
                    pixel[..3].copy_from_slice(&levels[..3]);
                }
            }
        }
    }

    /// The linear light of pixels. Not inlined and so not for vectors: compilers gather them, which
    /// takes longer than one look after the other.
    #[inline(never)]
    fn look_up<const N: usize>(&self, pixels: &[[u8; N]], light: &mut [[f32; BLOCK]; 3]) {
        let [r, g, b] = light;
        for (((pixel, r), g), b) in pixels.iter().zip(r).zip(g).zip(b) {
            *r = self.light[pixel[0] as usize][0];
            *g = self.light[pixel[1] as usize][1];
            *b = self.light[pixel[2] as usize][2];
        }
    }

    /// Linear light, mapped: `[r, g, b]` of many pixels.
    #[inline(always)]
    fn mapped(&self, light: &[[f32; BLOCK]; 3]) -> [[f32; BLOCK]; 3] {
        let mut out = [[0.0; BLOCK]; 3];
        for at in 0..BLOCK {
            let cones = times(&LIGHT_TO_CONES, [light[0][at], light[1][at], light[2][at]]);
            let roots = times(&self.turn, cones.map(cube_root));
            let rgb = times(&CONES_TO_LIGHT, roots.map(|root| root * root * root));
            for c in 0..3 {
                out[c][at] = rgb[c];
            }
        }
        out
    }
}

/// All maps as one, between the cube roots of cones.
fn turn(maps: &[ColorFn]) -> Matrix {
    let columns: [[f32; 3]; 3] = std::array::from_fn(|axis| {
        let mut unit = [0.0; 3];
        unit[axis] = 1.0;
        let mut lab = times(&ROOTS_TO_LAB, unit);
        for map in maps {
            if let ColorFn::Chroma(rows) = map {
                let [lightness, x, y] = lab;
                let [x, y] = rows.map(|[a, b]| a * x + b * y);
                lab = [lightness, x, y];
            }
        }
        times(&LAB_TO_ROOTS, lab)
    });
    std::array::from_fn(|row| columns.map(|column| column[row]))
}

/// The luminances that colors may have: a map of chroma moves those of colors there are but little,
/// those of others far.
fn luminances(light: &[[f32; 3]; 256]) -> [f32; 2] {
    let are_colors = light.as_flattened().iter().all(|value| (0.0..=1.0).contains(value));
    if are_colors { [-0.5, 2.0] } else { toned::RANGE }
}

/// The value of a place, from 0 to 1.
fn value_at(place: usize) -> f32 {
    let root = (place as f32 - BLACK) / STEPS;
    from_linear((root * root).copysign(root))
}

/// The cube root, by two of Halley's steps from a guess that divides the exponent by three (W.
/// Kahan, "Computing a real cube root", 1991); within some 1e-6 of it.
#[inline(always)]
fn cube_root(value: f32) -> f32 {
    // Smaller ones are black, and would be slow as denormal numbers.
    let size = value.abs().max(1e-12);
    let guess = f32::from_bits(size.to_bits() / 3 + 0x2A51_19F2);
    let step = |root: f32| {
        let cube = root * root * root;
        root * (cube + 2.0 * size) / (2.0 * cube + size)
    };
    step(step(guess)).copysign(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn cube_roots_are_right() {
        for number in -2000..=4000 {
            let value = number as f32 / 1000.0;
            let root = cube_root(value);
            assert!((root - value.cbrt()).abs() < 2e-6 * value.cbrt().abs().max(60.0), "{value}");
            assert!((root * root * root - value).abs() < 1e-5, "{value}");
        }
    }

    #[track_caller]
    fn check(chain: &[ColorFn]) {
        let chroma = Chroma::of(chain).expect("a chain of its kind");
        let mut worst = 0.0f32;
        for seed in 0..200_000u32 {
            let rgb = match seed {
                0..256 => [seed as u8; 3],
                _ => seed.wrapping_mul(2_654_435_761).to_le_bytes()[1..].try_into().unwrap(),
            };
            let mut row = rgb;
            chroma.apply_row::<3>(&mut row);
            let exact = fuse::eval(chain, rgb.map(|level| f32::from(level) / 255.0));
            for (ours, exact) in row.into_iter().zip(exact) {
                let off = (f32::from(ours) - exact.clamp(0.0, 1.0) * 255.0).abs();
                worst = worst.max(off);
            }
        }
        assert!(worst < 0.8, "{worst}");
    }

    #[test]
    fn it_is_within_a_level_of_the_functions() {
        let more = || ColorFn::Chroma([[1.28, -0.96], [0.96, 1.28]]);
        let steep = || ColorFn::curve(|value| value * 1.5 - 0.3);
        let tone = |strength| {
            let tone = |luminance| [from_linear(luminance), 0.4, 1.0 - from_linear(luminance)];
            ColorFn::Tone(Arc::new(tone), strength)
        };
        check(&[more()]);
        check(&[steep(), more(), steep()]);
        check(&[more(), tone(1.0)]);
        check(&[steep(), more(), tone(0.4)]);
        check(&[ColorFn::Chroma([[0.0; 2]; 2])]);
    }

    #[test]
    fn maps_one_after_the_other_are_one() {
        let more = ColorFn::Chroma([[1.6, 0.0], [0.0, 1.6]]);
        let turned = ColorFn::Chroma([[0.8, -0.6], [0.6, 0.8]]);
        let both = ColorFn::Chroma([[1.28, -0.96], [0.96, 1.28]]);
        let (apart, together) = (turn(&[turned, more]), turn(&[both]));
        for (apart, together) in apart.as_flattened().iter().zip(together.as_flattened()) {
            assert!((apart - together).abs() < 1e-5);
        }
    }

    #[test]
    fn other_chains_are_not_of_its_kind() {
        let gray = || ColorFn::Chroma([[0.0; 2]; 2]);
        let map = || ColorFn::Map(Arc::new(|rgb| rgb));
        assert!(Chroma::of(&[ColorFn::curve(|value| value)]).is_none());
        assert!(Chroma::of(&[map(), gray()]).is_none());
        assert!(Chroma::of(&[gray(), map()]).is_none());
        assert!(Chroma::of(&[gray(), ColorFn::curve(|value| value), gray()]).is_none());
    }

    #[test]
    fn alpha_stays_and_rows_of_any_length_are_done() {
        let chroma = Chroma::of(&[ColorFn::Chroma([[0.0; 2]; 2])]).unwrap();
        for len in [0, 1, 63, 64, 65, 200] {
            let mut row = [200, 40, 40, 77].repeat(len);
            chroma.apply_row::<4>(&mut row);
            for pixel in row.chunks_exact(4) {
                assert!(
                    pixel[0] == pixel[1] && pixel[1] == pixel[2] && pixel[3] == 77,
                    "{pixel:?}"
                );
            }
        }
    }
}

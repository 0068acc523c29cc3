//! Dots of ink whose area says how dark it is.

use std::f32::consts::{PI, TAU};
use std::sync::LazyLock;

/// An ink on white paper.
#[derive(Debug, Clone, Copy)]
pub struct Ink {
    /// How its rows of dots lie, clockwise, in degrees.
    pub angle: f32,
    /// The light that it leaves of red, green and blue, in sRGB.
    pub light: [f32; 3],
}

/// Rows of dots at an angle.
pub struct Screen {
    size: f32,
    across: [f32; 2],
}

/// Samples of one turn of the sine.
const TURN: usize = 4096;

static SINE: LazyLock<Vec<f32>> =
    LazyLock::new(|| (0..TURN).map(|i| (i as f32 / TURN as f32 * TAU).sin()).collect());

/// How high the hills of the screen are cut so that this share of the area, in 1/512, lies over it.
static CUTS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    const SIDE: usize = 256;
    let wave = |i: usize| ((i as f32 + 0.5) / SIDE as f32 * TAU).cos();
    let mut heights: Vec<f32> =
        (0..SIDE * SIDE).map(|i| (wave(i / SIDE) + wave(i % SIDE)) / 2.0).collect();
    heights.sort_unstable_by(|a, b| b.total_cmp(a));
    (0..=512).map(|share| heights[(share * SIDE * SIDE / 512).min(SIDE * SIDE - 1)]).collect()
});

impl Screen {
    /// Dots that are so many pixels apart.
    pub fn new(size: f32, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { size, across: [cos / size, sin / size] }
    }

    /// How much of a pixel is covered when this share of the paper is (0 to 1). Dots have soft
    /// edges of one pixel.
    pub fn cover(&self, (x, y): (usize, usize), share: f32) -> f32 {
        if share <= 0.001 || share >= 0.999 {
            return share.round();
        }
        let (x, y) = (x as f32, y as f32);
        let turns =
            [x * self.across[0] + y * self.across[1], y * self.across[0] - x * self.across[1]];
        let place = |turns: f32| ((turns - turns.floor()) * TURN as f32) as usize % TURN;
        let sine = |at: usize| SINE[at % TURN];
        let places = turns.map(place);
        let height = (sine(places[0] + TURN / 4) + sine(places[1] + TURN / 4)) / 2.0;
        let slope = sine(places[0]).hypot(sine(places[1])) * PI / self.size;
        let cut = crate::color::interpolate(&CUTS, share);
        (0.5 + (height - cut) / slope.max(0.2 * PI / self.size)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_cover_the_share_that_is_asked_for() {
        let screen = Screen::new(9.0, 31.0);
        for share in [0.1, 0.3, 0.5, 0.7, 0.9] {
            let pixels = (0..200).flat_map(|y| (0..200).map(move |x| (x, y)));
            let sum: f32 = pixels.map(|at| screen.cover(at, share)).sum();
            let covered = sum / 40_000.0;
            assert!((covered - share).abs() < 0.02, "{share}: {covered}");
        }
    }
}

//! Palettes for pictures, and pictures by palette.
//!
//! A palette starts as boxes of least variance (X. Wu, "Efficient statistical computations for
//! optimal color quantization", Graphics Gems II, 1991) and is settled by some rounds of k-means.
//! Pictures with few colors keep them all.

use std::collections::BTreeSet;

mod boxes;
mod dither;
mod soft;

pub use dither::dither;
pub use soft::{Rgba, by_palette};

/// A color without alpha.
pub type Rgb = [u8; 3];

/// Bits of each channel that tell bins apart.
const BIN_BITS: u32 = 5;
const BIN_SIDE: usize = 1 << BIN_BITS;
/// The most colors that a palette has.
pub const COLORS_MAX: usize = 256;

/// How many rounds a palette is settled at an effort of 0 to 10.
pub fn rounds(effort: Option<u8>) -> u8 {
    match effort {
        Some(0) => 0,
        Some(1..=3) => 1,
        None | Some(4..=7) => 2,
        Some(8..) => 5,
    }
}

/// The colors of a picture: sums over cells of the color cube, and each color while they are few.
pub struct Histogram {
    bins: Vec<Bin>,
    // Invariant: empty once there were more than `COLORS_MAX`.
    few: BTreeSet<Rgb>,
    is_few: bool,
    last: Option<Rgb>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    count: u32,
    sums: [u32; 3],
}

impl Bin {
    fn mean(&self) -> [f32; 3] {
        self.sums.map(|sum| sum as f32 / self.count as f32)
    }
}

fn bin_of([r, g, b]: Rgb) -> usize {
    let part = |value: u8| usize::from(value >> (8 - BIN_BITS));
    (part(r) << (2 * BIN_BITS)) | (part(g) << BIN_BITS) | part(b)
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            bins: vec![Bin::default(); BIN_SIDE.pow(3)],
            few: BTreeSet::new(),
            is_few: true,
            last: None,
        }
    }
}

impl Histogram {
    /// The colors of these pixels.
    pub fn of(pixels: impl Iterator<Item = Rgb>) -> Self {
        let mut histogram = Self::default();
        for pixel in pixels {
            histogram.add(pixel);
        }
        histogram
    }

    fn add(&mut self, rgb: Rgb) {
        let bin = &mut self.bins[bin_of(rgb)];
        bin.count = bin.count.saturating_add(1);
        for (sum, value) in bin.sums.iter_mut().zip(rgb) {
            // Far beyond what a bin needs to know its mean.
            *sum = sum.saturating_add(value.into());
        }
        if self.is_few && self.last != Some(rgb) {
            self.last = Some(rgb);
            self.few.insert(rgb);
            if self.few.len() > COLORS_MAX {
                self.is_few = false;
                self.few.clear();
            }
        }
    }

    fn filled(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter().filter(|bin| bin.count > 0)
    }

    /// All colors, where there are no more than this.
    fn few(&self, max: usize) -> Option<&BTreeSet<Rgb>> {
        (self.is_few && self.few.len() <= max).then_some(&self.few)
    }
}

/// Bits of each channel that tell apart what has been looked up.
const CELL_BITS: u32 = 6;
const UNKNOWN: u16 = u16::MAX;
/// Slots for exact colors: a power of two well above `COLORS_MAX`.
const SLOTS: usize = 1024;

/// Up to 256 colors, and where to find the nearest.
pub struct Palette {
    colors: Vec<Rgb>,
    /// The same by channel, for the search.
    channels: [Vec<f32>; 3],
    /// The mean squared distance of the picture that it was made for.
    error: f32,
    /// The most colors that it could have had.
    max: usize,
    /// Every color of that picture is in it.
    is_exact: bool,
    /// Open addressing by `slot_of`.
    exact: Vec<u16>,
    /// The nearest color to a cell of the cube, once it was looked for.
    nearest: Vec<u16>,
}

impl Palette {
    /// At most `max` colors (1 to 256) for a picture; each round of settling costs time.
    pub fn of(histogram: &Histogram, max: usize, rounds: u8) -> Self {
        let max = max.clamp(1, COLORS_MAX);
        if let Some(few) = histogram.few(max) {
            return Self::new(few.iter().copied().collect(), max, true);
        }
        let mut means = boxes::split(histogram, max);
        for _ in 0..rounds {
            settle(histogram, &mut means);
        }
        let mut colors: Vec<Rgb> =
            means.iter().map(|mean| mean.map(|value| (value + 0.5) as u8)).collect();
        colors.sort_by_key(|[r, g, b]| 3 * u32::from(*r) + 6 * u32::from(*g) + u32::from(*b));
        colors.dedup();
        let mut palette = Self::new(colors, max, false);
        palette.error = palette.error_of(histogram);
        palette
    }

    fn new(colors: Vec<Rgb>, max: usize, is_exact: bool) -> Self {
        let channels = [0, 1, 2].map(|c| colors.iter().map(|color| f32::from(color[c])).collect());
        let mut exact = vec![UNKNOWN; SLOTS];
        for (index, color) in (0..).zip(&colors) {
            let mut slot = slot_of(*color);
            while exact[slot] != UNKNOWN {
                slot = (slot + 1) % SLOTS;
            }
            exact[slot] = index;
        }
        let nearest = vec![UNKNOWN; 1 << (3 * CELL_BITS)];
        Self { colors, channels, error: 0.0, max, is_exact, exact, nearest }
    }

    /// Its colors.
    pub fn colors(&self) -> &[Rgb] {
        &self.colors
    }

    /// Whether it shows a picture with these colors about as well as one of its own would.
    pub fn serves(&self, histogram: &Histogram) -> bool {
        if let Some(few) = histogram.few(self.max) {
            return few.iter().all(|color| self.index_of(*color).is_some());
        }
        !self.is_exact && self.error_of(histogram) <= self.error * 1.3 + 2.0
    }

    /// The mean squared distance of the colors from the nearest of the palette.
    fn error_of(&self, histogram: &Histogram) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0);
        for bin in histogram.filled() {
            let (_, distance) = nearest(&self.channels, bin.mean());
            sum += f64::from(distance) * f64::from(bin.count);
            count += f64::from(bin.count);
        }
        if count == 0.0 { 0.0 } else { (sum / count) as f32 }
    }

    /// The index of exactly this color.
    fn index_of(&self, color: Rgb) -> Option<u8> {
        let mut slot = slot_of(color);
        loop {
            let index = self.exact[slot];
            if index == UNKNOWN {
                return None;
            }
            if self.colors[usize::from(index)] == color {
                return Some(index as u8);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The index of the nearest color, within the width of a cell.
    fn index_near(&mut self, [r, g, b]: Rgb) -> u8 {
        let shift = 8 - CELL_BITS;
        let part = |value: u8| usize::from(value >> shift);
        let cell = (part(r) << (2 * CELL_BITS)) | (part(g) << CELL_BITS) | part(b);
        let known = self.nearest[cell];
        if known != UNKNOWN {
            return known as u8;
        }
        let middle = |value: u8| f32::from((value >> shift) << shift) + 1.5;
        let (index, _) = nearest(&self.channels, [r, g, b].map(middle));
        self.nearest[cell] = index as u16;
        index as u8
    }
}

fn slot_of([r, g, b]: Rgb) -> usize {
    let key = u32::from_be_bytes([0, r, g, b]);
    // Fibonacci hashing: the high bits of a product with the golden ratio.
    (key.wrapping_mul(0x9E37_79B9) >> 22) as usize
}

/// The nearest of some colors and its squared distance.
fn nearest(channels: &[Vec<f32>; 3], [r, g, b]: [f32; 3]) -> (usize, f32) {
    let mut distances = [f32::INFINITY; COLORS_MAX];
    let [reds, greens, blues] = channels;
    for (((distance, red), green), blue) in distances.iter_mut().zip(reds).zip(greens).zip(blues) {
        *distance = (red - r) * (red - r) + (green - g) * (green - g) + (blue - b) * (blue - b);
    }
    least(&distances)
}

/// The place of the least distance, and that.
fn least(distances: &[f32; COLORS_MAX]) -> (usize, f32) {
    // Eight minima side by side: one would wait for itself.
    let mut lanes = [f32::INFINITY; 8];
    for chunk in distances.as_chunks::<8>().0 {
        for (lane, distance) in lanes.iter_mut().zip(chunk) {
            *lane = if *distance < *lane { *distance } else { *lane };
        }
    }
    let least = lanes.into_iter().fold(f32::INFINITY, f32::min);
    (distances.iter().position(|distance| *distance == least).unwrap_or(0), least)
}

/// A round of k-means: every color moves to the middle of the bins that are nearest to it.
fn settle(histogram: &Histogram, means: &mut [[f32; 3]]) {
    let channels = [0, 1, 2].map(|c| means.iter().map(|mean| mean[c]).collect());
    let mut sums = vec![[0.0f64; 4]; means.len()];
    for bin in histogram.filled() {
        let (index, _) = nearest(&channels, bin.mean());
        let [r, g, b] = bin.sums.map(f64::from);
        let add = [r, g, b, f64::from(bin.count)];
        for (sum, value) in sums[index].iter_mut().zip(add) {
            *sum += value;
        }
    }
    for (mean, [r, g, b, count]) in means.iter_mut().zip(sums) {
        if count > 0.0 {
            *mean = [r, g, b].map(|sum| (sum / count) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colors_are_kept_as_they_are() {
        let colors: Vec<Rgb> = (0..=255u8).map(|i| [i, i.wrapping_mul(7), 255 - i]).collect();
        let mut palette = Palette::of(&Histogram::of(colors.iter().copied()), 256, 0);
        for color in &colors {
            let index = palette.index_of(*color).unwrap();
            assert_eq!(palette.colors()[usize::from(index)], *color);
        }
        assert!(palette.is_exact && palette.index_of([1, 1, 1]).is_none());
        assert!(palette.index_near([0, 0, 255]) < 4);
    }

    /// A cube of colors, each as often as `weight` says.
    fn cube(weight: impl Fn(Rgb) -> usize) -> Histogram {
        let levels = || (0..=255u8).step_by(15);
        let colors =
            levels().flat_map(|r| levels().flat_map(move |g| levels().map(move |b| [r, g, b])));
        Histogram::of(colors.flat_map(|color| std::iter::repeat_n(color, weight(color))))
    }

    #[test]
    fn more_colors_and_more_rounds_bring_it_nearer() {
        let histogram = cube(|[r, _, b]| 1 + usize::from(r / 60) + usize::from(b / 100));
        let error = |max, rounds| Palette::of(&histogram, max, rounds).error;
        assert!(error(256, 0) < error(64, 0) && error(64, 0) < error(8, 0));
        assert!(error(256, 4) < error(256, 0));
        // 18 levels 15 apart, cut evenly into 256 cubes: each is 42.5 wide, and a twelfth of its
        // square is the mean squared distance from the middle in a channel.
        assert!(error(256, 4) < 3.0 * 42.5 * 42.5 / 12.0, "{}", error(256, 4));
    }

    #[test]
    fn what_most_pixels_have_is_met_exactly() {
        let popular = [135, 60, 225];
        let histogram = cube(|color| if color == popular { 100_000 } else { 1 });
        let palette = Palette::of(&histogram, 64, 2);
        assert!(palette.index_of(popular).is_some());
    }

    #[test]
    fn a_palette_serves_what_it_was_made_for_and_nothing_else() {
        let reds = cube(|[r, g, b]| usize::from(r > 200 && g < 120 && b < 120) * 3);
        let blues = cube(|[r, g, b]| usize::from(b > 200 && g < 120 && r < 120) * 3);
        let palette = Palette::of(&reds, 64, 2);
        assert!(palette.serves(&reds) && !palette.serves(&blues));
    }

    #[test]
    fn a_palette_has_no_more_colors_than_asked_for() {
        let histogram = cube(|_| 1);
        for max in [1, 2, 3, 17, 255, 256] {
            let count = Palette::of(&histogram, max, 1).colors().len();
            assert!(count <= max && count * 10 > max * 9, "{count} of {max}");
        }
        assert_eq!(Palette::of(&Histogram::default(), 256, 2).colors().len(), 0);
    }
}

//! Palettes for pictures that shine through, and such pictures by palette.
//!
//! Two colors with alpha are as far apart as they look over black and over white together. With `p`
//! for color times alpha and `a` for alpha, a channel differs by `Δp` over black and by `Δp - Δa`
//! over white, and half of the sum of the squares is `(Δp - Δa/2)² + (Δa/2)²`. So the distance is
//! the usual one between points that hold how each channel looks over middle gray, and `a·√3/2`.

use super::dither::{CALM, ERROR_MAX, STRENGTH};
use super::{COLORS_MAX, least};
use crate::{Result, image};

/// A color with straight alpha.
pub type Rgba = [u8; 4];

/// A color where distances are as seen.
type Point = [f32; 4];

/// What alpha weighs beside the channels: √3/2.
const ALPHA: f32 = 0.866_025_4;
/// From here on, a pixel is rather there than not, where a palette has no room for what lies
/// between.
const ALPHA_HALF: u8 = 128;

/// A palette of at most `max` colors (2 to 256) for the pixels of a picture of this width, and the
/// index of each pixel. What is opaque stays opaque, and what is clear stays clear; colors that
/// shine through stand before those that do not.
pub fn by_palette(
    pixels: &[Rgba],
    width: usize,
    max: usize,
    rounds: u8,
) -> Result<(Vec<Rgba>, Vec<u8>)> {
    let max = max.clamp(2, COLORS_MAX);
    let has = |wanted: fn(u8) -> bool| pixels.iter().any(|pixel| wanted(pixel[3]));
    let has_clear = has(|alpha| alpha == 0);
    if max == 2 && has_clear && has(|alpha| alpha == 255) && has(|alpha| !matches!(alpha, 0 | 255))
    {
        return by_palette(&hardened(pixels)?, width, max, rounds);
    }
    let mut bins = bins(pixels)?;
    let room = max - usize::from(has_clear);
    let mut means = split(&mut bins, room);
    for _ in 0..rounds {
        settle(&bins, &mut means);
    }
    let mut colors: Vec<Rgba> = means.iter().map(Mean::color).collect();
    colors.extend(has_clear.then_some([0; 4]));
    // The clear one first, the opaque ones last, each kind from dark to light.
    colors.sort_by_key(|[r, g, b, a]| {
        let light = 3 * u32::from(*r) + 6 * u32::from(*g) + u32::from(*b);
        (*a != 0, *a == 255, light, *r, *g, *a)
    });
    colors.dedup();
    let mut search = Search::new(&colors);
    let indices = dither(&mut search, width, pixels)?;
    Ok((colors, indices))
}

fn hardened(pixels: &[Rgba]) -> Result<Vec<Rgba>> {
    let mut hard = image::zeroed(pixels.len() as u64)?;
    for (hard, [r, g, b, alpha]) in hard.iter_mut().zip(pixels) {
        *hard = if *alpha < ALPHA_HALF { [0; 4] } else { [*r, *g, *b, 255] };
    }
    Ok(hard)
}

fn point([r, g, b, alpha]: Rgba) -> Point {
    let alpha = f32::from(alpha);
    let over_gray = |value: u8| f32::from(value) * alpha / 255.0 - alpha / 2.0;
    [over_gray(r), over_gray(g), over_gray(b), alpha * ALPHA]
}

/// The pixels of some colors that are hardly to be told apart.
#[derive(Clone, Copy)]
struct Bin {
    count: f64,
    sums: [f64; 4],
    is_opaque: bool,
}

impl Bin {
    fn mean(&self, axis: usize) -> f64 {
        self.sums[axis] / self.count
    }

    fn point(&self) -> Point {
        self.sums.map(|sum| (sum / self.count) as f32)
    }
}

/// Bits of each channel that tell bins apart.
const BIN_BITS: u32 = 5;

fn bins(pixels: &[Rgba]) -> Result<Vec<Bin>> {
    let part = |value: u8| usize::from(value >> (8 - BIN_BITS));
    let rgb = 1usize << (3 * BIN_BITS);
    let none = u32::MAX;
    // What is opaque has a plane of its own behind those of all alphas.
    let mut places: Vec<u32> = image::zeroed((rgb * ((1 << BIN_BITS) + 1)) as u64)?;
    places.fill(none);
    let mut bins: Vec<Bin> = Vec::new();
    for pixel @ [r, g, b, alpha] in pixels.iter().filter(|pixel| pixel[3] != 0) {
        let plane = if *alpha == 255 { 1 << BIN_BITS } else { part(*alpha) };
        // Alpha times color, so that faint colors share bins.
        let seen = |value: u8| part((u16::from(value) * u16::from(*alpha) / 255) as u8);
        let at = ((plane << BIN_BITS | seen(*r)) << BIN_BITS | seen(*g)) << BIN_BITS | seen(*b);
        if places[at] == none {
            places[at] = bins.len() as u32;
            bins.push(Bin { count: 0.0, sums: [0.0; 4], is_opaque: *alpha == 255 });
        }
        let bin = &mut bins[places[at] as usize];
        bin.count += 1.0;
        for (sum, value) in bin.sums.iter_mut().zip(point(*pixel)) {
            *sum += f64::from(value);
        }
    }
    Ok(bins)
}

/// A color on its way into the palette.
struct Mean {
    point: Point,
    is_opaque: bool,
}

impl Mean {
    fn color(&self) -> Rgba {
        let [r, g, b, alpha] = self.point;
        let alpha = match self.is_opaque {
            true => 255.0,
            false => (alpha / ALPHA).clamp(1.0, 254.0),
        };
        let straight = |over_gray: f32| {
            let value = (over_gray + alpha / 2.0) * 255.0 / alpha;
            (value + 0.5).clamp(0.0, 255.0) as u8
        };
        [straight(r), straight(g), straight(b), (alpha + 0.5) as u8]
    }
}

/// Bins that share a color.
struct Group {
    start: usize,
    end: usize,
    /// The squared distances from the mean along the axis where they are most, and that axis.
    spread: f64,
    axis: usize,
}

impl Group {
    fn of(bins: &[Bin], start: usize, end: usize) -> Self {
        let bins = &bins[start..end];
        let count: f64 = bins.iter().map(|bin| bin.count).sum();
        let mut widest = (0.0, 0);
        for axis in 0..4 {
            let mean = bins.iter().map(|bin| bin.sums[axis]).sum::<f64>() / count;
            let spread = bins.iter().map(|bin| bin.count * (bin.mean(axis) - mean).powi(2)).sum();
            if spread > widest.0 {
                widest = (spread, axis);
            }
        }
        Self { start, end, spread: widest.0, axis: widest.1 }
    }

    fn mean(&self, bins: &[Bin]) -> Mean {
        let mut all = Bin { count: 0.0, ..bins[self.start] };
        all.sums = [0.0; 4];
        for bin in &bins[self.start..self.end] {
            all.count += bin.count;
            all.sums.iter_mut().zip(bin.sums).for_each(|(all, sum)| *all += sum);
        }
        Mean { point: all.point(), is_opaque: all.is_opaque }
    }

    /// The group cut across its widest axis where both parts lie closest around their means.
    fn halves(&self, bins: &mut [Bin]) -> [Self; 2] {
        let axis = self.axis;
        let part = &mut bins[self.start..self.end];
        part.sort_by(|a, b| a.mean(axis).total_cmp(&b.mean(axis)));
        let (count, sum) = part
            .iter()
            .fold((0.0, 0.0), |(count, sum), bin| (count + bin.count, sum + bin.sums[axis]));
        let (mut before, mut sum_before) = (0.0, 0.0);
        let mut best = (f64::NEG_INFINITY, 1);
        for (at, bin) in (1..part.len()).zip(part.iter()) {
            before += bin.count;
            sum_before += bin.sums[axis];
            let after = count - before;
            let tightness = sum_before.powi(2) / before + (sum - sum_before).powi(2) / after;
            if tightness > best.0 {
                best = (tightness, at);
            }
        }
        let middle = self.start + best.1;
        [Self::of(bins, self.start, middle), Self::of(bins, middle, self.end)]
    }
}

/// The means of at most `max` groups that hold all bins and mix nothing opaque with what is not.
fn split(bins: &mut [Bin], max: usize) -> Vec<Mean> {
    bins.sort_by_key(|bin| bin.is_opaque);
    let opaque_from = bins.partition_point(|bin| !bin.is_opaque);
    let kinds = [(0, opaque_from), (opaque_from, bins.len())];
    let mut groups: Vec<Group> = kinds
        .into_iter()
        .filter(|(start, end)| start < end)
        .map(|(start, end)| Group::of(bins, start, end))
        .collect();
    while groups.len() < max {
        let widest =
            (0..groups.len()).max_by(|a, b| groups[*a].spread.total_cmp(&groups[*b].spread));
        let Some(widest) = widest.filter(|at| groups[*at].spread > 1e-3) else { break };
        let [first, second] = groups[widest].halves(bins);
        groups[widest] = first;
        groups.push(second);
    }
    groups.iter().map(|group| group.mean(bins)).collect()
}

/// A round of k-means within each kind.
fn settle(bins: &[Bin], means: &mut [Mean]) {
    for is_opaque in [false, true] {
        let mut kind: Vec<&mut Mean> =
            means.iter_mut().filter(|mean| mean.is_opaque == is_opaque).collect();
        let channels: [Vec<f32>; 4] =
            std::array::from_fn(|axis| kind.iter().map(|mean| mean.point[axis]).collect());
        let mut sums = vec![(0.0f64, [0.0f64; 4]); kind.len()];
        for bin in bins.iter().filter(|bin| bin.is_opaque == is_opaque) {
            let (count, sum) = &mut sums[nearest(&channels, 0, bin.point())];
            *count += bin.count;
            sum.iter_mut().zip(bin.sums).for_each(|(sum, value)| *sum += value);
        }
        for (mean, (count, sum)) in kind.iter_mut().zip(sums) {
            if count > 0.0 {
                mean.point = sum.map(|sum| (sum / count) as f32);
            }
        }
    }
}

/// The nearest of the points from `start` on.
fn nearest(channels: &[Vec<f32>; 4], start: usize, point: Point) -> usize {
    let mut distances = [f32::INFINITY; COLORS_MAX];
    distances[..channels[0].len() - start].fill(0.0);
    for (channel, value) in channels.iter().zip(point) {
        for (distance, other) in distances.iter_mut().zip(&channel[start..]) {
            *distance += (other - value) * (other - value);
        }
    }
    start + least(&distances).0
}

/// A slot of what has been looked up: the rounded point, and the index.
type Slot = ([u8; 4], u8);
/// Of a power of two, by `Search::slot`.
const SLOTS_BITS: u32 = 15;
/// Stands in the place of alpha where only opaque colors were looked at: more than alpha weighs.
const OPAQUE: u8 = 255;

/// A palette and where to find the nearest of its colors.
struct Search<'a> {
    colors: &'a [Rgba],
    points: Vec<Point>,
    channels: [Vec<f32>; 4],
    /// Where the opaque ones start.
    opaque_from: usize,
    slots: Vec<Option<Slot>>,
}

impl<'a> Search<'a> {
    fn new(colors: &'a [Rgba]) -> Self {
        let points: Vec<Point> = colors.iter().map(|color| point(*color)).collect();
        Self {
            colors,
            channels: std::array::from_fn(|axis| points.iter().map(|p| p[axis]).collect()),
            points,
            opaque_from: colors.partition_point(|color| color[3] != 255),
            slots: vec![None; 1 << SLOTS_BITS],
        }
    }

    /// The color that is nearest to a point, to half a level.
    fn nearest(&mut self, wanted: Point, is_opaque: bool) -> u8 {
        let [r, g, b, alpha] = wanted;
        let round = |value: f32| (value + 0.5) as u8;
        let weight = if is_opaque { OPAQUE } else { round(alpha) };
        let key = [round(r + 127.5), round(g + 127.5), round(b + 127.5), weight];
        // Fibonacci hashing: the high bits of a product with the golden ratio.
        let hash = u32::from_le_bytes(key).wrapping_mul(0x9E37_79B9) >> (32 - SLOTS_BITS);
        let slot = &mut self.slots[hash as usize];
        if let Some((_, index)) = slot.filter(|(known, _)| *known == key) {
            return index;
        }
        let start = if is_opaque { self.opaque_from } else { 0 };
        let over_gray = |value: u8| f32::from(value) - 127.5;
        let alpha = if is_opaque { 255.0 * ALPHA } else { f32::from(weight) };
        let rounded = [over_gray(key[0]), over_gray(key[1]), over_gray(key[2]), alpha];
        let index = nearest(&self.channels, start, rounded) as u8;
        *slot = Some((key, index));
        index
    }
}

/// The index of each pixel, with the error of each spread over its neighbours as for pictures
/// without alpha.
fn dither(search: &mut Search<'_>, width: usize, pixels: &[Rgba]) -> Result<Vec<u8>> {
    let mut indices: Vec<u8> = image::zeroed(pixels.len() as u64)?;
    let mut here: Vec<Point> = vec![[0.0; 4]; width + 2];
    let mut below: Vec<Point> = vec![[0.0; 4]; width + 2];
    for (y, (pixels, indices)) in pixels.chunks(width).zip(indices.chunks_mut(width)).enumerate() {
        below.fill([0.0; 4]);
        for step in 0..width {
            let (x, ahead, behind) = match y % 2 {
                0 => (step, step + 2, step),
                _ => (width - 1 - step, width - 1 - step, width + 1 - step),
            };
            // The clear color is the first of a palette that has to have it.
            if pixels[x][3] == 0 {
                continue;
            }
            let (index, error) = choose(search, pixels[x], here[x + 1]);
            indices[x] = index;
            for axis in 0..4 {
                let sixteenth = error[axis] / 16.0;
                here[ahead][axis] += sixteenth * 7.0;
                below[behind][axis] += sixteenth * 3.0;
                below[x + 1][axis] += sixteenth * 5.0;
                below[ahead][axis] += sixteenth;
            }
        }
        std::mem::swap(&mut here, &mut below);
    }
    Ok(indices)
}

/// The index for a color with what its neighbours lack, and what it lacks itself.
fn choose(search: &mut Search<'_>, color: Rgba, carry: Point) -> (u8, Point) {
    let is_opaque = color[3] == 255;
    let own = point(color);
    let mut wanted: Point = std::array::from_fn(|axis| own[axis] + carry[axis]);
    wanted[..3].iter_mut().for_each(|value| *value = value.clamp(-127.5, 127.5));
    wanted[3] = if is_opaque { own[3] } else { wanted[3].clamp(0.0, 255.0 * ALPHA) };
    let index = {
        let is_calm = carry.iter().all(|carry| carry.abs() <= CALM as f32);
        let exact = search.nearest(own, is_opaque);
        if is_calm && search.colors[usize::from(exact)] == color {
            exact
        } else {
            search.nearest(wanted, is_opaque)
        }
    };
    let chosen = search.points[usize::from(index)];
    let error = std::array::from_fn(|axis| {
        let error = (wanted[axis] - chosen[axis]).clamp(-(ERROR_MAX as f32), ERROR_MAX as f32);
        error * STRENGTH as f32 / 256.0
    });
    (index, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(color: Rgba, ground: f32) -> [f32; 3] {
        let alpha = f32::from(color[3]) / 255.0;
        [0, 1, 2].map(|c| f32::from(color[c]) * alpha + ground * (1.0 - alpha))
    }

    #[test]
    fn the_distance_is_as_seen_over_black_and_white() {
        for (a, b) in [
            ([200, 10, 30, 255], [10, 200, 90, 255]),
            ([200, 10, 30, 100], [10, 200, 90, 20]),
            ([255, 255, 255, 0], [0, 0, 0, 255]),
        ] {
            let square = |a: f32, b: f32| (a - b) * (a - b);
            let seen: f32 = [0.0, 255.0]
                .iter()
                .flat_map(|ground| over(a, *ground).into_iter().zip(over(b, *ground)))
                .map(|(a, b)| square(a, b))
                .sum();
            let ours: f32 = point(a).into_iter().zip(point(b)).map(|(a, b)| square(a, b)).sum();
            assert!((seen / 2.0 - ours).abs() < 1e-3 * ours, "{seen} {ours}");
        }
    }

    #[test]
    fn points_are_colors_again() {
        for color in [[1, 2, 3, 255], [250, 100, 0, 254], [9, 200, 77, 128], [255, 0, 255, 40]] {
            let mean = Mean { point: point(color), is_opaque: color[3] == 255 };
            assert_eq!(mean.color(), color);
        }
    }

    const SIDE: usize = 96;

    /// A disk of a color ramp with an edge of a third of its radius, on nothing.
    fn disk() -> Vec<Rgba> {
        let pixel = |i: usize| {
            let (x, y) = ((i % SIDE) as f32 - 47.5, (i / SIDE) as f32 - 47.5);
            let alpha = ((46.0 - x.hypot(y)) / 15.0).clamp(0.0, 1.0);
            [(128.0 + x * 2.0) as u8, (128.0 + y * 2.0) as u8, 90, (alpha * 255.0) as u8]
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    #[test]
    fn what_is_opaque_or_clear_stays_so() {
        let pixels = disk();
        for max in [3, 7, 16, 100, 256] {
            let (colors, indices) = by_palette(&pixels, SIDE, max, 2).unwrap();
            assert!(
                colors.len() <= max && colors.len() * 10 > max * 8,
                "{} of {max}",
                colors.len()
            );
            assert_eq!(colors[0], [0; 4]);
            for (pixel, index) in pixels.iter().zip(indices) {
                let alpha = colors[usize::from(index)][3];
                assert!(pixel[3] != 255 || alpha == 255, "{max}");
                assert!(pixel[3] != 0 || alpha == 0, "{max}");
            }
        }
        // Two colors have no room for what lies between.
        let (colors, indices) = by_palette(&pixels, SIDE, 2, 2).unwrap();
        assert_eq!(colors.iter().map(|color| color[3]).collect::<Vec<_>>(), [0, 255]);
        for (pixel, index) in pixels.iter().zip(indices) {
            assert_eq!(pixel[3] >= ALPHA_HALF, index == 1);
        }
    }

    #[test]
    fn more_colors_bring_it_nearer_over_any_ground() {
        let pixels = disk();
        let error = |max, ground| {
            let (colors, indices) = by_palette(&pixels, SIDE, max, 2).unwrap();
            let square = |(pixel, index): (&Rgba, &u8)| {
                let (a, b) = (over(*pixel, ground), over(colors[usize::from(*index)], ground));
                a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
            };
            let sum: f32 = pixels.iter().zip(&indices).map(square).sum();
            sum / (3 * pixels.len()) as f32
        };
        for ground in [0.0, 255.0] {
            let errors = [16, 64, 256].map(|max| error(max, ground));
            assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
            assert!(errors[2] < 40.0, "{errors:?}");
        }
    }

    #[test]
    fn areas_keep_their_mean_alpha() {
        let pixels: Vec<Rgba> =
            (0..SIDE * SIDE).map(|i| [200, 40, 90, (i % SIDE * 5 / 2) as u8]).collect();
        let (colors, indices) = by_palette(&pixels, SIDE, 6, 2).unwrap();
        for left in (8..80).step_by(8) {
            let places = || (0..SIDE).flat_map(|y| (left..left + 8).map(move |x| y * SIDE + x));
            let wanted: u32 = places().map(|at| u32::from(pixels[at][3])).sum();
            let shown: u32 =
                places().map(|at| u32::from(colors[usize::from(indices[at])][3])).sum();
            assert!(wanted.abs_diff(shown) / (8 * SIDE as u32) <= 10, "{left}: {wanted} {shown}");
        }
    }
}

//! How far a page of text is turned.
//!
//! The method is Postl's ("Detection of linear oblique structures and skew scan in digitized
//! documents", 1986), as in Bloomberg, Kopec and Dasari, "Measuring document image skew and
//! orientation" (1995): along lines of text a projection of the ink is at its roughest, so the
//! angle is the one at which the squared differences of neighboring sums are largest. Columns whose
//! lines do not lie on one level pull that angle aside by tenths of a degree, so it is only the
//! start: then strips of the page are projected each by itself, and the angle is the one at which
//! near strips agree most. The page is binarized against its surroundings first (Bradley and Roth,
//! "Adaptive thresholding using the integral image", 2007, with a threshold that follows how dark
//! the print is), and only marks about as large as letters count, so that shadows, edges of the
//! paper and pictures do not.

use crate::kernels::small::{Small, Sums};

/// A page is looked at in this size.
pub const LOOKED_AT: u32 = 1600;
/// At most this many marks are kept: more give no more precision.
const POINTS_MAX: usize = 150_000;
/// The first search makes do with these.
const POINTS_FIRST: usize = 25_000;
/// The steps of the two searches, in degrees.
const STEPS: [f64; 2] = [0.1, 0.02];
/// How far the first search may be off, in degrees.
const ASIDE: f64 = 0.5;
/// How much rougher the projection must be at the angle than it usually is: pages of text are
/// beyond 13, photographs without text below 2.
const CONFIDENT: f64 = 3.0;
/// Strips side by side, and how far apart two may be to be held against each other.
const STRIPS: usize = 12;
const NEAR: usize = 4;
/// Fewer marks tell nothing.
const POINTS_MIN: usize = 200;
const MARKS_MIN: usize = 30;

/// The angle by which the lines of text run down to the right, in degrees, at most `reach` to both
/// sides; `None` where there are no lines.
pub fn angle(page: &Small, reach: f64) -> Option<f64> {
    let (count, points) = marks(page);
    if count < MARKS_MIN || points.len() < POINTS_MIN {
        return None;
    }
    let size = (page.size.width as usize, page.size.height as usize);
    let few = thinned(&points, POINTS_FIRST);
    let (start, rough) =
        best(0.0, reach + ASIDE, STEPS[0], |angle| roughness(&project(&few, angle, size, 1)));
    let mut sorted = rough.clone();
    sorted.sort_by(f64::total_cmp);
    let most = sorted.last().copied().unwrap_or_default();
    if most < sorted[sorted.len() / 2] * CONFIDENT {
        return None;
    }
    let many = thinned(&points, POINTS_MAX);
    let (angle, _) =
        best(start, ASIDE, STEPS[1], |angle| agreement(&project(&many, angle, size, STRIPS)));
    // Within what two searches may be off by, the end of the range is meant.
    (angle.abs() <= reach + ASIDE / 2.0).then(|| angle.clamp(-reach, reach))
}

/// The angle around a middle for which a value is largest, and all values.
fn best(middle: f64, reach: f64, step: f64, value: impl Fn(f64) -> f64) -> (f64, Vec<f64>) {
    let count = (reach / step).ceil() as i64;
    let angles: Vec<f64> = (-count..=count).map(|i| middle + i as f64 * step).collect();
    let values: Vec<f64> = angles.iter().map(|angle| value(*angle)).collect();
    let largest = (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b]));
    (largest.map_or(middle, |i| angles[i]), values)
}

/// At most about so many of the points, chosen without a pattern: every other pixel of a stem would
/// be a row of its own.
fn thinned(points: &[(f32, f32)], most: usize) -> Vec<(f32, f32)> {
    let kept = (u64::MAX as f64 * most as f64 / points.len().max(1) as f64) as u64;
    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    let mixed = |i: usize| {
        let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let chosen = points.iter().enumerate().filter(|(i, _)| mixed(*i) <= kept);
    chosen.map(|(_, point)| *point).collect()
}

/// The changes from line to line of the sums along lines of this angle, strip by strip. A point
/// between two lines counts for both in part.
fn project(
    points: &[(f32, f32)],
    angle: f64,
    (width, height): (usize, usize),
    strips: usize,
) -> Vec<Vec<f32>> {
    let (sin, cos) = (angle.to_radians().sin() as f32, angle.to_radians().cos() as f32);
    // Lines that begin above the left edge or end below it have their sums too.
    let room = width as f32 * sin.abs() + 2.0;
    let count = height + 2 * room as usize + 4;
    let mut sums = vec![vec![0.0f32; count]; strips];
    for (x, y) in points {
        let line = y * cos - x * sin + room;
        let below = line.floor();
        let share = line - below;
        let strip = &mut sums[*x as usize * strips / width];
        strip[below as usize] += 1.0 - share;
        strip[below as usize + 1] += share;
    }
    let changes = |sums: Vec<f32>| sums.windows(2).map(|pair| pair[1] - pair[0]).collect();
    sums.into_iter().map(changes).collect()
}

/// The squared changes of all strips.
fn roughness(changes: &[Vec<f32>]) -> f64 {
    changes.iter().flatten().map(|change| f64::from(*change).powi(2)).sum()
}

/// How much strips that lie near each other change on the same lines.
fn agreement(changes: &[Vec<f32>]) -> f64 {
    let both = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let near = |apart: usize| changes.iter().zip(&changes[apart.min(changes.len())..]);
    (1..=NEAR).flat_map(near).map(|(a, b)| both(a, b)).sum()
}

/// How many marks of about the size of letters there are, and their pixels.
fn marks(page: &Small) -> (usize, Vec<(f32, f32)>) {
    let (width, height) = (page.size.width as usize, page.size.height as usize);
    let ink = ink(&page.luma(), width);
    let side = width.max(height);
    let mut seen = vec![false; ink.len()];
    let mut points = Vec::new();
    let mut mark = Vec::new();
    let mut count = 0;
    for start in 0..ink.len() {
        if !ink[start] || seen[start] {
            continue;
        }
        flood(&ink, width, start, &mut seen, &mut mark);
        let (columns, rows) = extent(&mark, width);
        let is_letter = rows <= side / 16 && columns <= side / 3 && mark.len() >= 4;
        if is_letter && rows >= 2 && columns + rows >= 5 {
            count += 1;
            points.extend(mark.iter().map(|i| ((i % width) as f32, (i / width) as f32)));
        }
    }
    (count, points)
}

/// What is darker than its surroundings; on a dark page, what is lighter.
fn ink(luma: &[f32], width: usize) -> Vec<bool> {
    let smooth = Sums::of(luma, width);
    let luma: Vec<f32> = (0..luma.len()).map(|i| smooth.mean(i % width, i / width, 1)).collect();
    let mut sorted = luma.clone();
    let middle = sorted.len() / 2;
    let median = *sorted.select_nth_unstable_by(middle, f32::total_cmp).1;
    let luma: Vec<f32> = match median < 0.4 {
        true => luma.iter().map(|value| 1.0 - value).collect(),
        false => luma,
    };
    let around = Sums::of(&luma, width);
    let reach = (width.max(luma.len() / width) / 40).max(6);
    let darker = |i: usize| {
        let mean = around.mean(i % width, i / width, reach);
        1.0 - luma[i] / mean.max(1e-3)
    };
    let depths: Vec<f32> = (0..luma.len()).map(darker).collect();
    // Half as deep as print is on this page: over the noise, and under what is gray at its edges.
    let mut sorted = depths.clone();
    let print = sorted.len() * 98 / 100;
    let print = *sorted.select_nth_unstable_by(print, f32::total_cmp).1;
    let threshold = (print * 0.5).max(0.08);
    depths.into_iter().map(|depth| depth > threshold).collect()
}

/// All ink that hangs together with a pixel, corners included.
fn flood(ink: &[bool], width: usize, start: usize, seen: &mut [bool], mark: &mut Vec<usize>) {
    mark.clear();
    mark.push(start);
    seen[start] = true;
    let height = ink.len() / width;
    let mut next = 0;
    while let Some(at) = mark.get(next).copied() {
        next += 1;
        let (x, y) = (at % width, at / width);
        for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
            for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let beside = y * width + x;
                if ink[beside] && !seen[beside] {
                    seen[beside] = true;
                    mark.push(beside);
                }
            }
        }
    }
}

/// How wide and high a mark is.
fn extent(mark: &[usize], width: usize) -> (usize, usize) {
    let bounds = |values: &dyn Fn(usize) -> usize| {
        let (low, high) = mark
            .iter()
            .fold((usize::MAX, 0), |(low, high), i| (low.min(values(*i)), high.max(values(*i))));
        high.saturating_sub(low) + 1
    };
    (bounds(&|i| i % width), bounds(&|i| i / width))
}

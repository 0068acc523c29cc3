//! Cuts the color cube into boxes of least variance.

use super::{BIN_SIDE, Histogram};

/// Bins a side, and one before the first that holds nothing.
const SIDE: usize = BIN_SIDE + 1;

/// Weight, sums of the channels, and the sum of squares, over all bins up to one.
type Moments = [f64; 5];

/// Bins from `from` (not in it) to `to` (in it), on each axis.
#[derive(Clone, Copy)]
struct Cut {
    from: [usize; 3],
    to: [usize; 3],
    /// The squared distances of its colors from their mean.
    spread: f64,
}

/// The means of at most `max` boxes that hold all colors.
pub(super) fn split(histogram: &Histogram, max: usize) -> Vec<[f32; 3]> {
    let table = table(histogram);
    let whole = Cut { from: [0; 3], to: [BIN_SIDE; 3], spread: f64::INFINITY };
    let mut boxes = vec![whole];
    while boxes.len() < max {
        let widest = (0..boxes.len()).max_by(|a, b| boxes[*a].spread.total_cmp(&boxes[*b].spread));
        let Some(widest) = widest.filter(|index| boxes[*index].spread > 0.0) else { break };
        match halves(&table, boxes[widest]) {
            Some([first, second]) => {
                boxes[widest] = first;
                boxes.push(second);
            }
            None => boxes[widest].spread = 0.0,
        }
    }
    let sums = boxes.iter().map(|cut| sum(&table, cut)).filter(|sum| sum[0] > 0.0);
    sums.map(|[weight, r, g, b, _]| [r, g, b].map(|sum| (sum / weight) as f32)).collect()
}

fn index([r, g, b]: [usize; 3]) -> usize {
    (r * SIDE + g) * SIDE + b
}

/// Sums over all bins up to each, so that those of a box are a few additions.
fn table(histogram: &Histogram) -> Vec<Moments> {
    let mut table = vec![[0.0; 5]; SIDE * SIDE * SIDE];
    for (r, plane) in histogram.bins.chunks(BIN_SIDE * BIN_SIDE).enumerate() {
        for (at, bin) in plane.iter().enumerate() {
            let place = index([r + 1, at / BIN_SIDE + 1, at % BIN_SIDE + 1]);
            let [x, y, z] = bin.sums.map(f64::from);
            let weight = f64::from(bin.count);
            let square = if weight > 0.0 { (x * x + y * y + z * z) / weight } else { 0.0 };
            table[place] = [weight, x, y, z, square];
        }
    }
    for step in [1, SIDE, SIDE * SIDE] {
        for place in step..table.len() {
            // The first layer of every axis is empty, so a step back over an edge adds nothing.
            if place / step % SIDE != 0 {
                let before = table[place - step];
                add(&mut table[place], &before, 1.0);
            }
        }
    }
    table
}

fn add(sum: &mut Moments, other: &Moments, sign: f64) {
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum += sign * other;
    }
}

fn sum(table: &[Moments], cut: &Cut) -> Moments {
    let mut total = [0.0; 5];
    for corner in 0..8u32 {
        let at = |axis: usize| if corner >> axis & 1 == 0 { cut.to[axis] } else { cut.from[axis] };
        let sign = if corner.count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        add(&mut total, &table[index([at(0), at(1), at(2)])], sign);
    }
    total
}

/// What squares of means stand for: the larger, the tighter the colors lie around their mean.
fn tightness([weight, r, g, b, _]: Moments) -> Option<f64> {
    (weight > 0.5).then(|| (r * r + g * g + b * b) / weight)
}

/// The box cut where both parts are tightest, or none where all its colors are in one bin.
fn halves(table: &[Moments], whole: Cut) -> Option<[Cut; 2]> {
    let mut best: Option<(f64, [Cut; 2])> = None;
    for axis in 0..3 {
        for at in whole.from[axis] + 1..whole.to[axis] {
            let (mut first, mut second) = (whole, whole);
            first.to[axis] = at;
            second.from[axis] = at;
            let parts = [first, second].map(|cut| tightness(sum(table, &cut)));
            let [Some(a), Some(b)] = parts else { continue };
            if best.as_ref().is_none_or(|(most, _)| a + b > *most) {
                best = Some((a + b, [first, second]));
            }
        }
    }
    best.map(|(_, parts)| {
        parts.map(|cut| {
            let moments = sum(table, &cut);
            let spread = moments[4] - tightness(moments).unwrap_or(0.0);
            // Rounding of large sums must not look like colors that could be told apart.
            Cut { spread: if spread > 1e-6 * moments[4] { spread } else { 0.0 }, ..cut }
        })
    })
}

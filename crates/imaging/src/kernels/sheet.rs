//! Where a sheet of paper lies in a photograph.
//!
//! On a small copy large patches are found: bright ones at several thresholds (Otsu's, "A threshold
//! selection method from gray-level histograms", 1979, is the middle one), and for sheets that lie
//! half in the shade, smooth ones that edges surround. The convex hull of a patch is reduced to the
//! quadrilateral around it, and one that is filled by its patch and brighter inside than outside
//! along all four sides is a sheet. Then each side is fitted to the steepest steps of brightness
//! that a larger copy shows along it.

use crate::kernels::small::{Small, Sums};

/// A place in an image: from the left and from the top.
pub type Point = (f64, f64);

/// The longest sides of the copies that are looked at, first and to refine.
pub const LOOKED_AT: [u32; 2] = [320, 1280];

/// A sheet has at least this share of the image.
const AREA_MIN: f64 = 0.12;
/// The patch fills this share of its quadrilateral.
const FILLED_MIN: f64 = 0.9;
/// Inside is brighter than outside by this much, along a whole side.
const CONTRAST_MIN: f64 = 0.07;
/// This share of the places along a side shows it.
const SHOWN_MIN: f64 = 0.8;

/// The corners of the sheet in pixels of the image: upper left, upper right, lower right, lower
/// left; `None` where there is no telling.
pub fn find(first: &Small, fine: &Small) -> Option<[Point; 4]> {
    let white = whiteness(first);
    let (width, height) = (first.size.width as usize, first.size.height as usize);
    if width < 16 || height < 16 {
        return None;
    }
    let gray = Gray { values: &white, width, height };
    let bright = thresholds(&white).into_iter().map(|threshold| {
        let open = white.iter().map(|value| *value > threshold).collect();
        (open, 0)
    });
    // Letters are closed, and bridges between patches broken.
    let closed =
        extremes(extremes(white.clone(), width, LETTERS, f32::max), width, LETTERS, f32::min);
    let change = change(&Gray { values: &closed, width, height });
    let change = extremes(change, width, BRIDGE, f32::max);
    let smooth = SMOOTH.into_iter().map(|most| {
        let open = change.iter().map(|value| *value < most).collect();
        (open, BRIDGE + 1)
    });
    let candidates = bright.chain(smooth).flat_map(|(open, grown)| patches(&gray, open, grown));
    let judged = candidates.filter_map(|quad| {
        let contrast = contrast(&gray, &quad)?;
        Some((contrast * area(&quad).sqrt(), quad))
    });
    let (_, quad) = judged.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let quad = in_order(quad)?;
    let scale = f64::from(first.step) / f64::from(fine.step);
    let white = whiteness(fine);
    let (width, height) = (fine.size.width as usize, fine.size.height as usize);
    let gray = Gray { values: &white, width, height };
    let quad = refined(&gray, quad.map(|(x, y)| (x * scale, y * scale)), scale.max(1.0));
    let step = f64::from(fine.step);
    Some(quad.map(|(x, y)| (x * step, y * step)))
}

/// One value a pixel.
struct Gray<'a> {
    values: &'a [f32],
    width: usize,
    height: usize,
}

impl Gray<'_> {
    /// The value at a place, if it is inside.
    fn at(&self, (x, y): Point) -> Option<f64> {
        let (x, y) = (x - 0.5, y - 0.5);
        let inside =
            x >= 0.0 && y >= 0.0 && x <= (self.width - 1) as f64 && y <= (self.height - 1) as f64;
        if !inside {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let value = |x: usize, y: usize| f64::from(self.values[y * self.width + x]);
        let (u, v) = (x - left as f64, y - top as f64);
        let above = value(left, top) * (1.0 - u) + value(right, top) * u;
        let below = value(left, bottom) * (1.0 - u) + value(right, bottom) * u;
        Some(above * (1.0 - v) + below * v)
    }
}

/// How white each pixel is, smoothed: paper is bright in all channels, wood and cloth are not.
fn whiteness(copy: &Small) -> Vec<f32> {
    let width = copy.size.width as usize;
    let darkest = |[r, g, b, _]: &[f32; 4]| r.min(*g).min(*b);
    let values: Vec<f32> = copy.pixels.iter().map(darkest).collect();
    let sums = Sums::of(&values, width);
    (0..values.len()).map(|i| sums.mean(i % width, i / width, 1)).collect()
}

/// Otsu's threshold and some to both sides of it.
fn thresholds(values: &[f32]) -> Vec<f32> {
    let mut histogram = [0.0f64; 256];
    for value in values {
        histogram[(value.clamp(0.0, 1.0) * 255.0) as usize] += 1.0;
    }
    let total: f64 = histogram.iter().sum();
    let all: f64 = histogram.iter().enumerate().map(|(level, count)| level as f64 * count).sum();
    let (mut best, mut otsu) = (0.0, 127);
    let (mut dark, mut dark_sum) = (0.0, 0.0);
    for (level, count) in histogram.iter().enumerate() {
        dark += count;
        dark_sum += level as f64 * count;
        let bright = total - dark;
        if dark <= 0.0 || bright <= 0.0 {
            continue;
        }
        let apart = dark_sum / dark - (all - dark_sum) / bright;
        if dark * bright * apart * apart > best {
            (best, otsu) = (dark * bright * apart * apart, level);
        }
    }
    let middle = (otsu as f32 + 1.0) / 255.0;
    (-5..=5).map(|i| middle + i as f32 * 0.05).collect()
}

/// The most that brightness changes from pixel to pixel within a smooth patch, as a share of it.
const SMOOTH: [f32; 4] = [0.04, 0.07, 0.11, 0.16];
/// How far letters reach from the paper between their strokes, in pixels.
const LETTERS: usize = 3;
/// How wide bridges between patches are at most, to each side of their middle.
const BRIDGE: usize = 2;

/// The largest or the least value of the square that reaches so far around each pixel.
fn extremes(
    values: Vec<f32>,
    width: usize,
    reach: usize,
    of: impl Fn(f32, f32) -> f32,
) -> Vec<f32> {
    let along = |i: usize| {
        let (row, x) = (i / width * width, i % width);
        let part = row + x.saturating_sub(reach)..row + (x + reach + 1).min(width);
        values[part].iter().copied().fold(values[i], &of)
    };
    let rows: Vec<f32> = (0..values.len()).map(along).collect();
    let height = rows.len() / width;
    let down = |i: usize| {
        let (y, x) = (i / width, i % width);
        let part = y.saturating_sub(reach)..(y + reach + 1).min(height);
        part.map(|y| rows[y * width + x]).fold(rows[i], &of)
    };
    (0..rows.len()).map(down).collect()
}

/// How much brightness changes at each pixel, as a share of what it is there: shade does not
/// matter.
fn change(gray: &Gray<'_>) -> Vec<f32> {
    let value = |x: usize, y: usize| gray.values[y * gray.width + x];
    let change = |i: usize| {
        let (x, y) = (i % gray.width, i / gray.width);
        let (left, right) = (x.saturating_sub(1), (x + 1).min(gray.width - 1));
        let (above, below) = (y.saturating_sub(1), (y + 1).min(gray.height - 1));
        let across = (value(right, y) - value(left, y)).abs();
        let down = (value(x, below) - value(x, above)).abs();
        across.max(down) / (gray.values[i] + 0.05)
    };
    (0..gray.values.len()).map(change).collect()
}

/// The quadrilaterals around the large patches of open pixels that fill them. Patches are made
/// wider by some pixels first.
fn patches(gray: &Gray<'_>, open: Vec<bool>, grown: usize) -> Vec<[Point; 4]> {
    let least = (AREA_MIN / 2.0 * gray.values.len() as f64) as usize;
    let found = connected(gray.width, open, least);
    found.iter().filter_map(|patch| quadrilateral(gray, patch, grown)).collect()
}

fn quadrilateral(gray: &Gray<'_>, patch: &[usize], grown: usize) -> Option<[Point; 4]> {
    // The outermost pixels of each row are enough for the hull, and what lies between them is
    // filled: letters are holes in the patch.
    let mut rows = vec![(usize::MAX, 0); gray.height];
    for i in patch {
        let x = i % gray.width;
        let (left, right) = (x.saturating_sub(grown), (x + grown).min(gray.width - 1));
        let y = i / gray.width;
        for row in &mut rows[y.saturating_sub(grown)..(y + grown + 1).min(gray.height)] {
            *row = (row.0.min(left), row.1.max(right));
        }
    }
    let rows = rows.into_iter().enumerate().filter(|(_, (left, right))| left <= right);
    let mut filled = 0;
    let mut outline = Vec::new();
    for (y, (left, right)) in rows {
        filled += right + 1 - left;
        for x in [left, right + 1] {
            outline.extend([(x as f64, y as f64), (x as f64, y as f64 + 1.0)]);
        }
    }
    let quad = around(hull(outline))?;
    let share = area(&quad) / gray.values.len() as f64;
    let is_filled = filled as f64 >= FILLED_MIN * area(&quad);
    (share >= AREA_MIN && is_filled && has_plausible_corners(&quad)).then_some(quad)
}

/// The connected patches of open pixels that have at least so many.
fn connected(width: usize, open: Vec<bool>, least: usize) -> Vec<Vec<usize>> {
    let mut seen: Vec<bool> = open.into_iter().map(|open| !open).collect();
    let (mut found, all) = (Vec::new(), seen.len());
    for start in 0..all {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut patch = vec![start];
        let mut next = 0;
        while let Some(at) = patch.get(next).copied() {
            next += 1;
            let x = at % width;
            let left = (x > 0).then(|| at - 1);
            let right = (x + 1 < width).then_some(at + 1);
            let beside = [left, right, at.checked_sub(width), Some(at + width)];
            for beside in beside.into_iter().flatten().filter(|i| *i < all) {
                if !std::mem::replace(&mut seen[beside], true) {
                    patch.push(beside);
                }
            }
        }
        if patch.len() >= least {
            found.push(patch);
        }
    }
    found
}

fn cross(a: Point, b: Point, c: Point) -> f64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

/// The convex hull, clockwise as it is seen (Andrew, "Another efficient algorithm for convex hulls
/// in two dimensions", 1979).
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && cross(a, b, point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

/// The quadrilateral around a convex polygon: the side whose neighbors, made longer until they
/// meet, add the least goes, until four are left.
fn around(mut hull: Vec<Point>) -> Option<[Point; 4]> {
    while hull.len() > 4 {
        let count = hull.len();
        let meeting = |i: usize| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| hull[(i + k) % count]);
            let meet = intersection((a, b), (d, c))?;
            // The neighbors must meet beyond the side, not behind the polygon.
            let added = -cross(b, meet, c) / 2.0;
            let beyond = cross(b, c, meet) <= 0.0;
            beyond.then_some((added.abs(), (i + 1) % count, meet))
        };
        let cheapest = (0..count).filter_map(meeting).min_by(|a, b| a.0.total_cmp(&b.0));
        let (_, first, meet) = cheapest?;
        hull[first] = meet;
        hull.remove((first + 1) % count);
    }
    hull.try_into().ok()
}

/// Where two lines meet.
fn intersection(first: (Point, Point), second: (Point, Point)) -> Option<Point> {
    let ((a, b), (c, d)) = (first, second);
    let (ux, uy, vx, vy) = (b.0 - a.0, b.1 - a.1, d.0 - c.0, d.1 - c.1);
    let det = ux * vy - uy * vx;
    if det.abs() < 1e-9 {
        return None;
    }
    let t = ((c.0 - a.0) * vy - (c.1 - a.1) * vx) / det;
    Some((a.0 + t * ux, a.1 + t * uy))
}

/// The area of a polygon.
pub fn area(corners: &[Point]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>().abs() / 2.0
}

/// Corners of a sheet are neither sharp nor flat, whatever it is seen from.
fn has_plausible_corners(quad: &[Point; 4]) -> bool {
    (0..4).all(|i| {
        let [a, b, c] = [quad[(i + 3) % 4], quad[i], quad[(i + 1) % 4]];
        let angle =
            cross(b, a, c).abs().atan2((a.0 - b.0) * (c.0 - b.0) + (a.1 - b.1) * (c.1 - b.1));
        (45.0..=135.0).contains(&angle.to_degrees())
    })
}

/// How much brighter it is inside than outside, along the side where that is least; `None` where a
/// side does not show or lies at the edge of the image.
fn contrast(gray: &Gray<'_>, quad: &[Point; 4]) -> Option<f64> {
    const PLACES: usize = 40;
    const OFF: f64 = 3.0;
    let mut least = f64::MAX;
    for i in 0..4 {
        let (from, to) = (quad[i], quad[(i + 1) % 4]);
        let normal = outward(from, to);
        let mut steps = Vec::new();
        for place in 0..PLACES {
            let t = 0.05 + 0.9 * (place as f64 + 0.5) / PLACES as f64;
            let (x, y) = (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1));
            let inside = gray.at((x - OFF * normal.0, y - OFF * normal.1));
            let outside = gray.at((x + OFF * normal.0, y + OFF * normal.1));
            steps.extend(inside.zip(outside).map(|(inside, outside)| inside - outside));
        }
        let shown = steps.iter().filter(|step| **step > CONTRAST_MIN / 2.0).count();
        if (shown as f64) < SHOWN_MIN * PLACES as f64 {
            return None;
        }
        least = least.min(steps.iter().sum::<f64>() / steps.len() as f64);
    }
    (least >= CONTRAST_MIN).then_some(least)
}

/// The direction that leads out of a polygon that runs clockwise as it is seen.
fn outward(from: Point, to: Point) -> Point {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = x.hypot(y).max(1e-9);
    (y / length, -x / length)
}

/// Clockwise from the upper left corner; `None` for a quadrilateral that is none.
fn in_order(quad: [Point; 4]) -> Option<[Point; 4]> {
    let first = (0..4).min_by(|a, b| {
        let sum = |i: &usize| quad[*i].0 + quad[*i].1;
        sum(a).total_cmp(&sum(b))
    })?;
    Some([0, 1, 2, 3].map(|i| quad[(first + i) % 4]))
}

/// Sides moved to where brightness changes most, and the corners where they meet then. What would
/// move far is not believed.
fn refined(gray: &Gray<'_>, quad: [Point; 4], reach: f64) -> [Point; 4] {
    let sides = [0, 1, 2, 3].map(|i| {
        let (from, to) = (quad[i], quad[(i + 1) % 4]);
        fitted(gray, from, to, 2.0 * reach + 2.0).unwrap_or((from, to))
    });
    let trusted = 4.0 * reach + 4.0;
    let (width, height) = (gray.width as f64, gray.height as f64);
    [0, 1, 2, 3].map(|i| {
        let own = quad[i];
        let meet = intersection(sides[(i + 3) % 4], sides[i]);
        let meet = meet.filter(|(x, y)| (x - own.0).hypot(y - own.1) <= trusted).unwrap_or(own);
        (meet.0.clamp(0.0, width), meet.1.clamp(0.0, height))
    })
}

/// The line through the steepest steps down from inside to outside along a side.
fn fitted(gray: &Gray<'_>, from: Point, to: Point, reach: f64) -> Option<(Point, Point)> {
    const PLACES: usize = 64;
    let normal = outward(from, to);
    let count = (reach * 2.0).ceil() as i64;
    let mut found: Vec<(f64, f64)> = Vec::new();
    for place in 0..PLACES {
        let t = 0.06 + 0.88 * (place as f64 + 0.5) / PLACES as f64;
        let (x, y) = (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1));
        let at = |off: f64| gray.at((x + off * normal.0, y + off * normal.1));
        let steps = (-count..=count).filter_map(|i| {
            let off = i as f64 * 0.5;
            Some((at(off - 1.0)? - at(off + 1.0)?, off))
        });
        let steepest = steps.max_by(|a, b| a.0.total_cmp(&b.0));
        found.extend(steepest.filter(|(step, _)| *step > 0.02).map(|(_, off)| (t, off)));
    }
    // Three rounds of least squares; what is far off goes after each.
    let mut line = (0.0, 0.0);
    for _ in 0..3 {
        line = least_squares(&found)?;
        let off = |(t, off): &(f64, f64)| (line.0 + line.1 * t - off).abs();
        let mut distances: Vec<f64> = found.iter().map(off).collect();
        distances.sort_by(f64::total_cmp);
        let far = (2.5 * distances[distances.len() / 2]).max(0.5);
        found.retain(|place| off(place) <= far);
    }
    let moved = |point: Point, off: f64| (point.0 + off * normal.0, point.1 + off * normal.1);
    Some((moved(from, line.0), moved(to, line.0 + line.1)))
}

/// Offset and slope of the line through places; `None` for too few.
fn least_squares(places: &[(f64, f64)]) -> Option<(f64, f64)> {
    if places.len() < 12 {
        return None;
    }
    let count = places.len() as f64;
    let mean_t = places.iter().map(|(t, _)| t).sum::<f64>() / count;
    let mean = places.iter().map(|(_, off)| off).sum::<f64>() / count;
    let spread: f64 = places.iter().map(|(t, _)| (t - mean_t).powi(2)).sum();
    let both: f64 = places.iter().map(|(t, off)| (t - mean_t) * (off - mean)).sum();
    let slope = if spread > 1e-9 { both / spread } else { 0.0 };
    Some((mean - slope * mean_t, slope))
}

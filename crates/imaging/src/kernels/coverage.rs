//! How much of each pixel an outline covers: exact areas, summed up along the rows.
//!
//! Every line adds its signed height to the pixel it passes and to all right of it, less the part
//! of the pixel that lies left of it. The sum along a row is the winding number, weighted by area:
//! the nonzero rule, antialiased in 256 levels. (The method of font-rs by Raph Levien.)

use tiny_skia_path::{Path, PathSegment, Point, Rect};

use crate::image::zeroed;
use crate::{Result, Size};

/// A rectangle of whole pixels, which may lie outside of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Pixels from the left edge of the image.
    pub x: i32,
    /// Pixels from the upper edge of the image.
    pub y: i32,
    /// Width and height; nothing where either is 0.
    pub size: Size,
}

impl Window {
    /// All of an image.
    pub fn full(size: Size) -> Self {
        Self { x: 0, y: 0, size }
    }

    /// From two corners; nothing where the second is not below and right of the first.
    pub fn between((left, top): (i32, i32), (right, bottom): (i32, i32)) -> Self {
        let side = |from: i32, to: i32| i64::from(to).saturating_sub(i64::from(from)).max(0) as u32;
        let size = match (side(left, right), side(top, bottom)) {
            // No rows of no pixels either: their places may be none.
            (0, _) | (_, 0) => Size::new(0, 0),
            (width, height) => Size::new(width, height),
        };
        Self { x: left, y: top, size }
    }

    /// The pixels that a rectangle touches.
    pub fn around(rect: Rect) -> Self {
        let (left, top) = (rect.left().floor() as i32, rect.top().floor() as i32);
        Self::between((left, top), (rect.right().ceil() as i32, rect.bottom().ceil() as i32))
    }

    /// The column after the last.
    pub fn right(self) -> i32 {
        self.x.saturating_add_unsigned(self.size.width)
    }

    /// The row after the last.
    pub fn bottom(self) -> i32 {
        self.y.saturating_add_unsigned(self.size.height)
    }

    /// Whether no pixel lies in it.
    pub fn is_empty(self) -> bool {
        self.size.width == 0 || self.size.height == 0
    }

    /// What lies in both.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self::between(
            (self.x.max(other.x), self.y.max(other.y)),
            (self.right().min(other.right()), self.bottom().min(other.bottom())),
        )
    }

    /// What holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            (false, false) => Self::between(
                (self.x.min(other.x), self.y.min(other.y)),
                (self.right().max(other.right()), self.bottom().max(other.bottom())),
            ),
        }
    }

    /// Wider by as many pixels on all sides.
    #[must_use]
    pub fn wider(self, by: i32) -> Self {
        match self.is_empty() {
            true => self,
            false => Self::between(
                (self.x.saturating_sub(by), self.y.saturating_sub(by)),
                (self.right().saturating_add(by), self.bottom().saturating_add(by)),
            ),
        }
    }

    /// Moved right and down.
    #[must_use]
    pub fn moved(self, x: i32, y: i32) -> Self {
        Self { x: self.x.saturating_add(x), y: self.y.saturating_add(y), ..self }
    }
}

/// How much of each pixel of a window is covered.
#[derive(Debug, Clone)]
pub struct Mask {
    /// Where it lies.
    pub window: Window,
    /// A sample a pixel: 255 is all of it.
    pub samples: Vec<u8>,
}

/// The most samples of a band that are summed up at once.
const BAND_LEN: usize = 1 << 20;
/// How far a polygon may stray from its curve, in pixels.
const FLATNESS: f32 = 0.04;

impl Mask {
    /// What an outline covers of a window.
    pub fn of(path: &Path, window: Window) -> Result<Self> {
        let mut samples = zeroed(window.size.area())?;
        let width = window.size.width as usize;
        if window.within(Window::around(path.bounds())).is_empty() {
            return Ok(Self { window, samples });
        }
        let lines = flatten(path, window);
        let rows = (BAND_LEN / width).max(1);
        for (index, band) in samples.chunks_mut(rows * width).enumerate() {
            let mut sums = Sums::new(width, band.len() / width, (index * rows) as f32);
            lines.iter().for_each(|line| sums.add(*line));
            sums.write(band);
        }
        Ok(Self { window, samples })
    }

    /// Nothing of a window.
    pub fn empty(window: Window) -> Result<Self> {
        Ok(Self { window, samples: zeroed(window.size.area())? })
    }

    /// What is covered by either. The other may lie anywhere.
    pub fn join(&mut self, other: &Self) {
        let both = other.window.within(self.window);
        for y in both.y..both.bottom() {
            let from = |window: Window| {
                (y - window.y) as usize * window.size.width as usize + (both.x - window.x) as usize
            };
            let (own, others) = (from(self.window), from(other.window));
            let width = both.size.width as usize;
            let others = &other.samples[others..][..width];
            for (sample, other) in self.samples[own..][..width].iter_mut().zip(others) {
                let (a, b) = (u16::from(*sample), u16::from(*other));
                *sample = (a + b - (a * b + 127) / 255) as u8;
            }
        }
    }
}

/// A line in pixels of the window.
type Line = (Point, Point);

/// The outline as lines, without those that leave no trace in the window.
fn flatten(path: &Path, window: Window) -> Vec<Line> {
    let mut lines = Vec::new();
    let (right, bottom) = (window.size.width as f32, window.size.height as f32);
    let local = |p: Point| Point::from_xy(p.x - window.x as f32, p.y - window.y as f32);
    let mut push = |from: Point, to: Point| {
        let above = from.y <= 0.0 && to.y <= 0.0;
        let below = from.y >= bottom && to.y >= bottom;
        let beyond = from.x >= right && to.x >= right;
        if !(above || below || beyond || from.y == to.y) {
            lines.push((from, to));
        }
    };
    let (mut start, mut at) = (Point::zero(), Point::zero());
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(to) => {
                push(at, start);
                (start, at) = (local(to), local(to));
            }
            PathSegment::LineTo(to) => {
                push(at, local(to));
                at = local(to);
            }
            PathSegment::QuadTo(c, to) => {
                let (from, c, to) = (at, local(c), local(to));
                let bend = (from - c - (c - to)).length();
                let count = (bend / (4.0 * FLATNESS)).sqrt().ceil().clamp(1.0, 100.0) as u16;
                for index in 1..=count {
                    let t = f32::from(index) / f32::from(count);
                    let next = mix(mix(from, c, t), mix(c, to, t), t);
                    push(at, next);
                    at = next;
                }
            }
            PathSegment::CubicTo(c, d, to) => {
                let (from, c, d, to) = (at, local(c), local(d), local(to));
                let bend = (from - c - (c - d)).length().max((c - d - (d - to)).length());
                let count = (bend * 0.75 / FLATNESS).sqrt().ceil().clamp(1.0, 200.0) as u16;
                for index in 1..=count {
                    let t = f32::from(index) / f32::from(count);
                    let (a, b, e) = (mix(from, c, t), mix(c, d, t), mix(d, to, t));
                    let next = mix(mix(a, b, t), mix(b, e, t), t);
                    push(at, next);
                    at = next;
                }
            }
            PathSegment::Close => {
                push(at, start);
                at = start;
            }
        }
    }
    push(at, start);
    lines
}

fn mix(from: Point, to: Point, t: f32) -> Point {
    Point::from_xy(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t)
}

/// The signed heights and areas of some rows.
struct Sums {
    width: usize,
    rows: usize,
    /// The first row.
    top: f32,
    /// One more than the width in each row: what lies beyond its end.
    cells: Vec<f32>,
}

impl Sums {
    fn new(width: usize, rows: usize, top: f32) -> Self {
        Self { width, rows, top, cells: vec![0.0; (width + 1) * rows] }
    }

    fn add(&mut self, (from, to): Line) {
        let (sign, from, to) = if from.y < to.y { (1.0, from, to) } else { (-1.0, to, from) };
        let (start, end) = (from.y - self.top, to.y - self.top);
        let bottom = self.rows as f32;
        if end <= 0.0 || start >= bottom {
            return;
        }
        let slope = (to.x - from.x) / (end - start);
        let x_at = |y: f32| {
            let (low, high) = if from.x < to.x { (from.x, to.x) } else { (to.x, from.x) };
            (from.x + (y - start) * slope).clamp(low, high)
        };
        let mut y = start.max(0.0);
        let last = end.min(bottom);
        for row in y as usize..self.rows {
            if y >= last {
                break;
            }
            let next = ((row + 1) as f32).min(last);
            self.add_in_row(row, sign * (next - y), (x_at(y), x_at(next)));
            y = next;
        }
    }

    /// A piece of a line that stays within a row: its signed height and where it begins and ends.
    fn add_in_row(&mut self, row: usize, height: f32, (a, b): (f32, f32)) {
        let (left, right) = if a < b { (a, b) } else { (b, a) };
        let end = self.width as f32;
        let cells = &mut self.cells[row * (self.width + 1)..][..=self.width];
        if left >= end {
            return;
        }
        if right <= 0.0 {
            cells[0] += height;
            return;
        }
        let (mut left, mut right, mut height) = (left, right, height);
        if left < 0.0 {
            let outside = height * (-left / (right - left));
            cells[0] += outside;
            (left, height) = (0.0, height - outside);
        }
        if right > end {
            height *= (end - left) / (right - left);
            right = end;
        }
        let first = left as usize;
        let first_x = first as f32;
        if right <= first_x + 1.0 {
            // Within one pixel: the part of it that lies right of the middle of the piece.
            let share = 1.0 - ((left + right) * 0.5 - first_x);
            cells[first] += height * share;
            if let Some(cell) = cells.get_mut(first + 1) {
                *cell += height * (1.0 - share);
            }
            return;
        }
        let per_pixel = height / (right - left);
        // The area left behind grows as a parabola in the first and last pixel, evenly between.
        let mut covered = 0.0;
        let last = (right as usize).min(self.width);
        for (x, cell) in cells.iter_mut().enumerate().take(last + 1).skip(first) {
            let (from, to) = (left.max(x as f32), right.min((x + 1) as f32));
            let along = (to - from).max(0.0);
            let passed = per_pixel * (from - left);
            let area = passed + per_pixel * along * ((x + 1) as f32 - (from + to) * 0.5);
            *cell += area - covered;
            covered = area;
        }
        if let Some(cell) = cells.get_mut(last + 1) {
            *cell += height - covered;
        }
    }

    fn write(&self, band: &mut [u8]) {
        let rows = band.chunks_exact_mut(self.width);
        for (row, cells) in rows.zip(self.cells.chunks_exact(self.width + 1)) {
            let mut sum = 0.0f32;
            for (sample, cell) in row.iter_mut().zip(cells) {
                sum += cell;
                *sample = (sum.abs().min(1.0) * 255.0 + 0.5) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests;

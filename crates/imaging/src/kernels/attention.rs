//! The part of an image that draws the eye.
//!
//! On a small copy every pixel gets a score, and the window with the most of it wins. What counts
//! follows smartcrop.js (Jonas Wagner, 2014) and the attention crop of libvips: edges, saturated
//! colors and the color of skin; and with Achanta et al., "Frequency-tuned salient region
//! detection" (2009), how far a color is from the mean one, here that of the rim, which is seldom
//! the subject. What is out of focus counts less, and strong colors that are rare in the image
//! count more (Cheng et al., "Global contrast based salient region detection", 2011). The middle
//! has a small advantage (Tatler, "The central fixation bias in scene viewing", 2007).

use std::sync::Arc;

use serde_json::json;

use crate::color::to_oklab;
use crate::image::Pixels;
use crate::kernels::small::{Small, Sums, small};
use crate::stage::{DecideFn, Notes, Rect, Stage};
use crate::{Result, Size};

/// The longest side of the copy that is looked at.
const LOOKED_AT: u32 = 192;

/// A crop to a size, where the place is not given to what draws the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmartCrop {
    /// The size of the result.
    pub size: Size,
    /// From the left edge, if that is given.
    pub x: Option<u32>,
    /// From the upper edge, if that is given.
    pub y: Option<u32>,
}

impl SmartCrop {
    /// A crop that is free in both directions.
    pub fn to(size: Size) -> Self {
        Self { size, x: None, y: None }
    }

    /// The stage that does it to an image of this size, if anything is to be done.
    pub fn stage(self, input: Size) -> Option<Stage> {
        match (self.x, self.y) {
            _ if self.size == input => None,
            (Some(x), Some(y)) => Some(Stage::Crop(Rect { x, y, size: self.size })),
            _ => Some(Stage::Decide(Arc::new(self))),
        }
    }
}

impl DecideFn for SmartCrop {
    fn likely_size(&self, _: Size) -> Size {
        self.size
    }

    fn decide(&self, pixels: &Pixels, notes: &mut Notes) -> Result<Vec<Stage>> {
        let input = pixels.size();
        let size = Size::new(self.size.width.min(input.width), self.size.height.min(input.height));
        let copy = small(pixels, LOOKED_AT)?;
        let (x, y) = place(&copy, input, Self { size, ..*self });
        let data = json!({ "x": x, "y": y, "width": size.width, "height": size.height });
        notes.data.insert("crop".to_owned(), data);
        Ok(vec![Stage::Crop(Rect { x, y, size })])
    }
}

/// The best place for a window, in pixels of the image.
fn place(copy: &Small, input: Size, crop: SmartCrop) -> (u32, u32) {
    let scores = scores(copy);
    let total: f64 = scores.iter().map(|score| f64::from(*score)).sum();
    let sums = Sums::of(&scores, copy.size.width as usize);
    let step = f64::from(copy.step);
    let window = (f64::from(crop.size.width) / step, f64::from(crop.size.height) / step);
    let free = (input.width - crop.size.width, input.height - crop.size.height);
    let places = |given: Option<u32>, free: u32| -> Vec<f64> {
        match given {
            Some(given) => vec![f64::from(given)],
            None => {
                let count = f64::from(free) / step;
                let last = count.ceil() as u32;
                (0..=last)
                    .map(|i| f64::from(free) * f64::from(i) / f64::from(last.max(1)))
                    .collect()
            }
        }
    };
    let mut best = (f64::MIN, (0.0, 0.0));
    for y in places(crop.y, free.1) {
        for x in places(crop.x, free.0) {
            let inside = worth(&sums, (x / step, y / step), window) / total.max(1e-9);
            let off = |at: f64, free: u32| {
                if free == 0 { 0.0 } else { at / f64::from(free) * 2.0 - 1.0 }
            };
            let worth = inside - CENTER * (off(x, free.0).powi(2) + off(y, free.1).powi(2));
            if worth > best.0 {
                best = (worth, (x, y));
            }
        }
    }
    let whole = |at: f64, free: u32| ((at + 0.5).floor() as u32).min(free);
    (
        crop.x.unwrap_or_else(|| whole(best.1.0, free.0)),
        crop.y.unwrap_or_else(|| whole(best.1.1, free.1)),
    )
}

/// How much worse the very edge is than the middle.
const CENTER: f64 = 0.08;
/// How much the middle of the window counts beside all of it.
const INNER: f64 = 0.7;
/// The part of each side that the middle of the window has.
const INNER_SIDE: f64 = 0.6;

/// What a window shows: all of it counts, its middle once more.
fn worth(sums: &Sums, at: (f64, f64), window: (f64, f64)) -> f64 {
    let over = |share: f64| {
        let (width, height) = (window.0 * share, window.1 * share);
        let left = at.0 + (window.0 - width) / 2.0;
        let top = at.1 + (window.1 - height) / 2.0;
        let whole = |at: f64| (at + 0.5).floor() as i64;
        sums.over(whole(left), whole(top), whole(left + width), whole(top + height))
    };
    over(1.0) + INNER * over(INNER_SIDE)
}

/// What each pixel of the copy is worth.
fn scores(copy: &Small) -> Vec<f32> {
    let (width, height) = (copy.size.width as usize, copy.size.height as usize);
    let straight = |[r, g, b, alpha]: [f32; 4]| match alpha > 0.0 {
        true => [r / alpha, g / alpha, b / alpha].map(|value| value.clamp(0.0, 1.0)),
        false => [0.5; 3],
    };
    let colors: Vec<[f32; 3]> = copy.pixels.iter().copied().map(straight).collect();
    let lab: Vec<[f32; 3]> = colors.iter().copied().map(to_oklab).collect();
    let rim = rim_color(&lab, width, height);
    let edges = edges(&lab, width, height);
    let usual = Sums::of(&edges, width);
    let reach = (width.max(height) / 8).max(1);
    let (focus, rarity) = (focus(&usual, width, height), rarity(&lab));
    let score = |i: usize| {
        // Edges among edges are texture: bark, grass, leaves.
        let texture = TEXTURE * usual.mean(i % width, i / width, reach);
        let [lightness, a, b] = lab[i];
        let color = APART * (distance(lab[i], rim) * 2.0).min(1.0)
            + CHROMA * (a.hypot(b) * 4.0).min(1.0) * (lightness * 1.6).min(1.0)
            + SKIN * skin(colors[i]);
        let score = EDGE * (edges[i] - texture).max(0.0) + focus[i] * color;
        score * (1.0 + RARE * rarity[i] * (a.hypot(b) * 5.0).min(1.0)) * copy.pixels[i][3]
    };
    concentrate(&(0..lab.len()).map(score).collect::<Vec<f32>>(), width)
}

/// What colors are worth where nothing is sharp.
const OUT_OF_FOCUS: f32 = 0.4;
/// What strong and rare colors are worth beside the same that are common.
const RARE: f32 = 2.0;

/// What colors are worth at each pixel: less where there are no edges around it, when there are
/// some elsewhere.
fn focus(edges: &Sums, width: usize, height: usize) -> Vec<f32> {
    let reach = (width / 16).max(1);
    let near: Vec<f32> =
        (0..width * height).map(|i| edges.mean(i % width, i / width, reach)).collect();
    let mut sorted = near.clone();
    let twentieth = sorted.len() - 1 - sorted.len() / 20;
    let (_, sharp, _) = sorted.select_nth_unstable_by(twentieth, f32::total_cmp);
    let enough = (*sharp * 0.5).max(0.02);
    let share = |near: f32| (near / enough).min(1.0);
    near.into_iter().map(|near| OUT_OF_FOCUS + (1.0 - OUT_OF_FOCUS) * share(near)).collect()
}

/// How rare colors like that of each pixel are: 0 where a ninth of the image has them, 1 where a
/// pixel in five hundred does.
fn rarity(lab: &[[f32; 3]]) -> Vec<f32> {
    // Cells of lightness and of both axes of color, each counted with its neighbours.
    const CELLS: [usize; 3] = [6, 20, 20];
    let cell = |[lightness, a, b]: [f32; 3]| {
        let part = |value: f32, cells: usize| (value.max(0.0) as usize).min(cells - 1);
        [
            part(lightness * 6.0, CELLS[0]),
            part((a + 0.4) * 25.0, CELLS[1]),
            part((b + 0.4) * 25.0, CELLS[2]),
        ]
    };
    let place = |[l, a, b]: [usize; 3]| (l * CELLS[1] + a) * CELLS[2] + b;
    let mut counts = vec![0u32; CELLS.iter().product()];
    lab.iter().for_each(|color| counts[place(cell(*color))] += 1);
    let around = |at: usize, cells: usize| at.saturating_sub(1)..(at + 2).min(cells);
    let alike = |[l, a, b]: [usize; 3]| -> u32 {
        let places = around(l, CELLS[0]).flat_map(|l| {
            let of_a = around(a, CELLS[1]);
            of_a.flat_map(move |a| around(b, CELLS[2]).map(move |b| place([l, a, b])))
        });
        places.map(|place| counts[place]).sum()
    };
    let mut known = vec![None; counts.len()];
    let all = lab.len() as f32;
    let rarity = |color: &[f32; 3]| {
        let cell = cell(*color);
        // In bits, of nine at most.
        *known[place(cell)].get_or_insert_with(|| {
            let bits = (all / alike(cell) as f32).log2() / 9.0;
            ((bits.min(1.0) - 0.35) / 0.65).max(0.0)
        })
    };
    lab.iter().map(rarity).collect()
}

/// How much the color changes at each pixel, from 0 to 1.
fn edges(lab: &[[f32; 3]], width: usize, height: usize) -> Vec<f32> {
    let edge = |i: usize| {
        let (x, y) = (i % width, i / width);
        let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
        let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
        let across = distance(lab[y * width + left], lab[y * width + right]);
        let down = distance(lab[above * width + x], lab[below * width + x]);
        ((across + down) * 2.5).min(1.0)
    };
    (0..lab.len()).map(edge).collect()
}

/// The share of the edges around a pixel that its own has to exceed.
const TEXTURE: f32 = 0.8;
/// What edges are worth.
const EDGE: f32 = 1.0;
/// What a color unlike that of the rim is worth.
const APART: f32 = 0.8;
/// What a strong color is worth.
const CHROMA: f32 = 0.35;
/// What the color of skin is worth.
const SKIN: f32 = 1.6;

/// The power that scores are raised to.
const CONCENTRATE: f32 = 3.0;

/// Scores smoothed a little and raised: what is strong counts more than much that is weak.
fn concentrate(scores: &[f32], width: usize) -> Vec<f32> {
    let sums = Sums::of(scores, width);
    let reach = (width / 48).max(1);
    let smooth = |i: usize| sums.mean(i % width, i / width, reach);
    (0..scores.len()).map(|i| smooth(i).powf(CONCENTRATE)).collect()
}

/// The mean color of the outermost tenth.
fn rim_color(lab: &[[f32; 3]], width: usize, height: usize) -> [f32; 3] {
    let (rim_x, rim_y) = (width.div_ceil(10), height.div_ceil(10));
    let mut sum = [0.0f32; 3];
    let mut count = 0.0f32;
    for (i, color) in lab.iter().enumerate() {
        let (x, y) = (i % width, i / width);
        if x < rim_x || y < rim_y || x + rim_x >= width || y + rim_y >= height {
            sum = std::array::from_fn(|c| sum[c] + color[c]);
            count += 1.0;
        }
    }
    sum.map(|sum| sum / count.max(1.0))
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

/// How much a color is like skin: as smartcrop.js has it, by its direction from black.
fn skin(rgb: [f32; 3]) -> f32 {
    const SKIN_COLOR: [f32; 3] = [0.78, 0.57, 0.44];
    let length = rgb.iter().map(|v| v * v).sum::<f32>().sqrt();
    let brightness = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    if !(0.2..=0.95).contains(&brightness) || length <= 0.0 {
        return 0.0;
    }
    let off = distance(rgb.map(|value| value / length), SKIN_COLOR);
    ((1.0 - off - 0.8) / 0.2).clamp(0.0, 1.0)
}

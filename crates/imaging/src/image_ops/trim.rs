use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::image::{Packed, Pixels};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::small::premultiplied;
use crate::params::{AutoColor, Params, Percent};
use crate::scene::Scene;
use crate::stage::{DecideFn, Notes, Rect, Sample, Stage};
use crate::{Error, Result as ImagingResult, Size};

/// Cuts off a border of one color, or a transparent one. What was kept stands in `result_json` as
/// `trim`: `x`, `y`, `width` and `height` in pixels.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trim {
    /// How far a pixel may be from the color of the border and still be border: 0 for exactly that
    /// color, 100 for any. The default forgives the noise of a JPEG.
    pub tolerance: Percent,
    /// The color of the border: `auto` finds the one that most of the edge has, which may be
    /// transparent.
    pub color: AutoColor,
}

impl Default for Trim {
    fn default() -> Self {
        Self { tolerance: Percent::new(10.0), color: AutoColor::Auto }
    }
}

impl Params for Trim {
    const NAME: &'static str = "trim";
    const EXAMPLE: &'static str = r#"{"tolerance": 10}"#;
}

impl ImageOp for Trim {
    const GROUP: Group = Group::Transform;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(vec![Stage::Decide(Arc::new(self.clone()))])
    }
}

impl DecideFn for Trim {
    fn decide(&self, pixels: &Pixels, notes: &mut Notes) -> ImagingResult<Vec<Stage>> {
        let size = pixels.size();
        let found = match pixels {
            Pixels::U8(packed) => self.content(packed),
            Pixels::U16(packed) => self.content(packed),
            Pixels::Ycc(_) => return Err(Error::internal("planes are not looked at")),
        };
        let rect = found.unwrap_or_else(|| {
            let message = "all of the image is border, so nothing was trimmed";
            notes.warnings.push(("nothing_but_border", message.to_owned()));
            Rect { x: 0, y: 0, size }
        });
        let Size { width, height } = rect.size;
        let data = json!({ "x": rect.x, "y": rect.y, "width": width, "height": height });
        notes.data.insert("trim".to_owned(), data);
        Ok(if rect.size == size { Vec::new() } else { vec![Stage::Crop(rect)] })
    }
}

impl Trim {
    /// The smallest rectangle with all that is no border.
    fn content<S: Sample>(&self, packed: &Packed<S>) -> Option<Rect> {
        let tolerance = self.tolerance.factor() + 1e-4;
        let border = match self.color {
            AutoColor::Color(color) => premultiplied(&color.0),
            AutoColor::Auto => border_color(packed, tolerance),
        };
        let is_content = |pixel: &&[S]| !is_near(premultiplied(pixel), border, tolerance);
        let count = packed.channels().count();
        let first = |row: &[S]| row.chunks_exact(count).position(|pixel| is_content(&pixel));
        let last = |row: &[S]| row.chunks_exact(count).rposition(|pixel| is_content(&pixel));
        let rows: Vec<&[S]> = packed.rows().collect();
        let top = rows.iter().position(|row| first(row).is_some())?;
        let bottom = rows.iter().rposition(|row| first(row).is_some())?;
        let (mut left, mut right) = (packed.size().width as usize - 1, 0);
        for row in &rows[top..=bottom] {
            // Only what lies beyond the sides found so far can move them.
            left = first(&row[..left * count]).unwrap_or(left);
            right = last(&row[right * count..]).map_or(right, |more| right + more);
        }
        // A pixel in the last column alone moves the left side nowhere.
        let left = left.min(right);
        let size = Size::new((right - left + 1) as u32, (bottom - top + 1) as u32);
        Some(Rect { x: left as u32, y: top as u32, size })
    }
}

/// Of the colors of the corners and the middles of the sides, the one that most of the edge has.
fn border_color<S: Sample>(packed: &Packed<S>, tolerance: f32) -> [f32; 4] {
    let Size { width, height } = packed.size();
    let count = packed.channels().count();
    let at = |x: u32, y: u32| {
        let start = y as usize * packed.stride() + x as usize * count;
        premultiplied(&packed.samples()[start..start + count])
    };
    let (right, bottom) = (width - 1, height - 1);
    let across = (0..width).flat_map(|x| [(x, 0), (x, bottom)]);
    let down = (0..height).flat_map(|y| [(0, y), (right, y)]);
    let edge: Vec<[f32; 4]> = across.chain(down).map(|(x, y)| at(x, y)).collect();
    let corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)];
    let middles = [(right / 2, 0), (right / 2, bottom), (0, bottom / 2), (right, bottom / 2)];
    let mut best = (0, [0.0; 4]);
    for (x, y) in corners.into_iter().chain(middles) {
        let color = at(x, y);
        let like = edge.iter().filter(|other| is_near(**other, color, tolerance)).count();
        if like > best.0 {
            best = (like, color);
        }
    }
    best.1
}

fn is_near(a: [f32; 4], b: [f32; 4], tolerance: f32) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Channels;

    /// Finds the content of an image of digits: 0 is the border.
    #[track_caller]
    fn check(rows: &[&str], expected: Option<(u32, u32, u32, u32)>) {
        let size = Size::new(rows[0].len() as u32, rows.len() as u32);
        let samples = rows.concat().bytes().map(|digit| (digit - b'0') * 28).collect();
        let found = Trim::default().content(&Packed::new(size, Channels::Gray, samples));
        let found = found.map(|rect| (rect.x, rect.y, rect.size.width, rect.size.height));
        assert_eq!(found, expected, "{rows:?}");
    }

    #[test]
    fn the_content_is_found_on_all_sides() {
        check(&["00000", "00900", "09990", "00000"], Some((1, 1, 3, 2)));
        check(&["00009", "00000", "00000", "00000"], Some((4, 0, 1, 1)));
        check(&["90000", "00000", "00009", "00000"], Some((0, 0, 5, 3)));
        check(&["00000", "00050", "05000", "00000"], Some((1, 1, 3, 2)));
    }

    #[test]
    fn an_image_that_is_all_border_has_no_content() {
        check(&["000", "000"], None);
        check(&["7"], None);
    }

    #[test]
    fn the_border_has_the_color_of_most_of_the_edge_whatever_one_corner_is() {
        check(&["90000", "00000", "00300", "00000"], Some((0, 0, 3, 3)));
    }

    #[test]
    fn transparent_pixels_are_border_whatever_their_colors() {
        let mut samples = [[0u8, 0, 0, 0], [255, 9, 77, 0], [1, 2, 3, 0]].repeat(4);
        samples[4] = [9, 9, 9, 255];
        let image = Packed::new(Size::new(3, 4), Channels::Rgba, samples.concat());
        let found = Trim::default().content(&image).unwrap();
        assert_eq!((found.x, found.y, found.size), (1, 1, Size::new(1, 1)));
    }
}

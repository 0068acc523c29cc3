use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::Result as ImagingResult;
use crate::color::Color;
use crate::image::Pixels;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::small::{Small, small};
use crate::kernels::warp::Beyond;
use crate::kernels::{skew, turn};
use crate::params::{AutoColor, Params, Reach};
use crate::scene::Scene;
use crate::stage::{DecideFn, Notes, Stage};

/// Turns a scanned or photographed page so that its lines of text run level. The angle is found in
/// the image; `angle` in `result_json` says how far it was turned, clockwise in degrees.
///
/// The page keeps its size, so that the pages of one document stay alike: of a turned page the
/// corners go, which are margin. Where no lines are found the image stays as it is, with a warning.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Deskew {
    /// The largest angle that is looked for, to both sides.
    pub max_angle: Reach,
    /// The color of what the turn uncovers: `auto` is that of the paper at the edge.
    pub background: AutoColor,
    /// Whether the canvas grows so that nothing at all is cut off.
    pub expand: bool,
}

impl Default for Deskew {
    fn default() -> Self {
        Self { max_angle: Reach::new(15.0), background: AutoColor::Auto, expand: false }
    }
}

impl Params for Deskew {
    const NAME: &'static str = "deskew";
    const EXAMPLE: &'static str = r#"{"max_angle": 15}"#;
}

impl ImageOp for Deskew {
    const GROUP: Group = Group::Transform;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(vec![Stage::Decide(Arc::new(self.clone()))])
    }
}

/// A turn that nobody sees: less than a pixel from one edge of a page to the other.
const LEVEL: f64 = 0.03;

impl DecideFn for Deskew {
    fn decide(&self, pixels: &Pixels, notes: &mut Notes) -> ImagingResult<Vec<Stage>> {
        let page = small(pixels, skew::LOOKED_AT)?;
        let found = skew::angle(&page, self.max_angle.get());
        if found.is_none() {
            let message = "no lines of text were found, so the page was not turned";
            notes.warnings.push(("no_skew_found", message.to_owned()));
        }
        // Two digits are more than the method finds, and none of them is noise of the sums.
        let angle = -(found.unwrap_or(0.0) * 100.0).round() / 100.0;
        let angle = if angle.abs() < LEVEL { 0.0 } else { angle };
        notes.data.insert("angle".to_owned(), json!(angle));
        if angle == 0.0 {
            return Ok(Vec::new());
        }
        let size = pixels.size();
        let canvas = if self.expand { turn::bounds(size, angle) } else { size };
        let color = match self.background {
            AutoColor::Color(color) => color,
            AutoColor::Auto => paper(&page),
        };
        Ok(vec![turn::stage(angle, size, canvas, Beyond::Color(color))])
    }
}

/// The color that the edge of a page mostly has: the median, channel by channel.
fn paper(page: &Small) -> Color {
    let (width, height) = (page.size.width as usize, page.size.height as usize);
    let rim = page.pixels.iter().enumerate().filter(|(i, _)| {
        let (x, y) = (i % width, i / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    });
    let rim: Vec<[f32; 4]> = rim.map(|(_, pixel)| *pixel).collect();
    let median = |channel: usize| {
        let mut values: Vec<f32> = rim.iter().map(|pixel| pixel[channel]).collect();
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    };
    let alpha = median(3);
    let straight = |channel: usize| if alpha > 0.0 { median(channel) / alpha } else { 0.0 };
    let sample = |value: f32| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    Color([sample(straight(0)), sample(straight(1)), sample(straight(2)), sample(alpha)])
}

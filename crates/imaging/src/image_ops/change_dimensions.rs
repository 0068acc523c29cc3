use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::resample::Kernel;
use crate::params::{Dots, Measure, Params};
use crate::scene::Scene;
use crate::stage::{RectF, Resample, Stage};

/// Gives the image exact dimensions, in pixels or as it is to be printed. The picture is stretched
/// where the aspect ratio is another; with one side given, the other follows the aspect ratio.
///
/// A physical size becomes `length × dpi` pixels (a length in centimeters or millimeters divided by
/// 2.54 or 25.4 first), rounded half up and never below 1. The resolution is written into the
/// file where its format holds one (not GIF, ICO, PNM, QOI; a page of PDF gets that size).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangeDimensions {
    /// The width of the result.
    pub width: Option<Measure>,
    /// The height of the result.
    pub height: Option<Measure>,
    /// What width and height are measured in.
    pub unit: Unit,
    /// The resolution in pixels an inch: needed with a physical unit, and written into the file.
    pub dpi: Option<Dots>,
}

/// What lengths are measured in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Pixels.
    #[default]
    Px,
    /// Millimeters.
    Mm,
    /// Centimeters.
    Cm,
    /// Inches.
    In,
}

impl Params for ChangeDimensions {
    const NAME: &'static str = "change_dimensions";
    const EXAMPLE: &'static str = r#"{"width": 10, "height": 15, "unit": "cm", "dpi": 50}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        if self.width.is_none() && self.height.is_none() {
            return Err(("", "give width or height, or both".to_owned()));
        }
        if self.unit != Unit::Px && self.dpi.is_none() {
            let message = "\"dpi\" is missing: how many pixels an inch a physical size has";
            return Err(("", message.to_owned()));
        }
        for (field, asked) in [("width", self.width), ("height", self.height)] {
            let pixels = asked.map_or(1.0, |asked| self.pixels(asked));
            if pixels > 65_535.0 {
                let message = format!("comes to {pixels:.0} pixels, and 65535 are the most");
                return Err((field, message));
            }
        }
        Ok(())
    }
}

impl ImageOp for ChangeDimensions {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        if let Some(dpi) = self.dpi {
            scene.set_dpi(dpi.get());
        }
        let follow = |pixels: f64, own: u32, other: u32| {
            side(f64::from(side(pixels)) * f64::from(other) / f64::from(own))
        };
        let asked = |measure: Option<Measure>| measure.map(|measure| self.pixels(measure));
        let size = match (asked(self.width), asked(self.height)) {
            (Some(width), Some(height)) => Size::new(side(width), side(height)),
            (Some(width), None) => Size::new(side(width), follow(width, input.width, input.height)),
            (None, Some(height)) => {
                Size::new(follow(height, input.height, input.width), side(height))
            }
            (None, None) => input,
        };
        if size == input {
            return Ok(Vec::new());
        }
        let (source, kernel) = (RectF::full(input), Kernel::default());
        Ok(vec![Stage::Resample(Resample { source, size, kernel })])
    }
}

impl ChangeDimensions {
    fn pixels(&self, length: Measure) -> f64 {
        let dpi = self.dpi.map_or(1.0, Dots::get);
        match self.unit {
            Unit::Px => length.get(),
            Unit::Mm => length.get() / 25.4 * dpi,
            Unit::Cm => length.get() / 2.54 * dpi,
            Unit::In => length.get() * dpi,
        }
    }
}

/// Rounded half up, never below 1. A hair under a half is a half: 2.54 and 25.4 are not exact.
fn side(pixels: f64) -> u32 {
    (pixels + 0.5 + 1e-9).floor().clamp(1.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::lower_alone;

    #[track_caller]
    fn check(request: &str, expected: (u32, u32)) {
        let change: ChangeDimensions = serde_json::from_str(request).unwrap();
        change.rules().unwrap();
        let input = Size::new(300, 200);
        let stages = lower_alone(&change, input).unwrap();
        let size = stages.iter().fold(input, |size, stage| stage.output_size(size));
        assert_eq!((size.width, size.height), expected, "{request}");
    }

    #[test]
    fn sizes_are_exact_in_pixels_and_on_paper() {
        check(r#"{"width": 17, "height": 90}"#, (17, 90));
        check(r#"{"width": 150}"#, (150, 100));
        check(r#"{"height": 1}"#, (2, 1));
        check(r#"{"width": 4, "height": 6, "unit": "in", "dpi": 300}"#, (1200, 1800));
        check(r#"{"width": 10, "height": 15, "unit": "cm", "dpi": 300}"#, (1181, 1772));
        check(r#"{"width": 210, "height": 297, "unit": "mm", "dpi": 300}"#, (2480, 3508));
        check(r#"{"width": 0.01, "height": 12.7, "unit": "mm", "dpi": 1}"#, (1, 1));
    }

    #[test]
    fn a_physical_size_needs_a_resolution_and_has_its_limits() {
        let fault = |request: &str| {
            let change: ChangeDimensions = serde_json::from_str(request).unwrap();
            change.rules().unwrap_err().0
        };
        assert_eq!(fault(r#"{"width": 10, "unit": "cm"}"#), "");
        assert_eq!(fault(r#"{"unit": "cm", "dpi": 72}"#), "");
        assert_eq!(fault(r#"{"height": 6000, "unit": "in", "dpi": 300}"#), "height");
    }
}

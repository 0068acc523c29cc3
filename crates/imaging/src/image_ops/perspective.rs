use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::image::Pixels as ImagePixels;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::resample::Kernel;
use crate::kernels::sheet::{self, Point};
use crate::kernels::small::small;
use crate::kernels::warp::{Beyond, Warp, to_quadrilateral};
use crate::params::{Length, Params, Pixels};
use crate::scene::Scene;
use crate::stage::{DecideFn, Notes, RectF, Resample, Stage};
use crate::{Result as ImagingResult, Size};

/// Makes a rectangle of a quadrilateral: a sheet, a screen or a facade that was seen from the side.
///
/// Without width and height the result is as wide as the longer of the upper and the lower side,
/// and as high as the longer of the left and the right one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Perspective {
    /// The corners of the quadrilateral inside the image: upper left, upper right, lower right,
    /// lower left. Each is `[x, y]`, in pixels or percent of the width and height.
    pub corners: Option<[[Length; 2]; 4]>,
    /// Finds a bright sheet on a darker ground instead. Its corners stand in `result_json` as
    /// `corners`; where there is no telling the image stays as it is, with a warning.
    pub auto: bool,
    /// The width of the result.
    pub width: Option<Pixels>,
    /// The height of the result.
    pub height: Option<Pixels>,
}

impl Params for Perspective {
    const NAME: &'static str = "perspective";
    const EXAMPLE: &'static str =
        r#"{"corners": [["10%", "5%"], ["85%", "0%"], ["100%", "90%"], ["0%", "100%"]]}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match (&self.corners, self.auto) {
            (Some(_), true) => Err(("auto", "give either corners or auto, not both".to_owned())),
            (None, false) => Err(("", "give corners, or \"auto\": true".to_owned())),
            (Some(_), false) | (None, true) => Ok(()),
        }
    }
}

impl ImageOp for Perspective {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(corners) = &self.corners else {
            return Ok(vec![Stage::Decide(Arc::new(self.clone()))]);
        };
        let input = scene.size();
        let corners = corners.map(|[x, y]| (x.along(input.width), y.along(input.height)));
        check(&corners, input).map_err(|message| Misfit { field: "corners", message })?;
        Ok(self.stages(input, corners))
    }
}

impl DecideFn for Perspective {
    fn likely_size(&self, input: Size) -> Size {
        let side = |asked: Option<Pixels>, own: u32| asked.map_or(own, Pixels::get);
        Size::new(side(self.width, input.width), side(self.height, input.height))
    }

    fn decide(&self, pixels: &ImagePixels, notes: &mut Notes) -> ImagingResult<Vec<Stage>> {
        let [first, fine] = sheet::LOOKED_AT;
        let found = sheet::find(&small(pixels, first)?, &small(pixels, fine)?);
        let Some(corners) = found.filter(|corners| check(corners, pixels.size()).is_ok()) else {
            let message = "no sheet with four clear edges was found, so the image stays as it is";
            notes.warnings.push(("no_sheet_found", message.to_owned()));
            return Ok(Vec::new());
        };
        let rounded = corners.map(|(x, y)| [(x * 10.0).round() / 10.0, (y * 10.0).round() / 10.0]);
        notes.data.insert("corners".to_owned(), json!(rounded));
        Ok(self.stages(pixels.size(), corners))
    }
}

/// Whether corners lie inside the image, and in order around a convex quadrilateral that is more
/// than a line.
fn check(corners: &[Point; 4], input: Size) -> Result<(), String> {
    let (width, height) = (f64::from(input.width), f64::from(input.height));
    for (name, (x, y)) in NAMES.into_iter().zip(corners) {
        if !(0.0..=width).contains(x) || !(0.0..=height).contains(y) {
            return Err(format!(
                "the {name} corner at {x:.1}, {y:.1} lies outside the image of {input}"
            ));
        }
    }
    // Twice the area of the triangle at each corner: all of one sign for a convex one, positive
    // for one that runs clockwise, and none next to nothing.
    let span = |at: fn(&Point) -> f64| {
        let sides = corners.iter().map(at);
        sides.clone().fold(f64::MIN, f64::max) - sides.fold(f64::MAX, f64::min)
    };
    let least = (span(|corner| corner.0) * span(|corner| corner.1) * 1e-4).max(1e-6);
    for i in 0..4 {
        let [a, b, c] = [corners[(i + 3) % 4], corners[i], corners[(i + 1) % 4]];
        let turn = (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0);
        if turn < least {
            return Err(format!(
                "the corners do not span a quadrilateral: at the {} one it is flat, bent inwards \
                 or crosses itself; give them as upper left, upper right, lower right, lower left",
                NAMES[i]
            ));
        }
    }
    Ok(())
}

const NAMES: [&str; 4] = ["upper left", "upper right", "lower right", "lower left"];

impl Perspective {
    fn stages(&self, input: Size, corners: [Point; 4]) -> Vec<Stage> {
        let length = |a: usize, b: usize| {
            let ((ax, ay), (bx, by)) = (corners[a], corners[b]);
            (ax - bx).hypot(ay - by)
        };
        let side = |length: f64| (length + 0.5).floor().clamp(1.0, 65_535.0) as u32;
        let own =
            Size::new(side(length(0, 1).max(length(3, 2))), side(length(0, 3).max(length(1, 2))));
        let follow = |asked: Pixels, from: u32, other: u32| {
            side(f64::from(asked.get()) * f64::from(other) / f64::from(from))
        };
        let size = match (self.width, self.height) {
            (Some(width), Some(height)) => Size::new(width.get(), height.get()),
            (Some(width), None) => Size::new(width.get(), follow(width, own.width, own.height)),
            (None, Some(height)) => Size::new(follow(height, own.height, own.width), height.get()),
            (None, None) => own,
        };
        let mut stages = Vec::new();
        let mut corners = corners;
        let mut input = input;
        // What is made much smaller is made smaller evenly first; the warp averages the rest.
        let times = (f64::from(own.width) / f64::from(size.width))
            .min(f64::from(own.height) / f64::from(size.height));
        if times >= 2.0 {
            let reduced = Size::new(
                side(f64::from(input.width) / times),
                side(f64::from(input.height) / times),
            );
            let (across, down) = (
                f64::from(reduced.width) / f64::from(input.width),
                f64::from(reduced.height) / f64::from(input.height),
            );
            corners = corners.map(|(x, y)| (x * across, y * down));
            let (source, kernel) = (RectF::full(input), Kernel::Bilinear);
            stages.push(Stage::Resample(Resample { source, size: reduced, kernel }));
            input = reduced;
        }
        let (width, height) = (f64::from(input.width), f64::from(input.height));
        let whole = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
        if corners == whole && size == input {
            return stages;
        }
        let to_source = to_quadrilateral(size, corners);
        stages.push(Warp { to_source, size, beyond: Beyond::Edge }.stage());
        stages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::lower_alone;

    #[track_caller]
    fn check(request: &str, expected: Result<(u32, u32), &str>) {
        let perspective: Perspective = serde_json::from_str(request).unwrap();
        let input = Size::new(200, 100);
        let lowered = lower_alone(&perspective, input);
        let got = lowered.as_ref().map_err(|misfit| misfit.field).map(|stages| {
            let size = stages.iter().fold(input, |size, stage| stage.output_size(size));
            (size.width, size.height)
        });
        assert_eq!(got, expected, "{request}: {lowered:?}");
    }

    #[test]
    fn the_size_follows_from_the_corners() {
        let corners = r#""corners": [[50, 0], [150, 0], [200, 100], [0, 100]]"#;
        check(&format!("{{{corners}}}"), Ok((200, 112)));
        check(&format!(r#"{{{corners}, "width": 20}}"#), Ok((20, 11)));
        check(&format!(r#"{{{corners}, "height": 56}}"#), Ok((100, 56)));
        check(&format!(r#"{{{corners}, "width": 7, "height": 300}}"#), Ok((7, 300)));
    }

    #[test]
    fn a_small_quadrilateral_of_a_large_image_is_one() {
        let corners = [(100.0, 100.0), (140.0, 100.0), (140.0, 120.0), (100.0, 120.0)];
        assert_eq!(super::check(&corners, Size::new(12_000, 9_000)), Ok(()));
        let flat = [(100.0, 100.0), (120.0, 100.1), (140.0, 100.0), (100.0, 140.0)];
        assert!(super::check(&flat, Size::new(12_000, 9_000)).is_err());
    }

    #[test]
    fn corners_that_span_nothing_are_refused() {
        let cases = [
            "[[0, 0], [201, 0], [200, 100], [0, 100]]",
            "[[0, 0], [200, 0], [0, 100], [200, 100]]",
            "[[0, 0], [0, 100], [200, 100], [200, 0]]",
            "[[0, 0], [100, 0], [200, 0], [0, 100]]",
            "[[0, 0], [200, 0], [20, 10], [0, 100]]",
            "[[5, 5], [5, 5], [5, 5], [5, 5]]",
            r#"[["0%", "0%"], ["100%", "0%"], ["100%", "101%"], ["0%", "100%"]]"#,
        ];
        for case in cases {
            check(&format!(r#"{{"corners": {case}}}"#), Err("corners"));
        }
    }
}

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::attention::SmartCrop;
use crate::params::{Keep, Length, Params};
use crate::scene::Scene;
use crate::stage::{Rect, Stage};

/// Cuts out a rectangle: by place and size, or the largest one of an aspect ratio.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Crop {
    /// From the left edge, in pixels or percent of the width.
    pub x: Option<Length>,
    /// From the upper edge, in pixels or percent of the height.
    pub y: Option<Length>,
    /// Width, in pixels or percent of the width. To the right edge by default.
    pub width: Option<Length>,
    /// Height, in pixels or percent of the height. To the lower edge by default.
    pub height: Option<Length>,
    /// The largest rectangle of this aspect ratio, such as `16:9`, instead of place and size.
    #[schemars(length(max = 20))]
    pub aspect_ratio: Option<String>,
    /// The part to keep with an aspect ratio, or when width and height are given without a place.
    pub gravity: Keep,
}

impl Params for Crop {
    const NAME: &'static str = "crop";
    const EXAMPLE: &'static str = r#"{"aspect_ratio": "16:9"}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        let placed = self.x.is_some() || self.y.is_some();
        let sized = self.width.is_some() || self.height.is_some();
        match &self.aspect_ratio {
            Some(_) if placed || sized => Err((
                "aspect_ratio",
                "give either aspect_ratio or x, y, width and height".to_owned(),
            )),
            Some(text) if ratio(text).is_none() => Err((
                "aspect_ratio",
                format!("expected an aspect ratio such as \"16:9\", got {text:?}"),
            )),
            None if !placed && !sized => {
                Err(("", "give aspect_ratio, or width and height".to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl ImageOp for Crop {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        let crop = match self.aspect_ratio.as_deref().and_then(ratio) {
            Some(ratio) => SmartCrop::to(by_ratio(input, ratio)),
            None => self.by_place(scene)?,
        };
        if crop.size == input {
            return Ok(Vec::new());
        }
        let Some(gravity) = self.gravity.gravity() else {
            return Ok(crop.stage(input).into_iter().collect());
        };
        let (x, y) = gravity.place(crop.size, input);
        let (x, y) = (crop.x.unwrap_or(x), crop.y.unwrap_or(y));
        Ok(vec![Stage::Crop(Rect { x, y, size: crop.size })])
    }
}

impl Crop {
    fn by_place(&self, scene: &mut Scene<'_>) -> Result<SmartCrop, Misfit> {
        let input = scene.size();
        let wanted = |length: Option<Length>, side: u32| {
            length.map_or(side, |length| length.resolve(side).clamp(1, i64::from(side)) as u32)
        };
        let (width, height) = (wanted(self.width, input.width), wanted(self.height, input.height));
        scene.assume(Size::new(width, height));
        let across = self.span(("x", self.x), ("width", self.width), input.width, input);
        let down = self.span(("y", self.y), ("height", self.height), input.height, input);
        if let (Err(_), Err(Misfit { field, message })) = (&across, &down) {
            scene.refuse(*field, message);
        }
        let ((x, width), (y, height)) = (across?, down?);
        Ok(SmartCrop { size: Size::new(width, height), x, y })
    }

    /// Where the rectangle begins along one side, if that was said, and how long it is.
    fn span(
        &self,
        (place_field, place): (&'static str, Option<Length>),
        (length_field, length): (&'static str, Option<Length>),
        side: u32,
        input: Size,
    ) -> Result<(Option<u32>, u32), Misfit> {
        let start = place.map(|place| place.resolve(side));
        let side = i64::from(side);
        let rest = side - start.unwrap_or(0);
        if rest < 1 {
            let message =
                format!("{place_field} {} lies outside the image of {input}", side - rest);
            return Err(Misfit { field: place_field, message });
        }
        let length = length.map_or(rest, |length| length.resolve(side as u32));
        if length < 1 || length > rest {
            let from = start.map_or(String::new(), |start| format!(" from {place_field} {start}"));
            let message =
                format!("{length_field} {length}{from} does not fit the image of {input}");
            return Err(Misfit { field: length_field, message });
        }
        Ok((start.map(|start| start as u32), length as u32))
    }
}

fn by_ratio(input: Size, ratio: f64) -> Size {
    let (width, height) = (f64::from(input.width), f64::from(input.height));
    let side = |length: f64, max: u32| ((length + 0.5).floor() as u32).clamp(1, max);
    match width / height > ratio {
        true => Size::new(side(height * ratio, input.width), input.height),
        false => Size::new(input.width, side(width / ratio, input.height)),
    }
}

/// Width over height, from `16:9` or `1.5`.
fn ratio(text: &str) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0);
    let ratio = match text.split_once([':', '/']) {
        Some((width, height)) => number(width)? / number(height)?,
        None => number(text)?,
    };
    (1e-4..=1e4).contains(&ratio).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::lower_alone;

    #[track_caller]
    fn check(request: &str, expected: Result<(u32, u32, u32, u32), &str>) {
        let crop: Crop = serde_json::from_str(request).unwrap();
        let lowered = lower_alone(&crop, Size::new(640, 480));
        let got =
            lowered.as_ref().map_err(|misfit| misfit.field).map(|stages| match stages.as_slice() {
                [Stage::Crop(rect)] => (rect.x, rect.y, rect.size.width, rect.size.height),
                _ => (0, 0, 640, 480),
            });
        assert_eq!(got, expected, "{request}: {lowered:?}");
    }

    #[test]
    fn rectangles_are_in_pixels_or_percent() {
        check(r#"{"x": 10, "y": 20, "width": 100, "height": 50}"#, Ok((10, 20, 100, 50)));
        check(r#"{"x": "25%", "y": "50%"}"#, Ok((160, 240, 480, 240)));
        check(r#"{"width": 100, "height": 100}"#, Ok((270, 190, 100, 100)));
        check(r#"{"width": "100%", "height": "100%"}"#, Ok((0, 0, 640, 480)));
    }

    #[test]
    fn an_aspect_ratio_takes_the_largest_rectangle() {
        check(r#"{"aspect_ratio": "1:1"}"#, Ok((80, 0, 480, 480)));
        check(r#"{"aspect_ratio": "16:9", "gravity": "top"}"#, Ok((0, 0, 640, 360)));
    }

    #[test]
    fn what_lies_outside_is_refused_with_the_field_to_blame() {
        check(r#"{"x": 640, "y": 0}"#, Err("x"));
        check(r#"{"x": 600, "y": 0, "width": 41}"#, Err("width"));
        check(r#"{"width": 640, "height": 481}"#, Err("height"));
        check(r#"{"width": 0, "height": 10}"#, Err("width"));
    }
}

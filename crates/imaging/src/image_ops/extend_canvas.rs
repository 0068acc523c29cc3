use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Gravity, Params, Pixels};
use crate::scene::Scene;
use crate::stage::{Extend, Stage};

/// Puts the image onto a larger canvas without changing its scale.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExtendCanvas {
    /// The width of the canvas, at least that of the image; the same by default.
    pub width: Option<Pixels>,
    /// The height of the canvas, at least that of the image; the same by default.
    pub height: Option<Pixels>,
    /// Where the image lies on the canvas.
    pub gravity: Gravity,
    /// The color of the canvas. Transparent by default; formats without alpha show their
    /// background.
    pub color: Option<Color>,
}

impl Params for ExtendCanvas {
    const NAME: &'static str = "extend_canvas";
    const EXAMPLE: &'static str = r##"{"width": 400, "height": 400, "color": "#ffffff"}"##;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match (self.width, self.height) {
            (None, None) => Err(("", "give width or height, or both".to_owned())),
            _ => Ok(()),
        }
    }
}

impl ImageOp for ExtendCanvas {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        let side = |field: &'static str, asked: Option<Pixels>, own: u32| match asked {
            // What a trim leaves is known when it has run: it may well fit then.
            Some(asked) if asked.get() < own && scene.is_size_certain() => {
                let asked = asked.get();
                let message = format!(
                    "a canvas with a {field} of {asked} does not hold the image of {input}; \
                     crop or resize it first"
                );
                Err(Misfit { field, message })
            }
            asked => Ok(asked.map_or(own, |asked| asked.get().max(own))),
        };
        let wanted = |asked: Option<Pixels>, own: u32| asked.map_or(own, Pixels::get);
        let (width, height) = (wanted(self.width, input.width), wanted(self.height, input.height));
        let across = side("width", self.width, input.width);
        let down = side("height", self.height, input.height);
        scene.assume(Size::new(width, height));
        if let (Err(_), Err(Misfit { field, message })) = (&across, &down) {
            scene.refuse(*field, message);
        }
        let size = Size::new(across?, down?);
        if size == input {
            return Ok(Vec::new());
        }
        let (x, y) = self.gravity.place(input, size);
        let color = self.color.unwrap_or(Color::TRANSPARENT);
        Ok(vec![Stage::Extend(Extend { size, x, y, color })])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::lower_alone;

    #[track_caller]
    fn check(request: &str, expected: Result<(u32, u32, u32, u32), &str>) {
        let extend: ExtendCanvas = serde_json::from_str(request).unwrap();
        let lowered = lower_alone(&extend, Size::new(100, 50));
        let got = lowered.as_ref().map_err(|misfit| misfit.field);
        let got = got.map(|stages| match stages.as_slice() {
            [Stage::Extend(extend)] => (extend.x, extend.y, extend.size.width, extend.size.height),
            _ => (0, 0, 100, 50),
        });
        assert_eq!(got, expected, "{request}: {lowered:?}");
    }

    #[test]
    fn the_image_lies_where_gravity_says() {
        check(r#"{"width": 201, "height": 50}"#, Ok((50, 0, 201, 50)));
        check(r#"{"width": 200, "height": 90, "gravity": "bottom_right"}"#, Ok((100, 40, 200, 90)));
        check(r#"{"height": 90, "gravity": "top"}"#, Ok((0, 0, 100, 90)));
        check(r#"{"width": 100}"#, Ok((0, 0, 100, 50)));
    }

    #[test]
    fn a_canvas_that_is_too_small_is_refused_with_the_side_to_blame() {
        check(r#"{"width": 99, "height": 90}"#, Err("width"));
        check(r#"{"width": 100, "height": 49}"#, Err("height"));
    }
}

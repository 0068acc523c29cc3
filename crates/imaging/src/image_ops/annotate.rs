use schemars::JsonSchema;
use serde::Deserialize;
use tiny_skia_path::{LineCap, LineJoin, Path, PathBuilder, Point, Rect, Stroke, Transform};

use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::image_ops::text_overlay::{known_family, tell_missing, visible_size};
use crate::kernels::blend::Blend;
use crate::kernels::coverage::{Mask, Window};
use crate::kernels::layer::Layer;
use crate::params::{Length, Params, Percent};
use crate::placing::{Laid, lay_over, shorter};
use crate::scene::Scene;
use crate::stage::Stage;
use crate::text::{Backdrop, Block, Lettering, Look, Setting, Typeface, rounded};
use crate::{Result as ImagingResult, Size};

/// Draws a shape that points at something: a rectangle, an ellipse, a line, an arrow, a label.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Annotate {
    /// What is drawn.
    pub shape: Shape,
    /// The left edge of the shape, or where a line begins, in pixels or percent of the width.
    pub x: Length,
    /// The upper edge of the shape, or where a line begins, in pixels or percent of the height.
    pub y: Length,
    /// The width of a rectangle or ellipse, in pixels or percent of the width.
    #[serde(default)]
    pub width: Option<Length>,
    /// The height of a rectangle or ellipse, in pixels or percent of the height.
    #[serde(default)]
    pub height: Option<Length>,
    /// Where a line or arrow ends, from the left edge, in pixels or percent of the width.
    #[serde(default)]
    pub to_x: Option<Length>,
    /// Where a line or arrow ends, from the upper edge, in pixels or percent of the height.
    #[serde(default)]
    pub to_y: Option<Length>,
    /// The color of lines and of text. Red by default.
    #[serde(default)]
    pub color: Option<Color>,
    /// The color inside a rectangle or ellipse, or behind text. None by default.
    #[serde(default)]
    pub fill: Option<Color>,
    /// How wide lines are, in pixels or percent of the shorter side of the image; 0 draws the fill
    /// alone. 0.6% by default, but at least 2 pixels.
    #[serde(default)]
    pub stroke_width: Option<Length>,
    /// How round the corners of a rectangle are, in pixels or percent of the shorter side of the
    /// image.
    #[serde(default)]
    pub radius: Option<Length>,
    /// The text of a label.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub text: Option<String>,
    /// The size of the letters of a label, in pixels or percent of the shorter side of the image.
    /// 4% by default, but at least 12 pixels.
    #[serde(default)]
    pub font_size: Option<Length>,
    /// The family of the letters of a label, as of `text_overlay`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub font_family: Option<String>,
    /// How bold the letters of a label are: 100 to 900. 700 by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub font_weight: Option<u16>,
    /// How much the shape hides what is behind it.
    #[serde(default)]
    pub opacity: Percent,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// A rectangle, at x and y, of a width and a height.
    Rectangle,
    /// An ellipse, in the rectangle at x and y, of a width and a height.
    Ellipse,
    /// A line from x and y to `to_x` and `to_y`.
    Line,
    /// An arrow from x and y to `to_x` and `to_y`.
    Arrow,
    /// Text, at x and y.
    Text,
}

impl Params for Annotate {
    const NAME: &'static str = "annotate";
    const EXAMPLE: &'static str = r##"{"shape": "arrow", "x": "15%", "y": "85%", "to_x": "60%", "to_y": "40%", "color": "#ff3b30"}"##;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        let missing = match self.shape {
            Shape::Rectangle | Shape::Ellipse if self.width.is_none() => Some("width"),
            Shape::Rectangle | Shape::Ellipse if self.height.is_none() => Some("height"),
            Shape::Line | Shape::Arrow if self.to_x.is_none() => Some("to_x"),
            Shape::Line | Shape::Arrow if self.to_y.is_none() => Some("to_y"),
            Shape::Text if self.text.as_ref().is_none_or(|text| text.trim().is_empty()) => {
                Some("text")
            }
            _ => None,
        };
        match missing {
            Some(field) => Err(("", format!("{field:?} is missing, which this shape needs"))),
            None => {
                visible_size(self.font_size)?;
                known_family(self.font_family.as_deref())
            }
        }
    }
}

/// A shape in pixels of the image: what is filled and what is drawn in the color of lines.
struct Drawing {
    fill: Option<(Path, Color)>,
    lines: Vec<Path>,
    color: Color,
}

impl ImageOp for Annotate {
    const GROUP: Group = Group::Compose;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let image = scene.size();
        scene.assume(image);
        let at = |field, length: Length, side: u32| {
            let at = length.of(f64::from(side));
            let message = format!("{field} {at} lies outside the image of {image}");
            if at <= f64::from(side) { Ok(at as f32) } else { Err(Misfit { field, message }) }
        };
        let from = (at("x", self.x, image.width)?, at("y", self.y, image.height)?);
        let end = |field, length: Option<Length>, side: u32| {
            length.map_or(Ok(0.0), |length| at(field, length, side))
        };
        let to = (end("to_x", self.to_x, image.width)?, end("to_y", self.to_y, image.height)?);
        let opacity = self.opacity.factor();
        if self.shape == Shape::Text {
            let lettering = self.label(from, scene);
            return Ok(lay_over(Blend::Normal, opacity, move || {
                lettering.draw(Window::full(image)).map(Laid::once)
            }));
        }
        let drawing = self.drawing(from, to, image);
        Ok(lay_over(Blend::Normal, opacity, move || drawing.draw(image).map(Laid::once)))
    }
}

impl Annotate {
    fn color(&self) -> Color {
        self.color.unwrap_or(Color([255, 59, 48, 255]))
    }

    fn label(&self, (x, y): (f32, f32), scene: &mut Scene<'_>) -> Lettering {
        let image = scene.size();
        let size = match self.font_size {
            Some(length) => length.of(shorter(image)) as f32,
            None => (shorter(image) * 0.04).max(12.0) as f32,
        };
        let setting = Setting {
            typeface: Typeface::of(self.font_family.as_deref(), self.font_weight.unwrap_or(700)),
            size,
            line_height: 1.2,
            align: None,
            width_max: Some((image.width as f32 - x).max(1.0)),
            full_width: false,
            breaks_words: true,
        };
        let block = Block::set(self.text.as_deref().unwrap_or_default(), &setting);
        tell_missing(&block, scene);
        let backdrop =
            self.fill.map(|color| Backdrop { color, padding: size * 0.25, radius: size * 0.2 });
        let look = Look { backdrop, ..Look::plain(self.color()) };
        Lettering { block, look, transform: Transform::from_translate(x, y) }
    }

    fn drawing(&self, from: (f32, f32), to: (f32, f32), image: Size) -> Drawing {
        let shorter = shorter(image);
        let line = match self.stroke_width {
            Some(length) => length.of(shorter) as f32,
            None => (shorter * 0.006).max(2.0) as f32,
        };
        let size = |length: Option<Length>, side: u32| {
            length.map_or(0.0, |length| length.of(f64::from(side)) as f32)
        };
        let (width, height) = (size(self.width, image.width), size(self.height, image.height));
        let rect = Rect::from_xywh(from.0, from.1, width, height);
        let radius = self.radius.map_or(0.0, |radius| radius.of(shorter) as f32);
        let outline = match self.shape {
            Shape::Rectangle => rect.and_then(|rect| rounded(rect, radius)),
            Shape::Ellipse => rect.and_then(PathBuilder::from_oval),
            Shape::Line | Shape::Arrow | Shape::Text => None,
        };
        let lines = match self.shape {
            Shape::Rectangle | Shape::Ellipse => {
                outline.iter().filter_map(|path| stroke(path, line, LineCap::Butt)).collect()
            }
            Shape::Line => segment(from, to, line).into_iter().collect(),
            Shape::Arrow => arrow(from, to, line),
            Shape::Text => Vec::new(),
        };
        Drawing { fill: outline.zip(self.fill), lines, color: self.color() }
    }
}

impl Drawing {
    fn draw(&self, image: Size) -> ImagingResult<Layer> {
        let paths = self.fill.iter().map(|(path, _)| path).chain(&self.lines);
        let nothing = Window::between((0, 0), (0, 0));
        let window = paths.map(|path| Window::around(path.bounds())).fold(nothing, Window::with);
        let mut layer = Layer::new(window.within(Window::full(image)))?;
        if let Some((path, color)) = &self.fill {
            layer.paint(&Mask::of(path, layer.window)?, *color);
        }
        let mut lines: Option<Mask> = None;
        for path in &self.lines {
            let mask = Mask::of(path, layer.window)?;
            match &mut lines {
                Some(lines) => lines.join(&mask),
                None => lines = Some(mask),
            }
        }
        if let Some(lines) = lines {
            layer.paint(&lines, self.color);
        }
        Ok(layer)
    }
}

fn stroke(path: &Path, width: f32, line_cap: LineCap) -> Option<Path> {
    if width <= 0.0 {
        return None;
    }
    path.stroke(&Stroke { width, line_cap, line_join: LineJoin::Miter, ..Stroke::default() }, 1.0)
}

fn segment(from: (f32, f32), to: (f32, f32), width: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(from.0, from.1);
    path.line_to(to.0, to.1);
    stroke(&path.finish()?, width, LineCap::Round)
}

/// A line with a head: five lines long where there is room.
fn arrow(from: (f32, f32), to: (f32, f32), width: f32) -> Vec<Path> {
    let (start, tip) = (Point::from_xy(from.0, from.1), Point::from_xy(to.0, to.1));
    let mut along = tip - start;
    let length = along.length();
    if !along.normalize() {
        return Vec::new();
    }
    let head = (width * 5.0).min(length * 0.6);
    // A short arrow has a thin line, or it would be a blot.
    let width = width.min(head / 3.5);
    let back = |by: f32, aside: f32| {
        Point::from_xy(
            tip.x - along.x * by - along.y * aside,
            tip.y - along.y * by + along.x * aside,
        )
    };
    let (left, right) = (back(head, head * 0.5), back(head, -head * 0.5));
    let mut path = PathBuilder::new();
    path.move_to(tip.x, tip.y);
    path.line_to(left.x, left.y);
    path.line_to(right.x, right.y);
    path.close();
    let neck = back(head * 0.8, 0.0);
    [segment(from, (neck.x, neck.y), width), path.finish()].into_iter().flatten().collect()
}

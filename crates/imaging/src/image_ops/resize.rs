use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::attention::SmartCrop;
use crate::kernels::resample::Kernel;
use crate::params::{Gravity, Keep, Params, Pixels, Scale};
use crate::scene::Scene;
use crate::stage::{Extend, RectF, Resample, Stage};

/// Changes the size of the image. One side is enough: the other follows the aspect ratio.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Resize {
    /// The width of the result.
    pub width: Option<Pixels>,
    /// The height of the result.
    pub height: Option<Pixels>,
    /// The size of the result beside the input, instead of width and height.
    pub percent: Option<Scale>,
    /// What happens when width and height have another aspect ratio than the image.
    pub mode: Mode,
    /// The part to keep (`fill`) or the place of the image (`pad`). `smart` is for `fill`.
    pub gravity: Keep,
    /// Whether the image may become larger than it was.
    #[serde(default = "yes")]
    pub upscale: bool,
    /// How samples are weighted.
    pub kernel: Kernel,
    /// The color around the image (`pad`). Transparent by default; formats without alpha show their
    /// background.
    pub background: Option<Color>,
}

/// What happens when width and height have another aspect ratio than the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// The whole image, inside width and height.
    #[default]
    Fit,
    /// Exactly width and height, filled; what sticks out is cropped.
    Fill,
    /// Exactly width and height, with the whole image inside and a background around it.
    Pad,
    /// Exactly width and height, distorted.
    Stretch,
    /// The whole image, covering width and height.
    Outside,
}

fn yes() -> bool {
    true
}

impl Params for Resize {
    const NAME: &'static str = "resize";
    const EXAMPLE: &'static str = r#"{"width": 1600}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        let sides = self.width.is_some() || self.height.is_some();
        match (sides, self.percent.is_some()) {
            (true, true) => {
                Err(("percent", "give either percent or width and height, not both".to_owned()))
            }
            (false, false) => Err(("", "give width, height or percent".to_owned())),
            _ if self.gravity == Keep::Smart && self.mode != Mode::Fill => {
                Err(("gravity", "\"smart\" chooses what \"mode\": \"fill\" keeps".to_owned()))
            }
            (true, false) | (false, true) => Ok(()),
        }
    }
}

impl ImageOp for Resize {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        let box_size = self.box_size(input);
        let (across, down) = (
            f64::from(box_size.width) / f64::from(input.width),
            f64::from(box_size.height) / f64::from(input.height),
        );
        let cap = |factor: f64| if self.upscale { factor } else { factor.min(1.0) };
        let uniformly = |factor: f64| match self.open_size(input) {
            // A side that was asked for comes to the pixel.
            Some(size) if self.upscale || size.width <= input.width => size,
            Some(_) => input,
            None => uniform(input, cap(factor)),
        };
        Ok(match self.mode {
            Mode::Fit => self.resample(input, uniformly(across.min(down))),
            Mode::Outside => self.resample(input, uniformly(across.max(down))),
            Mode::Stretch => {
                let size = Size::new(
                    side(f64::from(input.width) * cap(across)),
                    side(f64::from(input.height) * cap(down)),
                );
                self.resample(input, size)
            }
            Mode::Fill => self.fill(input, box_size),
            Mode::Pad => {
                let inner = uniformly(across.min(down));
                let mut stages = self.resample(input, inner);
                let gravity = self.gravity.gravity().unwrap_or_default();
                stages.extend(canvas(inner, box_size, gravity, self.background));
                stages
            }
        })
    }
}

impl Resize {
    /// The size, where only one side or a percentage is asked for.
    fn open_size(&self, input: Size) -> Option<Size> {
        let follow = |asked: Pixels, from: u32, other: u32| {
            side(f64::from(other) * f64::from(asked.get()) / f64::from(from))
        };
        let Size { width, height } = input;
        match (self.width, self.height) {
            (Some(_), Some(_)) => None,
            (Some(asked), None) => Some(Size::new(asked.get(), follow(asked, width, height))),
            (None, Some(asked)) => Some(Size::new(follow(asked, height, width), asked.get())),
            (None, None) => {
                Some(uniform(input, self.percent.map_or(1.0, |percent| percent.get() / 100.0)))
            }
        }
    }

    /// Width and height as asked, with what was left open.
    fn box_size(&self, input: Size) -> Size {
        let open = self.open_size(input).unwrap_or(input);
        Size::new(
            self.width.map_or(open.width, Pixels::get),
            self.height.map_or(open.height, Pixels::get),
        )
    }

    fn resample(&self, input: Size, size: Size) -> Vec<Stage> {
        if size == input {
            return Vec::new();
        }
        vec![Stage::Resample(Resample { source: RectF::full(input), size, kernel: self.kernel })]
    }

    /// The largest part of the image that has the aspect ratio, brought to the size.
    fn fill(&self, input: Size, asked: Size) -> Vec<Stage> {
        let (width, height) = (f64::from(input.width), f64::from(input.height));
        let factor = (f64::from(asked.width) / width).max(f64::from(asked.height) / height);
        let part = (
            (f64::from(asked.width) / factor).min(width),
            (f64::from(asked.height) / factor).min(height),
        );
        let size = match self.upscale || factor <= 1.0 {
            true => asked,
            false => Size::new(side(part.0), side(part.1)),
        };
        let Some(gravity) = self.gravity.gravity() else {
            return self.fill_smartly(input, size, factor, part);
        };
        let (left, top) = gravity.shares();
        let source = RectF {
            x: (width - part.0) * left,
            y: (height - part.1) * top,
            width: part.0,
            height: part.1,
        };
        if size == input {
            return Vec::new();
        }
        vec![Stage::Resample(Resample { source, size, kernel: self.kernel })]
    }
}

impl Resize {
    /// The smaller of the two ways is taken: what is reduced is reduced first, so that a decoder
    /// that can scale still does; what is enlarged is cropped first.
    fn fill_smartly(&self, input: Size, size: Size, factor: f64, part: (f64, f64)) -> Vec<Stage> {
        if factor > 1.0 {
            let part = Size::new(side(part.0), side(part.1));
            let mut stages: Vec<Stage> = SmartCrop::to(part).stage(input).into_iter().collect();
            stages.extend(self.resample(part, size));
            return stages;
        }
        let covered = uniform(input, factor);
        let covered = Size::new(covered.width.max(size.width), covered.height.max(size.height));
        let mut stages = self.resample(input, covered);
        stages.extend(SmartCrop::to(size).stage(covered));
        stages
    }
}

/// A side rounded half up, never below 1 (and never past what a size can say).
fn side(length: f64) -> u32 {
    (length + 0.5).floor().clamp(1.0, f64::from(u32::MAX)) as u32
}

fn uniform(input: Size, factor: f64) -> Size {
    Size::new(side(f64::from(input.width) * factor), side(f64::from(input.height) * factor))
}

/// The stage that puts an image onto a larger canvas, if it is larger.
fn canvas(inner: Size, outer: Size, gravity: Gravity, color: Option<Color>) -> Option<Stage> {
    let size = Size::new(outer.width.max(inner.width), outer.height.max(inner.height));
    if size == inner {
        return None;
    }
    let (x, y) = gravity.place(inner, size);
    Some(Stage::Extend(Extend { size, x, y, color: color.unwrap_or(Color::TRANSPARENT) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::lower_alone;

    #[track_caller]
    fn check(request: &str, input: (u32, u32), expected: (u32, u32)) {
        let resize: Resize = serde_json::from_str(request).unwrap();
        let input = Size::new(input.0, input.1);
        let stages = lower_alone(&resize, input).unwrap();
        let size = stages.iter().fold(input, |size, stage| stage.output_size(size));
        assert_eq!((size.width, size.height), expected, "{request}");
    }

    #[test]
    fn the_missing_side_follows_the_aspect_ratio() {
        check(r#"{"width": 9}"#, (18, 10), (9, 5));
        check(r#"{"height": 5}"#, (18, 10), (9, 5));
        check(r#"{"width": 1}"#, (1000, 3), (1, 1));
        check(r#"{"percent": 50}"#, (5, 5), (3, 3));
        check(r#"{"percent": 40}"#, (1000, 3), (400, 1));
    }

    #[test]
    fn the_side_that_is_asked_for_is_the_side_that_comes() {
        for asked in 1..2400 {
            let height = (1350.0f64 * f64::from(asked) / 2400.0 + 0.5).floor().max(1.0) as u32;
            for mode in ["fit", "pad", "outside", "stretch", "fill"] {
                let width = format!(r#"{{"width": {asked}, "mode": "{mode}"}}"#);
                check(&width, (2400, 1350), (asked, height));
                let turned = format!(r#"{{"height": {asked}, "mode": "{mode}"}}"#);
                check(&turned, (1350, 2400), (height, asked));
            }
        }
        check(r#"{"width": 400}"#, (1000, 3), (400, 1));
    }

    #[test]
    fn each_mode_keeps_its_promise() {
        check(r#"{"width": 100, "height": 100}"#, (400, 200), (100, 50));
        check(r#"{"width": 100, "height": 100, "mode": "fill"}"#, (400, 200), (100, 100));
        check(r#"{"width": 100, "height": 100, "mode": "pad"}"#, (400, 200), (100, 100));
        check(r#"{"width": 100, "height": 100, "mode": "stretch"}"#, (400, 200), (100, 100));
        check(r#"{"width": 100, "height": 100, "mode": "outside"}"#, (400, 200), (200, 100));
    }

    #[test]
    fn a_smart_fill_has_the_size_that_was_asked_for() {
        let smart = |size: &str| format!(r#"{{{size}, "mode": "fill", "gravity": "smart"}}"#);
        check(&smart(r#""width": 100, "height": 100"#), (400, 200), (100, 100));
        check(&smart(r#""width": 333, "height": 100"#), (1001, 777), (333, 100));
        check(&smart(r#""width": 10, "height": 5000"#), (5000, 10), (10, 5000));
        let no = r#"{"width": 500, "height": 100, "mode": "fill", "gravity": "smart", "upscale": false}"#;
        check(no, (400, 200), (400, 80));
    }

    #[test]
    fn without_upscale_nothing_grows() {
        check(r#"{"width": 800, "upscale": false}"#, (400, 200), (400, 200));
        check(
            r#"{"width": 800, "height": 100, "mode": "stretch", "upscale": false}"#,
            (400, 200),
            (400, 100),
        );
        check(
            r#"{"width": 800, "height": 800, "mode": "fill", "upscale": false}"#,
            (400, 200),
            (200, 200),
        );
        check(
            r#"{"width": 800, "height": 800, "mode": "pad", "upscale": false}"#,
            (400, 200),
            (800, 800),
        );
    }
}

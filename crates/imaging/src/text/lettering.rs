//! Text as it is seen on an image: letters, their outline, their shadow and a box behind them.

use tiny_skia_path::{LineCap, LineJoin, Path, PathBuilder, Rect, Stroke, Transform};

use crate::Result;
use crate::color::Color;
use crate::image::{Channels, Packed, Pixels};
use crate::kernels::blur::gaussian;
use crate::kernels::coverage::{Mask, Window};
use crate::kernels::layer::Layer;
use crate::text::Block;

/// A shadow of letters.
#[derive(Debug, Clone, Copy)]
pub struct Shadow {
    /// Its color.
    pub color: Color,
    /// How far it lies right of and below the letters, in pixels.
    pub offset: (f32, f32),
    /// How soft it is: twice the standard deviation of a Gaussian, in pixels, as in CSS.
    pub blur: f32,
}

/// A box behind text.
#[derive(Debug, Clone, Copy)]
pub struct Backdrop {
    /// Its color.
    pub color: Color,
    /// How far it reaches beyond the text, in pixels.
    pub padding: f32,
    /// How round its corners are, in pixels.
    pub radius: f32,
}

/// How letters look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The color of the letters.
    pub color: Color,
    /// A line around the letters: its color and width in pixels.
    pub stroke: Option<(Color, f32)>,
    /// Their shadow.
    pub shadow: Option<Shadow>,
    /// The box behind them.
    pub backdrop: Option<Backdrop>,
}

impl Look {
    /// Letters of a color and nothing else.
    pub fn plain(color: Color) -> Self {
        Self { color, stroke: None, shadow: None, backdrop: None }
    }
}

/// Text at its place.
#[derive(Debug, Clone)]
pub struct Lettering {
    /// The text.
    pub block: Block,
    /// How it looks.
    pub look: Look,
    /// From pixels of the block to pixels of the image.
    pub transform: Transform,
}

impl Lettering {
    /// The picture of it as far as it lies in a window.
    pub fn draw(&self, clip: Window) -> Result<Layer> {
        let letters: Vec<Path> = self.placed(&self.block.outlines);
        let strokes: Vec<Path> = match self.look.stroke {
            Some((_, width)) if width > 0.0 => self.placed(
                &self
                    .block
                    .outlines
                    .iter()
                    .filter_map(|path| stroke(path, width))
                    .collect::<Vec<_>>(),
            ),
            _ => Vec::new(),
        };
        let backdrop = self
            .backdrop()
            .and_then(|(path, color)| path.transform(self.transform).map(|path| (path, color)));
        let emblems = self.emblems(clip)?;
        let shape = bounds(letters.iter().chain(&strokes));
        let windows = self.block.emblems.iter().map(|emblem| emblem.window(self.transform));
        let shape = windows.fold(shape, Window::with);
        let shadow = self.look.shadow.filter(|shadow| shadow.color.0[3] > 0);
        let shade = shadow.map(|shadow| (shadow, shape.wider(reach(shadow.blur))));
        let mut all = shape.with(bounds(backdrop.iter().map(|(path, _)| path)));
        if let Some((shadow, window)) = shade {
            let (x, y) = shadow.offset;
            all = all.with(window.moved(x.floor() as i32, y.floor() as i32).wider(1));
        }
        let mut layer = Layer::new(all.within(clip))?;
        if let Some((path, color)) = backdrop {
            layer.paint(&Mask::of(&path, layer.window)?, color);
        }
        if let Some((shadow, window)) = shade {
            let paths: Vec<&Path> = letters.iter().chain(&strokes).collect();
            self.paint_shadow(&mut layer, (&paths, &emblems), shadow, window)?;
        }
        if let Some((color, _)) = self.look.stroke {
            layer.paint(&joined(strokes.iter(), shape.within(clip))?, color);
        }
        layer.paint(&joined(letters.iter(), shape.within(clip))?, self.look.color);
        // Their colors are their own, but they show through as far as letters do.
        emblems.iter().for_each(|emblem| layer.paint_layer(emblem, self.look.color.0[3]));
        Ok(layer)
    }

    fn emblems(&self, clip: Window) -> Result<Vec<Layer>> {
        let emblems = self.block.emblems.iter();
        emblems.filter_map(|emblem| emblem.draw(self.transform, clip).transpose()).collect()
    }

    fn placed(&self, paths: &[Path]) -> Vec<Path> {
        paths.iter().filter_map(|path| path.clone().transform(self.transform)).collect()
    }

    fn backdrop(&self) -> Option<(Path, Color)> {
        let Backdrop { color, padding, radius } = self.look.backdrop?;
        let (width, height) = (self.block.width + padding, self.block.height + padding);
        let rect = Rect::from_ltrb(-padding, -padding, width, height)?;
        Some((rounded(rect, radius)?, color))
    }

    fn paint_shadow(
        &self,
        layer: &mut Layer,
        (paths, emblems): (&[&Path], &[Layer]),
        shadow: Shadow,
        window: Window,
    ) -> Result<()> {
        let (x, y) = shadow.offset;
        let (whole_x, whole_y) = (x.floor(), y.floor());
        let part = Transform::from_translate(x - whole_x, y - whole_y);
        let moved: Vec<Path> =
            paths.iter().filter_map(|path| (*path).clone().transform(part)).collect();
        let (whole_x, whole_y) = (whole_x as i32, whole_y as i32);
        // What lies outside of the image still throws its shadow into it.
        let seen = layer.window.moved(-whole_x, -whole_y).wider(reach(shadow.blur));
        let mut mask = joined(moved.iter(), window.wider(1).within(seen))?;
        if mask.window.is_empty() && !emblems.is_empty() {
            mask = Mask::empty(window.wider(1).within(seen))?;
        }
        emblems.iter().for_each(|emblem| mask.join(&emblem.mask()));
        let sigma = shadow.blur / 2.0;
        if sigma >= 0.1 && !mask.window.is_empty() {
            let pixels = Packed::new(mask.window.size, Channels::Gray, mask.samples);
            mask.samples = match gaussian(Pixels::U8(pixels), sigma)? {
                Pixels::U8(packed) => packed.into_samples(),
                Pixels::U16(_) | Pixels::Ycc(_) => Vec::new(),
            };
        }
        mask.window = mask.window.moved(whole_x, whole_y);
        layer.paint(&mask, shadow.color);
        Ok(())
    }
}

/// How far a shadow reaches beyond its letters.
fn reach(blur: f32) -> i32 {
    (blur * 1.5).ceil() as i32 + 1
}

fn bounds<'a>(paths: impl Iterator<Item = &'a Path>) -> Window {
    let nothing = Window::between((0, 0), (0, 0));
    paths.map(|path| Window::around(path.bounds())).fold(nothing, Window::with)
}

fn joined<'a>(paths: impl Iterator<Item = &'a Path>, window: Window) -> Result<Mask> {
    let mut joined: Option<Mask> = None;
    for path in paths {
        let mask = Mask::of(path, window)?;
        match &mut joined {
            Some(joined) => joined.join(&mask),
            None => joined = Some(mask),
        }
    }
    let nothing = Window::between((0, 0), (0, 0));
    Ok(joined.unwrap_or(Mask { window: nothing, samples: Vec::new() }))
}

/// A band around an outline that reaches so far beyond it.
pub(super) fn stroke(path: &Path, width: f32) -> Option<Path> {
    let stroke = Stroke {
        width: width * 2.0,
        line_join: LineJoin::Round,
        line_cap: LineCap::Round,
        ..Stroke::default()
    };
    path.stroke(&stroke, 1.0)
}

/// A rectangle with round corners.
pub fn rounded(rect: Rect, radius: f32) -> Option<Path> {
    let radius = radius.min(rect.width() / 2.0).min(rect.height() / 2.0);
    if radius <= 0.0 {
        return Some(PathBuilder::from_rect(rect));
    }
    // A quarter of a circle as a cubic (the usual 4/3 (√2 - 1)).
    let k = radius * (1.0 - 0.552_284_8);
    let (l, t, r, b) = (rect.left(), rect.top(), rect.right(), rect.bottom());
    let mut path = PathBuilder::new();
    path.move_to(l + radius, t);
    path.line_to(r - radius, t);
    path.cubic_to(r - k, t, r, t + k, r, t + radius);
    path.line_to(r, b - radius);
    path.cubic_to(r, b - k, r - k, b, r - radius, b);
    path.line_to(l + radius, b);
    path.cubic_to(l + k, b, l, b - k, l, b - radius);
    path.line_to(l, t + radius);
    path.cubic_to(l, t + k, l + k, t, l + radius, t);
    path.close();
    path.finish()
}

//! Whether pictures have colors after a stage, for those who ask before it runs.

use super::{ColorFn, PositionFn, Stage};
use crate::Size;

/// Channels that lie no further apart are equal in 8 bits.
const NEAR: f32 = 0.5 / 255.0;

impl Stage {
    /// Whether the picture has no colors after it, as far as is known: of what is laid over it
    /// nothing is.
    pub fn is_gray_after(&self, was_gray: bool) -> bool {
        match self {
            Self::Orient(_) | Self::Crop(_) | Self::Resample(_) | Self::Decide(_) => was_gray,
            Self::Extend(extend) => was_gray && extend.color.is_gray(),
            Self::Color(function) => shades(function) && (was_gray || colors(function)),
            Self::Position(function) => was_gray && row(&**function),
            Self::Area(area) => was_gray && area.keeps_gray(),
        }
    }
}

fn is_gray([red, green, blue]: [f32; 3]) -> bool {
    (red - green).abs() < NEAR && (green - blue).abs() < NEAR
}

/// Whether shades of gray stay gray.
fn shades(function: &ColorFn) -> bool {
    (0..=16).all(|shade| is_gray(function.eval([shade as f32 / 16.0; 3])))
}

/// Whether colors become gray: those of a cube of five a side.
fn colors(function: &ColorFn) -> bool {
    let sides = || (0..=4).map(|step| step as f32 / 4.0);
    let all = sides().flat_map(|r| sides().flat_map(move |g| sides().map(move |b| [r, g, b])));
    all.into_iter().all(|rgb| is_gray(function.eval(rgb)))
}

/// Whether a gray row stays gray.
fn row(function: &dyn PositionFn) -> bool {
    let size = Size::new(32, 32);
    let mut row = vec![[0.5; 3]; 32];
    function.apply_row(size, 3, &mut row);
    row.into_iter().all(is_gray)
}

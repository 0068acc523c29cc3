//! How the cubes of a chain are spaced.

use crate::color::{from_linear, to_linear};

/// The sides of cubes that are tried for a look: its own nodes are among theirs.
pub(super) const SIDES: [usize; 2] = [17, 33];
/// The largest side: its table still fits a cache.
pub(super) const SIDE_MAX: usize = 65;
/// How a cube holds what it is made of.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) side: usize,
    /// See `Lut3`.
    pub(super) spacing: f32,
    /// Whether it holds softened values.
    pub(super) soft: bool,
}

impl Grid {
    pub(super) const fn even(side: usize) -> Self {
        Self { side, spacing: 1.0, soft: false }
    }

    /// Dense where the cube roots of perceptual spaces are steep.
    pub(super) const DARK: Self = Self { side: 33, spacing: 2.0, soft: false };
    /// For what pushes single channels through black, as more saturation does: there the curve of
    /// sRGB is as good as a step.
    pub(super) const SOFT: Self = Self { side: SIDE_MAX, spacing: 1.25, soft: true };
}

/// What is added to linear light before its square root is taken: small enough to keep levels
/// near black apart, large enough to go through black without a step.
const SOFTNESS: f32 = 0.2;

/// From sRGB to a curve that is nearly straight in black.
pub(super) fn soften(value: f32) -> f32 {
    let light = to_linear(value);
    let root = (light.abs() + SOFTNESS).sqrt() - SOFTNESS.sqrt();
    (root / ((1.0 + SOFTNESS).sqrt() - SOFTNESS.sqrt())).copysign(light)
}

/// The inverse of [`soften`].
pub(super) fn harden(value: f32) -> f32 {
    let root = value.abs() * ((1.0 + SOFTNESS).sqrt() - SOFTNESS.sqrt()) + SOFTNESS.sqrt();
    from_linear((root * root - SOFTNESS).copysign(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softening_is_undone() {
        for i in -100..=200 {
            let value = i as f32 / 100.0;
            assert!((harden(soften(value)) - value).abs() < 1e-3, "{value}");
        }
    }
}

//! A look as a table over the RGB cube.

use std::sync::{Arc, Mutex, PoisonError};

use super::fuse::{Baked, Purpose, bake};
use crate::stage::ColorFn;

/// Nodes a side: what film looks are exchanged with (`.cube` files). Coarse enough that a look has
/// no edges that a gradient could show, and the same grid as the tables that run on 8-bit images,
/// so that these are exact for it.
const NODES: usize = 33;

/// Tables kept of a look: it is mostly asked for at the same strength, or a few.
const KEPT: usize = 4;

/// A look, read between its nodes by tetrahedral interpolation as [`super::lut3`] does. The table
/// is the definition of the look; the function it is made from is only met at the nodes.
pub struct Look {
    side: usize,
    // Invariant: side cubed of them, blue fastest.
    nodes: Vec<[f32; 3]>,
    /// The latest tables with what they were made for: strength and tolerance.
    tables: Mutex<Vec<([f32; 2], Option<Baked>)>>,
}

impl Look {
    /// The look that has these colors at its nodes. Costs milliseconds: once a process is enough.
    pub fn of(grade: impl Fn([f32; 3]) -> [f32; 3]) -> Arc<Self> {
        let color = |index: usize| {
            [index / (NODES * NODES), index / NODES % NODES, index % NODES]
                .map(|at| at as f32 / (NODES - 1) as f32)
        };
        let node = |index| grade(color(index)).map(|value| value.clamp(0.0, 1.0));
        Self::from_nodes(NODES, (0..NODES.pow(3)).map(node).collect())
    }

    /// A table that was made elsewhere, blue fastest.
    ///
    /// # Panics
    /// When the nodes do not fill a cube of this side, at least 2: that is a bug of the caller.
    pub fn from_nodes(side: usize, nodes: Vec<[f32; 3]>) -> Arc<Self> {
        assert!(side >= 2 && nodes.len() == side.pow(3), "nodes fill the cube");
        Arc::new(Self { side, nodes, tables: Mutex::default() })
    }

    /// What [`bake`] says of this look at a strength. It is kept, as making it costs more than
    /// running it on a small image.
    pub(super) fn baked(self: &Arc<Self>, strength: f32, purpose: &Purpose) -> Option<Baked> {
        let key = [strength, purpose.tolerance];
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kept)) = tables.iter().find(|(of, _)| *of == key) {
            return kept.clone();
        }
        let chain = [ColorFn::Look(Arc::clone(self), strength)];
        // For as many pixels as there may be: whether it pays is asked each time.
        let baked = bake(&chain, &Purpose { pixels: u64::MAX, ..purpose.clone() });
        tables.truncate(KEPT - 1);
        tables.insert(0, (key, baked.clone()));
        baked
    }

    /// Nodes a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The color that a color becomes, both from 0 to 1.
    pub fn eval(&self, rgb: [f32; 3]) -> [f32; 3] {
        let side = self.side;
        let [(r, r_part), (g, g_part), (b, b_part)] = rgb.map(|value| {
            let position = value.clamp(0.0, 1.0) * (side - 1) as f32;
            let cell = (position as usize).min(side - 2);
            (cell, position - cell as f32)
        });
        let base = (r * side + g) * side + b;
        let mut axes = [(r_part, side * side), (g_part, side), (b_part, 1)];
        for (first, second) in [(0, 1), (1, 2), (0, 1)] {
            if axes[first].0 < axes[second].0 {
                axes.swap(first, second);
            }
        }
        let [(high, first), (middle, second), (low, third)] = axes;
        let corners = [base, base + first, base + first + second, base + first + second + third];
        let weights = [1.0 - high, high - middle, middle - low, low];
        let mut sum = [0.0; 3];
        for (corner, weight) in corners.into_iter().zip(weights) {
            for (sum, node) in sum.iter_mut().zip(self.nodes[corner]) {
                *sum += node * weight;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_affine_comes_out_as_it_is() {
        let affine = |[r, g, b]: [f32; 3]| [0.9 * r + 0.1 * g, 0.2 + 0.5 * g, 1.0 - b];
        let look = Look::of(affine);
        for level in 0..=255u32 {
            let rgb = [level, level * 7 % 256, level * 31 % 256].map(|v| v as f32 / 255.0);
            for (ours, exact) in look.eval(rgb).into_iter().zip(affine(rgb)) {
                assert!((ours - exact).abs() < 1e-5, "{rgb:?}: {ours} {exact}");
            }
        }
    }
}

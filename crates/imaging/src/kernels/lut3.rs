//! A function of a color as a table over the RGB cube.

use crate::stage::ColorFn;

/// Fraction bits of the nodes.
const FRACTION_BITS: u32 = 4;
/// Weights of a cell sum to a power of two with this exponent.
const WEIGHT_BITS: u32 = 7;
/// Added to nodes so that they are never negative, in levels.
const BIAS: u32 = 256;
/// A node holds its channels side by side, each with room for a sum of weighted nodes: one
/// multiplication serves all three.
const FIELD_BITS: u32 = 21;

/// A table over the RGB cube, read by tetrahedral interpolation (Kasson, Nin, Plouffe and Hafner,
/// "Performing color space conversions with three-dimensional linear interpolation", 1995).
/// Nodes keep what lies outside 0..=255, so that clipping happens after the interpolation and stays
/// sharp.
pub struct Lut3 {
    nodes: Vec<u64>,
    strides: [usize; 2],
    /// For each input level the cell it is in and how far, in 1/128.
    axis: [(u16, u16); 256],
    /// For each order of the fractions, the second and the third corner on the way through the
    /// cell.
    detours: [[usize; 2]; 8],
}

/// A color function as a table, or `None` where no table of reasonable size stays within
/// `tolerance` levels of it (of 255) at the points that are tried.
pub fn bake(chain: &[ColorFn], tolerance: f32) -> Option<Lut3> {
    [17, 33]
        .into_iter()
        .map(|nodes| Lut3::new(chain, nodes))
        .find(|lut| lut.is_within(tolerance, chain))
}

/// The functions, one after the other, without clamping in between.
pub fn eval(chain: &[ColorFn], rgb: [f32; 3]) -> [f32; 3] {
    chain.iter().fold(rgb, |rgb, function| function.eval(rgb))
}

/// The two corners between the near and the far one of a cell, for the order of the fractions of
/// red, green and blue, as bits: red below green, green below blue, red below blue.
fn detour(order: usize, [red, green]: [usize; 2]) -> [usize; 2] {
    let below = |bit: usize| order >> bit & 1 == 1;
    let blue = 1;
    match (below(0), below(1), below(2)) {
        (false, false, _) => [red, red + green],
        (false, true, false) => [red, red + blue],
        (false, true, true) => [blue, blue + red],
        (true, false, false) => [green, green + red],
        (true, false, true) => [green, green + blue],
        (true, true, _) => [blue, blue + green],
    }
}

impl Lut3 {
    fn new(chain: &[ColorFn], nodes: usize) -> Self {
        let cells = (nodes - 1) as f32;
        let level = |value: f32| {
            let level = (value * 255.0).clamp(-255.0, 510.0) + BIAS as f32;
            (level * (1 << FRACTION_BITS) as f32 + 0.5) as u64
        };
        let node = |index: usize| {
            let at = [index / (nodes * nodes), index / nodes % nodes, index % nodes];
            let [r, g, b] = eval(chain, at.map(|i| i as f32 / cells)).map(level);
            r | g << FIELD_BITS | b << (2 * FIELD_BITS)
        };
        let axis = std::array::from_fn(|value| {
            let position = value * (nodes - 1) * (1 << WEIGHT_BITS);
            let cell = (value * (nodes - 1) / 255).min(nodes - 2);
            let fraction = (position as f32 / 255.0).round() as usize - (cell << WEIGHT_BITS);
            (cell as u16, fraction as u16)
        });
        let strides = [nodes * nodes, nodes];
        let nodes = (0..nodes.pow(3)).map(node).collect();
        Self { nodes, strides, axis, detours: std::array::from_fn(|order| detour(order, strides)) }
    }

    /// Whether it differs from the exact functions by no more than this, in levels, at points
    /// spread over the cube so that they meet cells in their middles, on their faces and on the
    /// gray axis.
    fn is_within(&self, tolerance: f32, chain: &[ColorFn]) -> bool {
        let grid = (0..18).map(|i| (i * 15 + 4).min(255) as u8);
        let cube = grid.clone().flat_map(|r| {
            let grid = grid.clone();
            grid.clone().flat_map(move |g| grid.clone().map(move |b| [r, g, b]))
        });
        let grays = (0..=255).map(|level| [level; 3]);
        let error = |rgb: [u8; 3]| {
            let exact = eval(chain, rgb.map(|v| f32::from(v) / 255.0));
            let ours = self.get(rgb);
            let off =
                |c: usize| (exact[c].clamp(0.0, 1.0) * 255.0 - ours[c].clamp(0.0, 255.0)).abs();
            off(0).max(off(1)).max(off(2))
        };
        grays.chain(cube).all(|rgb| error(rgb) <= tolerance)
    }

    /// The weighted sum of the four nodes around a color, with all fraction bits. Without branches,
    /// since the order of the three fractions is as good as random.
    #[inline(always)]
    fn weighted(&self, [r, g, b]: [u8; 3]) -> [i32; 3] {
        let (r, g, b) = (self.axis[r as usize], self.axis[g as usize], self.axis[b as usize]);
        let base = r.0 as usize * self.strides[0] + g.0 as usize * self.strides[1] + b.0 as usize;
        let (r, g, b) = (r.1, g.1, b.1);
        // From the near corner of the cell along the axes in the order of their fractions to the
        // far one.
        let order = usize::from(r < g) | usize::from(g < b) << 1 | usize::from(r < b) << 2;
        let [first, second] = self.detours[order];
        let high = r.max(g).max(b);
        let low = r.min(g).min(b);
        let middle = r + g + b - high - low;
        let far = self.strides[0] + self.strides[1] + 1;
        let corners = [base, base + first, base + second, base + far];
        let weights = [(1 << WEIGHT_BITS) - high, high - middle, middle - low, low];
        let pairs = corners.into_iter().zip(weights);
        let sum: u64 = pairs.map(|(corner, weight)| self.nodes[corner] * u64::from(weight)).sum();
        let bias = (BIAS << (FRACTION_BITS + WEIGHT_BITS)).cast_signed();
        [0, FIELD_BITS, 2 * FIELD_BITS]
            .map(|field| (sum >> field & ((1 << FIELD_BITS) - 1)) as i32 - bias)
    }

    /// The color in levels (0..=255), neither rounded nor clamped.
    pub fn get(&self, rgb: [u8; 3]) -> [f32; 3] {
        self.weighted(rgb).map(|sum| sum as f32 / (1 << (FRACTION_BITS + WEIGHT_BITS)) as f32)
    }

    /// Changes the colors of a row of pixels of `N` samples (3, or 4 with alpha last).
    pub fn apply_row<const N: usize>(&self, row: &mut [u8]) {
        const SHIFT: u32 = FRACTION_BITS + WEIGHT_BITS;
        let (pixels, _) = row.as_chunks_mut::<N>();
        for pixel in pixels {
            let sum = self.weighted([pixel[0], pixel[1], pixel[2]]);
            for channel in 0..3 {
                pixel[channel] = ((sum[channel] + (1 << (SHIFT - 1))) >> SHIFT).clamp(0, 255) as u8;
            }
        }
    }
}

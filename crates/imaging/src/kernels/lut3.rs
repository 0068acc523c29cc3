//! A function of a color as a table over a box of colors.

/// Fraction bits of the nodes.
const FRACTION_BITS: u32 = 4;
/// Weights of a cell sum to a power of two with this exponent.
const WEIGHT_BITS: u32 = 7;
/// Added to nodes so that they are never negative, in levels.
const BIAS: u32 = 256;
/// A node holds its channels side by side, each with room for a sum of weighted nodes: one
/// multiplication serves all three.
const FIELD_BITS: u32 = 21;
/// What a sum counts of a level.
const SUM_BITS: u32 = FRACTION_BITS + WEIGHT_BITS;

/// How finely a result is told to a table that follows: sixteenths of a level.
const BIN_BITS: u32 = 4;
/// The bins of a result, from 256 levels below black to 512 over it; a power of two, so that no
/// index is out of bounds.
pub(super) const BINS: usize = 1 << 14;

/// A table over a box of colors, read by tetrahedral interpolation (Kasson, Nin, Plouffe and
/// Hafner, "Performing color space conversions with three-dimensional linear interpolation", 1995).
/// Nodes keep what lies outside 0..=255, so that clipping happens after the interpolation and stays
/// sharp.
pub(super) struct Lut3 {
    nodes: Vec<u64>,
    side: usize,
    strides: [usize; 3],
    /// The lowest and the highest value of each channel.
    range: [[f32; 2]; 3],
    /// Nodes lie at powers of equal steps with this exponent: from 1 on, denser toward black.
    spacing: f32,
    /// For each order of the fractions, the second and the third corner on the way through the
    /// cell.
    detours: [[usize; 2]; 8],
}

/// Where a value lies on an axis: the offset of its cell, and in the low 8 bits how far it is in
/// it, in 1/128.
pub(super) type Place = u32;

/// The weighted sum of nodes, the three channels side by side.
#[derive(Clone, Copy)]
pub(super) struct Sum(u64);

impl Lut3 {
    /// The function at `side` nodes an axis over a range of each channel; see `spacing`.
    pub(super) fn new(
        map: impl Fn([f32; 3]) -> [f32; 3],
        side: usize,
        range: [[f32; 2]; 3],
        spacing: f32,
    ) -> Self {
        let level = |value: f32| {
            let level = (value * 255.0).clamp(-255.0, 510.0) + BIAS as f32;
            (level * (1 << FRACTION_BITS) as f32 + 0.5) as u64
        };
        let node = |index: usize| {
            let at = [index / (side * side), index / side % side, index % side];
            let rgb = std::array::from_fn(|c| {
                let [low, high] = range[c];
                low + (high - low) * (at[c] as f32 / (side - 1) as f32).powf(spacing)
            });
            let [r, g, b] = map(rgb).map(level);
            r | g << FIELD_BITS | b << (2 * FIELD_BITS)
        };
        let strides = [side * side, side, 1];
        let nodes = (0..side.pow(3)).map(node).collect();
        let detours = std::array::from_fn(|order| detour(order, strides));
        Self { nodes, side, strides, range, spacing, detours }
    }

    /// Where a value of a channel lies.
    pub(super) fn place(&self, channel: usize, value: f32) -> Place {
        let [low, high] = self.range[channel];
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        let position = share.powf(1.0 / self.spacing) * (self.side - 1) as f32;
        let cell = (position as usize).min(self.side - 2);
        let fraction = ((position - cell as f32) * (1 << WEIGHT_BITS) as f32).round();
        ((cell * self.strides[channel]) << 8) as u32 | fraction as u32
    }

    /// The weighted sum of the four nodes around a color. Without branches, since the order of the
    /// three fractions is as good as random.
    #[inline(always)]
    pub(super) fn sum(&self, [r, g, b]: [Place; 3]) -> Sum {
        let base = (r >> 8) as usize + (g >> 8) as usize + (b >> 8) as usize;
        let (r, g, b) = (r & 0xFF, g & 0xFF, b & 0xFF);
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
        Sum(pairs.map(|(corner, weight)| self.nodes[corner] * u64::from(weight)).sum())
    }
}

impl Sum {
    #[inline(always)]
    fn fields(self) -> [u32; 3] {
        [0, FIELD_BITS, 2 * FIELD_BITS]
            .map(|field| (self.0 >> field) as u32 & ((1 << FIELD_BITS) - 1))
    }

    /// The color from 0 to 1, neither rounded nor clamped.
    pub(super) fn color(self) -> [f32; 3] {
        self.fields().map(|sum| (sum as f32 / (1 << SUM_BITS) as f32 - BIAS as f32) * (1.0 / 255.0))
    }

    /// The color in whole levels.
    #[inline(always)]
    pub(super) fn levels(self) -> [u8; 3] {
        const OFFSET: i32 = (1 << (SUM_BITS - 1)) - (BIAS << SUM_BITS).cast_signed();
        self.fields().map(|sum| ((sum.cast_signed() + OFFSET) >> SUM_BITS).clamp(0, 255) as u8)
    }

    /// The bins of the color.
    #[inline(always)]
    pub(super) fn bins(self) -> [usize; 3] {
        const DROPPED: u32 = SUM_BITS - BIN_BITS;
        self.fields().map(|sum| ((sum + (1 << (DROPPED - 1))) >> DROPPED) as usize % BINS)
    }
}

/// The middle of a bin, from 0 to 1.
pub(super) fn bin_value(bin: usize) -> f32 {
    (bin as f32 / (1 << BIN_BITS) as f32 - BIAS as f32) / 255.0
}

/// The bin of a value.
pub(super) fn bin_of(value: f32) -> usize {
    let level = value.clamp(-1.0, 2.0) * 255.0 + BIAS as f32;
    (level * (1 << BIN_BITS) as f32 + 0.5) as usize % BINS
}

/// The two corners between the near and the far one of a cell, for the order of the fractions of
/// red, green and blue, as bits: red below green, green below blue, red below blue.
fn detour(order: usize, [red, green, blue]: [usize; 3]) -> [usize; 2] {
    let below = |bit: usize| order >> bit & 1 == 1;
    match (below(0), below(1), below(2)) {
        (false, false, _) => [red, red + green],
        (false, true, false) => [red, red + blue],
        (false, true, true) => [blue, blue + red],
        (true, false, false) => [green, green + red],
        (true, false, true) => [green, green + blue],
        (true, true, _) => [blue, blue + green],
    }
}

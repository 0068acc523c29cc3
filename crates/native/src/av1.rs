//! libaom 3.11: AV1 pictures to and from planes.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::{Search, Settings, Tune, encode};

/// The longest side of a picture.
pub const SIDE_MAX: u32 = 65_535;

/// Which planes a picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Luma alone.
    Gray,
    /// Chroma halved across and down.
    S420,
    /// Chroma halved across.
    S422,
    /// Three planes of one size.
    S444,
}

impl Layout {
    /// Luma samples a chroma sample, across and down.
    pub fn factors(self) -> (u32, u32) {
        match self {
            Self::Gray | Self::S420 => (2, 2),
            Self::S422 => (2, 1),
            Self::S444 => (1, 1),
        }
    }
}

/// What the numbers mean, by the code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cicp {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Whether samples use their full range.
    pub full_range: bool,
}

/// Planes without row padding: one, or three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planes {
    /// Samples of 8 bits.
    U8(Vec<Vec<u8>>),
    /// Samples of 10 or 12 bits.
    U16(Vec<Vec<u16>>),
}

/// A picture as AV1 holds it.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bits a sample: 8, 10 or 12.
    pub bit_depth: u8,
    /// Which planes there are.
    pub layout: Layout,
    /// What the numbers mean.
    pub cicp: Cicp,
    /// The planes.
    pub planes: Planes,
}

impl Picture {
    /// The size of a plane, counted from 0.
    pub fn plane_size(&self, plane: usize) -> (usize, usize) {
        let (across, down) = if plane == 0 { (1, 1) } else { self.layout.factors() };
        (self.width.div_ceil(across) as usize, self.height.div_ceil(down) as usize)
    }

    fn plane_count(&self) -> usize {
        if self.layout == Layout::Gray { 1 } else { 3 }
    }
}

#[cfg(test)]
mod tests;

//! The hot loops: generic over sample depth, tested and benched alone.

pub mod attention;
pub mod blur;
pub mod canvas;
pub mod color_pass;
mod fuse;
pub mod guided;
pub mod halftone;
pub mod look;
pub mod luma;
mod lut3;
pub mod orient;
pub mod palette;
pub mod planes;
pub mod resample;
pub mod rows;
pub mod sheet;
pub mod skew;
pub mod small;
pub mod soften;
pub mod turn;
pub mod warp;

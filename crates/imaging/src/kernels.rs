//! The hot loops: generic over sample depth, tested and benched alone.

pub mod attention;
pub mod blend;
pub mod blur;
pub mod canvas;
pub mod color_pass;
pub mod coverage;
mod fuse;
pub mod guided;
pub mod halftone;
pub mod layer;
pub mod look;
pub mod luma;
mod lut3;
pub mod orient;
pub mod palette;
pub mod planes;
pub mod redact;
pub mod resample;
pub mod rows;
pub mod sheet;
pub mod skew;
pub mod small;
pub mod soften;
mod toned;
pub mod turn;
pub mod warp;
pub mod wide;

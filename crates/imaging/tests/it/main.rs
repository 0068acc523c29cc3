//! The integration tests of the engine, one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod animation;
mod color_chunks;
mod compose;
mod drawing_bounds;
mod drawings;
mod ending;
mod explain;
mod exr;
mod formats;
mod found;
mod geometry;
mod gif_rules;
mod golden;
mod hostile;
mod inputs;
mod jxl;
mod laws;
mod matrix;
mod modern;
mod pages;
mod palette;
mod phones;
mod pictures;
mod raster;
mod rules;
mod tiff;
mod wishes;
mod wrap;

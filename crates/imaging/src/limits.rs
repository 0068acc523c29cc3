//! Bounds on what strangers may ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Size};

/// Bounds that hold for every image on its way through the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most pixels an image may have, coming in or going out.
    pub pixels_max: u64,
    /// The longest side of an image in pixels, coming in or going out.
    pub side_max: u32,
    /// The most frames or pages a file may have.
    pub frames_max: u32,
    /// The most scans a JPEG may have. Each costs a pass over the whole image.
    pub jpeg_scans_max: u32,
    /// The most steps a pipeline may have.
    pub steps_max: usize,
    /// The most operations or filters one step may list.
    pub operations_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pixels_max: 268_435_456,
            side_max: 65_535,
            frames_max: 2_000,
            jpeg_scans_max: 64,
            steps_max: 32,
            operations_max: 64,
        }
    }
}

impl Limits {
    /// Refuses more frames than a file may have.
    pub fn check_frames(&self, frames: u32) -> Result<()> {
        if frames > self.frames_max {
            return Err(Error::limit(format!(
                "{frames} frames are over the limit of {}",
                self.frames_max
            )));
        }
        Ok(())
    }

    /// Refuses a size that is over the limits, or empty.
    pub fn check_size(&self, size: Size) -> Result<()> {
        let Size { width, height } = size;
        if width == 0 || height == 0 {
            return Err(Error::input(format!("an image of {size} has no pixels")));
        }
        if width.max(height) > self.side_max {
            return Err(Error::limit(format!(
                "{size} is over the limit of {} pixels a side",
                self.side_max
            )));
        }
        if size.area() > self.pixels_max {
            return Err(Error::limit(format!(
                "{size} is over the limit of {} megapixels",
                self.pixels_max / 1_000_000
            )));
        }
        Ok(())
    }
}

//! From linear light (Radiance, PFM, BC6H) to sRGB of 16 bits.
//!
//! 1 is the white of the screen. What is brighter becomes white; nothing is darkened to make room,
//! as no curve suits all pictures: `brightness` and its kin are there to choose one.

/// From linear light to the curve of sRGB: [`crate::color::srgb_curve`] as exact as 16 bits need
/// it, in half the time.
pub(super) fn curve(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// A sample of linear light on the curve of sRGB, clipped.
pub(super) fn to_srgb(light: f32) -> u16 {
    // What is no number stays none up to the cast, which makes it black.
    (curve(light.clamp(0.0, 1.0)) * 65_535.0 + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_clipped_and_curved() {
        for (light, expected) in [(0.0, 0), (1.0, 65_535), (5.0, 65_535), (-2.0, 0)] {
            assert_eq!(to_srgb(light), expected);
        }
        assert_eq!(to_srgb(f32::NAN), 0);
        assert_eq!(to_srgb(0.215_861) / 257, 128);
    }
}

//! Four inks to sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// The sixteen ways to lay cyan, magenta, yellow and black (bits 0 to 3) over each other on coated
/// paper, as sRGB: what SWOP-like offset presses print, not the neon of plain subtraction.
const OVERPRINTS: [[u8; 3]; 16] = [
    [255, 255, 255],
    [0, 174, 239],
    [236, 0, 140],
    [46, 49, 146],
    [255, 242, 0],
    [0, 166, 81],
    [237, 28, 36],
    [54, 54, 57],
    [35, 31, 32],
    [0, 18, 25],
    [26, 0, 11],
    [7, 6, 16],
    [28, 26, 0],
    [0, 19, 9],
    [23, 3, 4],
    [0, 0, 0],
];

/// Pixels of four inks (0 is none, 255 is full) to sRGB: as the profile says, or by a plain model
/// of a press when there is none that can be used.
pub(in crate::formats) fn to_srgb(inks: &[u8], icc: Option<&[u8]>) -> Vec<u8> {
    icc.and_then(|icc| by_profile(inks, icc)).unwrap_or_else(|| by_overprints(inks))
}

fn by_profile(inks: &[u8], icc: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    if profile.color_space != DataColorSpace::Cmyk {
        return None;
    }
    let options = TransformOptions::default();
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options).ok()?;
    let mut pixels = vec![0; inks.len() / 4 * 3];
    transform.transform(inks, &mut pixels).ok()?;
    Some(pixels)
}

/// Neugebauer's equations: a pixel is the mean of the sixteen overprints, each weighted by the
/// share of paper that it covers when the dots of the four inks fall independently.
fn by_overprints(inks: &[u8]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(inks.len() / 4 * 3);
    for ink in inks.chunks_exact(4) {
        let mut colors = OVERPRINTS.map(|color| color.map(f32::from));
        let mut len = colors.len();
        for amount in [ink[3], ink[2], ink[1], ink[0]] {
            let share = f32::from(amount) / 255.0;
            len /= 2;
            let (without, with) = colors.split_at_mut(len);
            for (color, over) in without.iter_mut().zip(with) {
                for (a, b) in color.iter_mut().zip(over) {
                    *a += (*b - *a) * share;
                }
            }
        }
        pixels.extend(colors[0].map(|value| value.round() as u8));
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inks: [u8; 4], expected: [u8; 3]) {
        assert_eq!(to_srgb(&inks, None), expected);
    }

    #[test]
    fn pure_inks_look_like_printed_ones() {
        check([0, 0, 0, 0], [255, 255, 255]);
        check([255, 0, 0, 0], [0, 174, 239]);
        check([0, 255, 255, 0], [237, 28, 36]);
        check([0, 0, 0, 255], [35, 31, 32]);
        check([255, 255, 255, 255], [0, 0, 0]);
    }

    #[test]
    fn more_ink_is_never_lighter() {
        for ink in 0..4 {
            let mut before = u32::MAX;
            for amount in 0..=255 {
                let mut inks = [40, 40, 40, 40];
                inks[ink] = amount;
                let sum = to_srgb(&inks, None).into_iter().map(u32::from).sum();
                assert!(sum <= before);
                before = sum;
            }
        }
    }

    /// A profile (ICC.1:2010, 10.10) that says of full cyan that it is red, of any black that it is
    /// black, and of all other inks that they cannot be seen.
    fn red_cyan() -> Vec<u8> {
        let ramp: Vec<u8> = (0..=255).collect();
        let corners = (0..16).flat_map(|corner| match (corner & 0b1000, corner & 0b0001) {
            (_, 1) => [0, 128, 128],
            (0, _) => [255, 128, 128],
            _ => [136, 208, 195],
        });
        let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
        for entry in [1u32, 0, 0, 0, 1, 0, 0, 0, 1] {
            table.extend((entry << 16).to_be_bytes());
        }
        table.extend(ramp.repeat(4));
        table.extend(corners);
        table.extend(ramp.repeat(3));
        let mut profile = vec![0; 128];
        profile[8..24].copy_from_slice(b"\x02\x10\0\0prtrCMYKLab ");
        profile[36..40].copy_from_slice(b"acsp");
        profile[68..80].copy_from_slice(&[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]);
        profile.extend(1u32.to_be_bytes());
        profile.extend(b"A2B0\0\0\0\x90");
        profile.extend((table.len() as u32).to_be_bytes());
        profile.extend(table);
        let len = profile.len() as u32;
        profile[..4].copy_from_slice(&len.to_be_bytes());
        profile
    }

    #[test]
    fn a_profile_decides() {
        let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255]];
        let seen = to_srgb(inks.as_flattened(), Some(&red_cyan()));
        let expected = [[255, 255, 255], [255, 0, 0], [255, 255, 255], [0, 0, 0]];
        for (seen, expected) in seen.iter().zip(expected.as_flattened()) {
            assert!(seen.abs_diff(*expected) <= 8, "{seen} for {expected}");
        }
    }

    #[test]
    fn a_profile_that_is_not_for_inks_is_passed_over() {
        let icc = ColorProfile::new_srgb().encode().unwrap();
        assert_eq!(to_srgb(&[0, 0, 0, 255], Some(&icc)), [35, 31, 32]);
        assert_eq!(to_srgb(&[0, 0, 0, 255], Some(b"no profile")), [35, 31, 32]);
    }
}

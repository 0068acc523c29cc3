//! CIE L*a*b* under D50 to sRGB.

use super::light::curve;

/// L* from 0 to 65 535 for 100, a* and b* with 0 at 128 steps, to sRGB of 16 bits. Colors outside
/// of sRGB are clipped.
pub(super) fn to_srgb(lab: &[u16], step: f32) -> Vec<u16> {
    let mut out = Vec::with_capacity(lab.len());
    for pixel in lab.chunks_exact(3) {
        let [l, a, b] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
        let color = from_lab(l * 100.0 / 65_535.0, a / step - 128.0, b / step - 128.0);
        out.extend(color.map(|value| (curve(value.clamp(0.0, 1.0)) * 65_535.0 + 0.5) as u16));
    }
    out
}

/// Linear sRGB, by way of XYZ and Bradford's adaptation to D65.
fn from_lab(l: f32, a: f32, b: f32) -> [f32; 3] {
    let y = (l + 16.0) / 116.0;
    let linear = |f: f32| {
        if f > 6.0 / 29.0 { f * f * f } else { 3.0 * (6.0f32 / 29.0).powi(2) * (f - 4.0 / 29.0) }
    };
    let x = linear(y + a / 500.0) * 0.964_22;
    let z = linear(y - b / 200.0) * 0.825_21;
    let y = linear(y);
    [
        3.134_136 * x - 1.617_386 * y - 0.490_662 * z,
        -0.978_796 * x + 1.916_254 * y + 0.033_443 * z,
        0.071_955 * x - 0.228_977 * y + 1.405_386 * z,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check([l, a, b]: [f32; 3], expected: [u8; 3]) {
        let color = from_lab(l, a, b).map(|value| curve(value.clamp(0.0, 1.0)) * 255.0);
        for (color, expected) in color.iter().zip(expected) {
            assert!((color - f32::from(expected)).abs() < 1.0, "{color} for {expected}");
        }
    }

    #[test]
    fn the_corners_of_srgb_are_where_they_should_be() {
        check([100.0, 0.0, 0.0], [255, 255, 255]);
        check([0.0, 0.0, 0.0], [0, 0, 0]);
        check([53.585, 0.0, 0.0], [128, 128, 128]);
        check([54.29, 80.81, 69.89], [255, 0, 0]);
        check([87.82, -79.27, 80.99], [0, 255, 0]);
        check([29.57, 68.30, -112.03], [0, 0, 255]);
    }

    #[test]
    fn both_ways_to_write_white_are_white() {
        let white =
            [to_srgb(&[65_535, 0x8000, 0x8000], 256.0), to_srgb(&[65_535, 32_896, 32_896], 257.0)];
        assert!(white.iter().flatten().all(|sample| *sample > 65_500), "{white:?}");
    }
}

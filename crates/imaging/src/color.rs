//! Colours as people write them, and the curves and spaces that filters work in.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A colour in sRGB with straight alpha, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub [u8; 4]);

impl Color {
    /// Nothing at all.
    pub const TRANSPARENT: Self = Self([0, 0, 0, 0]);
    /// White.
    pub const WHITE: Self = Self([255; 4]);

    /// From a CSS colour (CSS Color Module Level 4): `#rgb`, `#rrggbb`, `#rrggbbaa`, a name,
    /// `transparent`.
    pub fn parse(text: &str) -> Option<Self> {
        csscolorparser::parse(text).ok().map(|color| Self(color.to_rgba8()))
    }

    /// Whether it hides everything behind it.
    pub fn is_opaque(self) -> bool {
        self.0[3] == 255
    }

    /// Whether it is black, white or between, or nothing to see.
    pub fn is_gray(self) -> bool {
        let [red, green, blue, alpha] = self.0;
        alpha == 0 || (red == green && green == blue)
    }

    /// Whether it is the same in all profiles: black, white, or nothing to see.
    pub fn is_of_any_profile(self) -> bool {
        let [red, green, blue, alpha] = self.0;
        alpha == 0 || [red, green, blue] == [0; 3] || [red, green, blue] == [255; 3]
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a CSS color")))
    }
}

impl Serialize for Color {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [r, g, b, a] = self.0;
        serializer.collect_str(&format_args!("#{r:02x}{g:02x}{b:02x}{a:02x}"))
    }
}

/// Steps of the tables: the error of linear interpolation stays far under half a 16-bit level.
const TABLE_LEN: usize = 4096;

static TO_LINEAR: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let exact = |v: f64| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
    (0..=TABLE_LEN).map(|i| exact(i as f64 / TABLE_LEN as f64) as f32).collect()
});

/// Over the square root of the linear value: the curve is steep near black.
static FROM_LINEAR: LazyLock<Vec<f32>> = LazyLock::new(|| {
    (0..=TABLE_LEN).map(|i| srgb_curve((i as f64 / TABLE_LEN as f64).powi(2)) as f32).collect()
});

/// Linear light (0 to 1) to sRGB (IEC 61966-2-1), exactly.
pub fn srgb_curve(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// A value of a table over 0..=1, linearly interpolated; outside it is clamped.
pub fn interpolate(table: &[f32], x: f32) -> f32 {
    let last = table.len() - 1;
    let position = x.clamp(0.0, 1.0) * last as f32;
    let index = (position as usize).min(last - 1);
    let fraction = position - index as f32;
    table[index] + (table[index + 1] - table[index]) * fraction
}

/// sRGB to linear light (IEC 61966-2-1). What is over white goes on with the curve and what is
/// below black is its mirror image, as scRGB (IEC 61966-2-2) has it: no information is lost between
/// two functions of color.
pub fn to_linear(value: f32) -> f32 {
    match value.abs() {
        size if size <= 1.0 => interpolate(&TO_LINEAR, size).copysign(value),
        size => ((size + 0.055) / 1.055).powf(2.4).copysign(value),
    }
}

/// Linear light to sRGB (IEC 61966-2-1), the inverse of [`to_linear`].
pub fn from_linear(value: f32) -> f32 {
    match value.abs() {
        size if size <= 1.0 => interpolate(&FROM_LINEAR, size.sqrt()).copysign(value),
        size => (1.055 * size.powf(1.0 / 2.4) - 0.055).copysign(value),
    }
}

/// 0 up to `from`, 1 from `to` on, smooth in between (Hermite's cubic). `from` may be the larger
/// one.
pub fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The luminance of linear light (ITU-R BT.709).
pub fn luminance([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Rows of coefficients.
pub type Matrix = [[f32; 3]; 3];

/// Linear light to what the three cones of the eye see, as Oklab models them.
pub const LIGHT_TO_CONES: Matrix = [
    [0.412_221_47, 0.536_332_55, 0.051_445_995],
    [0.211_903_5, 0.680_699_5, 0.107_396_96],
    [0.088_302_46, 0.281_718_85, 0.629_978_7],
];
/// The inverse of [`LIGHT_TO_CONES`].
pub const CONES_TO_LIGHT: Matrix = [
    [4.076_741_7, -3.307_711_6, 0.230_969_94],
    [-1.268_438, 2.609_757_4, -0.341_319_38],
    [-0.004_196_086_3, -0.703_418_6, 1.707_614_7],
];
/// Cube roots of cones to lightness and the two color axes.
pub const ROOTS_TO_LAB: Matrix = [
    [0.210_454_26, 0.793_617_8, -0.004_072_047],
    [1.977_998_5, -2.428_592_2, 0.450_593_7],
    [0.025_904_037, 0.782_771_77, -0.808_675_77],
];
/// The inverse of [`ROOTS_TO_LAB`].
pub const LAB_TO_ROOTS: Matrix = [
    [1.0, 0.396_337_78, 0.215_803_76],
    [1.0, -0.105_561_346, -0.063_854_17],
    [1.0, -0.089_484_18, -1.291_485_5],
];

/// A vector, multiplied by a matrix.
pub fn times(matrix: &Matrix, [x, y, z]: [f32; 3]) -> [f32; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

/// sRGB to Oklab (Björn Ottosson, "A perceptual color space for image processing", 2020).
pub fn to_oklab(rgb: [f32; 3]) -> [f32; 3] {
    times(&ROOTS_TO_LAB, times(&LIGHT_TO_CONES, rgb.map(to_linear)).map(f32::cbrt))
}

/// Oklab to sRGB; what is outside its gamut is outside 0..=1.
pub fn from_oklab(lab: [f32; 3]) -> [f32; 3] {
    let cones = times(&LAB_TO_ROOTS, lab).map(|root| root * root * root);
    times(&CONES_TO_LIGHT, cones).map(from_linear)
}

/// Below a quarter of an 8-bit level a power is a straight line: its slope has no bound there, and
/// it would make noise of what is as good as nothing.
const POWER_MIN: f32 = 0.25 / 255.0;

/// A value to a power, mirrored below black.
pub fn power(value: f32, exponent: f32) -> f32 {
    match value.abs() {
        size if size < POWER_MIN => value * POWER_MIN.powf(exponent - 1.0),
        size => size.powf(exponent).copysign(value),
    }
}

/// Where more light starts to roll off, in linear light.
const SHOULDER: f32 = 0.5;

/// Linear light, multiplied. Where that is more light, what would be over white rolls off toward
/// it: a power whose slope continues the straight part and which leaves white at white.
pub fn with_gain(light: f32, gain: f32) -> f32 {
    let start = SHOULDER / gain;
    if gain <= 1.0 || light <= start || light >= 1.0 {
        return if gain > 1.0 && light >= 1.0 { light } else { light * gain };
    }
    let rest = 1.0 - (light - start) / (1.0 - start);
    1.0 - (1.0 - SHOULDER) * rest.powf((gain - SHOULDER) / (1.0 - SHOULDER))
}

/// A color at another lightness (Oklab). Chroma follows it most of the way, as it does when the
/// light on a thing changes.
pub fn relit(rgb: [f32; 3], curve: impl Fn(f32) -> f32) -> [f32; 3] {
    let [lightness, a, b] = to_oklab(rgb);
    let changed = curve(lightness);
    let ratio = if lightness > 1e-4 { (changed / lightness).clamp(0.0, 4.0) } else { 1.0 };
    let chroma = ratio.powf(0.8);
    from_oklab([changed, a * chroma, b * chroma])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_read_as_css_writes_them() {
        assert_eq!(Color::parse("#fff"), Some(Color::WHITE));
        assert_eq!(Color::parse("#11223380"), Some(Color([0x11, 0x22, 0x33, 0x80])));
        assert_eq!(Color::parse("tomato"), Some(Color([255, 99, 71, 255])));
        assert_eq!(Color::parse("transparent"), Some(Color::TRANSPARENT));
        assert_eq!(Color::parse("reddish"), None);
    }

    #[test]
    fn more_light_is_monotone_without_a_kink_and_never_over_white() {
        for gain in [0.25, 1.0, 1.3, 2.0, 16.0] {
            let at = |i: u32| with_gain(i as f32 / 4096.0, gain);
            assert!((at(4096) - gain.min(1.0)).abs() < 1e-6);
            let slopes: Vec<f32> = (0..4096).map(|i| (at(i + 1) - at(i)) * 4096.0).collect();
            assert!(slopes.iter().all(|slope| *slope >= 0.0 && *slope <= gain * 1.01), "{gain}");
            let kink = slopes.windows(2).map(|pair| (pair[0] - pair[1]).abs()).fold(0.0, f32::max);
            assert!(kink < 0.02 * gain * gain, "{gain}: {kink}");
        }
    }

    #[test]
    fn curves_and_spaces_are_their_own_inverses_within_a_tenth_of_a_level() {
        for level in 0..=255 {
            let value = level as f32 / 255.0;
            assert!((from_linear(to_linear(value)) - value).abs() < 0.1 / 255.0, "{level}");
            let other = (level * 7 % 256) as f32 / 255.0;
            let rgb = [value, other, 1.0 - value];
            let back = from_oklab(to_oklab(rgb));
            for (before, after) in rgb.iter().zip(back) {
                assert!((before - after).abs() < 0.1 / 255.0, "{rgb:?} {back:?}");
            }
        }
    }
}

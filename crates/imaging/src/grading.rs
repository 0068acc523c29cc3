//! What looks are made of: a color in Oklab, and what a grader does to it.

use crate::color::{from_oklab, smoothstep, to_oklab};

/// Hues in Oklab, in degrees.
pub(crate) mod hue {
    pub(crate) const RED: f32 = 26.0;
    /// Skin of every shade lies near this hue; it differs in lightness and chroma.
    pub(crate) const SKIN: f32 = 48.0;
    pub(crate) const ORANGE: f32 = 55.0;
    pub(crate) const GOLD: f32 = 68.0;
    pub(crate) const YELLOW: f32 = 105.0;
    pub(crate) const GREEN: f32 = 142.0;
    pub(crate) const TEAL: f32 = 205.0;
    pub(crate) const BLUE: f32 = 260.0;
    pub(crate) const VIOLET: f32 = 295.0;
}

/// A color on its way through a look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shade {
    /// From black (0) to white (1).
    pub(crate) lightness: f32,
    a: f32,
    b: f32,
}

impl Shade {
    /// Of sRGB.
    pub(crate) fn of(rgb: [f32; 3]) -> Self {
        let [lightness, a, b] = to_oklab(rgb.map(|value| value.clamp(0.0, 1.0)));
        Self { lightness, a, b }
    }

    /// In sRGB. What no screen can show loses chroma until it can, and keeps lightness and hue.
    pub(crate) fn rgb(self) -> [f32; 3] {
        let lightness = self.lightness.clamp(0.0, 1.0);
        let at = |share: f32| from_oklab([lightness, self.a * share, self.b * share]);
        let fits = |rgb: [f32; 3]| rgb.iter().all(|value| (-0.001..=1.001).contains(value));
        let (mut low, mut high) = (0.0, 1.0);
        if fits(at(1.0)) {
            return at(1.0);
        }
        for _ in 0..10 {
            let middle = (low + high) / 2.0;
            if fits(at(middle)) { low = middle } else { high = middle }
        }
        at(low).map(|value| value.clamp(0.0, 1.0))
    }

    /// How far it is from gray; a pure red has 0.26.
    pub(crate) fn chroma(self) -> f32 {
        self.a.hypot(self.b)
    }

    /// 1 for colors of this hue, 0 for those that are `width` degrees away, and for grays.
    pub(crate) fn near(self, degrees: f32, width: f32) -> f32 {
        let chroma = self.chroma();
        if chroma < 1e-4 {
            return 0.0;
        }
        let [x, y] = direction(degrees);
        let across = ((self.a * x + self.b * y) / chroma).clamp(-1.0, 1.0).acos().to_degrees();
        smoothstep(width, 0.0, across) * smoothstep(0.008, 0.05, chroma)
    }

    /// How much it is like skin: near its hue, neither gray nor gaudy, neither black nor white.
    pub(crate) fn skin(self) -> f32 {
        self.near(hue::SKIN, 42.0).sqrt()
            * smoothstep(0.24, 0.14, self.chroma())
            * smoothstep(0.15, 0.35, self.lightness)
    }

    /// 1 in the shadows, 0 from the middle tones on.
    pub(crate) fn dim(self) -> f32 {
        smoothstep(0.65, 0.15, self.lightness)
    }

    /// 1 in the highlights, 0 up to the middle tones.
    pub(crate) fn bright(self) -> f32 {
        smoothstep(0.45, 0.90, self.lightness)
    }

    /// With its lightness changed.
    pub(crate) fn toned(self, curve: impl Fn(f32) -> f32) -> Self {
        Self { lightness: curve(self.lightness), ..self }
    }

    /// With its chroma multiplied.
    pub(crate) fn saturated(self, factor: f32) -> Self {
        Self { a: self.a * factor, b: self.b * factor, ..self }
    }

    /// Tinted: moved by so much chroma toward a hue.
    pub(crate) fn tinted(self, degrees: f32, chroma: f32) -> Self {
        let [x, y] = direction(degrees);
        Self { a: self.a + x * chroma, b: self.b + y * chroma, ..self }
    }

    /// Turned by a share of the way to a hue, at the same chroma as far as that goes.
    pub(crate) fn turned(self, degrees: f32, share: f32) -> Self {
        let ([x, y], chroma) = (direction(degrees), self.chroma());
        let mix = |from: f32, to: f32| from + (to * chroma - from) * share;
        Self { a: mix(self.a, x), b: mix(self.b, y), ..self }
    }
}

fn direction(degrees: f32) -> [f32; 2] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, sin]
}

/// An S through black, the pivot and white: darker below the pivot, lighter above it. Up to a
/// strength of 1.5 it never turns back.
pub(crate) fn s_curve(x: f32, strength: f32, pivot: f32) -> f32 {
    x + strength * x * (1.0 - x) * (x - pivot)
}

/// Black lifted and white lowered, with a straight line between.
pub(crate) fn between(x: f32, black: f32, white: f32) -> f32 {
    black + (white - black) * x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_screen_can_show_keeps_its_lightness() {
        for degrees in (0..360).step_by(15) {
            let gray = Shade::of([0.6; 3]);
            let rgb = gray.tinted(degrees as f32, 0.5).rgb();
            assert!(rgb.iter().all(|value| (0.0..=1.0).contains(value)), "{rgb:?}");
            let off = Shade::of(rgb).lightness - gray.lightness;
            assert!(off.abs() < 0.01, "{degrees}: {off}");
        }
    }

    #[test]
    fn skin_is_told_from_cloth_sky_and_gray() {
        let skin = |rgb: [u8; 3]| Shade::of(rgb.map(|v| f32::from(v) / 255.0)).skin();
        for shade in [[224, 172, 140], [198, 134, 98], [141, 85, 54], [90, 56, 37]] {
            assert!(skin(shade) > 0.6, "{shade:?}: {}", skin(shade));
        }
        for other in [[128, 128, 128], [110, 150, 210], [60, 120, 50], [250, 90, 10]] {
            assert!(skin(other) < 0.3, "{other:?}: {}", skin(other));
        }
    }
}

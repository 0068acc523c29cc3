//! Laying one picture over another, as W3C Compositing and Blending Level 1 says, in sRGB.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::image::{Channels, Packed, Pixels};
use crate::kernels::layer::Layer;
use crate::stage::Sample;
use crate::{Error, Result};

/// How the colors of two pictures are mixed where both are (W3C Compositing and Blending Level 1,
/// sections 9.1 and 9.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blend {
    /// The upper hides the lower.
    #[default]
    Normal,
    /// Darkens: white leaves the lower as it is.
    Multiply,
    /// Lightens: black leaves the lower as it is.
    Screen,
    /// Multiplies what is dark below, screens what is light.
    Overlay,
    /// The darker of both.
    Darken,
    /// The lighter of both.
    Lighten,
    /// Brightens the lower by the upper.
    ColorDodge,
    /// Darkens the lower by the upper.
    ColorBurn,
    /// Multiplies where the upper is dark, screens where it is light.
    HardLight,
    /// A gentle hard light.
    SoftLight,
    /// The distance of both.
    Difference,
    /// Like difference, with less contrast.
    Exclusion,
    /// The hue of the upper.
    Hue,
    /// The saturation of the upper.
    Saturation,
    /// Hue and saturation of the upper.
    Color,
    /// The lightness of the upper.
    Luminosity,
}

impl Blend {
    /// The mix of a color below and a color above, both 0..=1.
    pub fn mix(self, below: [f32; 3], above: [f32; 3]) -> [f32; 3] {
        let each = |mix: fn(f32, f32) -> f32| std::array::from_fn(|c| mix(below[c], above[c]));
        match self {
            Self::Normal => above,
            Self::Multiply => each(|b, s| b * s),
            Self::Screen => each(screen),
            Self::Overlay => each(|b, s| hard_light(s, b)),
            Self::Darken => each(f32::min),
            Self::Lighten => each(f32::max),
            Self::ColorDodge => each(color_dodge),
            Self::ColorBurn => each(color_burn),
            Self::HardLight => each(hard_light),
            Self::SoftLight => each(soft_light),
            Self::Difference => each(|b, s| (b - s).abs()),
            Self::Exclusion => each(|b, s| b + s - 2.0 * b * s),
            Self::Hue => {
                set_luminosity(set_saturation(above, saturation(below)), luminosity(below))
            }
            Self::Saturation => {
                set_luminosity(set_saturation(below, saturation(above)), luminosity(below))
            }
            Self::Color => set_luminosity(above, luminosity(below)),
            Self::Luminosity => set_luminosity(below, luminosity(above)),
        }
    }
}

fn screen(b: f32, s: f32) -> f32 {
    b + s - b * s
}

fn hard_light(b: f32, s: f32) -> f32 {
    if s <= 0.5 { b * (2.0 * s) } else { screen(b, 2.0 * s - 1.0) }
}

fn color_dodge(b: f32, s: f32) -> f32 {
    match (b, s) {
        (0.0, _) => 0.0,
        (_, 1.0) => 1.0,
        (b, s) => (b / (1.0 - s)).min(1.0),
    }
}

fn color_burn(b: f32, s: f32) -> f32 {
    match (b, s) {
        (1.0, _) => 1.0,
        (_, 0.0) => 0.0,
        (b, s) => 1.0 - ((1.0 - b) / s).min(1.0),
    }
}

fn soft_light(b: f32, s: f32) -> f32 {
    if s <= 0.5 {
        return b - (1.0 - 2.0 * s) * b * (1.0 - b);
    }
    let d = if b <= 0.25 { ((16.0 * b - 12.0) * b + 4.0) * b } else { b.sqrt() };
    b + (2.0 * s - 1.0) * (d - b)
}

fn luminosity([r, g, b]: [f32; 3]) -> f32 {
    0.3 * r + 0.59 * g + 0.11 * b
}

fn saturation([r, g, b]: [f32; 3]) -> f32 {
    r.max(g).max(b) - r.min(g).min(b)
}

fn set_luminosity(color: [f32; 3], wanted: f32) -> [f32; 3] {
    let d = wanted - luminosity(color);
    let color = color.map(|value| value + d);
    let (l, [r, g, b]) = (luminosity(color), color);
    let (low, high) = (r.min(g).min(b), r.max(g).max(b));
    let color = match low < 0.0 {
        true => color.map(|value| l + (value - l) * l / (l - low)),
        false => color,
    };
    match high > 1.0 {
        true => color.map(|value| l + (value - l) * (1.0 - l) / (high - l)),
        false => color,
    }
}

fn set_saturation(color: [f32; 3], wanted: f32) -> [f32; 3] {
    let [r, g, b] = color;
    let (low, high) = (r.min(g).min(b), r.max(g).max(b));
    match high > low {
        true => color.map(|value| (value - low) * wanted / (high - low)),
        false => [0.0; 3],
    }
}

/// Lays a layer over an image, at each of these distances from its own place. A gray image becomes
/// one of color where the layer has color; alpha is neither added nor dropped.
pub fn lay(
    pixels: Pixels,
    layer: &Layer,
    places: &[(i32, i32)],
    blend: Blend,
    opacity: f32,
) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => lay_packed(packed, layer, places, blend, opacity).map(Pixels::U8),
        Pixels::U16(packed) => lay_packed(packed, layer, places, blend, opacity).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("nothing is laid over planes")),
    }
}

fn lay_packed<S: Sample>(
    packed: Packed<S>,
    layer: &Layer,
    places: &[(i32, i32)],
    blend: Blend,
    opacity: f32,
) -> Result<Packed<S>> {
    let channels = match packed.channels() {
        Channels::Gray if !layer.is_gray() => Channels::Rgb,
        Channels::GrayAlpha if !layer.is_gray() => Channels::Rgba,
        channels => channels,
    };
    let mut packed = packed.with_channels(channels)?;
    for place in places {
        match channels {
            Channels::Gray => lay_at::<S, 1>(&mut packed, layer, *place, blend, opacity),
            Channels::GrayAlpha => lay_at::<S, 2>(&mut packed, layer, *place, blend, opacity),
            Channels::Rgb => lay_at::<S, 3>(&mut packed, layer, *place, blend, opacity),
            Channels::Rgba => lay_at::<S, 4>(&mut packed, layer, *place, blend, opacity),
        }
    }
    Ok(packed)
}

fn lay_at<S: Sample, const N: usize>(
    packed: &mut Packed<S>,
    layer: &Layer,
    (x, y): (i32, i32),
    blend: Blend,
    opacity: f32,
) {
    use crate::kernels::coverage::Window;
    let window = layer.window.moved(x, y);
    let seen = window.within(Window::full(packed.size()));
    let stride = packed.size().width as usize;
    let pixels = packed.samples_mut().as_chunks_mut::<N>().0;
    for y in seen.y..seen.bottom() {
        let row = &mut pixels[y as usize * stride + seen.x as usize..][..seen.size.width as usize];
        let above = &layer.row((y - window.y) as usize)[(seen.x - window.x) as usize..];
        for (pixel, above) in row.iter_mut().zip(above) {
            if above[3] != 0 {
                *pixel = lay_pixel(*pixel, *above, blend, opacity);
            }
        }
    }
}

/// Simple alpha compositing with blending (sections 5.1 and 10 of the same).
fn lay_pixel<S: Sample, const N: usize>(
    pixel: [S; N],
    above: [u16; 4],
    blend: Blend,
    opacity: f32,
) -> [S; N] {
    let has_alpha = N == 2 || N == 4;
    let below = match N {
        1 | 2 => [pixel[0].to_f32() / S::MAX; 3],
        _ => std::array::from_fn(|c| pixel[c].to_f32() / S::MAX),
    };
    let below_alpha = if has_alpha { pixel[N - 1].to_f32() / S::MAX } else { 1.0 };
    let above_alpha = f32::from(above[3]) / 65_535.0;
    let straight: [f32; 3] =
        std::array::from_fn(|c| (f32::from(above[c]) / f32::from(above[3])).min(1.0));
    let alpha = above_alpha * opacity;
    let mixed = match blend {
        Blend::Normal => straight,
        blend => {
            let both = blend.mix(below, straight);
            std::array::from_fn(|c| straight[c] + (both[c] - straight[c]) * below_alpha)
        }
    };
    let out_alpha = alpha + below_alpha * (1.0 - alpha);
    if out_alpha <= 0.0 {
        return pixel;
    }
    let share = alpha / out_alpha;
    let mut out = pixel;
    for c in 0..(if has_alpha { N - 1 } else { N }) {
        let value = below[c] + (mixed[c] - below[c]) * share;
        out[c] = S::from_f32(value.clamp(0.0, 1.0) * S::MAX);
    }
    if has_alpha {
        out[N - 1] = S::from_f32(out_alpha.min(1.0) * S::MAX);
    }
    out
}

#[cfg(test)]
mod tests;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::{from_linear, luminance, to_linear, with_gain};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Makes the light warmer or colder, as a white balance does, at the same brightness.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Temperature {
    /// How much warmer (to 100) or colder (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Temperature {
    const NAME: &'static str = "temperature";
    const EXAMPLE: &'static str = r#"{"value": 35}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Temperature {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        // A hundred is a hundred mireds: from daylight to the light of a low sun, or of a blue sky.
        let gains = gains_toward(DAYLIGHT_MIREDS + amount * 100.0);
        let curve =
            move |channel: usize, value| from_linear(with_gain(to_linear(value), gains[channel]));
        Ok(vec![Stage::Color(ColorFn::Curves(Arc::new(curve)))])
    }
}

/// The color temperature of sRGB white, 6504 K, in millionths of 1/K: equal steps look equal.
const DAYLIGHT_MIREDS: f32 = 1e6 / 6504.0;

/// What each channel is multiplied by for daylight to become light of this temperature, at the same
/// luminance.
fn gains_toward(mireds: f32) -> [f32; 3] {
    let (to, from) = (black_body(mireds), black_body(DAYLIGHT_MIREDS));
    let ratio: [f32; 3] = std::array::from_fn(|channel| to[channel] / from[channel]);
    let light = luminance(ratio);
    ratio.map(|gain| gain / light)
}

/// The color of a black body in linear sRGB, at an XYZ luminance of 1. Its chromaticity is the
/// cubic fit of Kim et al. (US patent 7024034, 2006, as CIE 1931 x and y), good from 1667 to
/// 25000 K.
fn black_body(mireds: f32) -> [f32; 3] {
    let m = mireds / 1000.0;
    let x = match mireds > 250.0 {
        true => ((-0.266_123_9 * m - 0.234_358_9) * m + 0.877_695_6) * m + 0.179_91,
        false => ((-3.025_847 * m + 2.107_038) * m + 0.222_634_7) * m + 0.240_39,
    };
    let y = match mireds > 250.0 {
        true => ((-0.954_947_6 * x - 1.374_185_9) * x + 2.091_37) * x - 0.167_488_67,
        false => ((3.081_758 * x - 5.873_387) * x + 3.751_13) * x - 0.370_014_83,
    };
    let (x, z) = (x / y, (1.0 - x - y) / y);
    [
        3.240_454 * x - 1.537_138_5 - 0.498_531_4 * z,
        -0.969_266 * x + 1.876_010_8 + 0.041_556 * z,
        0.055_643_4 * x - 0.204_025_9 + 1.057_225_2 * z,
    ]
    .map(|value| value.max(0.01))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_light_is_red_and_cold_light_blue_at_the_same_luminance() {
        let [warm, cold] = [100.0, -100.0].map(|by| gains_toward(DAYLIGHT_MIREDS + by));
        assert!(warm[0] > 1.15 && warm[2] < 0.6, "{warm:?}");
        assert!(cold[0] < 0.85 && cold[2] > 1.3, "{cold:?}");
        for gains in [warm, cold] {
            assert!((luminance(gains) - 1.0).abs() < 1e-5);
        }
        assert!(gains_toward(DAYLIGHT_MIREDS).iter().all(|gain| (gain - 1.0).abs() < 1e-6));
    }
}

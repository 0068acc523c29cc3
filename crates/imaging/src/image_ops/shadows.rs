use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::relit;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Amount, Params, Percent, adjustment, one_amount};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Opens or deepens dark areas; the middle tones, the lights and black itself stay.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Shadows {
    /// Lighter, to see what is in the dark (to 100), or darker (to -100).
    pub value: Option<Amount>,
    /// The same as a positive value.
    pub intensity: Option<Percent>,
}

impl Params for Shadows {
    const NAME: &'static str = "shadows";
    const EXAMPLE: &'static str = r#"{"value": 60}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        one_amount(self.value, self.intensity).map(|_| ())
    }
}

impl ImageOp for Shadows {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let Some(amount) = adjustment(self.value, self.intensity) else { return Ok(Vec::new()) };
        let map = move |rgb| relit(rgb, |lightness| lightness + change(lightness, amount));
        Ok(vec![Stage::Color(ColorFn::Map(Arc::new(map)))])
    }
}

/// How much lighter a lightness becomes.
fn change(lightness: f32, amount: f32) -> f32 {
    let t = ((0.62 - lightness) / 0.62).clamp(0.0, 1.0);
    match amount > 0.0 {
        true => amount * 0.20 * 6.75 * t * t * (1.0 - t),
        false => amount * 0.13 * 16.0 * t * t * (1.0 - t) * (1.0 - t),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_tones_is_kept_at_full_strength() {
        for amount in [-1.0, 1.0] {
            let tone = |i: u32| i as f32 / 1000.0 + change(i as f32 / 1000.0, amount);
            assert!((0..1000).all(|i| tone(i) < tone(i + 1)), "{amount}");
            assert_eq!((tone(0), tone(1000)), (0.0, 1.0));
        }
    }
}

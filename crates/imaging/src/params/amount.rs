//! The one amount of an adjustment.

use crate::params::{Amount, Percent};

/// The amount of an adjustment that may be given as `value` or, when positive, as `intensity`.
pub fn one_amount(
    value: Option<Amount>,
    intensity: Option<Percent>,
) -> Result<Amount, (&'static str, String)> {
    match (value, intensity) {
        (Some(value), None) => Ok(value),
        (None, Some(intensity)) => Ok(Amount::new(intensity.get())),
        (Some(_), Some(_)) => {
            Err(("intensity", "give either value or intensity, not both".to_owned()))
        }
        (None, None) => Err(("", "\"value\" is missing: -100 to 100".to_owned())),
    }
}

/// The amount of an adjustment as a factor; `None` where it leaves the image as it is.
pub fn adjustment(value: Option<Amount>, intensity: Option<Percent>) -> Option<f32> {
    one_amount(value, intensity).ok().map(Amount::factor).filter(|factor| *factor != 0.0)
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result as ImagingResult;
use crate::image::Pixels;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::soften::gaussian_of_any_width;
use crate::params::{Params, Percent, Sigma};
use crate::scene::Scene;
use crate::stage::{AreaFn, Stage};

/// Blurs evenly with a Gaussian.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Blur {
    /// How wide the blur is: 100 is a sigma of 10 pixels; 0 leaves the image as it is.
    pub intensity: Option<Percent>,
    /// The width itself, as the standard deviation in pixels, instead of intensity.
    pub sigma: Option<Sigma>,
}

impl Params for Blur {
    const NAME: &'static str = "blur";
    const EXAMPLE: &'static str = r#"{"sigma": 4}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match (self.intensity, self.sigma) {
            (Some(_), Some(_)) => {
                Err(("sigma", "give either sigma or intensity, not both".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl ImageOp for Blur {
    const GROUP: Group = Group::Filter;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let sigma = match self.sigma {
            Some(sigma) => sigma.get(),
            None => self.intensity.unwrap_or_default().factor() * 10.0,
        };
        Ok(if sigma < 0.1 { Vec::new() } else { vec![Stage::Area(Arc::new(Gaussian { sigma }))] })
    }
}

struct Gaussian {
    sigma: f32,
}

impl AreaFn for Gaussian {
    fn apply(&self, pixels: Pixels) -> ImagingResult<Pixels> {
        gaussian_of_any_width(pixels, self.sigma)
    }

    /// Two passes with three standard deviations of taps to both sides; wide ones run on a smaller
    /// image.
    fn cost_ns(&self) -> f64 {
        4.0 + 1.7 * f64::from(self.sigma.min(24.0))
    }
}

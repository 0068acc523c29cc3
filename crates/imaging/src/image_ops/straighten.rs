use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::turn;
use crate::kernels::warp::Beyond;
use crate::params::{Params, Tilt};
use crate::scene::Scene;
use crate::stage::Stage;

/// Levels a tilted picture: turns it by a small angle and crops the empty corners away.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Straighten {
    /// How far, clockwise.
    pub angle: Tilt,
    /// Whether the result is the largest upright rectangle that shows no empty corner. If not, the
    /// canvas grows as `rotate` makes it.
    #[serde(default = "yes")]
    pub crop: bool,
    /// The color of the corners that are kept. Transparent by default; formats without alpha show
    /// their background.
    #[serde(default)]
    pub background: Option<Color>,
}

fn yes() -> bool {
    true
}

impl Params for Straighten {
    const NAME: &'static str = "straighten";
    const EXAMPLE: &'static str = r#"{"angle": -3.5}"#;

    fn rules(&self) -> Result<(), (&'static str, String)> {
        match self.background {
            Some(_) if self.crop => {
                Err(("background", "no corner shows unless \"crop\" is false".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl ImageOp for Straighten {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        let angle = self.angle.get();
        if angle == 0.0 {
            return Ok(Vec::new());
        }
        let (size, beyond) = match self.crop {
            true => (turn::inscribed(input, angle), Beyond::Edge),
            false => {
                let color = self.background.unwrap_or(Color::TRANSPARENT);
                (turn::bounds(input, angle), Beyond::Color(color))
            }
        };
        Ok(vec![turn::stage(angle, input, size, beyond)])
    }
}

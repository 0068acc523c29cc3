use schemars::JsonSchema;
use serde::Deserialize;

use crate::color::Color;
use crate::image_op::{Group, ImageOp, Misfit};
use crate::kernels::turn;
use crate::kernels::warp::Beyond;
use crate::metadata::Orientation;
use crate::params::{Degrees, Params};
use crate::scene::Scene;
use crate::stage::Stage;

/// Turns the image clockwise by any angle. Quarter turns are exact.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    /// How far, clockwise.
    pub angle: Degrees,
    /// Whether the canvas grows so that nothing is cut off.
    #[serde(default = "yes")]
    pub expand: bool,
    /// The color of the corners. Transparent by default; formats without alpha show their
    /// background.
    #[serde(default)]
    pub background: Option<Color>,
}

fn yes() -> bool {
    true
}

impl Params for Rotate {
    const NAME: &'static str = "rotate";
    const EXAMPLE: &'static str = r#"{"angle": 90}"#;
}

impl ImageOp for Rotate {
    const GROUP: Group = Group::Transform;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let input = scene.size();
        let angle = self.angle.get().rem_euclid(360.0);
        let orientation = match angle {
            0.0 => return Ok(Vec::new()),
            90.0 => Orientation::Rotate90,
            180.0 => Orientation::Rotate180,
            270.0 => Orientation::Rotate270,
            _ => {
                let size = if self.expand { turn::bounds(input, angle) } else { input };
                return Ok(vec![turn::stage(angle, input, size, self.beyond())]);
            }
        };
        // Without room to grow, a quarter turn of an oblong image is a free turn like any other.
        if orientation.transposes() && !self.expand && input.width != input.height {
            return Ok(vec![turn::stage(angle, input, input, self.beyond())]);
        }
        Ok(vec![Stage::Orient(orientation)])
    }
}

impl Rotate {
    fn beyond(&self) -> Beyond {
        Beyond::Color(self.background.unwrap_or(Color::TRANSPARENT))
    }
}

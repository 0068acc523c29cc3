use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Direction, Params};
use crate::scene::Scene;
use crate::stage::Stage;

/// Turns the image upside down (mirrors it top to bottom).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Flip {
    /// Another direction than the usual one.
    pub direction: Option<Direction>,
}

impl Params for Flip {
    const NAME: &'static str = "flip";
    const EXAMPLE: &'static str = "{}";
}

impl ImageOp for Flip {
    const GROUP: Group = Group::Transform;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let direction = self.direction.unwrap_or(Direction::Vertical);
        Ok(vec![Stage::Orient(direction.orientation())])
    }
}

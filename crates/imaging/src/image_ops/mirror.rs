use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{Direction, Params};
use crate::scene::Scene;
use crate::stage::Stage;

/// Mirrors the image left to right.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Mirror {
    /// Another direction than the usual one.
    pub direction: Option<Direction>,
}

impl Params for Mirror {
    const NAME: &'static str = "mirror";
    const EXAMPLE: &'static str = "{}";
}

impl ImageOp for Mirror {
    const GROUP: Group = Group::Transform;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let direction = self.direction.unwrap_or(Direction::Horizontal);
        Ok(vec![Stage::Orient(direction.orientation())])
    }
}

use schemars::JsonSchema;
use serde::Deserialize;

use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::Params;
use crate::scene::Scene;
use crate::stage::Stage;

/// Turns the image upright as its Exif orientation says. Every image is turned upright when it is
/// decoded, so this step never finds anything left to do; it is accepted so that pipelines may say
/// what they rely on.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AutoOrient {}

impl Params for AutoOrient {
    const NAME: &'static str = "auto_orient";
    const EXAMPLE: &'static str = "{}";
}

impl ImageOp for AutoOrient {
    const GROUP: Group = Group::Transform;

    fn lower(&self, _: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        Ok(Vec::new())
    }
}

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::files::{FileKind, FileUse};
use crate::formats::cube::{self, Table};
use crate::image_op::{Group, ImageOp, Misfit};
use crate::params::{FileIndex, Params, Percent};
use crate::scene::Scene;
use crate::stage::{ColorFn, Stage};

/// Applies a color table of your own: a `.cube` file (1D or 3D) that is uploaded beside the image.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lut {
    /// Which of the uploaded files is the table, counted from 0.
    pub file_index: FileIndex,
    /// How strong; 0 leaves the image as it is.
    #[serde(default)]
    pub intensity: Percent,
}

impl Params for Lut {
    const NAME: &'static str = "lut";
    const EXAMPLE: &'static str = r#"{"file_index": 1, "intensity": 80}"#;
}

const FIELD: &str = "file_index";

impl ImageOp for Lut {
    const GROUP: Group = Group::Filter;

    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        let strength = self.intensity.factor();
        let index = self.file_index.get();
        let file = scene.file(FIELD, index)?;
        if strength == 0.0 {
            return Ok(Vec::new());
        }
        // At the door the table is known to be one, and nothing more: any function stands for it.
        let Some(bytes) = file.bytes else {
            return Ok(vec![Stage::Color(ColorFn::blended(strength, |rgb| rgb))]);
        };
        let table = cube::parse(bytes)
            .map_err(|error| Misfit { field: FIELD, message: format!("file {index}: {error}") })?;
        Ok(vec![Stage::Color(function(table, strength))])
    }

    fn file_use(&self) -> Option<FileUse> {
        let index = self.file_index.get();
        Some(FileUse { index, field: FIELD, kind: FileKind::Table })
    }
}

fn function(table: Table, strength: f32) -> ColorFn {
    match table {
        Table::Cube(look, domain) if domain.is_unit() => ColorFn::Look(look, strength),
        Table::Cube(look, domain) => ColorFn::blended(strength, move |rgb| {
            look.eval(std::array::from_fn(|c| domain.share(c, rgb[c])))
        }),
        Table::Curves(curves, domain) => ColorFn::Curves(Arc::new(move |c, value| {
            let mapped = crate::color::interpolate(&curves[c], domain.share(c, value));
            value + (mapped - value) * strength
        })),
    }
}

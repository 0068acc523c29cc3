//! An image operation as a type, and as data in the list.

use std::fmt::Debug;

use serde::Serialize;
use serde_json::Value;

use crate::check::Faults;
use crate::files::FileUse;
use crate::params::{self, Params};
use crate::scene::Scene;
use crate::stage::Stage;

/// Pixels to pixels. No I/O, no clock, no randomness: it only says which stages it comes down to.
pub trait ImageOp: Params + Debug {
    /// The step kind that lists it.
    const GROUP: Group;

    /// The stages that do it to the image of the scene; none when nothing is to be done.
    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit>;

    /// The other file of the request that it uses beside the image, if it names one.
    fn file_use(&self) -> Option<FileUse> {
        None
    }
}

/// The step kinds that list image operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Geometry: `operations` of a `transform` step.
    Transform,
    /// Color and effects: `filters` of a `filter` step.
    Filter,
    /// What is put onto the image: `operations` of a `compose` step.
    Compose,
}

impl Group {
    /// The step kind.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Filter => "filter",
            Self::Compose => "compose",
        }
    }

    /// The field of the step that holds the list.
    pub fn list_field(self) -> &'static str {
        match self {
            Self::Transform | Self::Compose => "operations",
            Self::Filter => "filters",
        }
    }
}

/// A parameter that does not fit the image it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The field to blame.
    pub field: &'static str,
    /// What is wrong, with the size of the image.
    pub message: String,
}

/// An [`ImageOp`] as data, for the list.
pub struct Entry {
    /// Its `type` on the wire.
    pub name: &'static str,
    /// Other names that are accepted for it.
    pub aliases: &'static [&'static str],
    /// The step kind that lists it.
    pub group: Group,
    /// A request that works, without `type`.
    pub example: &'static str,
    /// Its parameters.
    pub schema: fn() -> &'static Value,
    /// Parameters from JSON, or their faults under the pointer.
    pub parse: fn(&Value, &str, &mut Faults) -> Option<Box<dyn LowerImageOp>>,
}

impl Entry {
    /// The entry of an operation.
    pub const fn of<T: ImageOp>() -> Self {
        Self {
            name: T::NAME,
            aliases: &[],
            group: T::GROUP,
            example: T::EXAMPLE,
            schema: params::schema_of::<T>,
            parse: |json, pointer, faults| {
                params::parse::<T>(json, pointer, faults)
                    .map(|op| Box::new(op) as Box<dyn LowerImageOp>)
            },
        }
    }

    /// The same entry under more names.
    pub const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

/// The object-safe shadow of [`ImageOp`]; never written by hand.
pub trait LowerImageOp: Debug + Send + Sync {
    /// See [`ImageOp::lower`].
    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit>;
    /// See [`ImageOp::file_use`].
    fn file_use(&self) -> Option<FileUse>;
}

impl<T: ImageOp> LowerImageOp for T {
    fn lower(&self, scene: &mut Scene<'_>) -> Result<Vec<Stage>, Misfit> {
        ImageOp::lower(self, scene)
    }

    fn file_use(&self) -> Option<FileUse> {
        ImageOp::file_use(self)
    }
}

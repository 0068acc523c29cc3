//! A pipeline step kind as a type, and as data in the list.

use std::fmt::Debug;

use serde_json::Value;

use crate::Limits;
use crate::check::Faults;
use crate::draft::{Draft, Lost};
use crate::files::FileUse;

/// What a step does, parsed.
pub trait Operation: Debug + Send + Sync {
    /// Adds what the step does to the draft of an image of known size: stages, what it wants of
    /// the output, and what does not fit.
    fn lower(&self, draft: &mut Draft<'_>) -> Result<(), Lost>;

    /// The other files of the request that it uses, each with the pointer below the step's request
    /// of the operation that names it.
    fn file_uses(&self) -> Vec<(String, FileUse)> {
        Vec::new()
    }
}

/// A step kind as data, for the list.
pub struct Entry {
    /// Its name on the wire: `POST /v1/<name>`, and `operation` of a step.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// A request document that works.
    pub example: &'static str,
    /// The fields of its request that are its own (the fields that every request has are in
    /// [`request`](crate::request)).
    pub schema: fn() -> &'static Value,
    /// Fields and values of the interface that this build does not serve yet.
    pub later: &'static [&'static str],
    /// The step from its request, which holds only fields of `schema`; or its faults under the
    /// pointer.
    pub parse: Parse,
}

/// Makes a step of its request.
pub type Parse = fn(&Value, &str, &Limits, &mut Faults) -> Option<Box<dyn Operation>>;

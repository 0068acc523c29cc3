//! The step kinds, one file each.

mod compose;
mod convert;
mod filter;
mod op_list;
pub(crate) use op_list::op_schema;
mod optimize;
mod transform;

use crate::operation::Entry;

/// The step kinds of this build, in the order in which they are listed.
pub static OPERATIONS: &[Entry] =
    &[convert::ENTRY, transform::ENTRY, filter::ENTRY, compose::ENTRY, optimize::ENTRY];

/// Step kinds of the interface that this build does not have yet.
pub static LATER: &[&str] = &["metadata", "ocr", "document", "enhance"];

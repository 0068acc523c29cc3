//! Against readers that give up by a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

/// Runs a reader of a file of the format with this title. Where it panics it has met what its
/// authors did not foresee: the job ends with that message instead of a dead process.
pub(super) fn guarded<T>(title: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(Error::input(format!(
            "the {title} cannot be read: it is damaged, or asks for what the reader cannot do"
        )))
    })
}

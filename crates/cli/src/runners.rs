//! The processes that work on pixels: this very program, under a hidden name.

use jobs::pool::Program;

/// The hidden command.
pub(crate) const COMMAND: &str = "runner";

/// What runners are started from.
pub(crate) fn program() -> Program {
    Program::this([COMMAND])
}

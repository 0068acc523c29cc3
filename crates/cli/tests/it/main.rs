//! The real program, as people and machines use it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod crash;
mod flags;
mod fonts;
mod program;
mod run;
mod serve;

//! Tests of the job layer through its public interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod faults;
mod kill;
mod pool;
mod sqlite;
mod stage;
mod stores;
mod worker;

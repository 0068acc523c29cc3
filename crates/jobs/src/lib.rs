//! Jobs: rows that are never lost, files that belong to them, runners that do the work.
//!
//! Reading order:
//! - [`job`] is a job as data; its status changes in [`Job::transition`] and nowhere else.
//! - [`job_store`] keeps the rows. One trait; [`job_store::memory`] and [`job_store::sqlite`]
//!   implement it, [`job_store::conformance`] is the suite that each of them passes.
//! - [`blobs`] keeps the files; [`data_dir`] is the locked folder that holds both.
//! - [`pool`] keeps warm runner processes and feeds them one file at a time; [`pool::runner`] is
//!   the loop inside such a process, the only place where pixels are touched.
//! - [`worker`] claims a job, runs each of its files, stores the results and ends the claim.
//! - [`sweeper`] takes back lost leases, expires results and deletes files that nobody owns.
//! - [`config`] has the settings of all of these, [`clock`] the time they go by.
//!
//! What always holds: a job ends in exactly one of succeeded, failed and cancelled; its outputs are
//! visible if and only if it succeeded; the row is the only commit point, so that a process killed
//! at any instruction loses no accepted job.

pub mod blobs;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod job;
pub mod job_store;
pub mod pool;
pub mod sweeper;
pub mod worker;

pub use blobs::Blobs;
pub use clock::Clock;
pub use config::Config;
pub use data_dir::DataDir;
pub use job::{Job, JobId, Status};
pub use job_store::JobStore;
pub use job_store::memory::MemoryStore;
pub use job_store::sqlite::SqliteStore;
pub use pool::Pool;
pub use sweeper::Sweeper;
pub use worker::Worker;

//! The API over the router, with rows in memory and files in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod access;
mod bad_input;
mod clients;
mod download;
mod errors;
mod events;
mod explain;
mod idempotency;
mod jobs;
mod pages;
mod server;
mod several_files;
mod submit;
mod support;

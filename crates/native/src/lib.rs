//! Safe wrappers of the C codecs and of the allocator, one file a library. The only crate with
//! `unsafe`.
//!
//! Invariant: no raw pointer leaves a function, every C object is freed by a `Drop`, every return
//! code is looked at, and every buffer is sized from what the library itself reports.
//! Nothing of the rest of the product is known here.

pub mod av1;
pub mod buffer;
pub mod error;
pub mod heap;
pub mod turbojpeg;
pub mod webp;

pub use error::{Error, ErrorKind, Result};

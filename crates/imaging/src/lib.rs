//! Pixels, formats, operations and plans: bytes in, bytes out.
//!
//! Reading order: [`request`] turns a JSON document into a [`Plan`]; [`draft`] collects the stages
//! of its steps for an image header; [`lower`] makes a [`lower::Program`] of them; [`run`] executes
//! it with the decoders and encoders of [`formats`]. Nothing here knows files, clocks, environment
//! variables or the network.

pub mod catalog;
pub mod check;
pub mod color;
pub mod draft;
pub mod error;
pub mod explain;
pub mod files;
pub mod fonts;
pub mod format;
pub mod formats;
pub mod fuzz;
mod grading;
pub mod icc;
pub mod image;
pub mod image_op;
pub mod image_ops;
pub mod kernels;
pub mod limits;
pub mod lower;
pub mod metadata;
pub mod operation;
pub mod operations;
pub mod output;
pub mod params;
pub mod placing;
pub mod request;
pub mod run;
pub mod scene;
pub mod stage;
pub mod text;

pub use error::{Error, ErrorKind, Result};
pub use explain::Explanation;
pub use files::Files;
pub use format::{FORMATS, Format, Header};
pub use image::{Image, Size};
pub use limits::Limits;
pub use native::heap;
pub use request::{Envelope, Fault, FaultCode, Plan};
pub use run::{Events, Input, OutputFile, Report, Warning, run};

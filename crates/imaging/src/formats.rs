//! The file formats, one file each. [`crate::format::FORMATS`] lists them.

pub mod avif;
pub mod bmp;
mod bytes;
mod channels;
mod chroma;
mod clock;
mod code_points;
mod composite;
pub mod cube;
pub mod dds;
mod difference;
mod drawing;
pub mod exr;
pub mod farbfeld;
mod gather;
pub mod gif;
mod guard;
pub mod hdr;
pub mod heic;
mod heif;
pub mod ico;
pub mod jpeg;
pub mod jxl;
mod lab;
mod light;
pub mod pdf;
mod plain;
pub mod png;
pub mod pnm;
mod pq_hlg;
mod prefix;
mod profile;
pub mod psd;
pub mod qoi;
pub mod raw;
pub mod svg;
pub mod tga;
pub mod tiff;
pub mod webp;

use crate::{Error, ErrorKind};

/// A complaint of a codec in our words; its own follow where they help.
fn native_error(what: &str, error: native::Error) -> Error {
    let kind = match error.kind {
        native::ErrorKind::Damaged | native::ErrorKind::Truncated => ErrorKind::Input,
        native::ErrorKind::Unsupported => ErrorKind::Unsupported,
        native::ErrorKind::Limit | native::ErrorKind::Memory => ErrorKind::Limit,
        native::ErrorKind::Misuse => ErrorKind::Internal,
    };
    Error::new(kind, format!("{what}: {}", error.message))
}

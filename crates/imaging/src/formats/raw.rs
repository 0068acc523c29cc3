//! Raw files of cameras (DNG, CR2, NEF, ARW, ORF, RW2, RAF): the largest JPEG that the camera put
//! beside the data of its sensor.

use crate::format::{DecodeRequest, Decoded, Format, Header};
use crate::formats::{jpeg, tiff};
use crate::metadata::exif;
use crate::{Error, Limits, Result};

mod scan;

pub(super) use scan::Scan;

/// Camera raw. Files that start like any TIFF (DNG, NEF, ARW) are found out by their first
/// directory.
pub static RAW: Format = Format {
    name: "raw",
    aliases: &["dng", "cr2", "nef", "arw", "orf", "rw2", "raf"],
    title: "camera raw",
    mime_type: "image/x-raw",
    sniff,
    inspect: |limits| tiff::inspect(MAGIC, true, limits),
    decode: Some(decode),
    is_lossy: |_| true,
    ..Format::PLAIN
};

/// The numbers that stand in place of 42: TIFF's own, Panasonic's, Olympus's two.
const MAGIC: &[u16] = &[42, 0x55, 0x4F52, 0x5352];

fn sniff(start: &[u8]) -> bool {
    let is_canon = start.starts_with(b"II*\0") && start.get(8..10) == Some(b"CR");
    let others: [&[u8]; 5] = [b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW "];
    is_canon || others.iter().any(|signature| start.starts_with(signature))
}

/// The header of a whole file that is one of a camera.
pub(super) fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let mut inspector = tiff::inspect(MAGIC, true, limits);
    inspector.push(bytes)?;
    inspector.finish()
}

/// The pixels of the largest preview.
pub(super) fn decode(bytes: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let mut scan = Scan::default();
    scan.push(bytes);
    let start = scan.best().ok_or_else(no_preview)?.start;
    let preview = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
    let mut decoded = jpeg::decode(preview.ok_or_else(no_preview)?, request, limits)?;
    let metadata = &mut decoded.image.metadata;
    metadata.exif = metadata.exif.take().or_else(|| exif::rights(bytes));
    Ok(decoded)
}

fn no_preview() -> Error {
    Error::unsupported(
        "the raw file holds no JPEG preview, and the data of its sensor are not developed here",
    )
}

//! Chunks that are JPEG streams (TIFF technical note 2), and files that are one such stream.

use native::turbojpeg::{self, Color, Layout, Scale};

use super::directory::{Directory, slice};
use super::facts::{Facts, JPEG_LEN, JPEG_START, JPEG_TABLES, Photometric};
use crate::formats::jpeg::has_end;
use crate::formats::native_error;
use crate::image::Size;
use crate::{Error, Limits, Result};

/// Working memory of the decoder.
const MEMORY_MB: u32 = 768;

/// Rows of samples of 8 bits.
pub(super) struct Decoded {
    pub(super) size: Size,
    pub(super) count: usize,
    pub(super) samples: Vec<u8>,
}

/// Decodes a chunk of up to this size. What its components are is told by the TIFF, not guessed
/// from the stream.
pub(super) fn decode(
    stored: &[u8],
    directory: &Directory<'_>,
    facts: &Facts,
    (size, limits): (Size, &Limits),
) -> Result<Decoded> {
    let stream = stream(stored, directory, facts)?;
    let native_limits = turbojpeg::Limits {
        scans_max: limits.jpeg_scans_max,
        pixels_max: size.area().max(limits.pixels_max.min(1 << 20)),
        memory_mb: MEMORY_MB,
    };
    let mut decoder = turbojpeg::Decoder::open(&stream, &native_limits).map_err(damage)?;
    let layout = match decoder.header().color {
        Color::Gray => Layout::Gray,
        Color::Rgb | Color::YCbCr => Layout::Rgb,
        Color::Cmyk | Color::Ycck => Layout::Cmyk,
    };
    let decoded = decoder.packed(layout, Scale::Full).map_err(damage)?;
    if decoder.warned() && !has_end(&stream) {
        return Err(Error::input("a JPEG strip of the TIFF ends early"));
    }
    let size = Size::new(decoded.width, decoded.height);
    Ok(Decoded { size, count: layout.samples(), samples: decoded.samples })
}

fn damage(error: native::Error) -> Error {
    native_error("a JPEG strip of the TIFF cannot be decoded", error)
}

/// The stream with the tables that all chunks share, and with a marker that says what its
/// components are: decoders guess otherwise.
fn stream(stored: &[u8], directory: &Directory<'_>, facts: &Facts) -> Result<Vec<u8>> {
    let body = stored
        .strip_prefix(b"\xFF\xD8")
        .ok_or_else(|| Error::input("a JPEG strip of the TIFF does not start like one"))?;
    let tables = directory.bytes(JPEG_TABLES).unwrap_or_default();
    let tables = tables.strip_prefix(b"\xFF\xD8").unwrap_or_default();
    let tables = tables.strip_suffix(b"\xFF\xD9").unwrap_or(tables);
    let transform = match facts.photometric {
        Photometric::Ycc => 1,
        _ => 0,
    };
    let mut marker = *b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0";
    marker[15] = transform;
    let is_alone = facts.is_planar || facts.samples == 1;
    let marker: &[u8] = if is_alone { &[] } else { &marker };
    Ok([b"\xFF\xD8", marker, tables, body].concat())
}

/// The one stream of a file of the old kind (TIFF 6.0, section 22), where it is whole.
pub(super) fn whole<'a>(file: &'a [u8], directory: &Directory<'_>) -> Result<&'a [u8]> {
    let stream = directory.number(JPEG_START).and_then(|start| {
        let len = directory.number(JPEG_LEN).unwrap_or(file.len() as u64);
        slice(file, start, len.min((file.len() as u64).saturating_sub(start)))
    });
    stream.filter(|stream| stream.starts_with(b"\xFF\xD8\xFF")).ok_or_else(|| {
        Error::unsupported("TIFF compression 6 (old JPEG) without a whole stream is not supported")
    })
}

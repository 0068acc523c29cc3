//! A JPEG on a page as it is: its data are what a PDF calls `DCTDecode` (ISO 32000-1, 7.4.8).

use super::write::{Document, Placed, page_size};
use crate::format::{Header, Wrapped};
use crate::formats::jpeg;
use crate::metadata::Orientation;
use crate::output::Output;
use crate::{Limits, Result};

/// The page, where the file is a JPEG and nothing is asked for that would need its pixels.
pub(super) fn wrap(
    file: &[u8],
    header: &Header,
    output: &Output,
    limits: &Limits,
) -> Result<Wrapped> {
    if *header.format != jpeg::JPEG || asks_for_pixels(output) {
        return Ok(Wrapped::Pixels);
    }
    let Some(embedded) = jpeg::embed(file, output, limits)? else { return Ok(Wrapped::Pixels) };
    let (transpose, ..) = header.orientation.parts();
    let dpi = output.dpi.map(|dpi| (dpi, dpi)).or(embedded.dpi);
    let dpi = dpi.map(|(across, down)| if transpose { (down, across) } else { (across, down) });
    let (width, height) = page_size(header.upright_size(), dpi);
    let mut document = Document::new();
    document.push_jpeg(
        &Placed {
            bytes: &embedded.without_profile()?,
            size: embedded.size,
            channels: embedded.channels,
            is_inverted: embedded.is_inverted,
            profile: embedded.profile(),
        },
        (width, height),
        matrix(header.orientation, width, height),
    );
    Ok(Wrapped::File(document.finish()))
}

fn asks_for_pixels(output: &Output) -> bool {
    let Output { quality, lossless, effort, progressive, chroma_subsampling, .. } = output;
    quality.is_some()
        || *lossless == Some(true)
        || effort.is_some()
        || progressive.is_some()
        || chroma_subsampling.is_some()
}

/// Lays the unit square of a picture, whose origin is below left, upright on a page of this size.
fn matrix(orientation: Orientation, width: f32, height: f32) -> [f32; 6] {
    let [a, b, c, d, e, f] = match orientation {
        Orientation::Normal => [1, 0, 0, 1, 0, 0],
        Orientation::MirrorX => [-1, 0, 0, 1, 1, 0],
        Orientation::Rotate180 => [-1, 0, 0, -1, 1, 1],
        Orientation::MirrorY => [1, 0, 0, -1, 0, 1],
        Orientation::Transpose => [0, -1, -1, 0, 1, 1],
        Orientation::Rotate90 => [0, -1, 1, 0, 0, 1],
        Orientation::Transverse => [0, 1, 1, 0, 0, 0],
        Orientation::Rotate270 => [0, 1, -1, 0, 1, 0],
    }
    .map(|value: i8| f32::from(value));
    [a * width, b * height, c * width, d * height, e * width, f * height]
}

//! A JPEG in JPEG XL without loss: its coefficients, coded better, and what is needed to get the
//! JPEG back byte for byte (ISO/IEC 18181-2, "JPEG bitstream reconstruction data").

use jixel::{EncodeError, JpegTranscodeConfig};

use super::write;
use crate::format::Header;
use crate::formats::jpeg;
use crate::output::Output;
use crate::{Limits, Result};

/// The file, where the input is a JPEG, no loss is asked for, and nothing that would need its
/// pixels.
pub(super) fn wrap(
    file: &[u8],
    header: &Header,
    output: &Output,
    limits: &Limits,
) -> Result<Option<Vec<u8>>> {
    let asks_for_pixels = output.lossless != Some(true)
        || output.bit_depth.is_some()
        || output.dpi.is_some()
        || output.progressive == Some(true);
    if *header.format != jpeg::JPEG || asks_for_pixels {
        return Ok(None);
    }
    let Some(embedded) = jpeg::embed(file, output, limits)? else { return Ok(None) };
    let config = JpegTranscodeConfig::default()
        .with_speed(write::speed(output.effort.unwrap_or(write::EFFORT)))
        .with_num_threads(rayon::current_num_threads());
    let jpeg = embedded.oriented(header.orientation)?;
    match jixel::encode_jpeg_lossless_with_config(&jpeg, &config) {
        Ok(file) => Ok(Some(file)),
        // Inks and rare kinds of subsampling go by their pixels.
        Err(EncodeError::Jpeg(_) | EncodeError::Unsupported(_)) => Ok(None),
        Err(error) => Err(write::failure(error)),
    }
}

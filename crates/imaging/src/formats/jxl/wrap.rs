//! A JPEG in JPEG XL without loss: its coefficients, coded better, and what is needed to get the
//! JPEG back byte for byte (ISO/IEC 18181-2, "JPEG bitstream reconstruction data").

use jixel::{EncodeError, JpegTranscodeConfig};

use super::write;
use crate::format::{Header, Wrapped};
use crate::formats::jpeg;
use crate::output::Output;
use crate::{Limits, Result};

/// Why a JPEG does not go in as it is.
const UNUSUAL: &str = "the JPEG does not go into JPEG XL as it is (inks, a rare subsampling or \
                       coding, or damage): its pixels are kept without loss, in a larger file";

/// The file, where the input is a JPEG, no loss is asked for, and nothing that would need its
/// pixels.
pub(super) fn wrap(
    file: &[u8],
    header: &Header,
    output: &Output,
    limits: &Limits,
) -> Result<Wrapped> {
    let asks_for_pixels = output.lossless != Some(true)
        || output.bit_depth.is_some()
        || output.dpi.is_some()
        || output.progressive == Some(true);
    if *header.format != jpeg::JPEG || asks_for_pixels {
        return Ok(Wrapped::Pixels);
    }
    let Some(embedded) = jpeg::embed(file, output, limits)? else {
        // New colors are wanted: that takes pixels.
        let wants_pixels = !output.keeps_profile();
        return Ok(if wants_pixels { Wrapped::Pixels } else { Wrapped::OnlyPixels(UNUSUAL) });
    };
    let config = JpegTranscodeConfig::default()
        .with_speed(write::speed(output.effort.unwrap_or(write::EFFORT)))
        .with_num_threads(rayon::current_num_threads());
    let jpeg = embedded.oriented(header.orientation)?;
    match jixel::encode_jpeg_lossless_with_config(&jpeg, &config) {
        Ok(file) => Ok(Wrapped::File(file)),
        Err(EncodeError::Jpeg(_) | EncodeError::Unsupported(_)) => Ok(Wrapped::OnlyPixels(UNUSUAL)),
        Err(error) => Err(write::failure(error)),
    }
}

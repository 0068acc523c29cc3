//! Whether the alpha of a lossy WebP is damaged.
//!
//! The library says that it has no memory when it cannot start to decode alpha, whatever the reason
//! is (`VP8DecompressAlphaRows`): so what it would have read is looked at here.

use libwebp_sys::{self as sys, VP8StatusCode as Status};

use super::to_int;
use crate::{Error, Result};

/// Whether the alpha of a picture of this size is such that no memory would help.
pub(super) fn is_damaged(webp: &[u8], width: u32, height: u32) -> Result<bool> {
    let Some(chunk) = chunk(webp) else { return Ok(false) };
    // How it is compressed, filtered and was prepared (RFC 9649, section 2.7.1.2).
    let Some((&head, data)) = chunk.split_first().filter(|(_, data)| !data.is_empty()) else {
        return Ok(true);
    };
    let (compression, preparation, reserved) = (head & 3, head >> 4 & 3, head >> 6);
    if compression > 1 || preparation > 1 || reserved != 0 {
        return Ok(true);
    }
    if compression == 0 {
        return Ok((data.len() as u64) < u64::from(width) * u64::from(height));
    }
    is_lossless_damaged(data, width, height)
}

/// The alpha that belongs to the lossy image of a file: the last one before it.
fn chunk(webp: &[u8]) -> Option<&[u8]> {
    let mut rest = webp.get(12..)?;
    let mut alpha = None;
    loop {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (len, after) = after.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len) as usize;
        match name {
            b"VP8 " => return alpha,
            b"VP8L" => return None,
            b"ALPH" => alpha = Some(after.get(..len)?),
            _ => {}
        }
        rest = after.get(len.checked_add(len % 2)?..)?;
    }
}

/// Compressed alpha is a lossless image without its header (RFC 9649, section 2.7.1.2). With one,
/// the library decodes it as a file of its own, of which it says what is wrong.
fn is_lossless_damaged(data: &[u8], width: u32, height: u32) -> Result<bool> {
    const HEADER_LEN: usize = 5;
    let chunk_len = HEADER_LEN + data.len();
    let mut file = Vec::new();
    if file.try_reserve_exact(20 + chunk_len).is_err() {
        return Ok(false);
    }
    file.extend(b"RIFF");
    file.extend((12 + chunk_len as u32).to_le_bytes());
    file.extend(b"WEBPVP8L");
    file.extend((chunk_len as u32).to_le_bytes());
    file.push(0x2F);
    file.extend((width.wrapping_sub(1) | height.wrapping_sub(1) << 14).to_le_bytes());
    file.extend(data);

    let mut config = sys::WebPDecoderConfig::new()
        .map_err(|()| Error::misuse("this libwebp has another interface"))?;
    // One pixel is enough: what is damaged later, the library calls so itself.
    config.options.use_cropping = 1;
    config.options.crop_width = 1;
    config.options.crop_height = 1;
    let mut pixel = [0u8; 4];
    config.output.colorspace = sys::WEBP_CSP_MODE::MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = sys::WebPRGBABuffer {
        rgba: pixel.as_mut_ptr(),
        stride: to_int(pixel.len())?,
        size: pixel.len(),
    };
    // SAFETY: the pointer and the length are those of one vector; the output is a buffer of ours
    // with its true size, which the library checks against the cropped image before it writes, and
    // with external memory it owns nothing that would have to be freed.
    let status = unsafe { sys::WebPDecode(file.as_ptr(), file.len(), &raw mut config) };
    Ok(matches!(
        status,
        Status::VP8_STATUS_BITSTREAM_ERROR
            | Status::VP8_STATUS_NOT_ENOUGH_DATA
            | Status::VP8_STATUS_SUSPENDED
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{Planes, decode, encode_planes};
    use super::*;
    use crate::ErrorKind;

    const SIZE: (u32, u32) = (40, 30);

    /// A file with compressed alpha of many values, and where its chunk has its payload.
    fn file() -> (Vec<u8>, usize) {
        let (width, height) = SIZE;
        let area = width * height;
        let alpha = (0..area).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & 0xE0).collect();
        let (u, v) = (vec![128; area as usize / 4], vec![128; area as usize / 4]);
        let planes = Planes { width, height, y: vec![99; area as usize], u, v, alpha: Some(alpha) };
        let webp = encode_planes(planes, 80.0, 2).unwrap();
        let at = webp.windows(4).position(|name| name == b"ALPH").unwrap() + 8;
        assert_eq!(chunk(&webp).unwrap()[0] & 3, 1, "alpha is compressed");
        (webp, at)
    }

    /// The file with another payload of its alpha.
    fn with_alpha(payload: &[u8]) -> Vec<u8> {
        let (webp, at) = file();
        let old_len = chunk(&webp).unwrap().len();
        let mut file = webp[..at - 4].to_vec();
        file.extend((payload.len() as u32).to_le_bytes());
        file.extend(payload);
        file.resize(file.len().next_multiple_of(2), 0);
        file.extend(&webp[at + old_len.next_multiple_of(2)..]);
        let len = file.len() as u32 - 8;
        file[4..8].copy_from_slice(&len.to_le_bytes());
        file
    }

    fn judged(webp: &[u8]) -> bool {
        is_damaged(webp, SIZE.0, SIZE.1).unwrap()
    }

    #[test]
    fn sound_alpha_is_not_what_is_wrong() {
        let (webp, _) = file();
        let compressed = chunk(&webp).unwrap();
        let plain = [&[0u8][..], &[7; (SIZE.0 * SIZE.1) as usize]].concat();
        for payload in [compressed, &plain] {
            let webp = with_alpha(payload);
            assert!(decode(&webp, true).is_ok());
            assert!(!judged(&webp));
        }
        assert!(!judged(b"") && !judged(&webp[..40]), "there is no alpha");
    }

    #[test]
    fn damaged_alpha_is_not_a_lack_of_memory() {
        let (webp, _) = file();
        let compressed = chunk(&webp).unwrap();
        let broken = [&[1u8][..], &[0xFF; 200]].concat();
        let cases: [(&str, &[u8]); 7] = [
            ("nothing", b""),
            ("a head alone", &[0]),
            ("another compression", &[2, 0, 0, 0]),
            ("another preparation", &[0x31, 0, 0, 0]),
            ("reserved bits", &[0x41, 0, 0, 0]),
            ("plain alpha that ends early", &[0; (SIZE.0 * SIZE.1) as usize]),
            ("codes that are none", &broken),
        ];
        for (name, payload) in cases.into_iter().chain([("a few codes", &compressed[..9])]) {
            let webp = with_alpha(payload);
            let error = decode(&webp, true).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Damaged, "{name}: {error}");
            assert_eq!(error.message, "the alpha of the WebP is damaged", "{name}");
        }
    }
}

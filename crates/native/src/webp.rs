//! libwebp 1.6: WebP to packed pixels, and planes or packed pixels to WebP.

use std::{ptr, slice};

use libc::c_int;
use libwebp_sys as sys;

use crate::{Error, ErrorKind, Result, buffer};

mod alpha;
pub mod animation;
mod partition;

/// The longest side a WebP can have.
pub const SIDE_MAX: u32 = 16_383;

/// The fast methods decide without looking at rate and distortion together and lose some of both.
/// Fewer segments, more masking and a stronger loop filter than the library's defaults give it
/// back: SSIMULACRA2 and bytes over photographs at quality 80 (`bench/`), where the slow methods
/// gain nothing.
const FAST_METHOD_MAX: u8 = 2;

/// What a WebP says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether it has an alpha channel.
    pub has_alpha: bool,
    /// Whether it has several frames.
    pub has_animation: bool,
}

/// How hard and how well to compress.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// With loss.
    Lossy {
        /// 0 to 100.
        quality: f32,
        /// 0 (fast) to 6 (small).
        method: u8,
    },
    /// Without loss.
    Lossless {
        /// 0 (fast) to 9 (small).
        level: u8,
    },
}

/// The planes of a lossy image: limited-range BT.601, chroma halved across and down (rounded up).
/// They are the encoder's to scribble in.
#[derive(Debug)]
pub struct Planes {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Luma.
    pub y: Vec<u8>,
    /// Blue chroma.
    pub u: Vec<u8>,
    /// Red chroma.
    pub v: Vec<u8>,
    /// Alpha, of the size of luma.
    pub alpha: Option<Vec<u8>>,
}

/// Reads the header.
pub fn features(webp: &[u8]) -> Result<Features> {
    // SAFETY: plain numbers, for which zero is a value.
    let mut features: sys::WebPBitstreamFeatures = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and the length are those of one slice.
    let status = unsafe { sys::WebPGetFeatures(webp.as_ptr(), webp.len(), &raw mut features) };
    check(status)?;
    Ok(Features {
        width: to_side(features.width)?,
        height: to_side(features.height)?,
        has_alpha: features.has_alpha != 0,
        has_animation: features.has_animation != 0,
    })
}

/// Decodes a still image to rows of RGB, or RGBA when `alpha` is set, without padding.
pub fn decode(webp: &[u8], alpha: bool) -> Result<(Features, Vec<u8>)> {
    let features = features(webp)?;
    if features.has_animation {
        return Err(Error::new(ErrorKind::Unsupported, "an animated WebP"));
    }
    let stride = features.width as usize * if alpha { 4 } else { 3 };
    let mut samples = buffer::zeroed(stride * features.height as usize)?;
    let mut config = sys::WebPDecoderConfig::new()
        .map_err(|()| Error::misuse("this libwebp has another interface"))?;
    config.output.colorspace =
        if alpha { sys::WEBP_CSP_MODE::MODE_RGBA } else { sys::WEBP_CSP_MODE::MODE_RGB };
    config.output.is_external_memory = 1;
    config.output.u.RGBA = sys::WebPRGBABuffer {
        rgba: samples.as_mut_ptr(),
        stride: to_int(stride)?,
        size: samples.len(),
    };
    // SAFETY: the output is a buffer of ours with its true size, which the library checks against
    // the image before it writes; with external memory it owns nothing that would have to be freed.
    let status = unsafe { sys::WebPDecode(webp.as_ptr(), webp.len(), &raw mut config) };
    if status == sys::VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY
        && alpha::is_damaged(webp, features.width, features.height)?
    {
        return Err(Error::new(ErrorKind::Damaged, "the alpha of the WebP is damaged"));
    }
    check(status)?;
    Ok((features, samples))
}

/// Encodes planes with loss.
pub fn encode_planes(mut planes: Planes, quality: f32, method: u8) -> Result<Vec<u8>> {
    let Planes { width, height, .. } = planes;
    let mut picture = Picture::new(width, height)?;
    let area = width as usize * height as usize;
    let chroma_width = width.div_ceil(2);
    let chroma_area = chroma_width as usize * height.div_ceil(2) as usize;
    let fits = planes.y.len() == area
        && planes.u.len() == chroma_area
        && planes.v.len() == chroma_area
        && planes.alpha.as_ref().is_none_or(|alpha| alpha.len() == area);
    if !fits {
        return Err(Error::misuse("the planes do not fill the size"));
    }
    let raw = &mut picture.0;
    raw.use_argb = 0;
    raw.colorspace = sys::WebPEncCSP::WEBP_YUV420;
    raw.y = planes.y.as_mut_ptr();
    raw.u = planes.u.as_mut_ptr();
    raw.v = planes.v.as_mut_ptr();
    raw.y_stride = to_int(width as usize)?;
    raw.uv_stride = to_int(chroma_width as usize)?;
    if let Some(alpha) = &mut planes.alpha {
        raw.colorspace = sys::WebPEncCSP::WEBP_YUV420A;
        raw.a = alpha.as_mut_ptr();
        raw.a_stride = to_int(width as usize)?;
    }
    let config = config(Mode::Lossy { quality, method })?;
    // SAFETY: the planes have the sizes that the picture says and live to the end of this function.
    unsafe { encode(&config, &mut picture) }
}

/// Encodes pixels without loss, each a word of alpha, red, green, blue from the highest byte down.
pub fn encode_argb(width: u32, height: u32, mut argb: Vec<u32>, mode: Mode) -> Result<Vec<u8>> {
    let mut picture = Picture::new(width, height)?;
    if argb.len() != width as usize * height as usize {
        return Err(Error::misuse("the samples do not fill the size"));
    }
    picture.0.use_argb = 1;
    picture.0.argb = argb.as_mut_ptr();
    picture.0.argb_stride = to_int(width as usize)?;
    let config = config(mode)?;
    // SAFETY: the pixels have the size that the picture says and live to the end of this function.
    unsafe { encode(&config, &mut picture) }
}

fn config(mode: Mode) -> Result<sys::WebPConfig> {
    let mut config =
        sys::WebPConfig::new().map_err(|()| Error::misuse("this libwebp has another interface"))?;
    match mode {
        Mode::Lossy { quality, method } => {
            config.quality = quality;
            config.method = c_int::from(method);
            if method <= FAST_METHOD_MAX {
                config.quality = (quality + 0.5).min(100.0);
                config.segments = 3;
                config.sns_strength = 65;
                config.filter_strength = 90;
            }
        }
        Mode::Lossless { level } => {
            // SAFETY: the configuration is initialised.
            let ok = unsafe { sys::WebPConfigLosslessPreset(&raw mut config, c_int::from(level)) };
            if ok == 0 {
                return Err(Error::misuse("a level is 0 to 9"));
            }
            // Colours under full transparency are part of the pixels: no loss means none.
            config.exact = 1;
        }
    }
    Ok(config)
}

/// # Safety
/// The planes or pixels that the picture points to must have the sizes that it says.
unsafe fn encode(config: &sys::WebPConfig, picture: &mut Picture) -> Result<Vec<u8>> {
    // SAFETY: the picture is sound by this function's contract.
    let webp = unsafe { encode_once(config, picture) };
    if webp.is_ok() || !partition::overflowed(picture) {
        return webp;
    }
    let config = partition::fitting(config, picture);
    // SAFETY: the encoder leaves what it is lent where it is, and of the same size.
    unsafe { encode_once(&config, picture) }
}

/// # Safety
/// The planes or pixels that the picture points to must have the sizes that it says.
unsafe fn encode_once(config: &sys::WebPConfig, picture: &mut Picture) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    picture.0.writer = Some(sys::WebPMemoryWrite);
    picture.0.custom_ptr = (&raw mut writer.0).cast();
    // SAFETY: the configuration is initialised, the picture is sound by this function's contract,
    // and the writer that it points to outlives the call.
    let ok = unsafe { sys::WebPEncode(config, &raw mut picture.0) };
    picture.0.custom_ptr = ptr::null_mut();
    if ok == 0 {
        return Err(encoding_error(picture.0.error_code));
    }
    if writer.0.mem.is_null() {
        return Err(Error::misuse("nothing was written"));
    }
    // SAFETY: the writer holds `size` bytes that were written.
    Ok(unsafe { slice::from_raw_parts(writer.0.mem, writer.0.size) }.to_vec())
}

/// A picture; it frees what the library attached to it, not what we lend it.
struct Picture(sys::WebPPicture);

impl Picture {
    fn new(width: u32, height: u32) -> Result<Self> {
        if width == 0 || height == 0 || width.max(height) > SIDE_MAX {
            let message =
                format!("a WebP cannot be {width}×{height}: a side has 1 to {SIDE_MAX} pixels");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let mut picture = sys::WebPPicture::new()
            .map_err(|()| Error::misuse("this libwebp has another interface"))?;
        picture.width = to_int(width as usize)?;
        picture.height = to_int(height as usize)?;
        Ok(Self(picture))
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture is initialised; the library frees only the memory it allocated
        // itself.
        unsafe { sys::WebPPictureFree(&raw mut self.0) }
    }
}

/// The bytes that the encoder has written so far.
struct Writer(sys::WebPMemoryWriter);

impl Writer {
    fn new() -> Self {
        // SAFETY: plain numbers and a pointer, for which zero is a value.
        let mut writer = Self(unsafe { std::mem::zeroed() });
        // SAFETY: the pointer is to a live value.
        unsafe { sys::WebPMemoryWriterInit(&raw mut writer.0) };
        writer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: the writer is initialised.
        unsafe { sys::WebPMemoryWriterClear(&raw mut self.0) }
    }
}

fn check(status: sys::VP8StatusCode) -> Result<()> {
    use sys::VP8StatusCode as Status;
    let (kind, message) = match status {
        Status::VP8_STATUS_OK => return Ok(()),
        Status::VP8_STATUS_OUT_OF_MEMORY => (ErrorKind::Memory, "no memory for the WebP"),
        Status::VP8_STATUS_INVALID_PARAM => (ErrorKind::Misuse, "wrong parameters for libwebp"),
        Status::VP8_STATUS_UNSUPPORTED_FEATURE => {
            (ErrorKind::Unsupported, "a part of WebP that is not supported")
        }
        Status::VP8_STATUS_SUSPENDED | Status::VP8_STATUS_NOT_ENOUGH_DATA => {
            (ErrorKind::Truncated, "the WebP ends early")
        }
        Status::VP8_STATUS_BITSTREAM_ERROR | Status::VP8_STATUS_USER_ABORT => {
            (ErrorKind::Damaged, "the data of the WebP break its rules")
        }
    };
    Err(Error::new(kind, message))
}

fn encoding_error(code: sys::WebPEncodingError) -> Error {
    use sys::WebPEncodingError as Code;
    let kind = match code {
        Code::VP8_ENC_ERROR_OUT_OF_MEMORY | Code::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => {
            ErrorKind::Memory
        }
        Code::VP8_ENC_ERROR_BAD_DIMENSION
        | Code::VP8_ENC_ERROR_PARTITION0_OVERFLOW
        | Code::VP8_ENC_ERROR_PARTITION_OVERFLOW
        | Code::VP8_ENC_ERROR_FILE_TOO_BIG => ErrorKind::Limit,
        Code::VP8_ENC_OK
        | Code::VP8_ENC_ERROR_NULL_PARAMETER
        | Code::VP8_ENC_ERROR_INVALID_CONFIGURATION
        | Code::VP8_ENC_ERROR_BAD_WRITE
        | Code::VP8_ENC_ERROR_USER_ABORT
        | Code::VP8_ENC_ERROR_LAST => ErrorKind::Misuse,
    };
    if code == Code::VP8_ENC_ERROR_PARTITION0_OVERFLOW {
        return Error::new(kind, partition::TOO_MUCH);
    }
    Error::new(kind, format!("the WebP encoder failed: {code:?}"))
}

fn to_int(value: usize) -> Result<c_int> {
    c_int::try_from(value).map_err(|_| Error::misuse("a side is too long"))
}

fn to_side(value: c_int) -> Result<u32> {
    let side = u32::try_from(value).ok().filter(|side| *side > 0);
    side.ok_or_else(|| Error::new(ErrorKind::Damaged, "an image without pixels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lossless_keeps_every_bit() {
        let argb: Vec<u32> = (0..35 * 21u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
        for level in [0, 1, 6] {
            let mode = Mode::Lossless { level };
            let webp = encode_argb(35, 21, argb.clone(), mode).unwrap();
            let (features, samples) = decode(&webp, true).unwrap();
            assert_eq!((features.width, features.height), (35, 21));
            let expected: Vec<u8> =
                argb.iter().flat_map(|p| p.rotate_left(8).to_be_bytes()).collect();
            assert_eq!(samples, expected);
        }
    }

    #[test]
    fn planes_of_every_size_encode() {
        for (width, height) in [(1u32, 1u32), (2, 3), (17, 16), (33, 65)] {
            let area = (width * height) as usize;
            let chroma = (width.div_ceil(2) * height.div_ceil(2)) as usize;
            for alpha in [None, Some(vec![77; area])] {
                let planes = Planes {
                    width,
                    height,
                    y: vec![126; area],
                    u: vec![128; chroma],
                    v: vec![128; chroma],
                    alpha,
                };
                let has_alpha = planes.alpha.is_some();
                let webp = encode_planes(planes, 80.0, 2).unwrap();
                let (features, samples) = decode(&webp, true).unwrap();
                assert_eq!((features.width, features.height), (width, height));
                assert_eq!(features.has_alpha, has_alpha);
                let middle = [128, 128, 128, if has_alpha { 77 } else { 255 }];
                assert!(
                    samples
                        .chunks_exact(4)
                        .all(|pixel| { pixel.iter().zip(middle).all(|(a, b)| a.abs_diff(b) <= 2) })
                );
            }
        }
    }

    #[test]
    fn a_file_that_ends_early_is_truncated() {
        let argb = (0..4096u32).map(|i| i * 77_777).collect();
        let webp = encode_argb(64, 64, argb, Mode::Lossless { level: 1 }).unwrap();
        for len in [12, 20, 30, webp.len() / 2, webp.len() - 1] {
            let error = decode(&webp[..len], true).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Truncated, "{len}");
        }
        assert_eq!(decode(&[], true).unwrap_err().kind, ErrorKind::Truncated);
    }

    #[test]
    fn sizes_are_checked() {
        let planes = |y| Planes { width: 2, height: 2, y, u: vec![0], v: vec![0], alpha: None };
        let error = encode_planes(planes(vec![0; 3]), 80.0, 2).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Misuse);
        let mode = Mode::Lossless { level: 1 };
        let error = encode_argb(20_000, 1, vec![0; 20_000], mode).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Limit);
    }
}

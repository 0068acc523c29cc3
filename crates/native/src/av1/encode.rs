use std::ffi::{CStr, CString, c_int, c_void};
use std::{mem, ptr, slice};

use libaom_sys as sys;

use super::{Layout, Picture, Planes};
use crate::{Error, ErrorKind, Result};

/// How hard and how well to compress.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// 0 (small) to 9 (fast).
    pub speed: u8,
    /// 0 (best) to 63 (smallest); of no meaning without loss.
    pub level: u8,
    /// What is tried for each block.
    pub search: Search,
    /// Keeps every bit of the planes.
    pub lossless: bool,
    /// What the eye is to see in it.
    pub tune: Tune,
}

/// What is tried for each block, from the least to the most. At one speed each takes more time and
/// fewer bytes than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Search {
    /// Few directions of prediction.
    FewDirections,
    /// All of them, and coefficients are weighed against their bits only once.
    QuickTrellis,
    /// The cosine transform alone, with all that belongs to it.
    Cosine,
    /// All transforms.
    All,
    /// Blocks that are not square too, which takes two to three times as long.
    Partitions,
}

/// What distortion is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tune {
    /// Pictures: structure and texture, with quantisation matrices.
    Picture,
    /// Plain error: alpha.
    Error,
}

/// What a picture is tuned with: SSIMULACRA2 and bytes over photographs.
const PICTURE: [(&CStr, &CStr); 5] = [
    (c"tune", c"ssim"),
    (c"enable-qm", c"1"),
    (c"qm-min", c"0"),
    (c"qm-max", c"10"),
    (c"dist-metric", c"qm-psnr"),
];

/// The samples of a picture as one AV1 temporal unit.
pub fn encode(picture: &Picture, settings: Settings) -> Result<Vec<u8>> {
    let raw = Raw::new(picture)?;
    let mut encoder = Encoder::new(picture)?;
    encoder.set_up(picture, settings)?;
    encoder.run(&raw)
}

/// The library's view of a picture.
struct Raw<'a> {
    image: sys::aom_image_t,
    // The chroma of a gray picture: the library reads it all the same.
    _gray: Vec<u8>,
    _picture: &'a Picture,
}

impl<'a> Raw<'a> {
    fn new(picture: &'a Picture) -> Result<Self> {
        let wide = picture.bit_depth > 8;
        let format = match (picture.layout, wide) {
            (Layout::Gray | Layout::S420, false) => sys::AOM_IMG_FMT_I420,
            (Layout::Gray | Layout::S420, true) => sys::AOM_IMG_FMT_I42016,
            (Layout::S422, false) => sys::AOM_IMG_FMT_I422,
            (Layout::S422, true) => sys::AOM_IMG_FMT_I42216,
            (Layout::S444, false) => sys::AOM_IMG_FMT_I444,
            (Layout::S444, true) => sys::AOM_IMG_FMT_I44416,
        };
        // SAFETY: plain numbers and pointers, for which zero is a value.
        let mut image: sys::aom_image_t = unsafe { mem::zeroed() };
        // SAFETY: without data the function fills in the descriptor and nothing else.
        let wrapped = unsafe {
            let (width, height) = (picture.width, picture.height);
            sys::aom_img_wrap(&raw mut image, format, width, height, 1, ptr::dangling_mut())
        };
        if wrapped.is_null() {
            return Err(Error::misuse("the picture cannot be described to the AV1 encoder"));
        }
        image.bit_depth = picture.bit_depth.into();
        image.monochrome = (picture.layout == Layout::Gray).into();
        image.range =
            if picture.cicp.full_range { sys::AOM_CR_FULL_RANGE } else { sys::AOM_CR_STUDIO_RANGE };
        let sample = if wide { 2 } else { 1 };
        let mut gray = Vec::new();
        for index in 0..3 {
            let (width, height) = picture.plane_size(index);
            image.stride[index] = c_int::try_from(width * sample)
                .map_err(|_| Error::misuse("a row is too long for the AV1 encoder"))?;
            image.planes[index] = if index < picture.plane_count() {
                plane(picture, index, width * height)?.cast_mut()
            } else {
                if gray.is_empty() {
                    gray = middle(picture.bit_depth, width * height)?;
                }
                gray.as_mut_ptr()
            };
        }
        Ok(Self { image, _gray: gray, _picture: picture })
    }
}

/// The start of a plane that holds exactly `len` samples within its depth.
fn plane(picture: &Picture, index: usize, len: usize) -> Result<*const u8> {
    let misfit = || Error::misuse("the planes do not fill the size");
    match &picture.planes {
        Planes::U8(planes) if picture.bit_depth == 8 => {
            let plane = planes.get(index).filter(|plane| plane.len() == len);
            Ok(plane.ok_or_else(misfit)?.as_ptr())
        }
        Planes::U16(planes) if matches!(picture.bit_depth, 10 | 12) => {
            let plane = planes.get(index).filter(|plane| plane.len() == len);
            let plane = plane.ok_or_else(misfit)?;
            // A sample above its depth is undefined behavior in the library.
            let all = plane.iter().fold(0, |all, sample| all | sample);
            if all >> picture.bit_depth != 0 {
                return Err(Error::misuse("a sample is above its depth"));
            }
            Ok(plane.as_ptr().cast())
        }
        _ => Err(Error::misuse("the samples do not have the depth of the picture")),
    }
}

fn middle(bit_depth: u8, len: usize) -> Result<Vec<u8>> {
    if bit_depth == 8 {
        let mut samples = crate::buffer::zeroed(len)?;
        samples.fill(128);
        return Ok(samples);
    }
    let mut samples = crate::buffer::zeroed(len * 2)?;
    let value = (1u16 << (bit_depth - 1)).to_ne_bytes();
    samples.as_chunks_mut::<2>().0.fill(value);
    Ok(samples)
}

/// An encoder of the library, on the heap as the library may keep its address.
struct Encoder(Box<sys::aom_codec_ctx_t>);

impl Encoder {
    fn new(picture: &Picture) -> Result<Self> {
        // SAFETY: returns the address of a constant.
        let interface = unsafe { sys::aom_codec_av1_cx() };
        // SAFETY: plain numbers and pointers, for which zero is a value.
        let mut config: sys::aom_codec_enc_cfg_t = unsafe { mem::zeroed() };
        // SAFETY: both pointers are good; the function fills in the configuration.
        let code = unsafe {
            sys::aom_codec_enc_config_default(interface, &raw mut config, sys::AOM_USAGE_ALL_INTRA)
        };
        check(code, None)?;
        config.g_profile = match (picture.layout, picture.bit_depth) {
            (Layout::S422, _) | (_, 12) => 2,
            (Layout::S444, _) => 1,
            (Layout::Gray | Layout::S420, _) => 0,
        };
        config.g_w = picture.width;
        config.g_h = picture.height;
        config.g_bit_depth = picture.bit_depth.into();
        config.g_input_bit_depth = picture.bit_depth.into();
        config.g_threads = 1;
        config.g_limit = 1;
        config.g_lag_in_frames = 0;
        config.rc_end_usage = sys::AOM_Q;
        config.rc_min_quantizer = 0;
        config.rc_max_quantizer = 63;
        config.monochrome = (picture.layout == Layout::Gray).into();
        let flags = if picture.bit_depth > 8 { sys::AOM_CODEC_USE_HIGHBITDEPTH } else { 0 };
        // SAFETY: plain numbers and pointers, for which zero is a value.
        let mut context: Box<sys::aom_codec_ctx_t> = Box::new(unsafe { mem::zeroed() });
        // SAFETY: all pointers are good. The library copies the configuration.
        let code = unsafe {
            sys::aom_codec_enc_init_ver(
                &raw mut *context,
                interface,
                &raw const config,
                flags.into(),
                sys::AOM_ENCODER_ABI_VERSION as c_int,
            )
        };
        check(code, None)?;
        // From here on there is something to destroy.
        Ok(Self(context))
    }

    fn set_up(&mut self, picture: &Picture, settings: Settings) -> Result<()> {
        let Settings { speed, level, search, lossless, tune } = settings;
        self.control(sys::AOME_SET_CPUUSED, speed.min(9))?;
        self.control(sys::AOME_SET_CQ_LEVEL, level.min(63))?;
        self.control(sys::AV1E_SET_COLOR_PRIMARIES, picture.cicp.primaries)?;
        self.control(sys::AV1E_SET_TRANSFER_CHARACTERISTICS, picture.cicp.transfer)?;
        self.control(sys::AV1E_SET_MATRIX_COEFFICIENTS, picture.cicp.matrix)?;
        self.control(sys::AV1E_SET_COLOR_RANGE, picture.cicp.full_range.into())?;
        if lossless {
            return self.control(sys::AV1E_SET_LOSSLESS, 1);
        }
        if tune == Tune::Picture {
            for (name, value) in PICTURE {
                self.option(name, value)?;
            }
        }
        if search <= Search::Cosine {
            self.option(c"use-intra-dct-only", c"1")?;
        }
        if search <= Search::QuickTrellis {
            self.option(c"disable-trellis-quant", c"2")?;
        }
        if search == Search::FewDirections {
            for name in [c"enable-angle-delta", c"enable-diagonal-intra", c"enable-smooth-intra"] {
                self.option(name, c"0")?;
            }
        }
        // A slower speed with square partitions alone takes less time and fewer bytes than a faster
        // one with all.
        if search < Search::Partitions {
            self.option(c"enable-rect-partitions", c"0")?;
        }
        Ok(())
    }

    fn control(&mut self, control: sys::aome_enc_control_id, value: u8) -> Result<()> {
        // SAFETY: the encoder lives; these controls take one number of the size of an int.
        let code = unsafe {
            sys::aom_codec_control(&raw mut *self.0, control as c_int, c_int::from(value))
        };
        check(code, Some(self))
    }

    fn option(&mut self, name: &CStr, value: &CStr) -> Result<()> {
        // SAFETY: the encoder lives and both strings end with a zero.
        let code =
            unsafe { sys::aom_codec_set_option(&raw mut *self.0, name.as_ptr(), value.as_ptr()) };
        check(code, Some(self))
    }

    fn run(&mut self, raw: &Raw<'_>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for image in [&raw const raw.image, ptr::null()] {
            // SAFETY: the encoder lives; the image describes planes that live as long as `raw` and
            // is only read; the second call flushes.
            let code = unsafe { sys::aom_codec_encode(&raw mut *self.0, image, 0, 1, 0) };
            check(code, Some(self))?;
            self.take_packets(&mut bytes);
        }
        if bytes.is_empty() {
            return Err(Error::misuse("the AV1 encoder wrote nothing"));
        }
        Ok(bytes)
    }

    fn take_packets(&mut self, bytes: &mut Vec<u8>) {
        let mut iterator: *const c_void = ptr::null();
        loop {
            // SAFETY: the encoder lives and the iterator is its own or null.
            let packet = unsafe { sys::aom_codec_get_cx_data(&raw mut *self.0, &raw mut iterator) };
            if packet.is_null() {
                return;
            }
            // SAFETY: the packet is good until the next call into the library.
            let packet = unsafe { &*packet };
            if packet.kind != sys::AOM_CODEC_CX_FRAME_PKT {
                continue;
            }
            // SAFETY: the kind says which member of the union is there, and it says the length of
            // its own buffer.
            let data = unsafe {
                let frame = packet.data.frame;
                slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz)
            };
            bytes.extend_from_slice(data);
        }
    }

    fn message(&self) -> Option<String> {
        // SAFETY: the encoder lives; the string, if any, lives until the next call.
        let detail = unsafe {
            let detail = sys::aom_codec_error_detail(&raw const *self.0);
            (!detail.is_null()).then(|| CString::from(CStr::from_ptr(detail)))
        };
        detail.and_then(|detail| detail.into_string().ok())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the encoder was initialised and is not used again.
        unsafe { sys::aom_codec_destroy(&raw mut *self.0) };
    }
}

fn check(code: sys::aom_codec_err_t, encoder: Option<&Encoder>) -> Result<()> {
    if code == sys::AOM_CODEC_OK {
        return Ok(());
    }
    let kind = match code {
        sys::AOM_CODEC_MEM_ERROR => ErrorKind::Memory,
        sys::AOM_CODEC_UNSUP_FEATURE | sys::AOM_CODEC_INCAPABLE => ErrorKind::Unsupported,
        _ => ErrorKind::Misuse,
    };
    let message = encoder.and_then(Encoder::message);
    let message = message.unwrap_or_else(|| format!("the AV1 encoder fails with code {code}"));
    Err(Error::new(kind, message))
}

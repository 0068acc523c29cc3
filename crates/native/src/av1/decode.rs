use std::ffi::{c_int, c_void};
use std::{mem, ptr, slice};

use libaom_sys as sys;

use super::{Cicp, Layout, Picture, Planes};
use crate::{Error, ErrorKind, Result};

/// The first picture of an AV1 stream, of at most `pixels_max` pixels.
pub fn decode(stream: &[u8], pixels_max: u32) -> Result<Picture> {
    check(stream, pixels_max)?;
    let mut decoder = Decoder::new()?;
    let image = decoder.first(stream)?;
    picture(image, pixels_max)
}

fn damaged(message: &str) -> Error {
    Error::new(ErrorKind::Damaged, message)
}

/// The library allocates what a sequence header says, so all of them must say the same, and no more
/// than is allowed.
fn check(stream: &[u8], pixels_max: u32) -> Result<()> {
    let mut units = units(stream).filter(|unit| unit.kind == SEQUENCE_HEADER);
    let early = || Error::new(ErrorKind::Truncated, "the AV1 data end before their header does");
    let first = units.next().ok_or_else(early)?;
    if units.any(|unit| unit.payload != first.payload) {
        return Err(damaged("the AV1 data have several headers"));
    }
    // SAFETY: plain numbers, for which zero is a value.
    let mut info: sys::aom_codec_stream_info_t = unsafe { mem::zeroed() };
    // SAFETY: the interface is a constant; pointer and length are those of one slice.
    let code = unsafe {
        let interface = sys::aom_codec_av1_dx();
        sys::aom_codec_peek_stream_info(interface, stream.as_ptr(), stream.len(), &raw mut info)
    };
    if code != sys::AOM_CODEC_OK {
        return Err(complaint(code));
    }
    if u64::from(info.w) * u64::from(info.h) > u64::from(pixels_max) {
        return Err(Error::new(ErrorKind::Limit, "the AV1 picture is too large"));
    }
    Ok(())
}

const SEQUENCE_HEADER: u8 = 1;

/// A unit of a stream (AV1 specification, 5.3).
struct Unit<'a> {
    kind: u8,
    payload: &'a [u8],
}

/// The units, as far as they are whole.
fn units(mut stream: &[u8]) -> impl Iterator<Item = Unit<'_>> {
    std::iter::from_fn(move || {
        let (head, mut rest) = stream.split_first()?;
        if head & 4 != 0 {
            rest = rest.get(1..)?;
        }
        let mut len = rest.len();
        if head & 2 != 0 {
            len = 0;
            for place in 0..8 {
                let (byte, after) = rest.split_first()?;
                rest = after;
                len |= usize::from(byte & 0x7F) << (7 * place);
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let (payload, after) = rest.split_at_checked(len)?;
        stream = after;
        Some(Unit { kind: head >> 3 & 15, payload })
    })
}

/// A decoder of the library, on the heap as the library may keep its address.
struct Decoder(Box<sys::aom_codec_ctx_t>);

impl Decoder {
    fn new() -> Result<Self> {
        let config = sys::aom_codec_dec_cfg_t { threads: 1, w: 0, h: 0, allow_lowbitdepth: 1 };
        // SAFETY: plain numbers and pointers, for which zero is a value.
        let mut context: Box<sys::aom_codec_ctx_t> = Box::new(unsafe { mem::zeroed() });
        // SAFETY: all pointers are good. The library copies the configuration.
        let code = unsafe {
            sys::aom_codec_dec_init_ver(
                &raw mut *context,
                sys::aom_codec_av1_dx(),
                &raw const config,
                0,
                sys::AOM_DECODER_ABI_VERSION as c_int,
            )
        };
        if code != sys::AOM_CODEC_OK {
            return Err(complaint(code));
        }
        // From here on there is something to destroy.
        Ok(Self(context))
    }

    /// The first picture, which lives as long as the decoder.
    fn first(&mut self, stream: &[u8]) -> Result<&sys::aom_image_t> {
        // SAFETY: the decoder lives; pointer and length are those of one slice.
        let code = unsafe {
            sys::aom_codec_decode(&raw mut *self.0, stream.as_ptr(), stream.len(), ptr::null_mut())
        };
        if code != sys::AOM_CODEC_OK {
            return Err(complaint(code));
        }
        let mut iterator: *const c_void = ptr::null();
        // SAFETY: the decoder lives and the iterator is its own or null.
        let image = unsafe { sys::aom_codec_get_frame(&raw mut *self.0, &raw mut iterator) };
        if image.is_null() {
            return Err(Error::new(ErrorKind::Truncated, "the AV1 data end before the picture"));
        }
        // SAFETY: the image is good until the next call into the library, which needs `&mut self`.
        Ok(unsafe { &*image })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the decoder was initialised and is not used again.
        unsafe { sys::aom_codec_destroy(&raw mut *self.0) };
    }
}

fn complaint(code: sys::aom_codec_err_t) -> Error {
    match code {
        sys::AOM_CODEC_MEM_ERROR => Error::new(ErrorKind::Memory, "no memory for an AV1 picture"),
        sys::AOM_CODEC_UNSUP_FEATURE => {
            Error::new(ErrorKind::Unsupported, "a part of AV1 that the decoder does not have")
        }
        _ => damaged("the AV1 data are damaged or end early"),
    }
}

fn picture(image: &sys::aom_image_t, pixels_max: u32) -> Result<Picture> {
    let layout = match (image.monochrome != 0, image.x_chroma_shift, image.y_chroma_shift) {
        (true, ..) => Layout::Gray,
        (false, 1, 1) => Layout::S420,
        (false, 1, 0) => Layout::S422,
        (false, 0, 0) => Layout::S444,
        _ => return Err(damaged("the AV1 picture has planes of no known size")),
    };
    if u64::from(image.d_w) * u64::from(image.d_h) > u64::from(pixels_max) {
        return Err(Error::new(ErrorKind::Limit, "the AV1 picture is too large"));
    }
    let mut picture = Picture {
        width: image.d_w,
        height: image.d_h,
        bit_depth: u8::try_from(image.bit_depth).unwrap_or(0),
        layout,
        cicp: Cicp {
            primaries: u8::try_from(image.cp).unwrap_or(2),
            transfer: u8::try_from(image.tc).unwrap_or(2),
            matrix: u8::try_from(image.mc).unwrap_or(2),
            full_range: image.range == sys::AOM_CR_FULL_RANGE,
        },
        planes: Planes::U8(Vec::new()),
    };
    let planes = 0..picture.plane_count();
    let is_wide = image.fmt & sys::AOM_IMG_FMT_HIGHBITDEPTH != 0;
    picture.planes = match (picture.bit_depth, is_wide) {
        (8, false) => {
            Planes::U8(planes.map(|at| plane(image, &picture, at)).collect::<Result<_>>()?)
        }
        (10 | 12, true) => {
            Planes::U16(planes.map(|at| plane(image, &picture, at)).collect::<Result<_>>()?)
        }
        _ => return Err(Error::misuse("the AV1 decoder gives samples of another width")),
    };
    Ok(picture)
}

/// The rows of a plane; `S` is as wide as the format of the image says.
fn plane<S: Copy>(image: &sys::aom_image_t, picture: &Picture, at: usize) -> Result<Vec<S>> {
    let (width, height) = picture.plane_size(at);
    let (start, stride) = (image.planes[at], image.stride[at] as isize);
    if start.is_null() {
        return Err(Error::misuse("the AV1 decoder gives half a picture"));
    }
    let mut samples = Vec::new();
    samples
        .try_reserve_exact(width * height)
        .map_err(|_| Error::new(ErrorKind::Memory, "no memory for an AV1 picture"))?;
    for y in 0..height {
        // SAFETY: the decoder allocated `height` rows at this stride, each at least as long as the
        // picture is wide; the caller chose `S` by the width of a sample; rows are aligned to it.
        let row = unsafe {
            let start = start.offset(stride * y as isize);
            slice::from_raw_parts(start.cast::<S>().cast_const(), width)
        };
        samples.extend_from_slice(row);
    }
    Ok(samples)
}

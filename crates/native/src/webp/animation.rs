//! Animated WebP: whole composited frames out of a file, and frames into one.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::{mem, slice};

use libc::c_int;
use libwebp_sys as sys;

use super::{Mode, Picture, config, encoding_error, partition, to_int};
use crate::{Error, ErrorKind, Result};

/// The longest a frame can be shown, in milliseconds (24 bits in the file).
pub const DELAY_MAX: u32 = (1 << 24) - 1;

/// Composes the frames of a file one after the other.
pub struct AnimationDecoder<'a> {
    raw: NonNull<sys::WebPAnimDecoder>,
    info: sys::WebPAnimInfo,
    /// When the last frame that was composed ends.
    end_ms: c_int,
    // The library reads the file while it composes.
    file: PhantomData<&'a [u8]>,
}

impl<'a> AnimationDecoder<'a> {
    /// Reads the structure of a whole file. Two canvases are allocated, so the caller has checked
    /// their size, and that all delays together fit 31 bits.
    pub fn new(webp: &'a [u8]) -> Result<Self> {
        // SAFETY: plain numbers, for which zero is a value; the library sets its defaults below.
        let mut options: sys::WebPAnimDecoderOptions = unsafe { mem::zeroed() };
        // SAFETY: the pointer is to a live value.
        if unsafe { sys::WebPAnimDecoderOptionsInit(&raw mut options) } == 0 {
            return Err(Error::misuse("this libwebp has another interface"));
        }
        options.color_mode = sys::WEBP_CSP_MODE::MODE_RGBA;
        let data = sys::WebPData { bytes: webp.as_ptr(), size: webp.len() };
        // SAFETY: both pointers are to live values; the bytes outlive the decoder by its lifetime.
        let raw = unsafe { sys::WebPAnimDecoderNew(&raw const data, &raw const options) };
        let raw = NonNull::new(raw).ok_or_else(|| {
            Error::new(ErrorKind::Damaged, "the animation ends early or breaks its rules")
        })?;
        let info = sys::WebPAnimInfo::default();
        let mut decoder = Self { raw, info, end_ms: 0, file: PhantomData };
        // SAFETY: the decoder is alive, and so is the value to be filled.
        let ok = unsafe { sys::WebPAnimDecoderGetInfo(raw.as_ptr(), &raw mut decoder.info) };
        if ok == 0 {
            return Err(Error::misuse("the decoder knows nothing of its file"));
        }
        Ok(decoder)
    }

    /// Width and height of the canvas.
    pub fn size(&self) -> (u32, u32) {
        (self.info.canvas_width, self.info.canvas_height)
    }

    /// How many frames there are.
    pub fn frame_count(&self) -> u32 {
        self.info.frame_count
    }

    /// How often it plays; 0 is for ever.
    pub fn loop_count(&self) -> u32 {
        self.info.loop_count
    }

    /// Rows of RGBA of the next whole frame, and how long it is shown in milliseconds.
    pub fn next_frame(&mut self) -> Result<Option<(&[u8], u32)>> {
        // SAFETY: the decoder is alive.
        if unsafe { sys::WebPAnimDecoderHasMoreFrames(self.raw.as_ptr()) } == 0 {
            return Ok(None);
        }
        let mut canvas = std::ptr::null_mut();
        let mut end_ms = 0;
        // SAFETY: the decoder is alive, and so are the values to be filled.
        let ok = unsafe {
            sys::WebPAnimDecoderGetNext(self.raw.as_ptr(), &raw mut canvas, &raw mut end_ms)
        };
        if ok == 0 || canvas.is_null() {
            return Err(Error::new(ErrorKind::Damaged, "the data of a frame break their rules"));
        }
        let delay = u32::try_from(end_ms.saturating_sub(self.end_ms)).unwrap_or(0);
        self.end_ms = end_ms;
        let len = self.info.canvas_width as usize * self.info.canvas_height as usize * 4;
        // SAFETY: the decoder's canvas has this size and stays as it is until the next call, which
        // the borrow of `self` holds off.
        Ok(Some((unsafe { slice::from_raw_parts(canvas, len) }, delay)))
    }
}

impl Drop for AnimationDecoder<'_> {
    fn drop(&mut self) {
        // SAFETY: the decoder is alive and nothing refers to it any more.
        unsafe { sys::WebPAnimDecoderDelete(self.raw.as_ptr()) }
    }
}

/// Puts frames together to a file. What does not change between frames is left out, and frames
/// that are the same become one that is shown longer.
pub struct AnimationEncoder {
    raw: NonNull<sys::WebPAnimEncoder>,
    config: sys::WebPConfig,
    size: (u32, u32),
    /// When the last frame that was added starts.
    last_ms: c_int,
    now_ms: c_int,
}

impl AnimationEncoder {
    /// An animation without frames yet, that plays so often (0 is for ever).
    pub fn new(width: u32, height: u32, loop_count: u16, mode: Mode) -> Result<Self> {
        // The check of the size is the picture's.
        Picture::new(width, height)?;
        // SAFETY: plain numbers, for which zero is a value; the library sets its defaults below.
        let mut options: sys::WebPAnimEncoderOptions = unsafe { mem::zeroed() };
        let version = sys::WEBP_MUX_ABI_VERSION as c_int;
        // SAFETY: the pointer is to a live value.
        if unsafe { sys::WebPAnimEncoderOptionsInitInternal(&raw mut options, version) } == 0 {
            return Err(Error::misuse("this libwebp has another interface"));
        }
        options.anim_params.loop_count = c_int::from(loop_count);
        // Transparent: viewers that show it show what is beneath.
        options.anim_params.bgcolor = 0;
        let (across, down) = (to_int(width as usize)?, to_int(height as usize)?);
        // SAFETY: the pointer is to a live value.
        let raw =
            unsafe { sys::WebPAnimEncoderNewInternal(across, down, &raw const options, version) };
        let raw = NonNull::new(raw)
            .ok_or_else(|| Error::new(ErrorKind::Memory, "no memory for the WebP animation"))?;
        Ok(Self { raw, config: config(mode)?, size: (width, height), last_ms: 0, now_ms: 0 })
    }

    /// Adds a frame of pixels that are words of alpha, red, green, blue from the highest byte down.
    pub fn add(&mut self, argb: &mut [u32], delay_ms: u32) -> Result<()> {
        let (width, height) = self.size;
        if argb.len() != width as usize * height as usize {
            return Err(Error::misuse("the samples do not fill the size"));
        }
        let mut picture = Picture::new(width, height)?;
        picture.0.use_argb = 1;
        picture.0.argb = argb.as_mut_ptr();
        picture.0.argb_stride = to_int(width as usize)?;
        // SAFETY: the pixels have the size that the picture says and live to the end of this
        // function.
        let mut is_added = unsafe { self.push(&mut picture, &self.config) };
        if !is_added && partition::overflowed(&picture) {
            // The try that failed has already let the last frame last until now, and the library
            // would add that time once more. It counts from the last frame that it took, so the
            // time of all that follow starts there.
            self.now_ms = self.last_ms;
            let config = partition::fitting(&self.config, &picture);
            // SAFETY: as above: the library has copied the pixels and left them as they were.
            is_added = unsafe { self.push(&mut picture, &config) };
        }
        if !is_added {
            return Err(match picture.0.error_code {
                sys::WebPEncodingError::VP8_ENC_OK => self.complaint(),
                code => encoding_error(code),
            });
        }
        self.last_ms = self.now_ms;
        // A delay is the distance of two moments, which may wrap around.
        self.now_ms = self.now_ms.wrapping_add(delay_ms.min(DELAY_MAX - 1) as c_int);
        Ok(())
    }

    /// Whether the library took the picture as the frame that starts now.
    ///
    /// # Safety
    /// The pixels that the picture points to must have the size that it says.
    unsafe fn push(&self, picture: &mut Picture, config: &sys::WebPConfig) -> bool {
        let (encoder, picture) = (self.raw.as_ptr(), &raw mut picture.0);
        // SAFETY: the encoder is alive, the configuration initialised, and the picture is sound by
        // this function's contract; the library copies its pixels.
        unsafe { sys::WebPAnimEncoderAdd(encoder, picture, self.now_ms, config) != 0 }
    }

    /// The whole file.
    pub fn finish(self) -> Result<Vec<u8>> {
        let encoder = self.raw.as_ptr();
        // SAFETY: the encoder is alive; no picture says that the last frame ends now.
        let ok = unsafe {
            sys::WebPAnimEncoderAdd(encoder, std::ptr::null_mut(), self.now_ms, std::ptr::null())
        };
        if ok == 0 {
            return Err(self.complaint());
        }
        let mut data = sys::WebPData::default();
        // SAFETY: the encoder and the value to be filled are alive.
        let ok = unsafe { sys::WebPAnimEncoderAssemble(encoder, &raw mut data) };
        if ok == 0 || data.bytes.is_null() {
            return Err(self.complaint());
        }
        // SAFETY: the library says that so many bytes are there.
        let webp = unsafe { slice::from_raw_parts(data.bytes, data.size) }.to_vec();
        // SAFETY: the library allocated the bytes, and nothing refers to them any more.
        unsafe { sys::WebPDataClear(&mut data) };
        Ok(webp)
    }

    /// The library's own words.
    fn complaint(&self) -> Error {
        // SAFETY: the encoder is alive.
        let words = unsafe { sys::WebPAnimEncoderGetError(self.raw.as_ptr()) };
        if words.is_null() {
            return Error::misuse("the animation cannot be put together");
        }
        // SAFETY: the library ends its text with a zero, and it lives as long as the encoder.
        let words = unsafe { CStr::from_ptr(words) }.to_string_lossy().into_owned();
        Error::misuse(words)
    }
}

impl Drop for AnimationEncoder {
    fn drop(&mut self) {
        // SAFETY: the encoder is alive and nothing refers to it any more.
        unsafe { sys::WebPAnimEncoderDelete(self.raw.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u32 = 24;

    fn frame(index: u32) -> Vec<u32> {
        let at = |x: u32, y: u32| {
            let inside = x.wrapping_sub(index * 3) < 6 && y.wrapping_sub(8) < 6;
            if inside { 0xFF20_40C0 } else { 0x80FF_0000 + x * 3 }
        };
        (0..SIZE * SIZE).map(|i| at(i % SIZE, i / SIZE)).collect()
    }

    fn animation(delays: &[u32]) -> Vec<u8> {
        let mode = Mode::Lossless { level: 1 };
        let mut encoder = AnimationEncoder::new(SIZE, SIZE, 3, mode).unwrap();
        for (index, delay) in (0..).zip(delays) {
            encoder.add(&mut frame(index), *delay).unwrap();
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn frames_come_back_whole_with_their_delays() {
        let delays = [70, 0, 13, 16_000_000, 5];
        let webp = animation(&delays);
        let mut decoder = AnimationDecoder::new(&webp).unwrap();
        assert_eq!((decoder.size(), decoder.loop_count()), ((SIZE, SIZE), 3));
        assert_eq!(decoder.frame_count(), delays.len() as u32);
        for (index, delay) in (0..).zip(delays) {
            let (pixels, seen) = decoder.next_frame().unwrap().unwrap();
            let expected: Vec<u8> =
                frame(index).iter().flat_map(|argb| argb.rotate_left(8).to_be_bytes()).collect();
            assert!(pixels == expected, "frame {index}");
            assert_eq!(seen, delay, "frame {index}");
        }
        assert_eq!(decoder.next_frame().unwrap(), None);
    }

    #[test]
    fn an_animation_that_ends_early_is_refused() {
        let webp = animation(&[10, 20, 30]);
        for len in (0..webp.len()).step_by(7) {
            let Ok(mut decoder) = AnimationDecoder::new(&webp[..len]) else { continue };
            while let Ok(Some(_)) = decoder.next_frame() {}
        }
        assert!(AnimationDecoder::new(&webp[..webp.len() - 9]).is_err());
        assert!(AnimationDecoder::new(b"").is_err());
    }

    #[test]
    fn a_frame_of_another_size_is_refused() {
        let mode = Mode::Lossy { quality: 80.0, method: 2 };
        let mut encoder = AnimationEncoder::new(SIZE, SIZE, 0, mode).unwrap();
        assert!(encoder.add(&mut [0; 5], 10).is_err());
        assert!(AnimationEncoder::new(20_000, 5, 0, mode).is_err());
        assert!(encoder.finish().is_err(), "no frame was added");
    }
}

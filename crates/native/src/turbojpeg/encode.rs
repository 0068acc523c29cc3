//! Packed pixels or planes to JPEG.

use std::borrow::Cow;
use std::{ptr, slice};

use libc::{c_int, c_uchar};
use turbojpeg_sys as sys;

use super::{Color, Handle, Layout, SIDE_MAX, Subsampling};
use crate::{Error, ErrorKind, Result, buffer};

/// How a JPEG is written.
#[derive(Debug, Clone, Copy)]
pub struct EncodeOptions {
    /// 1 to 100.
    pub quality: u8,
    /// How chroma is subsampled; `Gray` drops it.
    pub subsampling: Subsampling,
    /// Coarse to fine.
    pub progressive: bool,
    /// Huffman tables made for this image: smaller, in two passes.
    pub optimize: bool,
    /// Pixels an inch, across and down.
    pub density: Option<(u16, u16)>,
    /// A restart marker behind so many rows of units (MCUs).
    pub restart_rows: Option<u32>,
    /// What the components are; `None` is what is usual for the pixels.
    pub color: Option<Color>,
}

/// Packed pixels, rows from top to bottom without padding.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How the samples are laid out.
    pub layout: Layout,
    /// The samples.
    pub samples: &'a [u8],
}

/// A plane, rows from top to bottom without padding.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// Width in samples.
    pub width: u32,
    /// Height in samples.
    pub height: u32,
    /// The samples.
    pub samples: &'a [u8],
}

/// A JPEG from packed pixels.
pub fn encode_packed(pixels: &Packed<'_>, options: &EncodeOptions) -> Result<Vec<u8>> {
    let Packed { width, height, layout, samples } = *pixels;
    let handle = encoder(width, height, options)?;
    let stride = width as usize * layout.samples();
    if samples.len() != stride * height as usize {
        return Err(Error::misuse("the samples do not fill the size"));
    }
    let mut output = Output::new();
    // SAFETY: the samples are `height` rows of `stride` bytes, and the output owns what the library
    // leaves in its two fields.
    let code = unsafe {
        sys::tj3Compress8(
            handle.0,
            samples.as_ptr(),
            width as c_int,
            stride as c_int,
            height as c_int,
            layout.to_sys(),
            &raw mut output.start,
            &raw mut output.len,
        )
    };
    output.finish(&handle, code)
}

/// A JPEG from luma and two chroma planes, or from luma alone with `Subsampling::Gray`.
///
/// Chroma planes have the sides of luma divided by the factors of the subsampling, rounded up.
pub fn encode_planes(planes: &[Plane<'_>], options: &EncodeOptions) -> Result<Vec<u8>> {
    let count = if options.subsampling == Subsampling::Gray { 1 } else { 3 };
    let (Some(luma), true) = (planes.first(), planes.len() == count) else {
        return Err(Error::misuse("wrong number of planes"));
    };
    let (width, height) = (luma.width, luma.height);
    let handle = encoder(width, height, options)?;
    let (across, down) = options.subsampling.factors();
    let (chroma_width, chroma_height) = (width.div_ceil(across), height.div_ceil(down));
    for (index, plane) in planes.iter().enumerate() {
        let sides = if index == 0 { (width, height) } else { (chroma_width, chroma_height) };
        let len = plane.width as usize * plane.height as usize;
        if (plane.width, plane.height) != sides || plane.samples.len() != len {
            return Err(Error::misuse("a plane does not have the size of its subsampling"));
        }
    }
    let (padded_width, luma) = padded(luma, chroma_width * across, chroma_height * down)?;
    let mut starts: [*const c_uchar; 3] = [ptr::null(); 3];
    for (start, plane) in starts.iter_mut().zip(planes) {
        *start = plane.samples.as_ptr();
    }
    starts[0] = luma.as_ptr();
    let strides = [padded_width as c_int, chroma_width as c_int, chroma_width as c_int];
    let mut output = Output::new();
    // SAFETY: the library reads chroma planes of the size checked above and a luma plane padded to
    // whole chroma samples, which is what `padded` has made; the output owns what the library
    // leaves in its two fields.
    let code = unsafe {
        sys::tj3CompressFromYUVPlanes8(
            handle.0,
            starts.as_ptr(),
            width as c_int,
            strides.as_ptr(),
            height as c_int,
            &raw mut output.start,
            &raw mut output.len,
        )
    };
    output.finish(&handle, code)
}

fn encoder(width: u32, height: u32, options: &EncodeOptions) -> Result<Handle> {
    if width == 0 || height == 0 || width.max(height) > SIDE_MAX {
        let message =
            format!("a JPEG cannot be {width}×{height}: a side has 1 to {SIDE_MAX} pixels");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let mut handle = Handle::new(sys::TJINIT_TJINIT_COMPRESS)?;
    handle.set(sys::TJPARAM_TJPARAM_QUALITY, options.quality)?;
    handle.set(sys::TJPARAM_TJPARAM_SUBSAMP, options.subsampling.to_sys())?;
    handle.set(sys::TJPARAM_TJPARAM_PROGRESSIVE, options.progressive)?;
    handle.set(sys::TJPARAM_TJPARAM_OPTIMIZE, options.optimize)?;
    if let Some((x, y)) = options.density {
        handle.set(sys::TJPARAM_TJPARAM_XDENSITY, x.max(1))?;
        handle.set(sys::TJPARAM_TJPARAM_YDENSITY, y.max(1))?;
        handle.set(sys::TJPARAM_TJPARAM_DENSITYUNITS, 1)?;
    }
    if let Some(rows) = options.restart_rows {
        handle.set(sys::TJPARAM_TJPARAM_RESTARTROWS, rows)?;
    }
    if let Some(color) = options.color {
        handle.set(sys::TJPARAM_TJPARAM_COLORSPACE, color.to_sys())?;
    }
    Ok(handle)
}

/// The plane with its last column and row repeated up to the given sides, and its new width.
fn padded<'a>(plane: &Plane<'a>, width: u32, height: u32) -> Result<(usize, Cow<'a, [u8]>)> {
    if (plane.width, plane.height) == (width, height) {
        return Ok((width as usize, Cow::Borrowed(plane.samples)));
    }
    let (width, height) = (width as usize, height as usize);
    let mut samples = buffer::zeroed(width * height)?;
    let rows = plane.samples.chunks_exact(plane.width as usize);
    let mut last: &[u8] = &[];
    let mut targets = samples.chunks_exact_mut(width);
    for (row, target) in rows.zip(targets.by_ref()) {
        target[..row.len()].copy_from_slice(row);
        target[row.len()..].fill(row[row.len() - 1]);
        last = row;
    }
    for target in targets {
        target[..last.len()].copy_from_slice(last);
        target[last.len()..].fill(last[last.len() - 1]);
    }
    Ok((width, Cow::Owned(samples)))
}

/// A buffer that the library grows and we free.
struct Output {
    start: *mut c_uchar,
    len: sys::size_t,
}

impl Output {
    fn new() -> Self {
        Self { start: ptr::null_mut(), len: 0 }
    }

    fn finish(self, handle: &Handle, code: c_int) -> Result<Vec<u8>> {
        if code != 0 || self.start.is_null() {
            let message = handle.message();
            let kind =
                if message.contains("emory") { ErrorKind::Memory } else { ErrorKind::Misuse };
            return Err(Error::new(kind, message));
        }
        // SAFETY: after success the library has left a buffer with this many bytes written.
        Ok(unsafe { slice::from_raw_parts(self.start, self.len as usize) }.to_vec())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: the library allocated it, or it is null, which is allowed.
        unsafe { sys::tj3Free(self.start.cast()) }
    }
}

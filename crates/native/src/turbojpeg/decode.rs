//! JPEG to packed pixels or planes.

use std::ptr;

use libc::{c_int, c_uchar};
use turbojpeg_sys as sys;

use super::{Color, Handle, Layout, Scale, Subsampling};
use crate::{Error, ErrorKind, Result, buffer};

/// What a decoder may spend on one file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most scans; each costs a pass over the image.
    pub scans_max: u32,
    /// The most pixels of the whole image.
    pub pixels_max: u64,
    /// The most megabytes of working memory; progressive files need 2 bytes a sample.
    pub memory_mb: u32,
}

/// What a JPEG says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What the components are.
    pub color: Color,
    /// How chroma is subsampled; `None` for ways that the planar functions do not know.
    pub subsampling: Option<Subsampling>,
}

impl Header {
    /// Whether [`Decoder::planes`] can decode it: luma and chroma, or luma alone.
    pub fn has_planes(&self) -> bool {
        matches!(self.color, Color::YCbCr | Color::Gray) && self.subsampling.is_some()
    }
}

/// Packed pixels.
#[derive(Debug)]
pub struct Decoded {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rows from top to bottom without padding.
    pub samples: Vec<u8>,
}

/// One or three planes.
#[derive(Debug)]
pub struct DecodedPlanes {
    /// How chroma is subsampled.
    pub subsampling: Subsampling,
    /// Luma, then the two chroma planes if there are any.
    pub planes: Vec<DecodedPlane>,
}

/// One plane.
#[derive(Debug)]
pub struct DecodedPlane {
    /// Width in samples.
    pub width: u32,
    /// Height in samples.
    pub height: u32,
    /// Rows from top to bottom without padding.
    pub samples: Vec<u8>,
}

/// Complaints that leave the pixels whole; any other spoils at least a part of them.
const HARMLESS: [&str; 6] = [
    "extraneous bytes before marker",
    "Unknown Adobe color transform",
    "unknown JFIF revision",
    "bad ICC marker",
    "Inconsistent progression sequence",
    "Invalid SOS parameters for sequential",
];

/// A decoder of one JPEG.
pub struct Decoder<'a> {
    handle: Handle,
    jpeg: &'a [u8],
    header: Header,
    pixels_max: u64,
    warned: bool,
}

impl<'a> Decoder<'a> {
    /// Reads the header.
    pub fn open(jpeg: &'a [u8], limits: &Limits) -> Result<Self> {
        let mut handle = Handle::new(sys::TJINIT_TJINIT_DECOMPRESS)?;
        handle.set(sys::TJPARAM_TJPARAM_SCANLIMIT, limits.scans_max)?;
        handle.set(sys::TJPARAM_TJPARAM_MAXMEMORY, limits.memory_mb)?;
        // Profiles are read elsewhere.
        handle.set(sys::TJPARAM_TJPARAM_SAVEMARKERS, 0)?;
        // SAFETY: the pointer and the length are those of one slice.
        let code =
            unsafe { sys::tj3DecompressHeader(handle.0, jpeg.as_ptr(), jpeg.len() as sys::size_t) };
        let warned = check(&handle, code)?;
        let header = header(&handle)?;
        Ok(Self { handle, jpeg, header, pixels_max: limits.pixels_max, warned })
    }

    /// What the file says of itself.
    pub fn header(&self) -> Header {
        self.header
    }

    /// Whether the library complained about something that left the pixels whole. It tells only of
    /// the first complaint, so that a worse one may have followed.
    pub fn warned(&self) -> bool {
        self.warned
    }

    /// Decodes to packed pixels.
    pub fn packed(&mut self, layout: Layout, scale: Scale) -> Result<Decoded> {
        let scale = self.set_scale(scale)?;
        let (width, height) = (scale.apply(self.header.width), scale.apply(self.header.height));
        let stride = width as usize * layout.samples();
        let mut samples = buffer::zeroed(stride * height as usize)?;
        // SAFETY: the library writes `height` rows of `stride` bytes: it rounds scaled sides up
        // like
        // `Scale::apply`, and the factor that it has set is the one that the buffer was sized with.
        let code = unsafe {
            sys::tj3Decompress8(
                self.handle.0,
                self.jpeg.as_ptr(),
                self.jpeg.len() as sys::size_t,
                samples.as_mut_ptr(),
                to_int(stride)?,
                layout.to_sys(),
            )
        };
        self.warned |= check(&self.handle, code)?;
        Ok(Decoded { width, height, samples })
    }

    /// Decodes to planes, for files that [`Header::has_planes`].
    pub fn planes(&mut self, scale: Scale) -> Result<DecodedPlanes> {
        let Some(subsampling) = self.header.subsampling.filter(|_| self.header.has_planes()) else {
            return Err(Error::misuse("this JPEG cannot be decoded to planes"));
        };
        let scale = self.set_scale(scale)?;
        let (width, height) = (scale.apply(self.header.width), scale.apply(self.header.height));
        let count = if subsampling == Subsampling::Gray { 1 } else { 3 };
        let mut planes = Vec::with_capacity(count);
        for index in 0..count {
            planes.push(PaddedPlane::new(index, width, height, subsampling)?);
        }
        let mut starts: [*mut c_uchar; 3] = [ptr::null_mut(); 3];
        let mut strides: [c_int; 3] = [0; 3];
        for (index, plane) in planes.iter_mut().enumerate() {
            starts[index] = plane.samples.as_mut_ptr();
            strides[index] = to_int(plane.padded_width)?;
        }
        // SAFETY: each plane has the size that the library itself reports for this subsampling and
        // the scaled sides, which follow from the factor that it has set.
        let code = unsafe {
            sys::tj3DecompressToYUVPlanes8(
                self.handle.0,
                self.jpeg.as_ptr(),
                self.jpeg.len() as sys::size_t,
                starts.as_mut_ptr(),
                strides.as_mut_ptr(),
            )
        };
        self.warned |= check(&self.handle, code)?;
        let planes = planes.into_iter().map(PaddedPlane::trimmed).collect();
        Ok(DecodedPlanes { subsampling, planes })
    }

    /// The library keeps its old factor when it refuses one: buffers must never be sized from a
    /// factor that was only asked for.
    fn set_scale(&mut self, scale: Scale) -> Result<Scale> {
        let Header { width, height, .. } = self.header;
        if u64::from(width) * u64::from(height) > self.pixels_max {
            return Err(Error::new(ErrorKind::Limit, "the JPEG has too many pixels"));
        }
        // Whole rows of blocks are decoded without scaling in lossless files, whatever factor is
        // set.
        if self.handle.get(sys::TJPARAM_TJPARAM_LOSSLESS) != 0 && scale != Scale::Full {
            return Err(Error::misuse("a lossless JPEG cannot be scaled"));
        }
        let factor = sys::tjscalingfactor { num: 1, denom: to_int(scale.divisor() as usize)? };
        // SAFETY: the instance lives.
        let code = unsafe { sys::tj3SetScalingFactor(self.handle.0, factor) };
        if code == 0 { Ok(scale) } else { Err(Error::misuse(self.handle.message())) }
    }
}

/// A plane with the row and the column that the library adds when chroma does not divide the sides.
struct PaddedPlane {
    width: usize,
    height: usize,
    padded_width: usize,
    samples: Vec<u8>,
}

impl PaddedPlane {
    fn new(index: usize, width: u32, height: u32, subsampling: Subsampling) -> Result<Self> {
        let samp = subsampling.to_sys();
        let component = to_int(index)?;
        // SAFETY: these two compute with numbers.
        let (padded_width, padded_height) = unsafe {
            (
                sys::tj3YUVPlaneWidth(component, to_int(width as usize)?, samp),
                sys::tj3YUVPlaneHeight(component, to_int(height as usize)?, samp),
            )
        };
        if padded_width <= 0 || padded_height <= 0 {
            return Err(Error::misuse("a plane has no size"));
        }
        let (padded_width, padded_height) = (padded_width as usize, padded_height as usize);
        let (across, down) = if index == 0 { (1, 1) } else { subsampling.factors() };
        Ok(Self {
            width: width.div_ceil(across) as usize,
            height: height.div_ceil(down) as usize,
            padded_width,
            samples: buffer::zeroed(padded_width * padded_height)?,
        })
    }

    fn trimmed(mut self) -> DecodedPlane {
        let Self { width, height, padded_width, .. } = self;
        if padded_width > width {
            for y in 1..height {
                let start = y * padded_width;
                self.samples.copy_within(start..start + width, y * width);
            }
        }
        self.samples.truncate(width * height);
        DecodedPlane { width: width as u32, height: height as u32, samples: self.samples }
    }
}

fn header(handle: &Handle) -> Result<Header> {
    let width = u32::try_from(handle.get(sys::TJPARAM_TJPARAM_JPEGWIDTH)).unwrap_or(0);
    let height = u32::try_from(handle.get(sys::TJPARAM_TJPARAM_JPEGHEIGHT)).unwrap_or(0);
    if width == 0 || height == 0 {
        return Err(Error::new(ErrorKind::Damaged, "there is no image in the JPEG"));
    }
    let precision = handle.get(sys::TJPARAM_TJPARAM_PRECISION);
    if precision != 8 {
        let message = format!("a JPEG with {precision} bits a sample");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let color = Color::from_sys(handle.get(sys::TJPARAM_TJPARAM_COLORSPACE));
    let color = color.ok_or_else(|| Error::new(ErrorKind::Unsupported, "unknown components"))?;
    let subsampling = Subsampling::from_sys(handle.get(sys::TJPARAM_TJPARAM_SUBSAMP));
    Ok(Header { width, height, color, subsampling })
}

/// `Ok(true)` for a complaint that left the pixels whole.
///
/// The library's own error code is of no use: a fatal error after a warning is reported as a
/// warning, and the two differ only in the message.
fn check(handle: &Handle, code: c_int) -> Result<bool> {
    if code == 0 {
        return Ok(false);
    }
    let message = handle.message();
    if HARMLESS.iter().any(|harmless| message.contains(harmless)) {
        return Ok(true);
    }
    let kinds = [
        ("Premature end of JPEG", ErrorKind::Truncated),
        ("premature end of data segment", ErrorKind::Truncated),
        ("scans", ErrorKind::Limit),
        ("Image is too large", ErrorKind::Limit),
        ("Memory limit exceeded", ErrorKind::Limit),
        ("Backing store not supported", ErrorKind::Limit),
        ("Insufficient memory", ErrorKind::Memory),
        ("Memory allocation failure", ErrorKind::Memory),
        ("Unsupported", ErrorKind::Unsupported),
        ("not supported", ErrorKind::Unsupported),
    ];
    let kind = kinds.iter().find(|(part, _)| message.contains(part));
    Err(Error::new(kind.map_or(ErrorKind::Damaged, |(_, kind)| *kind), message))
}

fn to_int(value: usize) -> Result<c_int> {
    c_int::try_from(value).map_err(|_| Error::misuse("a side is too long"))
}

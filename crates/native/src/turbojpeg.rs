//! libjpeg-turbo 3 through its `tj3` interface: JPEG to and from packed pixels and planes.

use std::ffi::CStr;

use libc::c_int;
use turbojpeg_sys as sys;

use crate::{Error, ErrorKind, Result};

mod decode;
mod encode;

pub use decode::{Decoded, DecodedPlane, DecodedPlanes, Decoder, Header, Limits};
pub use encode::{EncodeOptions, Packed, Plane, encode_packed, encode_planes};

/// The longest side that the library takes (`JPEG_MAX_DIMENSION`).
pub const SIDE_MAX: u32 = 65_500;

/// How chroma is subsampled. The planar functions know no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4, all chroma.
    S444,
    /// 4:2:2, half across.
    S422,
    /// 4:2:0, half across and down.
    S420,
    /// No chroma.
    Gray,
    /// 4:4:0, half down.
    S440,
    /// 4:1:1, a quarter across.
    S411,
    /// 4:4:1, a quarter down.
    S441,
}

impl Subsampling {
    const ALL: [(Self, sys::TJSAMP, (u32, u32)); 7] = [
        (Self::S444, sys::TJSAMP_TJSAMP_444, (1, 1)),
        (Self::S422, sys::TJSAMP_TJSAMP_422, (2, 1)),
        (Self::S420, sys::TJSAMP_TJSAMP_420, (2, 2)),
        (Self::Gray, sys::TJSAMP_TJSAMP_GRAY, (1, 1)),
        (Self::S440, sys::TJSAMP_TJSAMP_440, (1, 2)),
        (Self::S411, sys::TJSAMP_TJSAMP_411, (4, 1)),
        (Self::S441, sys::TJSAMP_TJSAMP_441, (1, 4)),
    ];

    fn row(self) -> (Self, sys::TJSAMP, (u32, u32)) {
        Self::ALL.into_iter().find(|row| row.0 == self).expect("every value has its row")
    }

    fn from_sys(value: c_int) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.1 == value).map(|row| row.0)
    }

    fn to_sys(self) -> c_int {
        self.row().1
    }

    /// Luma samples a chroma sample, across and down.
    pub fn factors(self) -> (u32, u32) {
        self.row().2
    }
}

/// What the components of a JPEG are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Red, green, blue, stored as they are.
    Rgb,
    /// Luma and two chroma components.
    YCbCr,
    /// One component.
    Gray,
    /// Four inks, usually stored inverted.
    Cmyk,
    /// Four inks with the first three as luma and chroma.
    Ycck,
}

impl Color {
    fn from_sys(value: c_int) -> Option<Self> {
        match sys::TJCS::try_from(value).ok()? {
            sys::TJCS_TJCS_RGB => Some(Self::Rgb),
            sys::TJCS_TJCS_YCbCr => Some(Self::YCbCr),
            sys::TJCS_TJCS_GRAY => Some(Self::Gray),
            sys::TJCS_TJCS_CMYK => Some(Self::Cmyk),
            sys::TJCS_TJCS_YCCK => Some(Self::Ycck),
            _ => None,
        }
    }

    fn to_sys(self) -> c_int {
        let value = match self {
            Self::Rgb => sys::TJCS_TJCS_RGB,
            Self::YCbCr => sys::TJCS_TJCS_YCbCr,
            Self::Gray => sys::TJCS_TJCS_GRAY,
            Self::Cmyk => sys::TJCS_TJCS_CMYK,
            Self::Ycck => sys::TJCS_TJCS_YCCK,
        };
        value as c_int
    }
}

/// How the samples of packed pixels are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One sample.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Four inks, as they stand in the file.
    Cmyk,
}

impl Layout {
    /// Samples a pixel.
    pub fn samples(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    fn to_sys(self) -> c_int {
        match self {
            Self::Gray => sys::TJPF_TJPF_GRAY,
            Self::Rgb => sys::TJPF_TJPF_RGB,
            Self::Cmyk => sys::TJPF_TJPF_CMYK,
        }
    }
}

/// The factor by which the inverse transform makes the image smaller, at less cost than decoding
/// all.
///
/// The library knows more factors; these are the ones that all its paths support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Every pixel.
    Full,
    /// 1/2.
    Half,
    /// 1/4.
    Quarter,
    /// 1/8.
    Eighth,
}

impl Scale {
    /// All of them, smallest result first.
    pub const ALL: [Self; 4] = [Self::Eighth, Self::Quarter, Self::Half, Self::Full];

    /// The number that sizes are divided by.
    pub fn divisor(self) -> u32 {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// A side of the result: the library rounds up.
    pub fn apply(self, side: u32) -> u32 {
        side.div_ceil(self.divisor())
    }
}

/// A `tj3` instance.
struct Handle(sys::tjhandle);

impl Handle {
    fn new(init: sys::TJINIT) -> Result<Self> {
        // SAFETY: takes a number, returns a new instance or null.
        let handle = unsafe { sys::tj3Init(init as c_int) };
        if handle.is_null() {
            return Err(Error::new(ErrorKind::Memory, "no memory for a JPEG codec"));
        }
        Ok(Self(handle))
    }

    fn set(&mut self, param: sys::TJPARAM, value: impl TryInto<c_int>) -> Result<()> {
        let value = value.try_into().map_err(|_| Error::misuse("a parameter is too large"))?;
        // SAFETY: the instance lives.
        let code = unsafe { sys::tj3Set(self.0, param as c_int, value) };
        if code == 0 { Ok(()) } else { Err(Error::misuse(self.message())) }
    }

    fn get(&self, param: sys::TJPARAM) -> c_int {
        // SAFETY: the instance lives.
        unsafe { sys::tj3Get(self.0, param as c_int) }
    }

    /// What the last call on this thread complained about.
    fn message(&self) -> String {
        // SAFETY: the library returns a string that ends with a zero and lives until the next call.
        let message = unsafe { CStr::from_ptr(sys::tj3GetErrorStr(self.0)) };
        message.to_string_lossy().into_owned()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the instance lives and is not used again.
        unsafe { sys::tj3Destroy(self.0) }
    }
}

// SAFETY: an instance has no ties to the thread that made it; it is only ever used through `&mut`
// or read.
unsafe impl Send for Handle {}

#[cfg(test)]
mod tests;

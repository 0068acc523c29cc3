//! Pixels for formats that hold no profile: in sRGB, whatever the image has.

use std::borrow::Cow;

use crate::icc;
use crate::image::{ColorSpace, Frame, Packed, Pixels};
use crate::kernels::narrow::narrow;
use crate::{Error, Image, Result};

/// The pixels of the one frame, in sRGB.
pub(super) fn srgb(image: &Image) -> Result<Cow<'_, Pixels>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("the format holds one frame"));
    };
    match &image.color {
        ColorSpace::Srgb => Ok(Cow::Borrowed(pixels)),
        ColorSpace::Icc(profile) => icc::to_srgb(pixels.clone(), profile).map(Cow::Owned),
    }
}

/// The same with 8 bits a sample.
pub(super) fn narrow_srgb(image: &Image) -> Result<Packed<u8>> {
    match srgb(image)?.into_owned() {
        Pixels::U8(packed) => Ok(packed),
        Pixels::U16(packed) => {
            Ok(Packed::new(packed.size(), packed.channels(), narrow(packed.samples())))
        }
        Pixels::Ycc(_) => Err(Error::internal("Y'CbCr planes come as RGB here")),
    }
}

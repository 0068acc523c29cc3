//! What a directory says of its image.

use super::directory::Directory;
use crate::format::{Header, Sequence};
use crate::formats::tiff::TIFF;
use crate::image::Size;
use crate::metadata::Orientation;
use crate::{Error, Limits, Result};

pub(in crate::formats) const SUBFILE: u16 = 254;
pub(super) const WIDTH: u16 = 256;
pub(super) const HEIGHT: u16 = 257;
pub(in crate::formats) const BITS: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(in crate::formats) const ORIENTATION: u16 = 274;
pub(super) const SAMPLES: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_LENGTHS: u16 = 279;
pub(super) const X_RESOLUTION: u16 = 282;
pub(super) const Y_RESOLUTION: u16 = 283;
pub(super) const PLANAR: u16 = 284;
pub(super) const FAX_OPTIONS: u16 = 292;
pub(super) const RESOLUTION_UNIT: u16 = 296;
pub(super) const PAGE_NUMBER: u16 = 297;
pub(in crate::formats) const ARTIST: u16 = 315;
pub(super) const PREDICTOR: u16 = 317;
pub(super) const COLOR_MAP: u16 = 320;
pub(super) const TILE_WIDTH: u16 = 322;
pub(super) const TILE_HEIGHT: u16 = 323;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_LENGTHS: u16 = 325;
pub(super) const SUB_DIRECTORIES: u16 = 330;
pub(super) const EXTRA_SAMPLES: u16 = 338;
pub(super) const SAMPLE_FORMAT: u16 = 339;
pub(super) const JPEG_TABLES: u16 = 347;
pub(super) const JPEG_START: u16 = 513;
pub(super) const JPEG_LEN: u16 = 514;
pub(super) const YCC_COEFFICIENTS: u16 = 529;
pub(super) const YCC_SUBSAMPLING: u16 = 530;
pub(super) const XMP: u16 = 700;
pub(in crate::formats) const COPYRIGHT: u16 = 33_432;
pub(super) const ICC: u16 = 34_675;
const DNG_VERSION: u16 = 50_706;

/// What the samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Photometric {
    GrayFromWhite,
    Gray,
    Rgb,
    Palette,
    Inks,
    Ycc,
    /// L* from 0 to 100, a* and b* as signed numbers.
    Lab,
    /// The same with a* and b* raised by half of the range.
    IccLab,
}

impl Photometric {
    fn from_number(number: u64) -> Result<Self> {
        Ok(match number {
            0 => Self::GrayFromWhite,
            // A mask is black and white.
            1 | 4 => Self::Gray,
            2 => Self::Rgb,
            3 => Self::Palette,
            5 => Self::Inks,
            6 => Self::Ycc,
            8 => Self::Lab,
            9 => Self::IccLab,
            32_803 | 34_892 => {
                return Err(Error::unsupported(
                    "the TIFF holds the raw data of a sensor, which are not developed here",
                ));
            }
            _ => {
                let message = format!("TIFF photometric interpretation {number} is not supported");
                return Err(Error::unsupported(message));
            }
        })
    }

    /// The samples that make a color.
    pub(super) fn colors(self) -> usize {
        match self {
            Self::GrayFromWhite | Self::Gray | Self::Palette => 1,
            Self::Rgb | Self::Ycc | Self::Lab | Self::IccLab => 3,
            Self::Inks => 4,
        }
    }
}

/// What alpha has done to the colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// Nothing.
    Straight,
    /// They are multiplied by it.
    Premultiplied,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Whole,
    Float,
}

/// What a directory says of its image, as far as it stands in the directory itself.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) size: Size,
    pub(super) bits: u8,
    pub(super) samples: usize,
    pub(super) photometric: Photometric,
    pub(super) compression: u16,
    pub(super) number: Number,
    /// The alpha sample and what it has done.
    pub(super) alpha: Option<(usize, Alpha)>,
    pub(super) is_planar: bool,
    pub(super) orientation: Orientation,
}

/// More samples than any picture has for a pixel.
const SAMPLES_MAX: u64 = 64;

impl Facts {
    pub(super) fn read(directory: &Directory<'_>, limits: &Limits) -> Result<Self> {
        let side = |tag, name| match directory.number(tag).map(u32::try_from) {
            Some(Ok(side)) => Ok(side),
            _ => Err(Error::input(format!("the TIFF does not say how {name} it is"))),
        };
        let size = Size::new(side(WIDTH, "wide")?, side(HEIGHT, "high")?);
        limits.check_size(size)?;
        let compression = directory.number(COMPRESSION).unwrap_or(1) as u16;
        check_compression(compression)?;
        let photometric = match directory.number(PHOTOMETRIC) {
            Some(number) => Photometric::from_number(number)?,
            // Fax machines count from white.
            None if matches!(compression, 2..=4) => Photometric::GrayFromWhite,
            None => return Err(Error::input("the TIFF does not say what its samples mean")),
        };
        let samples = directory.number(SAMPLES).unwrap_or(1);
        if !(photometric.colors() as u64..=SAMPLES_MAX).contains(&samples) {
            return Err(Error::input(format!("the TIFF has {samples} samples a pixel")));
        }
        let (bits, number) = (bits(directory, samples)?, number(directory)?);
        check_bits(bits, number)?;
        let samples = samples as usize;
        Ok(Self {
            size,
            bits,
            samples,
            photometric,
            compression,
            number,
            alpha: alpha(directory, photometric, samples),
            is_planar: samples > 1 && directory.number(PLANAR) == Some(2),
            orientation: orientation(directory),
        })
    }

    /// The header of the image, one of several pages.
    pub(super) fn header(&self, pages: u32) -> Header {
        let is_gray = matches!(self.photometric, Photometric::Gray | Photometric::GrayFromWhite);
        Header {
            format: &TIFF,
            size: self.size,
            orientation: self.orientation,
            frames: pages,
            sequence: if pages > 1 { Sequence::Pages } else { Sequence::Still },
            has_alpha: self.alpha.is_some(),
            is_gray,
            bit_depth: if self.number == Number::Float { 16 } else { self.bits.min(16) },
            is_lossy: matches!(self.compression, 6 | 7),
            is_guess: false,
        }
    }
}

/// How the image is to be turned.
pub(in crate::formats) fn orientation(directory: &Directory<'_>) -> Orientation {
    Orientation::from_exif(directory.number(ORIENTATION).unwrap_or(1) as u32)
}

/// Whether a directory after the first is a page, not a smaller copy or a mask of one.
pub(super) fn is_page(directory: &Directory<'_>) -> bool {
    directory.number(SUBFILE).unwrap_or(0) & 0b101 == 0
}

/// Whether the first directory of a file is one of a camera: its sensor's data are elsewhere, and
/// what is here is at best a thumbnail.
pub(in crate::formats) fn is_camera_raw(first: &Directory<'_>) -> bool {
    let is_thumbnail = first.number(SUBFILE).unwrap_or(0) & 1 != 0;
    let is_sensor = matches!(first.number(PHOTOMETRIC), Some(32_803 | 34_892));
    first.has(DNG_VERSION) || is_sensor || is_thumbnail && first.has(SUB_DIRECTORIES)
}

fn check_compression(compression: u16) -> Result<()> {
    let name = match compression {
        1..=8 | 32_773 | 32_946 => return Ok(()),
        32_809 => " (ThunderScan)",
        34_661 => " (JBIG)",
        34_676 | 34_677 => " (SGI Log)",
        33_003 | 33_005 | 34_712 => " (JPEG 2000)",
        34_887 => " (LERC)",
        34_925 => " (LZMA)",
        50_000 | 34_926 => " (Zstandard)",
        50_001 | 34_927 => " (WebP)",
        50_002 | 52_546 => " (JPEG XL)",
        _ => "",
    };
    Err(Error::unsupported(format!("TIFF compression {compression}{name} is not supported")))
}

fn bits(directory: &Directory<'_>, samples: u64) -> Result<u8> {
    let Some(bits) = directory.numbers(BITS) else {
        // Not said, or not to be reached in a stream that has passed it: nearly always this.
        return Ok(if samples > 1 { 8 } else { 1 });
    };
    match bits.first() {
        Some(first) if bits.iter().all(|bits| bits == first) => Ok((*first).min(255) as u8),
        _ => {
            let message = format!("TIFF samples of different depths ({bits:?}) are not supported");
            Err(Error::unsupported(message))
        }
    }
}

fn number(directory: &Directory<'_>) -> Result<Number> {
    match directory.number(SAMPLE_FORMAT).unwrap_or(1) {
        // 4 is "nothing is known".
        1 | 4 => Ok(Number::Whole),
        3 => Ok(Number::Float),
        2 => match directory.number(PHOTOMETRIC) {
            Some(8) => Ok(Number::Whole),
            _ => Err(Error::unsupported("TIFF samples with a sign are not supported")),
        },
        _ => Err(Error::unsupported("complex TIFF samples are not supported")),
    }
}

fn check_bits(bits: u8, number: Number) -> Result<()> {
    let is_served = match number {
        Number::Whole => matches!(bits, 1..=16 | 32),
        Number::Float => matches!(bits, 16 | 32 | 64),
    };
    if is_served {
        return Ok(());
    }
    let kind = if number == Number::Float { "floating-point " } else { "" };
    Err(Error::unsupported(format!("TIFF {kind}samples of {bits} bits are not supported")))
}

fn alpha(
    directory: &Directory<'_>,
    photometric: Photometric,
    samples: usize,
) -> Option<(usize, Alpha)> {
    let colors = photometric.colors();
    match directory.numbers(EXTRA_SAMPLES) {
        Some(kinds) => {
            let kinds = kinds.iter().zip(colors..samples);
            let mut alphas = kinds.filter_map(|(kind, index)| match kind {
                1 => Some((index, Alpha::Premultiplied)),
                2 => Some((index, Alpha::Straight)),
                _ => None,
            });
            alphas.next()
        }
        // Some writers do not say that the fourth sample is alpha.
        None if photometric == Photometric::Rgb && samples == 4 => Some((3, Alpha::Straight)),
        None => None,
    }
}

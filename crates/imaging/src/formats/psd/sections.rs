//! The sections of a PSD (Adobe Photoshop file formats specification, 2019).

use super::Mode;
use crate::formats::bytes::Bytes;
use crate::formats::tiff::packbits;
use crate::image::{Scalar, Size, zeroed};
use crate::metadata::Metadata;
use crate::{Error, Limits, Result};

pub(super) const HEADER_LEN: usize = 26;
const CHANNELS_MAX: usize = 56;
/// Numbers of resources.
const RESOLUTION: u16 = 1005;
const ICC: u16 = 1039;
const EXIF: u16 = 1058;
const XMP: u16 = 1060;

pub(super) struct Facts {
    pub(super) size: Size,
    pub(super) channels: usize,
    pub(super) bits: u8,
    pub(super) mode: Mode,
    is_big: bool,
}

impl Facts {
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let mut bytes = Bytes::new(bytes, "PSD");
        bytes.take(4)?;
        let is_big = bytes.be16()? == 2;
        bytes.take(6)?;
        let channels = usize::from(bytes.be16()?);
        let (height, width) = (bytes.be32()?, bytes.be32()?);
        let (bits, mode) = (bytes.be16()?, Mode::from_number(bytes.be16()?)?);
        let size = Size::new(width, height);
        limits.check_size(size)?;
        if !(mode.colors()..=CHANNELS_MAX).contains(&channels) {
            let least = mode.colors();
            return Err(Error::input(format!(
                "the PSD says it has {channels} channels: its color mode has {least} to \
                 {CHANNELS_MAX}"
            )));
        }
        let (is_served, served) = match mode {
            Mode::Bitmap => (bits == 1, "1"),
            Mode::Indexed => (bits == 8, "8"),
            _ => (matches!(bits, 8 | 16), "8 or 16"),
        };
        if !is_served {
            return Err(Error::unsupported(format!(
                "a PSD of {bits} bits cannot be read: in its color mode one of {served} can"
            )));
        }
        Ok(Self { size, channels, bits: bits as u8, mode, is_big })
    }

    fn row_len(&self) -> usize {
        (self.size.width as usize * usize::from(self.bits)).div_ceil(8)
    }
}

pub(super) struct Sections<'a> {
    pub(super) facts: Facts,
    /// The first channel after the colors is the alpha of the picture.
    pub(super) has_alpha: bool,
    pub(super) icc: Option<&'a [u8]>,
    map: &'a [u8],
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
    dpi: Option<(f64, f64)>,
    data: Bytes<'a>,
}

impl<'a> Sections<'a> {
    pub(super) fn read(file: &'a [u8], limits: &Limits) -> Result<Self> {
        let facts = Facts::read(file, limits)?;
        let mut bytes = Bytes::new(&file[HEADER_LEN..], "PSD");
        let len = bytes.be32()?;
        let map = bytes.take(len as usize)?;
        let len = bytes.be32()?;
        let resources = bytes.take(len as usize)?;
        let layers_len =
            if facts.is_big { u64::from_be_bytes(bytes.array()?) } else { bytes.be32()?.into() };
        let layers = bytes.take(usize::try_from(layers_len).map_err(|_| bytes.ends_early())?)?;
        // A count of layers below zero says so (the layers section, "Layer count").
        let count_at = if facts.is_big { 8 } else { 4 };
        let has_alpha = layers.get(count_at).is_some_and(|high| high & 0x80 != 0);
        let mut sections = Self {
            facts,
            has_alpha,
            icc: None,
            map,
            exif: None,
            xmp: None,
            dpi: None,
            data: bytes,
        };
        sections.read_resources(Bytes::new(resources, "PSD"));
        Ok(sections)
    }

    /// As far as they are sound.
    fn read_resources(&mut self, mut bytes: Bytes<'a>) {
        while let Ok((number, value)) = resource(&mut bytes) {
            match number {
                RESOLUTION => self.dpi = dpi(value),
                ICC => self.icc = Some(value),
                EXIF => self.exif = Some(value),
                XMP => self.xmp = Some(value),
                _ => {}
            }
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        Metadata {
            exif: self.exif.map(<[u8]>::to_vec),
            xmp: self.xmp.map(<[u8]>::to_vec),
            dpi: self.dpi,
            ..Metadata::default()
        }
    }

    pub(super) fn color_map(&self) -> Result<&'a [u8]> {
        self.map.get(..768).ok_or_else(|| Error::input("the PSD has a palette that is too short"))
    }

    /// The first planes, put together pixel by pixel.
    pub(super) fn planes<const N: usize, S: Scalar>(
        &self,
        count: usize,
        sample: impl Fn([u8; N]) -> S,
    ) -> Result<Vec<S>> {
        let width = self.facts.size.width as usize;
        let stride = width * count;
        let mut out = zeroed::<S>(self.facts.size.area() * count as u64)?;
        self.rows(count, |plane, y, row| {
            let target = &mut out[y * stride..][..stride];
            let (samples, _) = row.as_chunks::<N>();
            let places = target.iter_mut().skip(plane).step_by(count);
            places.zip(samples).for_each(|(place, bytes)| *place = sample(*bytes));
        })?;
        Ok(out)
    }

    /// The one plane of a bitmap, in which black is 1.
    pub(super) fn bits(&self) -> Result<Vec<u8>> {
        let width = self.facts.size.width as usize;
        let mut out = zeroed::<u8>(self.facts.size.area())?;
        self.rows(1, |_, y, row| {
            for (x, sample) in out[y * width..][..width].iter_mut().enumerate() {
                *sample = if row[x / 8] >> (7 - x % 8) & 1 == 1 { 0 } else { 255 };
            }
        })?;
        Ok(out)
    }

    /// Calls with the rows of the first planes: the plane, the row, its bytes.
    fn rows(&self, count: usize, mut call: impl FnMut(usize, usize, &[u8])) -> Result<()> {
        let mut data = self.data.clone();
        let height = self.facts.size.height as usize;
        let row_len = self.facts.row_len();
        match data.be16()? {
            0 => {
                for index in 0..count * height {
                    call(index / height, index % height, data.take(row_len)?);
                }
            }
            1 => {
                let width = if self.facts.is_big { 4 } else { 2 };
                let lengths = data.take(self.facts.channels * height * width)?;
                for (index, len) in lengths.chunks_exact(width).take(count * height).enumerate() {
                    let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
                    let row = packbits(data.take(len)?, row_len)?;
                    if row.len() < row_len {
                        return Err(Error::input("the PSD has a row that ends early"));
                    }
                    call(index / height, index % height, &row);
                }
            }
            other => {
                let message = format!("PSD compression {other} is not supported");
                return Err(Error::unsupported(message));
            }
        }
        Ok(())
    }
}

fn resource<'a>(bytes: &mut Bytes<'a>) -> Result<(u16, &'a [u8])> {
    bytes.take(4)?;
    let number = bytes.be16()?;
    // A name with its length before it, made even.
    let len = usize::from(bytes.u8()?);
    bytes.take(len + (len + 1) % 2)?;
    let len = bytes.be32()? as usize;
    let value = bytes.take(len)?;
    bytes.take((len % 2).min(bytes.rest().len()))?;
    Ok((number, value))
}

/// Pixels an inch, whatever unit is shown to people.
fn dpi(value: &[u8]) -> Option<(f64, f64)> {
    let fixed = |at: usize| {
        Some(f64::from(u32::from_be_bytes(*value.get(at..)?.first_chunk()?)) / 65_536.0)
    };
    let (x, y) = (fixed(0)?, fixed(8)?);
    (x > 0.0 && y > 0.0).then_some((x, y))
}

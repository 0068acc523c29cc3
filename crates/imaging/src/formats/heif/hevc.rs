//! HEVC stills (ITU-T H.265) by hpvcd, which reads whole files: each coded picture is handed to it
//! in a file of its own, so that the container is read by us alone.

use hpvcd::{DecodeError, DecodeThreads, HeicSettings, ParseLimits, PlaneBuffer, YuvBuffer};
use native::av1::{Cicp, Layout, Picture, Planes};

use super::boxes::Fields;
use super::write::{Item, Parts, file};
use crate::formats::guard::guarded;
use crate::image::{Scalar, Size};
use crate::{Error, Limits, Result};

/// The picture in `data`, of the size that the container says.
pub(super) fn decode(data: &[u8], config: &[u8], size: Size, limits: &Limits) -> Result<Picture> {
    for parameters in parameter_sets(data, config)? {
        check(&parameters, size, limits)?;
    }
    let item = Item { kind: *b"hvc1", config: (*b"hvcC", config), size, data };
    let single = file(&Parts { brand: *b"heic", color: item, ..Parts::default() });
    let settings = HeicSettings {
        threads: DecodeThreads::Fixed(1),
        limits: ParseLimits {
            max_dimension: limits.side_max,
            max_pixels: limits.pixels_max,
            ..ParseLimits::new()
        },
        decode_alpha: false,
        decode_gain_map: false,
    };
    let decoded = guarded("HEIC", || {
        hpvcd::decode_heic_yuv_with_settings(&single, &settings).map_err(complaint)
    })?;
    let layout = match decoded.chroma {
        hpvcd::ChromaFormat::Monochrome => Layout::Gray,
        hpvcd::ChromaFormat::Yuv420 => Layout::S420,
        hpvcd::ChromaFormat::Yuv422 => Layout::S422,
        hpvcd::ChromaFormat::Yuv444 => Layout::S444,
    };
    let planes = match decoded.planes {
        YuvBuffer::U8(image) => Planes::U8(tight([Some(image.y), image.cb, image.cr])?),
        YuvBuffer::U16(image) => Planes::U16(tight([Some(image.y), image.cb, image.cr])?),
    };
    let picture = Picture {
        width: size.width,
        height: size.height,
        bit_depth: decoded.bit_depth.bits(),
        layout,
        cicp: decoded.color.cicp.map_or(DEFAULT, |cicp| Cicp {
            primaries: cicp.primaries as u8,
            transfer: cicp.transfer as u8,
            matrix: cicp.matrix as u8,
            full_range: cicp.full_range,
        }),
        planes,
    };
    fits(&picture)?;
    Ok(picture)
}

/// What a picture means that does not say it (ISO/IEC 23000-22, 7.3.6.4).
const DEFAULT: Cicp = Cicp { primaries: 1, transfer: 13, matrix: 6, full_range: true };

fn tight<S: Scalar>(planes: [Option<PlaneBuffer<S>>; 3]) -> Result<Vec<Vec<S>>> {
    planes.into_iter().flatten().map(|plane| plane.into_tight().map_err(complaint)).collect()
}

fn fits(picture: &Picture) -> Result<()> {
    let lens: Vec<usize> = match &picture.planes {
        Planes::U8(planes) => planes.iter().map(Vec::len).collect(),
        Planes::U16(planes) => planes.iter().map(Vec::len).collect(),
    };
    let count = if picture.layout == Layout::Gray { 1 } else { 3 };
    let expected = (0..count).map(|plane| {
        let (width, height) = picture.plane_size(plane);
        width * height
    });
    if lens.iter().copied().eq(expected) {
        return Ok(());
    }
    Err(Error::input("the HEVC picture does not have the size that the container says"))
}

fn complaint(error: DecodeError) -> Error {
    let message = format!("the HEVC picture cannot be decoded: {error}");
    match error {
        DecodeError::Unsupported(_)
        | DecodeError::UnsupportedChroma(_)
        | DecodeError::UnsupportedBitDepth(_)
        | DecodeError::UnsupportedItemType(_) => Error::unsupported(message),
        DecodeError::LimitExceeded { .. } | DecodeError::AllocationFailed { .. } => {
            Error::limit(message)
        }
        _ => Error::input(message),
    }
}

/// The kind of a unit that holds a sequence parameter set.
const SEQUENCE: u8 = 33;

/// The sequence parameter sets of the configuration and of the data.
fn parameter_sets(data: &[u8], config: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut sets = Vec::new();
    let mut fields = Fields(config);
    let head = fields.bytes(23)?;
    let length_len = usize::from(head[21] & 3) + 1;
    for _ in 0..head[22] {
        fields.u8()?;
        for _ in 0..fields.u16()? {
            let len = fields.u16()?;
            push_sequence(&mut sets, fields.bytes(len.into())?);
        }
    }
    let mut fields = Fields(data);
    while fields.0.len() > length_len {
        let len = fields.bytes(length_len)?;
        let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        let unit = fields.bytes(len);
        push_sequence(&mut sets, unit.map_err(|_| Error::input("the HEVC data end early"))?);
    }
    Ok(sets)
}

fn push_sequence(sets: &mut Vec<Vec<u8>>, unit: &[u8]) {
    if let [head, _, payload @ ..] = unit
        && head >> 1 & 63 == SEQUENCE
    {
        sets.push(without_emulation(payload));
    }
}

/// The payload without the bytes that keep start codes out of it (7.3.1.1).
fn without_emulation(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len());
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// The decoder allocates what the parameter set says, so that is held against the limits first.
fn check(parameters: &[u8], size: Size, limits: &Limits) -> Result<()> {
    let mut bits = Bits { bytes: parameters, at: 0 };
    let short = || Error::input("the HEVC parameter set ends early");
    let coded = coded_size(&mut bits).ok_or_else(short)?;
    limits.check_size(coded)?;
    // Coded sizes are padded to blocks of at most 64.
    let padded = |side: u32| side.saturating_add(2 * 64);
    if coded.width > padded(size.width) || coded.height > padded(size.height) {
        return Err(Error::input(format!(
            "the container says {size}, but the HEVC picture is coded as {coded}"
        )));
    }
    Ok(())
}

/// The size in a sequence parameter set (7.3.2.2).
fn coded_size(bits: &mut Bits<'_>) -> Option<Size> {
    bits.take(4)?;
    let sub_layers = bits.take(3)?;
    bits.take(1)?;
    // profile_tier_level (7.3.3).
    bits.skip(88 + 8)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.take(1)? == 1, bits.take(1)? == 1));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    bits.exponential()?;
    if bits.exponential()? == 3 {
        bits.take(1)?;
    }
    Some(Size::new(bits.exponential()?, bits.exponential()?))
}

/// Bits from the highest of each byte down.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// An exponential Golomb code (9.2).
    fn exponential(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

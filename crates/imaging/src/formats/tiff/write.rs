//! Writes TIFFs: strips of deflate with differences, one directory a page.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::facts;
use crate::image::{Channels, ColorSpace, Frame, Packed, Pixels, Scalar};
use crate::metadata::exif;
use crate::output::Output;
use crate::{Error, Image, Result};

const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;

/// Bytes of a strip before compression, about.
const STRIP_LEN: usize = 256 << 10;
/// Where the place of the first directory stands.
const FIRST_AT: usize = 4;

pub(super) fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let mut file = File::start(output);
    file.page(image, None)?;
    Ok(file.bytes)
}

pub(super) fn encode_pages(
    pages: &mut dyn Iterator<Item = Result<Image>>,
    count: u32,
    output: &Output,
) -> Result<Vec<u8>> {
    let mut file = File::start(output);
    for (index, image) in (0..).zip(pages) {
        file.page(&image?, Some((index, count)))?;
    }
    Ok(file.bytes)
}

/// A file that grows by pages.
struct File {
    bytes: Vec<u8>,
    level: Compression,
    /// Where the place of the next directory is to be written.
    link_at: usize,
}

/// A value of a directory.
struct Field {
    tag: u16,
    kind: u16,
    count: usize,
    value: Vec<u8>,
}

impl Field {
    fn bytes(tag: u16, kind: u16, value: &[u8]) -> Self {
        Self { tag, kind, count: value.len(), value: value.to_vec() }
    }

    fn shorts(tag: u16, values: &[u16]) -> Self {
        let value = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { tag, kind: SHORT, count: values.len(), value }
    }

    fn longs(tag: u16, values: &[u32]) -> Self {
        let value = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { tag, kind: LONG, count: values.len(), value }
    }

    fn text(tag: u16, text: &[u8]) -> Self {
        Self::bytes(tag, ASCII, &[text, b"\0"].concat())
    }

    /// A fraction that is exact to a ten-thousandth.
    fn fraction(tag: u16, value: f64) -> Self {
        let below = if value.fract() == 0.0 { 1 } else { 10_000 };
        let above = (value * f64::from(below)).round() as u32;
        Self { count: 1, kind: RATIONAL, ..Self::longs(tag, &[above, below]) }
    }
}

impl File {
    fn start(output: &Output) -> Self {
        let level = match output.effort.unwrap_or(5) {
            0..=2 => Compression::fast(),
            3..=6 => Compression::default(),
            _ => Compression::best(),
        };
        Self { bytes: b"II*\0\0\0\0\0".to_vec(), level, link_at: FIRST_AT }
    }

    fn page(&mut self, image: &Image, page: Option<(u32, u32)>) -> Result<()> {
        let [Frame { pixels, .. }] = &image.frames[..] else {
            return Err(Error::internal("a TIFF page holds one frame"));
        };
        let mut fields = match pixels {
            Pixels::U8(packed) => self.strips(packed, 8)?,
            Pixels::U16(packed) => self.strips(packed, 16)?,
            Pixels::Ycc(_) => return Err(Error::internal("Y'CbCr planes come as RGB here")),
        };
        if let Some((index, count)) = page {
            fields.push(Field::longs(facts::SUBFILE, &[2]));
            let number = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
            fields.push(Field::shorts(facts::PAGE_NUMBER, &[number(index), number(count)]));
        }
        fields.extend(metadata(image));
        fields.sort_by_key(|field| field.tag);
        self.directory(&fields)
    }

    /// Writes the samples and says where they are.
    fn strips<S: Sample>(&mut self, packed: &Packed<S>, bits: u16) -> Result<Vec<Field>> {
        let size = packed.size();
        let count = packed.channels().count();
        let row_len = (packed.stride() * usize::from(bits / 8)).max(1);
        let rows = (STRIP_LEN / row_len).clamp(1, (size.height as usize).max(1));
        let (mut places, mut lengths) = (Vec::new(), Vec::new());
        let mut line = Vec::with_capacity(row_len);
        for strip in packed.samples().chunks(packed.stride() * rows) {
            let start = self.place()?;
            let mut encoder = ZlibEncoder::new(&mut self.bytes, self.level);
            for row in strip.chunks_exact(packed.stride()) {
                line.clear();
                S::differences(row, count, &mut line);
                encoder.write_all(&line).map_err(failure)?;
            }
            encoder.finish().map_err(failure)?;
            places.push(start);
            lengths.push(self.place()? - start);
        }
        let is_gray = matches!(packed.channels(), Channels::Gray | Channels::GrayAlpha);
        let mut fields = vec![
            Field::longs(facts::WIDTH, &[size.width]),
            Field::longs(facts::HEIGHT, &[size.height]),
            Field::shorts(facts::BITS, &vec![bits; count]),
            Field::shorts(facts::COMPRESSION, &[8]),
            Field::shorts(facts::PHOTOMETRIC, &[if is_gray { 1 } else { 2 }]),
            Field::longs(facts::STRIP_OFFSETS, &places),
            Field::shorts(facts::ORIENTATION, &[1]),
            Field::shorts(facts::SAMPLES, &[count as u16]),
            Field::longs(facts::ROWS_PER_STRIP, &[rows as u32]),
            Field::longs(facts::STRIP_LENGTHS, &lengths),
            Field::shorts(facts::PLANAR, &[1]),
            Field::shorts(facts::PREDICTOR, &[2]),
        ];
        if packed.channels().has_alpha() {
            fields.push(Field::shorts(facts::EXTRA_SAMPLES, &[2]));
        }
        Ok(fields)
    }

    /// Where the file ends so far.
    fn place(&self) -> Result<u32> {
        u32::try_from(self.bytes.len())
            .map_err(|_| Error::limit("the TIFF would be larger than 4 GB, which TIFF cannot be"))
    }

    /// Writes a directory and its values behind it, and links it to the one before.
    fn directory(&mut self, fields: &[Field]) -> Result<()> {
        self.align();
        let start = self.place()?;
        self.bytes[self.link_at..self.link_at + 4].copy_from_slice(&start.to_le_bytes());
        let mut values_at = start as usize + 2 + fields.len() * 12 + 4;
        let mut values = Vec::new();
        self.bytes.extend((fields.len() as u16).to_le_bytes());
        for field in fields {
            self.bytes.extend(field.tag.to_le_bytes());
            self.bytes.extend(field.kind.to_le_bytes());
            self.bytes.extend((field.count as u32).to_le_bytes());
            if field.value.len() <= 4 {
                let mut value = [0; 4];
                value[..field.value.len()].copy_from_slice(&field.value);
                self.bytes.extend(value);
            } else {
                self.bytes.extend((values_at as u32).to_le_bytes());
                values.extend_from_slice(&field.value);
                let padding = field.value.len() % 2;
                values.resize(values.len() + padding, 0);
                values_at += field.value.len() + padding;
            }
        }
        self.link_at = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.extend(values);
        self.place().map(|_| ())
    }

    /// Directories start at even places.
    fn align(&mut self) {
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(0);
        }
    }
}

fn failure(error: std::io::Error) -> Error {
    Error::internal(format!("the TIFF cannot be written: {error}"))
}

fn metadata(image: &Image) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some((x, y)) = image.metadata.dpi {
        fields.push(Field::fraction(facts::X_RESOLUTION, x));
        fields.push(Field::fraction(facts::Y_RESOLUTION, y));
        fields.push(Field::shorts(facts::RESOLUTION_UNIT, &[2]));
    }
    if let Some(exif) = &image.metadata.exif {
        let rights = exif::rights_texts(exif);
        fields.extend(rights.into_iter().map(|(tag, text)| Field::text(tag, text)));
    }
    if let Some(xmp) = &image.metadata.xmp {
        fields.push(Field::bytes(facts::XMP, BYTE, xmp));
    }
    if let ColorSpace::Icc(icc) = &image.color {
        fields.push(Field::bytes(facts::ICC, UNDEFINED, icc));
    }
    fields
}

/// A sample of a TIFF.
trait Sample: Scalar {
    /// The bytes of a row in which each sample is less the one of the pixel before it.
    fn differences(row: &[Self], count: usize, out: &mut Vec<u8>);
}

impl Sample for u8 {
    fn differences(row: &[u8], count: usize, out: &mut Vec<u8>) {
        let before = [0; 4].into_iter().take(count).chain(row.iter().copied());
        out.extend(row.iter().zip(before).map(|(sample, before)| sample.wrapping_sub(before)));
    }
}

impl Sample for u16 {
    fn differences(row: &[u16], count: usize, out: &mut Vec<u8>) {
        let before = [0; 4].into_iter().take(count).chain(row.iter().copied());
        let differences =
            row.iter().zip(before).map(|(sample, before)| sample.wrapping_sub(before));
        out.extend(differences.flat_map(u16::to_le_bytes));
    }
}

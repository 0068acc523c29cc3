//! BMP, Windows' device-independent bitmap.

use super::plain;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, DpiPlace, Format, Header, Sequence};
use crate::formats::profile;
use crate::image::{Channels, Packed, Pixels};
use crate::metadata::{Metadata, Orientation};
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

pub(super) mod dib;
mod rle;

use dib::Dib;

/// BMP.
pub static BMP: Format = Format {
    name: "bmp",
    aliases: &["dib"],
    title: "BMP",
    mime_type: "image/bmp",
    sniff: |start| {
        start.starts_with(b"BM")
            && matches!(start.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
    },
    inspect: |limits| Prefix::start(FILE_HEADER_LEN + dib::HEADER_LEN_MAX, header, limits),
    decode: Some(decode),
    encode: Some(encode),
    dpi: DpiPlace::Own,
    alpha: true,
    ..Format::PLAIN
};

const FILE_HEADER_LEN: usize = 14;
const METERS_PER_INCH: f64 = 0.0254;

fn ends_early() -> Error {
    Error::input("the BMP ends early")
}

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let dib = Dib::read(bytes.get(FILE_HEADER_LEN..).ok_or_else(ends_early)?)?;
    limits.check_size(dib.size)?;
    Ok(Header {
        format: &BMP,
        size: dib.size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: dib.has_alpha(),
        is_gray: false,
        bit_depth: 8.min(dib.bits as u8),
        is_lossy: false,
        is_guess: false,
    })
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let bytes = file.get(FILE_HEADER_LEN..).ok_or_else(ends_early)?;
    let dib = Dib::read(bytes)?;
    limits.check_size(dib.size)?;
    let offset = [file[10], file[11], file[12], file[13]];
    let pixels_at = (u32::from_le_bytes(offset) as usize).saturating_sub(FILE_HEADER_LEN);
    let packed = dib.pixels(bytes, Some(pixels_at))?;
    let dpi = |per_meter: u32| f64::from(per_meter) * METERS_PER_INCH;
    let metadata = Metadata {
        dpi: (dib.per_meter.0 > 0 && dib.per_meter.1 > 0)
            .then(|| (dpi(dib.per_meter.0), dpi(dib.per_meter.1))),
        ..Metadata::default()
    };
    let color = profile::color_space(dib.profile(bytes).map(<[u8]>::to_vec), false);
    Ok(Decoded::full(Image { color, metadata, ..Image::still(Pixels::U8(packed)) }))
}

/// 24 bits a pixel, or 32 with a mask for alpha where there is any; gray with a palette.
fn encode(image: &Image, _: &Output) -> Result<Vec<u8>> {
    let packed = plain::narrow_srgb(image)?;
    let (packed, bits) = match packed.channels() {
        Channels::Gray => (packed, 8),
        Channels::Rgb => (packed, 24),
        Channels::GrayAlpha | Channels::Rgba => (packed.with_channels(Channels::Rgba)?, 32),
    };
    let Size { width, height } = packed.size();
    let stride = dib::stride(width as usize, bits);
    let header_len: u32 = if bits == 32 { 108 } else { 40 };
    let palette_len: u32 = if bits == 8 { 1024 } else { 0 };
    let pixels_at = FILE_HEADER_LEN as u32 + header_len + palette_len;
    let file_len = pixels_at as usize + stride * height as usize;
    let file_len = u32::try_from(file_len)
        .map_err(|_| Error::limit("the BMP would be larger than 4 GB, which BMP cannot be"))?;
    let mut file = b"BM".to_vec();
    for number in [file_len, 0, pixels_at, header_len, width, height] {
        file.extend(number.to_le_bytes());
    }
    file.extend(1u16.to_le_bytes());
    file.extend((bits as u16).to_le_bytes());
    let per_meter = |dpi: f64| (dpi / METERS_PER_INCH).round() as u32;
    let (x, y) = image.metadata.dpi.map_or((0, 0), |(x, y)| (per_meter(x), per_meter(y)));
    let compression = if bits == 32 { dib::BIT_FIELDS } else { 0 };
    for number in [compression, file_len - pixels_at, x, y, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    if bits == 32 {
        for mask in [0x00FF_0000u32, 0xFF00, 0xFF, 0xFF00_0000] {
            file.extend(mask.to_le_bytes());
        }
        // The color space of Windows, which is sRGB, and no end points or curves.
        file.extend(b"BGRs");
        file.extend([0; 48]);
    }
    if bits == 8 {
        file.extend((0..=255).flat_map(|level| [level, level, level, 0]));
    }
    put_rows(&packed, stride, &mut file);
    Ok(file)
}

/// Rows from bottom to top, blue first, as long as `stride` says.
pub(super) fn put_rows(packed: &Packed<u8>, stride: usize, file: &mut Vec<u8>) {
    let count = packed.channels().count();
    let rows: Vec<&[u8]> = packed.rows().collect();
    for row in rows.into_iter().rev() {
        let end = file.len() + stride;
        for pixel in row.chunks_exact(count) {
            match *pixel {
                [r, g, b] => file.extend([b, g, r]),
                [r, g, b, a] => file.extend([b, g, r, a]),
                _ => file.extend_from_slice(pixel),
            }
        }
        file.resize(end, 0);
    }
}

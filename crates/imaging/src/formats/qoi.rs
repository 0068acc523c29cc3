//! QOI, the "quite OK image format" (specification 1.0 of 2022).

use super::bytes::Bytes;
use super::plain;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels};
use crate::metadata::Orientation;
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

/// QOI.
pub static QOI: Format = Format {
    name: "qoi",
    title: "QOI",
    mime_type: "image/qoi",
    sniff: |start| start.starts_with(b"qoif"),
    inspect: |limits| Prefix::start(HEADER_LEN, header, limits),
    decode: Some(decode),
    encode: Some(encode),
    alpha: true,
    ..Format::PLAIN
};

const HEADER_LEN: usize = 14;
const END: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
/// The longest run that is one byte.
const RUN_MAX: usize = 62;
/// Pixels that one byte of a file can stand for.
const PIXELS_PER_BYTE: u64 = RUN_MAX as u64;

type Pixel = [u8; 4];

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let mut bytes = Bytes::new(bytes, "QOI");
    bytes.take(4)?;
    let size = Size::new(bytes.be32()?, bytes.be32()?);
    limits.check_size(size)?;
    let channels = bytes.u8()?;
    if !matches!(channels, 3 | 4) {
        return Err(Error::input(format!("the QOI says it has {channels} channels")));
    }
    Ok(Header {
        format: &QOI,
        size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: channels == 4,
        is_gray: false,
        bit_depth: 8,
        is_lossy: false,
        is_guess: false,
    })
}

/// The place of a color in the list of recent ones.
fn slot([r, g, b, a]: Pixel) -> usize {
    let [r, g, b, a] = [r, g, b, a].map(usize::from);
    (r * 3 + g * 5 + b * 7 + a * 11) % 64
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let header = header(file, limits)?;
    let mut bytes = Bytes::new(&file[HEADER_LEN.min(file.len())..], "QOI");
    if (bytes.rest().len() as u64).saturating_mul(PIXELS_PER_BYTE) < header.size.area() {
        return Err(bytes.ends_early());
    }
    let channels = if header.has_alpha { Channels::Rgba } else { Channels::Rgb };
    let mut packed = Packed::<u8>::zeroed(header.size, channels)?;
    let count = channels.count();
    let mut recent = [[0; 4]; 64];
    let mut pixel: Pixel = [0, 0, 0, 255];
    let mut run = 0;
    for target in packed.samples_mut().chunks_exact_mut(count) {
        if run > 0 {
            run -= 1;
        } else {
            (pixel, run) = next(&mut bytes, pixel, &recent)?;
            recent[slot(pixel)] = pixel;
        }
        target.copy_from_slice(&pixel[..count]);
    }
    Ok(Decoded::full(Image::still(Pixels::U8(packed))))
}

/// The next pixel and how often it is repeated after that.
fn next(bytes: &mut Bytes<'_>, before: Pixel, recent: &[Pixel; 64]) -> Result<(Pixel, u8)> {
    let code = bytes.u8()?;
    let [r, g, b, a] = before;
    let low = code & 0x3F;
    let pixel = match code {
        0xFE => {
            let [r, g, b] = bytes.array()?;
            [r, g, b, a]
        }
        0xFF => bytes.array()?,
        0x00..=0x3F => recent[usize::from(low)],
        0x40..=0x7F => {
            let step = |value: u8, shift: u8| value.wrapping_add(low >> shift & 3).wrapping_sub(2);
            [step(r, 4), step(g, 2), step(b, 0), a]
        }
        0x80..=0xBF => {
            let second = bytes.u8()?;
            let green = low.wrapping_sub(32);
            let red = green.wrapping_add(second >> 4).wrapping_sub(8);
            let blue = green.wrapping_add(second & 0xF).wrapping_sub(8);
            [r.wrapping_add(red), g.wrapping_add(green), b.wrapping_add(blue), a]
        }
        0xC0..=0xFD => return Ok((before, low)),
    };
    Ok((pixel, 0))
}

fn encode(image: &Image, _: &Output) -> Result<Vec<u8>> {
    let packed = plain::narrow_srgb(image)?;
    let has_alpha = packed.channels().has_alpha();
    let wanted = if has_alpha { Channels::Rgba } else { Channels::Rgb };
    let packed = packed.with_channels(wanted)?;
    let Size { width, height } = packed.size();
    let mut file = b"qoif".to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend([if has_alpha { 4 } else { 3 }, 0]);
    let mut recent = [[0; 4]; 64];
    let mut before: Pixel = [0, 0, 0, 255];
    let mut run = 0;
    for samples in packed.samples().chunks_exact(wanted.count()) {
        let mut pixel: Pixel = [0, 0, 0, 255];
        pixel[..samples.len()].copy_from_slice(samples);
        if pixel == before {
            run += 1;
            if run == RUN_MAX {
                file.push(0xC0 | (run - 1) as u8);
                run = 0;
            }
            continue;
        }
        if run > 0 {
            file.push(0xC0 | (run - 1) as u8);
            run = 0;
        }
        put(&mut file, pixel, before, &recent);
        recent[slot(pixel)] = pixel;
        before = pixel;
    }
    if run > 0 {
        file.push(0xC0 | (run - 1) as u8);
    }
    file.extend(END);
    Ok(file)
}

fn put(file: &mut Vec<u8>, pixel: Pixel, before: Pixel, recent: &[Pixel; 64]) {
    if recent[slot(pixel)] == pixel {
        file.push(slot(pixel) as u8);
        return;
    }
    let [r, g, b, a] = pixel;
    if a != before[3] {
        file.push(0xFF);
        file.extend(pixel);
        return;
    }
    let [red, green, blue] = [0, 1, 2].map(|index| pixel[index].wrapping_sub(before[index]));
    let small = [red, green, blue].map(|step| step.wrapping_add(2));
    if small.iter().all(|step| *step < 4) {
        file.push(0x40 | small[0] << 4 | small[1] << 2 | small[2]);
        return;
    }
    let luma = green.wrapping_add(32);
    let beside = [red, blue].map(|step| step.wrapping_sub(green).wrapping_add(8));
    if luma < 64 && beside.iter().all(|step| *step < 16) {
        file.extend([0x80 | luma, beside[0] << 4 | beside[1]]);
        return;
    }
    file.push(0xFE);
    file.extend([r, g, b]);
}

//! Radiance HDR (Ward, "Real Pixels", Graphics Gems II, 1991): light as three bytes and a common
//! exponent.

use super::bytes::Bytes;
use super::gather::BYTES_MAX;
use super::light;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels};
use crate::metadata::Orientation;
use crate::{Error, Image, Limits, Result, Size};

/// Radiance HDR.
pub static HDR: Format = Format {
    name: "hdr",
    aliases: &["rgbe"],
    title: "Radiance HDR",
    mime_type: "image/vnd.radiance",
    sniff: |start| start.starts_with(b"#?RADIANCE") || start.starts_with(b"#?RGBE"),
    inspect: |limits| Prefix::start(BYTES_MAX, header, limits),
    decode: Some(decode),
    bit_depths: &[8, 16],
    ..Format::PLAIN
};

struct Facts<'a> {
    size: Size,
    /// Rows are stored from bottom to top.
    is_bottom_up: bool,
    /// Pixels are stored from right to left.
    is_mirrored: bool,
    body: Bytes<'a>,
}

fn ends_early() -> Error {
    Error::input("the Radiance HDR ends early")
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let end = memchr::memchr(b'\n', rest).ok_or_else(ends_early)?;
    let line = str::from_utf8(&rest[..end]).unwrap_or_default();
    *rest = &rest[end + 1..];
    Ok(line.trim())
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>> {
    let mut rest = bytes;
    loop {
        match line(&mut rest)? {
            "" => break,
            "FORMAT=32-bit_rle_xyze" => {
                return Err(Error::unsupported("a Radiance HDR in XYZ is not supported"));
            }
            _ => {}
        }
    }
    let resolution = line(&mut rest)?;
    let words: Vec<&str> = resolution.split_ascii_whitespace().collect();
    let [y_axis @ ("-Y" | "+Y"), height, x_axis @ ("+X" | "-X"), width] = words[..] else {
        let shown: String = resolution.chars().take(40).collect();
        let message = format!("a Radiance HDR of the resolution {shown:?} is not supported");
        return Err(Error::unsupported(message));
    };
    let side = |word: &str| {
        word.parse().map_err(|_| Error::input("the Radiance HDR has a size that is no number"))
    };
    let size = Size::new(side(width)?, side(height)?);
    limits.check_size(size)?;
    Ok(Facts {
        size,
        is_bottom_up: y_axis == "+Y",
        is_mirrored: x_axis == "-X",
        body: Bytes::new(rest, "Radiance HDR"),
    })
}

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    Ok(Header {
        format: &HDR,
        size: read(bytes, limits)?.size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: false,
        is_gray: false,
        bit_depth: 16,
        is_lossy: false,
        is_guess: false,
    })
}

type Rgbe = [u8; 4];

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let mut facts = read(file, limits)?;
    let (width, height) = (facts.size.width as usize, facts.size.height as usize);
    // A row takes some bytes, however well it is packed: 4 to start with, 2 for 127 samples.
    if (facts.body.rest().len() as u64) * 64 < facts.size.area() {
        return Err(ends_early());
    }
    let mut packed = Packed::<u16>::zeroed(facts.size, Channels::Rgb)?;
    let mut row: Vec<Rgbe> = vec![[0; 4]; width];
    for y in 0..height {
        read_row(&mut facts.body, &mut row)?;
        let y = if facts.is_bottom_up { height - 1 - y } else { y };
        let target = &mut packed.samples_mut()[y * width * 3..][..width * 3];
        for (x, [r, g, b, exponent]) in row.iter().enumerate() {
            let x = if facts.is_mirrored { width - 1 - x } else { x };
            // 0 stands for black, else the bytes are fractions of a power of two.
            let scale = match exponent {
                0 => 0.0,
                exponent => 2f32.powi(i32::from(*exponent) - 128 - 8),
            };
            let color = [r, g, b].map(|byte| light::to_srgb(f32::from(*byte) * scale));
            target[x * 3..][..3].copy_from_slice(&color);
        }
    }
    Ok(Decoded::full(Image::still(Pixels::U16(packed))))
}

fn read_row(body: &mut Bytes<'_>, row: &mut [Rgbe]) -> Result<()> {
    let start: Rgbe = body.array()?;
    let [2, 2, high @ 0..=127, low] = start else { return read_old_row(body, start, row) };
    if usize::from(high) << 8 | usize::from(low) != row.len() {
        return Err(Error::input("the Radiance HDR has a row of another length than it says"));
    }
    for component in 0..4 {
        let mut x = 0;
        while x < row.len() {
            let code = body.u8()?;
            let (count, is_run) = if code > 128 { (code - 128, true) } else { (code, false) };
            let end = x + usize::from(count);
            let Some(target) = row.get_mut(x..end).filter(|_| count > 0) else {
                return Err(Error::input("the Radiance HDR has a run that leaves its row"));
            };
            if is_run {
                let value = body.u8()?;
                target.iter_mut().for_each(|pixel| pixel[component] = value);
            } else {
                let values = body.take(target.len())?;
                target.iter_mut().zip(values).for_each(|(pixel, v)| pixel[component] = *v);
            }
            x = end;
        }
    }
    Ok(())
}

/// Pixels one after the other; one of 1, 1, 1 repeats the one before it.
fn read_old_row(body: &mut Bytes<'_>, start: Rgbe, row: &mut [Rgbe]) -> Result<()> {
    let (mut x, mut shift) = (0, 0);
    let mut next = Some(start);
    while x < row.len() {
        let pixel = match next.take() {
            Some(pixel) => pixel,
            None => body.array()?,
        };
        if let [1, 1, 1, count] = pixel {
            let count = usize::from(count).checked_shl(shift).unwrap_or(usize::MAX);
            let before = if x > 0 { row[x - 1] } else { [0; 4] };
            let end = x.saturating_add(count).min(row.len());
            row[x..end].fill(before);
            x = end;
            shift = (shift + 8).min(24);
        } else {
            row[x] = pixel;
            x += 1;
            shift = 0;
        }
    }
    Ok(())
}

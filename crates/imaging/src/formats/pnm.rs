//! The formats of Netpbm: PBM, PGM, PPM (plain and raw), PAM, and PFM.

use std::borrow::Cow;

use super::light;
use super::plain;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::formats::gather::BYTES_MAX;
use crate::image::{Channels, Packed, Pixels, joined, zeroed};
use crate::metadata::Orientation;
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

/// Netpbm.
pub static PNM: Format = Format {
    name: "pnm",
    aliases: &["ppm", "pgm", "pbm", "pam", "pfm"],
    title: "PNM",
    mime_type: "image/x-portable-anymap",
    sniff,
    inspect: |limits| Prefix::start(BYTES_MAX, header, limits),
    decode: Some(decode),
    encode: Some(encode),
    alpha: true,
    bit_depths: &[8, 16],
    ..Format::PLAIN
};

fn sniff(start: &[u8]) -> bool {
    match start {
        [b'P', b'1'..=b'6' | b'f' | b'F', next, ..] => next.is_ascii_whitespace() || *next == b'#',
        // Thumbnails of an old viewer start with `P7 332`.
        [b'P', b'7', next, ..] => matches!(next, b'\n' | b'\r'),
        _ => false,
    }
}

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Digits, one a bit.
    PlainBits,
    /// Numbers in digits.
    Plain,
    Bits,
    Raw,
    /// Floating-point numbers, rows from bottom to top.
    Floats {
        is_little: bool,
    },
}

struct Facts<'a> {
    size: Size,
    channels: Channels,
    /// What is white.
    max: u32,
    body: Body,
    rest: &'a [u8],
}

/// Words of a header, with comments left out.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a [u8]> {
        loop {
            match self.rest.first() {
                Some(b'#') => {
                    let end = memchr::memchr2(b'\n', b'\r', self.rest).ok_or_else(ends_early)?;
                    self.rest = &self.rest[end..];
                }
                Some(byte) if byte.is_ascii_whitespace() => self.rest = &self.rest[1..],
                Some(_) => break,
                None => return Err(ends_early()),
            }
        }
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'#';
        let len = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(word)
    }

    fn number(&mut self) -> Result<u32> {
        let word = self.next()?;
        let number = str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        number.ok_or_else(|| {
            let word = String::from_utf8_lossy(&word[..word.len().min(20)]).into_owned();
            Error::input(format!("the PNM has {word:?} where a number should be"))
        })
    }

    /// The samples, after the one blank that ends the header.
    fn body(self) -> &'a [u8] {
        self.rest.get(1..).unwrap_or_default()
    }
}

fn ends_early() -> Error {
    Error::input("the PNM ends early")
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>> {
    let mut words = Words { rest: bytes };
    let magic = words.next()?;
    if magic == b"P7" {
        return read_pam(words, limits);
    }
    let size = Size::new(words.number()?, words.number()?);
    limits.check_size(size)?;
    let (body, channels) = match magic {
        b"P1" => (Body::PlainBits, Channels::Gray),
        b"P2" => (Body::Plain, Channels::Gray),
        b"P3" => (Body::Plain, Channels::Rgb),
        b"P4" => (Body::Bits, Channels::Gray),
        b"P5" => (Body::Raw, Channels::Gray),
        b"P6" => (Body::Raw, Channels::Rgb),
        _ => {
            let channels = if magic == b"PF" { Channels::Rgb } else { Channels::Gray };
            let scale = words.next()?;
            let is_little = scale.starts_with(b"-");
            let (body, rest) = (Body::Floats { is_little }, words.body());
            return Ok(Facts { size, channels, max: 65_535, body, rest });
        }
    };
    let has_max = !matches!(body, Body::PlainBits | Body::Bits);
    let max = if has_max { checked_max(words.number()?)? } else { 1 };
    Ok(Facts { size, channels, max, body, rest: words.body() })
}

fn checked_max(max: u32) -> Result<u32> {
    if (1..=65_535).contains(&max) {
        return Ok(max);
    }
    Err(Error::input(format!("the PNM says that white is {max}; it can be 1 to 65535")))
}

fn read_pam<'a>(mut words: Words<'a>, limits: &Limits) -> Result<Facts<'a>> {
    let (mut size, mut depth, mut max) = (Size::new(0, 0), 0, 0);
    loop {
        match words.next()? {
            b"WIDTH" => size.width = words.number()?,
            b"HEIGHT" => size.height = words.number()?,
            b"DEPTH" => depth = words.number()?,
            b"MAXVAL" => max = words.number()?,
            b"ENDHDR" => break,
            // What the samples are follows from their number; names of other kinds change nothing.
            _ => {}
        }
    }
    limits.check_size(size)?;
    let channels = match depth {
        1 => Channels::Gray,
        2 => Channels::GrayAlpha,
        3 => Channels::Rgb,
        4 => Channels::Rgba,
        _ => return Err(Error::unsupported(format!("a PAM of {depth} channels cannot be read"))),
    };
    Ok(Facts { size, channels, max: checked_max(max)?, body: Body::Raw, rest: words.body() })
}

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let facts = read(bytes, limits)?;
    Ok(Header {
        format: &PNM,
        size: facts.size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: facts.channels.has_alpha(),
        is_gray: matches!(facts.channels, Channels::Gray | Channels::GrayAlpha),
        bit_depth: match facts.max {
            1 => 1,
            2..=255 => 8,
            _ => 16,
        },
        is_lossy: false,
        is_guess: false,
    })
}

fn decode(bytes: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let facts = read(bytes, limits)?;
    let len = facts.size.area() * facts.channels.count() as u64;
    // A file that is too short must not cost the memory of the image that it promises.
    let bits_min = match facts.body {
        Body::Bits | Body::PlainBits => 1,
        Body::Plain => 12,
        Body::Raw if facts.max > 255 => 16,
        Body::Raw => 8,
        Body::Floats { .. } => 32,
    };
    if (facts.rest.len() as u64 + 1).saturating_mul(8) < len * bits_min {
        return Err(ends_early());
    }
    let (size, channels) = (facts.size, facts.channels);
    let pixels = if facts.max > 255 {
        Pixels::U16(Packed::new(size, channels, wide(&facts, len)?))
    } else {
        Pixels::U8(Packed::new(size, channels, narrow(&facts, len)?))
    };
    Ok(Decoded::full(Image::still(pixels)))
}

fn narrow(facts: &Facts<'_>, len: u64) -> Result<Vec<u8>> {
    if facts.max == 255 && matches!(facts.body, Body::Raw) {
        let samples = usize::try_from(len).ok().and_then(|len| facts.rest.get(..len));
        return joined(&[], samples.ok_or_else(ends_early)?);
    }
    let mut out = zeroed::<u8>(len)?;
    match facts.body {
        Body::PlainBits => {
            let bits = facts.rest.iter().filter(|byte| matches!(byte, b'0' | b'1'));
            fill(&mut out, bits.map(|bit| Ok(u32::from(*bit == b'0'))))?;
        }
        Body::Bits => {
            let width = facts.size.width as usize;
            let rows = facts.rest.chunks_exact(width.div_ceil(8));
            if rows.len() < facts.size.height as usize {
                return Err(ends_early());
            }
            for (row, bits) in out.chunks_exact_mut(width).zip(rows) {
                let bit = |x: usize| u32::from(!bits[x / 8] >> (7 - x % 8) & 1);
                fill(row, (0..width).map(|x| Ok(bit(x))))?;
            }
        }
        Body::Plain => {
            let mut words = Words { rest: facts.rest };
            fill(&mut out, std::iter::repeat_with(|| words.number()))?;
        }
        Body::Raw | Body::Floats { .. } => {
            fill(&mut out, facts.rest.iter().map(|sample| Ok(u32::from(*sample))))?;
        }
    }
    if facts.max < 255 {
        let level = |sample: u8| u32::from(sample).min(facts.max) * 255 + facts.max / 2;
        out.iter_mut().for_each(|sample| *sample = (level(*sample) / facts.max) as u8);
    }
    Ok(out)
}

fn wide(facts: &Facts<'_>, len: u64) -> Result<Vec<u16>> {
    let mut out = zeroed::<u16>(len)?;
    match facts.body {
        Body::Plain => {
            let mut words = Words { rest: facts.rest };
            fill(&mut out, std::iter::repeat_with(|| words.number()))?;
        }
        Body::Floats { is_little } => {
            let stride = facts.size.width as usize * facts.channels.count();
            let rows = facts.rest.chunks_exact(stride * 4);
            if rows.len() < facts.size.height as usize {
                return Err(ends_early());
            }
            for (row, bytes) in out.chunks_exact_mut(stride).rev().zip(rows) {
                let (numbers, _) = bytes.as_chunks::<4>();
                for (sample, number) in row.iter_mut().zip(numbers) {
                    let from = if is_little { f32::from_le_bytes } else { f32::from_be_bytes };
                    *sample = light::to_srgb(from(*number));
                }
            }
        }
        Body::Raw | Body::PlainBits | Body::Bits => {
            let pairs = facts.rest.chunks_exact(2);
            fill(
                &mut out,
                pairs.map(|pair| Ok(u32::from(u16::from_be_bytes([pair[0], pair[1]])))),
            )?;
        }
    }
    if facts.max < 65_535 {
        let level = |sample: u16| u32::from(sample).min(facts.max) * 65_535 + facts.max / 2;
        out.iter_mut().for_each(|sample| *sample = (level(*sample) / facts.max) as u16);
    }
    Ok(out)
}

/// Fills all samples, or complains that there are too few.
fn fill<S: TryFrom<u32>>(
    out: &mut [S],
    mut samples: impl Iterator<Item = Result<u32>>,
) -> Result<()> {
    for target in out {
        let sample = samples.next().ok_or_else(ends_early)??;
        *target = S::try_from(sample).map_err(|_| {
            Error::input(format!("the PNM has a sample of {sample}, over its white"))
        })?;
    }
    Ok(())
}

fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let pixels: Cow<'_, Pixels> = match output.bit_depth {
        Some(8) => Cow::Owned(Pixels::U8(plain::narrow_srgb(image)?)),
        _ => plain::srgb(image)?,
    };
    let Size { width, height } = pixels.size();
    let max = if pixels.bit_depth() == 16 { 65_535 } else { 255 };
    let header = match pixels.channels() {
        Channels::Gray => format!("P5\n{width} {height}\n{max}\n"),
        Channels::Rgb => format!("P6\n{width} {height}\n{max}\n"),
        Channels::GrayAlpha => pam((width, height), 2, max, "GRAYSCALE_ALPHA"),
        Channels::Rgba => pam((width, height), 4, max, "RGB_ALPHA"),
    }
    .into_bytes();
    match &*pixels {
        Pixels::U8(packed) => joined(&header, packed.samples()),
        Pixels::U16(packed) => {
            let samples = packed.samples().iter().flat_map(|sample| sample.to_be_bytes());
            Ok(header.into_iter().chain(samples).collect())
        }
        Pixels::Ycc(_) => Err(Error::internal("Y'CbCr planes come as RGB here")),
    }
}

fn pam((width, height): (u32, u32), depth: u32, max: u32, kind: &str) -> String {
    format!(
        "P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {max}\nTUPLTYPE {kind}\nENDHDR\n"
    )
}

//! DDS, the textures of DirectX: the first and largest level of the first one.

use super::bytes::Bytes;
use super::light;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels, Scalar};
use crate::metadata::Orientation;
use crate::{Error, Image, Limits, Result, Size};

/// DDS.
pub static DDS: Format = Format {
    name: "dds",
    title: "DDS",
    mime_type: "image/vnd.ms-dds",
    sniff: |start| start.starts_with(b"DDS \x7C\0\0\0"),
    inspect: |limits| Prefix::start(HEADER_LEN + DX10_LEN, header, limits),
    decode: Some(decode),
    alpha: true,
    bit_depths: &[8, 16],
    ..Format::PLAIN
};

const HEADER_LEN: usize = 128;
const DX10_LEN: usize = 20;
const FOUR_CC: u32 = 4;

/// How the texture is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Blocks of four by four pixels.
    Blocks(Block),
    /// Whole pixels of so many bytes, with masks for red, green, blue and alpha.
    Plain { bytes: usize, masks: [u32; 4] },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Bc1,
    Bc2,
    Bc3,
    Bc4,
    Bc5,
    Bc6 { is_signed: bool },
    Bc7,
}

impl Block {
    fn len(self) -> usize {
        if matches!(self, Self::Bc1 | Self::Bc4) { 8 } else { 16 }
    }
}

struct Facts<'a> {
    size: Size,
    layout: Layout,
    rest: &'a [u8],
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>> {
    let mut header = Bytes::new(bytes, "DDS");
    header.take(12)?;
    let (height, width) = (header.le32()?, header.le32()?);
    let size = Size::new(width, height);
    limits.check_size(size)?;
    header.take(76 - 20 + 4)?;
    let flags = header.le32()?;
    let code: [u8; 4] = header.array()?;
    let bits = header.le32()?;
    let masks = [header.le32()?, header.le32()?, header.le32()?, header.le32()?];
    header.take(20)?;
    let layout = if flags & FOUR_CC == 0 {
        plain(flags, bits, masks)?
    } else if &code == b"DX10" {
        let format = header.le32()?;
        header.take(16)?;
        of_dxgi(format)?
    } else {
        of_code(code)?
    };
    Ok(Facts { size, layout, rest: header.rest() })
}

fn plain(flags: u32, bits: u32, mut masks: [u32; 4]) -> Result<Layout> {
    const HAS_ALPHA: u32 = 1;
    const ALPHA_ONLY: u32 = 2;
    const LUMINANCE: u32 = 0x2_0000;
    if flags & HAS_ALPHA == 0 {
        masks[3] = 0;
    }
    if flags & LUMINANCE != 0 {
        // Some writers put the masks of 32 bits beside 8.
        if bits == 8 && masks[0] & 0xFF == 0 {
            masks[0] = 0xFF;
        }
        masks = [masks[0], masks[0], masks[0], masks[3]];
    }
    if flags & ALPHA_ONLY != 0 || !matches!(bits, 8 | 16 | 24 | 32) || masks[0] == 0 {
        let message = format!("a DDS of {bits} bits with the flags {flags:#x} is not supported");
        return Err(Error::unsupported(message));
    }
    Ok(Layout::Plain { bytes: (bits / 8) as usize, masks })
}

fn of_code(code: [u8; 4]) -> Result<Layout> {
    Ok(Layout::Blocks(match &code {
        b"DXT1" => Block::Bc1,
        b"DXT2" | b"DXT3" => Block::Bc2,
        b"DXT4" | b"DXT5" => Block::Bc3,
        b"ATI1" | b"BC4U" => Block::Bc4,
        b"ATI2" | b"BC5U" => Block::Bc5,
        _ => {
            let name = String::from_utf8_lossy(&code).into_owned();
            return Err(Error::unsupported(format!("DDS code {name:?} is not supported")));
        }
    }))
}

fn of_dxgi(format: u32) -> Result<Layout> {
    let plain = |masks| Layout::Plain { bytes: 4, masks };
    Ok(match format {
        27..=29 => plain([0xFF, 0xFF00, 0xFF_0000, 0xFF00_0000]),
        87 | 90 | 91 => plain([0xFF_0000, 0xFF00, 0xFF, 0xFF00_0000]),
        88 | 92 | 93 => plain([0xFF_0000, 0xFF00, 0xFF, 0]),
        61 => Layout::Plain { bytes: 1, masks: [0xFF, 0xFF, 0xFF, 0] },
        70..=72 => Layout::Blocks(Block::Bc1),
        73..=75 => Layout::Blocks(Block::Bc2),
        76..=78 => Layout::Blocks(Block::Bc3),
        79 | 80 => Layout::Blocks(Block::Bc4),
        82 | 83 => Layout::Blocks(Block::Bc5),
        94..=96 => Layout::Blocks(Block::Bc6 { is_signed: format == 96 }),
        97..=99 => Layout::Blocks(Block::Bc7),
        _ => return Err(Error::unsupported(format!("DDS format {format} is not supported"))),
    })
}

impl Facts<'_> {
    fn channels(&self) -> Channels {
        match self.layout {
            Layout::Blocks(Block::Bc4) => Channels::Gray,
            Layout::Blocks(Block::Bc5 | Block::Bc6 { .. }) => Channels::Rgb,
            Layout::Plain { masks: [.., 0], .. } => Channels::Rgb,
            Layout::Blocks(_) | Layout::Plain { .. } => Channels::Rgba,
        }
    }
}

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let facts = read(bytes, limits)?;
    let channels = facts.channels();
    let is_wide = matches!(facts.layout, Layout::Blocks(Block::Bc6 { .. }));
    Ok(Header {
        format: &DDS,
        size: facts.size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: channels.has_alpha(),
        is_gray: channels == Channels::Gray,
        bit_depth: if is_wide { 16 } else { 8 },
        is_lossy: matches!(facts.layout, Layout::Blocks(_)),
        is_guess: false,
    })
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let facts = read(file, limits)?;
    let pixels = match facts.layout {
        Layout::Plain { bytes, masks } => Pixels::U8(from_plain(&facts, bytes, masks)?),
        Layout::Blocks(Block::Bc6 { is_signed }) => Pixels::U16(from_light(&facts, is_signed)?),
        Layout::Blocks(block) => Pixels::U8(from_blocks(&facts, block)?),
    };
    Ok(Decoded::full(Image::still(pixels)))
}

fn from_plain(facts: &Facts<'_>, bytes: usize, masks: [u32; 4]) -> Result<Packed<u8>> {
    let mut rest = Bytes::new(facts.rest, "DDS");
    let stored = rest.take(facts.size.area() as usize * bytes)?;
    let mut packed = Packed::<u8>::zeroed(facts.size, facts.channels())?;
    let count = facts.channels().count();
    let pixels = packed.samples_mut().chunks_exact_mut(count);
    for (pixel, stored) in pixels.zip(stored.chunks_exact(bytes)) {
        let value = stored.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        for (sample, mask) in pixel.iter_mut().zip(masks.iter().filter(|mask| **mask != 0)) {
            let max = u64::from(mask >> mask.trailing_zeros());
            let level = u64::from((value & mask) >> mask.trailing_zeros());
            *sample = ((level * 255 + max / 2) / max) as u8;
        }
    }
    Ok(packed)
}

/// Calls with each block and its place.
fn each_block<'a>(
    facts: &Facts<'a>,
    len: usize,
    mut call: impl FnMut(&'a [u8], (usize, usize)),
) -> Result<()> {
    let across = facts.size.width.div_ceil(4) as usize;
    let down = facts.size.height.div_ceil(4) as usize;
    let blocks = Bytes::new(facts.rest, "DDS").take(across * down * len)?;
    for (index, block) in blocks.chunks_exact(len).enumerate() {
        call(block, (index % across * 4, index / across * 4));
    }
    Ok(())
}

/// Copies what lies inside of the image of sixteen pixels.
fn put<S: Scalar, const N: usize>(
    packed: &mut Packed<S>,
    (left, top): (usize, usize),
    pixel: impl Fn(usize) -> [S; N],
) {
    let (width, height) = (packed.size().width as usize, packed.size().height as usize);
    for at in 0..16 {
        let (x, y) = (left + at % 4, top + at / 4);
        if x < width && y < height {
            packed.samples_mut()[(y * width + x) * N..][..N].copy_from_slice(&pixel(at));
        }
    }
}

fn from_blocks(facts: &Facts<'_>, block: Block) -> Result<Packed<u8>> {
    check_len(facts, block.len())?;
    let mut packed = Packed::<u8>::zeroed(facts.size, facts.channels())?;
    each_block(facts, block.len(), |stored, place| {
        let mut out = [0u8; 64];
        match block {
            Block::Bc1 => bcdec_rs::bc1(stored, &mut out, 16),
            Block::Bc2 => bcdec_rs::bc2(stored, &mut out, 16),
            Block::Bc3 => bcdec_rs::bc3(stored, &mut out, 16),
            Block::Bc4 => bcdec_rs::bc4(stored, &mut out, 4, false),
            Block::Bc5 => bcdec_rs::bc5(stored, &mut out, 8, false),
            Block::Bc7 | Block::Bc6 { .. } => bcdec_rs::bc7(stored, &mut out, 16),
        }
        match block {
            Block::Bc4 => put(&mut packed, place, |at| [out[at]]),
            Block::Bc5 => put(&mut packed, place, |at| normal(out[at * 2], out[at * 2 + 1])),
            _ => put(&mut packed, place, |at| {
                [out[at * 4], out[at * 4 + 1], out[at * 4 + 2], out[at * 4 + 3]]
            }),
        }
    })?;
    Ok(packed)
}

fn check_len(facts: &Facts<'_>, block_len: usize) -> Result<()> {
    each_block(
        &Facts { size: facts.size, layout: facts.layout, rest: facts.rest },
        block_len,
        |_, _| {},
    )
}

/// Two channels are the x and y of a normal; z follows, as its length is 1.
fn normal(x: u8, y: u8) -> [u8; 3] {
    let unit = |byte: u8| f32::from(byte) / 127.5 - 1.0;
    let z = (1.0 - unit(x).powi(2) - unit(y).powi(2)).max(0.0).sqrt();
    [x, y, ((z + 1.0) * 127.5 + 0.5) as u8]
}

fn from_light(facts: &Facts<'_>, is_signed: bool) -> Result<Packed<u16>> {
    check_len(facts, 16)?;
    let mut packed = Packed::<u16>::zeroed(facts.size, Channels::Rgb)?;
    each_block(facts, 16, |stored, place| {
        let mut out = [0f32; 48];
        bcdec_rs::bc6h_float(stored, &mut out, 12, is_signed);
        put(&mut packed, place, |at| [0, 1, 2].map(|c| light::to_srgb(out[at * 3 + c])));
    })?;
    Ok(packed)
}

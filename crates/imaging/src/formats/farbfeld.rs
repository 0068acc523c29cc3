//! farbfeld, the format of suckless.org: 16 bits of red, green, blue and alpha, uncompressed.

use super::bytes::Bytes;
use super::plain;
use super::prefix::Prefix;
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels};
use crate::kernels::canvas::widen;
use crate::metadata::Orientation;
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

/// farbfeld.
pub static FARBFELD: Format = Format {
    name: "farbfeld",
    aliases: &["ff"],
    title: "farbfeld",
    mime_type: "image/x-farbfeld",
    sniff: |start| start.starts_with(MAGIC),
    inspect: |limits| Prefix::start(HEADER_LEN, header, limits),
    decode: Some(decode),
    encode: Some(encode),
    alpha: true,
    bit_depths: &[16],
    encode_memory: |_, size| 16 * size.area(),
    ..Format::PLAIN
};

const MAGIC: &[u8] = b"farbfeld";
const HEADER_LEN: usize = 16;
const PIXEL_LEN: u64 = 8;

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let mut bytes = Bytes::new(bytes, FARBFELD.title);
    bytes.take(MAGIC.len())?;
    let size = Size::new(bytes.be32()?, bytes.be32()?);
    limits.check_size(size)?;
    Ok(Header {
        format: &FARBFELD,
        size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: true,
        is_gray: false,
        bit_depth: 16,
        is_lossy: false,
        is_guess: false,
    })
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let size = header(file, limits)?.size;
    let bytes = Bytes::new(&file[HEADER_LEN.min(file.len())..], FARBFELD.title);
    // A file that is too short must not cost the memory of the image that it promises.
    if (bytes.rest().len() as u64) < size.area() * PIXEL_LEN {
        return Err(bytes.ends_early());
    }
    let mut packed = Packed::<u16>::zeroed(size, Channels::Rgba)?;
    let (stored, _) = bytes.rest().as_chunks();
    for (sample, stored) in packed.samples_mut().iter_mut().zip(stored) {
        *sample = u16::from_be_bytes(*stored);
    }
    Ok(Decoded::full(Image::still(Pixels::U16(packed))))
}

fn encode(image: &Image, _: &Output) -> Result<Vec<u8>> {
    let packed = match plain::srgb(image)?.into_owned() {
        Pixels::U8(packed) => widen(&packed)?,
        Pixels::U16(packed) => packed,
        Pixels::Ycc(_) => return Err(Error::internal("Y'CbCr planes come as RGB here")),
    };
    let packed = packed.with_channels(Channels::Rgba)?;
    let Size { width, height } = packed.size();
    let mut file = MAGIC.to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend(packed.samples().iter().flat_map(|sample| sample.to_be_bytes()));
    Ok(file)
}

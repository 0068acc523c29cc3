//! Walks the chunks of a PNG (W3C PNG, third edition) for its header, up to the image data.

use crate::format::{Header, Sequence};
use crate::formats::gather::{BYTES_MAX, Gather, Steps, Want};
use crate::formats::png::{PNG, SIGNATURE, check_palette};
use crate::image::Size;
use crate::metadata::{Orientation, exif};
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    Signature,
    /// The length and the name of a chunk.
    Chunk,
    /// The start of the chunk of this name; as many bytes behind it are passed over, which are the
    /// rest and the checksum.
    Payload([u8; 4], u64),
    /// The end of a chunk.
    Passed,
    /// Nothing: the image data have begun.
    Data,
}

/// A walk over the chunks.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    header: Option<Header>,
    is_indexed: bool,
}

/// The color type of samples that are places in a palette.
const INDEXED: u8 = 3;
const CRC_LEN: u64 = 4;
const LENGTH_MAX: u32 = u32::MAX >> 1;

impl Walk {
    /// A walk that has seen nothing yet.
    pub(super) fn start(limits: &Limits) -> Gather<Self> {
        let state = State::Signature;
        let walk = Self { limits: limits.clone(), state, header: None, is_indexed: false };
        Gather::new(walk, Want::Bytes(SIGNATURE.len()))
    }

    fn next_chunk(&mut self) -> Want {
        self.state = State::Chunk;
        Want::Bytes(8)
    }

    fn chunk(&mut self, len: u32, name: [u8; 4]) -> Result<Want> {
        if len > LENGTH_MAX {
            return Err(Error::input("the PNG has a chunk that is longer than chunks can be"));
        }
        let Some(header) = &mut self.header else {
            if (&name, len) != (b"IHDR", 13) {
                return Err(Error::input("the PNG does not start with its header"));
            }
            return Ok(self.payload(name, len, 13));
        };
        match &name {
            b"IDAT" => {
                self.state = State::Data;
                Ok(Want::Nothing)
            }
            b"IHDR" => Err(Error::input("the PNG has two headers")),
            b"IEND" => Err(Error::input("the PNG ends before its image data")),
            b"PLTE" if self.is_indexed => {
                check_palette(len as usize)?;
                Ok(self.pass(len))
            }
            b"tRNS" => {
                header.has_alpha = true;
                Ok(self.pass(len))
            }
            b"acTL" if len >= 4 => Ok(self.payload(name, len, 4)),
            b"eXIf" => Ok(self.payload(name, len, BYTES_MAX as u32)),
            _ => Ok(self.pass(len)),
        }
    }

    fn pass(&mut self, len: u32) -> Want {
        self.state = State::Passed;
        Want::Skip(u64::from(len) + CRC_LEN)
    }

    fn payload(&mut self, name: [u8; 4], len: u32, len_max: u32) -> Want {
        let wanted = len.min(len_max);
        self.state = State::Payload(name, u64::from(len - wanted) + CRC_LEN);
        Want::Bytes(wanted as usize)
    }

    fn read(&mut self, name: [u8; 4], payload: &[u8]) -> Result<()> {
        match (&name, &mut self.header) {
            (b"IHDR", _) => {
                let (header, color_type) = header(payload, &self.limits)?;
                self.header = Some(header);
                self.is_indexed = color_type == INDEXED;
            }
            (b"eXIf", Some(header)) => {
                header.orientation =
                    exif::orientation(payload).map(Orientation::from_exif).unwrap_or_default();
            }
            (b"acTL", Some(header)) => {
                header.frames = be_u32(payload);
                if header.frames == 0 {
                    return Err(Error::input("the PNG says it is an animation without frames"));
                }
                self.limits.check_frames(header.frames)?;
                if header.frames > 1 {
                    header.sequence = Sequence::Frames;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match self.state {
            State::Signature => {
                if bytes != SIGNATURE {
                    return Err(Error::input("the file does not start like a PNG"));
                }
                Ok(self.next_chunk())
            }
            State::Chunk => {
                let &[_, _, _, _, a, b, c, d] = bytes else {
                    return Err(Error::internal("a chunk starts with 8 bytes"));
                };
                self.chunk(be_u32(bytes), [a, b, c, d])
            }
            State::Payload(name, rest) => {
                self.read(name, bytes)?;
                self.state = State::Passed;
                Ok(Want::Skip(rest))
            }
            State::Passed => Ok(self.next_chunk()),
            State::Data => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        match (self.state, self.header) {
            (State::Data, Some(header)) => Ok(header),
            _ => Err(Error::input("the PNG ends before its image data")),
        }
    }
}

fn be_u32(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// What the header chunk says, and the color type.
fn header(payload: &[u8], limits: &Limits) -> Result<(Header, u8)> {
    let &[.., bits, color_type, _, _, _] = payload else {
        return Err(Error::internal("a PNG header has 13 bytes"));
    };
    let size = Size::new(be_u32(payload), be_u32(&payload[4..]));
    limits.check_size(size)?;
    let is_sound = match color_type {
        0 => matches!(bits, 1 | 2 | 4 | 8 | 16),
        2 | 4 | 6 => matches!(bits, 8 | 16),
        INDEXED => matches!(bits, 1 | 2 | 4 | 8),
        _ => false,
    };
    if !is_sound {
        let message = format!("the PNG says it has {bits} bits of color type {color_type}");
        return Err(Error::input(message));
    }
    let header = Header {
        format: &PNG,
        size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        has_alpha: color_type & 4 != 0,
        is_gray: color_type & 2 == 0,
        bit_depth: bits,
        is_lossy: false,
        is_guess: false,
    };
    Ok((header, color_type))
}

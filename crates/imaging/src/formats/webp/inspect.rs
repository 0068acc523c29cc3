//! Walks the chunks of a WebP (RFC 9649) for its header, to the end of the file.

use crate::format::{Header, Sequence};
use crate::formats::gather::{BYTES_MAX, Gather, Steps, Want};
use crate::formats::webp::WEBP;
use crate::image::Size;
use crate::metadata::{Orientation, exif};
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    Riff,
    /// The name and the length of a chunk.
    Chunk,
    /// The payload of the chunk with this name, and as many bytes after that.
    Payload([u8; 4], u64),
    /// The end of a chunk that is passed over.
    Passed,
    /// Nothing: the container has ended.
    End,
}

/// A walk over the chunks.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    /// Bytes that the container says are still to come.
    left: u64,
    size: Option<Size>,
    has_image: bool,
    has_alpha: bool,
    is_lossy: bool,
    is_animated: bool,
    frames: u32,
    /// The delays of all frames together, in milliseconds.
    plays_ms: u64,
    orientation: Orientation,
}

const HEAD_LEN: u64 = 8;
/// What a frame says of itself, and the name of its first chunk.
const FRAME_LEN: usize = 20;
/// The longest that an animation may take: libwebp counts in 31 bits.
const PLAYS_MS_MAX: u64 = i32::MAX as u64;

impl Walk {
    /// A walk that has seen nothing yet.
    pub(super) fn start(limits: &Limits) -> Gather<Self> {
        let walk = Self {
            limits: limits.clone(),
            state: State::Riff,
            left: 0,
            size: None,
            has_image: false,
            has_alpha: false,
            is_lossy: false,
            is_animated: false,
            frames: 0,
            plays_ms: 0,
            orientation: Orientation::Normal,
        };
        Gather::new(walk, Want::Bytes(12))
    }

    fn next_chunk(&mut self) -> Want {
        if self.left < HEAD_LEN {
            self.state = State::End;
            return Want::Nothing;
        }
        self.left -= HEAD_LEN;
        self.state = State::Chunk;
        Want::Bytes(HEAD_LEN as usize)
    }

    fn chunk(&mut self, name: [u8; 4], len: u32) -> Want {
        let padded = u64::from(len) + u64::from(len % 2);
        self.left = self.left.saturating_sub(padded);
        let wanted = match &name {
            b"VP8X" | b"VP8 " => 10,
            b"VP8L" => 5,
            b"EXIF" => BYTES_MAX as u32,
            b"ANMF" => FRAME_LEN as u32,
            _ => 0,
        };
        self.is_animated |= matches!(&name, b"ANIM" | b"ANMF");
        let wanted = wanted.min(len);
        self.state = State::Payload(name, padded - u64::from(wanted));
        Want::Bytes(wanted as usize)
    }

    fn read(&mut self, name: [u8; 4], payload: &[u8]) -> Result<()> {
        match &name {
            b"VP8X" => {
                let &[flags, _, _, _, w0, w1, w2, h0, h1, h2] = payload else {
                    return Err(too_short());
                };
                self.is_animated |= flags & 0x02 != 0;
                self.has_alpha |= flags & 0x10 != 0;
                let side =
                    |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1;
                self.see_size(Size::new(side([w0, w1, w2]), side([h0, h1, h2])))
            }
            b"VP8 " => {
                let &[_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1] = payload else {
                    return Err(too_short());
                };
                // The two highest bits ask for upscaling, which nobody does.
                let side = |bytes: [u8; 2]| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
                self.is_lossy = true;
                self.see_image(Size::new(side([w0, w1]), side([h0, h1])))
            }
            b"VP8L" => {
                let &[0x2F, a, b, c, d] = payload else {
                    return Err(too_short());
                };
                let bits = u32::from_le_bytes([a, b, c, d]);
                self.has_alpha |= bits >> 28 & 1 != 0;
                self.see_image(Size::new((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
            }
            b"ANMF" => self.see_frame(payload),
            b"EXIF" => {
                let exif = payload.strip_prefix(b"Exif\0\0").unwrap_or(payload);
                let number = exif::orientation(exif);
                self.orientation = number.map(Orientation::from_exif).unwrap_or_default();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn see_image(&mut self, size: Size) -> Result<()> {
        self.has_image = true;
        self.see_size(size)
    }

    /// A frame: where it lies in units of two pixels, its size less one, how long it is shown, and
    /// what becomes of it (RFC 9649, section 2.7.1.1).
    fn see_frame(&mut self, payload: &[u8]) -> Result<()> {
        let Some((frame, first)) = payload.split_first_chunk::<16>() else {
            return Err(too_short());
        };
        let number = |at: usize| u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], 0]);
        let Some(canvas) = self.size else {
            return Err(Error::input("the WebP has a frame before its header"));
        };
        let size = Size::new(number(6) + 1, number(9) + 1);
        self.frames += 1;
        self.limits.check_frames(self.frames)?;
        self.limits.check_size(size)?;
        self.plays_ms += u64::from(number(12));
        if self.plays_ms > PLAYS_MS_MAX {
            return Err(Error::limit("the WebP plays for more than 24 days"));
        }
        let clears = frame[15] & 1 != 0;
        self.has_alpha |= clears || (self.frames == 1 && size != canvas);
        self.is_lossy |= matches!(first, b"VP8 " | b"ALPH");
        Ok(())
    }

    /// The first size that is said is that of the whole.
    fn see_size(&mut self, size: Size) -> Result<()> {
        self.limits.check_size(size)?;
        self.size.get_or_insert(size);
        Ok(())
    }
}

fn too_short() -> Error {
    Error::input("the WebP has a header that is too short or damaged")
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match self.state {
            State::Riff => {
                let Some((&[b'R', b'I', b'F', b'F', a, b, c, d], b"WEBP")) =
                    bytes.split_first_chunk::<8>()
                else {
                    return Err(Error::input("the file does not start like a WebP"));
                };
                self.left = u64::from(u32::from_le_bytes([a, b, c, d])).saturating_sub(4);
                Ok(self.next_chunk())
            }
            State::Chunk => {
                let &[a, b, c, d, l0, l1, l2, l3] = bytes else {
                    return Err(Error::internal("a chunk starts with 8 bytes"));
                };
                Ok(self.chunk([a, b, c, d], u32::from_le_bytes([l0, l1, l2, l3])))
            }
            State::Payload(name, rest) => {
                self.read(name, bytes)?;
                self.state = State::Passed;
                Ok(Want::Skip(rest))
            }
            State::Passed => Ok(self.next_chunk()),
            State::End => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        let has_image = if self.is_animated { self.frames > 0 } else { self.has_image };
        let Some(size) = self.size.filter(|_| has_image) else {
            return Err(Error::input("the WebP ends before its image data"));
        };
        let frames = if self.is_animated { self.frames } else { 1 };
        Ok(Header {
            format: &WEBP,
            size,
            orientation: self.orientation,
            frames,
            sequence: if frames > 1 { Sequence::Frames } else { Sequence::Still },
            has_alpha: self.has_alpha,
            is_gray: false,
            bit_depth: 8,
            is_lossy: self.is_lossy,
            is_guess: false,
        })
    }
}

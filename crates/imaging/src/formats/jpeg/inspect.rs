//! Walks the markers of a JPEG (ITU-T T.81, annex B) for its header, to the end of the image.

use crate::format::{Header, Sequence};
use crate::formats::gather::{Gather, Steps, Want};
use crate::formats::jpeg::JPEG;
use crate::image::Size;
use crate::metadata::{Orientation, exif};
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    Start,
    /// The byte after 0xFF.
    Code,
    /// The length of the segment with this code.
    Length(u8),
    /// The payload of a frame header.
    Frame,
    /// The payload of an APP1 segment.
    App1,
    /// The next 0xFF, after something that was passed over.
    Passed,
    /// Nothing: the image has ended.
    End,
}

/// What a frame header says.
struct Frame {
    size: Size,
    components: u8,
}

/// A walk over the markers.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    scans: u32,
}

impl Walk {
    /// A walk that has seen nothing yet.
    pub(super) fn start(limits: &Limits) -> Gather<Self> {
        let walk = Self {
            limits: limits.clone(),
            state: State::Start,
            frame: None,
            orientation: None,
            scans: 0,
        };
        Gather::new(walk, Want::Bytes(2))
    }

    fn code(&mut self, code: u8) -> Result<Want> {
        match code {
            // A fill byte; a stuffed zero, a restart marker or stray data.
            0xFF => Ok(Want::Bytes(1)),
            0x00..=0x01 | 0xD0..=0xD7 => Ok(Want::After(0xFF)),
            0xD8 => Err(Error::input("the JPEG starts a second time before its end")),
            0xD9 => {
                self.state = State::End;
                Ok(Want::Nothing)
            }
            _ => {
                self.state = State::Length(code);
                Ok(Want::Bytes(2))
            }
        }
    }

    fn segment(&mut self, code: u8, len: u16) -> Result<Want> {
        let Some(payload) = len.checked_sub(2) else {
            return Err(Error::input(format!("the JPEG has a segment of length {len}")));
        };
        self.state = match code {
            0xC0..=0xC2 | 0xC9..=0xCA => State::Frame,
            0xC3 | 0xC7 | 0xCB | 0xCF => {
                return Err(Error::unsupported("lossless JPEG cannot be read"));
            }
            0xC5..=0xC6 | 0xCD..=0xCE => {
                return Err(Error::unsupported("hierarchical JPEG cannot be read"));
            }
            0xE1 if self.orientation.is_none() => State::App1,
            0xDA => return self.scan(payload),
            _ => State::Passed,
        };
        Ok(match self.state {
            State::Passed => Want::Skip(payload.into()),
            _ => Want::Bytes(payload.into()),
        })
    }

    fn scan(&mut self, payload: u16) -> Result<Want> {
        if self.frame.is_none() {
            return Err(Error::input("the JPEG has image data before its size"));
        }
        self.scans += 1;
        if self.scans > self.limits.jpeg_scans_max {
            let max = self.limits.jpeg_scans_max;
            return Err(Error::limit(format!("the JPEG has more than {max} scans")));
        }
        self.state = State::Passed;
        Ok(Want::Skip(payload.into()))
    }

    fn frame(&mut self, payload: &[u8]) -> Result<()> {
        let &[bits, h1, h0, w1, w0, components, ref rest @ ..] = payload else {
            return Err(Error::input("the JPEG has a frame header that is too short"));
        };
        if self.frame.is_some() {
            return Err(Error::input("the JPEG has two frame headers"));
        }
        if bits != 8 {
            return Err(Error::unsupported(format!(
                "a JPEG of {bits} bits cannot be read; only 8"
            )));
        }
        if !matches!(components, 1 | 3 | 4) {
            let message = format!("a JPEG of {components} components cannot be read; only 1, 3, 4");
            return Err(Error::unsupported(message));
        }
        if rest.len() < usize::from(components) * 3 {
            return Err(Error::input("the JPEG has a frame header that is too short"));
        }
        let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
        let size = Size::new(width.into(), height.into());
        self.limits.check_size(size)?;
        self.frame = Some(Frame { size, components });
        Ok(())
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match (&self.state, bytes) {
            (State::Start, [0xFF, 0xD8]) => {}
            (State::Start, _) => return Err(Error::input("the file does not start like a JPEG")),
            (State::Code, []) => return Ok(Want::Bytes(1)),
            (State::Code, &[code]) => return self.code(code),
            (State::Length(code), &[high, low]) => {
                return self.segment(*code, u16::from_be_bytes([high, low]));
            }
            (State::Frame, payload) => self.frame(payload)?,
            (State::App1, payload) => {
                let exif = payload.strip_prefix(b"Exif\0\0");
                self.orientation = exif.and_then(exif::orientation).map(Orientation::from_exif);
            }
            (State::Passed, _) => {}
            (State::End, _) => return Ok(Want::Nothing),
            (State::Code | State::Length(_), _) => {
                return Err(Error::internal("a header reader was handed what it did not ask for"));
            }
        }
        self.state = State::Code;
        Ok(Want::After(0xFF))
    }

    fn header(self) -> Result<Header> {
        let Some(frame) = self.frame.filter(|_| self.scans > 0) else {
            return Err(Error::input("the JPEG ends before its image data"));
        };
        Ok(Header {
            format: &JPEG,
            size: frame.size,
            orientation: self.orientation.unwrap_or_default(),
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: false,
            is_gray: frame.components == 1,
            bit_depth: 8,
            is_lossy: true,
            is_guess: false,
        })
    }
}

/// Whether the end of the image is in the file.
pub(in crate::formats) fn has_end(jpeg: &[u8]) -> bool {
    let mut walk = Walk::start(&Limits { jpeg_scans_max: u32::MAX, ..Limits::default() });
    walk.take(jpeg).is_ok() && matches!(walk.into_steps().state, State::End)
}

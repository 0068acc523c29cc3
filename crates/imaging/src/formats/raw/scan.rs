//! Finds JPEG streams in the bytes of a file, as they come by.
//!
//! Each maker hides previews in places of his own, some of them in notes that nobody documents. A
//! JPEG is plain enough to be found by itself: a start, segments one after the other, a frame
//! header, a scan. The data of sensors hold no such chain, or one without a readable frame.

use super::{RAW, no_preview};
use crate::format::{Header, Sequence};
use crate::image::Size;
use crate::metadata::{Orientation, exif};
use crate::{Limits, Result};

/// A JPEG in a file.
#[derive(Debug, Clone, Copy)]
pub(in crate::formats) struct Found {
    pub(in crate::formats) start: u64,
    size: Size,
    is_gray: bool,
    orientation: Option<Orientation>,
}

/// What is waited for.
enum State {
    /// The next 0xFF.
    Seek,
    /// What follows it: the code of a start, or nothing of interest.
    Start,
    /// The 0xFF before a code.
    Mark,
    Code,
    /// The length of the segment with this code.
    High(u8),
    Low(u8, u8),
    /// As many bytes of the segment, of which some are kept.
    Payload {
        code: u8,
        left: usize,
    },
}

/// A search for the largest JPEG.
pub(in crate::formats) struct Scan {
    at: u64,
    state: State,
    kept: Vec<u8>,
    current: Found,
    best: Option<Found>,
}

const NOTHING: Found = Found { start: 0, size: Size::new(0, 0), is_gray: false, orientation: None };

impl Default for Scan {
    fn default() -> Self {
        Self { at: 0, state: State::Seek, kept: Vec::new(), current: NOTHING, best: None }
    }
}

impl Scan {
    /// The largest JPEG so far.
    pub(in crate::formats) fn best(&self) -> Option<Found> {
        self.best
    }

    /// The header of a raw file that says to be turned like this.
    pub(in crate::formats) fn header(
        &self,
        turn: Option<Orientation>,
        limits: &Limits,
    ) -> Result<Header> {
        let best = self.best.ok_or_else(no_preview)?;
        limits.check_size(best.size)?;
        Ok(Header {
            format: &RAW,
            size: best.size,
            orientation: turn.or(best.orientation).unwrap_or_default(),
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: false,
            is_gray: best.is_gray,
            bit_depth: 8,
            is_lossy: true,
            is_guess: false,
        })
    }

    /// Takes the next bytes of the file.
    pub(in crate::formats) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            let taken = match self.state {
                State::Seek => match memchr::memchr(0xFF, bytes) {
                    Some(at) => {
                        self.state = State::Start;
                        at + 1
                    }
                    None => bytes.len(),
                },
                State::Payload { code, left } => {
                    let taken = left.min(bytes.len());
                    self.payload(code, left - taken, &bytes[..taken]);
                    taken
                }
                _ => {
                    self.byte(*first);
                    1
                }
            };
            self.at += taken as u64;
            bytes = &bytes[taken..];
        }
    }

    fn byte(&mut self, byte: u8) {
        self.state = match (&self.state, byte) {
            (State::Start, 0xD8) | (State::Code, 0xD8) => {
                self.current = Found { start: self.at.saturating_sub(1), ..NOTHING };
                State::Mark
            }
            (State::Start, 0xFF) => State::Start,
            (State::Mark, 0xFF) | (State::Code, 0xFF) => State::Code,
            (State::Code, 0xDA) => {
                self.accept();
                State::Seek
            }
            (State::Code, 0xC0..=0xC2 | 0xC4 | 0xDB | 0xDD | 0xE0..=0xEF | 0xFE) => {
                State::High(byte)
            }
            (State::High(code), high) => State::Low(*code, high),
            (State::Low(code, high), low) => {
                match usize::from(u16::from_be_bytes([*high, low])).checked_sub(2) {
                    Some(0) => State::Mark,
                    Some(left) => State::Payload { code: *code, left },
                    None => State::Seek,
                }
            }
            _ => State::Seek,
        };
    }

    fn payload(&mut self, code: u8, left: usize, bytes: &[u8]) {
        let wanted = match code {
            0xC0..=0xC2 => 6,
            0xE1 => 1 << 16,
            _ => 0,
        };
        let room = bytes.len().min(wanted - self.kept.len().min(wanted));
        self.kept.extend_from_slice(&bytes[..room]);
        self.state = State::Payload { code, left };
        if left > 0 {
            return;
        }
        let kept = std::mem::take(&mut self.kept);
        self.state = State::Mark;
        match (code, &kept[..]) {
            (0xC0..=0xC2, &[8, h1, h0, w1, w0, count @ (1 | 3)]) => {
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                self.current.size = Size::new(side(w1, w0), side(h1, h0));
                self.current.is_gray = count == 1;
            }
            (0xC0..=0xC2, _) => self.state = State::Seek,
            (0xE1, kept) => {
                let turn = kept.strip_prefix(b"Exif\0\0").and_then(exif::orientation);
                let turn = turn.map(Orientation::from_exif);
                self.current.orientation = self.current.orientation.or(turn);
            }
            _ => {}
        }
    }

    fn accept(&mut self) {
        let area = self.current.size.area();
        if area > 0 && self.best.is_none_or(|best| area > best.size.area()) {
            self.best = Some(self.current);
        }
    }
}

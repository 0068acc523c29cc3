//! Walks a JPEG XL as far as the header of its codestream, and an animation to its last frame.

use super::bits::{Bits, Frames, Start, start};
use super::{CONTAINER, JXL, NAKED, frame};
use crate::format::{Header, Sequence};
use crate::formats::gather::{Gather, Steps, Want};
use crate::formats::heif::{self, Fields};
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    /// The first bytes of the file.
    Signature,
    /// The head of a box.
    Head,
    /// The length of a box that is longer than 4 bytes can say.
    LongHead([u8; 4]),
    /// The number of a part of the codestream, and as many bytes after that.
    Number(u64),
    /// Bytes of the codestream, and as many after that.
    Codestream(u64),
    /// The end of a box that is passed over.
    Passed,
    /// Nothing.
    End,
}

/// Where in the codestream the walk is.
enum Place {
    Start,
    /// The header of a frame.
    Frame,
    /// The table of the sections of a frame: how many are still to come, and from which bit on.
    Table {
        left: u64,
        at: usize,
        len: u64,
    },
    /// So many bytes of sections that are passed over.
    Sections(u64),
}

/// How far the frames have been counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    /// To the last.
    Whole,
    /// Up to here.
    Going,
    /// To where only decoding tells what comes next.
    Stuck,
}

/// A walk over the boxes.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    place: Place,
    /// The codestream from this place on.
    held: Vec<u8>,
    found: Option<Start>,
    /// Frames that are shown.
    frames: u32,
    /// Whether the frame that the walk is in is the last.
    is_last: bool,
    count: Count,
}

/// No header is longer: some channels with names.
const HEADER_LEN_MAX: usize = 4096;

/// The header of a whole file, and whether all of its frames have been counted.
pub(super) fn whole(file: &[u8], limits: &Limits) -> Result<(Header, bool)> {
    let mut gather = Walk::start(limits);
    gather.take(file)?;
    let walk = gather.into_steps();
    let is_counted = walk.count != Count::Stuck;
    Ok((walk.header()?, is_counted))
}

impl Walk {
    /// A walk that has seen nothing yet.
    pub(super) fn start(limits: &Limits) -> Gather<Self> {
        let walk = Self {
            limits: limits.clone(),
            state: State::Signature,
            place: Place::Start,
            held: Vec::new(),
            found: None,
            frames: 0,
            is_last: false,
            count: Count::Going,
        };
        Gather::new(walk, Want::Bytes(NAKED.len()))
    }

    fn next_box(&mut self) -> Want {
        self.state = State::Head;
        Want::Bytes(8)
    }

    /// So many bytes of the codestream, of which so many are left in this box.
    fn next_bytes(&mut self, wanted: usize, left: u64) -> Want {
        let wanted = left.min(wanted as u64);
        if wanted == 0 {
            return self.next_box();
        }
        self.state = State::Codestream(left - wanted);
        Want::Bytes(wanted as usize)
    }

    fn end(&mut self, count: Count) -> Want {
        (self.state, self.count) = (State::End, count);
        Want::Nothing
    }

    fn enter(&mut self, kind: [u8; 4], len: u64) -> Result<Want> {
        match &kind {
            b"jxlc" => self.go_on(len),
            b"jxlp" => {
                let short = || Error::input("a part of the JPEG XL has no number");
                self.state = State::Number(len.checked_sub(4).ok_or_else(short)?);
                Ok(Want::Bytes(4))
            }
            _ => {
                self.state = State::Passed;
                Ok(Want::Skip(len))
            }
        }
    }

    /// From here on in the codestream, of which so many bytes are left in this box.
    fn go_on(&mut self, left: u64) -> Result<Want> {
        loop {
            match self.place {
                Place::Start => {
                    self.found = start(&self.held);
                    let Some(found) = &self.found else {
                        return self.more(self.held.len() + 1, left);
                    };
                    self.limits.check_size(found.size)?;
                    match &found.frames {
                        None => return Ok(self.end(Count::Whole)),
                        Some(Frames { at: None, .. }) => return Ok(self.end(Count::Stuck)),
                        Some(Frames { at: Some(_), .. }) => self.place = Place::Frame,
                    }
                    self.held.clear();
                }
                Place::Frame => {
                    let Some(frames) = self.found.as_ref().and_then(|found| found.frames.as_ref())
                    else {
                        return Err(Error::internal("a frame came before its header"));
                    };
                    let header = match frame::header(&self.held, frames) {
                        Ok(header) => header,
                        Err(needed) => return self.more(needed, left),
                    };
                    if let Some(end) = self.see(&header)? {
                        return Ok(end);
                    }
                    self.held.clear();
                    self.place = Place::Table { left: header.sections, at: 0, len: 0 };
                }
                Place::Table { left: 0, len, .. } => {
                    self.held.clear();
                    self.place = Place::Sections(len);
                }
                Place::Table { left: sections, at, len } => {
                    let mut bits = Bits::at(&self.held, at);
                    let Some(section) = frame::section(&mut bits) else {
                        return self.more(self.held.len() + 1, left);
                    };
                    let (bytes, at) = (bits.at / 8, bits.at % 8);
                    self.held.drain(..bytes);
                    let len = len.saturating_add(section.into());
                    self.place = Place::Table { left: sections - 1, at, len };
                }
                Place::Sections(0) if self.is_last => return Ok(self.end(Count::Whole)),
                Place::Sections(0) => self.place = Place::Frame,
                Place::Sections(len) => {
                    let skipped = len.min(left);
                    if skipped == 0 {
                        return Ok(self.next_box());
                    }
                    self.place = Place::Sections(len - skipped);
                    self.state = State::Codestream(left - skipped);
                    return Ok(Want::Skip(skipped));
                }
            }
        }
    }

    /// So many bytes must be held to go on.
    fn more(&mut self, needed: usize, left: u64) -> Result<Want> {
        if needed > HEADER_LEN_MAX {
            return Err(Error::limit("the JPEG XL has a header that is too long"));
        }
        Ok(self.next_bytes(needed - self.held.len(), left))
    }

    /// Counts a frame. What ends the walk comes back.
    fn see(&mut self, header: &frame::FrameHeader) -> Result<Option<Want>> {
        self.limits.check_size(header.size)?;
        if header.is_shown() {
            self.frames += 1;
            self.limits.check_frames(self.frames)?;
        }
        self.is_last = header.is_last;
        Ok(header.is_permuted.then(|| self.end(Count::Stuck)))
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match self.state {
            State::Signature if bytes == NAKED => {
                self.held.extend_from_slice(bytes);
                self.go_on(u64::MAX)
            }
            State::Signature => {
                self.state = State::Passed;
                Ok(Want::Skip((CONTAINER.len() - NAKED.len()) as u64))
            }
            State::Head if bytes.starts_with(&[0, 0, 0, 1]) => {
                self.state = State::LongHead([bytes[4], bytes[5], bytes[6], bytes[7]]);
                Ok(Want::Bytes(8))
            }
            State::Head => {
                let (kind, len) = heif::head(&mut Fields(bytes))?;
                self.enter(kind, len.unwrap_or(u64::MAX))
            }
            State::LongHead(kind) => {
                let len = Fields(bytes).uint(8)?.checked_sub(16);
                let len = len.ok_or_else(|| Error::input("a box of the JPEG XL has no length"))?;
                self.enter(kind, len)
            }
            State::Number(left) => self.go_on(left),
            State::Codestream(left) => {
                self.held.extend_from_slice(bytes);
                self.go_on(left)
            }
            State::Passed => Ok(self.next_box()),
            State::End => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        let Some(found) = self.found else {
            return Err(Error::input("the JPEG XL ends before its header does"));
        };
        if self.count == Count::Going {
            return Err(Error::input("the JPEG XL ends before its last frame does"));
        }
        let is_animated = self.frames > 1 || self.count == Count::Stuck;
        Ok(Header {
            format: &JXL,
            size: found.size,
            orientation: found.orientation,
            frames: self.frames.max(1),
            sequence: if is_animated { Sequence::Frames } else { Sequence::Still },
            has_alpha: found.has_alpha,
            is_gray: found.is_gray,
            bit_depth: found.bit_depth,
            is_lossy: found.is_lossy,
            is_guess: false,
        })
    }
}

//! Walks a JPEG XL as far as the header of its codestream.

use super::bits::{Start, start};
use super::{CONTAINER, JXL, NAKED};
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
    /// A byte of the codestream, and as many bytes after that.
    Codestream(u64),
    /// The end of a box that is passed over.
    Passed,
    /// Nothing.
    End,
}

/// A walk over the boxes.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    /// The codestream so far.
    codestream: Vec<u8>,
    found: Option<Start>,
}

/// No header is longer: some channels with names.
const START_LEN_MAX: usize = 4096;

impl Walk {
    /// A walk that has seen nothing yet.
    pub(super) fn start(limits: &Limits) -> Gather<Self> {
        let walk = Self {
            limits: limits.clone(),
            state: State::Signature,
            codestream: Vec::new(),
            found: None,
        };
        Gather::new(walk, Want::Bytes(NAKED.len()))
    }

    fn next_box(&mut self) -> Want {
        self.state = State::Head;
        Want::Bytes(8)
    }

    fn next_byte(&mut self, left: u64) -> Want {
        match left.checked_sub(1) {
            None => self.next_box(),
            Some(left) => {
                self.state = State::Codestream(left);
                Want::Bytes(1)
            }
        }
    }

    fn enter(&mut self, kind: [u8; 4], len: u64) -> Result<Want> {
        Ok(match &kind {
            b"jxlc" => self.next_byte(len),
            b"jxlp" => {
                let short = || Error::input("a part of the JPEG XL has no number");
                self.state = State::Number(len.checked_sub(4).ok_or_else(short)?);
                Want::Bytes(4)
            }
            _ => {
                self.state = State::Passed;
                Want::Skip(len)
            }
        })
    }

    fn look(&mut self, left: u64) -> Result<Want> {
        self.found = start(&self.codestream);
        if let Some(found) = &self.found {
            self.limits.check_size(found.size)?;
            self.state = State::End;
            return Ok(Want::Nothing);
        }
        if self.codestream.len() >= START_LEN_MAX {
            return Err(Error::limit("the JPEG XL has a header that is too long"));
        }
        Ok(self.next_byte(left))
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match self.state {
            State::Signature if bytes == NAKED => {
                self.codestream.extend_from_slice(bytes);
                Ok(self.next_byte(u64::MAX))
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
            State::Number(left) => Ok(self.next_byte(left)),
            State::Codestream(left) => {
                self.codestream.extend_from_slice(bytes);
                self.look(left)
            }
            State::Passed => Ok(self.next_box()),
            State::End => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        let Some(found) = self.found else {
            return Err(Error::input("the JPEG XL ends before its header does"));
        };
        Ok(Header {
            format: &JXL,
            size: found.size,
            orientation: found.orientation,
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: found.has_alpha,
            is_gray: found.is_gray,
            bit_depth: found.bit_depth,
            is_lossy: found.is_lossy,
        })
    }
}

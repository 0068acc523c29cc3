//! Reads the size of an SVG from its first tag.

use super::root::Root;
use super::{SVG, text};
use crate::format::{Header, Inspect, Sequence};
use crate::metadata::Orientation;
use crate::{Limits, Result};

/// The first tag has to end within as many bytes, as stored and as text.
const START_MAX: usize = 64 * 1024;

/// The first bytes of a file.
pub(super) struct Start {
    limits: Limits,
    bytes: Vec<u8>,
}

impl Start {
    /// Nothing yet.
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), bytes: Vec::new() }
    }

    fn header(&self) -> Result<Header> {
        let text = text::start(&self.bytes, START_MAX);
        let size = Root::read(&text)?.size()?;
        self.limits.check_size(size)?;
        Ok(Header {
            format: &SVG,
            size,
            orientation: Orientation::Normal,
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: true,
            is_gray: false,
            bit_depth: 8,
            is_lossy: false,
            is_guess: false,
        })
    }
}

impl Inspect for Start {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let taken = bytes.len().min(START_MAX - self.bytes.len());
        if taken == 0 {
            return Ok(());
        }
        self.bytes.extend_from_slice(&bytes[..taken]);
        // What will be refused is refused before the rest of it has arrived.
        if self.bytes.len() == START_MAX { self.header().map(drop) } else { Ok(()) }
    }

    fn finish(self: Box<Self>) -> Result<Header> {
        self.header()
    }
}

//! The header reader of formats whose facts all stand at the start of the file.

use crate::format::{Header, Inspect};
use crate::formats::gather::BYTES_MAX;
use crate::{Limits, Result};

/// Reads a header from the start of a file, which may be the whole of it.
pub(super) type Read = fn(&[u8], &Limits) -> Result<Header>;

/// Keeps the start of a stream and has it read once it is there.
pub(super) struct Prefix {
    len: usize,
    read: Read,
    limits: Limits,
    held: Vec<u8>,
    header: Option<Header>,
}

impl Prefix {
    /// Waits for `len` bytes, or for fewer where the file is shorter.
    pub(super) fn start(len: usize, read: Read, limits: &Limits) -> Box<Self> {
        let len = len.min(BYTES_MAX);
        Box::new(Self { len, read, limits: limits.clone(), held: Vec::new(), header: None })
    }
}

impl Inspect for Prefix {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.header.is_some() {
            return Ok(());
        }
        let taken = bytes.len().min(self.len - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        if self.held.len() == self.len {
            self.header = Some((self.read)(&self.held, &self.limits)?);
            self.held = Vec::new();
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Header> {
        match self.header {
            Some(header) => Ok(header),
            None => (self.read)(&self.held, &self.limits),
        }
    }
}

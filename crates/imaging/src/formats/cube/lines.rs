//! Lines of a text that arrives in pieces, in bounded memory.

use crate::{Error, Result};

/// Longer lines are no text that people write; the specification allows 250 bytes.
const LINE_MAX: usize = 1024;

/// Cuts a stream into lines.
#[derive(Default)]
pub(super) struct Lines {
    // Invariant: at most LINE_MAX bytes, and no line end.
    held: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes and hands over the lines that end in them.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            self.hold(line)?;
            take(&String::from_utf8_lossy(&self.held))?;
            self.held.clear();
        }
        self.hold(bytes)
    }

    /// The stream has ended: the last line may have no end.
    pub(super) fn finish(&mut self, mut take: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        take(&String::from_utf8_lossy(&held))
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<()> {
        if self.held.len() + bytes.len() > LINE_MAX {
            return Err(Error::input(format!(
                "the color table has a line of more than {LINE_MAX} bytes"
            )));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }
}

//! Cuts a stream that arrives in pieces of any size into what a header reader asks for.

use crate::format::{Header, Inspect};
use crate::{Error, Result};

/// What a header reader wants of the stream next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    /// This many bytes, all at once.
    Bytes(usize),
    /// To go on after this many bytes.
    Skip(u64),
    /// To go on after the next byte of this value.
    After(u8),
    /// Nothing more.
    Nothing,
}

/// A header reader as a machine that is handed exactly what it asked for.
pub(super) trait Steps: Send {
    /// Takes the bytes it asked for (none after a skip) and says what it wants next.
    fn step(&mut self, bytes: &[u8]) -> Result<Want>;
    /// The stream has ended.
    fn header(self) -> Result<Header>;
}

/// The most that is asked for at once: a JPEG segment, and less of anything else.
pub(super) const BYTES_MAX: usize = 64 * 1024;

/// Drives a header reader.
pub(super) struct Gather<S> {
    steps: S,
    want: Want,
    // Invariant: shorter than the bytes that are wanted.
    held: Vec<u8>,
}

impl<S: Steps> Gather<S> {
    /// A reader that has seen nothing yet.
    pub(super) fn new(steps: S, want: Want) -> Self {
        Self { steps, want, held: Vec::new() }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<()> {
        self.want = self.steps.step(bytes)?;
        match self.want {
            Want::Bytes(len) if len > BYTES_MAX => Err(Error::internal("too much is asked for")),
            _ => Ok(()),
        }
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        loop {
            match self.want {
                Want::Nothing => return Ok(()),
                Want::Skip(0) | Want::Bytes(0) => self.step(&[])?,
                _ if bytes.is_empty() => return Ok(()),
                Want::Skip(len) => {
                    let skipped = bytes.len().min(usize::try_from(len).unwrap_or(usize::MAX));
                    bytes = &bytes[skipped..];
                    self.want = Want::Skip(len - skipped as u64);
                }
                Want::After(value) => match memchr::memchr(value, bytes) {
                    Some(at) => {
                        bytes = &bytes[at + 1..];
                        self.step(&[])?;
                    }
                    None => return Ok(()),
                },
                Want::Bytes(len) => {
                    let (taken, rest) = bytes.split_at(bytes.len().min(len - self.held.len()));
                    bytes = rest;
                    self.hold(taken, len)?;
                }
            }
        }
    }

    fn hold(&mut self, taken: &[u8], len: usize) -> Result<()> {
        if taken.len() == len {
            return self.step(taken);
        }
        self.held.extend_from_slice(taken);
        if self.held.len() == len {
            let held = std::mem::take(&mut self.held);
            self.step(&held)?;
        }
        Ok(())
    }

    /// The reader as it is.
    pub(super) fn steps(&self) -> &S {
        &self.steps
    }

    /// The reader, when the stream has ended.
    pub(super) fn into_steps(self) -> S {
        self.steps
    }
}

impl<S: Steps> Inspect for Gather<S> {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.take(bytes)
    }

    fn finish(self: Box<Self>) -> Result<Header> {
        self.into_steps().header()
    }
}

//! A place in a file that only moves forward.

use crate::{Error, Result};

/// Reads numbers and runs of bytes, and complains in the name of the format when there are none
/// left.
#[derive(Clone)]
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    title: &'static str,
}

impl<'a> Bytes<'a> {
    /// The start of a file of the format with this title.
    pub(super) fn new(bytes: &'a [u8], title: &'static str) -> Self {
        Self { rest: bytes, title }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The file is shorter than it says.
    pub(super) fn ends_early(&self) -> Error {
        Error::input(format!("the {} ends early", self.title))
    }

    /// The next bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.ends_early())?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, as many as the array holds.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.ends_early())?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A byte.
    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    /// Two bytes, the low one first.
    pub(super) fn le16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, the low one first.
    pub(super) fn le32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Two bytes, the high one first.
    pub(super) fn be16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, the high one first.
    pub(super) fn be32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }
}

//! Boxes and the fields in them.

use crate::{Error, Result};

/// The name of a box.
pub(in crate::formats) type Kind = [u8; 4];

/// Reads fields one after the other.
pub(in crate::formats) struct Fields<'a>(pub(in crate::formats) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn kind(&mut self) -> Result<Kind> {
        self.array()
    }

    /// A number of 0, 4 or 8 bytes.
    pub(in crate::formats) fn uint(&mut self, len: u8) -> Result<u64> {
        match len {
            0 => Ok(0),
            4 => self.u32().map(u64::from),
            8 => self.array().map(u64::from_be_bytes),
            _ => Err(Error::input(format!("the container has a field of {len} bytes"))),
        }
    }

    /// An item number of 2 bytes, or of 4 where `wide`.
    pub(super) fn item(&mut self, wide: bool) -> Result<u32> {
        if wide { self.u32() } else { self.u16().map(u32::from) }
    }

    /// The version and the flags that a full box starts with.
    pub(super) fn version(&mut self) -> Result<(u8, u32)> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00FF_FFFF))
    }
}

fn too_short() -> Error {
    Error::input("a box of the container ends before its last field")
}

/// The head of a box: its name, and the length of its payload unless it goes on to the end.
pub(in crate::formats) fn head(fields: &mut Fields<'_>) -> Result<(Kind, Option<u64>)> {
    let len = fields.u32()?;
    let kind = fields.kind()?;
    let (len, head) = match len {
        0 => return Ok((kind, None)),
        1 => (fields.uint(8)?, 16),
        len => (u64::from(len), 8),
    };
    let lie = || Error::input(format!("the box {} is shorter than its head", name(kind)));
    Ok((kind, Some(len.checked_sub(head).ok_or_else(lie)?)))
}

/// The boxes that lie one after the other in these bytes.
pub(in crate::formats) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Result<(Kind, &[u8])>> {
    let mut fields = Fields(bytes);
    std::iter::from_fn(move || {
        if fields.0.is_empty() {
            return None;
        }
        let next = head(&mut fields).and_then(|(kind, len)| {
            let rest = fields.0.len();
            let len = len.map_or(rest, |len| usize::try_from(len).unwrap_or(usize::MAX));
            if len > rest {
                return Err(Error::input(format!("the box {} ends early", name(kind))));
            }
            Ok((kind, fields.bytes(len)?))
        });
        if next.is_err() {
            fields.0 = &[];
        }
        Some(next)
    })
}

/// The name of a box or item for messages.
pub(super) fn name(kind: Kind) -> String {
    format!("\"{}\"", kind.escape_ascii())
}

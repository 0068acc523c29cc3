//! Directories of a TIFF (TIFF 6.0, section 2) and of a BigTIFF, from a file or from a stream.

use crate::{Error, Result};

/// How numbers are written, and how wide places are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) struct Order {
    /// The low byte stands first.
    pub(in crate::formats) is_little: bool,
    /// Places take 8 bytes (BigTIFF).
    pub(in crate::formats) is_big: bool,
}

/// The longest start of a file that is needed to find the first directory.
pub(in crate::formats) const START_LEN: usize = 16;
/// More entries than any directory has.
const ENTRIES_MAX: u64 = 3000;

impl Order {
    /// The order of a file and the place of its first directory. `magic` says which numbers may
    /// stand where 42 does: makers of cameras have their own.
    pub(in crate::formats) fn open(start: &[u8], magic: &[u16]) -> Result<(Self, u64)> {
        let is_little = match start.get(..2) {
            Some(b"II") => true,
            Some(b"MM") => false,
            _ => return Err(Error::input("the file does not start like a TIFF")),
        };
        let order = Self { is_little, is_big: false };
        let number = |at: usize, len| start.get(at..at + len).map(|bytes| order.number(bytes));
        let first = match number(2, 2) {
            Some(43) if number(4, 2) == Some(8) && number(6, 2) == Some(0) => {
                number(8, 8).map(|first| (Self { is_big: true, ..order }, first))
            }
            Some(value) if magic.iter().any(|magic| u64::from(*magic) == value) => {
                number(4, 4).map(|first| (order, first))
            }
            _ => return Err(Error::input("the file does not start like a TIFF")),
        };
        first.ok_or_else(ends_early)
    }

    /// A number of up to 8 bytes.
    pub(in crate::formats) fn number(self, bytes: &[u8]) -> u64 {
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if self.is_little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) }
    }

    /// The bytes of the number of entries.
    pub(in crate::formats) fn count_len(self) -> usize {
        if self.is_big { 8 } else { 2 }
    }

    fn entry_len(self) -> usize {
        if self.is_big { 20 } else { 12 }
    }

    fn place_len(self) -> usize {
        if self.is_big { 8 } else { 4 }
    }

    /// The bytes of a directory after the number of its entries.
    pub(in crate::formats) fn entries_len(self, count: &[u8]) -> Result<usize> {
        match self.number(count) {
            0 => Err(Error::input("the TIFF has an empty directory")),
            count if count > ENTRIES_MAX => {
                Err(Error::input(format!("the TIFF has a directory of {count} entries")))
            }
            count => Ok(count as usize * self.entry_len() + self.place_len()),
        }
    }
}

/// A file that is shorter than it says.
pub(in crate::formats) fn ends_early() -> Error {
    Error::input("the TIFF ends early")
}

/// One entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(in crate::formats) struct Entry {
    pub(in crate::formats) tag: u16,
    kind: u16,
    count: u64,
    value: [u8; 8],
}

/// A directory: what is said of one image.
#[derive(Debug, Clone)]
pub(in crate::formats) struct Directory<'a> {
    pub(in crate::formats) order: Order,
    entries: Vec<Entry>,
    /// The place of the next directory, or 0.
    pub(in crate::formats) next: u64,
    /// The whole file, where it is at hand: values that do not fit into their entry stand there.
    file: Option<&'a [u8]>,
}

impl<'a> Directory<'a> {
    /// From the bytes after the number of entries.
    pub(in crate::formats) fn parse(order: Order, bytes: &[u8]) -> Self {
        let (entries, next) = bytes.split_at(bytes.len().saturating_sub(order.place_len()));
        let field = order.place_len();
        let entries = entries.chunks_exact(order.entry_len()).map(|entry| {
            let mut value = [0; 8];
            value[..field].copy_from_slice(&entry[4 + field..]);
            Entry {
                tag: order.number(&entry[..2]) as u16,
                kind: order.number(&entry[2..4]) as u16,
                count: order.number(&entry[4..4 + field]),
                value,
            }
        });
        Self { order, entries: entries.collect(), next: order.number(next), file: None }
    }

    /// The directory at a place of a file.
    pub(in crate::formats) fn at(order: Order, file: &'a [u8], place: u64) -> Result<Self> {
        let count = slice(file, place, order.count_len() as u64).ok_or_else(ends_early)?;
        let len = order.entries_len(count)? as u64;
        let start = place + order.count_len() as u64;
        let entries = slice(file, start, len).ok_or_else(ends_early)?;
        Ok(Self { file: Some(file), ..Directory::parse(order, entries) })
    }

    /// The same directory with the value of a tag that a stream brought later.
    pub(in crate::formats) fn with_value(mut self, tag: u16, bytes: &[u8]) -> Self {
        let len = self.order.place_len();
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.tag == tag)
            && let Some(number) = bytes.get(..entry.kind_len().unwrap_or(1).min(len))
        {
            // The first stands for all: a directory of a stream has no room for more.
            entry.value[..number.len()].copy_from_slice(number);
            entry.count = 1;
        }
        self
    }

    fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// Whether the directory says something under this tag.
    pub(in crate::formats) fn has(&self, tag: u16) -> bool {
        self.find(tag).is_some()
    }

    /// The value of a tag as it is stored, where it can be reached.
    pub(in crate::formats) fn bytes(&self, tag: u16) -> Option<&[u8]> {
        let entry = self.find(tag)?;
        let len = entry.len()?;
        if len <= self.order.place_len() as u64 {
            return Some(&entry.value[..len as usize]);
        }
        slice(self.file?, self.order.number(&entry.value[..self.order.place_len()]), len)
    }

    /// The place and the length of a value that does not stand in its entry.
    pub(in crate::formats) fn elsewhere(&self, tag: u16) -> Option<(u64, u64)> {
        let entry = self.find(tag)?;
        let len = entry.len().filter(|len| *len > self.order.place_len() as u64)?;
        Some((self.order.number(&entry.value[..self.order.place_len()]), len))
    }

    /// The value of a tag as whole numbers.
    pub(in crate::formats) fn numbers(&self, tag: u16) -> Option<Vec<u64>> {
        let len = self.find(tag)?.kind_len()?;
        let bytes = self.bytes(tag)?;
        Some(bytes.chunks_exact(len).map(|bytes| self.order.number(bytes)).collect())
    }

    /// The first whole number of a tag.
    pub(in crate::formats) fn number(&self, tag: u16) -> Option<u64> {
        let len = self.find(tag)?.kind_len()?;
        self.bytes(tag)?.get(..len).map(|bytes| self.order.number(bytes))
    }

    /// The value of a tag as fractions.
    pub(in crate::formats) fn rationals(&self, tag: u16) -> Vec<f64> {
        let bytes = self.bytes(tag).unwrap_or_default();
        let halves = bytes.chunks_exact(8).map(|bytes| bytes.split_at(4));
        let value = |bytes| self.order.number(bytes) as f64;
        halves.map(|(above, below)| value(above) / value(below)).collect()
    }

    /// A text without the zeros and spaces at its end.
    pub(in crate::formats) fn text(&self, tag: u16) -> Option<&[u8]> {
        let text = self.bytes(tag)?;
        let end = text.iter().rposition(|byte| *byte != 0 && *byte != b' ')?;
        Some(&text[..=end])
    }
}

impl Entry {
    fn kind_len(&self) -> Option<usize> {
        match self.kind {
            1 | 2 | 6 | 7 => Some(1),
            3 | 8 => Some(2),
            4 | 9 | 11 | 13 => Some(4),
            5 | 10 | 12 | 16..=18 => Some(8),
            _ => None,
        }
    }

    fn len(&self) -> Option<u64> {
        self.count.checked_mul(self.kind_len()? as u64)
    }
}

/// Bytes at a place of a file, if they are all there.
pub(in crate::formats) fn slice(file: &[u8], place: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(place).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    file.get(start..end)
}

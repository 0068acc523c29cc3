//! A ZIP archive written as a stream: files stored as they are, sizes known before, checksums
//! after.
//!
//! After APPNOTE 6.3.10. The same files make the same bytes, so that a broken download can go on.

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A file in an archive.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) filename: String,
    pub(crate) size_bytes: u64,
}

/// The headers of an archive, given in order as the files go by.
#[derive(Debug)]
pub(crate) struct Archive {
    entries: Vec<Entry>,
    modified: (u16, u16),
    offset: u64,
    /// Offset and checksum of every file that went by.
    written: Vec<(u64, u32)>,
}

const LOCAL_HEADER_LEN: u64 = 30;
const CENTRAL_HEADER_LEN: u64 = 46;
const END_LEN: u64 = 22;
const END_64_LEN: u64 = 56 + 20;
/// From this size or offset on, a field of four bytes is not enough.
const ZIP64_FROM: u64 = 0xFFFF_FFFF;
/// Checksum and sizes follow the data; names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// Version 4.5 knows ZIP64.
const VERSION: u16 = 45;

impl Archive {
    pub(crate) fn new(entries: Vec<Entry>, modified: Timestamp) -> Self {
        let modified = dos_time(modified);
        Self { entries, modified, offset: 0, written: Vec::new() }
    }

    /// The length of the whole archive in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        let mut offset = 0;
        let mut central = 0;
        for entry in &self.entries {
            let name = entry.filename.len() as u64;
            central += CENTRAL_HEADER_LEN + name + central_extra_len(entry, offset);
            offset += LOCAL_HEADER_LEN + name + local_extra_len(entry);
            offset += entry.size_bytes + descriptor_len(entry);
        }
        let end_64 = if self.needs_zip64(offset, central) { END_64_LEN } else { 0 };
        offset + central + end_64 + END_LEN
    }

    /// What comes before the data of the next file.
    pub(crate) fn begin(&self) -> Bytes {
        let entry = &self.entries[self.written.len()];
        let zip64 = is_large(entry);
        let mut out = BytesMut::new();
        out.put_u32_le(0x0403_4B50);
        out.put_u16_le(VERSION);
        self.put_common(&mut out);
        out.put_u32_le(0);
        let size = if zip64 { u32::MAX } else { 0 };
        out.put_u32_le(size);
        out.put_u32_le(size);
        put_len(&mut out, entry.filename.len() as u64);
        put_len(&mut out, local_extra_len(entry));
        out.put_slice(entry.filename.as_bytes());
        if zip64 {
            out.put_u16_le(1);
            out.put_u16_le(16);
            out.put_u64_le(0);
            out.put_u64_le(0);
        }
        out.freeze()
    }

    /// What comes behind the data of a file.
    pub(crate) fn end(&mut self, crc32: u32) -> Bytes {
        let entry = &self.entries[self.written.len()];
        let mut out = BytesMut::new();
        out.put_u32_le(0x0807_4B50);
        out.put_u32_le(crc32);
        for _ in 0..2 {
            match u32::try_from(entry.size_bytes) {
                Ok(size) if !is_large(entry) => out.put_u32_le(size),
                _ => out.put_u64_le(entry.size_bytes),
            }
        }
        let name = entry.filename.len() as u64;
        let length = LOCAL_HEADER_LEN + name + local_extra_len(entry) + entry.size_bytes;
        self.written.push((self.offset, crc32));
        self.offset += length + out.len() as u64;
        out.freeze()
    }

    /// What comes behind the last file.
    pub(crate) fn finish(&self) -> Bytes {
        let mut out = BytesMut::new();
        for (entry, (offset, crc32)) in self.entries.iter().zip(&self.written) {
            self.put_central(&mut out, entry, *offset, *crc32);
        }
        let central = out.len() as u64;
        let count = self.entries.len() as u64;
        if self.needs_zip64(self.offset, central) {
            put_end_64(&mut out, count, central, self.offset);
        }
        out.put_u32_le(0x0605_4B50);
        out.put_u32_le(0);
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        out.put_u16_le(count);
        out.put_u16_le(count);
        out.put_u32_le(u32::try_from(central).unwrap_or(u32::MAX));
        out.put_u32_le(u32::try_from(self.offset).unwrap_or(u32::MAX));
        out.put_u16_le(0);
        out.freeze()
    }

    fn needs_zip64(&self, offset: u64, central: u64) -> bool {
        offset >= ZIP64_FROM || central >= ZIP64_FROM || self.entries.len() >= 0xFFFF
    }

    fn put_common(&self, out: &mut BytesMut) {
        out.put_u16_le(FLAGS);
        out.put_u16_le(0);
        out.put_u16_le(self.modified.1);
        out.put_u16_le(self.modified.0);
    }

    fn put_central(&self, out: &mut BytesMut, entry: &Entry, offset: u64, crc32: u32) {
        let (large, far) = (is_large(entry), offset >= ZIP64_FROM);
        let short = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        out.put_u32_le(0x0201_4B50);
        // Made on Unix, so that the permissions below are read.
        out.put_u16_le(3 << 8 | VERSION);
        out.put_u16_le(VERSION);
        self.put_common(out);
        out.put_u32_le(crc32);
        out.put_u32_le(if large { u32::MAX } else { short(entry.size_bytes) });
        out.put_u32_le(if large { u32::MAX } else { short(entry.size_bytes) });
        put_len(out, entry.filename.len() as u64);
        let extra = central_extra_len(entry, offset);
        put_len(out, extra);
        out.put_slice(&[0; 6]);
        out.put_u32_le(0o100_644 << 16);
        out.put_u32_le(if far { u32::MAX } else { short(offset) });
        out.put_slice(entry.filename.as_bytes());
        if extra > 0 {
            out.put_u16_le(1);
            put_len(out, extra - 4);
        }
        if large {
            out.put_u64_le(entry.size_bytes);
            out.put_u64_le(entry.size_bytes);
        }
        if far {
            out.put_u64_le(offset);
        }
    }
}

fn put_end_64(out: &mut BytesMut, count: u64, central: u64, offset: u64) {
    out.put_u32_le(0x0606_4B50);
    out.put_u64_le(44);
    out.put_u16_le(3 << 8 | VERSION);
    out.put_u16_le(VERSION);
    out.put_u64_le(0);
    out.put_u64_le(count);
    out.put_u64_le(count);
    out.put_u64_le(central);
    out.put_u64_le(offset);
    out.put_u32_le(0x0706_4B50);
    out.put_u32_le(0);
    out.put_u64_le(offset + central);
    out.put_u32_le(1);
}

/// Lengths of names and extra fields, which the uploads bound far below the two bytes they have.
fn put_len(out: &mut BytesMut, length: u64) {
    out.put_u16_le(u16::try_from(length).expect("names are shorter than 64 KiB"));
}

fn is_large(entry: &Entry) -> bool {
    entry.size_bytes >= ZIP64_FROM
}

fn local_extra_len(entry: &Entry) -> u64 {
    if is_large(entry) { 20 } else { 0 }
}

fn descriptor_len(entry: &Entry) -> u64 {
    if is_large(entry) { 24 } else { 16 }
}

fn central_extra_len(entry: &Entry, offset: u64) -> u64 {
    let fields = if is_large(entry) { 16 } else { 0 } + if offset >= ZIP64_FROM { 8 } else { 0 };
    if fields > 0 { 4 + fields } else { 0 }
}

/// Date and time as MS-DOS had them: from 1980 on, in steps of two seconds.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let at = TimeZone::UTC.to_datetime(at);
    let part = |value: i8| u16::from(value.unsigned_abs());
    let year = u16::try_from(i32::from(at.year()) - 1980).unwrap_or(0).min(127);
    let date = year << 9 | part(at.month()) << 5 | part(at.day());
    let time = part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2);
    (date, time)
}

/// Names that do not clash, not even where case does not count: a second `a.png` is `a-2.png`.
pub(crate) fn unique_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = std::collections::HashSet::new();
    names
        .map(|name| {
            let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
            let dot = if extension.is_empty() { "" } else { "." };
            let clash = |number: usize| format!("{stem}-{number}{dot}{extension}");
            let candidates = std::iter::once(name.to_owned()).chain((2..).map(clash));
            let free = |name: &String| taken.insert(name.to_lowercase());
            { candidates }.find(free).unwrap_or_else(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests;

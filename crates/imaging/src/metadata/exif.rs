//! Reads and writes the few Exif fields that matter here (Exif 2.32 in a TIFF 6.0 stream).
//!
//! The stream comes from strangers: every access is bounded, entries are walked once and no chain
//! of directories is followed further than one link.

use std::ops::Range;

const ORIENTATION: u16 = 0x0112;
const X_RESOLUTION: u16 = 0x011A;
const Y_RESOLUTION: u16 = 0x011B;
const RESOLUTION_UNIT: u16 = 0x0128;
const ARTIST: u16 = 0x013B;
const THUMBNAIL_OFFSET: u16 = 0x0201;
const THUMBNAIL_LENGTH: u16 = 0x0202;
const STRIP_OFFSETS: u16 = 0x0111;
const STRIP_LENGTHS: u16 = 0x0117;
const COPYRIGHT: u16 = 0x8298;
const SUB_DIRECTORIES: u16 = 0x014A;
const TILE_OFFSETS: u16 = 0x0144;
const EXIF_DIRECTORY: u16 = 0x8769;
const MAKER_NOTE: u16 = 0x927C;

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// A resolution by the inch.
const INCH: u16 = 2;

/// The longest name or notice that is carried over.
const TEXT_MAX: usize = 4096;
const ENTRY_LEN: usize = 12;

/// A TIFF stream.
struct Tiff<'a> {
    bytes: &'a [u8],
    little_endian: bool,
}

/// One entry of a directory, with the place of its 4 value bytes.
#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    value_at: usize,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let little_endian = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, little_endian })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// The place of the first directory.
    fn first(&self) -> Option<usize> {
        self.long(4).map(|at| at as usize)
    }

    /// The place of the pointer to the directory after this one.
    fn next_at(&self, directory: usize) -> Option<usize> {
        let count = usize::from(self.short(directory)?);
        directory.checked_add(2 + count * ENTRY_LEN)
    }

    /// As many entries as are said and as fit.
    fn entries(&self, directory: usize) -> impl Iterator<Item = Entry> {
        let count = self.short(directory).unwrap_or(0);
        (0..usize::from(count)).map_while(move |index| {
            let at = directory.checked_add(2 + index * ENTRY_LEN)?;
            Some(Entry {
                tag: self.short(at)?,
                kind: self.short(at + 2)?,
                count: self.long(at + 4)?,
                value_at: at + 8,
            })
        })
    }

    fn find(&self, directory: usize, tag: u16) -> Option<Entry> {
        self.entries(directory).find(|entry| entry.tag == tag)
    }

    fn number(&self, entry: Entry) -> Option<u32> {
        match (entry.kind, entry.count) {
            (SHORT, 1) => self.short(entry.value_at).map(u32::from),
            (LONG, 1) => self.long(entry.value_at),
            _ => None,
        }
    }

    fn rational(&self, entry: Entry) -> Option<f64> {
        if entry.kind != RATIONAL {
            return None;
        }
        let at = self.long(entry.value_at)? as usize;
        let (above, below) = (self.long(at)?, self.long(at.checked_add(4)?)?);
        (below != 0).then(|| f64::from(above) / f64::from(below))
    }

    fn text(&self, entry: Entry) -> Option<&'a [u8]> {
        let len = entry.count as usize;
        if entry.kind != ASCII || len > TEXT_MAX {
            return None;
        }
        let at = if len <= 4 { entry.value_at } else { self.long(entry.value_at)? as usize };
        let text = self.bytes.get(at..at.checked_add(len)?)?;
        let end = text.iter().rposition(|byte| *byte != 0 && *byte != b' ')?;
        Some(&text[..=end])
    }
}

/// The Exif number of the orientation.
pub(crate) fn orientation(exif: &[u8]) -> Option<u32> {
    let tiff = Tiff::open(exif)?;
    tiff.number(tiff.find(tiff.first()?, ORIENTATION)?)
}

/// Pixels an inch, across and down.
pub(crate) fn dpi(exif: &[u8]) -> Option<(f64, f64)> {
    let tiff = Tiff::open(exif)?;
    let first = tiff.first()?;
    let unit = tiff.find(first, RESOLUTION_UNIT).and_then(|entry| tiff.number(entry));
    let inches = match unit.unwrap_or(2) {
        2 => 1.0,
        3 => 2.54,
        _ => return None,
    };
    let x = tiff.rational(tiff.find(first, X_RESOLUTION)?)? * inches;
    let y = tiff.rational(tiff.find(first, Y_RESOLUTION)?)? * inches;
    (x > 0.0 && y > 0.0).then_some((x, y))
}

/// A stream with nothing but artist and copyright, if there is either.
pub(crate) fn rights(exif: &[u8]) -> Option<Vec<u8>> {
    let fields = rights_texts(exif);
    (!fields.is_empty()).then(|| write(&fields))
}

/// Artist and copyright with their tags, as far as they are said.
pub(crate) fn rights_texts(exif: &[u8]) -> Vec<(u16, &[u8])> {
    let Some(tiff) = Tiff::open(exif) else { return Vec::new() };
    let Some(first) = tiff.first() else { return Vec::new() };
    let text = |tag| tiff.find(first, tag).and_then(|entry| tiff.text(entry));
    [ARTIST, COPYRIGHT].into_iter().filter_map(|tag| text(tag).map(|text| (tag, text))).collect()
}

/// A stream that says how the pixels lie: the same, or a new one with artist and copyright.
pub(crate) fn oriented(mut exif: Option<Vec<u8>>, orientation: u16) -> Vec<u8> {
    if let Some(exif) = &mut exif
        && let Some((at, bytes)) = orientation_at(exif, orientation)
    {
        exif[at..at + 2].copy_from_slice(&bytes);
        return std::mem::take(exif);
    }
    let rights = exif.as_deref().map(rights_texts).unwrap_or_default();
    write_fields([Field::short(ORIENTATION, orientation)].into_iter().chain(texts(&rights)))
}

/// A stream that says the resolution in pixels an inch: the same where it says one, or a new one
/// with artist and copyright. Where there is more and no place for it the stream stays as it is.
pub(crate) fn with_dpi(exif: Option<Vec<u8>>, dpi: f64) -> Vec<u8> {
    let rights = exif.as_deref().map(rights_texts).unwrap_or_default();
    if let Some(exif) = exif.as_ref().filter(|exif| write(&rights) != **exif) {
        let mut exif = exif.clone();
        for (range, value) in dpi_at(&exif, dpi).unwrap_or_default() {
            if let Some(target) = exif.get_mut(range) {
                target.copy_from_slice(&value);
            }
        }
        return exif;
    }
    let resolution = [X_RESOLUTION, Y_RESOLUTION].map(|tag| Field::rational(tag, dpi));
    let fields = resolution.into_iter().chain([Field::short(RESOLUTION_UNIT, INCH)]);
    write_fields(fields.chain(texts(&rights)))
}

/// Where a stream says the resolution, and what is to stand there.
fn dpi_at(exif: &[u8], dpi: f64) -> Option<Vec<(Range<usize>, Vec<u8>)>> {
    let tiff = Tiff::open(exif)?;
    let first = tiff.first()?;
    let in_order = |mut bytes: Vec<u8>, len: usize| {
        if tiff.little_endian {
            bytes.chunks_mut(len).for_each(<[u8]>::reverse);
        }
        bytes
    };
    let mut patches = Vec::new();
    for tag in [X_RESOLUTION, Y_RESOLUTION] {
        let entry = tiff.find(first, tag).filter(|entry| entry.kind == RATIONAL)?;
        // A place in the header or the directory is a lie.
        let behind = tiff.next_at(first)? + 4;
        let at = Some(tiff.long(entry.value_at)? as usize).filter(|at| *at >= behind)?;
        patches.push((at..at.checked_add(8)?, in_order(Field::rational(tag, dpi).value, 4)));
    }
    if let Some(entry) = tiff.find(first, RESOLUTION_UNIT).filter(|entry| entry.kind == SHORT) {
        let unit = in_order(Field::short(RESOLUTION_UNIT, INCH).value, 2);
        patches.push((entry.value_at..entry.value_at + 2, unit));
    }
    Some(patches)
}

/// Where a stream says how the pixels lie, and what is to stand there.
fn orientation_at(exif: &[u8], orientation: u16) -> Option<(usize, [u8; 2])> {
    let tiff = Tiff::open(exif)?;
    let entry = tiff.find(tiff.first()?, ORIENTATION).filter(|entry| entry.kind == SHORT)?;
    let little = tiff.little_endian;
    let bytes = if little { orientation.to_le_bytes() } else { orientation.to_be_bytes() };
    Some((entry.value_at, bytes))
}

/// A big-endian stream of one directory with text fields, which must be in the order of their tags.
pub(crate) fn write(fields: &[(u16, &[u8])]) -> Vec<u8> {
    write_fields(texts(fields))
}

/// A field of a directory as it is written, big-endian.
struct Field {
    tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

impl Field {
    fn short(tag: u16, value: u16) -> Self {
        Self { tag, kind: SHORT, count: 1, value: value.to_be_bytes().to_vec() }
    }

    /// In thousandths.
    fn rational(tag: u16, value: f64) -> Self {
        let thousandths = (value * 1000.0).round() as u32;
        let value = [thousandths.to_be_bytes(), 1000u32.to_be_bytes()].concat();
        Self { tag, kind: RATIONAL, count: 1, value }
    }

    fn text(tag: u16, text: &[u8]) -> Self {
        let value = [text, b"\0"].concat();
        Self { tag, kind: ASCII, count: value.len() as u32, value }
    }
}

fn texts<'a>(fields: &'a [(u16, &[u8])]) -> impl Iterator<Item = Field> + 'a {
    fields.iter().map(|(tag, text)| Field::text(*tag, text))
}

/// A big-endian stream of one directory with these fields, in the order of their tags.
fn write_fields(fields: impl Iterator<Item = Field>) -> Vec<u8> {
    let fields: Vec<Field> = fields.collect();
    let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
    let behind = bytes.len() + 2 + fields.len() * ENTRY_LEN + 4;
    let mut values = Vec::new();
    bytes.extend((fields.len() as u16).to_be_bytes());
    for Field { tag, kind, count, mut value } in fields {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        if value.len() <= 4 {
            value.resize(4, 0);
            bytes.extend(value);
        } else {
            bytes.extend(((behind + values.len()) as u32).to_be_bytes());
            values.extend(value);
            // Values start at even places.
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes
}

/// Says that the pixels lie upright and removes the thumbnail, which would show what the picture
/// was before it was cropped or blurred.
pub(crate) fn make_upright(exif: &mut Vec<u8>) {
    let mut patches: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    collect_patches(exif, &mut patches);
    for (range, value) in patches {
        if let Some(target) = exif.get_mut(range.clone()) {
            if value.is_empty() {
                target.fill(0);
            } else {
                target.copy_from_slice(&value);
            }
            if value.is_empty() && range.end == exif.len() {
                exif.truncate(range.start);
            }
        }
    }
}

/// The same without thumbnails, previews and maker notes. Where something that looks like a picture
/// is left, nothing but artist and copyright stays.
pub(crate) fn without_previews(mut exif: Vec<u8>) -> Option<Vec<u8>> {
    if has_hidden_pictures(&exif) {
        return rights(&exif);
    }
    make_upright(&mut exif);
    if let Some(range) = maker_note(&exif) {
        exif[range].fill(0);
    }
    let has_jpeg = memchr::memmem::find(&exif, b"\xFF\xD8\xFF").is_some();
    if has_jpeg { rights(&exif) } else { Some(exif) }
}

/// The bytes of the maker note.
fn maker_note(exif: &[u8]) -> Option<Range<usize>> {
    let tiff = Tiff::open(exif)?;
    let directory = tiff.number(tiff.find(tiff.first()?, EXIF_DIRECTORY)?)? as usize;
    let note = tiff.find(directory, MAKER_NOTE)?;
    let (start, len) = (tiff.long(note.value_at)? as usize, note.count as usize);
    let end = start.checked_add(len)?.min(exif.len());
    (len > 4 && start > directory && start < end).then_some(start..end)
}

/// Whether pictures may lie where [`make_upright`] does not look: in strips, in other directories,
/// in what is no sound Exif.
fn has_hidden_pictures(exif: &[u8]) -> bool {
    let Some(tiff) = Tiff::open(exif) else { return true };
    let Some(first) = tiff.first() else { return true };
    let strips = |directory| {
        tiff.entries(directory).any(|entry| {
            matches!(entry.tag, STRIP_OFFSETS | TILE_OFFSETS | SUB_DIRECTORIES) && entry.count != 1
                || matches!(entry.tag, TILE_OFFSETS | SUB_DIRECTORIES)
        })
    };
    let second = tiff.next_at(first).and_then(|at| tiff.long(at)).unwrap_or(0) as usize;
    let third = tiff.next_at(second).and_then(|at| tiff.long(at)).unwrap_or(0);
    strips(first) || (second != 0 && (strips(second) || third != 0))
}

/// Places to overwrite, with their new bytes or (none) with zeros.
fn collect_patches(exif: &[u8], patches: &mut Vec<(Range<usize>, Vec<u8>)>) -> Option<()> {
    let tiff = Tiff::open(exif)?;
    let first = tiff.first()?;
    if let Some((at, one)) = orientation_at(exif, 1) {
        patches.push((at..at + 2, one.to_vec()));
    }
    let next_at = tiff.next_at(first)?;
    let thumbnail = tiff.long(next_at)? as usize;
    patches.push((next_at..next_at + 4, vec![0; 4]));
    if thumbnail == 0 || thumbnail == first {
        return None;
    }
    let number = |tag| tiff.number(tiff.find(thumbnail, tag)?).map(|value| value as usize);
    for (offset, length) in [(THUMBNAIL_OFFSET, THUMBNAIL_LENGTH), (STRIP_OFFSETS, STRIP_LENGTHS)] {
        if let (Some(start), Some(len)) = (number(offset), number(length)) {
            let end = start.saturating_add(len).min(exif.len());
            // A range that covers the header or the first directory is a lie.
            if start > next_at && start < end {
                patches.push((start..end, Vec::new()));
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;

//! Writes a file with one picture: as AVIF is written, and as single pictures are handed to the
//! HEVC decoder.

use native::av1::Cicp;

use super::boxes::Kind;
use crate::image::Size;

/// A coded picture.
#[derive(Clone, Copy)]
pub(in crate::formats) struct Item<'a> {
    pub(in crate::formats) kind: Kind,
    /// What its decoder needs.
    pub(in crate::formats) config: (Kind, &'a [u8]),
    pub(in crate::formats) size: Size,
    pub(in crate::formats) data: &'a [u8],
}

/// What a file is made of.
#[derive(Clone, Copy)]
pub(in crate::formats) struct Parts<'a> {
    pub(in crate::formats) brand: Kind,
    pub(in crate::formats) color: Item<'a>,
    /// Channels and bits a sample of the color.
    pub(in crate::formats) depth: (u8, u8),
    pub(in crate::formats) alpha: Option<Item<'a>>,
    pub(in crate::formats) cicp: Option<Cicp>,
    pub(in crate::formats) icc: Option<&'a [u8]>,
    pub(in crate::formats) exif: Option<&'a [u8]>,
    pub(in crate::formats) xmp: Option<&'a [u8]>,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        let none =
            Item { kind: *b"free", config: (*b"free", &[]), size: Size::new(0, 0), data: &[] };
        Self {
            brand: *b"mif1",
            color: none,
            depth: (3, 8),
            alpha: None,
            cicp: None,
            icc: None,
            exif: None,
            xmp: None,
        }
    }
}

const COLOR: u16 = 1;
const ALPHA: u16 = 2;
const EXIF: u16 = 3;
const XMP: u16 = 4;

/// The whole file.
pub(in crate::formats) fn file(parts: &Parts<'_>) -> Vec<u8> {
    let exif = parts.exif.map(|exif| [&[0; 4], exif].concat());
    let mut data: Vec<(u16, &[u8])> = Vec::new();
    data.extend(exif.as_deref().map(|exif| (EXIF, exif)));
    data.extend(parts.xmp.map(|xmp| (XMP, xmp)));
    data.extend(parts.alpha.map(|alpha| (ALPHA, alpha.data)));
    data.push((COLOR, parts.color.data));
    let mut out = Vec::new();
    let brands = [&parts.brand, &[0; 4], &parts.brand, b"mif1", b"miaf"];
    put(&mut out, b"ftyp", &brands.map(|brand| &brand[..]).concat());
    // Where the data lie is only known once the length of `meta` is: it does not depend on it.
    let start = out.len() + meta(parts, &data, 0).len() + 8;
    out.extend(meta(parts, &data, start));
    let len: usize = data.iter().map(|(_, bytes)| bytes.len()).sum();
    out.extend(((len + 8) as u32).to_be_bytes());
    out.extend(b"mdat");
    for (_, bytes) in data {
        out.extend_from_slice(bytes);
    }
    out
}

fn meta(parts: &Parts<'_>, data: &[(u16, &[u8])], start: usize) -> Vec<u8> {
    let mut meta = vec![0; 4];
    put(&mut meta, b"hdlr", &[&[0; 8][..], b"pict", &[0; 13]].concat());
    put(&mut meta, b"pitm", &[&[0; 4][..], &COLOR.to_be_bytes()].concat());
    put(&mut meta, b"iloc", &locations(data, start));
    put(&mut meta, b"iinf", &items(parts));
    let references = references(parts);
    if references.len() > 4 {
        put(&mut meta, b"iref", &references);
    }
    put(&mut meta, b"iprp", &properties(parts));
    let mut out = Vec::new();
    put(&mut out, b"meta", &meta);
    out
}

fn locations(data: &[(u16, &[u8])], mut start: usize) -> Vec<u8> {
    // Offsets and lengths of 4 bytes, no base.
    let mut out = vec![0, 0, 0, 0, 0x44, 0];
    out.extend((data.len() as u16).to_be_bytes());
    for (id, bytes) in data {
        out.extend(id.to_be_bytes());
        out.extend([0, 0, 0, 1]);
        out.extend((start as u32).to_be_bytes());
        out.extend((bytes.len() as u32).to_be_bytes());
        start += bytes.len();
    }
    out
}

fn items(parts: &Parts<'_>) -> Vec<u8> {
    let mut entries: Vec<(u16, Kind, &[u8])> = vec![(COLOR, parts.color.kind, b"\0")];
    entries.extend(parts.alpha.map(|alpha| (ALPHA, alpha.kind, &b"\0"[..])));
    entries.extend(parts.exif.map(|_| (EXIF, *b"Exif", &b"\0"[..])));
    entries.extend(parts.xmp.map(|_| (XMP, *b"mime", &b"\0application/rdf+xml\0"[..])));
    let mut out = vec![0; 4];
    out.extend((entries.len() as u16).to_be_bytes());
    for (id, kind, names) in entries {
        let entry = [&[2, 0, 0, 0][..], &id.to_be_bytes(), &[0; 2], &kind, names].concat();
        put(&mut out, b"infe", &entry);
    }
    out
}

fn references(parts: &Parts<'_>) -> Vec<u8> {
    let mut out = vec![0; 4];
    let entries = [
        (b"auxl", ALPHA, parts.alpha.is_some()),
        (b"cdsc", EXIF, parts.exif.is_some()),
        (b"cdsc", XMP, parts.xmp.is_some()),
    ];
    for (kind, from, is_there) in entries {
        if is_there {
            let entry = [from.to_be_bytes(), [0, 1], COLOR.to_be_bytes()].concat();
            put(&mut out, kind, &entry);
        }
    }
    out
}

const ESSENTIAL: u8 = 0x80;

/// The properties and what belongs to which item.
fn properties(parts: &Parts<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut count = 0;
    let mut add = |kind: &Kind, payload: &[u8]| {
        put(&mut all, kind, payload);
        count += 1;
        count
    };
    let Size { width, height } = parts.color.size;
    let size = add(b"ispe", &[[0; 4], width.to_be_bytes(), height.to_be_bytes()].concat());
    let (channels, bits) = parts.depth;
    let depth = |channels: u8| [&[0, 0, 0, 0, channels][..], &vec![bits; channels.into()]].concat();
    let config = |(kind, config): (Kind, &[u8]), add: &mut dyn FnMut(&Kind, &[u8]) -> u8| {
        add(&kind, config) | ESSENTIAL
    };
    let mut color = vec![size, add(b"pixi", &depth(channels))];
    color.push(config(parts.color.config, &mut add));
    if let Some(icc) = parts.icc {
        color.push(add(b"colr", &[b"prof", icc].concat()));
    }
    if let Some(cicp) = parts.cicp {
        let points = [cicp.primaries, cicp.transfer, cicp.matrix].map(|point| [0, point]);
        let range = [u8::from(cicp.full_range) << 7];
        color.push(add(b"colr", &[&b"nclx"[..], points.as_flattened(), &range].concat()));
    }
    let mut owners = vec![(COLOR, color)];
    if let Some(alpha) = parts.alpha {
        let mut of = vec![size, add(b"pixi", &depth(1))];
        of.push(config(alpha.config, &mut add));
        let name = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
        of.push(add(b"auxC", name));
        owners.push((ALPHA, of));
    }
    let mut associations = vec![0; 4];
    associations.extend((owners.len() as u32).to_be_bytes());
    for (id, numbers) in owners {
        associations.extend(id.to_be_bytes());
        associations.push(numbers.len() as u8);
        associations.extend(numbers);
    }
    let mut out = Vec::new();
    put(&mut out, b"ipco", &all);
    put(&mut out, b"ipma", &associations);
    out
}

fn put(out: &mut Vec<u8>, kind: &Kind, payload: &[u8]) {
    out.extend(((payload.len() + 8) as u32).to_be_bytes());
    out.extend(kind);
    out.extend_from_slice(payload);
}

//! TIFF (TIFF 6.0 with Adobe's supplements) and BigTIFF.

use std::collections::BTreeSet;

use crate::format::{DecodeRequest, Decoded, DpiPlace, Format, Header};
use crate::formats::raw;
use crate::{Error, Limits, Result};

mod chunk;
mod color;
mod decode;
pub(super) mod directory;
pub(super) mod facts;
mod fax;
mod inspect;
mod jpeg;
mod samples;
mod write;

pub(super) use chunk::packbits;
pub(super) use color::with_alpha;
pub(super) use inspect::inspect;
pub(super) use samples::half;

use directory::{Directory, Order, START_LEN};
use facts::Facts;

/// TIFF.
pub static TIFF: Format = Format {
    name: "tiff",
    aliases: &["tif"],
    title: "TIFF",
    mime_type: "image/tiff",
    sniff: |start| matches!(start.get(..4), Some(b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+")),
    inspect: |limits| inspect(&[MAGIC], false, limits),
    whole_header: Some(whole_header),
    decode: Some(decode),
    page_header: Some(page_header),
    encode: Some(write::encode),
    encode_pages: Some(write::encode_pages),
    alpha: true,
    dpi: DpiPlace::Own,
    bit_depths: &[8, 16],
    encode_ns: |_, _| 100.0,
    ..Format::PLAIN
};

const MAGIC: u16 = 42;

fn decode(bytes: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let directory = page(bytes, request.page, limits)?;
    if request.page == 0 && facts::is_camera_raw(&directory) {
        return raw::decode(bytes, request, limits);
    }
    decode::image(bytes, &directory, limits).map(Decoded::full)
}

/// The header, with all pages counted wherever their directories lie.
fn whole_header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let mut pages = 0;
    let mut first = None;
    for directory in directories(bytes, limits)? {
        let directory = directory?;
        let is_first = first.is_none();
        if is_first && facts::is_camera_raw(&directory) {
            return raw::header(bytes, limits);
        }
        pages += u32::from(is_first || facts::is_page(&directory));
        if is_first {
            first = Some(Facts::read(&directory, limits)?);
        }
    }
    let first = first.ok_or_else(directory::ends_early)?;
    Ok(first.header(pages))
}

fn page_header(bytes: &[u8], index: u32, limits: &Limits) -> Result<Header> {
    if index == 0 {
        return whole_header(bytes, limits);
    }
    let directory = page(bytes, index, limits)?;
    Ok(Facts::read(&directory, limits)?.header(1))
}

fn page<'a>(bytes: &'a [u8], index: u32, limits: &Limits) -> Result<Directory<'a>> {
    let mut rest = index;
    for (at, directory) in directories(bytes, limits)?.enumerate() {
        let directory = directory?;
        if at == 0 || facts::is_page(&directory) {
            if rest == 0 {
                return Ok(directory);
            }
            rest -= 1;
        }
    }
    Err(Error::input(format!("the TIFF has no page {}", u64::from(index) + 1)))
}

/// The directories of the chain, each once.
fn directories<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<impl Iterator<Item = Result<Directory<'a>>> + use<'a>> {
    let (order, mut next) = Order::open(&bytes[..bytes.len().min(START_LEN)], &[MAGIC])?;
    let mut seen = BTreeSet::new();
    let max = limits.frames_max as usize;
    Ok(std::iter::from_fn(move || {
        if next == 0 {
            return None;
        }
        let directory = if !seen.insert(next) {
            Err(Error::input("the directories of the TIFF run in a circle"))
        } else if seen.len() > max {
            Err(too_many(max))
        } else {
            Directory::at(order, bytes, next)
        };
        next = directory.as_ref().map_or(0, |directory| directory.next);
        Some(directory)
    }))
}

fn too_many(max: usize) -> Error {
    Error::limit(format!("the TIFF has more than {max} pages"))
}

//! HEIC: HEVC pictures, as phones take them. They are read, not written.

use super::heif;
use crate::format::Format;

/// HEIC.
pub static HEIC: Format = Format {
    name: "heic",
    aliases: &["heif", "hif"],
    title: "HEIC",
    mime_type: "image/heic",
    sniff: |start| heif::has_brand(start, BRANDS),
    inspect: |limits| Box::new(heif::start(&HEIC, limits)),
    decode: Some(heif::decode),
    alpha: true,
    decodes_planes: true,
    bit_depths: &[8, 10, 12],
    decode_ns: 60.0,
    decode_bytes: heif::DECODE_BYTES,
    ..Format::PLAIN
};

/// Still pictures and bursts of HEVC, and files that say only that they are pictures.
const BRANDS: &[&[u8; 4]] =
    &[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"];

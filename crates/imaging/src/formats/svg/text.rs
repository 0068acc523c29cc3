//! From the bytes of an SVG to text, and the bounds on that text: what it unfolds to is not what
//! it weighs.

use std::borrow::Cow;

use memchr::memmem;
use miniz_oxide::inflate;
use resvg::usvg::roxmltree;

use crate::{Error, Result};

/// How gzip starts, with the one method there is (RFC 1952).
pub(super) const GZIP: &[u8] = b"\x1f\x8b\x08";

/// The most that a compressed file may unfold to.
const TEXT_MAX: usize = 64 << 20;
/// The most that the entities of a file may unfold to.
const ENTITIES_MAX: usize = 8 << 20;
/// The most nodes of XML: `usvg` has the same bound on what it makes of them.
const NODES_MAX: u32 = 1_000_000;
/// How deep elements may lie in each other. Drawings go some tens deep, and each level costs the
/// renderer a part of its stack.
const DEPTH_MAX: u16 = 256;

/// The text of a file.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>> {
    if !bytes.starts_with(GZIP) {
        return decoded(Cow::Borrowed(bytes));
    }
    let body = gzip_body(bytes).ok_or_else(|| Error::input("the SVGZ ends early"))?;
    match inflate::decompress_to_vec_with_limit(body, TEXT_MAX) {
        Ok(text) => decoded(Cow::Owned(text)),
        Err(error) if error.status == inflate::TINFLStatus::HasMoreOutput => {
            Err(Error::limit(format!("the SVGZ unfolds to more than {} MB", TEXT_MAX >> 20)))
        }
        Err(_) => Err(Error::input("the SVGZ is damaged or ends early")),
    }
}

/// How a file in UTF-16 starts, the first of its characters after the mark of its order.
pub(super) const UTF16: [&[u8]; 2] = [b"\xFF\xFE<\0", b"\xFE\xFF\0<"];

/// Text in UTF-16, if the bytes start like that; what is no character is replaced.
fn utf16(bytes: &[u8]) -> Option<String> {
    let mark = bytes.first_chunk::<2>()?;
    let unit = match mark {
        [0xFF, 0xFE] => u16::from_le_bytes,
        [0xFE, 0xFF] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> = bytes[2..].as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    Some(String::from_utf16_lossy(&units))
}

/// As much of the text as the first bytes of a file give, up to this length.
pub(super) fn start(bytes: &[u8], len_max: usize) -> Cow<'_, str> {
    let Some(body) = gzip_body(bytes) else {
        return utf16(bytes).map_or_else(|| String::from_utf8_lossy(bytes), Cow::Owned);
    };
    let text = match inflate::decompress_to_vec_with_limit(body, len_max) {
        Ok(text) => text,
        Err(error) => error.output,
    };
    Cow::Owned(utf16(&text).unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned()))
}

/// What follows the header of a gzip file (RFC 1952, 2.3).
fn gzip_body(bytes: &[u8]) -> Option<&[u8]> {
    let flags = *bytes.strip_prefix(GZIP)?.first()?;
    let mut rest = bytes.get(10..)?;
    if flags & 4 != 0 {
        let len = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + len..)?;
    }
    for named in [8, 16] {
        if flags & named != 0 {
            rest = &rest[memchr::memchr(0, rest)? + 1..];
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Text in UTF-8 or UTF-16, or in ISO 8859-1 where the declaration says so.
fn decoded(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>> {
    if let Some(text) = utf16(&bytes) {
        return Ok(Cow::Owned(text));
    }
    let error = match bytes {
        Cow::Borrowed(bytes) => match str::from_utf8(bytes) {
            Ok(text) => return Ok(Cow::Borrowed(text)),
            Err(_) => bytes.to_vec(),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(Cow::Owned(text)),
            Err(error) => error.into_bytes(),
        },
    };
    let declaration = error[..error.len().min(200)].to_ascii_lowercase();
    let is_latin = memmem::find(&declaration, b"iso-8859-1").is_some();
    match is_latin {
        true => Ok(Cow::Owned(error.iter().map(|byte| char::from(*byte)).collect())),
        false => Err(Error::input("the SVG is no text in UTF-8 or UTF-16")),
    }
}

/// The document, when it is within bounds.
pub(super) fn document(text: &str) -> Result<roxmltree::Document<'_>> {
    check_entities(text)?;
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: NODES_MAX,
        ..roxmltree::ParsingOptions::default()
    };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| match error {
            roxmltree::Error::NodesLimitReached => {
                Error::limit(format!("the SVG has more than {NODES_MAX} elements"))
            }
            error => Error::input(format!("the SVG is not well-formed: {error}")),
        })?;
    check_depth(&document)?;
    Ok(document)
}

/// Entities may stand for plain text only, and not for too much of it: editors shorten names of
/// namespaces so, and everything else is an attack.
fn check_entities(text: &str) -> Result<()> {
    let bytes = text.as_bytes();
    let mut longest = 0;
    for at in memmem::find_iter(bytes, b"<!ENTITY") {
        let declared = &bytes[at..];
        let Some(open) = declared.iter().position(|byte| matches!(byte, b'"' | b'\'')) else {
            continue;
        };
        let value = &declared[open + 1..];
        let len = memchr::memchr(declared[open], value).unwrap_or(value.len());
        let value = &value[..len];
        let nests = memchr::memchr_iter(b'&', value).any(|at| value.get(at + 1) != Some(&b'#'));
        if nests || value.contains(&b'<') {
            return Err(Error::unsupported(
                "the SVG has entities that hold entities or elements: replace them by what they \
                 stand for",
            ));
        }
        longest = longest.max(len);
    }
    let references = if longest == 0 { 0 } else { memchr::memchr_iter(b'&', bytes).count() };
    if references.saturating_mul(longest) > ENTITIES_MAX {
        return Err(Error::limit(format!(
            "the entities of the SVG may unfold to more than {} MB",
            ENTITIES_MAX >> 20
        )));
    }
    Ok(())
}

fn check_depth(document: &roxmltree::Document<'_>) -> Result<()> {
    let mut depths: Vec<u16> = Vec::new();
    for node in document.descendants() {
        let above = node.parent().and_then(|parent| depths.get(parent.id().get_usize()));
        let depth = above.map_or(0, |depth| depth + 1);
        if depth > DEPTH_MAX {
            return Err(Error::limit(format!(
                "the SVG has elements that lie more than {DEPTH_MAX} deep in each other"
            )));
        }
        // Nodes are numbered in the order of the document.
        depths.push(depth);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, message: &str) {
        let error = document(text).unwrap_err();
        assert!(error.message.contains(message), "{}", error.message);
    }

    #[test]
    fn entities_for_namespaces_are_fine() {
        let text = "<!DOCTYPE svg [<!ENTITY ns \"http://www.w3.org/2000/svg\">\
                    <!ENTITY e '&#233;'>]>\
                    <svg xmlns='&ns;'><text>caf&e;</text></svg>";
        let document = document(text).unwrap();
        let root = document.root_element();
        assert_eq!(root.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
        assert_eq!(root.descendants().find_map(|node| node.text()), Some("café"));
    }

    #[test]
    fn entities_that_grow_are_refused() {
        refused("<!DOCTYPE svg [<!ENTITY a 'a'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>", "that hold");
        refused("<!DOCTYPE svg [<!ENTITY a '<g>'>]><svg>&a;</svg>", "that hold");
        let (long, often) = ("a".repeat(100_000), "&a;".repeat(1_000));
        let quadratic = format!("<!DOCTYPE svg [<!ENTITY a '{long}'>]><svg>{often}</svg>");
        refused(&quadratic, "may unfold to more than 8 MB");
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        let nested = |depth| format!("{}{}", "<svg>".repeat(depth), "</svg>".repeat(depth));
        assert!(document(&nested(256)).is_ok());
        refused(&nested(257), "256 deep");
        refused(&nested(300_000), "256 deep");
    }

    #[test]
    fn compressed_text_is_bounded() {
        let gzip = |text: &[u8]| {
            let body = miniz_oxide::deflate::compress_to_vec(text, 6);
            [b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name.svg\0", &body[..]].concat()
        };
        assert_eq!(text(&gzip(b"<svg/>")).unwrap(), "<svg/>");
        let bomb = gzip(&vec![b' '; TEXT_MAX + 1]);
        assert!(bomb.len() < 100_000);
        assert_eq!(text(&bomb).unwrap_err().message, "the SVGZ unfolds to more than 64 MB");
        assert_eq!(start(&bomb, 1_000).len(), 1_000);
        let whole = gzip(b"<svg/>");
        assert!(text(&whole[..whole.len() - 3]).unwrap_err().message.contains("damaged"));
        assert_eq!(text(&whole[..12]).unwrap_err().message, "the SVGZ ends early");
    }

    #[test]
    fn latin_text_needs_a_declaration() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><svg>caf\xe9</svg>";
        assert!(text(latin).unwrap().contains("café"));
        let wide: Vec<u16> = "\u{FEFF}<svg>café</svg>".encode_utf16().collect();
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let file: Vec<u8> = wide.iter().flat_map(|unit| bytes(*unit)).collect();
            assert_eq!(text(&file).unwrap(), "<svg>café</svg>");
            assert_eq!(start(&file, 64), "<svg>café</svg>");
        }
        assert_eq!(
            text(b"<svg>\xe9</svg>").unwrap_err().message,
            "the SVG is no text in UTF-8 or UTF-16"
        );
    }
}

//! The RIFF container of WebP (RFC 9649): chunks read from it, and a file put together from chunks.

use crate::image::Size;
use crate::metadata::Metadata;
use crate::{Error, Limits, Result, format};

/// A chunk: its name and its payload.
type Chunk<'a> = (&'a [u8; 4], &'a [u8]);

/// The chunks of a file, as far as it is sound.
pub(super) fn chunks(webp: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = webp.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (len, after) = after.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len) as usize;
        let payload = after.get(..len)?;
        rest = after.get(len + len % 2..).unwrap_or_default();
        Some((name, payload))
    })
}

/// The payload of the first chunk with this name.
pub(super) fn find<'a>(webp: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    chunks(webp).find(|(name, _)| *name == wanted).map(|(_, payload)| payload)
}

/// What goes into a file beside the image.
#[derive(Default)]
pub(super) struct Extras<'a> {
    pub(super) icc: Option<&'a [u8]>,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) xmp: Option<&'a [u8]>,
}

const ICC_FLAG: u8 = 0x20;
const ALPHA_FLAG: u8 = 0x10;
const EXIF_FLAG: u8 = 0x08;
const XMP_FLAG: u8 = 0x04;
const ANIMATION_FLAG: u8 = 0x02;

/// The file of an encoder with a header that announces the extras, and the extras in their places.
pub(super) fn with_extras(
    webp: &[u8],
    size: Size,
    has_alpha: bool,
    extras: &Extras<'_>,
) -> Vec<u8> {
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let is_animated = find(webp, b"ANIM").is_some();
    let flags = flag(is_animated, ANIMATION_FLAG)
        | flag(extras.icc.is_some(), ICC_FLAG)
        | flag(has_alpha, ALPHA_FLAG)
        | flag(extras.exif.is_some(), EXIF_FLAG)
        | flag(extras.xmp.is_some(), XMP_FLAG);
    let mut header = [0; 10];
    header[0] = flags;
    header[4..7].copy_from_slice(&(size.width - 1).to_le_bytes()[..3]);
    header[7..].copy_from_slice(&(size.height - 1).to_le_bytes()[..3]);
    let mut body = b"WEBP".to_vec();
    push(&mut body, b"VP8X", Some(&header));
    push(&mut body, b"ICCP", extras.icc);
    for (name, payload) in chunks(webp).filter(|(name, _)| *name != b"VP8X") {
        push(&mut body, name, Some(payload));
    }
    push(&mut body, b"EXIF", extras.exif);
    push(&mut body, b"XMP ", extras.xmp);
    let len = (body.len() as u32).to_le_bytes();
    [b"RIFF", &len[..], &body].concat()
}

/// The file with this metadata instead of its own; image data, alpha and color profile stay.
pub(super) fn rewrite(webp: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    let (size, frames) = size_and_frames(webp)?;
    let image: [&[u8; 4]; 5] = [b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF"];
    let mut simple = b"RIFF\0\0\0\0WEBP".to_vec();
    for (name, payload) in chunks(webp).filter(|(name, _)| image.contains(name)) {
        push(&mut simple, name, Some(payload));
    }
    let len = (simple.len() as u32 - 8).to_le_bytes();
    simple[4..8].copy_from_slice(&len);
    let extras = Extras {
        icc: find(webp, b"ICCP"),
        exif: metadata.exif.as_deref(),
        xmp: metadata.xmp.as_deref(),
    };
    let has_alpha = find(webp, b"VP8X")
        .is_some_and(|header| header.first().is_some_and(|flags| flags & ALPHA_FLAG != 0));
    let is_plain = extras.icc.is_none() && extras.exif.is_none() && extras.xmp.is_none();
    // A lone VP8L stream says itself that it has alpha; a lossy one needs the header for that.
    let is_simple = is_plain && find(webp, b"ALPH").is_none() && find(webp, b"ANIM").is_none();
    let file = if is_simple { simple } else { with_extras(&simple, size, has_alpha, &extras) };
    // Of chunks that contradict each other, others count once some are left out.
    match size_and_frames(&file) {
        Ok(same) if same == (size, frames) => Ok(file),
        _ => Err(Error::input("the chunks of the WebP contradict each other")),
    }
}

fn size_and_frames(webp: &[u8]) -> Result<(Size, u32)> {
    format::header(webp, &Limits::default()).map(|header| (header.size, header.frames))
}

fn push(body: &mut Vec<u8>, name: &[u8; 4], payload: Option<&[u8]>) {
    let Some(payload) = payload else { return };
    body.extend_from_slice(name);
    body.extend((payload.len() as u32).to_le_bytes());
    body.extend_from_slice(payload);
    body.resize(body.len().next_multiple_of(2), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extras_are_read_back_as_written() {
        let mut simple = b"RIFF\0\0\0\0WEBP".to_vec();
        push(&mut simple, b"VP8 ", Some(b"image"));
        let extras = Extras { icc: Some(b"profile"), exif: Some(b"exif"), xmp: None };
        let webp = with_extras(&simple, Size::new(300, 2), false, &extras);
        let names: Vec<_> = chunks(&webp).map(|(name, _)| name).collect();
        assert_eq!(names, [b"VP8X", b"ICCP", b"VP8 ", b"EXIF"]);
        assert_eq!(find(&webp, b"VP8X"), Some(&[0x28, 0, 0, 0, 43, 1, 0, 1, 0, 0][..]));
        assert_eq!(find(&webp, b"ICCP"), Some(&b"profile"[..]));
        assert_eq!(find(&webp, b"VP8 "), Some(&b"image"[..]));
        assert_eq!(webp[4..8], (webp.len() as u32 - 8).to_le_bytes());
    }

    #[test]
    fn chunks_that_lie_about_their_length_end_the_walk() {
        let mut webp = b"RIFF\0\0\0\0WEBPVP8 ".to_vec();
        webp.extend(u32::MAX.to_le_bytes());
        webp.extend(b"short");
        assert_eq!(chunks(&webp).count(), 0);
        assert_eq!(chunks(b"RIFF").count(), 0);
    }
}

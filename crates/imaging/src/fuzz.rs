//! Bytes that nobody vouches for, through all that reads them: what the fuzzer calls and the tests
//! replay on what it found.

use std::iter;

use crate::format::{self, DecodeRequest, Decoded, Document, Format, Header, PageHeader};
use crate::formats::{cube, jpeg};
use crate::metadata::Metadata;
use crate::{Limits, Result, Size};

/// More pixels take time and reach nothing new. (Tests allow more where the sound file has more.)
pub const PIXELS_MAX: u64 = 128 * 128;
/// Pages that are read of a file, at most.
const PAGES: u32 = 3;

/// Reads a file in every way that its format has, and keeps nothing. Images of more than
/// `pixels_max` pixels are refused.
///
/// # Panics
/// When the inspector and the decoders do not agree on the image, when one way to read it gives
/// other pixels than another, or when a rewritten file is not the same image: bugs of ours.
pub fn read(bytes: &[u8], pixels_max: u64) {
    let limits = Limits { pixels_max, ..Limits::default() };
    let header = format::true_header(bytes, &limits);
    let Some(format) = format::sniff(bytes) else {
        assert!(header.is_err(), "a file of no format has no header");
        return;
    };
    match format.name {
        "jpg" if header.is_ok() => {
            // Size in eighths, and threads.
            jpeg::baseline::check_threads(bytes, 8, 2);
            jpeg::baseline::check_threads(bytes, 3, 5);
        }
        "cube" => drop(cube::parse(bytes)),
        _ => {}
    }
    let is_sound_still = stills(format, bytes, header.as_ref().ok(), &limits);
    let is_sound_animation = frames(format, bytes, &limits);
    if let Ok(header) = header {
        pages(format, bytes, header.frames, &limits);
        // What cannot be decoded is never rewritten.
        let is_sound = if header.frames > 1 { is_sound_animation } else { is_sound_still };
        if is_sound {
            rewritten(format, bytes, &header);
        }
    }
}

/// Whether all went well.
fn stills(format: &Format, bytes: &[u8], header: Option<&Header>, limits: &Limits) -> bool {
    let whole = DecodeRequest::default();
    // Others give the same pixels whatever is asked of them (drawings but for their scale).
    let others = match format.name {
        "jpg" | "raw" => &[(0.2, false), (0.5, true)][..],
        "avif" | "heic" => &[(0.0, true)],
        _ => &[],
    };
    let others = others.iter().map(|&(scale_min, planes)| DecodeRequest {
        scale_min,
        planes,
        ..DecodeRequest::default()
    });
    let mut is_sound = true;
    for request in iter::once(whole).chain(others) {
        let Some(Ok(decoded)) = format.decode.map(|decode| decode(bytes, &request, limits)) else {
            is_sound = false;
            continue;
        };
        let image = decoded.image;
        assert!(image.size().area() <= limits.pixels_max, "the decoder keeps to the limits");
        let Some(header) = header else { continue };
        let side = |side: u32| (f64::from(side) * decoded.scale).ceil() as u32;
        let expected = Size::new(side(header.size.width), side(header.size.height));
        assert_eq!(image.size(), expected, "inspector and decoder agree on the size");
        // Exif is parsed and changed here.
        let mut metadata = image.metadata.clone();
        metadata.make_upright();
        metadata.keep_rights_only();
    }
    is_sound
}

/// Whether all went well.
fn frames(format: &Format, bytes: &[u8], limits: &Limits) -> bool {
    let track = format.decode_frames.map(|decode| decode(bytes, limits));
    let Some(Ok(track)) = track else { return false };
    let mut is_sound = true;
    for frame in track.frames {
        match frame {
            Ok(frame) => {
                assert_eq!(frame.pixels.size(), track.size, "frames have the size of their track");
            }
            Err(_) => is_sound = false,
        }
    }
    is_sound
}

fn pages(format: &Format, bytes: &[u8], count: u32, limits: &Limits) {
    let Some(page_header) = format.page_header else { return };
    let document = match format.open_document {
        Some(open) => open(bytes, limits),
        None => Ok(Box::new(Unparsed { format, page_header, bytes, limits }) as Box<dyn Document>),
    };
    let Ok(document) = document else { return };
    for page in 0..count.min(PAGES) {
        let request = DecodeRequest { page, ..DecodeRequest::default() };
        let (Ok(header), Ok(decoded)) = (document.header(page), document.decode(&request)) else {
            continue;
        };
        let size = decoded.image.size();
        assert_eq!(size, header.size, "header and pixels agree on the size of a page");
    }
}

/// A file whose pages need no parsing before.
struct Unparsed<'a> {
    format: &'a Format,
    page_header: PageHeader,
    bytes: &'a [u8],
    limits: &'a Limits,
}

impl Document for Unparsed<'_> {
    fn header(&self, page: u32) -> Result<Header> {
        (self.page_header)(self.bytes, page, self.limits)
    }

    fn decode(&self, request: &DecodeRequest) -> Result<Decoded> {
        let decode = self.format.decode.expect("what has pages can be read");
        decode(self.bytes, request, self.limits)
    }
}

fn rewritten(format: &Format, bytes: &[u8], header: &Header) {
    let rewrite = |rewrite: format::Rewrite| rewrite(bytes, &Metadata::default());
    let Some(Ok(file)) = format.rewrite.map(rewrite) else { return };
    // What is left out when it is read may be over the limits of here.
    let again = format::true_header(&file, &Limits::default());
    let again = again.expect("what was rewritten has a header");
    assert_eq!(again.size, header.size, "what was rewritten has its size");
    assert_eq!(again.frames, header.frames, "what was rewritten has its frames");
}

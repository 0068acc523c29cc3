//! Files that lie, stop early or are damaged: an error or an image, never a panic.

use imaging::format::{self, DecodeRequest, Inspector, Sequence};
use imaging::image::{Channels, Packed, Pixels};
use imaging::output::Output;
use imaging::{ErrorKind, Image, Limits, Size, fuzz};
use rayon::prelude::*;

use crate::animation::{Animation, write};
use crate::formats::{inputs, photo, u8s};

/// One small file of every format and way of writing it.
fn files() -> Vec<(String, Vec<u8>)> {
    let rgb = Image::still(Pixels::U8(photo(Size::new(40, 30), Channels::Rgb)));
    let rgba = Image::still(Pixels::U8(photo(Size::new(33, 17), Channels::Rgba)));
    let lossless = Output { lossless: Some(true), ..Output::default() };
    let progressive = Output { progressive: Some(true), ..Output::default() };
    let mut files = vec![
        ("plain jpg".into(), encode("jpg", &rgb, &Output::default())),
        ("progressive jpg".into(), encode("jpg", &rgb, &progressive)),
        ("png".into(), encode("png", &rgba, &Output::default())),
        ("webp".into(), encode("webp", &rgba, &Output::default())),
        ("lossless webp".into(), encode("webp", &rgba, &lossless)),
        ("gif".into(), encode("gif", &rgba, &Output::default())),
        ("avif".into(), encode("avif", &rgba, &Output::default())),
        ("lossless avif".into(), encode("avif", &rgb, &lossless)),
        ("jxl".into(), encode("jxl", &rgba, &Output::default())),
        ("lossless jxl".into(), encode("jxl", &rgb, &lossless)),
        ("tiff".into(), encode("tiff", &rgba, &Output::default())),
        ("bmp".into(), encode("bmp", &rgba, &Output::default())),
        ("ico".into(), encode("ico", &rgba, &Output::default())),
        ("pnm".into(), encode("pnm", &rgba, &Output::default())),
        ("qoi".into(), encode("qoi", &rgba, &Output::default())),
        ("farbfeld".into(), encode("farbfeld", &rgba, &Output::default())),
    ];
    for format in ["gif", "png", "webp", "jxl"] {
        let animation = Animation::moving(Size::new(24, 16), 5);
        files.push((format!("animated {format}"), write(format, &animation, &lossless)));
    }
    files.extend(inputs());
    files
}

fn encode(name: &str, image: &Image, output: &Output) -> Vec<u8> {
    format::by_name(name).unwrap().encode.unwrap()(image, output).unwrap()
}

/// What damage makes of a file may have so many pixels, and more if the sound file has.
pub(crate) const PIXELS_MAX: u64 = 1 << 16;

fn pixels_max(sound: &[u8]) -> u64 {
    let header = format::true_header(sound, &Limits::default()).unwrap();
    header.size.area().max(PIXELS_MAX)
}

#[test]
fn every_prefix_ends_in_an_error_or_an_image() {
    for (name, bytes) in files() {
        let pixels_max = pixels_max(&bytes);
        let prefixes = if pixels_max > PIXELS_MAX { 20 } else { 200 };
        let step = (bytes.len() / prefixes).max(1);
        for len in (0..bytes.len()).step_by(step) {
            fuzz::read(&bytes[..len], pixels_max);
        }
        fuzz::read(&bytes, pixels_max);
        if name.ends_with(".pdf") {
            // Pages are found without the end of the file, as readers do.
            continue;
        }
        let half = &bytes[..bytes.len() / 2];
        let format = format::sniff(half).unwrap();
        // A still image ends where its animation goes on.
        let result = if name.starts_with("animated") {
            let limits = Limits::default();
            let track = format.decode_frames.unwrap()(half, &limits);
            track.and_then(|track| track.frames.collect::<Result<Vec<_>, _>>()).map(|_| ())
        } else {
            format.decode.unwrap()(half, &DecodeRequest::default(), &Limits::default()).map(|_| ())
        };
        let error = result.expect_err(&name);
        assert_eq!(error.kind, ErrorKind::Input, "{name}: {error}");
    }
}

#[test]
fn every_flipped_header_byte_ends_in_an_error_or_an_image() {
    // The orientations differ in a byte of Exif and the turn of their pixels, and the compressions
    // of OpenEXR lie behind one kind of header: one stands for all.
    let is_compression =
        |name: &str| ["zip", "rle", "b44", "dwa", "pxr"].iter().any(|c| name.contains(c));
    let is_another = |name: &str| {
        (name.starts_with("orientation") && !name.contains('6'))
            || (name.starts_with("exr") && is_compression(name))
    };
    let files = files().into_iter().filter(|(name, _)| !is_another(name)).collect::<Vec<_>>();
    files.into_par_iter().for_each(|(_, mut bytes)| {
        let pixels_max = pixels_max(&bytes);
        let step = if pixels_max > PIXELS_MAX { 7 } else { 1 };
        for at in (0..bytes.len().min(300)).step_by(step) {
            let sound = bytes[at];
            for flip in [0xFF, 0x01] {
                bytes[at] = sound ^ flip;
                fuzz::read(&bytes, pixels_max);
            }
            bytes[at] = sound;
        }
    });
}

#[test]
fn a_header_read_byte_by_byte_is_the_same() {
    // A stream never goes back, to where the second page of this one is.
    let is_forward = |(name, _): &(String, _)| name != "tiff-pages-backward.tif";
    for (name, bytes) in files().into_iter().filter(is_forward) {
        let limits = Limits::default();
        let whole = format::header(&bytes, &limits).unwrap();
        for piece in [1, 7, 1000] {
            let mut inspector = Inspector::new(&limits);
            for piece in bytes.chunks(piece) {
                inspector.push(piece).unwrap();
            }
            let pieced = inspector.finish().unwrap();
            assert_eq!(format!("{whole:?}"), format!("{pieced:?}"), "{name}");
        }
    }
}

#[track_caller]
fn refused(bytes: &[u8], kind: ErrorKind, part: &str) {
    let error = format::header(bytes, &Limits::default()).unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(part), "{error}");
}

#[test]
fn the_door_refuses_what_is_no_image() {
    refused(b"", ErrorKind::Unsupported, "empty");
    refused(b"hello, this is a text", ErrorKind::Unsupported, "(jpg, png, webp, gif, avif, heic");
    refused(&[b'a'; 100_000], ErrorKind::Unsupported, "(jpg, png, webp, gif, avif, heic");
    refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", ErrorKind::Input, "ends before");
    refused(b"\xFF\xD8\xFF\xE0\0\x10JFIF", ErrorKind::Input, "ends before");
    refused(b"RIFF\x10\0\0\0WEBPVP8 ", ErrorKind::Input, "ends before");
}

/// A chunk of a PNG.
pub(crate) fn chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut crc = crc32fast::Hasher::new();
    crc.update(name);
    crc.update(payload);
    let len = (payload.len() as u32).to_be_bytes();
    [&len[..], name, payload, &crc.finalize().to_be_bytes()].concat()
}

/// A PNG with any claims: its size, what stands before the data, and the data.
fn png(width: u32, height: u32, before: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(chunk(b"IHDR", &header));
    png.extend(before.concat());
    png.extend(chunk(b"IDAT", data));
    png.extend(chunk(b"IEND", b""));
    png
}

#[test]
fn sizes_over_the_limit_are_refused_before_any_pixel() {
    refused(&png(100_000, 100_000, &[], b""), ErrorKind::Limit, "100000×100000");
    refused(&png(60_000, 60_000, &[], b""), ErrorKind::Limit, "268 megapixels");
    refused(&png(0, 10, &[], b""), ErrorKind::Input, "no pixels");
    let bomb = png(60_000, 60_000, &[], b"");
    let decode = format::by_name("png").unwrap().decode.unwrap();
    let error = decode(&bomb, &DecodeRequest::default(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
}

#[test]
fn data_that_hold_more_or_less_than_the_header_says_do_no_harm() {
    let donor =
        Image::still(Pixels::U8(Packed::zeroed(Size::new(2000, 2000), Channels::Rgba).unwrap()));
    let donor = encode("png", &donor, &Output::default());
    let start = donor.windows(4).position(|name| name == b"IDAT").unwrap();
    let len = u32::from_be_bytes(donor[start - 4..start].try_into().unwrap()) as usize;
    let data = &donor[start + 4..start + 4 + len];
    let decode = format::by_name("png").unwrap().decode.unwrap();
    let larger = png(3, 2, &[], data);
    if let Ok(decoded) = decode(&larger, &DecodeRequest::default(), &Limits::default()) {
        assert_eq!(decoded.image.size(), Size::new(3, 2));
    }
    let smaller = png(9000, 9000, &[], data);
    let error = decode(&smaller, &DecodeRequest::default(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input, "{error}");
}

/// The decoder panics at a rest of 1 or 2 bytes.
#[test]
fn a_palette_that_is_no_whole_number_of_colors_is_refused() {
    let image = Image::still(Pixels::U8(photo(Size::new(16, 16), Channels::Rgb)));
    let sound = encode("png", &image, &Output { palette: Some(16), ..Output::default() });
    let at = sound.windows(4).position(|name| name == b"PLTE").unwrap() - 4;
    let len = u32::from_be_bytes(sound[at..at + 4].try_into().unwrap()) as usize;
    let decode = |name, bytes: &[u8]| {
        let decode = format::by_name(name).unwrap().decode.unwrap();
        decode(bytes, &DecodeRequest::default(), &Limits::default())
    };
    for wrong in [0, 1, 44, 46, 769, 771] {
        let palette = chunk(b"PLTE", &vec![7; wrong]);
        let png = [&sound[..at], &palette, &sound[at + len + 12..]].concat();
        refused(&png, ErrorKind::Input, &format!("palette of the PNG has {wrong} bytes"));
        let icon = [
            &[0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0][..],
            &(png.len() as u32).to_le_bytes(),
            &22u32.to_le_bytes(),
            &png,
        ];
        for error in [decode("png", &png), decode("ico", &icon.concat())].map(Result::unwrap_err) {
            assert_eq!(error.kind, ErrorKind::Input, "{error}");
        }
    }
    decode("png", &sound).unwrap();
}

#[test]
fn animations_of_too_many_frames_are_refused() {
    let animation = chunk(b"acTL", &[0, 0, 255, 255, 0, 0, 0, 0]);
    refused(&png(4, 4, &[animation], b""), ErrorKind::Limit, "65535 frames are over the limit");
    let none = chunk(b"acTL", &[0; 8]);
    refused(&png(4, 4, &[none], b""), ErrorKind::Input, "without frames");
    let animation = |count| {
        let mut webp =
            b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\x03\0\0\x03\0\0ANIM\x06\0\0\0".to_vec();
        webp.extend([0; 6]);
        for _ in 0..count {
            webp.extend(b"ANMF\x14\0\0\0");
            webp.extend([0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0, 0x40, 0]);
            webp.extend(b"VP8L");
        }
        let len = (webp.len() as u32 - 8).to_le_bytes();
        webp[4..8].copy_from_slice(&len);
        webp
    };
    let header = format::header(&animation(3), &Limits::default()).unwrap();
    assert_eq!((header.frames, header.sequence), (3, Sequence::Frames));
    refused(&animation(0), ErrorKind::Input, "ends before");
    refused(&animation(600), ErrorKind::Limit, "24 days");
    let few = Limits { frames_max: 2, ..Limits::default() };
    let error = format::header(&animation(3), &few).unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (ErrorKind::Limit, "3 frames are over the limit of 2")
    );
}

#[test]
fn gifs_that_lie_are_refused() {
    let start = |width: u16, height: u16| {
        let mut gif = b"GIF89a".to_vec();
        gif.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        gif.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
        gif
    };
    // A frame of 2 × 1 pixels whose data are the indices 0 and 1.
    let frame = [0x2C, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x44, 0x0A, 0];
    refused(&[start(0, 5), frame.to_vec()].concat(), ErrorKind::Input, "no pixels");
    refused(&start(2, 1), ErrorKind::Input, "before its first frame");
    refused(&[start(2, 1), vec![0x3B]].concat(), ErrorKind::Input, "before its first frame");
    refused(&[start(2, 1), vec![7]].concat(), ErrorKind::Input, "unknown kind (0x07)");
    refused(&[start(2, 1), frame[..12].to_vec()].concat(), ErrorKind::Input, "ends early");
    let many = [start(2, 1), frame.repeat(2001)].concat();
    refused(&many, ErrorKind::Limit, "2001 frames are over the limit of 2000");
    let huge = [start(65_535, 65_535), frame.to_vec()].concat();
    refused(&huge, ErrorKind::Limit, "megapixels");
    // Neither a trailer nor sound bytes after the last frame are needed.
    for end in [&[][..], &[0x3B], &[0, 0, 9]] {
        let whole = [start(2, 1), frame.to_vec(), end.to_vec()].concat();
        assert_eq!(format::header(&whole, &Limits::default()).unwrap().frames, 1);
        let decode = format::by_name("gif").unwrap().decode.unwrap();
        let image = decode(&whole, &DecodeRequest::default(), &Limits::default()).unwrap().image;
        assert_eq!(u8s(&image).samples(), [0, 0, 0, 255, 255, 255]);
    }
    // A frame far larger than its canvas costs a row at a time; its data end early.
    let mut wide = frame;
    wide[5..9].fill(255);
    let lie = [start(2, 1), wide.to_vec(), vec![0x3B]].concat();
    let decode = format::by_name("gif").unwrap().decode.unwrap();
    let error = decode(&lie, &DecodeRequest::default(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input, "{error}");
}

#[test]
fn a_jpeg_of_ten_thousand_scans_is_refused() {
    let image = Image::still(Pixels::U8(photo(Size::new(16, 16), Channels::Gray)));
    let jpeg = encode("jpg", &image, &Output::default());
    let scan = jpeg.windows(2).position(|marker| marker == b"\xFF\xDA").unwrap();
    let end = jpeg.len() - 2;
    let mut many = jpeg[..end].to_vec();
    for _ in 1..10_000 {
        many.extend_from_slice(&jpeg[scan..end]);
    }
    many.extend(b"\xFF\xD9");
    refused(&many, ErrorKind::Limit, "more than 64 scans");
}

/// A few kilobytes that unpack to 64 MB cost the picture its XMP, and nothing else.
#[test]
fn a_bomb_in_the_xmp_of_a_png_is_left_out() {
    let mut xmp = b"XML:com.adobe.xmp\0\x01\0\0\0".to_vec();
    xmp.extend(miniz_oxide::deflate::compress_to_vec_zlib(&vec![b' '; 64 << 20], 9));
    let image = Image::still(Pixels::U8(photo(Size::new(9, 9), Channels::Rgb)));
    let plain = encode("png", &image, &Output::default());
    // Behind the header.
    let file = [&plain[..33], &chunk(b"iTXt", &xmp), &plain[33..]].concat();
    let decode = format::by_name("png").unwrap().decode.unwrap();
    let image = decode(&file, &DecodeRequest::default(), &Limits::default()).unwrap().image;
    assert_eq!((image.size(), image.metadata.xmp), (Size::new(9, 9), None));
}

/// Numbers that overflow in the decoder of HEVC: where overflow is checked, it panics.
#[test]
fn a_decoder_that_panics_costs_the_file_alone() {
    let file = include_bytes!("../found/heic/references-that-overflow.heic");
    let decode = format::by_name("heic").unwrap().decode.unwrap();
    let error = decode(file, &DecodeRequest::default(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input, "{error}");
}

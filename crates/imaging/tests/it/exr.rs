//! OpenEXR: every compression, type of sample, window and part of files that its own library wrote.

use imaging::format::{self, DecodeRequest};
use imaging::image::{Channels, Pixels};
use imaging::{ErrorKind, Image, Limits, Result, Size};

use crate::formats::{file, psnr, rgba_of};

fn try_decode(bytes: &[u8]) -> Result<Image> {
    let format = format::sniff(bytes).expect("a known format");
    assert_eq!(format.name, "exr");
    let header = format::header(bytes, &Limits::default())?;
    let image = format.decode.unwrap()(bytes, &DecodeRequest::default(), &Limits::default())?.image;
    assert_eq!((header.size, header.bit_depth), (image.size(), 16));
    assert_eq!(image.frames[0].pixels.bit_depth(), 16);
    let channels = image.frames[0].pixels.channels();
    assert_eq!(header.is_gray, matches!(channels, Channels::Gray | Channels::GrayAlpha));
    assert!(header.has_alpha || !channels.has_alpha());
    Ok(image)
}

fn decode(name: &str) -> Image {
    try_decode(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn reference(name: &str) -> (Size, Vec<[u8; 4]>) {
    let bytes = file(name);
    let png = format::sniff(&bytes).unwrap().decode.unwrap();
    let image = png(&bytes, &DecodeRequest::default(), &Limits::default()).unwrap().image;
    (image.size(), rgba_of(&image))
}

#[test]
fn every_file_looks_like_its_picture() {
    let (colors, gray) = ("reference.png", "reference-gray.png");
    for (name, expected, least) in [
        ("exr-none.exr", colors, 100.0),
        ("exr-rle.exr", colors, 100.0),
        ("exr-zips.exr", colors, 100.0),
        ("exr-piz.exr", colors, 100.0),
        ("exr-zip-float.exr", colors, 100.0),
        ("exr-pxr24-float.exr", colors, 100.0),
        ("exr-b44.exr", colors, 35.0),
        ("exr-dwaa.exr", colors, 35.0),
        ("exr-dwab.exr", colors, 35.0),
        ("exr-tiles.exr", colors, 100.0),
        ("exr-mipmap.exr", colors, 100.0),
        ("exr-parts.exr", colors, 100.0),
        ("exr-layers.exr", colors, 100.0),
        ("exr-gray.exr", gray, 100.0),
        ("exr-uint.exr", "reference-bilevel.png", 100.0),
        // Primaries of ACES, whose white is not that of sRGB.
        ("exr-aces.exr", colors, 50.0),
    ] {
        let seen = decode(name);
        let (size, expected) = reference(expected);
        assert_eq!(seen.size(), size, "{name}");
        let distance = psnr(rgba_of(&seen).as_flattened(), expected.as_flattened());
        assert!(distance > least, "{name}: {distance:.1} dB");
    }
    for (name, is_lossy) in [("exr-piz.exr", false), ("exr-b44.exr", true), ("exr-dwaa.exr", true)]
    {
        assert_eq!(format::header(&file(name), &Limits::default()).unwrap().is_lossy, is_lossy);
    }
}

#[test]
fn colors_are_divided_by_their_alpha() {
    let (seen, (_, expected)) = (decode("exr-alpha.exr"), reference("reference-alpha.png"));
    for (seen, expected) in rgba_of(&seen).into_iter().zip(expected) {
        assert!(seen[3].abs_diff(expected[3]) <= 1);
        // Little is known of the color of what is hardly there.
        if expected[3] > 20 {
            assert!(seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2));
        }
    }
}

/// Whether the pixels are those of the reference from a corner on; none is beyond its edge.
#[track_caller]
fn check_window(name: &str, size: Size, expected: impl Fn(u32, u32) -> Option<(u32, u32)>) {
    let seen = decode(name);
    let (whole, reference) = reference("reference.png");
    assert_eq!(seen.size(), size);
    let seen = rgba_of(&seen);
    for (x, y) in (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y))) {
        let color = expected(x, y)
            .map_or([0, 0, 0, 255], |(x, y)| reference[(y * whole.width + x) as usize]);
        let seen = seen[(y * size.width + x) as usize];
        assert!(seen.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 1), "{name} at {x}, {y}");
    }
}

#[test]
fn the_display_window_is_the_picture() {
    check_window("exr-window.exr", Size::new(75, 59), |x, y| {
        ((20..60).contains(&x) && (10..40).contains(&y)).then_some((x, y))
    });
    check_window("exr-overscan.exr", Size::new(40, 30), |x, y| Some((x + 12, y + 8)));
}

/// A file with the bytes behind the first place of `name` overwritten.
fn with(file_name: &str, name: &[u8], skipped: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file(file_name);
    let at = file.windows(name.len()).position(|window| window == name).unwrap();
    file[at + name.len() + skipped..][..bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn what_is_brighter_than_white_is_white_and_what_is_no_number_black() {
    let mut values = [0u8; 6];
    for (value, bits) in values.as_chunks_mut::<2>().0.iter_mut().zip([0x7E00u16, 0x7C00, 0xBC00]) {
        *value = bits.to_le_bytes();
    }
    let mut bytes = file("exr-none.exr");
    // The last line: blue, green and red, whose last three samples end the file.
    let end = bytes.len();
    bytes[end - 6..].copy_from_slice(&values);
    let image = try_decode(&bytes).unwrap();
    let Pixels::U16(packed) = &image.frames[0].pixels else { panic!("16 bits") };
    let reds: Vec<u16> = packed.samples().rchunks(3).take(3).map(|pixel| pixel[0]).collect();
    assert_eq!(reds, [0, 65_535, 0]);
}

#[test]
fn what_cannot_be_read_says_why() {
    #[track_caller]
    fn refused(bytes: &[u8], kind: ErrorKind, part: &str) {
        let error = try_decode(bytes).unwrap_err();
        assert!(error.kind == kind && error.message.contains(part), "{error}");
        let door = format::header(bytes, &Limits::default()).unwrap_err();
        assert_eq!(door.message, error.message, "the door says so at once");
    }
    use ErrorKind::{Input, Limit, Unsupported};
    let compression = b"compression\0compression\0";
    refused(&with("exr-zips.exr", compression, 4, &[11]), Unsupported, "HTJ2K");
    let mut deep = file("exr-none.exr");
    deep[5] |= 0x08;
    let at = deep.windows(5).position(|name| name == b"type\0").unwrap();
    // The attribute that tells of lines is another one now.
    deep[at..at + 4].copy_from_slice(b"epyt");
    refused(&deep, Unsupported, "deep data");
    refused(&with("exr-gray.exr", b"channels\0chlist\0", 4, b"Q"), Unsupported, "only Q");
    refused(&with("exr-gray.exr", b"channels\0chlist\0", 14, &[2]), Unsupported, "subsampled");
    let window = b"dataWindow\0box2i\0";
    let far = [-1_000_000_000i32, -1_000_000_000, 1_000_000_000, 1_000_000_000];
    let far = far.map(i32::to_le_bytes).concat();
    refused(&with("exr-zips.exr", window, 4, &far), Limit, "over the limit");
    refused(&with("exr-zips.exr", window, 12, &(-1i32).to_le_bytes()), Input, "no pixels");
    let tiles = b"tiles\0tiledesc\0";
    refused(&with("exr-tiles.exr", tiles, 4, &[0, 0, 1, 0, 0, 0, 1, 0]), Limit, "1024 MB");
    let mut version = file("exr-none.exr");
    version[4] = 3;
    refused(&version, Unsupported, "version");
}

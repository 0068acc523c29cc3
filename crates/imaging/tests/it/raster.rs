//! Files of the smaller formats, from other hands, look like the picture they were made from.

use imaging::format::{self, DecodeRequest};
use imaging::image::{Channels, Packed, Pixels};
use imaging::metadata::Orientation;
use imaging::output::Output;
use imaging::{ErrorKind, Image, Limits, Size};

use crate::formats::{file, photo, psnr, rgba, rgba_of, u8s};

fn decode(name: &str) -> Image {
    let bytes = file(name);
    let format = format::sniff(&bytes).unwrap_or_else(|| panic!("{name} is not known"));
    format.decode.unwrap()(&bytes, &DecodeRequest::default(), &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .image
}

/// How far a file is from the upper left part of a picture, in decibels. Colors of pixels that
/// nobody sees do not count.
#[track_caller]
fn distance(name: &str, reference: &str) -> f64 {
    let (seen, expected) = (decode(name), decode(reference));
    let (size, whole) = (seen.size(), expected.size());
    let expected = rgba_of(&expected);
    let row = |y: u32| &expected[(y * whole.width) as usize..][..size.width as usize];
    let seen_colors = |[r, g, b, a]: [u8; 4]| if a == 0 { [0; 4] } else { [r, g, b, a] };
    let expected: Vec<[u8; 4]> =
        (0..size.height).flat_map(|y| row(y).to_vec()).map(seen_colors).collect();
    let seen: Vec<[u8; 4]> = rgba_of(&seen).into_iter().map(seen_colors).collect();
    psnr(seen.as_flattened(), expected.as_flattened())
}

#[test]
fn every_file_looks_like_its_picture() {
    const EXACT: f64 = 100.0;
    let (colors, gray, alpha) = ("reference.png", "reference-gray.png", "reference-alpha.png");
    for (name, reference, format, least) in [
        ("pnm-p1.pbm", "reference-bilevel.png", "pnm", EXACT),
        ("pnm-p2.pgm", gray, "pnm", EXACT),
        ("pnm-p3.ppm", colors, "pnm", EXACT),
        ("pnm-p4.pbm", "reference-bilevel.png", "pnm", EXACT),
        ("pnm-p5.pgm", gray, "pnm", EXACT),
        ("pnm-p6.ppm", colors, "pnm", EXACT),
        ("pnm-p6-16.ppm", colors, "pnm", EXACT),
        ("pnm-p7-rgba.pam", alpha, "pnm", EXACT),
        ("pnm-pf-big.pfm", colors, "pnm", EXACT),
        ("bmp-24.bmp", colors, "bmp", EXACT),
        ("bmp-32.bmp", colors, "bmp", EXACT),
        ("bmp-32-v5.bmp", alpha, "bmp", EXACT),
        ("bmp-core.bmp", colors, "bmp", EXACT),
        ("bmp-8.bmp", "reference-bmp-8.png", "bmp", EXACT),
        ("bmp-rle8.bmp", "reference-bmp-8.png", "bmp", EXACT),
        ("bmp-4.bmp", "reference-gray-4.png", "bmp", EXACT),
        ("bmp-rle4.bmp", "reference-gray-4.png", "bmp", EXACT),
        ("bmp-1.bmp", "reference-bilevel.png", "bmp", EXACT),
        ("bmp-555.bmp", "reference-555.png", "bmp", EXACT),
        ("bmp-565-top.bmp", "reference-565.png", "bmp", EXACT),
        ("ico-png.ico", alpha, "ico", EXACT),
        ("ico-bmp.ico", "reference-ico-48.png", "ico", EXACT),
        ("ico-mask.cur", "reference-ico-mask.png", "ico", EXACT),
        ("tga-rgb.tga", colors, "tga", EXACT),
        ("tga-rgb-rle.tga", colors, "tga", EXACT),
        ("tga-rgba-rle.tga", alpha, "tga", EXACT),
        ("tga-gray.tga", gray, "tga", EXACT),
        ("tga-map-rle.tga", "reference-bmp-8.png", "tga", EXACT),
        ("tga-16-right.tga", "reference-555.png", "tga", EXACT),
        ("qoi-rgba.qoi", alpha, "qoi", EXACT),
        ("farbfeld-rgba.ff", alpha, "farbfeld", EXACT),
        ("psd-rgb-rle.psd", colors, "psd", EXACT),
        ("psd-rgb-raw.psd", colors, "psd", EXACT),
        ("psd-rgb-16.psd", colors, "psd", EXACT),
        ("psd-gray.psd", gray, "psd", EXACT),
        ("psd-cmyk.psd", colors, "psd", 15.0),
        ("hdr-flat.hdr", colors, "hdr", 40.0),
        ("hdr-runs.hdr", colors, "hdr", 40.0),
        ("dds-plain.dds", alpha, "dds", EXACT),
        ("dds-dxt1.dds", "reference-dds-dxt1.png", "dds", 45.0),
        ("dds-dxt3.dds", "reference-dds-dxt3.png", "dds", 45.0),
        ("dds-dxt5.dds", "reference-dds-dxt5.png", "dds", 45.0),
        ("dds-bc2.dds", "reference-dds-bc2.png", "dds", 45.0),
    ] {
        let header = format::header(&file(name), &Limits::default()).unwrap();
        assert_eq!(header.format.name, format, "{name}");
        let seen = distance(name, reference);
        assert!(seen > least, "{name}: {seen} dB");
    }
}

#[test]
fn headers_that_err_where_others_read_on_are_read() {
    let read = |file: &[u8]| {
        let format = format::header(file, &Limits::default()).unwrap().format;
        let decoded = format.decode.unwrap()(file, &DecodeRequest::default(), &Limits::default());
        decoded.unwrap().image.frames.remove(0).pixels
    };
    // The pixels are said to start where the palette does.
    let mut bmp = file("bmp-8.bmp");
    assert!(bmp[10..12] != [54, 0]);
    bmp[10..14].copy_from_slice(&[54, 0, 0, 0]);
    let (Pixels::U8(ours), Pixels::U8(theirs)) =
        (read(&bmp), decode("bmp-8.bmp").frames.remove(0).pixels)
    else {
        panic!("8 bits")
    };
    assert_eq!(ours.samples(), theirs.samples());
    // Luminance of 8 bits with a mask of 32.
    let mut dds = vec![0; 130];
    dds[..4].copy_from_slice(b"DDS ");
    for (at, value) in [
        (4, 124u32),
        (8, 0x100F),
        (12, 1),
        (16, 2),
        (76, 32),
        (80, 0x2_0000),
        (88, 8),
        (92, 0xFF00_0000),
        (108, 0x1000),
    ] {
        dds[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    dds[128..].copy_from_slice(&[7, 200]);
    let Pixels::U8(gray) = read(&dds) else { panic!("8 bits") };
    let count = gray.channels().count();
    assert_eq!([gray.samples()[0], gray.samples()[count]], [7, 200]);
}

#[test]
fn sixteen_bits_come_as_sixteen() {
    for name in
        ["pnm-p6-16.ppm", "pnm-pf-big.pfm", "psd-rgb-16.psd", "hdr-flat.hdr", "farbfeld-rgba.ff"]
    {
        assert_eq!(decode(name).frames[0].pixels.bit_depth(), 16, "{name}");
        assert_eq!(format::header(&file(name), &Limits::default()).unwrap().bit_depth, 16);
    }
}

#[test]
fn normals_of_two_channels_get_their_third() {
    let (seen, expected) = (decode("dds-bc5.dds"), decode("reference-dds-bc5.png"));
    for (seen, expected) in rgba_of(&seen).iter().zip(rgba_of(&expected)) {
        assert!(seen[0].abs_diff(expected[0]) <= 1 && seen[1].abs_diff(expected[1]) <= 1);
        assert!(seen[2] >= 127);
    }
}

#[test]
fn gray_floats_lie_from_bottom_to_top() {
    let (seen, expected) = (decode("pnm-pf-little.pfm"), decode("reference.png"));
    let (seen, expected) = (rgba_of(&seen), rgba_of(&expected));
    for (x, y) in [(0, 0), (39, 0), (7, 20), (39, 31)] {
        assert_eq!(seen[y * 40 + x][0], expected[y * 75 + x][1]);
    }
}

#[test]
fn raw_files_give_their_largest_preview() {
    for name in ["raw-dng.dng", "raw-nef.nef", "raw-rw2.rw2"] {
        let header = format::header(&file(name), &Limits::default()).unwrap();
        assert_eq!(header.format.name, "raw", "{name}");
        assert_eq!(header.size, Size::new(75, 59), "{name}");
        assert_eq!(header.orientation, Orientation::Rotate90, "{name}");
        assert_eq!(rgba_of(&decode(name)), rgba_of(&decode("photo-420.jpg")), "{name}");
    }
    let header = format::header(&file("raw-raf.raf"), &Limits::default()).unwrap();
    assert_eq!((header.format.name, header.orientation), ("raw", Orientation::Rotate90));
    assert_eq!(rgba_of(&decode("raw-raf.raf")), rgba_of(&decode("orientation-6.jpg")));
    let canon = b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let error = format::header(canon, &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    assert!(error.message.contains("no JPEG preview"), "{error}");
}

const CHANNELS: [Channels; 4] =
    [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];

fn round_trip(name: &str, image: &Image) -> Image {
    let bytes = format::by_name(name).unwrap().encode.unwrap()(image, &Output::default()).unwrap();
    let format = format::sniff(&bytes).unwrap();
    assert_eq!(format.name, name);
    format::header(&bytes, &Limits::default()).unwrap();
    format.decode.unwrap()(&bytes, &DecodeRequest::default(), &Limits::default()).unwrap().image
}

#[test]
fn sixteen_bits_of_farbfeld_are_read_back_exactly() {
    let samples = (0..7 * 3 * 4).map(|i| i * 779 + 1).collect();
    let pixels = Packed::new(Size::new(7, 3), Channels::Rgba, samples);
    let back = round_trip("farbfeld", &Image::still(Pixels::U16(pixels.clone())));
    let Pixels::U16(back) = &back.frames[0].pixels else { panic!("16 bits") };
    assert_eq!(back.samples(), pixels.samples());
}

#[test]
fn what_is_written_is_read_back() {
    for name in ["bmp", "pnm", "qoi"] {
        for channels in CHANNELS {
            for size in [Size::new(1, 1), Size::new(7, 3), Size::new(64, 48), Size::new(35, 61)] {
                let pixels = photo(size, channels);
                let back = round_trip(name, &Image::still(Pixels::U8(pixels.clone())));
                assert!(rgba(u8s(&back)) == rgba(&pixels), "{name} {channels:?} {size}");
            }
        }
    }
}

#[test]
fn icons_hold_sizes_up_to_one_that_holds_the_image() {
    let ico = format::by_name("ico").unwrap();
    for (size, sides) in [
        (Size::new(5, 3), vec![16]),
        (Size::new(48, 20), vec![16, 24, 32, 48]),
        (Size::new(40, 26), vec![16, 24, 32, 48]),
        (Size::new(300, 500), vec![16, 24, 32, 48, 64, 128, 0]),
    ] {
        let image = Image::still(Pixels::U8(photo(size, Channels::Rgba)));
        let bytes = ico.encode.unwrap()(&image, &Output::default()).unwrap();
        let entries = bytes[6..].chunks_exact(16).take(usize::from(bytes[4]));
        assert_eq!(entries.map(|entry| entry[0]).collect::<Vec<_>>(), sides);
        let back = round_trip("ico", &image);
        let side = sides.last().map_or(0, |side| if *side == 0 { 256 } else { u32::from(*side) });
        assert_eq!(back.size(), Size::new(side, side));
    }
    // An image that fits lies in the middle as it is.
    let image = Image::still(Pixels::U8(photo(Size::new(48, 20), Channels::Rgb)));
    let back = rgba_of(&round_trip("ico", &image));
    let expected = rgba_of(&image);
    assert_eq!(back[0][3], 0);
    assert_eq!(back[14 * 48..34 * 48], expected[..]);
}

#[test]
fn what_cannot_be_read_says_why() {
    let limits = Limits::default();
    let refused = |name: &str, at: usize, with: &[u8], part: &str| {
        let mut bytes = file(name);
        bytes[at..at + with.len()].copy_from_slice(with);
        let format = format::sniff(&bytes).unwrap();
        let error = format::header(&bytes, &limits)
            .and_then(|_| format.decode.unwrap()(&bytes, &DecodeRequest::default(), &limits))
            .unwrap_err();
        assert!(error.message.contains(part), "{name}: {error}");
    };
    refused("bmp-24.bmp", 30, &[4], "compression 4 (JPEG)");
    refused("bmp-24.bmp", 18, &[0xFF, 0xFF, 0xFF, 0x7F], "over the limit");
    refused("psd-rgb-raw.psd", 24, &[0, 7], "spot colors (multichannel) cannot be read: bitmap");
    refused("psd-rgb-raw.psd", 24, &[0, 5], "color mode 5 cannot be read: bitmap, gray");
    refused("psd-rgb-raw.psd", 22, &[0, 32], "32 bits cannot be read: in its color mode one of 8");
    refused("ico-png.ico", 4, &[0xB8, 0x0B], "3000 pictures: 1 to 1024 are read");
    refused("dds-dxt1.dds", 84, b"DXT9", "DXT9");
    refused("qoi-rgba.qoi", 4, &[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF], "over the limit");
    refused("farbfeld-rgba.ff", 8, &[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF], "over the limit");
    refused("pnm-p6.ppm", 0, b"P6 9999999 9 ", "over the limit");
    refused("hdr-flat.hdr", 11, b"FORMAT=32-bit_rle_xyze", "XYZ");
}

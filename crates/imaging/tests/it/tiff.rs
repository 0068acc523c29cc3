//! TIFFs from other hands look like the picture they were made from, and ours are read back.

use imaging::format::{self, DecodeRequest, Decoded};
use imaging::image::{Channels, ColorSpace, Packed, Pixels};
use imaging::metadata::{Metadata, Orientation};
use imaging::output::Output;
use imaging::{ErrorKind, Image, Input, Limits, Plan, Size};

use crate::formats::{file, inputs, photo, psnr, rgba, rgba_of};

fn decode(name: &str) -> Decoded {
    let request = DecodeRequest::default();
    format::by_name("tiff").unwrap().decode.unwrap()(&file(name), &request, &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// How far a file is from the upper left part of a picture, in decibels.
fn distance(name: &str, reference: &str) -> f64 {
    let decoded = decode(name);
    let size = decoded.image.size();
    let reference = decode_png(reference);
    let row = |y: u32| &reference.1[(y * reference.0.width) as usize..][..size.width as usize];
    let expected: Vec<[u8; 4]> = (0..size.height).flat_map(|y| row(y).to_vec()).collect();
    psnr(rgba_of(&decoded.image).as_flattened(), expected.as_flattened())
}

fn decode_png(name: &str) -> (Size, Vec<[u8; 4]>) {
    let request = DecodeRequest::default();
    let decode = format::by_name("png").unwrap().decode.unwrap();
    let image = decode(&file(name), &request, &Limits::default()).unwrap().image;
    (image.size(), rgba_of(&image))
}

#[test]
fn every_way_to_store_samples_is_read() {
    const EXACT: f64 = 100.0;
    let colors = "reference.png";
    for (name, reference, bits, least) in [
        ("tiff-tiles-lzw.tif", colors, 8, EXACT),
        ("tiff-tiles-deflate-predictor.tif", colors, 8, EXACT),
        ("tiff-packbits-mm.tif", colors, 8, EXACT),
        ("tiff-bigtiff-mm.tif", colors, 8, EXACT),
        ("tiff-bigtiff-ii.tif", colors, 8, EXACT),
        ("tiff-planar.tif", colors, 8, EXACT),
        ("tiff-planar-tiles-16.tif", colors, 16, EXACT),
        ("tiff-16-lzw-predictor-mm.tif", colors, 16, EXACT),
        ("tiff-16-plain.tif", colors, 16, EXACT),
        ("tiff-uint32.tif", colors, 16, EXACT),
        ("tiff-float32.tif", colors, 16, EXACT),
        ("tiff-float16.tif", colors, 16, 60.0),
        ("tiff-rgb-extra.tif", colors, 8, EXACT),
        ("tiff-rgba-straight.tif", "reference-alpha.png", 8, EXACT),
        ("tiff-rgba-associated.tif", "reference-alpha.png", 8, 20.0),
        ("tiff-gray-white.tif", "reference-gray.png", 8, EXACT),
        ("tiff-gray-2.tif", "reference-gray-2.png", 2, EXACT),
        ("tiff-gray-4.tif", "reference-gray-4.png", 4, EXACT),
        ("tiff-palette-8.tif", "reference-palette.png", 8, EXACT),
        ("tiff-palette-4.tif", "reference-palette-4.png", 4, 50.0),
        ("tiff-cmyk.tif", colors, 8, 18.0),
        ("tiff-lab.tif", colors, 8, 35.0),
        ("tiff-lab-16.tif", colors, 16, 45.0),
        ("tiff-ycc-11.tif", colors, 8, 45.0),
        ("tiff-ycc-21.tif", colors, 8, 33.0),
        ("tiff-ycc-22.tif", colors, 8, 31.0),
        ("tiff-ycc-42.tif", colors, 8, 29.0),
        ("tiff-jpeg-ycc.tif", colors, 8, 31.0),
        ("tiff-jpeg-rgb-tiles.tif", colors, 8, 33.0),
        ("tiff-jpeg-gray.tif", "reference-gray.png", 8, 35.0),
        ("tiff-old-jpeg.tif", colors, 8, 31.0),
    ] {
        let seen = distance(name, reference);
        assert!(seen > least, "{name}: {seen} dB");
        let header = format::header(&file(name), &Limits::default()).unwrap();
        assert_eq!(header.bit_depth, bits, "{name}");
        let deep = decode(name).image.frames[0].pixels.bit_depth();
        assert_eq!(deep, if bits > 8 || name.contains("lab") { 16 } else { 8 }, "{name}");
    }
}

#[test]
fn floating_point_gray_is_the_green_it_was_made_of() {
    let (size, reference) = decode_png("reference.png");
    let decoded = decode("tiff-float64-mm.tif");
    assert_eq!(decoded.image.size(), Size::new(40, 32));
    for (index, pixel) in rgba_of(&decoded.image).iter().enumerate() {
        let (x, y) = (index as u32 % 40, index as u32 / 40);
        assert_eq!(pixel[0], reference[(y * size.width + x) as usize][1]);
    }
}

#[test]
fn every_fax_is_read() {
    let names: Vec<String> = inputs().into_iter().map(|(name, _)| name).collect();
    let faxes: Vec<_> = names.iter().filter(|name| name.starts_with("tiff-bilevel")).collect();
    assert_eq!(faxes.len(), 9);
    for name in faxes {
        assert_eq!(distance(name, "reference-bilevel.png"), psnr(&[0], &[0]), "{name}");
    }
}

#[test]
fn alpha_comes_with_gray_and_color() {
    let decoded = decode("tiff-gray-alpha.tif");
    assert_eq!(decoded.image.frames[0].pixels.channels(), Channels::GrayAlpha);
    let (_, gray) = decode_png("reference-gray.png");
    let (_, alpha) = decode_png("reference-alpha.png");
    let pixels = rgba_of(&decoded.image);
    for ((pixel, gray), alpha) in pixels.iter().zip(&gray).zip(&alpha) {
        assert_eq!((pixel[0], pixel[3]), (gray[0], alpha[3]));
    }
    // Where there is enough alpha, colors that were multiplied by it come back.
    let associated = rgba_of(&decode("tiff-rgba-associated.tif").image);
    let (_, straight) = decode_png("reference-alpha.png");
    for (seen, expected) in associated.iter().zip(&straight).filter(|(_, e)| e[3] > 127) {
        let close = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 1);
        assert!(close, "{seen:?} {expected:?}");
    }
}

#[test]
fn pages_are_counted_and_read_one_by_one() {
    let tiff = format::by_name("tiff").unwrap();
    let limits = Limits::default();
    for (name, sizes) in [
        ("tiff-pages.tif", vec![(75, 59), (75, 59), (75, 59)]),
        ("tiff-pages-backward.tif", vec![(30, 20), (10, 20)]),
    ] {
        let bytes = file(name);
        let header = format::header(&bytes, &limits).unwrap();
        assert_eq!(header.frames as usize, sizes.len(), "{name}");
        for (page, (width, height)) in (0..).zip(sizes) {
            let size = Size::new(width, height);
            assert_eq!(tiff.page_header.unwrap()(&bytes, page, &limits).unwrap().size, size);
            let request = DecodeRequest { page, ..DecodeRequest::default() };
            let decoded = tiff.decode.unwrap()(&bytes, &request, &limits).unwrap();
            assert_eq!(decoded.image.size(), size);
        }
        let request = DecodeRequest { page: 7, ..DecodeRequest::default() };
        let error = tiff.decode.unwrap()(&bytes, &request, &limits).unwrap_err();
        assert!(error.message.contains("no page 8"), "{error}");
    }
    let few = Limits { frames_max: 2, ..Limits::default() };
    assert_eq!(format::header(&file("tiff-pages.tif"), &few).unwrap_err().kind, ErrorKind::Limit);
}

#[test]
fn what_a_tiff_says_beside_its_pixels_is_read() {
    let header = format::header(&file("tiff-orientation-6.tif"), &Limits::default()).unwrap();
    assert_eq!(header.orientation, Orientation::Rotate90);
    assert_eq!(header.upright_size(), Size::new(75, 59));
    let metadata = decode("tiff-orientation-6.tif").image.metadata;
    assert_eq!(metadata.dpi, Some((300.0, 150.0)));
    let exif = metadata.exif.unwrap();
    assert!(exif.windows(9).any(|part| part == b"Ann Other"));
    assert!(exif.windows(4).any(|part| part == b"hers"));
}

const CHANNELS: [Channels; 4] =
    [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];

fn encode(image: &Image, output: &Output) -> Vec<u8> {
    format::by_name("tiff").unwrap().encode.unwrap()(image, output).unwrap()
}

#[test]
fn every_bit_is_kept() {
    let tiff = format::by_name("tiff").unwrap();
    for channels in CHANNELS {
        for size in [Size::new(1, 1), Size::new(7, 3), Size::new(300, 301)] {
            for effort in [None, Some(0), Some(9)] {
                let output = Output { effort, ..Output::default() };
                let narrow = photo(size, channels);
                let bytes = encode(&Image::still(Pixels::U8(narrow.clone())), &output);
                let request = DecodeRequest::default();
                let read = |bytes: &[u8]| {
                    tiff.decode.unwrap()(bytes, &request, &Limits::default()).unwrap().image
                };
                let Pixels::U8(back) = &read(&bytes).frames[0].pixels else { panic!("8 bits") };
                assert!(*back == narrow);
                let wide: Vec<u16> =
                    narrow.samples().iter().map(|v| u16::from(*v) * 251 + 3).collect();
                let wide = Packed::new(size, channels, wide);
                let bytes = encode(&Image::still(Pixels::U16(wide.clone())), &output);
                let Pixels::U16(back) = &read(&bytes).frames[0].pixels else { panic!("16 bits") };
                assert!(*back == wide);
                let header = format::header(&bytes, &Limits::default()).unwrap();
                assert_eq!((header.bit_depth, header.has_alpha), (16, channels.has_alpha()));
            }
        }
    }
}

#[test]
fn metadata_and_profile_are_kept() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let image = Image {
        color: ColorSpace::Icc(icc.into()),
        metadata: Metadata {
            exif: Some(b"MM\0*\0\0\0\x08\0\x01\x01\x3B\0\x02\0\0\0\x04Ann\0\0\0\0\0".to_vec()),
            xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
            dpi: Some((300.0, 72.5)),
            ..Metadata::default()
        },
        ..Image::still(Pixels::U8(photo(Size::new(31, 9), Channels::Rgb)))
    };
    let bytes = encode(&image, &Output::default());
    let decode = format::by_name("tiff").unwrap().decode.unwrap();
    let back = decode(&bytes, &DecodeRequest::default(), &Limits::default()).unwrap().image;
    assert_eq!(back.color, image.color);
    assert_eq!(back.metadata, image.metadata);
}

fn convert(name: &str, output: serde_json::Value) -> imaging::Report {
    let request = serde_json::json!({ "output": output });
    let (_, plan) = Plan::parse("convert", &request, &Limits::default()).unwrap();
    imaging::run(&plan, Input::alone(name, &file(name)), &Limits::default(), &()).unwrap()
}

#[test]
fn pages_that_are_chosen_come_alone() {
    for (format, pages, count) in [("png", "2-3", 2), ("png", "3", 1), ("tiff", "2,3", 1)] {
        let request = serde_json::json!({"output_format": format, "pages": pages});
        let report = convert("tiff-pages.tif", request);
        assert_eq!(report.outputs.len(), count, "{format} {pages}");
    }
    let request = serde_json::json!({"output_format": "png", "pages": "2"});
    let second = convert("tiff-pages.tif", request);
    let all = convert("tiff-pages.tif", serde_json::json!({"output_format": "png"}));
    assert_eq!(second.outputs[0].bytes, all.outputs[1].bytes);
}

#[test]
fn pages_go_into_one_file_and_apart() {
    let together = convert("tiff-pages.tif", serde_json::json!({"output_format": "tiff"}));
    assert_eq!(together.outputs.len(), 1);
    let bytes = &together.outputs[0].bytes;
    assert_eq!(format::header(bytes, &Limits::default()).unwrap().frames, 3);
    let apart = convert("tiff-pages.tif", serde_json::json!({"output_format": "png"}));
    assert_eq!(apart.outputs.len(), 3);
    let (_, expected) = decode_png("reference.png");
    let seen = crate::pictures::decode(&apart.outputs[0].bytes);
    assert_eq!(rgba(&seen), expected);
}

#[test]
fn sixteen_bits_stay_sixteen() {
    let report = convert("tiff-16-plain.tif", serde_json::json!({"output_format": "png"}));
    let Pixels::U16(png) = crate::pictures::decode_any(&report.outputs[0].bytes) else {
        panic!("16 bits")
    };
    let Pixels::U16(tiff) = decode("tiff-16-plain.tif").image.frames[0].pixels.clone() else {
        panic!("16 bits")
    };
    assert_eq!(png.samples(), tiff.samples());
}

/// A little-endian file with one directory at its start.
fn tiff(fields: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

const SOUND: [(u16, u16, u32, u32); 8] = [
    (256, 4, 1, 4),
    (257, 4, 1, 4),
    (258, 3, 1, 8),
    (259, 3, 1, 1),
    (262, 3, 1, 1),
    (273, 4, 1, 110),
    (278, 4, 1, 4),
    (279, 4, 1, 16),
];

#[track_caller]
fn refused(change: &[(u16, u32)], next: u32, kind: ErrorKind, part: &str) {
    let mut fields = SOUND.to_vec();
    for (tag, value) in change {
        match fields.iter_mut().find(|field| field.0 == *tag) {
            Some(field) => field.3 = *value,
            None => fields.push((*tag, 4, 1, *value)),
        }
    }
    let mut bytes = tiff(&fields, next);
    bytes.resize(bytes.len() + 16, 7);
    let decode = format::by_name("tiff").unwrap().decode.unwrap();
    let limits = Limits::default();
    let error = format::header(&bytes, &limits)
        .and_then(|_| decode(&bytes, &DecodeRequest::default(), &limits))
        .unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(part), "{error}");
}

#[test]
fn what_cannot_be_read_says_why() {
    refused(&[(259, 34_712)], 0, ErrorKind::Unsupported, "34712 (JPEG 2000) is not supported");
    refused(&[(259, 9999)], 0, ErrorKind::Unsupported, "compression 9999");
    refused(&[(262, 32_803)], 0, ErrorKind::Unsupported, "no JPEG preview");
    refused(&[(262, 32_845)], 0, ErrorKind::Unsupported, "interpretation 32845");
    refused(&[(258, 24)], 0, ErrorKind::Unsupported, "24 bits");
    refused(&[(339, 6)], 0, ErrorKind::Unsupported, "complex");
    refused(&[(256, 100_000), (257, 100_000)], 0, ErrorKind::Limit, "100000×100000");
    refused(&[(256, 0)], 0, ErrorKind::Input, "no pixels");
    refused(&[(256, 40)], 0, ErrorKind::Input, "ends early");
    refused(&[(273, 5_000_000)], 0, ErrorKind::Input, "ends early");
    refused(&[], 8, ErrorKind::Input, "circle");
    refused(&[], 5_000_000, ErrorKind::Input, "ends early");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    // Tiles that hang far over the image.
    let fields = [
        (256, 4, 1, 1),
        (257, 4, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 8),
        (262, 3, 1, 1),
        (322, 4, 1, 4_000_000_000),
        (323, 4, 1, 4_000_000_000),
        (324, 4, 1, 0),
        (325, 4, 1, 16),
    ];
    let bytes = tiff(&fields, 0);
    let decode = format::by_name("tiff").unwrap().decode.unwrap();
    let error = decode(&bytes, &DecodeRequest::default(), &Limits::default()).unwrap_err();
    assert_eq!((error.kind, error.message.contains("tiles")), (ErrorKind::Limit, true), "{error}");
}

//! What is written is read back, and files of every kind look right.

use std::fs;
use std::path::Path;

use imaging::format::{self, DecodeRequest, Decoded};
use imaging::image::{Channels, ColorSpace, Packed, Pixels, Planar};
use imaging::metadata::Metadata;
use imaging::output::{ChromaSubsampling, Output};
use imaging::{Image, Limits, Size};

/// The files of `tests/inputs`, by name.
pub(crate) fn inputs() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != "md"));
    paths.sort();
    assert!(!paths.is_empty());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// One of them.
pub(crate) fn file(name: &str) -> Vec<u8> {
    inputs().into_iter().find(|(file, _)| file == name).unwrap_or_else(|| panic!("{name}")).1
}

/// Soft gradients with an edge, in any channels: easy for lossy formats, not flat.
pub(crate) fn photo(size: Size, channels: Channels) -> Packed<u8> {
    let pixel = |x: u32, y: u32| {
        let (u, v) = (x * 255 / size.width.max(1), y * 255 / size.height.max(1));
        let edge = if x > size.width / 2 { 60 } else { 0 };
        [
            (u * 3 / 4 + edge) as u8,
            (v * 3 / 4 + 30) as u8,
            (255 - u / 2 - v / 3) as u8,
            (255 - v) as u8,
        ]
    };
    let samples = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let samples = samples.flat_map(|(x, y)| {
        let [r, g, b, a] = pixel(x, y);
        match channels {
            Channels::Gray => vec![g],
            Channels::GrayAlpha => vec![g, a],
            Channels::Rgb => vec![r, g, b],
            Channels::Rgba => vec![r, g, b, a],
        }
    });
    Packed::new(size, channels, samples.collect())
}

pub(crate) fn encode(name: &str, image: &Image, output: &Output) -> Vec<u8> {
    format::by_name(name).unwrap().encode.unwrap()(image, output).unwrap()
}

pub(crate) fn decode_with(bytes: &[u8], request: DecodeRequest) -> Decoded {
    let format = format::sniff(bytes).unwrap();
    format.decode.unwrap()(bytes, &request, &Limits::default()).unwrap()
}

pub(crate) fn decode(bytes: &[u8]) -> Image {
    decode_with(bytes, DecodeRequest::default()).image
}

pub(crate) fn u8s(image: &Image) -> &Packed<u8> {
    match &image.frames[0].pixels {
        Pixels::U8(packed) => packed,
        other => panic!("{other:?}"),
    }
}

/// Peak signal to noise in decibels.
pub(crate) fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
    let error = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / error.max(1e-9)).log10()
}

pub(crate) const CHANNELS: [Channels; 4] =
    [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];
pub(crate) const SIZES: [Size; 4] =
    [Size::new(1, 1), Size::new(7, 3), Size::new(64, 48), Size::new(35, 61)];

#[test]
fn png_keeps_every_bit() {
    for channels in CHANNELS {
        for size in SIZES {
            for effort in [None, Some(6), Some(10)] {
                let output = Output { effort, ..Output::default() };
                let narrow = photo(size, channels);
                let png = encode("png", &Image::still(Pixels::U8(narrow.clone())), &output);
                check_same(&decode(&png), &narrow);
                let wide: Vec<u16> =
                    narrow.samples().iter().map(|v| u16::from(*v) * 251 + 3).collect();
                let wide = Packed::new(size, channels, wide);
                let png = encode("png", &Image::still(Pixels::U16(wide.clone())), &output);
                let Pixels::U16(back) = &decode(&png).frames[0].pixels else { panic!("16 bits") };
                assert_eq!(back.samples(), wide.samples());
            }
        }
    }
}

/// A decoder may leave out what says nothing, so pixels are compared, not samples.
#[track_caller]
pub(crate) fn check_same(image: &Image, expected: &Packed<u8>) {
    assert_eq!(rgba(u8s(image)), rgba(expected));
}

pub(crate) fn rgba(packed: &Packed<u8>) -> Vec<[u8; 4]> {
    let pixels = packed.samples().chunks_exact(packed.channels().count());
    pixels
        .map(|pixel| match *pixel {
            [g] => [g, g, g, 255],
            [g, a] => [g, g, g, a],
            [r, g, b] => [r, g, b, 255],
            [r, g, b, a] => [r, g, b, a],
            _ => panic!("1 to 4 channels"),
        })
        .collect()
}

/// The pixels of an image as RGBA of 8 bits, whatever it holds.
pub(crate) fn rgba_of(image: &Image) -> Vec<[u8; 4]> {
    match &image.frames[0].pixels {
        Pixels::U16(wide) => {
            let narrow = |sample: &u16| ((u32::from(*sample) * 255 + 32_767) / 65_535) as u8;
            let samples = wide.samples().iter().map(narrow).collect();
            rgba(&Packed::new(wide.size(), wide.channels(), samples))
        }
        _ => rgba(u8s(image)),
    }
}

#[test]
fn lossless_files_keep_every_bit() {
    for channels in CHANNELS {
        for (name, size) in SIZES.iter().flat_map(|size| [("webp", *size), ("avif", *size)]) {
            let pixels = photo(size, channels);
            let output = Output { lossless: Some(true), ..Output::default() };
            let bytes = encode(name, &Image::still(Pixels::U8(pixels.clone())), &output);
            check_same(&decode(&bytes), &pixels);
        }
    }
}

#[test]
fn lossy_formats_stay_close() {
    let size = Size::new(96, 71);
    for (name, channels, least) in [
        ("jpg", Channels::Gray, 40.0),
        ("jpg", Channels::Rgb, 33.0),
        ("webp", Channels::Gray, 38.0),
        ("webp", Channels::GrayAlpha, 38.0),
        ("webp", Channels::Rgb, 33.0),
        ("webp", Channels::Rgba, 33.0),
        ("avif", Channels::Gray, 38.0),
        ("avif", Channels::GrayAlpha, 38.0),
        ("avif", Channels::Rgb, 33.0),
        ("avif", Channels::Rgba, 33.0),
    ] {
        let pixels = photo(size, channels);
        let bytes = encode(name, &Image::still(Pixels::U8(pixels.clone())), &Output::default());
        let back = rgba(u8s(&decode(&bytes)));
        let distance = psnr(back.as_flattened(), rgba(&pixels).as_flattened());
        assert!(distance > least, "{name} {channels:?}: {distance} dB");
    }
}

#[test]
fn gray_jpegs_stay_gray() {
    let image = Image::still(Pixels::U8(photo(Size::new(20, 10), Channels::Gray)));
    let jpeg = encode("jpg", &image, &Output::default());
    assert!(format::header(&jpeg, &Limits::default()).unwrap().is_gray);
    for planes in [false, true] {
        let request = DecodeRequest { planes, ..DecodeRequest::default() };
        assert_eq!(u8s(&decode_with(&jpeg, request).image).channels(), Channels::Gray);
    }
}

fn planar(decoded: &Decoded) -> &Planar {
    match &decoded.image.frames[0].pixels {
        Pixels::Ycc(planar) => planar,
        other => panic!("{other:?}"),
    }
}

#[test]
fn planes_go_through_without_a_detour() {
    let pixels = photo(Size::new(75, 49), Channels::Rgb);
    for (quality, factors) in [(85, (2, 2)), (95, (1, 1))] {
        let output = Output { quality: Some(quality), ..Output::default() };
        let jpeg = encode("jpg", &Image::still(Pixels::U8(pixels.clone())), &output);
        let request = DecodeRequest { planes: true, ..DecodeRequest::default() };
        let decoded = decode_with(&jpeg, request);
        assert_eq!(planar(&decoded).subsampling, factors);
        for name in ["jpg", "webp", "avif"] {
            let bytes = encode(name, &decoded.image, &output);
            let back = decode(&bytes);
            let distance = psnr(u8s(&back).samples(), pixels.samples());
            assert!(distance > 31.0, "{name} {quality}: {distance} dB");
        }
    }
}

#[test]
fn the_scale_is_the_smallest_that_is_allowed() {
    let image = Image::still(Pixels::U8(photo(Size::new(101, 67), Channels::Rgb)));
    let jpeg = encode("jpg", &image, &Output::default());
    // As pixels by a power of two, as planes by any number of eighths.
    for (scale_min, pixels, planes) in [
        (0.0, (1.0, 101, 67), (1.0, 101, 67)),
        (1.0, (1.0, 101, 67), (1.0, 101, 67)),
        (0.51, (1.0, 101, 67), (0.625, 64, 42)),
        (0.5, (0.5, 51, 34), (0.5, 51, 34)),
        (0.26, (0.5, 51, 34), (0.375, 38, 26)),
        (0.25, (0.25, 26, 17), (0.25, 26, 17)),
        (0.01, (0.125, 13, 9), (0.125, 13, 9)),
    ] {
        for (planes, (scale, width, height)) in [(false, pixels), (true, planes)] {
            let decoded =
                decode_with(&jpeg, DecodeRequest { scale_min, planes, ..DecodeRequest::default() });
            assert_eq!(decoded.scale, scale);
            assert_eq!(decoded.image.size(), Size::new(width, height));
        }
    }
}

#[test]
fn chroma_is_subsampled_as_asked() {
    let image = Image::still(Pixels::U8(photo(Size::new(40, 40), Channels::Rgb)));
    let request = DecodeRequest { planes: true, ..DecodeRequest::default() };
    for (asked, quality, factors) in [
        (None, 80, (2, 2)),
        (None, 90, (1, 1)),
        (Some(ChromaSubsampling::Auto), 95, (1, 1)),
        (Some(ChromaSubsampling::Half), 95, (2, 2)),
        (Some(ChromaSubsampling::Full), 50, (1, 1)),
    ] {
        let output =
            Output { chroma_subsampling: asked, quality: Some(quality), ..Output::default() };
        let first = decode_with(&encode("jpg", &image, &output), request);
        assert_eq!(planar(&first).subsampling, factors);
        // The same from planes that come subsampled the other way.
        let other =
            if factors == (1, 1) { ChromaSubsampling::Half } else { ChromaSubsampling::Full };
        let other = Output { chroma_subsampling: Some(other), ..Output::default() };
        let planes = decode_with(&encode("jpg", &image, &other), request).image;
        let second = decode_with(&encode("jpg", &planes, &output), request);
        let is_pointless = asked != Some(ChromaSubsampling::Full) && factors == (1, 1);
        let expected = if is_pointless { (2, 2) } else { factors };
        assert_eq!(planar(&second).subsampling, expected, "{asked:?} {quality}");
    }
}

#[test]
fn metadata_and_profiles_are_written_and_read_back() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let image = Image {
        color: ColorSpace::Icc(icc.into()),
        metadata: Metadata {
            exif: Some(b"MM\0*\0\0\0\x08\0\x01\x01\x3B\0\x02\0\0\0\x04Ann\0\0\0\0\0".to_vec()),
            xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
            dpi: Some((300.0, 150.0)),
            ..Metadata::default()
        },
        ..Image::still(Pixels::U8(photo(Size::new(31, 9), Channels::Rgb)))
    };
    for name in ["jpg", "png", "webp", "avif"] {
        let back = decode(&encode(name, &image, &Output::default()));
        assert_eq!(back.color, image.color, "{name}");
        assert_eq!(back.metadata.exif, image.metadata.exif, "{name}");
        assert_eq!(back.metadata.xmp, image.metadata.xmp, "{name}");
        let Some((x, y)) = back.metadata.dpi else {
            assert!(matches!(name, "webp" | "avif"), "{name} has a place for it beside Exif");
            continue;
        };
        assert!((x - 300.0).abs() < 0.1 && (y - 150.0).abs() < 0.1, "{name}: {x} {y}");
    }
}

#[test]
fn sixteen_bits_are_rounded_for_formats_of_eight() {
    let narrow = photo(Size::new(24, 24), Channels::Rgb);
    let wide: Vec<u16> =
        narrow.samples().iter().map(|v| (u16::from(*v) * 257).saturating_add(100)).collect();
    let wide = Image::still(Pixels::U16(Packed::new(narrow.size(), Channels::Rgb, wide)));
    let narrow = Image::still(Pixels::U8(narrow));
    let lossless = Output { lossless: Some(true), bit_depth: Some(8), ..Output::default() };
    for name in ["jpg", "png", "webp", "avif"] {
        let (a, b) = (encode(name, &wide, &lossless), encode(name, &narrow, &lossless));
        assert_eq!(u8s(&decode(&a)).samples(), u8s(&decode(&b)).samples(), "{name}");
    }
    let deep = Output { bit_depth: Some(16), ..Output::default() };
    assert_eq!(decode(&encode("png", &narrow, &deep)).frames[0].pixels.bit_depth(), 16);
}

#[test]
fn an_original_that_cannot_be_made_smaller_is_passed_through_without_its_metadata() {
    use imaging::{Input, Plan};
    for name in ["photo-gray.jpg", "palette.png", "photo.webp"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(name);
        let file = std::fs::read(path).unwrap();
        let request = serde_json::json!({"operation": "compress", "options": {"quality": 100}});
        let (_, plan) = Plan::parse("optimize", &request, &Limits::default()).unwrap();
        let input = Input::alone(name, &file);
        let report = imaging::run(&plan, input, &Limits::default(), &()).unwrap();
        let output = &report.outputs[0];
        assert!(output.bytes.len() <= file.len(), "{name} grew to {}", output.bytes.len());
        let pixels = crate::pictures::decode_any(&output.bytes);
        let original = crate::pictures::decode_any(&file);
        if report.warnings.iter().any(|warning| warning.code == "original_kept") {
            assert_eq!(output.encode_generations, 0);
            assert_eq!(format!("{pixels:?}"), format!("{original:?}"));
        }
    }
}

#[test]
fn compressing_makes_no_file_larger() {
    use imaging::{Input, Plan};
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    let request = serde_json::json!({"operation": "compress"});
    let (_, plan) = Plan::parse("optimize", &request, &Limits::default()).unwrap();
    let mut passed = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(file) = std::fs::read(&path) else { continue };
        // What cannot be read or written is not what this is about.
        let input = Input::alone(&name, &file);
        let Ok(report) = imaging::run(&plan, input, &Limits::default(), &()) else { continue };
        let [output] = report.outputs.as_slice() else { continue };
        let same = format::header(&file, &Limits::default())
            .is_ok_and(|own| own.format.name == output.format);
        let told = report.warnings.iter().any(|warning| warning.code == "larger");
        if !same || told {
            continue;
        }
        passed += 1;
        assert!(output.bytes.len() <= file.len(), "{name} grew to {}", output.bytes.len());
    }
    assert!(passed > 20, "{passed}");
}

#[test]
fn what_is_passed_through_lies_as_it_lay() {
    use imaging::{Input, Plan};
    let picture = crate::pictures::portrait();
    let low = Output { quality: Some(20), ..Output::default() };
    for name in ["jpg", "webp"] {
        let upright = encode(name, &Image::still(Pixels::U8(picture.clone())), &low);
        let format = imaging::FORMATS.iter().find(|format| format.name == name).unwrap();
        let turned = imaging::metadata::Metadata::default()
            .oriented(imaging::metadata::Orientation::Rotate90);
        let file = format.rewrite.unwrap()(&upright, &turned).unwrap();
        let request = serde_json::json!({"operation": "compress"});
        let (_, plan) = Plan::parse("optimize", &request, &Limits::default()).unwrap();
        let input = Input::alone("turned", &file);
        let report = imaging::run(&plan, input, &Limits::default(), &()).unwrap();
        let output = &report.outputs[0];
        assert_eq!(output.encode_generations, 0, "{name}: {:?}", report.warnings);
        let (kept, own) = (
            format::header(&output.bytes, &Limits::default()).unwrap(),
            format::header(&file, &Limits::default()).unwrap(),
        );
        assert_eq!((kept.orientation, kept.size), (own.orientation, own.size), "{name}");
    }
}

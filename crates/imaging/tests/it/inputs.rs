//! Files from other hands look like the picture they were made from.

use imaging::format::{self, DecodeRequest, Decoded};
use imaging::image::{Channels, Packed, Pixels};
use imaging::metadata::Orientation;
use imaging::output::Output;
use imaging::{Header, Limits, Size};

pub(crate) use crate::formats::file;
use crate::formats::{psnr, rgba, u8s};

pub(crate) fn header(name: &str) -> Header {
    format::header(&file(name), &Limits::default()).unwrap()
}

pub(crate) fn decode(name: &str, planes: bool) -> Decoded {
    let bytes = file(name);
    let request = DecodeRequest { planes, ..DecodeRequest::default() };
    format::sniff(&bytes).unwrap().decode.unwrap()(&bytes, &request, &Limits::default()).unwrap()
}

/// The pixels of a file as RGBA, whatever it holds.
pub(crate) fn pixels(name: &str) -> Vec<[u8; 4]> {
    rgba(u8s(&decode(name, false).image))
}

/// The distance from the picture that the files were made from, in decibels.
pub(crate) fn distance(pixels: &[[u8; 4]]) -> f64 {
    psnr(pixels.as_flattened(), self::pixels("reference.png").as_flattened())
}

#[test]
fn every_subsampling_looks_right() {
    for (name, factors, least) in [
        ("photo-444.jpg", Some((1, 1)), 34.0),
        ("photo-422.jpg", Some((2, 1)), 31.0),
        ("photo-420.jpg", Some((2, 2)), 31.0),
        ("photo-440.jpg", Some((1, 2)), 31.0),
        ("photo-411.jpg", Some((4, 1)), 29.0),
        ("photo-410.jpg", None, 28.0),
        ("photo-progressive.jpg", Some((2, 2)), 31.0),
    ] {
        let packed = distance(&pixels(name));
        assert!(packed > least, "{name}: {packed} dB");
        let decoded = decode(name, true);
        let seen = match &decoded.image.frames[0].pixels {
            Pixels::Ycc(planar) => Some(planar.subsampling),
            _ => None,
        };
        assert_eq!(seen, factors, "{name}");
        let output = Output { quality: Some(95), ..Output::default() };
        for format in ["jpg", "webp"] {
            let encode = format::by_name(format).unwrap().encode.unwrap();
            let bytes = encode(&decoded.image, &output).unwrap();
            let decode = format::by_name(format).unwrap().decode.unwrap();
            let back = decode(&bytes, &DecodeRequest::default(), &Limits::default()).unwrap();
            let through = distance(&rgba(u8s(&back.image)));
            assert!(through > 28.0, "{name} through planes to {format}: {through} dB");
        }
    }
}

#[test]
fn gray_is_the_luma_of_the_picture() {
    let gray = decode("photo-gray.jpg", false);
    assert_eq!(u8s(&gray.image).channels(), Channels::Gray);
    let luma: Vec<u8> = pixels("reference.png")
        .iter()
        .map(|[r, g, b, _]| {
            (0.299 * f32::from(*r) + 0.587 * f32::from(*g) + 0.114 * f32::from(*b)) as u8
        })
        .collect();
    assert!(psnr(u8s(&gray.image).samples(), &luma) > 25.0);
}

#[test]
fn inks_look_like_the_picture_whether_inverted_or_not() {
    let (adobe, plain) = (pixels("inks-adobe.jpg"), pixels("inks-plain.jpg"));
    assert!(psnr(adobe.as_flattened(), plain.as_flattened()) > 35.0);
    assert!(distance(&adobe) > 18.0, "{} dB", distance(&adobe));
}

/// The pixels turned as the orientation asks: transposed, then mirrored.
fn upright(packed: &Packed<u8>, orientation: Orientation) -> (Size, Vec<[u8; 4]>) {
    let (transpose, mirror_x, mirror_y) = orientation.parts();
    let stored = rgba(packed);
    let size = if transpose { packed.size().transposed() } else { packed.size() };
    let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let turned = places.map(|(x, y)| {
        let x = if mirror_x { size.width - 1 - x } else { x };
        let y = if mirror_y { size.height - 1 - y } else { y };
        let (x, y) = if transpose { (y, x) } else { (x, y) };
        stored[(y * packed.size().width + x) as usize]
    });
    (size, turned.collect())
}

#[test]
fn all_eight_orientations_come_upright() {
    let all = (1..=8).flat_map(|number| [(number, "jpg"), (number, "avif")]);
    for (number, extension) in all.chain([(6, "jxl")]) {
        let name = format!("orientation-{number}.{extension}");
        let header = header(&name);
        assert_eq!(header.orientation as u32, number);
        assert_eq!(header.upright_size(), Size::new(48, 32));
        let decoded = decode(&name, false);
        let (size, turned) = upright(u8s(&decoded.image), header.orientation);
        assert_eq!(size, Size::new(48, 32));
        let at = |x: usize, y: usize| turned[y * 48 + x];
        let close = |seen: [u8; 4], [r, g, b]: [u8; 3]| {
            seen.iter().zip([r, g, b]).all(|(seen, expected)| seen.abs_diff(expected) < 30)
        };
        assert!(close(at(8, 6), [220, 40, 40]), "{name}: red above left");
        assert!(close(at(40, 6), [40, 180, 60]), "{name}: green above right");
        assert!(close(at(8, 26), [40, 80, 220]), "{name}: blue below left");
        assert!(close(at(40, 26), [230, 200, 40]), "{name}: yellow below right");
    }
}

#[test]
fn every_kind_of_png_is_read() {
    for (name, bits, gray, alpha, channels, least) in [
        ("palette.png", 8, false, false, Channels::Rgb, 28.0),
        ("palette-transparent.png", 4, false, true, Channels::Rgba, 0.0),
        ("one-bit.png", 1, true, false, Channels::Gray, 0.0),
        ("two-bit-gray.png", 2, true, false, Channels::Gray, 0.0),
        ("gray-alpha.png", 8, true, true, Channels::GrayAlpha, 0.0),
        ("interlaced.png", 8, false, false, Channels::Rgb, 99.0),
        ("one-color-transparent.png", 8, false, true, Channels::Rgba, 0.0),
    ] {
        let header = header(name);
        assert_eq!(
            (header.bit_depth, header.is_gray, header.has_alpha),
            (bits, gray, alpha),
            "{name}"
        );
        let decoded = decode(name, true);
        assert_eq!(u8s(&decoded.image).channels(), channels, "{name}");
        if least > 0.0 {
            assert!(distance(&pixels(name)) > least, "{name}: {} dB", distance(&pixels(name)));
        }
    }
    let deep = decode("sixteen-bit.png", false);
    assert_eq!(deep.image.frames[0].pixels.bit_depth(), 16);
    let clear = pixels("one-color-transparent.png");
    assert_eq!(clear[0], [1, 2, 3, 0]);
    assert!(clear[1..].iter().all(|pixel| pixel[3] == 255));
}

#[test]
fn webp_from_another_encoder_looks_right() {
    assert!(distance(&pixels("photo.webp")) > 30.0);
    assert!(distance(&pixels("lossless.webp")) > 99.0);
    let alpha = pixels("alpha.webp");
    assert!(header("alpha.webp").has_alpha);
    let (above, below) = (alpha[10][3], alpha[alpha.len() - 10][3]);
    assert!(above < 20 && below > 235, "{above} {below}");
}

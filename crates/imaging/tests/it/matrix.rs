//! Every format that is read, in every orientation, with and without alpha and color, in every
//! depth, to every format that is written: the pixels are looked at, not only the size.

use imaging::format::{self, FORMATS};
use imaging::image::{Channels, Packed, Pixels};
use imaging::metadata::{Metadata, Orientation};
use imaging::output::Output;
use imaging::{Format, Image, Input, Limits, Plan, Size};
use rayon::prelude::*;
use serde_json::json;

use crate::formats::{inputs, photo, psnr, rgba};
use crate::pictures::decode_any;

const SIZE: Size = Size::new(40, 26);
const CHANNELS: [Channels; 4] =
    [Channels::Rgb, Channels::Rgba, Channels::Gray, Channels::GrayAlpha];

/// A file to start from, and the picture that it shows when it lies upright.
struct Case {
    name: String,
    file: Vec<u8>,
    size: Size,
    upright: Vec<[u8; 4]>,
    is_lossy: bool,
}

/// An Exif block that holds an orientation and nothing else.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

fn encoded(format: &Format, channels: Channels, bits: u8, orientation: u8) -> Option<Vec<u8>> {
    let narrow = photo(SIZE, channels);
    let pixels = match bits {
        8 => Pixels::U8(narrow),
        _ => {
            let wide = narrow.samples().iter().map(|sample| u16::from(*sample) * 257);
            Pixels::U16(Packed::new(SIZE, channels, wide.collect()))
        }
    };
    let mut image = Image::still(pixels);
    if orientation != 1 {
        image.metadata = Metadata { exif: Some(exif(orientation)), ..Metadata::default() };
    }
    let output = Output { quality: Some(95), ..Output::default() };
    let file = format.encode?(&image, &output)
        .unwrap_or_else(|error| panic!("{} {channels:?} of {bits} bits: {error}", format.name));
    let header = format::header(&file, &Limits::default()).unwrap();
    (header.orientation == Orientation::from_exif(orientation.into())).then_some(file)
}

/// The picture as the orientation lays it down, pixel by pixel.
fn laid_upright(orientation: u8, pixels: &[[u8; 4]]) -> (Size, Vec<[u8; 4]>) {
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let size = if orientation >= 5 { SIZE.transposed() } else { SIZE };
    let from = |x: usize, y: usize| match orientation {
        1 => (x, y),
        2 => (width - 1 - x, y),
        3 => (width - 1 - x, height - 1 - y),
        4 => (x, height - 1 - y),
        5 => (y, x),
        6 => (y, height - 1 - x),
        7 => (width - 1 - y, height - 1 - x),
        _ => (width - 1 - y, x),
    };
    let places = (0..size.height as usize)
        .flat_map(|y| (0..size.width as usize).map(move |x| (x, y)))
        .map(|(x, y)| from(x, y));
    (size, places.map(|(x, y)| pixels[y * width + x]).collect())
}

fn cases() -> Vec<Case> {
    let readable = FORMATS.iter().copied().filter(|format| format.decode.is_some());
    readable.flat_map(cases_of).collect()
}

fn cases_of(format: &'static Format) -> impl Iterator<Item = Case> {
    let channels = CHANNELS.into_iter().filter(|c| format.alpha || !c.has_alpha());
    let depths = [8, 16].into_iter().filter(|bits| *bits <= format.bit_depth_max());
    let kinds = channels.flat_map(move |c| depths.clone().map(move |bits| (c, bits)));
    let all = kinds.flat_map(|(c, bits)| (1..=8).map(move |orientation| (c, bits, orientation)));
    all.filter_map(move |(channels, bits, orientation)| {
        let file = encoded(format, channels, bits, orientation)?;
        let picture = held(format, &rgba(&photo(SIZE, channels)));
        let (size, upright) = laid_upright(orientation, &picture);
        let name = format!("{} {channels:?} {bits} o{orientation}", format.name);
        Some(Case { name, file, size, upright, is_lossy: (format.is_lossy)(&Output::default()) })
    })
}

/// The pixels as a format can hold them: in a GIF one is there or not, a PDF shows its paper.
fn held(format: &Format, pixels: &[[u8; 4]]) -> Vec<[u8; 4]> {
    if format.name == "pdf" {
        return pixels.iter().copied().map(over_white).collect();
    }
    let alpha = |alpha: u8| match format.name {
        "gif" if alpha < 128 => 0,
        "gif" => 255,
        _ => alpha,
    };
    pixels.iter().map(|[r, g, b, a]| [*r, *g, *b, alpha(*a)]).collect()
}

fn over_white([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    let over =
        |v: u8| ((u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8;
    [over(r), over(g), over(b), 255]
}

fn writable() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().copied().filter(|format| format.encode.is_some() && format.decode.is_some())
}

/// What cannot be seen does not count: a color counts as much as it covers.
fn seen(pixels: &[[u8; 4]]) -> Vec<[u8; 4]> {
    let covered = |value: u8, alpha: u8| ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8;
    pixels.iter().map(|&[r, g, b, a]| [covered(r, a), covered(g, a), covered(b, a), a]).collect()
}

/// The middle of a picture: some formats put it onto a larger canvas.
fn middle(packed: &Packed<u8>, size: Size) -> Vec<[u8; 4]> {
    let all = rgba(packed);
    let (width, height) = (packed.size().width, packed.size().height);
    assert!(width >= size.width && height >= size.height, "{} holds {size}", packed.size());
    let (left, top) = ((width - size.width) / 2, (height - size.height) / 2);
    let row = |y: u32| {
        let start = ((top + y) * width + left) as usize;
        all[start..start + size.width as usize].to_vec()
    };
    (0..size.height).flat_map(row).collect()
}

fn narrowed(pixels: Pixels) -> Packed<u8> {
    match pixels.into_packed().unwrap() {
        Pixels::U8(packed) => packed,
        Pixels::U16(packed) => {
            let samples = packed.samples().iter().map(|v| ((u32::from(*v) + 128) / 257) as u8);
            Packed::new(packed.size(), packed.channels(), samples.collect())
        }
        Pixels::Ycc(_) => unreachable!("packed pixels are no planes"),
    }
}

/// A file as another format, in sRGB.
#[track_caller]
fn converted(name: &str, file: &[u8], format: &str) -> Vec<u8> {
    let request = json!({ "output_format": format, "output": { "quality": 95, "icc": "srgb" } });
    let (_, plan) = Plan::parse("convert", &request, &Limits::default()).unwrap();
    let report = imaging::run(&plan, Input::alone("in", file), &Limits::default(), &())
        .unwrap_or_else(|error| panic!("{name} to {format}: {error}"));
    let [output] = <[_; 1]>::try_from(report.outputs).expect("one result");
    output.bytes
}

#[track_caller]
fn check(case: &Case, format: &Format) {
    let file = converted(&case.name, &case.file, format.name);
    let decoded = narrowed(decode_any(&file));
    let expected: Vec<[u8; 4]> = match format.alpha {
        true => held(format, &case.upright),
        false => case.upright.iter().copied().map(over_white).collect(),
    };
    let (ours, expected) = (seen(&middle(&decoded, case.size)), seen(&expected));
    let lossy = case.is_lossy || (format.is_lossy)(&Output::default());
    let distance = psnr(ours.as_flattened(), expected.as_flattened());
    let least = if lossy { 27.0 } else { 48.0 };
    assert!(distance > least, "{} to {}: {distance:.1} dB", case.name, format.name);
    let header = format::header(&file, &Limits::default()).unwrap();
    assert_eq!(header.orientation, Orientation::Normal, "{} to {}", case.name, format.name);
}

#[test]
fn every_format_becomes_every_other_and_looks_the_same() {
    let cases = cases();
    assert!(cases.len() > 40 && writable().count() > 2, "{} cases", cases.len());
    for case in &cases {
        for format in writable() {
            check(case, format);
        }
    }
}

/// What nobody here writes begins with the files of others. What they look like is tested where
/// they are read: here a PNG of them stands for it.
#[test]
fn every_format_that_is_only_read_becomes_every_other_and_looks_the_same() {
    let files: Vec<(&Format, String, Vec<u8>)> = inputs()
        .into_iter()
        .map(|(name, file)| (format::sniff(&file).unwrap(), name, file))
        .filter(|(format, ..)| format.encode.is_none())
        .collect();
    for format in FORMATS.iter().filter(|f| f.encode.is_none() && f.decode.is_some()) {
        assert!(files.iter().any(|(of, ..)| of.name == format.name), "no {}", format.name);
    }
    files.into_par_iter().for_each(|(_, name, file)| {
        let picture = narrowed(decode_any(&converted(&name, &file, "png")));
        let (size, upright) = (picture.size(), rgba(&picture));
        let case = Case { name, file, size, upright, is_lossy: false };
        for format in writable() {
            // An icon is never larger.
            if format.name != "ico" || size.width.max(size.height) <= 256 {
                check(&case, format);
            }
        }
    });
}

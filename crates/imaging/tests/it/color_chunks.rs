//! What the chunks of a PNG say of its colors, against the formulas of the spaces.

use imaging::image::{Channels, Packed, Pixels};
use imaging::output::Output;
use imaging::{Image, Input, Limits, Plan, Size, format};
use serde_json::json;

use crate::animation::{Animation, write};
use crate::formats::rgba_of;
use crate::hostile::chunk;
use crate::pictures::{decode, noise};

const COLOR: [u8; 3] = [100, 150, 60];
/// 1 / 2.2, as the files of many programs have it.
const USUAL: u32 = 45_455;
/// White, red, green and blue of Display P3.
const P3: [u32; 8] = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000];

fn gamma(value: u32) -> Vec<u8> {
    chunk(b"gAMA", &value.to_be_bytes())
}

fn primaries(points: [u32; 8]) -> Vec<u8> {
    chunk(b"cHRM", &points.map(u32::to_be_bytes).concat())
}

/// The color in sRGB, of a file with these chunks.
fn shown(channels: Channels, chunks: &[Vec<u8>]) -> [u8; 3] {
    let color = &COLOR[..channels.count()];
    let packed = Packed::new(Size::new(4, 4), channels, color.repeat(16));
    let encode = format::by_name("png").unwrap().encode.unwrap();
    let png = encode(&Image::still(Pixels::U8(packed)), &Output::default()).unwrap();
    let (start, rest) = png.split_at(8 + 25);
    let png = [start, &chunks.concat(), rest].concat();
    let request = json!({ "output_format": "png", "output": { "icc": "srgb" } });
    let (_, plan) = Plan::parse("convert", &request, &Limits::default()).unwrap();
    let report = imaging::run(&plan, Input::alone("in.png", &png), &Limits::default(), &());
    let picture = decode(&report.unwrap().outputs[0].bytes).with_channels(Channels::Rgb).unwrap();
    picture.samples()[..3].try_into().unwrap()
}

#[track_caller]
fn check(channels: Channels, chunks: &[Vec<u8>], expected: [f64; 3]) {
    let shown = shown(channels, chunks);
    let is_near = |(a, b): (u8, f64)| (f64::from(a) - b).abs() <= 1.2;
    assert!(shown.into_iter().zip(expected).all(is_near), "{shown:?} for {expected:?}");
}

/// IEC 61966-2-1.
fn from_linear(v: f64) -> f64 {
    let v = v.clamp(0.0, 1.0);
    255.0 * if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

fn to_linear(v: u8) -> f64 {
    let v = f64::from(v) / 255.0;
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

fn from_p3() -> [f64; 3] {
    to_srgb_from_p3(COLOR.map(to_linear))
}

fn to_srgb_from_p3([r, g, b]: [f64; 3]) -> [f64; 3] {
    [
        1.224_94 * r - 0.224_94 * g,
        -0.042_06 * r + 1.042_06 * g,
        -0.019_64 * r - 0.078_64 * g + 1.098_27 * b,
    ]
    .map(from_linear)
}

#[test]
fn gamma_and_primaries_are_obeyed() {
    let linear = COLOR.map(|v| from_linear(f64::from(v) / 255.0));
    check(Channels::Rgb, &[gamma(100_000)], linear);
    check(Channels::Gray, &[gamma(100_000)], [linear[0]; 3]);
    let steep = COLOR.map(|v| from_linear((f64::from(v) / 255.0).powf(1.0 / 0.55)));
    check(Channels::Rgb, &[gamma(55_000)], steep);
    // Not the curve of sRGB: with other primaries than those of sRGB nobody meant that.
    let power = COLOR.map(|v| (f64::from(v) / 255.0).powf(2.2));
    check(Channels::Rgb, &[gamma(USUAL), primaries(P3)], to_srgb_from_p3(power));
    check(Channels::Rgb, &[primaries(P3)], from_p3());
}

#[test]
fn code_points_win_over_gamma() {
    let p3 = chunk(b"cICP", &[12, 13, 0, 1]);
    check(Channels::Rgb, std::slice::from_ref(&p3), from_p3());
    check(Channels::Rgb, &[p3, gamma(100_000)], from_p3());
    // Gray, and what is unknown, says nothing: the next chunk does.
    let linear = COLOR.map(|v| from_linear(f64::from(v) / 255.0));
    let unknown: [&[u8]; 9] = [
        &[2, 2, 0, 1],
        &[200, 200, 0, 1],
        &[200, 16, 0, 1],
        &[3, 13, 0, 1],
        &[1, 200, 0, 0],
        &[1, 13, 1, 1],
        &[1, 13, 0, 2],
        &[9, 16, 0],
        &[9, 16, 0, 1, 1],
    ];
    for points in unknown {
        check(Channels::Rgb, &[chunk(b"cICP", points), gamma(100_000)], linear);
    }
    check(Channels::Gray, &[chunk(b"cICP", &[1, 13, 0, 1]), gamma(100_000)], [linear[0]; 3]);
    let video = COLOR.map(|v| (f64::from(v) - 16.0) * 255.0 / 219.0);
    check(Channels::Rgb, &[chunk(b"cICP", &[1, 13, 0, 0])], video);
    // The peak of PQ is 10,000 cd/m²: what is at 0.4 of it is no longer dark on a usual screen.
    let pq = shown(Channels::Rgb, &[chunk(b"cICP", &[9, 16, 0, 1])]);
    assert!(pq[1] > 150 && pq[2] < 60, "{pq:?}");
}

/// Every frame is brought to a usual screen, as a still picture is.
#[test]
fn code_points_count_for_animations() {
    let lossless = Output { lossless: Some(true), ..Output::default() };
    let plain = write("png", &Animation::moving(Size::new(24, 16), 3), &lossless);
    let (start, rest) = plain.split_at(8 + 25);
    let pq = [start, &chunk(b"cICP", &[9, 16, 0, 1]), rest].concat();
    let frames = |png: &[u8]| {
        let track = format::by_name("png").unwrap().decode_frames.unwrap();
        let limits = Limits::default();
        let frames = track(png, &limits).unwrap().frames;
        frames.map(|frame| rgba_of(&Image::still(frame.unwrap().pixels))).collect::<Vec<_>>()
    };
    let (dark, bright) = (frames(&plain), frames(&pq));
    assert_eq!((dark.len(), bright.len()), (3, 3));
    for (dark, bright) in dark.iter().zip(&bright) {
        // Samples of 150 and more are brighter than white on such a screen.
        let over = |pixel: &&[u8; 4]| pixel[..3].iter().any(|sample| *sample > 150);
        let lit = |pixel: &&[u8; 4]| pixel[..3].iter().any(|sample| *sample > 200);
        let (over, lit) = (dark.iter().filter(over).count(), bright.iter().filter(lit).count());
        assert!(over > 0 && lit >= over, "{lit} of {over}");
    }
}

/// What is smaller because it is in PQ is no file in sRGB.
#[test]
fn high_dynamic_range_passes_only_where_colors_are_kept() {
    let two = noise(Size::new(64, 64), Channels::Gray, 7).into_samples();
    let two = two.into_iter().map(|v| if v < 128 { 0 } else { 200 }).collect();
    let two = Pixels::U8(Packed::new(Size::new(64, 64), Channels::Gray, two));
    let by_palette = Output { palette: Some(2), effort: Some(10), ..Output::default() };
    let png = format::by_name("png").unwrap().encode.unwrap();
    let png = png(&Image::still(two), &by_palette).unwrap();
    let (start, rest) = png.split_at(8 + 25);
    let pq = [start, &chunk(b"cICP", &[9, 16, 0, 1]), rest].concat();
    let (png, avif): (&[u8], &[u8]) = (&pq, include_bytes!("../inputs/pq.avif"));
    let video = [start, &chunk(b"cICP", &[1, 13, 0, 0]), rest].concat();
    // The code points of the AVIF are two bytes each: primaries of BT.2020, PQ.
    for (file, mark, output, passes) in [
        (png, b"cICP", json!({"icc": "keep"}), true),
        (png, b"cICP", json!({"icc": "srgb"}), false),
        (png, b"cICP", json!({"strip_metadata": true}), false),
        (&video, b"cICP", json!({"icc": "keep"}), true),
        (&video, b"cICP", json!({"icc": "srgb"}), false),
        (avif, b"\0\x09\0\x10", json!({"lossless": true}), true),
        (avif, b"\0\x09\0\x10", json!({"lossless": true, "strip_metadata": true}), false),
    ] {
        let request = json!({"operation": "compress", "output": output});
        let (_, plan) = Plan::parse("optimize", &request, &Limits::default()).unwrap();
        let report = imaging::run(&plan, Input::alone("a", file), &Limits::default(), &()).unwrap();
        let told = report.warnings.iter().any(|warning| warning.code == "original_kept");
        let is_hdr = report.outputs[0].bytes.windows(4).any(|window| window == mark);
        assert_eq!((told, is_hdr), (passes, passes), "{request}");
    }
}

/// The first frame that says how many components a JPEG has.
fn components(jpeg: &[u8]) -> u8 {
    let at = jpeg.windows(2).position(|pair| pair[0] == 0xFF && matches!(pair[1], 0xC0..=0xC2));
    jpeg[at.unwrap() + 9]
}

#[test]
fn inks_pass_only_where_colors_are_kept() {
    let file = include_bytes!("../inputs/inks-adobe.jpg");
    let srgb = json!({"quality": 100, "icc": "srgb"});
    for (output, expected) in [(json!({"quality": 100}), 4), (srgb, 3)] {
        let request = json!({"operation": "compress", "output": output});
        let (_, plan) = Plan::parse("optimize", &request, &Limits::default()).unwrap();
        let report = imaging::run(&plan, Input::alone("a", file), &Limits::default(), &()).unwrap();
        assert_eq!(components(&report.outputs[0].bytes), expected, "{request}");
    }
}

#[test]
fn what_means_srgb_or_nothing_changes_no_pixel() {
    let srgb = chunk(b"sRGB", &[0]);
    for chunks in [
        vec![],
        vec![gamma(USUAL)],
        vec![srgb, gamma(100_000), primaries(P3)],
        vec![chunk(b"cICP", &[1, 13, 0, 1])],
        vec![chunk(b"cICP", &[2, 2, 0, 1])],
        vec![primaries([0; 8])],
        vec![primaries([u32::MAX; 8])],
        vec![primaries([31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000])],
        vec![gamma(1)],
    ] {
        assert_eq!(shown(Channels::Rgb, &chunks), COLOR, "{chunks:?}");
    }
}

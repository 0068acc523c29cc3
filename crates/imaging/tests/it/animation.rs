//! Animations: what they show, and that they show it after every way through the engine.

use imaging::format::{self, DecodeRequest, Sequence, Track};
use imaging::image::{Channels, ColorSpace, Frame, Packed, Pixels};
use imaging::metadata::Metadata;
use imaging::output::Output;
use imaging::{Image, Input, Limits, Plan, Report, Size};
use serde_json::{Value, json};

use crate::formats::{psnr, rgba};
use crate::hostile::chunk;
use crate::pictures;

/// What an animation shows, as plain as can be.
pub(crate) struct Animation {
    size: Size,
    loop_count: u32,
    frames: Vec<(Vec<[u8; 4]>, u32)>,
}

impl Animation {
    /// A square that moves over stripes, and a hole that moves the other way. Parts are transparent
    /// throughout, and there are few colors.
    pub(crate) fn moving(size: Size, count: u32) -> Self {
        let Size { width, height } = size;
        let side = height / 3;
        let delays = [40, 0, 10, 70, 130, 20, 250];
        let pixel = |x: u32, y: u32, i: u32| {
            let inside =
                |left: u32, top: u32| x.wrapping_sub(left) < side && y.wrapping_sub(top) < side;
            if inside(i * 3, height / 4) {
                return [220, 30 + i as u8 * 9, 60, 255];
            }
            let is_hole = inside((width - side).saturating_sub(i * 2), height / 2);
            if is_hole || x + y < side {
                return [0; 4];
            }
            [(x / 4 * 10) as u8, 160, (y / 4 * 12) as u8, 255]
        };
        let frames = (0..count).map(|i| {
            let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            let pixels = places.map(|(x, y)| pixel(x, y, i)).collect();
            (pixels, delays[i as usize % delays.len()])
        });
        Self { size, loop_count: 0, frames: frames.collect() }
    }

    /// As they are after files of these formats: JPEG XL shows nothing for less than 9 ms, and a
    /// GIF counts in hundredths.
    fn delays(&self, what: &str) -> Vec<u32> {
        let least = match (what.contains("jxl"), what.contains("gif")) {
            (true, true) => 10,
            (true, false) => 9,
            (false, _) => 0,
        };
        self.frames.iter().map(|(_, delay)| least.max(*delay)).collect()
    }

    fn frame(&self, index: usize) -> Packed<u8> {
        Packed::new(self.size, Channels::Rgba, self.frames[index].0.as_flattened().to_vec())
    }
}

/// A file of an animation.
pub(crate) fn write(format: &str, animation: &Animation, output: &Output) -> Vec<u8> {
    let frames = (0..animation.frames.len()).map(|index| {
        let pixels = Pixels::U8(animation.frame(index));
        Ok(Frame { pixels, delay_ms: animation.frames[index].1 })
    });
    let track = Track {
        size: animation.size,
        count: animation.frames.len() as u32,
        loop_count: animation.loop_count,
        color: ColorSpace::Srgb,
        metadata: Metadata::default(),
        frames: Box::new(frames),
    };
    format::by_name(format).unwrap().encode_frames.unwrap()(track, output).unwrap()
}

/// What a file shows.
fn read(file: &[u8]) -> Animation {
    let limits = Limits::default();
    let header = format::header(file, &limits).unwrap();
    let track = header.format.decode_frames.unwrap()(file, &limits).unwrap();
    assert_eq!((track.size, track.count), (header.size, header.frames));
    let (size, loop_count) = (track.size, track.loop_count);
    let frames: Vec<_> = track
        .frames
        .map(|frame| {
            let Frame { pixels, delay_ms } = frame.unwrap();
            let Pixels::U8(packed) = pixels else { panic!("8 bits") };
            assert!(matches!(packed.channels(), Channels::Rgb | Channels::Rgba));
            let has_alpha = packed.channels() == Channels::Rgba;
            assert!(header.has_alpha || !has_alpha, "the header knows of alpha");
            (rgba(&packed), delay_ms)
        })
        .collect();
    assert_eq!(frames.len(), header.frames as usize);
    Animation { size, loop_count, frames }
}

/// The colors of pixels that are not seen do not count.
fn seen(pixels: &[[u8; 4]]) -> Vec<[u8; 4]> {
    pixels.iter().map(|pixel| if pixel[3] == 0 { [0; 4] } else { *pixel }).collect()
}

#[track_caller]
fn check_same(read: &Animation, expected: &Animation, what: &str) {
    assert_eq!(read.size, expected.size, "{what}");
    assert_eq!(read.delays(what), expected.delays(what), "{what}");
    assert_eq!(read.loop_count, expected.loop_count, "{what}");
    for (index, (frame, other)) in read.frames.iter().zip(&expected.frames).enumerate() {
        assert!(seen(&frame.0) == seen(&other.0), "{what}: frame {index} differs");
    }
}

const FORMATS: [&str; 4] = ["gif", "png", "webp", "jxl"];
const LOSSLESS: &str = r#"{"lossless": true}"#;

fn lossless() -> Output {
    Output { lossless: Some(true), ..Output::default() }
}

#[test]
fn every_format_shows_what_was_written() {
    for name in FORMATS {
        for loop_count in [0, 1, 5] {
            let moving = Animation::moving(Size::new(60, 42), 12);
            let animation = Animation { loop_count, ..moving };
            let file = write(name, &animation, &lossless());
            check_same(&read(&file), &animation, name);
        }
    }
}

fn run(operation: &str, request: &Value, file: &[u8]) -> Report {
    let (_, plan) = Plan::parse(operation, request, &Limits::default()).unwrap();
    imaging::run(&plan, Input::alone("moving.x", file), &Limits::default(), &()).unwrap()
}

fn output() -> Value {
    serde_json::from_str(LOSSLESS).unwrap()
}

#[test]
fn every_format_converts_to_every_other() {
    let animation = Animation { loop_count: 5, ..Animation::moving(Size::new(60, 42), 8) };
    for from in FORMATS {
        let file = write(from, &animation, &lossless());
        for to in FORMATS {
            let report = run("convert", &json!({"output_format": to, "output": output()}), &file);
            assert_eq!(report.outputs.len(), 1);
            assert_eq!(report.outputs[0].format, to);
            check_same(&read(&report.outputs[0].bytes), &animation, &format!("{from} to {to}"));
        }
    }
}

#[test]
fn every_frame_goes_through_the_same_steps_as_a_still_image() {
    check_steps(
        &[
            json!({"operation": "transform", "request": {"operations": [{"type": "resize", "width": 40}]}}),
            json!({"operation": "filter", "request": {"filters": [{"type": "sepia"}]}}),
        ],
        Size::new(40, 28),
    );
}

#[test]
fn what_is_put_onto_an_animation_is_on_every_frame() {
    let compose =
        |operations: Value| json!({"operation": "compose", "request": {"operations": operations}});
    let whole = Size::new(60, 42);
    check_steps(
        &[compose(json!([
            {"type": "text_overlay", "text": "abc", "font_size": 14, "stroke_color": "#000"},
            {"type": "annotate", "shape": "rectangle", "x": 4, "y": 4, "width": 30, "height": 20},
        ]))],
        whole,
    );
    check_steps(
        &[compose(json!([
            {"type": "watermark", "text": "mine", "position": "tiled", "scale": 30},
            {"type": "watermark", "file_index": 1, "position": "top", "opacity": 100},
            {"type": "redact", "regions": [{"x": 2, "y": 30, "width": 20, "height": 8}]},
        ]))],
        whole,
    );
    check_steps(
        &[compose(json!([
            {"type": "overlay", "file_index": 1, "width": "40%", "rotation": 20, "blend": "multiply"},
            {"type": "meme_text", "bottom_text": "such"},
            {"type": "round_corners", "radius": 9},
            {"type": "border", "width": 3, "color": "#224466"},
        ]))],
        Size::new(66, 48),
    );
}

/// Holds the frames of animations that go through steps against stills that do.
#[track_caller]
fn check_steps(steps: &[Value], size: Size) {
    let animation = Animation { loop_count: 1, ..Animation::moving(Size::new(60, 42), 8) };
    let run = |to: &str, file: &[u8]| {
        let convert = json!({"output_format": to, "output": output()});
        let mut steps = steps.to_vec();
        steps.push(json!({"operation": "convert", "request": convert}));
        let request = json!({ "steps": steps });
        let (_, plan) = Plan::parse("pipeline", &request, &Limits::default()).unwrap();
        let files = pictures::beside("");
        let input = Input { filename: "moving.x", bytes: file, files: &files };
        imaging::run(&plan, input, &Limits::default(), &()).unwrap()
    };
    let stills: Vec<_> = (0..animation.frames.len())
        .map(|index| {
            let file = pictures::png(&animation.frame(index));
            pictures::decode(&run("png", &file).outputs[0].bytes)
        })
        .collect();
    for from in FORMATS {
        let file = write(from, &animation, &lossless());
        for to in FORMATS {
            let report = run(to, &file);
            let output = &report.outputs[0];
            assert_eq!((output.width, output.height), (size.width, size.height));
            let result = read(&output.bytes);
            assert_eq!((result.size, result.loop_count), (size, 1));
            let what = format!("{from} to {to}");
            assert_eq!(result.delays(&what), animation.delays(&what), "{what}");
            for ((frame, _), still) in result.frames.iter().zip(&stills) {
                check_frame(frame, &rgba(still), to);
            }
        }
    }
}

/// Exact, but for a GIF: nearly the same colors, and alpha that is there or not.
#[track_caller]
fn check_frame(frame: &[[u8; 4]], expected: &[[u8; 4]], to: &str) {
    if to != "gif" {
        assert!(seen(frame) == seen(expected), "{to}");
        return;
    }
    let mut solid = Vec::new();
    for (pixel, wanted) in frame.iter().zip(expected) {
        assert_eq!(pixel[3], if wanted[3] >= 128 { 255 } else { 0 });
        if pixel[3] != 0 {
            solid.push((*pixel, [wanted[0], wanted[1], wanted[2], 255]));
        }
    }
    let (seen, wanted): (Vec<_>, Vec<_>) = solid.into_iter().unzip();
    let distance = psnr(seen.as_flattened(), wanted.as_flattened());
    assert!(distance > 34.0, "{distance} dB");
}

#[test]
fn a_still_output_takes_the_first_frame_and_says_so() {
    let animation = Animation::moving(Size::new(60, 42), 4);
    for from in FORMATS {
        let file = write(from, &animation, &lossless());
        let report = run("convert", &json!({"output_format": "jpg"}), &file);
        assert_eq!(report.outputs.len(), 1);
        let codes: Vec<_> = report.warnings.iter().map(|warning| &*warning.code).collect();
        assert!(codes.contains(&"animation_dropped"), "{from}: {codes:?}");
        let first = json!({"output_format": "png", "output": {"frames": "first"}});
        let report = run("convert", &first, &file);
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
        let png = &report.outputs[0].bytes;
        let header = format::header(png, &Limits::default()).unwrap();
        assert_eq!((header.frames, header.sequence), (1, Sequence::Still));
        assert_eq!(seen(&rgba(&pictures::decode(png))), animation.frames[0].0, "{from}");
    }
}

#[test]
fn all_frames_as_still_images_are_a_file_each() {
    let animation = Animation::moving(Size::new(60, 42), 4);
    for from in FORMATS {
        let file = write(from, &animation, &lossless());
        let all = json!({"output_format": "jpg", "output": {"frames": "all", "quality": 95}});
        let report = run("convert", &all, &file);
        let names: Vec<_> = report.outputs.iter().map(|output| &*output.filename).collect();
        assert_eq!(names, ["moving-1.jpg", "moving-2.jpg", "moving-3.jpg", "moving-4.jpg"]);
        for (output, (frame, _)) in report.outputs.iter().zip(&animation.frames) {
            let white = |[r, g, b, a]: [u8; 4]| if a == 0 { [255; 4] } else { [r, g, b, a] };
            let expected: Vec<_> = frame.iter().map(|pixel| white(*pixel)).collect();
            let shown = rgba(&pictures::decode(&output.bytes));
            let distance = psnr(shown.as_flattened(), expected.as_flattened());
            assert!(distance > 20.0, "{from}: {distance} dB");
        }
    }
}

#[test]
fn what_is_no_smaller_passes_through() {
    let animation = Animation { loop_count: 5, ..Animation::moving(Size::new(60, 42), 8) };
    for name in FORMATS {
        let best = Output { effort: Some(10), ..lossless() };
        let file = write(name, &animation, &best);
        let report = run("optimize", &json!({"operation": "compress"}), &file);
        let result = &report.outputs[0].bytes;
        assert!(result.len() <= file.len(), "{name}");
        if report.warnings.iter().any(|warning| warning.code == "original_kept") {
            check_same(&read(result), &animation, name);
        }
    }
}

#[test]
fn a_frame_that_is_not_there_is_told_by_its_number() {
    let file = write("png", &Animation::moving(Size::new(30, 21), 2), &lossless());
    let at = file.windows(4).position(|name| name == b"acTL").unwrap() - 4;
    let five = chunk(b"acTL", &[0, 0, 0, 5, 0, 0, 0, 0]);
    let file = [&file[..at], &five, &file[at + five.len()..]].concat();
    let (_, plan) =
        Plan::parse("convert", &json!({"output_format": "webp"}), &Limits::default()).unwrap();
    let error = imaging::run(&plan, Input::alone("a.png", &file), &Limits::default(), &());
    let message = error.unwrap_err().message;
    assert_eq!(message, "the animation ends early: frame 3 of 5 has no pixels");
}

fn codes(report: &Report) -> Vec<&str> {
    report.warnings.iter().map(|warning| &*warning.code).collect()
}

#[test]
fn what_is_found_in_the_first_frame_alone_is_told() {
    let file = write("webp", &Animation::moving(Size::new(30, 21), 3), &lossless());
    let request = |kind| json!({"operations": [{"type": kind}], "output_format": "webp"});
    assert_eq!(codes(&run("transform", &request("trim"), &file)), ["first_frame_decides"]);
    assert_eq!(codes(&run("transform", &request("flip"), &file)), [""; 0]);
}

#[test]
fn half_transparent_pixels_that_a_gif_cannot_hold_are_told() {
    let mut animation = Animation::moving(Size::new(30, 21), 3);
    let to_gif = json!({"output_format": "gif"});
    let hard = write("webp", &animation, &lossless());
    assert_eq!(codes(&run("convert", &to_gif, &hard)), [""; 0]);
    animation.frames[1].0[40][3] = 99;
    let soft = write("webp", &animation, &lossless());
    assert_eq!(codes(&run("convert", &to_gif, &soft)), ["alpha_hardened"]);
    let still = pictures::png(&animation.frame(1));
    assert_eq!(codes(&run("convert", &to_gif, &still)), ["alpha_hardened"]);
    let laid = json!({"output_format": "gif", "output": {"background": "#fff"}});
    assert_eq!(codes(&run("convert", &laid, &soft)), [""; 0]);
}

#[test]
fn delays_that_are_cut_are_told() {
    let mut animation = Animation::moving(Size::new(30, 21), 2);
    (animation.frames[0].1, animation.frames[1].1) = (700_000, 40);
    let file = write("png", &animation, &lossless());
    for (to, kept, is_cut) in [("gif", 655_350, true), ("webp", 700_000, false)] {
        let report = run("convert", &json!({"output_format": to, "output": output()}), &file);
        let delays: Vec<_> = read(&report.outputs[0].bytes).frames.iter().map(|f| f.1).collect();
        assert_eq!(delays, [kept, 40], "{to}");
        let told = report.warnings.iter().any(|warning| warning.code == "delay_cut");
        assert_eq!(told, is_cut, "{to}");
    }
}

#[test]
fn a_loop_count_that_is_asked_for_replaces_that_of_the_file() {
    let animation = Animation { loop_count: 5, ..Animation::moving(Size::new(30, 21), 3) };
    for (from, to) in [("gif", "webp"), ("webp", "png"), ("png", "jxl"), ("jxl", "gif")] {
        let file = write(from, &animation, &lossless());
        for loop_count in [0, 1, 9] {
            let request = json!({"output_format": to, "output": {"loop": loop_count}});
            let report = run("convert", &request, &file);
            assert_eq!(read(&report.outputs[0].bytes).loop_count, loop_count, "{from} to {to}");
        }
    }
}

#[test]
fn metadata_and_profiles_of_animations_are_kept_where_they_can_be() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let metadata = Metadata {
        exif: Some(b"MM\0*\0\0\0\x08\0\x01\x01\x3B\0\x02\0\0\0\x04Ann\0\0\0\0\0".to_vec()),
        xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
        dpi: None,
        ..Metadata::default()
    };
    let animation = Animation::moving(Size::new(30, 21), 3);
    for name in FORMATS {
        let frames = (0..3)
            .map(|index| Ok(Frame { pixels: Pixels::U8(animation.frame(index)), delay_ms: 50 }));
        let track = Track {
            size: animation.size,
            count: 3,
            loop_count: 0,
            color: ColorSpace::Icc(icc.clone().into()),
            metadata: metadata.clone(),
            frames: Box::new(frames),
        };
        let format = format::by_name(name).unwrap();
        let file = format.encode_frames.unwrap()(track, &lossless()).unwrap();
        let limits = Limits::default();
        let back = format.decode_frames.unwrap()(&file, &limits).unwrap();
        assert_eq!(back.metadata.xmp, metadata.xmp, "{name}");
        if name == "gif" {
            assert_eq!(back.color, ColorSpace::Srgb, "a GIF is shown as sRGB");
        } else {
            let ColorSpace::Icc(own) = &back.color else { panic!("{name} has no profile") };
            // JPEG XL knows it by its name.
            assert!(own[..] == icc[..] || imaging::icc::is_display_p3(own), "{name}");
            assert_eq!(back.metadata.exif, metadata.exif, "{name}");
        }
        assert_eq!(back.frames.count(), 3);
        let bare = format.rewrite.unwrap()(&file, &Metadata::default()).unwrap();
        let back = format.decode_frames.unwrap()(&bare, &limits).unwrap();
        assert_eq!(back.metadata, Metadata::default(), "{name}");
        assert_eq!(back.frames.count(), 3);
        let again = format.rewrite.unwrap()(&bare, &metadata).unwrap();
        let back = format.decode_frames.unwrap()(&again, &limits).unwrap();
        assert_eq!(back.metadata.xmp, metadata.xmp, "{name}");
    }
}

#[test]
fn still_gifs_keep_few_colors_and_whether_pixels_are_there() {
    for (channels, palette) in
        [(Channels::Rgb, None), (Channels::Rgba, None), (Channels::Rgb, Some(16))]
    {
        let pixels = crate::formats::photo(Size::new(64, 48), channels);
        let output = Output { palette, ..Output::default() };
        let image = Image::still(Pixels::U8(pixels.clone()));
        let gif = format::by_name("gif").unwrap();
        let file = gif.encode.unwrap()(&image, &output).unwrap();
        let header = format::header(&file, &Limits::default()).unwrap();
        assert_eq!((header.frames, header.sequence), (1, Sequence::Still));
        assert_eq!(header.has_alpha, channels.has_alpha());
        let back = gif.decode.unwrap()(&file, &DecodeRequest::default(), &Limits::default());
        let back = rgba(crate::formats::u8s(&back.unwrap().image));
        let colors: std::collections::BTreeSet<_> = back.iter().collect();
        assert!(colors.len() <= palette.map_or(256, usize::from), "{}", colors.len());
        if palette.is_none() {
            check_frame(&back, &rgba(&pixels), "gif");
        }
    }
}

#[test]
fn animations_from_other_encoders_show_what_they_were_made_from() {
    let pixel = |x: u32, y: u32, i: u32| match (x, y) {
        (x, y) if (4 * i..4 * i + 8).contains(&x) && (6..18).contains(&y) => [220, 40, 40, 255],
        (_, 12..) => [40, 80, 220, 255],
        _ => [0; 4],
    };
    let frames = (0..6).map(|i| {
        let pixels = (0..24).flat_map(|y| (0..32).map(move |x| pixel(x, y, i)));
        (pixels.collect(), 70)
    });
    let drawn = Animation { size: Size::new(32, 24), loop_count: 4, frames: frames.collect() };
    let mut files = crate::formats::inputs();
    files.retain(|(name, _)| name.starts_with("animated"));
    assert_eq!(files.len(), 4);
    for (name, file) in files {
        check_same(&read(&file), &drawn, &name);
        for to in FORMATS {
            let report = run("convert", &json!({"output_format": to, "output": output()}), &file);
            check_same(&read(&report.outputs[0].bytes), &drawn, &format!("{name} to {to}"));
        }
    }
}

//! What is foretold of a run from headers alone.

use imaging::explain::Explanation;
use imaging::format::{self, Inspector, Sequence};
use imaging::image::Channels;
use imaging::{Files, Header, Input, Limits, Plan, Size};
use serde_json::{Value, json};

use crate::inputs::file;
use crate::pictures::{noise, png};

const MEGABYTE: u64 = 1_000_000;

/// As the door sees it: while it goes by.
fn seen(bytes: &[u8]) -> Header {
    let mut inspector = Inspector::new(&Limits::default());
    for piece in bytes.chunks(1000) {
        inspector.push(piece).unwrap();
    }
    inspector.finish().unwrap()
}

/// A file of this size that is said to be of this format.
fn header(name: &str, size: Size) -> Header {
    let format = format::by_name(name).expect("a format");
    Header { format, size, ..seen(&file("reference.png")) }
}

#[track_caller]
fn explain(steps: &Value, headers: &[Header]) -> Explanation {
    let limits = Limits::default();
    let (_, plan) = Plan::parse("pipeline", &json!({ "steps": steps }), &limits).expect("sound");
    plan.explain(&headers[0], 0, &Files::of_headers(headers), &limits).expect("it fits")
}

fn convert(to: &str, output: &Value) -> Value {
    json!([{ "operation": "convert", "request": { "output_format": to, "output": output } }])
}

fn codes(explained: &Explanation) -> Vec<&str> {
    explained.warnings.iter().map(|warning| &*warning.code).collect()
}

#[test]
fn pages_that_a_stream_cannot_count_are_told_to_be_unsure() {
    let bytes = file("tiff-pages-backward.tif");
    let steps = convert("png", &json!({}));
    let by_stream = explain(&steps, &[seen(&bytes)]);
    assert_eq!((by_stream.input.exact, by_stream.output.exact), (false, false));
    assert_eq!(codes(&by_stream), ["unsure"]);
    let whole = explain(&steps, &[format::true_header(&bytes, &Limits::default()).unwrap()]);
    assert_eq!((whole.input.exact, whole.output.exact), (true, true));
    assert!(whole.output_files > 1, "{}", whole.output_files);
    assert_eq!(codes(&whole), [""; 0]);
}

#[test]
fn pages_in_order_are_counted_for_sure() {
    let explained = explain(&convert("png", &json!({})), &[seen(&file("tiff-pages.tif"))]);
    assert!(explained.input.exact);
    assert!(explained.output_files > 1);
}

#[test]
fn what_is_seen_of_a_document_is_a_guess() {
    let explained = explain(&convert("png", &json!({})), &[seen(&file("two-pages.pdf"))]);
    assert_eq!((explained.input.exact, explained.steps[0].after.exact), (false, false));
    assert!(codes(&explained).contains(&"unsure"), "{:?}", codes(&explained));
}

#[test]
fn a_huge_picture_that_is_laid_over_counts() {
    let overlay = json!([{ "operation": "compose", "request": { "operations": [
        { "type": "overlay", "file_index": 1, "width": 10 }
    ] } }]);
    let base = header("png", Size::new(100, 100));
    let memory =
        |mark: Size| explain(&overlay, &[base.clone(), header("png", mark)]).memory_peak_bytes;
    let (small, large) = (memory(Size::new(100, 100)), memory(Size::new(10_000, 10_000)));
    assert!(small < MEGABYTE, "{small}");
    assert!(large > 250 * MEGABYTE, "{large}");
}

#[test]
fn what_lies_between_two_steps_counts() {
    let resize = |width: u32| {
        json!({ "operation": "transform", "request": { "operations": [
        { "type": "resize", "width": width }
    ] } })
    };
    let blur = json!({ "operation": "filter", "request": { "filters": [{ "type": "blur" }] } });
    let photo = [header("jpg", Size::new(4000, 3000))];
    let straight = explain(&json!([resize(400), blur]), &photo).memory_peak_bytes;
    let detour = explain(&json!([resize(12_000), blur, resize(400)]), &photo).memory_peak_bytes;
    let between = 2 * 3 * 12_000 * 9_000;
    assert!(detour >= between, "{detour}");
    assert!(straight < between / 20, "{straight}");
}

#[test]
fn effort_and_loss_change_what_it_takes() {
    let photo = [header("jpg", Size::new(4000, 3000))];
    for (name, low, high) in [("avif", 0, 9), ("jxl", 1, 9), ("webp", 0, 9), ("png", 0, 9)] {
        let ms =
            |effort: u8| explain(&convert(name, &json!({ "effort": effort })), &photo).estimated_ms;
        let (low, high) = (ms(low), ms(high));
        assert!(high > 2 * low || (name == "webp" && high > low), "{name}: {low} and {high}");
    }
    let memory = |lossless: bool| {
        let wish = json!({ "lossless": lossless });
        explain(&convert("webp", &wish), &photo).memory_peak_bytes
    };
    assert!(memory(true) > 3 * memory(false));
}

#[test]
fn files_of_many_frames_are_held_until_all_are_written() {
    let still = header("gif", Size::new(1000, 1000));
    let frames = 500;
    let film = Header { frames, sequence: format::Sequence::Frames, ..still.clone() };
    let memory = |header| explain(&convert("png", &json!({})), &[header]).memory_peak_bytes;
    assert!(memory(film) > memory(still) + u64::from(frames) * MEGABYTE / 3);
}

/// The depth of what a run writes, as its header says.
#[test]
fn the_depth_is_that_of_the_run() {
    let limits = Limits::default();
    for (name, to, output) in [
        ("sixteen-bit.png", "avif", json!({})),
        ("sixteen-bit.png", "avif", json!({ "bit_depth": 10 })),
        ("sixteen-bit.png", "png", json!({})),
        ("sixteen-bit.png", "png", json!({ "bit_depth": 8 })),
        ("ten-bit.avif", "avif", json!({})),
        ("ten-bit.avif", "png", json!({})),
        ("ten-bit.heic", "tiff", json!({})),
        ("photo-420.jpg", "tiff", json!({ "bit_depth": 16 })),
        ("photo-420.jpg", "jpg", json!({})),
        ("sixteen-bit.png", "png", json!({ "palette": 256 })),
        ("animated-gifsicle.gif", "png", json!({ "bit_depth": 16 })),
        ("animated-libjxl.jxl", "jxl", json!({})),
        ("animated-gifsicle.gif", "jxl", json!({ "bit_depth": 16 })),
    ] {
        let steps = convert(to, &output);
        let (_, plan) = Plan::parse("pipeline", &json!({ "steps": steps }), &limits).unwrap();
        let bytes = file(name);
        let report = imaging::run(&plan, Input::alone(name, &bytes), &limits, &()).unwrap();
        let written = seen(&report.outputs[0].bytes).bit_depth;
        let told = explain(&steps, &[seen(&bytes)]).output.bit_depth;
        assert_eq!(told, written, "{name} to {to} {output}");
    }
}

#[test]
fn what_follows_from_the_settings_is_foretold() {
    let still = header("gif", Size::new(24, 16));
    let moving = Header { frames: 3, sequence: Sequence::Frames, ..still };
    let to =
        |format, output: Value| explain(&convert(format, &output), std::slice::from_ref(&moving));
    let animated_png = to("png", json!({"palette": 4}));
    assert_eq!(codes(&animated_png), ["palette_ignored"]);
    assert_eq!(animated_png.encode_generations, 0);
    assert_eq!(codes(&to("gif", json!({"palette": 4}))), [""; 0]);
    assert_eq!(codes(&to("jxl", json!({"effort": 10}))), ["effort_lowered"]);
}

#[test]
fn a_format_of_one_depth_has_it_and_no_other() {
    let still = header("png", Size::new(24, 16));
    assert_eq!(still.bit_depth, 8);
    let explained = explain(&convert("farbfeld", &json!({})), std::slice::from_ref(&still));
    assert_eq!(explained.output.bit_depth, 16);
    let request = json!({"output_format": "farbfeld", "output": {"bit_depth": 8}});
    let limits = Limits::default();
    let (_, plan) = Plan::parse("convert", &request, &limits).unwrap();
    let faults = plan.check(&still, &Files::NONE, &limits).unwrap_err();
    assert_eq!(faults[0].message, "farbfeld holds 16 bits a sample, not 8");
}

/// What is told is what the file of the result has, where the format tells gray from colors.
#[test]
fn the_colors_are_those_of_the_run() {
    let size = Size::new(24, 16);
    let (gray, colors) = (noise(size, Channels::Gray, 1), noise(size, Channels::Rgb, 2));
    let filter = |step: Value| json!([{"operation": "filter", "request": {"filters": [step]}}]);
    let compose =
        |step: Value| json!([{"operation": "compose", "request": {"operations": [step]}}]);
    let turn = |color: &str| {
        let rotate = json!({"type": "rotate", "angle": 9, "background": color});
        json!([{"operation": "transform", "request": {"operations": [rotate]}}])
    };
    let region = json!([{"x": 2, "y": 2, "width": 9, "height": 9}]);
    for (steps, of_gray, of_colors) in [
        (filter(json!({"type": "sepia"})), "rgb", "rgb"),
        (filter(json!({"type": "grayscale"})), "gray", "gray"),
        (filter(json!({"type": "brightness", "value": 20})), "gray", "rgb"),
        (filter(json!({"type": "saturation", "value": 50})), "gray", "rgb"),
        (filter(json!({"type": "vignette"})), "gray", "rgb"),
        (filter(json!({"type": "blur", "sigma": 2})), "gray", "rgb"),
        (filter(json!({"type": "halftone", "monochrome": false})), "rgb", "rgb"),
        (filter(json!({"type": "duotone"})), "rgb", "rgb"),
        (compose(json!({"type": "border", "width": 2, "color": "#f00"})), "rgb", "rgb"),
        (compose(json!({"type": "border", "width": 2, "color": "#777"})), "gray", "rgb"),
        (compose(json!({"type": "redact", "regions": region, "color": "#0f0"})), "rgb", "rgb"),
        (turn("#fff"), "gray", "rgb"),
        (turn("#f0f"), "rgb", "rgb"),
    ] {
        for (image, expected) in [(&gray, of_gray), (&colors, of_colors)] {
            let file = png(image);
            let limits = Limits::default();
            let document = json!({"steps": steps, "output_format": "png"});
            let (_, plan) = Plan::parse("pipeline", &document, &limits).expect("sound");
            let told = plan.explain(&seen(&file), 0, &Files::NONE, &limits).expect("it fits");
            assert_eq!(told.output.color, expected, "{steps}");
            let report = imaging::run(&plan, Input::alone("a.png", &file), &limits, &()).unwrap();
            let is_gray = seen(&report.outputs[0].bytes).is_gray;
            assert_eq!(if is_gray { "gray" } else { "rgb" }, expected, "{steps}");
        }
    }
}

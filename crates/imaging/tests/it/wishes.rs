//! What is asked of the output: who wins, what is told, what is refused.

use imaging::format::DecodeRequest;
use imaging::image::{Channels, ColorSpace, Packed, Pixels};
use imaging::output::Output;
use imaging::{Fault, Files, Header, Image, Input, Limits, Plan, Report, Size, format};
use serde_json::{Value, json};

use crate::animation::{Animation, write};
use crate::pictures::{noise, png, png_of, portrait};

fn plan(operation: &str, request: &Value) -> Plan {
    Plan::parse(operation, request, &Limits::default()).expect("a sound request").1
}

fn run(operation: &str, request: &Value, file: &[u8]) -> Report {
    let plan = plan(operation, request);
    imaging::run(&plan, Input::alone("a.png", file), &Limits::default(), &()).expect("it runs")
}

fn header(file: &[u8]) -> Header {
    format::header(file, &Limits::default()).expect("a sound file")
}

fn faults(operation: &str, request: &Value, file: &[u8]) -> Vec<Fault> {
    let plan = plan(operation, request);
    plan.check(&header(file), &Files::NONE, &Limits::default()).expect_err("it does not fit")
}

/// Pointers and messages of the faults, `pointer: message`.
#[track_caller]
fn refused(operation: &str, request: &Value, file: &[u8], expected: &[(&str, &str)]) {
    let faults = faults(operation, request, file);
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, (pointer, part)) in faults.iter().zip(expected) {
        assert_eq!(fault.pointer, *pointer, "{faults:#?}");
        assert!(fault.message.contains(part), "{:?} does not say {part:?}", fault.message);
    }
}

/// The format of the result, and what is said of wishes that lost, by the job and beforehand.
fn outcome(operation: &str, request: &Value) -> (&'static str, Vec<String>) {
    let file = png(&portrait());
    let report = run(operation, request, &file);
    let header = header(&file);
    let explained = plan(operation, request)
        .explain(&header, 1, &Files::NONE, &Limits::default())
        .expect("it fits");
    assert_eq!(explained.output.format, report.outputs[0].format);
    let overridden = |warnings: &[imaging::run::Warning]| -> Vec<String> {
        let ours = warnings.iter().filter(|warning| warning.code == "output_overridden");
        ours.map(|warning| warning.message.clone()).collect()
    };
    let told = overridden(&report.warnings);
    assert_eq!(overridden(&explained.warnings), told);
    (report.outputs[0].format, told)
}

#[test]
fn an_operation_says_what_it_does_and_wins_over_the_block_that_all_have() {
    let request = json!({"operation": "convert_to_webp", "output_format": "png"});
    let told = "output asks for png, but the fields of the operation itself ask for webp and win";
    assert_eq!(outcome("optimize", &request), ("webp", vec![told.to_owned()]));

    let both = json!({
        "operation": "convert_to_webp", "output": {"quality": 3}, "options": {"quality": 90}});
    let (format, told) = outcome("optimize", &both);
    assert_eq!((format, told.len()), ("webp", 1));
    assert!(told[0].contains("quality 3") && told[0].contains("quality 90"), "{told:?}");
    let len = |request: &Value| run("optimize", request, &png(&portrait())).outputs[0].bytes.len();
    let asked = json!({"operation": "convert_to_webp", "options": {"quality": 90}});
    assert_eq!(len(&both), len(&asked));

    let same = json!({"operation": "convert_to_webp", "output_format": "webp"});
    assert_eq!(outcome("optimize", &same), ("webp", Vec::new()));
    let default = json!({"operation": "convert_to_webp", "output_format": "same_as_input"});
    assert_eq!(outcome("optimize", &default), ("webp", Vec::new()));
}

#[test]
fn a_step_wins_over_the_request_and_a_later_step_over_an_earlier_one() {
    let pipeline = |first: Value, second: Value, top: Value| {
        let mut request = json!({"steps": [
            {"operation": "convert", "request": first},
            {"operation": "convert", "request": second}]});
        request.as_object_mut().unwrap().extend(top.as_object().unwrap().clone());
        request
    };
    let png = json!({"output_format": "png"});
    let (format, told) =
        outcome("pipeline", &pipeline(png.clone(), png.clone(), json!({"output_format": "webp"})));
    assert_eq!(format, "png");
    assert_eq!(told, ["the request asks for webp, but step 0 asks for png and wins"]);

    let of = |quality: u8| json!({"output_format": "jpg", "output": {"quality": quality}});
    let (_, told) =
        outcome("pipeline", &pipeline(of(10), of(20), json!({"output": {"quality": 95}})));
    assert_eq!(
        told,
        [
            "the request asks for quality 95, but step 0 asks for quality 10 and wins",
            "step 0 asked for quality 10, but step 1 asks for quality 20 later",
        ]
    );
    let none = outcome("pipeline", &pipeline(of(10), of(10), json!({"output": {"quality": 10}})));
    assert_eq!(none, ("jpg", Vec::new()));
}

#[test]
fn a_default_overrules_nobody() {
    let request = |quality: Option<u8>| {
        let mut request = json!({"steps": [
            {"operation": "convert", "request": {"output_format": "jpg"}},
            {"operation": "optimize", "request": {"operation": "compress"}}]});
        if let Some(quality) = quality {
            request["output"] = json!({"quality": quality});
        }
        request
    };
    let len =
        |quality| run("pipeline", &request(quality), &png(&portrait())).outputs[0].bytes.len();
    assert!(len(Some(95)) > len(None) && len(Some(78)) == len(None));
    assert_eq!(outcome("pipeline", &request(Some(95))), ("jpg", Vec::new()));
}

#[test]
fn a_depth_that_the_format_has_not_is_refused() {
    let file = png(&portrait());
    let request =
        |format: &str, depth: u8| json!({"output_format": format, "output": {"bit_depth": depth}});
    for (format, depth, part) in [
        ("png", 9, "PNG holds 8 or 16 bits a sample, not 9"),
        ("avif", 16, "AVIF holds 8 or 10 or 12 bits a sample, not 16"),
        ("jpg", 16, "JPEG holds 8 bits a sample, not 16"),
    ] {
        refused("convert", &request(format, depth), &file, &[("/output/bit_depth", part)]);
    }
    let steps = json!({
        "steps": [{"operation": "convert", "request": request("png", 9)}]});
    let at = "/steps/0/request/output/bit_depth";
    refused("pipeline", &steps, &file, &[(at, "not 9")]);
    for (format, depth) in [("png", 16), ("avif", 10), ("tiff", 16), ("webp", 8)] {
        run("convert", &request(format, depth), &file);
    }
}

#[test]
fn what_lossless_cannot_keep_is_told() {
    let codes = |request: Value, file: &[u8]| -> Vec<String> {
        let report = run("convert", &request, file);
        report.warnings.into_iter().map(|warning| warning.code).collect()
    };
    let lossless = |format: &str| json!({"output_format": format, "output": {"lossless": true}});
    let eight = png(&portrait());
    assert_eq!(codes(lossless("jpg"), &eight), ["lossless_ignored"]);
    assert_eq!(codes(lossless("webp"), &eight), [""; 0]);
    let samples: Vec<u16> = (0..32 * 32 * 3).map(|i| i * 21).collect();
    let deep = Packed::new(Size::new(32, 32), Channels::Rgb, samples);
    let deep = png_of(&Image::still(Pixels::U16(deep)));
    assert_eq!(codes(lossless("avif"), &deep), ["depth_reduced"]);
    assert_eq!(codes(lossless("png"), &deep), [""; 0]);
}

#[test]
fn a_picture_has_one_page() {
    let request = json!({"output_format": "webp", "output": {"pages": "2-6"}});
    let part = "there is no page 6, only 1";
    refused("convert", &request, &png(&portrait()), &[("/output/pages", part)]);
    let steps = json!({
        "output": {"pages": "2"},
        "steps": [{"operation": "convert", "request": {"output_format": "webp"}}]});
    refused("pipeline", &steps, &png(&portrait()), &[("/output/pages", "no page 2")]);
}

#[test]
fn what_is_said_of_frames_that_do_not_become_pages_is_true() {
    let gif = write("gif", &Animation::moving(Size::new(30, 30), 3), &Output::default());
    for (format, part) in [("tiff", "TIFF holds pages"), ("jpg", "JPEG holds one picture")] {
        let request = json!({"output_format": format, "output": {"background": "white"}});
        let report = run("convert", &request, &gif);
        let told: Vec<&str> = report.warnings.iter().map(|w| w.message.as_str()).collect();
        assert!(told[0].contains(part), "{told:?}");
        let explained = plan("convert", &request)
            .explain(&header(&gif), 1, &Files::NONE, &Limits::default())
            .unwrap();
        assert_eq!(explained.warnings, report.warnings);
    }
}

#[test]
fn all_misfits_are_reported_at_once() {
    let file = png(&noise(Size::new(40, 30), Channels::Rgb, 3));
    let operations = json!({"operations": [
        {"type": "crop", "x": 9000, "y": 9000},
        {"type": "crop", "x": 50, "width": 10, "height": 10},
        {"type": "extend_canvas", "width": 5, "height": 5},
    ]});
    refused(
        "transform",
        &operations,
        &file,
        &[
            ("/operations/0/y", "y 9000"),
            ("/operations/0/x", "x 9000"),
            ("/operations/1/x", "x 50"),
            ("/operations/2/height", "canvas"),
            ("/operations/2/width", "canvas"),
        ],
    );
    // What a mended crop would give is 5 by 5: no fault of the second.
    let crop = json!({"operations": [
        {"type": "crop", "x": 9000, "width": 5, "height": 5},
        {"type": "extend_canvas", "width": 6, "height": 6},
    ]});
    refused("transform", &crop, &file, &[("/operations/0/x", "x 9000")]);
}

#[test]
fn a_result_that_is_too_large_is_the_fault_of_its_operation() {
    let file = png(&noise(Size::new(40, 30), Channels::Rgb, 3));
    let operations = |width: u32, height: u32| {
        json!([
            {"type": "flip"},
            {"type": "resize", "width": width, "height": height, "mode": "stretch"}])
    };
    refused(
        "transform",
        &json!({"operations": operations(60_000, 60_000)}),
        &file,
        &[("/operations/1", "over the limit")],
    );
    let webp = json!({"steps": [
        {"operation": "transform", "request": {"operations": operations(20_000, 10)}},
        {"operation": "convert", "request": {"output_format": "webp"}}]});
    let at = "/steps/0/request/operations/1";
    refused("pipeline", &webp, &file, &[(at, "over what WebP can hold")]);
}

#[test]
fn the_size_of_a_result_is_that_of_its_first_or_largest_picture() {
    let file = png(&noise(Size::new(300, 200), Channels::Rgb, 3));
    let report = run("convert", &json!({"output_format": "ico"}), &file);
    assert_eq!((report.outputs[0].width, report.outputs[0].height), (256, 256));
    let read = header(&report.outputs[0].bytes);
    assert_eq!(read.size, Size::new(256, 256));
}

#[test]
fn pictures_that_a_drawing_links_to_are_told() {
    let svg = |link: &str| {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='20'>\
             <rect width='9' height='9' id='a'/>{link}</svg>"
        )
    };
    let codes = |link: &str| -> Vec<String> {
        let report = run("convert", &json!({"output_format": "png"}), svg(link).as_bytes());
        report.warnings.into_iter().map(|warning| warning.code).collect()
    };
    let image = |href: &str| codes(&format!("<image href='{href}' width='5' height='5'/>"));
    assert_eq!(image("https://example.org/a.png"), ["pictures_left_out"]);
    assert_eq!(image("data:image/png;base64,AA"), [""; 0]);
    assert_eq!(image("data:image/svg+xml;base64,AA"), ["pictures_left_out"]);
    assert_eq!(codes("<use href='other.svg#a'/>"), ["pictures_left_out"]);
    assert_eq!(codes("<use href='#a' x='5'/>"), [""; 0]);
    assert_eq!(
        codes("<style>@import url(http://example.org/a.css);</style>"),
        ["pictures_left_out"]
    );
}

#[test]
fn damage_is_told_in_plain_words() {
    let mut file = png(&portrait());
    file[29] ^= 1;
    let plan = plan("convert", &json!({"output_format": "jpg"}));
    let error = imaging::run(&plan, Input::alone("a.png", &file), &Limits::default(), &())
        .expect_err("the checksum is wrong");
    assert_eq!(error.message, "the PNG is damaged: the checksum of its IHDR chunk is wrong");
}

#[test]
fn an_explanation_tells_of_pages_that_are_drawn() {
    let pdf = include_bytes!("../inputs/two-pages.pdf");
    let request = json!({"output_format": "png"});
    let report = run("convert", &request, pdf);
    let explained = plan("convert", &request)
        .explain(&header(pdf), 1, &Files::NONE, &Limits::default())
        .expect("it fits");
    let rendered = |warnings: &[imaging::run::Warning]| {
        warnings.iter().find(|warning| warning.code == "rendered").cloned()
    };
    assert!(rendered(&report.warnings).is_some());
    assert_eq!(rendered(&explained.warnings), rendered(&report.warnings));
}

#[test]
fn a_resolution_that_the_format_does_not_hold_is_told() {
    let request = |format| json!({"output_format": format, "output": {"dpi": 300}});
    let codes = |format, file: &[u8]| -> Vec<String> {
        let report = run("convert", &request(format), file);
        report.warnings.into_iter().map(|warning| warning.code).collect()
    };
    let file = png(&portrait());
    for format in ["gif", "ico", "pnm", "qoi", "farbfeld"] {
        assert_eq!(codes(format, &file), ["dpi_ignored"], "{format}");
    }
    for format in ["jpg", "png", "webp", "avif", "jxl", "tiff", "bmp", "pdf"] {
        assert_eq!(codes(format, &file), [""; 0], "{format}");
        let report = run("convert", &request(format), &file);
        let Some(decode) = format::by_name(format).and_then(|format| format.decode) else {
            continue;
        };
        let request = DecodeRequest::default();
        let image = decode(&report.outputs[0].bytes, &request, &Limits::default()).expect("sound");
        let dpi = image.image.metadata.dpi.map(|(x, y)| (x.round(), y.round()));
        // A page of PDF says how large it is, and is drawn at what it is asked for.
        let expected = if format == "pdf" { 150.0 } else { 300.0 };
        assert_eq!(dpi, Some((expected, expected)), "{format}");
    }
    // There it says how large the page is drawn.
    assert_eq!(codes("qoi", include_bytes!("../inputs/two-pages.pdf")), [""; 0]);
}

/// What only moves pixels leaves them in the colors of their profile.
#[test]
fn geometry_keeps_the_profile() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().expect("a profile");
    let pixels = Pixels::U8(noise(Size::new(40, 30), Channels::Rgb, 4));
    let image = Image { color: ColorSpace::Icc(icc.into()), ..Image::still(pixels) };
    let file = png_of(&image);
    let keeps = |operation: &Value| {
        let request = json!({"operations": [operation], "output_format": "png"});
        let report = run("transform", &request, &file);
        let decode = format::by_name("png").and_then(|png| png.decode).expect("it is read");
        let result =
            decode(&report.outputs[0].bytes, &DecodeRequest::default(), &Limits::default());
        matches!(result.expect("sound").image.color, ColorSpace::Icc(_))
    };
    for operation in [
        json!({"type": "crop", "width": 20, "height": 20}),
        json!({"type": "trim"}),
        json!({"type": "rotate", "angle": 3}),
        json!({"type": "rotate", "angle": 3, "background": "#fff"}),
        json!({"type": "straighten", "angle": 2}),
        json!({"type": "deskew"}),
        json!({"type": "perspective", "corners": [[2, 2], [38, 2], [38, 28], [2, 28]]}),
        json!({"type": "extend_canvas", "width": 50, "height": 40, "color": "#000"}),
        json!({"type": "resize", "width": 60, "height": 20, "mode": "pad"}),
    ] {
        assert!(keeps(&operation), "{operation}");
    }
    // A color around the image is said in sRGB.
    assert!(!keeps(&json!({"type": "rotate", "angle": 3, "background": "#f80"})));
}

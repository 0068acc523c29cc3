//! What the operations of `transform` must keep, as a caller sees it.

use imaging::image::{Channels, Packed, Pixels};
use imaging::{Image, Input, Limits, Plan, Report, Size};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pictures::{decode, decode_any, noise, png, png_of, portrait};

fn run_on(ops: &Value, file: &[u8], format: &str) -> Report {
    let request = json!({ "operations": ops, "output_format": format });
    let parsed = Plan::parse("transform", &request, &Limits::default());
    let (_, plan) = parsed.unwrap_or_else(|faults| panic!("{ops}: {faults:?}"));
    let report = imaging::run(&plan, Input::alone("in", file), &Limits::default(), &());
    report.unwrap_or_else(|error| panic!("{ops}: {error}"))
}

fn run(ops: &Value, image: &Packed<u8>) -> Packed<u8> {
    decode(&run_on(ops, &png(image), "png").outputs[0].bytes)
}

fn rgba(packed: Packed<u8>) -> Packed<u8> {
    packed.with_channels(Channels::Rgba).unwrap()
}

/// A picture that nothing can trim: dark in the middle of its edges and bright in its corners.
fn busy(width: u32, height: u32, seed: u64) -> Packed<u8> {
    let mut image = noise(Size::new(width, height), Channels::Rgb, seed);
    for sample in image.samples_mut() {
        *sample = 30 + *sample / 4;
    }
    image
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_padded_is_trimmed_to_what_it_was(
        sides in (2u32..40, 2u32..40), margins in (0u32..9, 0u32..9, 0u32..9, 1u32..9),
        color in prop_oneof![Just("#ffffff"), Just("tomato"), Just("transparent")], seed in 1u64..99
    ) {
        let image = busy(sides.0, sides.1, seed);
        let (top, right, bottom, left) = margins;
        let pad = json!({"type": "pad", "top": top, "right": right, "bottom": bottom, "left": left, "color": color});
        let given = run(&json!([pad, {"type": "trim", "color": color}]), &image);
        prop_assert_eq!(rgba(given), rgba(image.clone()));
        if top.min(right).min(bottom) > 0 {
            let found = run(&json!([pad, {"type": "trim"}]), &image);
            prop_assert_eq!(rgba(found), rgba(image));
        }
    }

    #[test]
    fn sizes_are_as_promised(
        size in (1u32..90, 1u32..90), asked in (1u32..120, 1u32..120), angle in -450i32..450
    ) {
        let image = noise(Size::new(size.0, size.1), Channels::GrayAlpha, 5);
        let expect = |ops: Value, width: u32, height: u32| {
            let size = run(&ops, &image).size();
            assert_eq!((size.width, size.height), (width, height), "{ops}");
        };
        let (width, height) = asked;
        expect(json!([{"type": "resize", "width": width, "height": height, "mode": "fill", "gravity": "smart"}]), width, height);
        expect(json!([{"type": "change_dimensions", "width": width, "height": height}]), width, height);
        let (wide, high) = (width.max(size.0), height.max(size.1));
        expect(json!([{"type": "extend_canvas", "width": wide, "height": high, "gravity": "bottom"}]), wide, high);
        let (less, lower) = (width.min(size.0), height.min(size.1));
        expect(json!([{"type": "crop", "width": less, "height": lower, "gravity": "smart"}]), less, lower);
        let straight = run(&json!([{"type": "straighten", "angle": f64::from(angle) / 10.0}]), &image).size();
        assert!(straight.width <= size.0.max(size.1) && straight.area() > 0);
        let angle = f64::from(angle) / 10.0;
        let whole = run(&json!([{"type": "straighten", "angle": angle, "crop": false}]), &image).size();
        assert_eq!(whole, run(&json!([{"type": "rotate", "angle": angle}]), &image).size());
    }
}

#[test]
fn what_changes_nothing_gives_the_image_back() {
    for channels in [Channels::Gray, Channels::Rgb, Channels::Rgba] {
        let image = noise(Size::new(37, 23), channels, 4);
        for op in [
            json!({"type": "straighten", "angle": 0}),
            json!({"type": "perspective", "corners": [[0, 0], [37, 0], [37, 23], [0, 23]]}),
            json!({"type": "change_dimensions", "width": 37, "height": 23}),
            json!({"type": "extend_canvas", "width": 37}),
            json!({"type": "crop", "width": 37, "gravity": "smart"}),
        ] {
            assert_eq!(rgba(run(&json!([op]), &image)), rgba(image.clone()), "{op}");
        }
    }
}

/// The warp itself, not the shortcut around it: a hair from the corners of the image.
#[test]
fn the_corners_of_the_image_give_the_image_within_a_level() {
    let image = portrait();
    let (width, height) = (image.size().width, image.size().height);
    let (right, bottom) = (f64::from(width) - 1e-7, f64::from(height) - 1e-7);
    let corners = json!([[0, 0], [right, 0], [right, bottom], [0, bottom]]);
    let seen = run(&json!([{"type": "perspective", "corners": corners}]), &image);
    assert_eq!(seen.size(), image.size());
    assert!(seen.samples().iter().zip(image.samples()).all(|(a, b)| a.abs_diff(*b) <= 1));
}

#[test]
fn a_quarter_of_the_image_in_perspective_is_its_crop() {
    let image = portrait();
    let corners = json!([[10, 8], [50, 8], [50, 40], [10, 40]]);
    let seen = run(&json!([{"type": "perspective", "corners": corners}]), &image);
    let crop = json!([{"type": "crop", "x": 10, "y": 8, "width": 40, "height": 32}]);
    assert_eq!(seen, run(&crop, &image));
}

#[test]
fn all_kinds_of_pixels_are_turned_and_keep_their_kind() {
    let samples = (0..40 * 30).map(|i| (i * 53) as u16).collect();
    let deep = Packed::new(Size::new(40, 30), Channels::Gray, samples);
    let file = png_of(&Image::still(Pixels::U16(deep)));
    let gray = json!([{"type": "rotate", "angle": 11, "background": "white"}]);
    match decode_any(&run_on(&gray, &file, "png").outputs[0].bytes) {
        Pixels::U16(packed) => assert_eq!(packed.channels(), Channels::Gray),
        other => panic!("{other:?}"),
    }
    let clear = json!([{"type": "rotate", "angle": 11}]);
    match decode_any(&run_on(&clear, &file, "png").outputs[0].bytes) {
        Pixels::U16(packed) => assert_eq!(packed.channels(), Channels::GrayAlpha),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_background_lies_beside_a_transparent_image_and_not_behind_it() {
    let image = Packed::new(Size::new(20, 20), Channels::Rgba, [9, 9, 9, 0].repeat(400));
    let turned = run(&json!([{"type": "rotate", "angle": 45, "background": "red"}]), &image);
    let (width, pixels) = (turned.size().width as usize, turned.samples());
    assert_eq!(&pixels[..4], [255, 0, 0, 255]);
    assert_eq!(pixels[(width / 2 * width + width / 2) * 4 + 3], 0);
}

#[test]
fn a_trim_tells_what_it_kept_and_what_was_all_border() {
    let ops = json!([{"type": "pad", "padding": 7, "color": "white"}, {"type": "trim"}]);
    let report = run_on(&ops, &png(&busy(20, 10, 3)), "png");
    let kept = json!({"x": 7, "y": 7, "width": 20, "height": 10});
    assert_eq!(report.data[0].data["trim"], kept);
    let plain = Packed::new(Size::new(5, 4), Channels::Gray, vec![80; 20]);
    let report = run_on(&json!([{"type": "trim"}]), &png(&plain), "png");
    assert_eq!(report.warnings[0].code, "nothing_but_border");
    assert_eq!(decode(&report.outputs[0].bytes), plain);
}

#[test]
fn what_a_trim_leaves_may_fit_a_canvas_that_the_whole_image_does_not() {
    let ops = json!([
        {"type": "pad", "padding": 30, "color": "white"}, {"type": "trim"},
        {"type": "extend_canvas", "width": 24, "height": 24},
    ]);
    let report = run_on(&ops, &png(&busy(20, 10, 3)), "png");
    assert_eq!((report.outputs[0].width, report.outputs[0].height), (24, 24));
    let request = json!({"operations": [{"type": "trim"}, {"type": "extend_canvas", "width": 9}]});
    let (_, plan) = Plan::parse("transform", &request, &Limits::default()).unwrap();
    let file = png(&busy(20, 10, 3));
    let result = imaging::run(&plan, Input::alone("in", &file), &Limits::default(), &());
    let error = result.expect_err("20 pixels do not fit into 9");
    assert!(error.message.contains("does not hold the image of 20×10"), "{error}");
}

#[test]
fn a_physical_size_stands_in_the_file() {
    let op = json!([{"type": "change_dimensions", "width": 2, "unit": "in", "dpi": 30}]);
    for format in ["png", "jpg"] {
        let report = run_on(&op, &png(&portrait()), format);
        assert_eq!(report.outputs[0].width, 60);
        let file = &report.outputs[0].bytes;
        let decode = imaging::format::sniff(file).and_then(|format| format.decode).unwrap();
        let decoded = decode(file, &Default::default(), &Limits::default()).unwrap();
        let (x, y) = decoded.image.metadata.dpi.expect("a resolution");
        assert!((x - 30.0).abs() < 0.02 && (y - 30.0).abs() < 0.02, "{format}: {x} {y}");
    }
}

#[test]
fn a_smart_crop_keeps_the_thing_wherever_it_is() {
    for (x, y) in [(10, 10), (150, 20), (80, 60), (20, 90), (160, 95)] {
        // A dull ground with a colored thing on it.
        let mut image = noise(Size::new(200, 120), Channels::Rgb, 8);
        for (i, pixel) in image.samples_mut().chunks_exact_mut(3).enumerate() {
            let (across, down) = (i as i32 % 200 - x - 10, i as i32 / 200 - y - 10);
            let thing = across * across + down * down < 100;
            let grain = pixel[0] / 16;
            pixel.copy_from_slice(&if thing { [230, 90, 20] } else { [100 + grain; 3] });
        }
        let op = json!([{"type": "crop", "width": 60, "height": 60, "gravity": "smart"}]);
        let report = run_on(&op, &png(&image), "png");
        let crop = &report.data[0].data["crop"];
        let (left, top) = (crop["x"].as_i64().unwrap(), crop["y"].as_i64().unwrap());
        let (x, y) = (i64::from(x), i64::from(y));
        assert!(
            (left..=left + 40).contains(&x) && (top..=top + 40).contains(&y),
            "{x} {y}: {crop}"
        );
        let given =
            json!([{"type": "crop", "x": 3, "width": 60, "height": 60, "gravity": "smart"}]);
        let crop = &run_on(&given, &png(&image), "png").data[0].data["crop"];
        assert_eq!(crop["x"], 3);
    }
}

/// The left edge of the upright smart crop of a level image.
fn smart_left(color: impl Fn(i32, i32) -> [u8; 3]) -> i64 {
    let places = (0..120).flat_map(|y| (0..240).map(move |x| (x, y)));
    let samples = places.flat_map(|(x, y)| color(x, y)).collect();
    let image = Packed::new(Size::new(240, 120), Channels::Rgb, samples);
    let op = json!([{"type": "crop", "width": 60, "height": 120, "gravity": "smart"}]);
    run_on(&op, &png(&image), "png").data[0].data["crop"]["x"].as_i64().unwrap()
}

#[test]
fn a_smart_crop_keeps_a_small_colored_thing_rather_than_a_large_pale_one() {
    // A kite at the right of a sky with a cloud at its left.
    let left = smart_left(|x, y| match ((x - 190).abs() + (y - 40).abs(), (x - 10).pow(2)) {
        (..6, _) => [220, 40, 30],
        (_, across) if across + (y - 60).pow(2) < 2000 => [225, 228, 232],
        _ => [40, 90, 170],
    });
    assert!((136..=184).contains(&left), "{left}");
}

#[test]
fn a_smart_crop_keeps_what_is_sharp_rather_than_a_blurred_ground_like_skin() {
    // Fine stripes, as feathers have, at the left; a smooth beige ground at the right.
    let left = smart_left(|x, y| match ((x - 40).pow(2) + (y - 60).pow(2) < 500, x / 2 % 2) {
        (true, 0) => [60, 62, 70],
        (true, _) => [130, 132, 140],
        _ => [160 + (x / 6) as u8, 130 + (x / 8) as u8, 110 + (x / 10) as u8],
    });
    assert!(left <= 24, "{left}");
}

#[test]
fn a_sheet_that_lies_half_in_the_shade_is_found() {
    // Everywhere brighter than the ground beside it, and where it is dark, darker than the ground
    // where that is bright.
    let places = (0..450).flat_map(|y| (0..600).map(move |x| (x, y)));
    let samples = places.flat_map(|(x, y)| {
        let inside = (100..500).contains(&x) && (60..400).contains(&y);
        let shade = 1.0 - 0.6 * f64::from(x) / 600.0;
        [(if inside { 240.0 } else { 165.0 } * shade) as u8; 3]
    });
    let image = Packed::new(Size::new(600, 450), Channels::Rgb, samples.collect());
    let report = run_on(&json!([{"type": "perspective", "auto": true}]), &png(&image), "png");
    let (width, height) = (report.outputs[0].width, report.outputs[0].height);
    assert!(width.abs_diff(400) <= 4 && height.abs_diff(340) <= 4, "{width} × {height}");
}

#[test]
fn hostile_parameters_are_refused_with_the_field_to_blame() {
    let refused = |op: Value, pointer: &str| {
        let request = json!({ "operations": [op] });
        let header = imaging::format::header(&png(&portrait()), &Limits::default()).unwrap();
        let faults = match Plan::parse("transform", &request, &Limits::default()) {
            Err(faults) => faults,
            Ok((_, plan)) => plan
                .check(&header, &imaging::Files::of_headers(&[]), &Limits::default())
                .expect_err(&request.to_string()),
        };
        assert_eq!(faults[0].pointer, format!("/operations/0{pointer}"), "{faults:?}");
    };
    refused(json!({"type": "straighten", "angle": 45.1}), "/angle");
    refused(json!({"type": "straighten", "angle": 1, "background": "red"}), "/background");
    refused(json!({"type": "deskew", "max_angle": 0}), "/max_angle");
    refused(json!({"type": "deskew", "background": "paper"}), "/background");
    refused(json!({"type": "trim", "tolerance": 101}), "/tolerance");
    refused(json!({"type": "trim", "color": "automatic"}), "/color");
    refused(json!({"type": "extend_canvas", "width": 0}), "/width");
    refused(json!({"type": "extend_canvas", "width": 10}), "/width");
    refused(json!({"type": "change_dimensions", "width": 0, "height": 3}), "/width");
    refused(
        json!({"type": "change_dimensions", "width": 3000, "unit": "in", "dpi": 1000}),
        "/width",
    );
    refused(json!({"type": "change_dimensions", "width": 3, "unit": "in"}), "");
    refused(json!({"type": "perspective"}), "");
    refused(json!({"type": "perspective", "corners": [[0, 0], [9, 0], [9, 9]]}), "/corners");
    refused(
        json!({"type": "perspective", "corners": [[0, 0], [999, 0], [9, 9], [0, 9]]}),
        "/corners",
    );
    refused(
        json!({"type": "perspective", "corners": [[0, 0], [9, 9], [9, 0], [0, 9]]}),
        "/corners",
    );
    refused(json!({"type": "resize", "width": 9, "gravity": "smart"}), "/gravity");
    refused(json!({"type": "crop", "x": 10, "width": 60, "gravity": "smart"}), "/width");
}

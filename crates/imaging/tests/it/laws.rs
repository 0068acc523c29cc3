//! What must hold whatever the image and the plan: fused and plain execution agree, files decode
//! once and encode once, and operations that undo each other do.

use std::cell::RefCell;

use imaging::image::{Channels, Packed, Pixels};
use imaging::run::{Codec, Execution, run_as};
use imaging::{Events, Image, Input, Limits, Plan, Size, catalog};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pictures::{beside, decode, decode_any, png, png_of, portrait};

fn plan(steps: &Value) -> Plan {
    let parsed = Plan::parse("pipeline", &json!({ "steps": steps }), &Limits::default());
    parsed.unwrap_or_else(|faults| panic!("{steps}: {faults:?}")).1
}

/// The result of a plan on a file, as a PNG whatever the plan says.
fn run(execution: Execution, steps: &[Value], file: &[u8]) -> Packed<u8> {
    let mut steps = steps.to_vec();
    steps.push(json!({"operation": "convert", "request": {"output_format": "png", "output": {"bit_depth": 8}}}));
    let input = Input { filename: "in", bytes: file, files: &beside("lut") };
    let report = run_as(execution, &plan(&steps.into()), input, &Limits::default(), &()).unwrap();
    decode(&report.outputs[0].bytes)
}

fn rgba(packed: Packed<u8>) -> Packed<u8> {
    packed.with_channels(Channels::Rgba).unwrap()
}

/// The largest difference of two pictures of one size; what cannot be seen does not count.
fn worst(a: &Packed<u8>, b: &Packed<u8>) -> u8 {
    assert_eq!(a.size(), b.size());
    let (a, b) = (rgba(a.clone()), rgba(b.clone()));
    let pixels = a.samples().chunks_exact(4).zip(b.samples().chunks_exact(4));
    let pixels = pixels.filter(|(a, b)| a[3] > 32 || b[3] > 32);
    pixels.flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b))).max().unwrap_or(0)
}

/// Filters that look at more than one pixel; all others are functions of color and place.
const AREA: [&str; 10] = [
    "blur",
    "sharpen",
    "pixelate",
    "emboss",
    "edge_detect",
    "halftone",
    "glow",
    "tilt_shift",
    "clarity",
    "dehaze",
];

/// Filters with jumps: next to one, the smallest difference becomes a large one.
const STEPS: [&str; 2] = ["posterize", "solarize"];

/// A filter of the list with a strength, 0 to 100 percent of what it can be.
fn entry(op: &catalog::ImageOpDoc, strength: i32) -> Value {
    let mut entry = json!({"type": op.name});
    let properties = &op.schema["properties"];
    match properties["value"].is_null() {
        false => entry["value"] = json!(strength),
        true => entry["intensity"] = json!(strength.abs()),
    }
    if !properties["file_index"].is_null() {
        entry["file_index"] = json!(1);
    }
    entry
}

fn filters() -> Vec<catalog::ImageOpDoc> {
    catalog::image_ops().into_iter().filter(|op| op.operation == "filter").collect()
}

fn color_op() -> impl Strategy<Value = Value> {
    let ops: Vec<_> = filters().into_iter().filter(|op| !AREA.contains(&op.name)).collect();
    (0..ops.len(), -100..=100).prop_map(move |(index, strength)| entry(&ops[index], strength))
}

/// What does not stretch a rounding beyond all bounds.
fn gentle_op() -> impl Strategy<Value = Value> {
    let ops: Vec<_> = filters()
        .into_iter()
        .filter(|op| !AREA.contains(&op.name) && !STEPS.contains(&op.name))
        .collect();
    (0..ops.len(), -20..=20).prop_map(move |(index, strength)| entry(&ops[index], strength))
}

fn filter_op() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => gentle_op(),
        1 => (0..=100).prop_map(|intensity| json!({"type": "vignette", "intensity": intensity})),
        1 => (1..40).prop_map(|sigma| json!({"type": "blur", "sigma": f64::from(sigma) / 10.0})),
    ]
}

fn geometry_op() -> impl Strategy<Value = Value> {
    let mode =
        prop_oneof![Just("fit"), Just("fill"), Just("pad"), Just("stretch"), Just("outside")];
    prop_oneof![
        (8..200, 8..200, mode).prop_map(
            |(width, height, mode)| json!({"type": "resize", "width": width, "height": height, "mode": mode})
        ),
        (0..50, 0..50).prop_map(
            |(x, y)| json!({"type": "crop", "x": format!("{x}%"), "y": format!("{y}%"), "width": "50%", "height": "50%"})
        ),
        (0..4).prop_map(|turns| json!({"type": "rotate", "angle": turns * 90})),
        Just(json!({"type": "flip"})),
        Just(json!({"type": "mirror"})),
        Just(json!({"type": "pad", "left": 3, "top": 5, "color": "tomato"})),
    ]
}

/// What does not stretch a rounding beyond all bounds: no dodging and burning, no averages that are
/// rounded to a few levels.
fn compose_op() -> impl Strategy<Value = Value> {
    let blend = || {
        let names = ["normal", "multiply", "screen", "darken", "lighten", "overlay", "soft_light"];
        prop::sample::select(names.to_vec())
    };
    let text = || prop::sample::select(vec!["Ag", "two\nlines", "שלום", "漢字", "हिन्दी"]);
    let places = ["center", "top_left", "bottom", "bottom_right"];
    let place = move || prop::sample::select(places.to_vec());
    prop_oneof![
        (text(), place(), -180..=180, 0..=100).prop_map(|(text, gravity, rotation, opacity)| json!({
            "type": "text_overlay", "text": text, "gravity": gravity, "rotation": rotation,
            "opacity": opacity, "background": "#20406080", "shadow_color": "#000000"
        })),
        (text(), blend(), 1..=100, any::<bool>()).prop_map(|(text, blend, scale, tiled)| json!({
            "type": "watermark", "text": text, "blend": blend, "scale": scale,
            "position": if tiled { "tiled" } else { "bottom_right" }
        })),
        (blend(), place(), 1..=100, -180..=180).prop_map(|(blend, gravity, width, rotation)| json!({
            "type": "overlay", "file_index": 2, "blend": blend, "gravity": gravity,
            "width": format!("{width}%"), "rotation": rotation
        })),
        (0..50, 0..50).prop_map(|(x, y)| json!({
            "type": "redact", "color": "teal",
            "regions": [{"x": format!("{x}%"), "y": format!("{y}%"), "width": "50%", "height": "50%"}]
        })),
        (0..90, 0..90, 0..90).prop_map(|(x, y, to_x)| json!({
            "type": "annotate", "shape": "arrow", "x": format!("{x}%"), "y": format!("{y}%"),
            "to_x": format!("{to_x}%"), "to_y": "50%"
        })),
        (1..9, any::<bool>()).prop_map(|(width, inside)| json!({
            "type": "border", "width": width, "color": "tomato", "radius": width * 2,
            "position": if inside { "inside" } else { "outside" }
        })),
        (1..=50).prop_map(
            |radius| json!({"type": "round_corners", "radius": format!("{radius}%")})
        ),
        text().prop_map(|text| json!({"type": "meme_text", "top_text": text})),
    ]
}

fn step() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::collection::vec(geometry_op(), 1..4)
            .prop_map(|ops| json!({"operation": "transform", "request": {"operations": ops}})),
        prop::collection::vec(filter_op(), 1..4)
            .prop_map(|ops| json!({"operation": "filter", "request": {"filters": ops}})),
        prop::collection::vec(compose_op(), 1..3)
            .prop_map(|ops| json!({"operation": "compose", "request": {"operations": ops}})),
    ]
}

/// Fewer cases than proptest's own 256, unless `PROPTEST_CASES` asks for more. The seed is fixed in
/// `.cargo/config.toml`.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 48;
    }
    config
}

/// How often the fused form rounds to 8 bits in between.
fn roundings(steps: &[Value]) -> u8 {
    let text = Value::from(steps.to_vec()).to_string();
    let names = [
        "resize",
        "blur",
        "vignette",
        "text_overlay",
        "watermark",
        "\"overlay",
        "annotate",
        "border",
        "round_corners",
        "meme_text",
    ];
    names.map(|name| text.matches(name).count() as u8).iter().sum()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn fused_color_stays_within_one_level_of_exact_color(
        ops in prop::collection::vec(color_op(), 1..6)
    ) {
        let steps = [json!({"operation": "filter", "request": {"filters": ops}})];
        let file = png(&crate::pictures::color_cube());
        let fused = run(Execution::Fused, &steps, &file);
        let exact = run(Execution::Plain, &steps, &file);
        let has_steps = ops.iter().any(|op| STEPS.iter().any(|name| op["type"] == **name));
        if !has_steps {
            prop_assert!(worst(&fused, &exact) <= 1, "{}", worst(&fused, &exact));
        } else {
            let pixels = fused.samples().chunks_exact(3).zip(exact.samples().chunks_exact(3));
            let is_off = |(a, b): &(&[u8], &[u8])| (0..3).any(|c| a[c].abs_diff(b[c]) > 1);
            let off = pixels.filter(is_off).count();
            prop_assert!(off * 50 <= fused.samples().len() / 3, "{off} on the wrong side");
        }
    }

    // Every stage that is not color rounds to 8 bits once in the fused form, and a later curve can
    // stretch that rounding: hence a bound that grows with such stages, and for most pixels a tight
    // one.
    #[test]
    fn fused_and_plain_plans_agree(steps in prop::collection::vec(step(), 1..4)) {
        let file = png(&portrait());
        let fused = run(Execution::Fused, &steps, &file);
        let plain = run(Execution::Plain, &steps, &file);
        prop_assert_eq!(fused.size(), plain.size());
        let (a, b) = (rgba(fused), rgba(plain));
        let pairs = a.samples().chunks_exact(4).zip(b.samples().chunks_exact(4));
        let visible = pairs.filter(|(a, _)| a[3] > 32);
        let mut off: Vec<u8> =
            visible.map(|(a, b)| (0..4).map(|c| a[c].abs_diff(b[c])).max().unwrap_or(0)).collect();
        off.sort_unstable();
        // One in a hundred pixels of a handful is the worst of them.
        let most = if off.len() < 1000 { 0 } else { off[off.len() * 99 / 100] };
        prop_assert!(most <= 5 + roundings(&steps), "99 %: {most}");
        prop_assert!(off.last().is_none_or(|worst| *worst <= 32), "worst: {:?}", off.last());
    }

    #[test]
    fn turns_that_undo_each_other_leave_the_image_to_the_bit(
        turns in 1i32..4, width in 1u32..40, height in 1u32..40, seed in any::<u64>(),
    ) {
        let image = crate::pictures::noise(Size::new(width, height), Channels::Rgba, seed);
        let there = json!({"type": "rotate", "angle": turns * 90});
        let back = json!({"type": "rotate", "angle": -turns * 90});
        for ops in [json!([there, back]), json!([{"type": "flip"}, {"type": "flip"}]),
                    json!([{"type": "mirror"}, {"type": "rotate", "angle": 180}, {"type": "flip"}]),
                    json!([{"type": "crop", "width": "100%", "height": "100%"}]),
                    json!([{"type": "resize", "width": width, "height": height, "mode": "stretch"}])] {
            let steps = [json!({"operation": "transform", "request": {"operations": ops}})];
            let same = run(Execution::Fused, &steps, &png(&image));
            prop_assert_eq!(rgba(same), image.clone(), "{}", steps[0]);
        }
    }
}

#[test]
fn a_strength_of_nothing_is_the_identity_to_the_bit() {
    let size = Size::new(33, 21);
    for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
        let narrow = crate::pictures::noise(size, channels, 11);
        let deep = narrow.samples().iter().map(|sample| u16::from(*sample) * 251 + 77).collect();
        let deep = Pixels::U16(Packed::new(size, channels, deep));
        for pixels in [Pixels::U8(narrow), deep] {
            for op in filters() {
                let steps =
                    json!([{"operation": "filter", "request": {"filters": [entry(&op, 0)]}}]);
                let file = png_of(&Image::still(pixels.clone()));
                let input = Input { filename: "in.png", bytes: &file, files: &beside("lut") };
                let report = imaging::run(&plan(&steps), input, &Limits::default(), &()).unwrap();
                let same = decode_any(&report.outputs[0].bytes);
                let is_same = match (&pixels, &same) {
                    (Pixels::U8(a), Pixels::U8(b)) => a == b,
                    (Pixels::U16(a), Pixels::U16(b)) => a == b,
                    _ => false,
                };
                assert!(is_same, "{} on {pixels:?}", op.name);
            }
        }
    }
}

#[test]
fn every_filter_does_the_same_to_gray_to_color_and_to_16_bits() {
    let red = portrait().samples().chunks_exact(3).map(|pixel| pixel[0]).collect();
    let gray = Packed::new(portrait().size(), Channels::Gray, red);
    let color = gray.clone().with_channels(Channels::Rgb).unwrap();
    let wide = gray.samples().iter().map(|sample| u16::from(*sample) * 257).collect();
    let wide = png_of(&Image::still(Pixels::U16(Packed::new(gray.size(), Channels::Gray, wide))));
    for op in filters() {
        let steps = [json!({"operation": "filter", "request": {"filters": [op.example.clone()]}})];
        let of_color = run(Execution::Fused, &steps, &png(&color));
        let of_gray = run(Execution::Fused, &steps, &png(&gray));
        let of_wide = run(Execution::Fused, &steps, &wide);
        assert!(worst(&of_color, &of_gray) <= 1, "{}: gray", op.name);
        // What looks for small differences sees how a blur was rounded.
        let tolerance = if AREA.contains(&op.name) { 8 } else { 2 };
        assert!(worst(&of_color, &of_wide) <= tolerance, "{}: 16 bits", op.name);
    }
}

#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Events for Log {
    fn step(&self, step_index: usize, fraction: f32) {
        self.0.borrow_mut().push(format!("{step_index}:{fraction}"));
    }

    fn codec(&self, codec: Codec) {
        self.0.borrow_mut().push(format!("{codec:?}"));
    }
}

#[test]
fn however_many_steps_there_is_one_decode_and_one_encode() {
    let steps = json!([
        {"operation": "convert", "request": {"output_format": "jpg"}},
        {"operation": "transform", "request": {"operations": [{"type": "resize", "width": 40}]}},
        {"operation": "filter", "request": {"filters": [{"type": "cinematic"}, {"type": "vignette"}]}},
        {"operation": "convert", "request": {"output_format": "png"}},
        {"operation": "filter", "request": {"filters": [{"type": "sharpen"}]}},
        {"operation": "optimize", "request": {"operation": "convert_to_webp"}},
    ]);
    let log = Log::default();
    let file = png(&portrait());
    let input = Input::alone("folder/face.png", &file);
    let report = imaging::run(&plan(&steps), input, &Limits::default(), &log).unwrap();
    let log = log.0.into_inner();
    assert_eq!(log.iter().filter(|entry| *entry == "Decode").count(), 1, "{log:?}");
    assert_eq!(log.iter().filter(|entry| *entry == "Encode").count(), 1, "{log:?}");
    for step in 0..6 {
        let began = log.iter().position(|entry| *entry == format!("{step}:0"));
        let ended = log.iter().position(|entry| *entry == format!("{step}:1"));
        assert!(began.is_some() && began < ended, "step {step}: {log:?}");
    }
    let [output] = report.outputs.as_slice() else { panic!("one output") };
    assert_eq!(
        (output.filename.as_str(), output.format, output.encode_generations),
        ("face.webp", "webp", 1)
    );
    assert_eq!(
        report.warnings.iter().filter(|warning| warning.code == "output_overridden").count(),
        2
    );
    assert_eq!(report.data[0].data["original_size_bytes"], file.len());
}

#[test]
fn a_step_tells_how_far_it_is_while_it_runs() {
    let steps = json!([
        {"operation": "transform", "request": {"operations": [
            {"type": "trim"}, {"type": "resize", "width": 40}, {"type": "deskew"}]}},
        {"operation": "filter", "request": {"filters": [
            {"type": "blur"}, {"type": "edge_detect"}, {"type": "sepia"}, {"type": "sharpen"}]}},
    ]);
    let log = Log::default();
    let file = png(&portrait());
    let input = Input::alone("face.png", &file);
    imaging::run(&plan(&steps), input, &Limits::default(), &log).unwrap();
    let log = log.0.into_inner();
    for step in 0..2 {
        let of_step = log.iter().filter_map(|entry| entry.strip_prefix(&format!("{step}:")));
        let told: Vec<f32> = of_step.map(|fraction| fraction.parse().unwrap()).collect();
        assert!(told.len() >= 3, "step {step} tells more than its ends: {log:?}");
        assert!(told.is_sorted(), "step {step} goes forward: {log:?}");
        assert_eq!((told[0], *told.last().unwrap()), (0.0, 1.0), "step {step}");
    }
}

#[test]
fn sixteen_bits_survive_from_png_to_png() {
    let samples = (0..64 * 64 * 3).map(|i| (i * 5) as u16).collect();
    let image = Packed::new(Size::new(64, 64), Channels::Rgb, samples);
    let file = png_of(&Image::still(Pixels::U16(image.clone())));
    let steps = json!([{"operation": "transform", "request": {"operations": [{"type": "rotate", "angle": 90}]}}]);
    let input = Input::alone("deep.png", &file);
    let report = imaging::run(&plan(&steps), input, &Limits::default(), &()).unwrap();
    let turned = crate::pictures::decode_any(&report.outputs[0].bytes);
    let Pixels::U16(turned) = turned else { panic!("16 bits, not {turned:?}") };
    assert_eq!(turned.samples()[..3], image.samples()[63 * 64 * 3..][..3]);
}

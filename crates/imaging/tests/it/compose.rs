//! What is put onto images: what must be refused, kept and destroyed.

use imaging::image::{Channels, Packed, Pixels};
use imaging::{Fault, Files, Image, Input, Limits, Plan, Report, Size, format};
use serde_json::{Value, json};

use crate::formats::inputs;
use crate::pictures::{decode, decode_any, noise, png, png_of, portrait};

fn request(operations: &Value) -> Value {
    json!({ "operations": operations, "output_format": "same_as_input" })
}

fn parse(request: &Value) -> Result<Plan, Vec<Fault>> {
    Plan::parse("compose", request, &Limits::default()).map(|(_, plan)| plan)
}

/// Runs operations on a file; the files beside it are counted from 1.
fn run_with(request: &Value, file: &[u8], others: &[&[u8]]) -> Report {
    let plan = parse(request).unwrap_or_else(|faults| panic!("{request}: {faults:?}"));
    let files = (1..).zip(others.iter().copied());
    let files = Files::of_bytes(files, &Limits::default()).unwrap();
    let input = Input { filename: "in", bytes: file, files: &files };
    imaging::run(&plan, input, &Limits::default(), &()).unwrap()
}

fn run(operations: &Value, file: &[u8]) -> Report {
    run_with(&request(operations), file, &[])
}

fn result(operations: &Value, file: &[u8]) -> Packed<u8> {
    decode(&run(operations, file).outputs[0].bytes)
}

/// The first fault of operations on the portrait, at the door.
#[track_caller]
fn refused(operations: &Value, pointer: &str, part: &str) {
    let file = png(&portrait());
    let header = format::header(&file, &Limits::default()).unwrap();
    let faults = match parse(&request(operations)) {
        Err(faults) => faults,
        Ok(plan) => plan.check(&header, &Files::NONE, &Limits::default()).unwrap_err(),
    };
    assert_eq!(faults[0].pointer, pointer, "{faults:?}");
    assert!(faults[0].message.contains(part), "{:?}", faults[0].message);
}

#[test]
fn what_cannot_be_drawn_is_refused_at_the_door() {
    let text = "a".repeat(2001);
    refused(&json!([{"type": "text_overlay", "text": text}]), "/operations/0/text", "at most 2000");
    refused(&json!([{"type": "text_overlay", "text": " "}]), "/operations/0/text", "empty");
    refused(
        &json!([{"type": "text_overlay", "text": "a", "font_family": "Arial"}]),
        "/operations/0/font_family",
        "Noto Sans Mono",
    );
    refused(
        &json!([{"type": "text_overlay", "text": "a", "x": 64}]),
        "/operations/0/x",
        "lies outside the image of 64×64",
    );
    for (field, none) in [("width", json!(0)), ("width", json!("0%")), ("height", json!(0))] {
        let overlay = json!([{"type": "overlay", "file_index": 1, field: none}]);
        refused(&overlay, &format!("/operations/0/{field}"), "without a size");
    }
    refused(&json!([{"type": "watermark"}]), "/operations/0", "give text or file_index");
    refused(
        &json!([{"type": "overlay", "file_index": 3}]),
        "/operations/0/file_index",
        "there is no file 3",
    );
    refused(
        &json!([{"type": "annotate", "shape": "arrow", "x": 0, "y": 0}]),
        "/operations/0",
        "to_x",
    );
    refused(&json!([{"type": "meme_text"}]), "/operations/0", "top_text");
}

#[test]
fn regions_that_lie_outside_are_refused() {
    let region = |x: Value, width: Value| {
        json!([{"type": "redact", "regions": [
            {"x": 0, "y": 0, "width": 5, "height": 5},
            {"x": x, "y": 0, "width": width, "height": 5}]}])
    };
    for (x, width, field) in [
        (json!(64), json!(1), "x"),
        (json!(60), json!(5), "width"),
        (json!("90%"), json!("20%"), "width"),
    ] {
        let pointer = format!("/operations/0/regions/1/{field}");
        refused(&region(x, width), &pointer, "region 1: x");
    }
    refused(&region(json!(3), json!(0)), "/operations/0/regions/1/width", "region 1: width is 0");
    refused(
        &json!([{"type": "redact", "regions": []}]),
        "/operations/0/regions",
        "expected 1 to 500 entries",
    );
    refused(
        &json!([{"type": "redact", "color": "#0008",
            "regions": [{"x": 0, "y": 0, "width": 5, "height": 5}]}]),
        "/operations/0/color",
        "hides nothing",
    );
}

#[test]
fn nothing_is_left_of_a_solid_region_whatever_was_there() {
    let operations = json!([{"type": "redact", "regions": [
        {"x": 10, "y": 10, "width": "50%", "height": 20}]}]);
    for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
        let size = Size::new(64, 48);
        let redacted = |seed| result(&operations, &png(&noise(size, channels, seed)));
        let rgba = |packed: Packed<u8>| packed.with_channels(Channels::Rgba).unwrap();
        let (a, b) = (rgba(redacted(1)), rgba(redacted(2)));
        let original = rgba(noise(size, channels, 1));
        for index in 0..size.area() as usize {
            let (x, y) = (index % 64, index / 64);
            let at = |packed: &Packed<u8>| packed.samples()[index * 4..][..4].to_vec();
            if (10..42).contains(&x) && (10..30).contains(&y) {
                assert_eq!((at(&a), at(&b)), (vec![0, 0, 0, 255], vec![0, 0, 0, 255]));
            } else {
                assert_eq!(at(&a), at(&original), "{channels:?} {x},{y}");
            }
        }
    }
}

#[test]
fn only_what_can_be_reversed_in_theory_is_warned_of() {
    for (mode, warned) in [("solid", false), ("blur", true), ("pixelate", true)] {
        let operations = json!([{"type": "redact", "mode": mode, "regions": [
            {"x": 0, "y": 0, "width": 20, "height": 20}]}]);
        let report = run(&operations, &png(&portrait()));
        let codes: Vec<&str> =
            report.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes.contains(&"redaction_reversible_in_theory"), warned, "{mode}: {codes:?}");
    }
}

/// A segment of a JPEG file.
fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16 + 2).to_be_bytes();
    [&[0xFF, marker], &len[..], payload].concat()
}

/// Exif with a name of the maker, a maker note and a thumbnail.
fn exif() -> Vec<u8> {
    const NOTE: &[u8] = b"PREVIEW-IN-NOTE";
    const THUMBNAIL: &[u8] = b"\xFF\xD8\xFF\xDBPREVIEW-IN-THUMB\xFF\xD9";
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()]
            .concat()
    };
    let directory = |entries: &[Vec<u8>], next: u32| {
        [&(entries.len() as u16).to_be_bytes()[..], &entries.concat(), &next.to_be_bytes()].concat()
    };
    // The first directory lies at 8, its text at 38, then Exif, the note, and the thumbnail.
    let (text_at, exif_at, note_at) = (38, 46, 64);
    let second_at = note_at + NOTE.len() as u32 + 1;
    let thumbnail_at = second_at + 30;
    [
        b"MM\0*\0\0\0\x08".to_vec(),
        directory(&[entry(0x010F, 2, 8, text_at), entry(0x8769, 4, 1, exif_at)], second_at),
        b"Kamera1\0".to_vec(),
        directory(&[entry(0x927C, 7, NOTE.len() as u32, note_at)], 0),
        NOTE.to_vec(),
        vec![0],
        directory(
            &[entry(0x0201, 4, 1, thumbnail_at), entry(0x0202, 4, 1, THUMBNAIL.len() as u32)],
            0,
        ),
        THUMBNAIL.to_vec(),
    ]
    .concat()
}

#[test]
fn a_redaction_takes_the_previews_out_of_metadata_that_are_kept() {
    let (_, photo) = inputs().into_iter().find(|(name, _)| name == "photo-420.jpg").unwrap();
    let xmp = |inner: &str| {
        let packet = format!("<x:xmpmeta><dc:title>Kept title</dc:title>{inner}</x:xmpmeta>");
        segment(0xE1, &[&b"http://ns.adobe.com/xap/1.0/\0"[..], packet.as_bytes()].concat())
    };
    let thumbnails = "<xmp:Thumbnails><rdf:Alt>UFJFVklFVy1JTi1YTVA=</rdf:Alt></xmp:Thumbnails>";
    let long = format!("<GImage:Data>{}</GImage:Data>", "UFJFVklFVy1JTi1YTVA".repeat(40));
    let file = |inner: &str| {
        let exif = segment(0xE1, &[&b"Exif\0\0"[..], &exif()].concat());
        [&photo[..2], &exif, &xmp(inner), &photo[2..]].concat()
    };
    let output = |operations: Value, inner: &str| {
        let request = json!({"operations": operations, "output": {"strip_metadata": false}});
        run_with(&request, &file(inner), &[]).outputs.remove(0).bytes
    };
    let has = |bytes: &[u8], part: &str| bytes.windows(part.len()).any(|w| w == part.as_bytes());
    let text = || json!([{"type": "text_overlay", "text": "a"}]);
    let redact =
        || json!([{"type": "redact", "regions": [{"x": 0, "y": 0, "width": 20, "height": 20}]}]);

    let kept = output(text(), thumbnails);
    for part in ["Kamera1", "PREVIEW-IN-NOTE", "Kept title"] {
        assert!(has(&kept, part), "{part} is kept without a redaction");
    }
    assert!(!has(&kept, "PREVIEW-IN-THUMB"), "the Exif thumbnail is never kept");
    assert!(!has(&kept, "UFJFVklF"), "nor is that of XMP");

    let redacted = output(redact(), thumbnails);
    assert!(has(&redacted, "Kamera1") && has(&redacted, "Kept title"));
    for part in ["PREVIEW-IN-NOTE", "PREVIEW-IN-THUMB", "UFJFVklF"] {
        assert!(!has(&redacted, part), "{part} is gone");
    }
    let redacted = output(redact(), &long);
    assert!(has(&redacted, "Kamera1") && !has(&redacted, "UFJFVklF"));
}

#[test]
fn text_keeps_what_is_transparent_and_shows_on_it() {
    let size = Size::new(80, 40);
    let clear = Packed::new(size, Channels::Rgba, [9, 99, 199, 0].repeat(3200));
    let operations = json!([{"type": "text_overlay", "text": "HHH", "x": 4, "y": 2,
        "font_size": 28, "color": "#ff0000"}]);
    let drawn = result(&operations, &png(&clear));
    let pixels: Vec<&[u8]> = drawn.samples().chunks_exact(4).collect();
    assert!(pixels.contains(&&[255, 0, 0, 255][..]), "letters are opaque");
    for pixel in pixels.iter().filter(|pixel| pixel[3] > 0) {
        assert_eq!(pixel[..3], [255, 0, 0], "what was not seen does not bleed into edges");
    }
    assert!(pixels.iter().filter(|pixel| pixel[3] == 0).count() > 1600);
}

#[test]
fn sixteen_bits_stay_sixteen_bits() {
    let wide: Vec<u16> = (0..64 * 48 * 3).map(|i| (i * 7) as u16).collect();
    let wide = Packed::new(Size::new(64, 48), Channels::Rgb, wide);
    let file = png_of(&Image::still(Pixels::U16(wide.clone())));
    let operations = json!([
        {"type": "text_overlay", "text": "a", "x": 2, "y": 2, "font_size": 20},
        {"type": "redact", "mode": "blur", "regions": [{"x": 40, "y": 0, "width": 9, "height": 9}]},
        {"type": "annotate", "shape": "line", "x": 0, "y": 40, "to_x": 20, "to_y": 45}]);
    let Pixels::U16(got) = decode_any(&run(&operations, &file).outputs[0].bytes) else {
        panic!("16 bits")
    };
    let same = got.samples().iter().zip(wide.samples()).filter(|(a, b)| a == b).count();
    assert!(same > 64 * 48 * 2 && same < 64 * 48 * 3, "{same}: what is not touched stays");
}

#[test]
fn nothing_is_drawn_with_no_opacity() {
    let file = png(&portrait());
    let operations = json!([
        {"type": "text_overlay", "text": "a", "opacity": 0},
        {"type": "watermark", "text": "a", "opacity": 0},
        {"type": "annotate", "shape": "text", "x": 0, "y": 0, "text": "a", "opacity": 0}]);
    assert_eq!(result(&operations, &file), portrait());
}

#[test]
fn corners_that_are_cut_off_show_the_background_in_formats_without_alpha() {
    let request = json!({"operations": [{"type": "round_corners", "radius": "50%"}],
        "output_format": "jpg", "output": {"background": "#00ff00", "quality": 95}});
    let report = run_with(&request, &png(&portrait()), &[]);
    let Pixels::U8(got) = decode_any(&report.outputs[0].bytes).into_packed().unwrap() else {
        panic!()
    };
    let [r, g, b] = got.samples()[..3] else { panic!() };
    assert!(r < 12 && g > 243 && b < 12, "{r} {g} {b}");
}

/// A mark whose end is cut, and a drawing whose photograph is elsewhere.
#[test]
fn what_is_missing_of_a_file_that_is_laid_over_is_told_once() {
    let file = png(&portrait());
    let logo = png(&noise(Size::new(8, 8), Channels::Rgb, 5));
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>\
        <image href='https://example.org/a.png' width='5' height='5'/></svg>";
    let steps = json!([
        {"type": "border", "width": 2},
        {"type": "overlay", "file_index": 1},
        {"type": "watermark", "file_index": 2, "position": "tiled"},
        {"type": "overlay", "file_index": 3},
    ]);
    let report = run_with(&request(&steps), &file, &[&logo[..logo.len() - 5], svg, &logo]);
    let told = report.warnings.iter().map(|warning| (&*warning.code, warning.step_index));
    assert_eq!(told.collect::<Vec<_>>(), [("file_cut", Some(0)), ("pictures_left_out", Some(0))]);
    let message = &report.warnings[0].message;
    assert!(message.starts_with("of the file that is laid over: the PNG ends"), "{message}");
}

#[test]
fn an_overlay_takes_the_place_and_size_that_are_asked_for() {
    let red = png(&Packed::new(Size::new(2, 2), Channels::Rgb, [255, 0, 0].repeat(4)));
    let canvas = png(&Packed::new(Size::new(40, 20), Channels::Rgb, vec![0; 2400]));
    let reds = |overlay: Value| {
        let mut overlay = overlay;
        overlay["type"] = "overlay".into();
        overlay["file_index"] = 1.into();
        let report = run_with(&request(&json!([overlay])), &canvas, &[&red]);
        let got = decode(&report.outputs[0].bytes);
        let at = got.samples().chunks_exact(3).enumerate().filter(|(_, pixel)| pixel[0] > 250);
        let at: Vec<(usize, usize)> = at.map(|(index, _)| (index % 40, index / 40)).collect();
        (at[0], at[at.len() - 1], at.len())
    };
    assert_eq!(reds(json!({"x": 3, "y": 5})), ((3, 5), (4, 6), 4));
    assert_eq!(reds(json!({"width": "25%"})), ((15, 5), (24, 14), 100));
    assert_eq!(
        reds(json!({"height": 4, "width": 6, "gravity": "bottom_right", "margin": 1})),
        ((33, 15), (38, 18), 24)
    );
    assert_eq!(reds(json!({"scale": 500, "x": 35, "gravity": "top"})), ((35, 0), (39, 9), 50));
}

#[test]
fn missing_glyphs_are_told_of() {
    let operations = json!([{"type": "text_overlay", "text": "a\u{13E3}"}]);
    let report = run(&operations, &png(&portrait()));
    let warning = report.warnings.iter().find(|warning| warning.code == "glyph_missing").unwrap();
    assert!(warning.message.contains("U+13E3"), "{}", warning.message);
}

#[test]
fn text_that_lies_outside_is_told_of() {
    let told = |operation: serde_json::Value| {
        let report = run(&json!([operation]), &png(&portrait()));
        report.warnings.iter().any(|warning| warning.code == "text_cut_off")
    };
    assert!(told(json!({"type": "text_overlay", "text": "long ".repeat(40), "font_size": 30})));
    assert!(told(json!({"type": "text_overlay", "text": "low", "y": 50, "font_size": 30})));
    assert!(!told(json!({"type": "text_overlay", "text": "here"})));
    assert!(!told(json!({"type": "text_overlay", "text": "here", "gravity": "bottom_right"})));
}

#[test]
fn what_is_laid_outside_is_told_of() {
    let (image, other) = (png(&portrait()), png(&noise(Size::new(9, 9), Channels::Rgb, 1)));
    let told = |mut operation: Value, name: &str| {
        operation["type"] = name.into();
        let report = run_with(&request(&json!([operation])), &image, &[&other]);
        report.warnings.iter().any(|warning| warning.code == format!("{name}_outside"))
    };
    for side in ["left", "right", "top", "bottom", "top_left", "bottom_right"] {
        let far = json!({"file_index": 1, "gravity": side, "margin": 3000});
        assert!(told(far, "overlay"), "{side}");
        let far = json!({"text": "mine", "position": side, "margin": 3000});
        assert!(told(far, "watermark"), "{side}");
    }
    let corner = |margin: u32| json!({"file_index": 1, "gravity": "top_left", "margin": margin});
    assert!(told(corner(65_535), "overlay") && told(corner(64), "overlay"));
    assert!(!told(corner(63), "overlay"));
    let marks = [json!({"file_index": 1}), json!({"text": "mine"})];
    for mark in marks {
        let with = |position: &str, margin: Value| {
            let mut mark = mark.clone();
            (mark["position"], mark["margin"]) = (position.into(), margin);
            told(mark, "watermark")
        };
        assert!(with("bottom_right", json!(65_535)), "{mark}");
        assert!(!with("bottom_right", json!(4)) && !with("tiled", json!(65_535)), "{mark}");
    }
}

/// At the door there are only headers: what is laid over counts as work all the same.
#[test]
fn explain_knows_what_is_laid_over_and_what_becomes_transparent() {
    let limits = Limits::default();
    let jpeg = crate::formats::file("photo-420.jpg");
    let header = format::header(&jpeg, &limits).unwrap();
    let files = Files::of_headers(&[header.clone(), header.clone()]);
    let codes = |operations: Value| {
        let plan = parse(&request(&operations)).unwrap();
        let explained = plan.explain(&header, jpeg.len() as u64, &files, &limits).unwrap();
        let codes = explained.warnings.into_iter().map(|warning| warning.code);
        (codes.collect::<Vec<_>>(), explained.passes.len(), explained.output.alpha)
    };
    let nothing = codes(json!([{"type": "overlay", "file_index": 1, "opacity": 0}]));
    assert_eq!(nothing, (vec!["lossy_after_lossy".to_owned()], 0, false));
    for laid in ["overlay", "watermark"] {
        let laid = codes(json!([{"type": laid, "file_index": 1}]));
        assert_eq!(laid, (vec![], 1, false));
    }
    let png = json!({"operations": [{"type": "round_corners"}], "output_format": "png"});
    let output = |request: &Value| {
        let plan = parse(request).unwrap();
        plan.explain(&header, jpeg.len() as u64, &files, &limits).unwrap().output.alpha
    };
    assert!(output(&png));
    let mut on_white = png;
    on_white["output"] = json!({"background": "#fff"});
    assert!(!output(&on_white));
    let rounded = codes(json!([{"type": "round_corners"}]));
    assert_eq!(rounded, (vec!["alpha_flattened".to_owned()], 1, false));
    let plain = codes(json!([{"type": "border", "width": 2}]));
    assert_eq!(plain.0, Vec::<String>::new());
}

/// Marks that are stacked higher than a line is, and hang lower.
#[test]
fn meme_text_stays_inside_with_all_its_marks() {
    let black = png(&Packed::new(Size::new(300, 150), Channels::Rgb, vec![0; 300 * 150 * 3]));
    for text in ["ฟู่ ปี้ ป๊", "कृष्ण ड्रू", "ẰẪ", "plain"] {
        let meme = json!([{"type": "meme_text", "top_text": text, "bottom_text": text,
            "color": "#fff", "stroke_color": "#fff", "uppercase": false}]);
        let pixels = result(&meme, &black);
        let rows: Vec<&[u8]> = pixels.rows().collect();
        assert!(rows[0].iter().chain(rows[149]).all(|sample| *sample == 0), "{text}");
        assert!(rows[..75].concat().contains(&255) && rows[75..].concat().contains(&255), "{text}");
    }
}

//! JPEGs that go onto PDF pages as they are.

use imaging::image::{Channels, ColorSpace, Pixels};
use imaging::metadata::Metadata;
use imaging::output::Output;
use imaging::{Image, Input, Limits, OutputFile, Plan, Report, Size, format};
use serde_json::{Value, json};

use crate::formats::{encode, file, photo, psnr, rgba_of};

fn run(file: &[u8], output: &Value) -> imaging::Result<Report> {
    let request = json!({ "output_format": "pdf", "output": output });
    let (_, plan) = Plan::parse("convert", &request, &Limits::default()).unwrap();
    imaging::run(&plan, Input::alone("in.jpg", file), &Limits::default(), &())
}

/// The PDF, which must or must not hold the data of the file.
#[track_caller]
fn pdf(file: &[u8], output: &Value, is_kept: bool) -> OutputFile {
    let mut report = run(file, output).unwrap();
    let pdf = report.outputs.remove(0);
    let scan = file.windows(2).position(|marker| marker == b"\xFF\xDA").unwrap();
    let len = file[scan..].windows(2).rposition(|marker| marker == b"\xFF\xD9").unwrap() + 2;
    assert_eq!(holds(&pdf.bytes, &file[scan..scan + len]), is_kept, "{output}");
    assert_eq!(pdf.encode_generations, u32::from(!is_kept));
    let told = report.warnings.iter().any(|warning| warning.code == "original_kept");
    assert_eq!(told, is_kept, "{:?}", report.warnings);
    pdf
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn decode(bytes: &[u8]) -> Image {
    let decode = format::sniff(bytes).unwrap().decode.unwrap();
    decode(bytes, &format::DecodeRequest::default(), &Limits::default()).unwrap().image
}

/// At this resolution a page is drawn with a pixel for each of the picture.
fn one_to_one() -> Value {
    json!({ "dpi": 150 })
}

#[test]
fn the_data_of_every_kind_of_jpeg_go_into_the_page() {
    for (name, least) in [
        ("photo-420.jpg", 38.0),
        ("photo-422.jpg", 38.0),
        ("photo-444.jpg", 40.0),
        ("photo-progressive.jpg", 38.0),
        ("photo-gray.jpg", 45.0),
        // Inks are shown as a reader sees fit, but not as their negative.
        ("inks-adobe.jpg", 15.0),
        ("inks-plain.jpg", 15.0),
    ] {
        let jpeg = file(name);
        let pdf = pdf(&jpeg, &one_to_one(), true);
        assert!(pdf.bytes.len() < jpeg.len() + 1500, "{name}: {}", pdf.bytes.len());
        let (drawn, before) = (decode(&pdf.bytes), decode(&jpeg));
        assert_eq!(drawn.size(), before.size(), "{name}");
        let distance = psnr(rgba_of(&drawn).as_flattened(), rgba_of(&before).as_flattened());
        assert!(distance > least, "{name}: {distance:.1} dB");
    }
}

#[test]
fn all_eight_orientations_lie_upright() {
    for number in 1..=8 {
        let pdf = pdf(&file(&format!("orientation-{number}.jpg")), &one_to_one(), true);
        assert_eq!((pdf.width, pdf.height), (48, 32));
        let drawn = decode(&pdf.bytes);
        assert_eq!(drawn.size(), Size::new(48, 32), "{number}");
        let pixels = rgba_of(&drawn);
        for ((x, y), color) in [
            ((8, 6), [220, 40, 40]),
            ((40, 6), [40, 180, 60]),
            ((8, 26), [40, 80, 220]),
            ((40, 26), [230, 200, 40]),
        ] {
            let seen = pixels[y * 48 + x];
            let close = seen.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 30);
            assert!(close, "{number} at {x}, {y}: {seen:?}");
        }
    }
}

#[test]
fn what_needs_pixels_is_encoded() {
    let jpeg = file("photo-420.jpg");
    for output in [
        json!({ "quality": 90 }),
        json!({ "chroma_subsampling": "4:4:4" }),
        json!({ "progressive": true }),
        json!({ "effort": 8 }),
    ] {
        pdf(&jpeg, &output, false);
    }
    let request = json!({ "steps": [
        { "operation": "transform", "request": { "operations": [{ "type": "flip" }] } },
        { "operation": "convert", "request": { "output_format": "pdf" } },
    ] });
    let (_, plan) = Plan::parse("pipeline", &request, &Limits::default()).unwrap();
    let report =
        imaging::run(&plan, Input::alone("in.jpg", &jpeg), &Limits::default(), &()).unwrap();
    assert_eq!(report.outputs[0].encode_generations, 1);
    let error = run(&jpeg[..jpeg.len() / 2], &json!({})).unwrap_err();
    assert!(error.message.contains("ends early"), "{error}");
}

/// A photograph with a profile, an artist and something secret.
fn with_metadata(color: ColorSpace) -> Vec<u8> {
    let exif = b"MM\0*\0\0\0\x08\0\x02\x01\x0E\0\x02\0\0\0\x07\0\0\0\x26\x01\x3B\0\x02\0\0\0\x04Ann\0\0\0\0\0secret\0";
    let image = Image {
        color,
        metadata: Metadata {
            exif: Some(exif.to_vec()),
            xmp: Some(b"<x:xmpmeta>hidden</x:xmpmeta>".to_vec()),
            dpi: Some((300.0, 150.0)),
            ..Metadata::default()
        },
        ..Image::still(Pixels::U8(photo(Size::new(60, 30), Channels::Rgb)))
    };
    encode("jpg", &image, &Output::default())
}

#[test]
fn metadata_are_kept_as_far_as_they_are_wanted() {
    let jpeg = with_metadata(ColorSpace::Srgb);
    assert!(holds(&jpeg, b"secret") && holds(&jpeg, b"hidden") && holds(&jpeg, b"Ann"));
    for (output, artist, secret) in [
        (json!({}), true, false),
        (json!({ "strip_metadata": true }), false, false),
        (json!({ "strip_metadata": false }), true, true),
    ] {
        let pdf = pdf(&jpeg, &output, true).bytes;
        let held = [&b"Ann"[..], b"secret", b"hidden"].map(|part| holds(&pdf, part));
        assert_eq!(held, [artist, secret, secret], "{output}");
    }
    // Other pictures behind the end of the picture do not come along.
    let more = [&jpeg[..], b"another picture"].concat();
    assert!(!holds(&pdf(&more, &json!({}), true).bytes, b"another"));
    // 300 pixels an inch across, 150 down.
    assert!(holds(&pdf(&jpeg, &json!({}), true).bytes, b"/MediaBox [0 0 14.4 14.4]"));
}

#[test]
fn profiles_stand_in_the_pdf_and_colors_are_converted_where_they_may_not() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let jpeg = with_metadata(ColorSpace::Icc(icc.into()));
    let kept = pdf(&jpeg, &one_to_one(), true).bytes;
    assert!(holds(&kept, b"/ICCBased") && !holds(&kept, b"ICC_PROFILE"));
    for output in [json!({ "icc": "srgb" }), json!({ "strip_metadata": true })] {
        let converted = pdf(&jpeg, &output, false).bytes;
        assert!(!holds(&converted, b"/ICCBased"), "{output}");
    }
}

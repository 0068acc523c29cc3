//! JPEG XL as it is written: what must come back exactly, what about right, and JPEGs without loss.

use imaging::format::{Inspector, Sequence, Track};
use imaging::image::{Channels, ColorSpace, Frame, Packed, Pixels};
use imaging::metadata::{Metadata, Orientation};
use imaging::output::Output;
use imaging::{Image, Input, Limits, OutputFile, Plan, Report, Size, format, icc};
use moxcms::ColorProfile;
use serde_json::{Value, json};

use crate::formats::{CHANNELS, SIZES, decode, encode, file, photo, psnr, rgba, rgba_of, u8s};

fn wide(narrow: &Packed<u8>) -> Packed<u16> {
    let samples = narrow.samples().iter().map(|sample| u16::from(*sample) * 251 + 3).collect();
    Packed::new(narrow.size(), narrow.channels(), samples)
}

#[test]
fn without_loss_every_bit_stays() {
    for channels in CHANNELS {
        for size in SIZES {
            for effort in [None, Some(0), Some(7), Some(10)] {
                let output = Output { lossless: Some(true), effort, ..Output::default() };
                let narrow = photo(size, channels);
                let written = encode("jxl", &Image::still(Pixels::U8(narrow.clone())), &output);
                assert_eq!(rgba(u8s(&decode(&written))), rgba(&narrow), "{channels:?} {effort:?}");
                let wide = wide(&narrow);
                let written = encode("jxl", &Image::still(Pixels::U16(wide.clone())), &output);
                let Pixels::U16(back) = &decode(&written).frames[0].pixels else {
                    panic!("16 bits")
                };
                assert_eq!(back.samples(), wide.samples(), "{channels:?} {size} {effort:?}");
            }
        }
    }
}

#[test]
fn quality_and_effort_do_what_they_say() {
    let picture = u8s(&decode(&file("reference.png"))).clone();
    let distance = |output: &Output| {
        let written = encode("jxl", &Image::still(Pixels::U8(picture.clone())), output);
        let back = rgba(u8s(&decode(&written)));
        (psnr(back.as_flattened(), rgba(&picture).as_flattened()), written.len())
    };
    let (worst, small) = distance(&Output { quality: Some(20), ..Output::default() });
    let (usual, middle) = distance(&Output::default());
    let (best, large) = distance(&Output { quality: Some(98), ..Output::default() });
    assert!(worst > 20.0 && usual > 29.0 && best > 37.0, "{worst} {usual} {best}");
    assert!(small * 2 < middle && middle * 2 < large, "{small} {middle} {large}");
    for effort in 0..=10 {
        let (near, _) = distance(&Output { effort: Some(effort), ..Output::default() });
        assert!((near - usual).abs() < 2.0, "effort {effort}: {near} dB against {usual}");
    }
    let (coarse_to_fine, _) = distance(&Output { progressive: Some(true), ..Output::default() });
    assert!((coarse_to_fine - usual).abs() < 2.0);
}

#[test]
fn opaque_pictures_stay_opaque_at_every_effort() {
    // A drawing: flat colors and hard edges, which the encoder might take apart into layers.
    let logo = u8s(&decode(&file("logo.png"))).clone().with_channels(Channels::Rgb).unwrap();
    for effort in 0..=10 {
        let output = Output { effort: Some(effort), ..Output::default() };
        let written = encode("jxl", &Image::still(Pixels::U8(logo.clone())), &output);
        let header = format::header(&written, &Limits::default()).unwrap();
        assert!(!header.has_alpha, "effort {effort}");
    }
}

/// The picture in sRGB.
fn seen(image: &Image) -> Vec<[u8; 4]> {
    let ColorSpace::Icc(profile) = &image.color else { panic!("no profile") };
    let pixels = icc::to_srgb(image.frames[0].pixels.clone(), profile).unwrap();
    rgba_of(&Image::still(pixels))
}

#[test]
fn colors_of_every_profile_are_kept_with_loss_and_without() {
    let gray = ColorProfile::new_gray_with_gamma(1.0);
    for (profile, channels) in [
        (ColorProfile::new_display_p3(), Channels::Rgb),
        (ColorProfile::new_display_p3(), Channels::Rgba),
        (ColorProfile::new_adobe_rgb(), Channels::Rgb),
        (ColorProfile::new_pro_photo_rgb(), Channels::Rgb),
        (gray, Channels::Gray),
    ] {
        let icc = profile.encode().unwrap();
        let image = Image {
            color: ColorSpace::Icc(icc.into()),
            ..Image::still(Pixels::U8(photo(Size::new(300, 64), channels)))
        };
        for (output, least) in [
            (Output { lossless: Some(true), ..Output::default() }, 50.0),
            (Output { lossless: Some(true), effort: Some(0), ..Output::default() }, 50.0),
            (Output { quality: Some(95), ..Output::default() }, 36.0),
        ] {
            let back = decode(&encode("jxl", &image, &output));
            let distance = psnr(seen(&back).as_flattened(), seen(&image).as_flattened());
            assert!(distance > least, "{channels:?} {output:?}: {distance} dB");
        }
    }
    assert!(icc::is_display_p3(&ColorProfile::new_display_p3().encode().unwrap()));
    assert!(!icc::is_display_p3(&ColorProfile::new_adobe_rgb().encode().unwrap()));
    assert!(!icc::is_display_p3(b"no profile"));
}

#[test]
fn pictures_as_thin_as_a_line_are_written() {
    let noise = |at: u64| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u8;
    for size in [Size::new(300, 1), Size::new(1, 2100), Size::new(2500, 9)] {
        for channels in [Channels::GrayAlpha, Channels::Rgba] {
            let len = size.area() * channels.count() as u64;
            let picture = Packed::new(size, channels, (0..len).map(noise).collect());
            for effort in [None, Some(7), Some(10)] {
                let output = Output { effort, ..Output::default() };
                let image = Image::still(Pixels::U8(picture.clone()));
                let back = decode(&encode("jxl", &image, &output));
                assert_eq!(back.size(), size, "{channels:?} {effort:?}");
            }
        }
    }
}

#[test]
fn a_file_is_kept_with_the_metadata_that_are_wanted_alone() {
    let filler = "a long description ".repeat(40);
    let exif = exif_with(&filler);
    let mut image = Image::still(Pixels::U8(photo(Size::new(60, 30), Channels::Rgb)));
    image.metadata.exif = Some(exif);
    let jpeg = encode("jpg", &image, &Output::default());
    // Its Exif is so long that it is packed.
    let (jxl, _) = run(&jpeg, &json!({ "lossless": true, "strip_metadata": false }));
    assert!(holds(&jxl.bytes, b"brob"));
    let read = decode(&jxl.bytes).metadata.exif.unwrap();
    assert!(holds(&read, filler.as_bytes()));
    let request = json!({ "operation": "compress", "options": { "quality": 100 } });
    let (_, plan) = Plan::parse("optimize", &request, &Limits::default()).unwrap();
    let input = Input::alone("in.jxl", &jxl.bytes);
    let report = imaging::run(&plan, input, &Limits::default(), &()).unwrap();
    let kept = &report.outputs[0].bytes;
    assert!(report.warnings.iter().any(|warning| warning.code == "original_kept"));
    assert!(!holds(kept, b"brob") && !holds(kept, b"jbrd"));
    assert_eq!(decode(kept).metadata.exif, None);
    assert_eq!(rgba_of(&decode(kept)), rgba_of(&decode(&jxl.bytes)));
}

/// An Exif block with a description.
fn exif_with(description: &str) -> Vec<u8> {
    let len = (description.len() as u32 + 1).to_be_bytes();
    let head = [b"MM\0*\0\0\0\x08\0\x01\x01\x0E\0\x02", &len[..], &[0, 0, 0, 26, 0, 0, 0, 0]];
    [&head.concat()[..], description.as_bytes(), b"\0"].concat()
}

fn report(jpeg: &[u8], output: &Value) -> Report {
    let request = json!({ "output_format": "jxl", "output": output });
    let (_, plan) = Plan::parse("convert", &request, &Limits::default()).unwrap();
    imaging::run(&plan, Input::alone("in.jpg", jpeg), &Limits::default(), &()).unwrap()
}

fn warns(report: &Report, code: &str) -> bool {
    report.warnings.iter().any(|warning| warning.code == code)
}

fn run(jpeg: &[u8], output: &Value) -> (OutputFile, bool) {
    let mut report = report(jpeg, output);
    let told = warns(&report, "original_kept");
    (report.outputs.remove(0), told)
}

#[test]
fn a_jpeg_goes_in_without_loss() {
    for name in [
        "photo-420.jpg",
        "photo-422.jpg",
        "photo-444.jpg",
        "photo-440.jpg",
        "photo-progressive.jpg",
        "photo-gray.jpg",
        "restarts.jpg",
    ] {
        let jpeg = file(name);
        let (jxl, told) = run(&jpeg, &json!({ "lossless": true }));
        assert!(told && jxl.encode_generations == 0, "{name}");
        assert!(holds(&jxl.bytes, b"jbrd"), "{name} can be had back");
        let (back, before) = (decode(&jxl.bytes), decode(&jpeg));
        let distance = psnr(rgba_of(&back).as_flattened(), rgba_of(&before).as_flattened());
        assert!(distance > 38.0, "{name}: {distance} dB");
    }
}

#[test]
fn a_jpeg_gets_smaller() {
    let jpeg = include_bytes!("../../../../assets/photos/demo.jpg");
    let (jxl, told) = run(jpeg, &json!({ "lossless": true }));
    assert!(told && jxl.bytes.len() * 10 < jpeg.len() * 9, "{} {}", jxl.bytes.len(), jpeg.len());
}

#[test]
fn all_eight_orientations_of_a_jpeg_stay() {
    for number in 1..=8u32 {
        let jpeg = file(&format!("orientation-{number}.jpg"));
        for output in [
            json!({ "lossless": true }),
            json!({ "lossless": true, "strip_metadata": true }),
            json!({ "lossless": true, "strip_metadata": false }),
        ] {
            let (jxl, told) = run(&jpeg, &output);
            assert!(told, "{number}");
            assert_eq!((jxl.width, jxl.height), (48, 32), "{number}");
            let header = format::header(&jxl.bytes, &Limits::default()).unwrap();
            assert_eq!(header.orientation, Orientation::from_exif(number), "{output}");
            assert_eq!(header.upright_size(), Size::new(48, 32), "{number}");
        }
    }
}

#[test]
fn what_is_not_wanted_of_a_jpeg_does_not_come_along() {
    let exif = b"MM\0*\0\0\0\x08\0\x02\x01\x0E\0\x02\0\0\0\x07\0\0\0\x26\x01\x3B\0\x02\0\0\0\x04Ann\0\0\0\0\0secret\0";
    let mut image = Image::still(Pixels::U8(photo(Size::new(60, 30), Channels::Rgb)));
    image.metadata.exif = Some(exif.to_vec());
    let jpeg = [&encode("jpg", &image, &Output::default())[..], b"another picture"].concat();
    for (output, artist, secret) in [
        (json!({ "lossless": true }), true, false),
        (json!({ "lossless": true, "strip_metadata": true }), false, false),
        (json!({ "lossless": true, "strip_metadata": false }), true, true),
    ] {
        let (jxl, told) = run(&jpeg, &output);
        assert!(told, "{output}");
        let exif = decode(&jxl.bytes).metadata.exif.unwrap_or_default();
        assert_eq!(holds(&exif, b"Ann"), artist, "{output}");
        assert_eq!(holds(&exif, b"secret"), secret, "{output}");
        assert!(!holds(&jxl.bytes, b"another"), "{output}");
    }
}

#[test]
fn a_jpeg_that_needs_pixels_is_encoded() {
    for (name, output, is_unasked) in [
        ("photo-420.jpg", json!({}), false),
        ("photo-420.jpg", json!({ "lossless": true, "bit_depth": 16 }), false),
        ("inks-adobe.jpg", json!({ "lossless": true }), true),
        ("photo-411.jpg", json!({ "lossless": true }), true),
    ] {
        let report = report(&file(name), &output);
        assert!(!report.outputs[0].bytes.is_empty());
        assert!(!warns(&report, "original_kept"), "{name} {output}");
        assert_eq!(warns(&report, "pixels_encoded"), is_unasked, "{name} {output}");
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Three pictures that differ, as an animation.
fn animation(
    pixels: &[Pixels],
    color: &ColorSpace,
    metadata: &Metadata,
    output: &Output,
) -> Vec<u8> {
    let frames = pixels.iter().zip([40, 300, 9]);
    let track = Track {
        size: pixels[0].size(),
        count: pixels.len() as u32,
        loop_count: 70_000,
        color: color.clone(),
        metadata: metadata.clone(),
        frames: Box::new(
            frames.map(|(pixels, delay_ms)| Ok(Frame { pixels: pixels.clone(), delay_ms })),
        ),
    };
    format::by_name("jxl").unwrap().encode_frames.unwrap()(track, output).unwrap()
}

/// As it was read: what it shows and how long.
fn frames(file: &[u8]) -> (Vec<Pixels>, Vec<u32>, u32, ColorSpace) {
    let limits = Limits::default();
    let track = format::by_name("jxl").unwrap().decode_frames.unwrap()(file, &limits).unwrap();
    let (loop_count, color) = (track.loop_count, track.color);
    let frames = track.frames.map(|frame| frame.unwrap());
    let (pixels, delays) = frames.map(|frame| (frame.pixels, frame.delay_ms)).unzip();
    (pixels, delays, loop_count, color)
}

fn moved<S: imaging::image::Scalar>(picture: &Packed<S>, by: usize) -> Packed<S> {
    let mut samples = picture.samples().to_vec();
    samples.rotate_left(by * picture.channels().count());
    Packed::new(picture.size(), picture.channels(), samples)
}

#[test]
fn frames_of_every_form_come_back_with_loss_and_without() {
    let adobe = ColorSpace::Icc(ColorProfile::new_adobe_rgb().encode().unwrap().into());
    let gray = ColorSpace::Icc(ColorProfile::new_gray_with_gamma(1.8).encode().unwrap().into());
    for size in [Size::new(300, 270), Size::new(17, 40), Size::new(3, 5)] {
        for channels in CHANNELS {
            let profile = if channels.count() < 3 { &gray } else { &adobe };
            let narrow = photo(size, channels);
            let wide = wide(&narrow);
            let narrow: Vec<_> = (0..3).map(|by| Pixels::U8(moved(&narrow, by * 5))).collect();
            let wide: Vec<_> = (0..3).map(|by| Pixels::U16(moved(&wide, by * 5))).collect();
            for color in [&ColorSpace::Srgb, profile] {
                for (pixels, lossless, effort) in [
                    (&narrow, true, None),
                    (&narrow, true, Some(0)),
                    (&narrow, true, Some(10)),
                    (&wide, true, None),
                    (&narrow, false, None),
                    (&narrow, false, Some(10)),
                    (&wide, false, None),
                ] {
                    let output = Output { lossless: Some(lossless), effort, ..Output::default() };
                    let file = animation(pixels, color, &Metadata::default(), &output);
                    check_frames(&file, pixels, color, lossless);
                }
            }
        }
    }
}

#[track_caller]
fn check_frames(file: &[u8], pixels: &[Pixels], color: &ColorSpace, lossless: bool) {
    let header = format::header(file, &Limits::default()).unwrap();
    assert_eq!((header.frames, header.size), (3, pixels[0].size()));
    let (shown, delays, loop_count, own) = frames(file);
    assert_eq!((&delays[..], loop_count), (&[40, 300, 9][..], 70_000));
    assert_eq!(shown.len(), 3);
    if matches!(color, ColorSpace::Icc(_)) {
        assert_eq!(&own, color);
    }
    for (shown, wanted) in shown.iter().zip(pixels) {
        let [shown, wanted] = [shown, wanted].map(|pixels| rgba_of(&Image::still(pixels.clone())));
        if lossless {
            assert!(shown == wanted);
        } else {
            let distance = psnr(shown.as_flattened(), wanted.as_flattened());
            assert!(distance > 24.0, "{distance} dB");
        }
    }
}

#[test]
fn an_animation_keeps_its_orientation_and_what_is_said_of_it() {
    let pixels =
        [0, 3, 6].map(|by| Pixels::U8(moved(&photo(Size::new(60, 40), Channels::Rgb), by)));
    for number in 1..=8 {
        let metadata = Metadata::default().oriented(Orientation::from_exif(number));
        let file = animation(&pixels, &ColorSpace::Srgb, &metadata, &Output::default());
        let header = format::header(&file, &Limits::default()).unwrap();
        assert_eq!((header.orientation, header.frames), (Orientation::from_exif(number), 3));
    }
}

#[test]
fn frames_are_counted_at_the_door_without_decoding_any() {
    let bytes = file("animated-libjxl.jxl");
    let few = Limits { frames_max: 5, ..Limits::default() };
    let error = format::header(&bytes, &few).unwrap_err();
    assert_eq!(&*error.message, "6 frames are over the limit of 5");
    let mut inspector = Inspector::new(&few);
    let pushed = bytes.chunks(7).try_for_each(|piece| inspector.push(piece));
    let error = pushed.and_then(|()| inspector.finish()).unwrap_err();
    assert_eq!(&*error.message, "6 frames are over the limit of 5");
    // Behind a profile they are counted by the decoder, once the file is whole.
    let adobe = ColorSpace::Icc(ColorProfile::new_adobe_rgb().encode().unwrap().into());
    let pixels = [0, 3, 6].map(|by| Pixels::U8(moved(&photo(Size::new(9, 9), Channels::Rgb), by)));
    let file = animation(&pixels, &adobe, &Metadata::default(), &Output::default());
    let mut inspector = Inspector::new(&Limits::default());
    inspector.push(&file).unwrap();
    assert_eq!(inspector.finish().unwrap().sequence, Sequence::Frames);
    assert_eq!(format::header(&file, &Limits::default()).unwrap().frames, 3);
    let few = Limits { frames_max: 2, ..Limits::default() };
    let error = format::header(&file, &few).unwrap_err();
    assert_eq!(&*error.message, "3 frames are over the limit of 2");
}

#[test]
fn less_effort_than_is_asked_for_is_told() {
    for (name, effort, is_told) in [
        ("photo-420.jpg", 10, false),
        ("animated-libjxl.jxl", 5, false),
        ("animated-libjxl.jxl", 6, true),
    ] {
        let report = report(&file(name), &json!({ "effort": effort }));
        assert_eq!(warns(&report, "effort_lowered"), is_told, "{name} {effort}");
    }
    let jxl = format::by_name("jxl").unwrap();
    let lowered = |side: u32, effort: Option<u8>| {
        let output = Output { effort, ..Output::default() };
        (jxl.effort_lowered)(&output, Size::new(side, side), false)
    };
    assert_eq!((lowered(3000, Some(10)), lowered(5000, Some(10))), (None, Some(5)));
    assert_eq!((lowered(3000, None), lowered(9000, None)), (None, Some(0)));
}

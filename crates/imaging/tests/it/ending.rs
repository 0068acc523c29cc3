//! Files that lack nothing but their end mark are read whole, with a warning.

use imaging::format::{self, DecodeRequest, Decoded};
use imaging::image::{Channels, Pixels};
use imaging::metadata::Metadata;
use imaging::output::Output;
use imaging::{ErrorKind, Image, Input, Limits, Plan, Report, Size};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::formats::{encode, file, photo};
use crate::hostile::chunk;

/// Files with the lengths of their end marks.
const FILES: [(&str, usize); 9] = [
    ("photo-420.jpg", 2),
    ("photo-410.jpg", 2),
    ("photo-gray.jpg", 2),
    ("photo-progressive.jpg", 2),
    ("restarts.jpg", 2),
    ("inks-adobe.jpg", 2),
    ("reference.png", 12),
    ("interlaced.png", 12),
    ("sixteen-bit.png", 12),
];

/// The ways to read a JPEG: by the library or ourselves, whole or smaller.
fn requests() -> [DecodeRequest; 4] {
    [(0.0, false), (0.0, true), (0.5, false), (0.3, true)]
        .map(|(scale_min, planes)| DecodeRequest { scale_min, planes, ..DecodeRequest::default() })
}

fn decode(bytes: &[u8], request: DecodeRequest) -> imaging::Result<Decoded> {
    let decode = format::sniff(bytes).unwrap().decode.unwrap();
    decode(bytes, &request, &Limits::default())
}

#[track_caller]
fn check_same(image: &Image, expected: &Image) {
    let is_same = match (&image.frames[0].pixels, &expected.frames[0].pixels) {
        (Pixels::U8(a), Pixels::U8(b)) => a == b,
        (Pixels::U16(a), Pixels::U16(b)) => a == b,
        (Pixels::Ycc(a), Pixels::Ycc(b)) => a == b,
        _ => false,
    };
    assert!(is_same, "other pixels");
}

#[test]
fn what_lacks_its_end_mark_alone_is_read_whole_and_said() {
    // Of a size that several threads read.
    let large = Image::still(Pixels::U8(photo(Size::new(1301, 1003), Channels::Rgb)));
    let large = encode("jpg", &large, &Output::default());
    let files = FILES.map(|(name, mark)| (name, file(name), mark));
    for (name, whole, mark) in files.into_iter().chain([("large", large, 2)]) {
        for request in requests() {
            let expected = decode(&whole, request).unwrap();
            assert_eq!(expected.left_out, None, "{name}");
            for left in 0..mark {
                let decoded = decode(&whole[..whole.len() - mark + left], request).unwrap();
                check_same(&decoded.image, &expected.image);
                let (code, message) = decoded.left_out.unwrap();
                assert_eq!(code, "file_cut", "{name} with {left} bytes of its mark");
                assert!(message.ends_with("all its pixels are there"), "{message}");
            }
        }
    }
}

#[test]
fn what_lacks_more_is_refused() {
    for (name, mark) in FILES {
        let whole = file(name);
        let is_data = |window: &[u8]| window.starts_with(b"\xFF\xDA") || window == b"IDAT";
        let start = whole.windows(4).position(is_data).unwrap();
        let end = whole.len() - mark;
        let lens: Vec<_> = (start..end - 64).step_by(5).chain(end - 64..end).collect();
        lens.into_par_iter().for_each(|len| {
            for request in &requests()[..2] {
                let error = decode(&whole[..len], *request).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Input, "{name} cut at {len}: {error}");
            }
        });
        let error = decode(&whole[..end - 1], DecodeRequest::default()).unwrap_err();
        assert!(error.message.ends_with("ends early"), "{name}: {error}");
    }
}

/// Zeros are what disks leave of a file that was not written to its end.
#[test]
fn a_jpeg_with_something_else_in_place_of_its_end_mark_is_refused() {
    for (name, _) in FILES.into_iter().filter(|(name, _)| name.ends_with(".jpg")) {
        let whole = file(name);
        let zeros = |count: usize| [&whole[..whole.len() - count], &vec![0; count]].concat();
        let mut files = [2, 3, 6, 20, 1000].map(zeros).to_vec();
        files.push([&whole[..whole.len() - 2], &[0x55; 100]].concat());
        for (number, file) in files.iter().enumerate() {
            for request in requests() {
                let error = decode(file, request).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Input, "{name}, {number}: {error}");
            }
        }
    }
}

/// The last four bytes of the data are a checksum, without which all pixels are there.
#[test]
fn a_png_that_lacks_a_chunk_without_pixels_is_refused() {
    let whole = file("reference.png");
    let (header, data) = (&whole[..33], &whole[41..whole.len() - 16]);
    let (pixels, checksum) = data.split_at(data.len() - 4);
    let one = [header, &chunk(b"IDAT", pixels)].concat();
    let two = [&one[..], &chunk(b"IDAT", checksum)].concat();
    let decoded = decode(&two, DecodeRequest::default()).unwrap();
    check_same(&decoded.image, &decode(&whole, DecodeRequest::default()).unwrap().image);
    assert!(decoded.left_out.is_some());
    for len in one.len()..two.len() {
        let error = decode(&two[..len], DecodeRequest::default()).unwrap_err();
        assert_eq!(error.message, "the PNG ends early", "{len}");
    }
}

#[test]
fn an_animation_that_lacks_its_end_mark_is_refused() {
    let whole = file("animated-ffmpeg.png");
    let limits = Limits::default();
    let read = |bytes: &[u8]| {
        let track = format::sniff(bytes).unwrap().decode_frames.unwrap()(bytes, &limits)?;
        track.frames.collect::<imaging::Result<Vec<_>>>().map(|frames| frames.len())
    };
    assert_eq!(read(&whole), Ok(6));
    let error = read(&whole[..whole.len() - 12]).unwrap_err();
    assert_eq!(error.message, "the PNG ends early");
    // Where the mark has begun, no frame can be missing.
    let rewrite = format::sniff(&whole).unwrap().rewrite.unwrap();
    let expected = rewrite(&whole, &Metadata::default()).unwrap();
    for missing in 1..=4 {
        let cut = &whole[..whole.len() - missing];
        assert_eq!(read(cut), Ok(6));
        assert!(rewrite(cut, &Metadata::default()).unwrap() == expected, "{missing}");
    }
}

#[test]
fn what_gets_other_metadata_gets_its_end_mark() {
    for (name, mark) in FILES {
        let whole = file(name);
        let rewrite = format::sniff(&whole).unwrap().rewrite.unwrap();
        let expected = rewrite(&whole, &Metadata::default()).unwrap();
        assert!(expected.ends_with(&whole[whole.len() - mark..]), "{name}");
        for left in 0..mark {
            let cut = &whole[..whole.len() - mark + left];
            let rewritten = rewrite(cut, &Metadata::default()).unwrap();
            assert!(rewritten == expected, "{name} with {left} bytes of its mark");
        }
    }
}

fn run(operation: &str, request: &Value, bytes: &[u8]) -> Report {
    let (_, plan) = Plan::parse(operation, request, &Limits::default()).unwrap();
    imaging::run(&plan, Input::alone("cut", bytes), &Limits::default(), &()).unwrap()
}

#[test]
fn every_job_warns_once_and_writes_a_whole_file() {
    for (name, mark) in FILES {
        let whole = file(name);
        let cut = &whole[..whole.len() - mark];
        for (operation, request) in [
            ("convert", json!({ "output_format": "webp" })),
            // A JPEG that is whole goes into these as it is.
            ("convert", json!({ "output_format": "pdf" })),
            ("convert", json!({ "output_format": "jxl", "output": { "lossless": true } })),
            ("optimize", json!({ "operation": "compress", "options": { "quality": 100 } })),
        ] {
            let report = run(operation, &request, cut);
            let told = report.warnings.iter().filter(|warning| warning.code == "file_cut");
            assert_eq!(told.count(), 1, "{name} {request}: {:?}", report.warnings);
            let written = decode(&report.outputs[0].bytes, DecodeRequest::default()).unwrap();
            assert_eq!(written.left_out, None, "{name} {request}");
        }
    }
}

#[test]
fn an_original_that_is_kept_gets_its_end_mark() {
    let request = json!({ "operation": "compress", "options": { "quality": 100 } });
    for name in ["photo-gray.jpg", "restarts.jpg"] {
        let whole = file(name);
        let report = run("optimize", &request, &whole[..whole.len() - 2]);
        let is_kept = report.warnings.iter().any(|warning| warning.code == "original_kept");
        assert!(is_kept, "{name}: {:?}", report.warnings);
        let output = &report.outputs[0].bytes;
        assert!(output.ends_with(b"\xFF\xD9"), "{name}");
        let expected = decode(&whole, DecodeRequest::default()).unwrap();
        check_same(&decode(output, DecodeRequest::default()).unwrap().image, &expected.image);
    }
}

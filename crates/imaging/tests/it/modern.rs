//! AVIF, HEIC and JPEG XL from other hands, and AVIF of every kind from ours.

use imaging::format::{self, DecodeRequest};
use imaging::image::{Channels, ColorSpace, Packed, Pixels};
use imaging::output::{ChromaSubsampling, Output};
use imaging::{ErrorKind, Image, Limits, Size};

use crate::formats::{
    decode as decode_bytes, decode_with, encode, photo, psnr, rgba, rgba_of, u8s,
};
use crate::inputs::{decode, distance, file, header, pixels};
use crate::pictures;

/// The pixels of a file of any depth as 8-bit RGBA.
fn narrow(name: &str) -> Vec<[u8; 4]> {
    match &decode(name, false).image.frames[0].pixels {
        Pixels::U8(packed) => rgba(packed),
        Pixels::U16(packed) => rgba(&eight_bits(packed)),
        other @ Pixels::Ycc(_) => panic!("{other:?}"),
    }
}

fn eight_bits(packed: &Packed<u16>) -> Packed<u8> {
    let samples = packed.samples().iter().map(|v| (v / 257) as u8).collect();
    Packed::new(packed.size(), packed.channels(), samples)
}

#[test]
fn every_depth_subsampling_and_range_looks_right() {
    for (name, bits, least) in [
        ("photo-420.avif", 8, 29.0),
        ("photo-422.avif", 8, 29.0),
        ("ten-bit.avif", 10, 31.0),
        ("twelve-bit.avif", 12, 29.0),
        ("limited-709.avif", 8, 29.0),
        ("lossless.avif", 8, 99.0),
        ("photo.heic", 8, 29.0),
        ("full-chroma.heic", 8, 31.0),
        ("ten-bit.heic", 10, 29.0),
        ("limited-709.heic", 8, 29.0),
        ("identity.heic", 8, 50.0),
        ("photo.jxl", 8, 31.5),
        ("lossless.jxl", 8, 99.0),
    ] {
        assert_eq!(header(name).bit_depth, bits, "{name}");
        let depth = decode(name, false).image.frames[0].pixels.bit_depth();
        assert_eq!(depth, if bits == 8 { 8 } else { 16 }, "{name}");
        let distance = distance(&narrow(name));
        assert!(distance > least, "{name}: {distance} dB");
    }
}

#[test]
fn planes_come_where_they_may() {
    for (name, factors) in [
        ("photo-420.avif", Some((2, 2))),
        ("photo-422.avif", Some((2, 1))),
        ("photo.heic", Some((2, 2))),
        ("limited-709.avif", None),
        ("ten-bit.avif", None),
        ("alpha.avif", None),
        ("lossless.avif", None),
    ] {
        let seen = match &decode(name, true).image.frames[0].pixels {
            Pixels::Ycc(planar) => Some(planar.subsampling),
            _ => None,
        };
        assert_eq!(seen, factors, "{name}");
    }
}

#[test]
fn gray_files_are_gray() {
    for name in ["gray.avif", "gray.heic", "gray.jxl"] {
        let header = header(name);
        assert!(header.is_gray && !header.has_alpha, "{name}");
        assert_eq!(u8s(&decode(name, true).image).channels(), Channels::Gray, "{name}");
        let luma: Vec<u8> = pixels("reference.png")
            .iter()
            .map(|&[r, g, b, _]| {
                (0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)) as u8
            })
            .collect();
        let distance = psnr(u8s(&decode(name, false).image).samples(), &luma);
        assert!(distance > 25.0, "{name}: {distance} dB");
    }
}

#[test]
fn alpha_is_read_straight_whether_it_was_multiplied_in_or_not() {
    let expected = pixels("alpha.jxl");
    for name in ["alpha.avif", "premultiplied.avif", "alpha.heic"] {
        assert!(header(name).has_alpha, "{name}");
        let seen = pixels(name);
        for (at, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
            assert!(seen[3].abs_diff(expected[3]) < 12, "{name} at {at}: {seen:?} {expected:?}");
        }
        let visible = |pixels: &[[u8; 4]]| {
            let seen = pixels.iter().zip(&expected).filter(|(_, expected)| expected[3] > 100);
            seen.map(|(pixel, _)| *pixel).collect::<Vec<_>>()
        };
        let distance = psnr(visible(&seen).as_flattened(), visible(&expected).as_flattened());
        assert!(distance > 28.0, "{name}: {distance} dB");
    }
}

#[test]
fn a_grid_is_laid_together() {
    let header = header("grid.avif");
    assert_eq!(header.size, Size::new(256, 128));
    let small = decode("photo-420.avif", false);
    let grid = decode("grid.avif", false);
    let (small, grid) = (u8s(&small.image), u8s(&grid.image));
    let at = |packed: &Packed<u8>, x: f64, y: f64| {
        let Size { width, height } = packed.size();
        let (x, y) = ((x * f64::from(width)) as usize, (y * f64::from(height)) as usize);
        rgba(packed)[y * width as usize + x]
    };
    let mut error = 0;
    for step in 0..400 {
        let (x, y) = (f64::from(step % 20) / 20.0 + 0.02, f64::from(step / 20) / 20.0 + 0.02);
        let (a, b) = (at(small, x, y), at(grid, x, y));
        error += a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
    }
    assert!(error / 1200 < 12, "mean difference {}", error / 1200);
}

#[test]
fn the_part_that_is_shown_is_cut_out() {
    assert_eq!(header("cropped.avif").size, Size::new(40, 32));
    let whole = pixels("reference.png");
    let part: Vec<[u8; 4]> =
        (6..38).flat_map(|y| whole[y * 75 + 10..][..40].iter().copied()).collect();
    let distance = psnr(pixels("cropped.avif").as_flattened(), part.as_flattened());
    assert!(distance > 30.0, "{distance} dB");
}

#[test]
fn high_dynamic_range_becomes_what_a_usual_screen_shows() {
    let image = decode("pq.avif", false).image;
    assert_eq!(image.color, ColorSpace::Srgb);
    let Pixels::U16(packed) = &image.frames[0].pixels else { panic!("16 bits") };
    // Code value 520 of 1023 is about 100 candela: half of white.
    let mean =
        packed.samples().iter().map(|v| u64::from(*v)).sum::<u64>() / packed.samples().len() as u64;
    assert!((10_000..60_000).contains(&mean), "{mean}");
}

#[test]
fn avif_is_written_in_every_depth() {
    for channels in crate::formats::CHANNELS {
        for (bits, least) in [(10, 40.0), (12, 40.0)] {
            let narrow = photo(Size::new(67, 43), channels);
            let wide: Vec<u16> = narrow.samples().iter().map(|v| u16::from(*v) * 257).collect();
            let wide = Packed::new(narrow.size(), channels, wide);
            let output = Output { bit_depth: Some(bits), quality: Some(90), ..Output::default() };
            let bytes = encode("avif", &Image::still(Pixels::U16(wide.clone())), &output);
            assert_eq!(format::header(&bytes, &Limits::default()).unwrap().bit_depth, bits);
            let Pixels::U16(back) = &decode_bytes(&bytes).frames[0].pixels else {
                panic!("16 bits")
            };
            let distance = psnr(
                rgba(&eight_bits(back)).as_flattened(),
                rgba(&eight_bits(&wide)).as_flattened(),
            );
            assert!(distance > least, "{channels:?} at {bits} bits: {distance} dB");
        }
    }
}

#[test]
fn lossless_avif_keeps_every_bit_of_ten_and_twelve() {
    for bits in [10u8, 12] {
        let max = (1u32 << bits) - 1;
        // All values there are, on the scale of 16 bits.
        let samples: Vec<u16> = (0..63 * 65 * 3)
            .map(|i| ((i % (max + 1)) as f64 * 65_535.0 / f64::from(max)).round() as u16)
            .collect();
        let packed = Packed::new(Size::new(63, 65), Channels::Rgb, samples);
        let output = Output { lossless: Some(true), bit_depth: Some(bits), ..Output::default() };
        let bytes = encode("avif", &Image::still(Pixels::U16(packed.clone())), &output);
        let Pixels::U16(back) = &decode_bytes(&bytes).frames[0].pixels else { panic!("16 bits") };
        assert!(back.samples() == packed.samples(), "{bits} bits");
    }
}

#[test]
fn avif_subsamples_chroma_as_asked() {
    let image = Image::still(Pixels::U8(photo(Size::new(41, 40), Channels::Rgb)));
    let request = DecodeRequest { planes: true, ..DecodeRequest::default() };
    for (asked, quality, factors) in [
        (None, 60, (2, 2)),
        (None, 90, (1, 1)),
        (Some(ChromaSubsampling::Half), 95, (2, 2)),
        (Some(ChromaSubsampling::Full), 50, (1, 1)),
    ] {
        let output =
            Output { chroma_subsampling: asked, quality: Some(quality), ..Output::default() };
        let decoded = decode_with(&encode("avif", &image, &output), request);
        let Pixels::Ycc(planar) = &decoded.image.frames[0].pixels else { panic!("planes") };
        assert_eq!(planar.subsampling, factors, "{asked:?} {quality}");
    }
}

#[test]
fn more_quality_is_a_better_picture_and_a_larger_file() {
    let portrait = pictures::portrait();
    let image = Image::still(Pixels::U8(portrait.clone()));
    let at = |quality| {
        let output = Output { quality: Some(quality), effort: Some(1), ..Output::default() };
        let bytes = encode("avif", &image, &output);
        let distance =
            psnr(rgba(u8s(&decode_bytes(&bytes))).as_flattened(), rgba(&portrait).as_flattened());
        (bytes.len(), distance)
    };
    let (low, middle, high) = (at(30), at(60), at(90));
    assert!(low.0 < middle.0 && middle.0 < high.0, "{low:?} {middle:?} {high:?}");
    assert!(low.1 < middle.1 && middle.1 < high.1, "{low:?} {middle:?} {high:?}");
}

/// The file with these bytes in place of those.
fn patched(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = file(name);
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[track_caller]
fn refused(bytes: &[u8], kind: ErrorKind, part: &str) {
    let limits = Limits::default();
    let decode = format::sniff(bytes).unwrap().decode.unwrap();
    let decoded = decode(bytes, &DecodeRequest::default(), &limits).unwrap_err();
    let said = [format::header(bytes, &limits).err(), Some(decoded)];
    for error in said.into_iter().flatten() {
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(part), "{error}");
    }
}

#[test]
fn sizes_over_the_limit_are_refused_before_any_pixel() {
    for name in ["photo.heic", "photo-420.avif"] {
        let size = |width: u32, height: u32| {
            [b"ispe\0\0\0\0", &width.to_be_bytes()[..], &height.to_be_bytes()].concat()
        };
        let (width, height) = (75, 59);
        let bomb = patched(name, &size(width, height), &size(60_000, 60_000));
        refused(&bomb, ErrorKind::Limit, "268 megapixels");
        let lie = patched(name, &size(width, height), &size(width + 1, height));
        let decode = format::sniff(&lie).unwrap().decode.unwrap();
        let result = decode(&lie, &DecodeRequest::default(), &Limits::default());
        if let Ok(decoded) = result {
            assert_eq!(decoded.image.size(), Size::new(width + 1, height), "{name}");
        }
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    refused(
        &patched("photo-420.avif", b"av01Color", b"vvc1Color"),
        ErrorKind::Unsupported,
        "\"vvc1\"",
    );
    refused(&patched("grid.avif", b"grid", b"iovl"), ErrorKind::Unsupported, "iovl");
    refused(&patched("grid.avif", b"pitm", b"free"), ErrorKind::Unsupported, "primary");
}

/// A box of length 0 goes on to the end of the file (ISO/IEC 14496-12, 4.2).
#[test]
fn a_meta_box_may_end_with_the_file() {
    let whole = file("lossless.avif");
    let len = |at: usize| u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    let meta_at = len(0);
    let data_at = meta_at + len(meta_at);
    assert_eq!(
        (&whole[meta_at + 4..meta_at + 8], len(data_at)),
        (&b"meta"[..], whole.len() - data_at)
    );
    // The data stay where they are.
    let mut free = whole[meta_at..data_at].to_vec();
    free[4..8].copy_from_slice(b"free");
    let mut meta = whole[meta_at..data_at].to_vec();
    meta[..4].fill(0);
    let moved = [&whole[..meta_at], &free, &whole[data_at..], &meta].concat();
    let limits = Limits::default();
    let read = format::header(&moved, &limits).unwrap();
    assert_eq!(read.size, format::header(&whole, &limits).unwrap().size);
    let decode = format::by_name("avif").unwrap().decode.unwrap();
    let pixels =
        |file: &[u8]| rgba_of(&decode(file, &DecodeRequest::default(), &limits).unwrap().image);
    assert_eq!(pixels(&moved), pixels(&whole));
    for cut in data_at + 1..moved.len() {
        let read = format::header(&moved[..cut], &limits);
        assert!(read.is_err() || read.unwrap().frames == 1, "{cut}");
    }
}

#[test]
fn frames_beside_the_picture_are_told() {
    for name in ["lossless.avif", "grid-ten-bit.heic"] {
        let still = file(name);
        let decode = format::sniff(&still).unwrap().decode.unwrap();
        let left_out = |file: &[u8]| {
            let decoded = decode(file, &DecodeRequest::default(), &Limits::default()).unwrap();
            decoded.left_out.map(|(code, _)| code)
        };
        assert_eq!(left_out(&still), None, "{name}");
        let moving = [&still[..], b"\0\0\0\x08moov"].concat();
        assert_eq!(left_out(&moving), Some("animation_dropped"), "{name}");
    }
}

use native::turbojpeg::{self, EncodeOptions, Layout, Packed, Subsampling};

use super::*;
use crate::format::DecodeRequest;
use crate::image::Pixels;
use crate::{Limits, formats};

const SUBSAMPLINGS: [Subsampling; 6] = [
    Subsampling::S444,
    Subsampling::S422,
    Subsampling::S420,
    Subsampling::S440,
    Subsampling::S411,
    Subsampling::S441,
];

/// A picture with edges, ramps and noise, as a JPEG.
fn jpeg(width: u32, height: u32, quality: u8, subsampling: Subsampling) -> Vec<u8> {
    let mut noise = 1_u32;
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let edge = if (x / 13 + y / 9) % 2 == 0 { 60 } else { 190 };
            let grain = (noise >> 28) as u8;
            samples.extend([edge + grain, (x * 255 / width) as u8, (y * 255 / height) as u8]);
        }
    }
    let pixels = Packed { width, height, layout: Layout::Rgb, samples: &samples };
    encoded(&pixels, quality, subsampling, quality.is_multiple_of(2))
}

fn encoded(pixels: &Packed<'_>, quality: u8, subsampling: Subsampling, optimize: bool) -> Vec<u8> {
    let options = EncodeOptions {
        quality,
        subsampling,
        progressive: false,
        optimize,
        density: None,
        restart_rows: None,
        color: None,
    };
    turbojpeg::encode_packed(pixels, &options).unwrap()
}

/// The planes that the library makes of it.
fn expected(jpeg: &[u8], divisor: u32) -> Vec<(u32, u32, Vec<u8>)> {
    let limits = turbojpeg::Limits { scans_max: 10, pixels_max: 1 << 24, memory_mb: 100 };
    let scale = turbojpeg::Scale::ALL.into_iter().find(|scale| scale.divisor() == divisor);
    let mut decoder = turbojpeg::Decoder::open(jpeg, &limits).unwrap();
    let decoded = decoder.planes(scale.expect("a factor")).unwrap();
    decoded.planes.into_iter().map(|plane| (plane.width, plane.height, plane.samples)).collect()
}

#[test]
fn whole_planes_are_those_of_the_library_within_a_level() {
    for subsampling in SUBSAMPLINGS {
        for (width, height) in [(1, 1), (8, 8), (67, 45), (128, 33), (250, 131)] {
            for quality in [5, 60, 75, 97, 100] {
                check_whole(&jpeg(width, height, quality, subsampling));
            }
        }
    }
}

#[track_caller]
fn check_whole(jpeg: &[u8]) {
    let planes = planes(jpeg, 8).expect("usual");
    for (plane, (width, height, samples)) in planes.planes.iter().zip(&expected(jpeg, 1)) {
        assert_eq!(plane.size, Size::new(*width, *height));
        let worst = plane.samples.iter().zip(samples).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "{worst:?}");
    }
}

#[test]
fn smaller_planes_are_near_those_of_the_library() {
    for subsampling in SUBSAMPLINGS {
        let jpeg = jpeg(251, 131, 85, subsampling);
        for divisor in [2, 4, 8] {
            let planes = planes(&jpeg, 8 / divisor).expect("usual");
            let expected = expected(&jpeg, divisor);
            for (plane, (width, height, samples)) in planes.planes.iter().zip(&expected) {
                assert_eq!(plane.size, Size::new(*width, *height), "{subsampling:?} {divisor}");
                let off = plane.samples.iter().zip(samples).map(|(a, b)| u64::from(a.abs_diff(*b)));
                let mean = off.sum::<u64>() as f64 / samples.len() as f64;
                assert!(mean < 6.0, "{subsampling:?} {divisor}: {mean}");
            }
        }
    }
}

/// A ramp is a ramp at every size, and has no seams between blocks.
#[test]
fn ramps_stay_ramps_at_every_number_of_eighths() {
    let samples: Vec<u8> = (0..240 * 240).map(|i| (i % 240 / 2 + i / 240 / 2) as u8).collect();
    let rgb: Vec<u8> = samples.iter().flat_map(|sample| [*sample; 3]).collect();
    let pixels = Packed { width: 240, height: 240, layout: Layout::Rgb, samples: &rgb };
    let jpeg = encoded(&pixels, 98, Subsampling::S420, false);
    for eighths in 1..=8 {
        let plane = &planes(&jpeg, eighths).expect("usual").planes[0];
        let side = 30 * eighths as usize;
        assert_eq!(plane.size, Size::new(side as u32, side as u32));
        for (i, got) in plane.samples.iter().enumerate() {
            // Where the middle of the pixel lies in the whole picture.
            let at = |i: usize| (i as f64 + 0.5) * 8.0 / f64::from(eighths) - 0.5;
            let expected = (at(i % side) + at(i / side)) / 2.0;
            let off = (f64::from(*got) - expected).abs();
            assert!(off <= 2.5, "{eighths} at {i}: {got} {expected}");
        }
    }
}

/// With a restart after every unit but one, which encoders of cameras write.
#[test]
fn restarts_are_gone_past() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/restarts.jpg");
    let jpeg = std::fs::read(&path).unwrap();
    for divisor in [1, 2, 4, 8] {
        let planes = planes(&jpeg, 8 / divisor).expect("usual");
        for (plane, (.., samples)) in planes.planes.iter().zip(expected(&jpeg, divisor)) {
            let off = plane.samples.iter().zip(&samples).map(|(a, b)| u64::from(a.abs_diff(*b)));
            assert!((off.sum::<u64>() as f64) < 4.0 * samples.len() as f64);
        }
    }
}

/// A file of the usual JPEG with another table for the DC of luma.
fn with_dc_table(counts: [u8; 16], symbols: &[u8]) -> Vec<u8> {
    let jpeg = jpeg(16, 16, 80, Subsampling::S420);
    let scan = jpeg.windows(2).position(|marker| marker == b"\xFF\xDA").unwrap();
    let length = (19 + symbols.len() as u16).to_be_bytes();
    let table = [b"\xFF\xC4", &length[..], &[0], &counts, symbols].concat();
    [&jpeg[..scan], &table, &jpeg[scan..]].concat()
}

#[test]
fn tables_that_the_library_refuses_are_refused() {
    let counts = |length: usize, count| {
        let mut counts = [0; 16];
        counts[length - 1] = count;
        counts
    };
    // A code of ones alone.
    assert!(planes(&with_dc_table(counts(1, 2), &[0, 1]), 8).is_none());
    // More bits than a difference can have.
    assert!(planes(&with_dc_table(counts(2, 1), &[16]), 8).is_none());
}

/// Zeros are not read to the end of an image of 256 megapixels.
#[test]
fn an_image_whose_data_has_ended_is_given_up_at_once() {
    let mut jpeg = jpeg(16, 16, 80, Subsampling::S420);
    let frame = jpeg.windows(2).position(|marker| marker == b"\xFF\xC0").unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3E, 0x80, 0x3E, 0x80]);
    assert!(planes(&jpeg, 1).is_none());
}

#[test]
fn what_is_damaged_or_unusual_is_left_to_the_library() {
    let whole = jpeg(67, 45, 80, Subsampling::S420);
    assert!(planes(&whole, 8).is_some());
    for end in 0..whole.len() {
        assert!(planes(&whole[..end], 2).is_none(), "cut at {end}");
    }
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            // Whatever it is, it is no panic.
            planes(&damaged, 8);
            planes(&damaged, 3);
        }
    }
    let behind = [&whole[..whole.len() - 2], b"\xFF\xDA\xFF\xD9"].concat();
    assert!(planes(&behind, 8).is_none(), "another scan");
}

#[test]
fn the_format_reads_the_same_at_every_factor() {
    let jpeg = jpeg(250, 131, 90, Subsampling::S420);
    let request = DecodeRequest { scale_min: 0.5, planes: true, ..DecodeRequest::default() };
    let decoded = formats::jpeg::decode(&jpeg, &request, &Limits::default()).unwrap();
    let Pixels::Ycc(planar) = &decoded.image.frames[0].pixels else { panic!("planes") };
    assert_eq!(planar.planes[0], planes(&jpeg, 4).unwrap().planes[0]);
}

/// However many threads read a file, what they make of it is the same.
#[track_caller]
fn check_numbers(jpeg: &[u8], eighths: &[u32]) {
    for (eighths, threads) in eighths.iter().flat_map(|n| [2, 3, 7].map(|threads| (*n, threads))) {
        check_threads(jpeg, eighths, threads);
    }
}

#[test]
fn several_threads_read_the_same_as_one() {
    for (quality, subsampling) in [60, 75, 84, 90, 95, 100].into_iter().zip(SUBSAMPLINGS) {
        check_numbers(&jpeg(700, 401, quality, subsampling), &[1, 2, 3, 4, 5, 6, 7, 8]);
        check_numbers(&jpeg(67, 45, quality, subsampling), &[1, 8]);
    }
}

/// With more coefficients than a round holds, so that there are several.
#[test]
fn rounds_follow_each_other() {
    check_numbers(&jpeg(2001, 1501, 50, Subsampling::S444), &[8]);
}

#[test]
fn several_threads_go_past_restarts() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/restarts.jpg");
    check_numbers(&std::fs::read(&path).unwrap(), &[1, 2, 4, 8]);
}

/// Each unit is the same few bits: who begins within one never finds out.
#[test]
fn threads_that_never_meet_read_the_same() {
    let samples = vec![90; 3 * 1024 * 512];
    let pixels = Packed { width: 1024, height: 512, layout: Layout::Rgb, samples: &samples };
    for (optimize, subsampling) in [(false, Subsampling::S444), (true, Subsampling::S420)] {
        check_numbers(&encoded(&pixels, 80, subsampling, optimize), &[1, 8]);
    }
}

#[test]
fn several_threads_find_the_same_damage() {
    let whole = jpeg(131, 90, 80, Subsampling::S420);
    for at in (600..whole.len()).step_by(7) {
        check_numbers(&whole[..at], &[2]);
        let mut damaged = whole.clone();
        for flip in [0x01, 0x80, 0xFF] {
            damaged[at] = whole[at] ^ flip;
            check_numbers(&damaged, &[2]);
        }
    }
}

/// One column of units, the last of them flat; its frame says that it is not there.
#[test]
fn a_unit_more_than_the_image_has_is_passed_over_however_many_threads_read() {
    let mut noise = 1_u32;
    let samples: Vec<u8> = (0..3 * 16 * 1600)
        .map(|at| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if at < 3 * 16 * 1584 { (noise >> 24) as u8 } else { 128 }
        })
        .collect();
    let pixels = Packed { width: 16, height: 1600, layout: Layout::Rgb, samples: &samples };
    let mut jpeg = encoded(&pixels, 60, Subsampling::S420, false);
    let frame = jpeg.windows(2).position(|marker| marker == b"\xFF\xC0").unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&1584_u16.to_be_bytes());
    assert!(planes(&jpeg, 4).is_some());
    check_numbers(&jpeg, &[1, 3, 4, 8]);
}

/// Nothing there is a unit: whoever begins there gives up.
#[test]
fn threads_do_not_search_for_ever() {
    let mut jpeg = jpeg(131, 90, 80, Subsampling::S420);
    let end = jpeg.len() - 2;
    jpeg.splice(end..end, std::iter::repeat_n(0xFE, 1 << 20));
    check_numbers(&jpeg, &[2]);
}

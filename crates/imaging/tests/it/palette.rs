//! PNG by palette: few colors stay as they are, many come near, and edges stay soft.

use std::collections::BTreeSet;

use imaging::image::{Channels, ColorSpace, Packed, Pixels};
use imaging::output::Output;
use imaging::{Image, Input, Limits, Plan, Size};
use serde_json::json;

use crate::animation::{Animation, write};
use crate::formats::{decode, encode, photo, psnr, rgba, u8s};
use crate::inputs::file;

fn by_palette(image: &Image, palette: u16) -> Vec<u8> {
    encode("png", image, &Output { palette: Some(palette), ..Output::default() })
}

/// Bits a pixel of a PNG that has a palette.
#[track_caller]
fn bits(png: &[u8]) -> u8 {
    assert_eq!(png[25], 3, "a palette");
    png[24]
}

fn shown(packed: &Packed<u8>) -> Vec<[u8; 4]> {
    rgba(packed).into_iter().map(|pixel| if pixel[3] == 0 { [0; 4] } else { pixel }).collect()
}

#[test]
fn pictures_of_few_colors_keep_them_in_as_few_bits_as_they_need() {
    for (count, expected) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)] {
        for width in [1, 7, 33] {
            // Alphas of every kind, color 0 is clear.
            let size = Size::new(width, 311);
            let color = |i: u32| [(i * 7) as u8, (i * 3) as u8, (255 - i) as u8, (i * 85) as u8];
            let samples = (0..size.area() as u32).flat_map(|i| color(i * 31 % count)).collect();
            let packed = Packed::new(size, Channels::Rgba, samples);
            let image = Image::still(Pixels::U8(packed.clone()));
            for palette in [count.max(2), 256] {
                let png = by_palette(&image, palette as u16);
                assert_eq!(bits(&png), expected, "{count} colors");
                assert_eq!(shown(u8s(&decode(&png))), shown(&packed), "{count} colors");
            }
        }
    }
}

#[test]
fn photographs_come_near_and_have_no_more_colors_than_asked_for() {
    let original = decode(&file("reference.png"));
    for (palette, expected, least) in
        [(2, 1, 11.0), (4, 2, 16.0), (16, 4, 23.0), (64, 8, 29.0), (256, 8, 34.0)]
    {
        let png = by_palette(&original, palette);
        assert_eq!(bits(&png), expected);
        let back = decode(&png);
        let colors: BTreeSet<[u8; 4]> = rgba(u8s(&back)).into_iter().collect();
        assert!(colors.len() <= palette.into(), "{} of {palette}", colors.len());
        let distance = psnr(u8s(&back).samples(), u8s(&original).samples());
        assert!(distance > least, "{palette}: {distance:.1} dB");
    }
}

#[test]
fn soft_edges_stay_soft() {
    let original = decode(&file("logo.png"));
    let before = rgba(u8s(&original));
    for (palette, least) in [(16, 32.0), (64, 38.0), (256, 45.0)] {
        let png = by_palette(&original, palette);
        let after = rgba(u8s(&decode(&png)));
        let colors: BTreeSet<&[u8; 4]> = after.iter().collect();
        assert!(colors.len() <= palette.into());
        let alphas = |pixels: &[[u8; 4]]| pixels.iter().map(|p| p[3]).collect::<Vec<u8>>();
        let distance = psnr(&alphas(&before), &alphas(&after));
        assert!(distance > least, "{palette}: alpha by {distance:.1} dB");
        for (before, after) in before.iter().zip(&after) {
            assert!(before[3] != 255 || after[3] == 255);
            assert!(before[3] != 0 || after[3] == 0);
        }
    }
}

#[test]
fn pixels_that_are_there_or_not_stay_so() {
    let mut packed = photo(Size::new(64, 64), Channels::Rgba);
    for (i, pixel) in packed.samples_mut().chunks_exact_mut(4).enumerate() {
        pixel[3] = if i % 3 == 0 { 0 } else { 255 };
    }
    let png = by_palette(&Image::still(Pixels::U8(packed.clone())), 32);
    let back = rgba(u8s(&decode(&png)));
    assert!(back.iter().collect::<BTreeSet<_>>().len() <= 32);
    for (before, after) in rgba(&packed).iter().zip(&back) {
        assert_eq!(before[3], after[3]);
    }
}

#[test]
fn sixteen_bits_and_gray_profiles_fit_a_palette() {
    let narrow = photo(Size::new(40, 30), Channels::Gray);
    let wide = narrow.samples().iter().map(|v| u16::from(*v) * 257).collect();
    let wide = Image::still(Pixels::U16(Packed::new(narrow.size(), Channels::Gray, wide)));
    let back = decode(&by_palette(&wide, 256));
    assert_eq!(rgba(u8s(&back)), rgba(&narrow));
    let mut gray = Image::still(Pixels::U8(narrow));
    let profile = moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    gray.color = ColorSpace::Icc(profile.into());
    let png = by_palette(&gray, 256);
    let back = decode(&png);
    assert_eq!(back.color, ColorSpace::Srgb);
    let mut expected = gray.frames[0].pixels.clone();
    let Pixels::U8(packed) = &mut expected else { panic!("8 bits") };
    // Linear light to the curve of sRGB (IEC 61966-2-1).
    for sample in packed.samples_mut() {
        let light = f32::from(*sample) / 255.0;
        let curved = if light <= 0.003_130_8 {
            12.92 * light
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        *sample = (curved * 255.0 + 0.5) as u8;
    }
    let distance = psnr(rgba(u8s(&back)).as_flattened(), rgba(packed).as_flattened());
    assert!(distance > 45.0, "{distance:.1} dB");
}

#[test]
fn an_animated_png_says_that_it_has_no_palette() {
    let lossless = Output { lossless: Some(true), ..Output::default() };
    let file = write("png", &Animation::moving(Size::new(24, 16), 3), &lossless);
    let request = json!({ "output_format": "png", "output": { "palette": 4 } });
    let (_, plan) = Plan::parse("convert", &request, &Limits::default()).unwrap();
    let input = Input::alone("in.png", &file);
    let report = imaging::run(&plan, input, &Limits::default(), &()).unwrap();
    assert_eq!(report.warnings[0].code, "palette_ignored");
    assert_eq!(report.outputs[0].encode_generations, 0);
}

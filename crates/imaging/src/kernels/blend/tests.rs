use super::*;
use crate::Size;
use crate::color::Color;
use crate::kernels::coverage::{Mask, Window};

const ALL: [Blend; 16] = [
    Blend::Normal,
    Blend::Multiply,
    Blend::Screen,
    Blend::Overlay,
    Blend::Darken,
    Blend::Lighten,
    Blend::ColorDodge,
    Blend::ColorBurn,
    Blend::HardLight,
    Blend::SoftLight,
    Blend::Difference,
    Blend::Exclusion,
    Blend::Hue,
    Blend::Saturation,
    Blend::Color,
    Blend::Luminosity,
];

/// The formulas of the specification as they stand there, channel by channel, in 64 bits.
fn by_the_book(blend: Blend, b: [f64; 3], s: [f64; 3]) -> [f64; 3] {
    let lum = |c: [f64; 3]| 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2];
    let max = |c: [f64; 3]| c[0].max(c[1]).max(c[2]);
    let min = |c: [f64; 3]| c[0].min(c[1]).min(c[2]);
    let set_lum = |c: [f64; 3], l: f64| {
        let mut c = c.map(|v| v + l - lum(c));
        let (l, n, x) = (lum(c), min(c), max(c));
        if n < 0.0 {
            c = c.map(|v| l + (v - l) * l / (l - n));
        }
        if x > 1.0 {
            c = c.map(|v| l + (v - l) * (1.0 - l) / (x - l));
        }
        c
    };
    let set_sat = |c: [f64; 3], wanted: f64| {
        let mut order = [0, 1, 2];
        order.sort_by(|i, j| c[*i].total_cmp(&c[*j]));
        let [low, middle, high] = order;
        let mut out = [0.0; 3];
        if c[high] > c[low] {
            out[middle] = (c[middle] - c[low]) * wanted / (c[high] - c[low]);
            out[high] = wanted;
        }
        out
    };
    let sat = |c| max(c) - min(c);
    let hard = |b: f64, s: f64| {
        if s <= 0.5 { b * 2.0 * s } else { 1.0 - (1.0 - b) * (1.0 - (2.0 * s - 1.0)) }
    };
    let each = |f: &dyn Fn(f64, f64) -> f64| std::array::from_fn(|c| f(b[c], s[c]));
    match blend {
        Blend::Normal => s,
        Blend::Multiply => each(&|b, s| b * s),
        Blend::Screen => each(&|b, s| 1.0 - (1.0 - b) * (1.0 - s)),
        Blend::Overlay => each(&|b, s| hard(s, b)),
        Blend::Darken => each(&f64::min),
        Blend::Lighten => each(&f64::max),
        Blend::ColorDodge => each(&|b, s| match () {
            () if b == 0.0 => 0.0,
            () if s == 1.0 => 1.0,
            () => f64::min(1.0, b / (1.0 - s)),
        }),
        Blend::ColorBurn => each(&|b, s| match () {
            () if b == 1.0 => 1.0,
            () if s == 0.0 => 0.0,
            () => 1.0 - f64::min(1.0, (1.0 - b) / s),
        }),
        Blend::HardLight => each(&hard),
        Blend::SoftLight => each(&|b, s| {
            let d = if b <= 0.25 { ((16.0 * b - 12.0) * b + 4.0) * b } else { b.sqrt() };
            if s <= 0.5 {
                b - (1.0 - 2.0 * s) * b * (1.0 - b)
            } else {
                b + (2.0 * s - 1.0) * (d - b)
            }
        }),
        Blend::Difference => each(&|b, s| (b - s).abs()),
        Blend::Exclusion => each(&|b, s| b + s - 2.0 * b * s),
        Blend::Hue => set_lum(set_sat(s, sat(b)), lum(b)),
        Blend::Saturation => set_lum(set_sat(b, sat(s)), lum(b)),
        Blend::Color => set_lum(s, lum(b)),
        Blend::Luminosity => set_lum(b, lum(s)),
    }
}

fn colors() -> impl Iterator<Item = [u8; 4]> {
    let level = |i: usize| [0, 37, 128, 200, 255][i % 5];
    (0..625).map(move |i| [level(i), level(i / 5), level(i / 25), level(i / 125)])
}

fn one(pixel: [u8; 4]) -> Packed<u8> {
    Packed::new(Size::new(1, 1), Channels::Rgba, pixel.to_vec())
}

#[test]
fn all_modes_are_the_formulas_of_the_specification() {
    let pairs = colors().step_by(7).flat_map(|b| colors().step_by(11).map(move |s| (b, s)));
    for (below, above) in pairs {
        let layer = Layer::of_pixels(Pixels::U8(one(above)), (0, 0)).unwrap();
        for blend in ALL {
            let Pixels::U8(got) =
                lay(Pixels::U8(one(below)), &layer, &[(0, 0)], blend, 0.8).unwrap()
            else {
                panic!("8 bits stay 8 bits");
            };
            let unit = |pixel: [u8; 4]| pixel.map(|v| f64::from(v) / 255.0);
            let ([br, bg, bb, ba], [sr, sg, sb, sa]) = (unit(below), unit(above));
            let (b, s, sa) = ([br, bg, bb], [sr, sg, sb], sa * 0.8);
            let mixed = by_the_book(blend, b, s);
            let alpha = sa + ba * (1.0 - sa);
            let out = |c: usize| {
                let source = (1.0 - ba) * s[c] + ba * mixed[c];
                (sa * source + (1.0 - sa) * ba * b[c]) / alpha
            };
            let mut expected = [0.0; 4];
            if alpha > 0.0 {
                expected = [out(0), out(1), out(2), alpha];
            }
            for c in 0..4 {
                let off = (f64::from(got.samples()[c]) - expected[c] * 255.0).abs();
                assert!(
                    off <= 1.0 || alpha == 0.0,
                    "{blend:?} {below:?} {above:?}: {:?}, not {expected:?}",
                    got.samples()
                );
            }
        }
    }
}

#[test]
fn sixteen_bits_come_out_as_eight_do() {
    for (below, above) in colors().step_by(3).zip(colors().skip(100)) {
        let layer = Layer::of_pixels(Pixels::U8(one(above)), (0, 0)).unwrap();
        let wide = below.map(|v| u16::from(v) * 257).to_vec();
        let wide = Packed::new(Size::new(1, 1), Channels::Rgba, wide);
        let run = |pixels| lay(pixels, &layer, &[(0, 0)], Blend::SoftLight, 1.0).unwrap();
        let (Pixels::U8(narrow), Pixels::U16(wide)) =
            (run(Pixels::U8(one(below))), run(Pixels::U16(wide)))
        else {
            panic!("depths stay");
        };
        for (a, b) in narrow.samples().iter().zip(wide.samples()) {
            assert!((f64::from(*a) - f64::from(*b) / 257.0).abs() <= 0.51);
        }
    }
}

fn dot(color: Color) -> Layer {
    let window = Window::full(Size::new(1, 1));
    let mut layer = Layer::new(window).unwrap();
    layer.paint(&Mask { window, samples: vec![255] }, color);
    layer
}

#[test]
fn a_gray_image_takes_color_only_where_there_is_color() {
    let gray = || Pixels::U8(Packed::new(Size::new(2, 1), Channels::Gray, vec![10, 20]));
    let lay = |color| lay(gray(), &dot(color), &[(1, 0)], Blend::Normal, 1.0).unwrap();
    let Pixels::U8(white) = lay(Color::WHITE) else { panic!() };
    assert_eq!((white.channels(), white.samples()), (Channels::Gray, &[10, 255][..]));
    let Pixels::U8(red) = lay(Color([255, 0, 0, 255])) else { panic!() };
    assert_eq!((red.channels(), red.samples()), (Channels::Rgb, &[10, 10, 10, 255, 0, 0][..]));
}

#[test]
fn what_lies_outside_of_the_image_is_left_out() {
    let image = Packed::new(Size::new(2, 2), Channels::Gray, vec![1, 2, 3, 4]);
    let places = [(-1, 0), (2, 1), (0, -5), (i32::MAX, i32::MIN)];
    let layer = dot(Color::WHITE);
    let Pixels::U8(same) =
        lay(Pixels::U8(image.clone()), &layer, &places, Blend::Normal, 1.0).unwrap()
    else {
        panic!()
    };
    assert_eq!(same, image);
}

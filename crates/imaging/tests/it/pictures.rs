//! Pictures to test with.

use imaging::format::{DecodeRequest, by_name, sniff};
use imaging::image::{Channels, Packed, Pixels};
use imaging::output::Output;
use imaging::{Files, Image, Limits, Size};

/// Pixels of a file, as they come.
pub(crate) fn decode_any(file: &[u8]) -> Pixels {
    let decode = sniff(file).expect("a known format").decode.expect("a readable format");
    let decoded =
        decode(file, &DecodeRequest::default(), &Limits::default()).expect("a sound file");
    decoded.image.frames.into_iter().next().expect("a frame").pixels
}

/// Pixels of an 8-bit file.
pub(crate) fn decode(file: &[u8]) -> Packed<u8> {
    match decode_any(file) {
        Pixels::U8(packed) => packed,
        other => panic!("8 bits expected, got {other:?}"),
    }
}

/// A PNG of an image.
pub(crate) fn png_of(image: &Image) -> Vec<u8> {
    by_name("png").and_then(|png| png.encode).expect("PNG is written")(image, &Output::default())
        .expect("it fits")
}

/// A PNG of pixels.
pub(crate) fn png(packed: &Packed<u8>) -> Vec<u8> {
    png_of(&Image::still(Pixels::U8(packed.clone())))
}

/// The file that examples of operations name beside the image they work on: a table of colors where
/// the steps hold a `lut`, else a logo.
pub(crate) fn beside(steps: &str) -> Files<'static> {
    let table: &[u8] = include_bytes!("../beside/warm.cube");
    let logo: &[u8] = include_bytes!("../inputs/logo.png");
    let file = if steps.contains("lut") { table } else { logo };
    Files::of_bytes([(1, file), (2, logo)], &Limits::default()).expect("sound files")
}

/// A small photograph of a face with skin, hair, orange cloth and a dark background.
pub(crate) fn portrait() -> Packed<u8> {
    decode(include_bytes!("../inputs/portrait.png"))
}

/// Colors from all over the RGB cube, enough of them for tables to be used.
pub(crate) fn color_cube() -> Packed<u8> {
    let level = |i: u32| (i * 255 / 46) as u8;
    let samples =
        (0..47 * 47 * 47).flat_map(|i| [level(i / 2209), level(i / 47 % 47), level(i % 47)]);
    Packed::new(Size::new(47, 47 * 47), Channels::Rgb, samples.collect())
}

/// Noise with alpha: nothing that could hide an error (transparent pixels keep their colors).
pub(crate) fn noise(size: Size, channels: Channels, seed: u64) -> Packed<u8> {
    let mut state = seed | 1;
    let mut next = || {
        // xorshift64* (Vigna, 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    };
    let len = size.area() as usize * channels.count();
    Packed::new(size, channels, (0..len).map(|_| next()).collect())
}

use super::*;
use crate::formats::jpeg::baseline::markers::File;
use crate::image::{Channels, Packed, Pixels};
use crate::output::Output;
use crate::{Image, Size, format};

/// Whether all parts of the first round follow each other.
#[track_caller]
fn check_parts<const N: usize>(jpeg: &[u8]) {
    let file = File::read(jpeg).unwrap();
    let scan = file.scan().unwrap();
    let (across, down) = scan.units();
    let mut parts: Vec<Part<'_, N>> = (0..PARTS * 2).map(|_| Part::new(&scan)).collect();
    let left = across * down;
    assert!(read(&scan, &mut parts, (left, end_of_data(scan.data))));
    assert_eq!(join(&scan, &mut parts, left), Some(PARTS * 2), "of {N} eighths");
}

#[test]
fn what_was_written_by_several_threads_is_read_by_several() {
    for (width, height) in [(2000, 1500), (12_000, 700)] {
        let size = Size::new(width, height);
        let mut noise = 1_u32;
        let samples = (0..size.area() * 3)
            .map(|at| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (at >> 9) as u8 / 2 + (noise >> 27) as u8
            })
            .collect::<Vec<_>>();
        let image = Image::still(Pixels::U8(Packed::new(size, Channels::Rgb, samples)));
        let encode = format::by_name("jpg").unwrap().encode.unwrap();
        let jpeg = encode(&image, &Output::default()).unwrap();
        check_parts::<1>(&jpeg);
        check_parts::<4>(&jpeg);
        check_parts::<8>(&jpeg);
    }
}

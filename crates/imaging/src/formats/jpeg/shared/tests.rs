use native::turbojpeg::{self, Decoder, Layout, Limits, Packed, Scale, Subsampling};

use super::*;
use crate::Image;
use crate::format::DecodeRequest;
use crate::image::{Pixels, Planar, Plane};
use crate::output::Output;

fn options(subsampling: Subsampling) -> EncodeOptions {
    EncodeOptions {
        quality: 80,
        subsampling,
        progressive: false,
        optimize: false,
        density: Some((300, 300)),
        restart_rows: None,
        color: None,
    }
}

fn pixels(file: &[u8], layout: Layout) -> Vec<u8> {
    let limits = Limits { scans_max: 1, pixels_max: 1 << 26, memory_mb: 500 };
    let mut decoder = Decoder::open(file, &limits).unwrap();
    let decoded = decoder.packed(layout, Scale::Full).unwrap();
    assert!(!decoder.warned(), "nothing to complain of");
    decoded.samples
}

/// The file in parts and how many restarts it has, and the file in one.
fn files(size: Size, layout: Layout, subsampling: Subsampling) -> (Vec<u8>, usize, Vec<u8>) {
    let stride = size.width as usize * layout.samples();
    let samples = (0..stride * size.height as usize)
        .map(|at| ((at / stride * 3) ^ (at % stride / 5)) as u8)
        .collect::<Vec<_>>();
    let write = |rows: Range<u32>, options: &EncodeOptions| {
        let samples = &samples[rows.start as usize * stride..rows.end as usize * stride];
        let height = rows.end - rows.start;
        let pixels = Packed { width: size.width, height, layout, samples };
        Ok(turbojpeg::encode_packed(&pixels, options).unwrap())
    };
    let options = options(subsampling);
    let joined = encode(size, &options, write).unwrap();
    let restarts: Vec<u8> = joined
        .windows(2)
        .filter(|pair| pair[0] == 0xFF)
        .map(|pair| pair[1])
        .filter(|code| (0xD0..0xD8).contains(code))
        .collect();
    let numbers = (0..restarts.len()).map(|number| 0xD0 + (number % 8) as u8);
    assert!(restarts.iter().copied().eq(numbers), "restarts are counted from 0 to 7");
    (joined, restarts.len(), write(0..size.height, &options).unwrap())
}

#[test]
fn parts_have_the_pixels_of_the_whole() {
    for (subsampling, rows) in
        [(Subsampling::S420, 63), (Subsampling::S444, 126), (Subsampling::S441, 32)]
    {
        let (joined, restarts, whole) = files(Size::new(1301, 1003), Layout::Rgb, subsampling);
        assert_eq!(restarts, rows - 1);
        assert!(joined.len() < whole.len() + 10 * rows, "rows cost little");
        assert!(pixels(&joined, Layout::Rgb) == pixels(&whole, Layout::Rgb), "{subsampling:?}");
    }
    let (joined, restarts, whole) = files(Size::new(8001, 1300), Layout::Gray, Subsampling::Gray);
    assert_eq!(restarts, 162);
    assert!(pixels(&joined, Layout::Gray) == pixels(&whole, Layout::Gray));
}

#[test]
fn planes_are_written_in_parts() {
    for subsampling in [(1, 1), (2, 1), (2, 2), (1, 2)] {
        let size = Size::new(1301, 1003);
        let plane = |across: u32, down: u32, shade: usize| {
            let size = Size::new(size.width.div_ceil(across), size.height.div_ceil(down));
            let samples = (0..size.area() as usize).map(|at| (at / 97 * shade) as u8).collect();
            Plane { size, samples }
        };
        let (across, down) = subsampling;
        let planes = [plane(1, 1, 3), plane(across, down, 5), plane(across, down, 7)];
        let planar = Planar { size, subsampling, planes };
        let output = Output { quality: Some(95), ..Output::default() };
        let jpeg =
            super::super::encode(&Image::still(Pixels::Ycc(planar.clone())), &output).unwrap();
        let request = DecodeRequest { planes: true, ..DecodeRequest::default() };
        let decoded = super::super::decode(&jpeg, &request, &crate::Limits::default()).unwrap();
        let Pixels::Ycc(read) = &decoded.image.frames[0].pixels else { panic!("planes") };
        assert_eq!(read.subsampling, subsampling);
        for (read, written) in read.planes.iter().zip(&planar.planes) {
            let pairs = read.samples.iter().zip(&written.samples);
            let apart = pairs.filter(|(a, b)| a.abs_diff(**b) > 12).count();
            assert!(apart * 50 < read.samples.len(), "{apart} samples of {subsampling:?}");
        }
    }
}

#[test]
fn small_and_optimized_images_are_in_one_part() {
    let (joined, restarts, whole) = files(Size::new(1000, 1000), Layout::Rgb, Subsampling::S420);
    assert!(restarts == 0 && joined == whole);
    let options = EncodeOptions { optimize: true, ..options(Subsampling::S420) };
    let write = |rows: Range<u32>, _: &EncodeOptions| Ok(vec![u8::from(rows == (0..5000))]);
    assert_eq!(encode(Size::new(5000, 5000), &options, write).unwrap(), [1]);
}

use native::turbojpeg::{self, Decoder, Layout, Limits, Packed, Scale, Subsampling};

use super::*;

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

/// The file in parts and how many they are, and the file in one.
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
    let parts = encode(size, &options, write).unwrap();
    let restarts =
        parts.windows(2).filter(|pair| pair[0] == 0xFF && (0xD0..0xD8).contains(&pair[1]));
    (parts.clone(), restarts.count() + 1, write(0..size.height, &options).unwrap())
}

#[test]
fn parts_have_the_pixels_of_the_whole() {
    for subsampling in [Subsampling::S420, Subsampling::S444, Subsampling::S441] {
        let (joined, parts, whole) = files(Size::new(1301, 1003), Layout::Rgb, subsampling);
        assert!((7..=8).contains(&parts), "{parts} parts");
        assert!(joined.len() < whole.len() + 200, "parts cost little");
        assert!(pixels(&joined, Layout::Rgb) == pixels(&whole, Layout::Rgb), "{subsampling:?}");
    }
}

#[test]
fn a_part_has_no_more_blocks_than_a_restart_interval() {
    let (joined, parts, whole) = files(Size::new(8001, 4300), Layout::Gray, Subsampling::Gray);
    assert!(parts > 8, "{parts} parts");
    assert!(pixels(&joined, Layout::Gray) == pixels(&whole, Layout::Gray));
}

#[test]
fn small_and_optimized_images_are_in_one_part() {
    let (joined, parts, whole) = files(Size::new(1000, 1000), Layout::Rgb, Subsampling::S420);
    assert!((parts, joined.len()) == (1, whole.len()));
    let options = EncodeOptions { optimize: true, ..options(Subsampling::S420) };
    let write = |rows: Range<u32>, _: &EncodeOptions| Ok(vec![u8::from(rows == (0..5000))]);
    assert_eq!(encode(Size::new(5000, 5000), &options, write).unwrap(), [1]);
}

use super::*;

fn options(subsampling: Subsampling) -> EncodeOptions {
    EncodeOptions {
        quality: 95,
        subsampling,
        progressive: false,
        optimize: false,
        density: None,
        restart_rows: None,
        color: None,
    }
}

const LIMITS: Limits = Limits { scans_max: 64, pixels_max: 1 << 20, memory_mb: 64 };

fn ramp(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| [(x * 3) as u8, (y * 2) as u8, 128];
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
}

#[test]
fn every_subsampling_scale_and_odd_size_decodes_to_planes_and_back() {
    for (subsampling, _, (across, down)) in Subsampling::ALL {
        for (width, height) in [(1, 1), (15, 17), (16, 16), (33, 31), (70, 3), (3, 70)] {
            let samples = ramp(width, height);
            let pixels = Packed { width, height, layout: Layout::Rgb, samples: &samples };
            let jpeg = encode_packed(&pixels, &options(subsampling)).unwrap();
            for scale in Scale::ALL {
                let mut decoder = Decoder::open(&jpeg, &LIMITS).unwrap();
                assert_eq!(decoder.header().subsampling, Some(subsampling));
                let decoded = decoder.planes(scale).unwrap();
                let luma = &decoded.planes[0];
                assert_eq!(luma.width, width.div_ceil(scale.divisor()));
                assert_eq!(luma.height, height.div_ceil(scale.divisor()));
                if let [_, blue, red] = &decoded.planes[..] {
                    assert_eq!(blue.width, luma.width.div_ceil(across));
                    assert_eq!(red.height, luma.height.div_ceil(down));
                }
                let planes: Vec<_> = decoded
                    .planes
                    .iter()
                    .map(|p| Plane { width: p.width, height: p.height, samples: &p.samples })
                    .collect();
                let again = encode_planes(&planes, &options(subsampling)).unwrap();
                let mut decoder = Decoder::open(&again, &LIMITS).unwrap();
                let again = decoder.planes(Scale::Full).unwrap();
                for (a, b) in decoded.planes.iter().zip(&again.planes) {
                    let worst = a.samples.iter().zip(&b.samples).map(|(a, b)| a.abs_diff(*b)).max();
                    assert!(worst <= Some(12), "{subsampling:?} {width}×{height} {scale:?}");
                }
                let packed = decoder.packed(Layout::Gray, scale).unwrap();
                assert_eq!(packed.samples.len() as u32, packed.width * packed.height);
            }
        }
    }
}

#[test]
fn a_file_that_ends_early_is_truncated() {
    let samples = ramp(64, 64);
    let pixels = Packed { width: 64, height: 64, layout: Layout::Rgb, samples: &samples };
    let jpeg = encode_packed(&pixels, &options(Subsampling::S420)).unwrap();
    let mut decoder = Decoder::open(&jpeg[..jpeg.len() - 40], &LIMITS).unwrap();
    assert_eq!(decoder.packed(Layout::Rgb, Scale::Full).unwrap_err().kind, ErrorKind::Truncated);
    assert_eq!(decoder.planes(Scale::Half).unwrap_err().kind, ErrorKind::Truncated);
}

#[test]
fn stray_bytes_before_a_marker_do_no_harm() {
    let samples = ramp(64, 64);
    let pixels = Packed { width: 64, height: 64, layout: Layout::Rgb, samples: &samples };
    let mut jpeg = encode_packed(&pixels, &options(Subsampling::S420)).unwrap();
    jpeg.splice(2..2, [1, 2, 3]);
    let mut decoder = Decoder::open(&jpeg, &LIMITS).unwrap();
    assert!(decoder.warned());
    decoder.packed(Layout::Rgb, Scale::Full).unwrap();
}

#[test]
fn limits_hold() {
    let samples = ramp(64, 64);
    let pixels = Packed { width: 64, height: 64, layout: Layout::Rgb, samples: &samples };
    let progressive = EncodeOptions { progressive: true, ..options(Subsampling::S444) };
    let jpeg = encode_packed(&pixels, &progressive).unwrap();
    let few = Limits { scans_max: 2, ..LIMITS };
    let mut decoder = Decoder::open(&jpeg, &few).unwrap();
    assert_eq!(decoder.packed(Layout::Rgb, Scale::Full).unwrap_err().kind, ErrorKind::Limit);
    assert_eq!(decoder.planes(Scale::Full).unwrap_err().kind, ErrorKind::Limit);
    let small = Limits { pixels_max: 64, ..LIMITS };
    let mut decoder = Decoder::open(&jpeg, &small).unwrap();
    assert_eq!(decoder.planes(Scale::Full).unwrap_err().kind, ErrorKind::Limit);
}

#[test]
fn planes_of_the_wrong_size_are_refused() {
    let samples = [0; 64];
    let plane = Plane { width: 8, height: 8, samples: &samples };
    let error = encode_planes(&[plane, plane, plane], &options(Subsampling::S420)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Misuse);
    let error = encode_planes(&[plane], &options(Subsampling::S420)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Misuse);
    let short = Plane { width: 9, height: 8, samples: &samples };
    let error = encode_planes(&[short], &options(Subsampling::Gray)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Misuse);
}

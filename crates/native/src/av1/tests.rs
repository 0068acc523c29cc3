use super::*;
use crate::ErrorKind;

const BT601: Cicp = Cicp { primaries: 1, transfer: 13, matrix: 6, full_range: true };

/// Gradients with a little texture, in any layout and depth.
fn picture(width: u32, height: u32, bit_depth: u8, layout: Layout) -> Picture {
    let mut picture =
        Picture { width, height, bit_depth, layout, cicp: BT601, planes: Planes::U8(Vec::new()) };
    let plane = |index: usize| {
        let (width, height) = picture.plane_size(index);
        let samples = (0..width * height).map(move |at| {
            let (x, y) = (at % width, at / width);
            (20 + x * 180 / width + (y * 5 + index * 7) % 40) as u16
        });
        samples.map(|sample| sample << (bit_depth - 8)).collect::<Vec<u16>>()
    };
    let planes: Vec<_> = (0..picture.plane_count()).map(plane).collect();
    picture.planes = if bit_depth == 8 {
        Planes::U8(planes.iter().map(|p| p.iter().map(|s| *s as u8).collect()).collect())
    } else {
        Planes::U16(planes)
    };
    picture
}

fn settings(speed: u8, level: u8) -> Settings {
    Settings { speed, level, search: Search::Cosine, lossless: false, tune: Tune::Picture }
}

const LAYOUTS: [Layout; 4] = [Layout::Gray, Layout::S420, Layout::S422, Layout::S444];

#[test]
fn lossless_keeps_every_bit_of_every_layout_and_depth() {
    for layout in LAYOUTS {
        for depth in [8, 10, 12] {
            for (width, height) in [(1, 1), (33, 17), (64, 64)] {
                let original = picture(width, height, depth, layout);
                let settings = Settings { lossless: true, ..settings(9, 0) };
                let stream = encode(&original, settings).unwrap();
                let back = decode(&stream, 1 << 20).unwrap();
                assert_eq!((back.width, back.height), (width, height));
                assert_eq!((back.layout, back.bit_depth), (layout, depth));
                assert_eq!(back.cicp, original.cicp);
                assert!(back.planes == original.planes, "{layout:?} {depth} {width}×{height}");
            }
        }
    }
}

#[test]
fn lossy_is_close_and_small() {
    for layout in LAYOUTS {
        for tune in [Tune::Picture, Tune::Error] {
            let original = picture(96, 80, 8, layout);
            let stream = encode(&original, Settings { tune, ..settings(7, 15) }).unwrap();
            let (Planes::U8(before), Planes::U8(after)) =
                (&original.planes, decode(&stream, 1 << 20).unwrap().planes)
            else {
                panic!("8 bits")
            };
            let far = before[0].iter().zip(&after[0]).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(far < Some(40), "{layout:?} {far:?}");
            assert!(stream.len() < 96 * 80, "{layout:?}: {} bytes", stream.len());
        }
    }
}

#[test]
fn pictures_over_the_limit_and_damaged_data_are_errors() {
    let fast = settings(9, 30);
    let stream = encode(&picture(64, 64, 8, Layout::S420), fast).unwrap();
    assert_eq!(decode(&stream, 64 * 63).unwrap_err().kind, ErrorKind::Limit);
    assert_eq!(decode(&[], 1 << 20).unwrap_err().kind, ErrorKind::Truncated);
    for len in 1..stream.len() {
        let _ = decode(&stream[..len], 1 << 20);
    }
    assert!(decode(&stream[..stream.len() / 2], 1 << 20).is_err());
}

#[test]
fn planes_of_another_size_or_depth_are_refused() {
    let fast = settings(9, 30);
    let mut short = picture(64, 64, 8, Layout::S420);
    short.height = 65;
    assert_eq!(encode(&short, fast).unwrap_err().kind, ErrorKind::Misuse);
    let mut loud = picture(64, 64, 10, Layout::Gray);
    let Planes::U16(planes) = &mut loud.planes else { panic!("10 bits") };
    planes[0][5] = 1 << 10;
    assert_eq!(encode(&loud, fast).unwrap_err().kind, ErrorKind::Misuse);
}

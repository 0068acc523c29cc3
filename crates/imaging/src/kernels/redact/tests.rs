use std::collections::BTreeSet;

use super::*;

fn noise(channels: Channels, seed: u32) -> Packed<u8> {
    let size = Size::new(64, 48);
    let mut state = seed;
    let len = size.area() as usize * channels.count();
    let next = |_| {
        // Numerical Recipes' generator.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    Packed::new(size, channels, (0..len).map(next).collect())
}

const RECT: Rect = Rect { x: 10, y: 8, size: Size::new(40, 20) };

fn run(packed: &Packed<u8>, way: &Way) -> Packed<u8> {
    match redact(Pixels::U8(packed.clone()), RECT, way).unwrap() {
        Pixels::U8(packed) => packed,
        other => panic!("{other:?}"),
    }
}

fn inside(packed: &Packed<u8>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let count = packed.channels().count();
    let pixels = packed.samples().chunks_exact(count).map(<[u8]>::to_vec).enumerate();
    let (inside, outside): (Vec<_>, Vec<_>) = pixels.partition(|(index, _)| {
        (10..50).contains(&(index % 64)) && (8..28).contains(&(index / 64))
    });
    let plain = |pixels: Vec<(usize, Vec<u8>)>| pixels.into_iter().map(|(_, p)| p).collect();
    (plain(inside), plain(outside))
}

const CHANNELS: [Channels; 4] =
    [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];

#[test]
fn solid_leaves_the_same_whatever_was_there_and_touches_nothing_else() {
    for channels in CHANNELS {
        let way = Way::Solid(Color([9, 9, 9, 255]));
        let (a, b) = (noise(channels, 1), noise(channels, 2));
        let (got_a, got_b) = (inside(&run(&a, &way)), inside(&run(&b, &way)));
        assert_eq!(got_a.0, got_b.0, "nothing of the original is left");
        assert!(got_a.0.iter().all(|pixel| *pixel == got_a.0[0]));
        assert_eq!(got_a.1, inside(&a).1, "the rest stays");
    }
    let red = run(&noise(Channels::GrayAlpha, 1), &Way::Solid(Color([255, 0, 0, 255])));
    assert_eq!(inside(&red).0[0], [255, 0, 0, 255]);
}

#[test]
fn pixelate_and_blur_keep_a_few_rounded_averages_and_touch_nothing_else() {
    let grid = Grid::of(RECT.size, None);
    assert_eq!(grid, Grid { columns: 5, rows: 2 });
    for channels in CHANNELS {
        let image = noise(channels, 3);
        let blocks = inside(&run(&image, &Way::Pixelate(grid)));
        let distinct: BTreeSet<&Vec<u8>> = blocks.0.iter().collect();
        assert!(distinct.len() <= 10, "{channels:?}: {}", distinct.len());
        let soft = inside(&run(&image, &Way::Blur(grid)));
        assert_eq!((&blocks.1, &soft.1), (&inside(&image).1, &inside(&image).1));
        // What is blurred lies between the averages: it has nothing that they have not.
        for c in 0..channels.count() {
            let range = |pixels: &[Vec<u8>]| {
                let values = || pixels.iter().map(|pixel| pixel[c]);
                (values().min().unwrap(), values().max().unwrap())
            };
            let (low, high) = range(&blocks.0);
            let (soft_low, soft_high) = range(&soft.0);
            assert!(soft_low >= low.saturating_sub(1) && soft_high <= high.saturating_add(1));
        }
    }
}

#[test]
fn no_detail_of_the_original_comes_through() {
    // Two originals that differ in every pixel but not in the averages look the same.
    let size = Size::new(64, 48);
    let checks = |phase: usize| {
        let pixel = |i: usize| if (i % 64 + i / 64 + phase).is_multiple_of(2) { 240 } else { 16 };
        Packed::new(size, Channels::Gray, (0..64 * 48).map(pixel).collect())
    };
    let grid = Grid::of(RECT.size, None);
    for way in [Way::Pixelate(grid), Way::Blur(grid)] {
        assert_eq!(inside(&run(&checks(0), &way)).0, inside(&run(&checks(1), &way)).0);
    }
}

#[test]
fn blocks_are_never_finer_than_what_cannot_be_read() {
    for (size, wanted) in [((300, 40), Some(1.0)), ((300, 40), None), ((1000, 1000), Some(2.0))] {
        let grid = Grid::of(Size::new(size.0, size.1), wanted);
        assert!(grid.columns <= 12 && grid.rows <= 12 && grid.columns.min(grid.rows) <= 4);
    }
    assert_eq!(Grid::of(Size::new(100, 100), Some(50.0)), Grid { columns: 2, rows: 2 });
    assert_eq!(Grid::of(Size::new(3, 1), None), Grid { columns: 1, rows: 1 });
}

#[test]
fn sixteen_bits_are_redacted_alike() {
    let narrow = noise(Channels::Rgba, 5);
    let wide = narrow.samples().iter().map(|v| u16::from(*v) * 257).collect();
    let wide = Packed::new(narrow.size(), narrow.channels(), wide);
    let way = Way::Pixelate(Grid::of(RECT.size, None));
    let Pixels::U16(wide) = redact(Pixels::U16(wide), RECT, &way).unwrap() else { panic!() };
    for (a, b) in run(&narrow, &way).samples().iter().zip(wide.samples()) {
        assert!((f64::from(*a) - f64::from(*b) / 257.0).abs() <= 0.51);
    }
}

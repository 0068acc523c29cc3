//! Mirrors and quarter turns.

use crate::image::{Packed, Pixels, Planar, Plane};
use crate::kernels::rows;
use crate::metadata::Orientation;
use crate::stage::Sample;
use crate::{Result, Size};

/// Side of the tiles that transposes walk in: one tile of source and destination stays in the
/// cache.
const TILE: usize = 32;

/// The image, turned.
pub fn orient(pixels: Pixels, orientation: Orientation) -> Result<Pixels> {
    if orientation == Orientation::Normal {
        return Ok(pixels);
    }
    Ok(match pixels {
        Pixels::U8(packed) => Pixels::U8(orient_packed(&packed, orientation)?),
        Pixels::U16(packed) => Pixels::U16(orient_packed(&packed, orientation)?),
        Pixels::Ycc(planar) => Pixels::Ycc(orient_planar(&planar, orientation)?),
    })
}

/// Whether turning the planes is exact: a mirror moves the chroma grid when a side is not a
/// multiple of its subsampling.
pub fn is_exact_on_planes(size: Size, subsampling: (u32, u32)) -> bool {
    size.width.is_multiple_of(subsampling.0) && size.height.is_multiple_of(subsampling.1)
}

fn orient_packed<S: Sample>(packed: &Packed<S>, orientation: Orientation) -> Result<Packed<S>> {
    let size = turned(packed.size(), orientation);
    let mut out = Packed::zeroed(size, packed.channels())?;
    let (from, to) = (packed.samples(), packed.size());
    match packed.channels().count() {
        1 => orient_samples::<S, 1>(from, to, orientation, out.samples_mut()),
        2 => orient_samples::<S, 2>(from, to, orientation, out.samples_mut()),
        3 => orient_samples::<S, 3>(from, to, orientation, out.samples_mut()),
        _ => orient_samples::<S, 4>(from, to, orientation, out.samples_mut()),
    }
    Ok(out)
}

fn orient_planar(planar: &Planar, orientation: Orientation) -> Result<Planar> {
    let turn = |plane: &Plane| -> Result<Plane> {
        let mut samples = crate::image::zeroed(plane.size.area())?;
        orient_samples::<u8, 1>(&plane.samples, plane.size, orientation, &mut samples);
        Ok(Plane { size: turned(plane.size, orientation), samples })
    };
    let [y, cb, cr] = &planar.planes;
    let (x, down) = planar.subsampling;
    Ok(Planar {
        size: turned(planar.size, orientation),
        subsampling: if orientation.transposes() { (down, x) } else { (x, down) },
        planes: [turn(y)?, turn(cb)?, turn(cr)?],
    })
}

fn turned(size: Size, orientation: Orientation) -> Size {
    if orientation.transposes() { size.transposed() } else { size }
}

fn orient_samples<S: Sample, const N: usize>(
    from: &[S],
    size: Size,
    orientation: Orientation,
    out: &mut [S],
) {
    let (transpose, mirror_x, mirror_y) = orientation.parts();
    let (width, height) = (size.width as usize, size.height as usize);
    let (from, _) = from.as_chunks::<N>();
    if !transpose {
        return rows::each(out, width * N, |y, row| {
            let y = if mirror_y { height - 1 - y } else { y };
            let row = row.as_chunks_mut::<N>().0;
            row.copy_from_slice(&from[y * width..][..width]);
            if mirror_x {
                row.reverse();
            }
        });
    }
    // The result is `height` wide: its rows are columns of the source.
    let place = |x: usize, y: usize| {
        let across = if mirror_y { width - 1 - y } else { y };
        let down = if mirror_x { height - 1 - x } else { x };
        down * width + across
    };
    rows::bands(out, height * N, |top, band| {
        let band = band.as_chunks_mut::<N>().0;
        let lines = band.len() / height;
        let tiles = (0..lines).step_by(TILE);
        for (tile_y, tile_x) in tiles.flat_map(|y| (0..height).step_by(TILE).map(move |x| (y, x))) {
            let rows = tile_y..(tile_y + TILE).min(lines);
            let columns = tile_x..(tile_x + TILE).min(height);
            for (y, x) in rows.flat_map(|y| columns.clone().map(move |x| (y, x))) {
                band[y * height + x] = from[place(x, top + y)];
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Channels;

    #[track_caller]
    fn check(orientation: Orientation, expected: &[u8], expected_width: u32) {
        let image = Packed::new(Size::new(3, 2), Channels::Gray, vec![1u8, 2, 3, 4, 5, 6]);
        let turned = orient_packed(&image, orientation).unwrap();
        assert_eq!(
            (turned.samples(), turned.size().width),
            (expected, expected_width),
            "{orientation:?}"
        );
    }

    #[test]
    fn each_exif_orientation_brings_the_stored_pixels_upright() {
        check(Orientation::Normal, &[1, 2, 3, 4, 5, 6], 3);
        check(Orientation::MirrorX, &[3, 2, 1, 6, 5, 4], 3);
        check(Orientation::Rotate180, &[6, 5, 4, 3, 2, 1], 3);
        check(Orientation::MirrorY, &[4, 5, 6, 1, 2, 3], 3);
        check(Orientation::Transpose, &[1, 4, 2, 5, 3, 6], 2);
        check(Orientation::Rotate90, &[4, 1, 5, 2, 6, 3], 2);
        check(Orientation::Transverse, &[6, 3, 5, 2, 4, 1], 2);
        check(Orientation::Rotate270, &[3, 6, 2, 5, 1, 4], 2);
    }

    #[test]
    fn two_turns_compose_to_the_turn_that_does_both() {
        let image = Packed::new(Size::new(3, 2), Channels::Gray, vec![1u8, 2, 3, 4, 5, 6]);
        let all = (1..=8).map(Orientation::from_exif);
        for (first, second) in
            all.clone().flat_map(|first| all.clone().map(move |second| (first, second)))
        {
            let one_by_one = orient_packed(&orient_packed(&image, first).unwrap(), second).unwrap();
            let at_once = orient_packed(&image, first.then(second)).unwrap();
            assert_eq!(one_by_one, at_once, "{first:?} then {second:?}");
        }
    }
}

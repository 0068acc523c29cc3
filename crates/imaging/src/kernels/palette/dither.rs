//! Pictures by palette, with the error of each pixel spread over its neighbours.

use super::{Palette, Rgb};

/// How much of an error is passed on, in 256ths. All of it gives more noise than gain: in what
/// moves the noise boils, and nothing compresses worse.
pub(super) const STRENGTH: i32 = 208;
/// An error as large as this in a channel comes from a color that the palette lacks altogether;
/// to pass it on would draw streaks.
pub(super) const ERROR_MAX: i32 = 48;
/// Where no more than this has come together, a color of the palette stays as it is.
pub(super) const CALM: i32 = 6;

/// Sixteenths of a level that are to be added, by channel.
type Carry = [i32; 3];

/// The index of each pixel of rows of this width; `None` and what it leaves out becomes `blank`.
/// Errors run right and left by turns (Floyd and Steinberg, 1976, as a serpentine).
pub fn dither(palette: &mut Palette, width: usize, pixels: &[Option<Rgb>], blank: u8) -> Vec<u8> {
    if palette.is_exact {
        let index = |pixel: &Option<Rgb>| pixel.and_then(|rgb| palette.index_of(rgb));
        let mut exact = Vec::with_capacity(pixels.len());
        exact.extend(pixels.iter().map(|pixel| match pixel {
            None => blank,
            Some(_) => index(pixel).unwrap_or(blank),
        }));
        return exact;
    }
    let mut indices = vec![blank; pixels.len()];
    // One column more on each side, so that none has to ask whether it has a neighbour.
    let mut here = vec![[0; 3]; width + 2];
    let mut below = vec![[0; 3]; width + 2];
    let rows = pixels.chunks(width).zip(indices.chunks_mut(width));
    for (y, (pixels, indices)) in rows.enumerate() {
        below.fill([0; 3]);
        for step in 0..width {
            let (x, ahead, behind) = match y % 2 {
                0 => (step, step + 2, step),
                _ => (width - 1 - step, width - 1 - step, width + 1 - step),
            };
            let Some(rgb) = pixels[x] else { continue };
            let (index, error) = choose(palette, rgb, here[x + 1]);
            indices[x] = index;
            for c in 0..3 {
                here[ahead][c] += error[c] * 7;
                below[behind][c] += error[c] * 3;
                below[x + 1][c] += error[c] * 5;
                below[ahead][c] += error[c];
            }
        }
        std::mem::swap(&mut here, &mut below);
    }
    indices
}

/// The index for a color with what its neighbours lack, and what it lacks itself.
fn choose(palette: &mut Palette, rgb: Rgb, carry: Carry) -> (u8, [i32; 3]) {
    let carry = carry.map(|sum| (sum + 8) >> 4);
    let wanted: [i32; 3] = std::array::from_fn(|c| (i32::from(rgb[c]) + carry[c]).clamp(0, 255));
    let is_calm = carry.iter().all(|carry| carry.abs() <= CALM);
    let exact = if is_calm { palette.index_of(rgb) } else { None };
    let index = exact.unwrap_or_else(|| palette.index_near(wanted.map(|value| value as u8)));
    let chosen = palette.colors()[usize::from(index)];
    let error = std::array::from_fn(|c| {
        let error = (wanted[c] - i32::from(chosen[c])).clamp(-ERROR_MAX, ERROR_MAX);
        error * STRENGTH / 256
    });
    (index, error)
}

#[cfg(test)]
mod tests {
    use super::super::Histogram;
    use super::*;

    const SIDE: usize = 64;

    fn shown(pixels: &[Option<Rgb>], max: usize) -> (Palette, Vec<u8>) {
        let histogram = Histogram::of(pixels.iter().flatten().copied());
        let mut palette = Palette::of(&histogram, max, 2);
        let indices = dither(&mut palette, SIDE, pixels, 255);
        (palette, indices)
    }

    #[test]
    fn areas_keep_their_mean() {
        let pixels: Vec<_> = (0..SIDE * SIDE)
            .map(|i| Some([(i % SIDE * 4) as u8, (i / SIDE * 4) as u8, 128]))
            .collect();
        let (palette, indices) = shown(&pixels, 16);
        for block in 0..16 {
            let (left, top) = (block % 4 * 16, block / 4 * 16);
            let at = |i: usize| (top + i / 16) * SIDE + left + i % 16;
            for c in 0..2 {
                let before: u32 = (0..256).map(|i| u32::from(pixels[at(i)].unwrap()[c])).sum();
                let color = |i: usize| palette.colors()[usize::from(indices[at(i)])];
                let after: u32 = (0..256).map(|i| u32::from(color(i)[c])).sum();
                assert!(before.abs_diff(after) / 256 <= 12, "{block}: {before} {after}");
            }
        }
    }

    #[test]
    fn what_is_left_out_stays_out() {
        let pixels: Vec<_> = (0..SIDE * SIDE)
            .map(|i| (i % 3 != 0).then_some([(i % 251) as u8, (i % 241) as u8, (i / 16) as u8]))
            .collect();
        let (_, indices) = shown(&pixels, 100);
        for (pixel, index) in pixels.iter().zip(indices) {
            assert_eq!(pixel.is_none(), index == 255);
        }
    }

    #[test]
    fn pictures_of_few_colors_come_back_as_they_were() {
        let pixels: Vec<_> = (0..SIDE * SIDE)
            .map(|i| Some([(i % 16 * 16) as u8, (i / SIDE % 8) as u8, 9]))
            .collect();
        let (palette, indices) = shown(&pixels, 255);
        for (pixel, index) in pixels.iter().zip(indices) {
            assert_eq!(*pixel, Some(palette.colors()[usize::from(index)]));
        }
    }
}

//! The usual JPEG, to planes, faster than `libjpeg-turbo`: baseline, one scan, three components.
//!
//! Half of the time to read a photograph goes into its Huffman codes. Here one look into a table
//! gives the code, the bits behind it and the value that they mean together; and of blocks that are
//! drawn smaller, what is not drawn is passed over. Whatever is unusual or damaged is left to the
//! library, whose errors and repairs are those that people know: nothing here reports any.
//!
//! ITU-T T.81 is the standard; the names are its names.

mod bits;
mod cosine;
mod huffman;
mod line;
mod markers;
mod parallel;
mod part;
mod reader;

use huffman::{Pairs, Table};
use line::{Line, lines};
use markers::{File, Scan};
use reader::Reader;

use crate::Size;
use crate::image::{Planar, Plane};

/// Bits that are looked at together. Longer codes are rare; tables have to stay in the fastest
/// cache beside the data.
const DC_BITS: u32 = 9;
const AC_BITS: u32 = 10;
type Dc = Table<{ 1 << DC_BITS }>;
type Ac = Pairs<{ 1 << AC_BITS }>;

/// Where the coefficients of a block lie, in the order in which they are stored (figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The planes, at so many eighths of the size: 1 to 8. Nothing where the file is unusual or
/// damaged.
pub(super) fn planes(jpeg: &[u8], eighths: u32) -> Option<Planar> {
    let file = File::read(jpeg)?;
    let scan = file.scan()?;
    let is_small = scan.size.area() < SHARED_AREA;
    planar(&scan, eighths, if is_small { 1 } else { rayon::current_num_threads() })
}

/// Smaller images are read or written before another thread is awake.
pub(super) const SHARED_AREA: u64 = 1 << 20;

fn planar(scan: &Scan<'_>, eighths: u32, threads: usize) -> Option<Planar> {
    match eighths {
        1 => scaled::<1>(scan, threads),
        2 => scaled::<2>(scan, threads),
        3 => scaled::<3>(scan, threads),
        4 => scaled::<4>(scan, threads),
        5 => scaled::<5>(scan, threads),
        6 => scaled::<6>(scan, threads),
        7 => scaled::<7>(scan, threads),
        8 => scaled::<8>(scan, threads),
        _ => None,
    }
}

/// With blocks of `N` x `N` pixels.
fn scaled<const N: usize>(scan: &Scan<'_>, threads: usize) -> Option<Planar> {
    let first = &scan.components[0];
    let subsampling = (first.across as u32, first.down as u32);
    let side = |side: u32| (side * N as u32).div_ceil(8);
    let size = Size::new(side(scan.size.width), side(scan.size.height));
    let chroma = Size::new(size.width.div_ceil(subsampling.0), size.height.div_ceil(subsampling.1));
    let mut planes = Vec::with_capacity(3);
    for size in [size, chroma, chroma] {
        let samples = native::buffer::zeroed(usize::try_from(size.area()).ok()?).ok()?;
        planes.push(Plane { size, samples });
    }
    let mut planes: [Plane; 3] = planes.try_into().ok()?;
    match threads {
        1 => alone::<N>(scan, &mut planes)?,
        _ => parallel::decode::<N>(scan, &mut planes, threads)?,
    }
    Some(Planar { size, subsampling, planes })
}

/// By one thread, which draws as it reads.
fn alone<const N: usize>(scan: &Scan<'_>, planes: &mut [Plane; 3]) -> Option<()> {
    let (across, down) = scan.units();
    let places = const { places::<N>() };
    let mut lines: Vec<Line<N>> = lines(scan, across);
    let mut reader = Reader::new(scan);
    for row in 0..down {
        for _ in 0..across {
            reader.start_unit()?;
            for line in &mut lines {
                let number = line.component;
                for _ in 0..scan.components[number].across {
                    let put = |place, value| line.put(place, value);
                    reader.block(&scan.components[number], number, &places, put)?;
                    line.next_block();
                }
            }
        }
        // Where the data has ended, zeros would be read up to the end of the image.
        if !reader.bits.is_true() {
            return None;
        }
        for line in &mut lines {
            let component = &scan.components[line.component];
            let plane = &mut planes[line.component];
            let (width, top) = (plane.size.width as usize, (row * component.down + line.y) * N);
            line.end(plane.samples.get_mut(top * width..).unwrap_or_default(), width, 0);
        }
    }
    reader.bits.ends_with_the_image().then_some(())
}

/// Reads the planes by one thread and by so many, at so many eighths of the size.
///
/// # Panics
/// When they do not come to the same.
pub(crate) fn check_threads(jpeg: &[u8], eighths: u32, threads: usize) {
    let file = File::read(jpeg);
    let Some(scan) = file.as_ref().and_then(File::scan) else { return };
    let (alone, together) = (planar(&scan, eighths, 1), planar(&scan, eighths, threads));
    assert!(alone == together, "{threads} threads, {eighths} eighths");
}

/// Room for whatever a byte can number.
const PLACES: usize = 256;

/// Where among [`PLACES`] each coefficient goes, by its place in the file. Those that blocks of
/// `N` x `N` pixels need lie first, in natural order; the rest is thrown together.
const fn places<const N: usize>() -> [u8; PLACES] {
    let mut places = [(N * N) as u8; PLACES];
    let mut at = 0;
    while at < 64 {
        let (u, v) = (ZIGZAG[at] as usize % 8, ZIGZAG[at] as usize / 8);
        if u < N && v < N {
            places[at] = (N * v + u) as u8;
        }
        at += 1;
    }
    places
}

#[cfg(test)]
mod tests;

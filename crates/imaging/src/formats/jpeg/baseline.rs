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
mod markers;

use bits::Bits;
use cosine::{LANES, Transform};
use huffman::{END, Pairs, Table};
use markers::{Component, File, Scan};

use crate::Size;
use crate::image::{Planar, Plane};
use crate::kernels::wide::wide;

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
    match eighths {
        1 => scaled::<1>(&scan),
        2 => scaled::<2>(&scan),
        3 => scaled::<3>(&scan),
        4 => scaled::<4>(&scan),
        5 => scaled::<5>(&scan),
        6 => scaled::<6>(&scan),
        7 => scaled::<7>(&scan),
        8 => scaled::<8>(&scan),
        _ => None,
    }
}

/// With blocks of `N` x `N` pixels.
fn scaled<const N: usize>(scan: &Scan<'_>) -> Option<Planar> {
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
    decode::<N>(scan, &mut planes)?;
    Some(Planar { size, subsampling, planes })
}

fn decode<const N: usize>(scan: &Scan<'_>, planes: &mut [Plane; 3]) -> Option<()> {
    let (across, down) = scan.units();
    let places = places::<N>();
    let mut lines: Vec<Line<N>> = lines(scan, across);
    let mut bits = Bits::new(scan.data);
    let mut predictions = [0; 3];
    let (mut until_restart, mut restarts) = (scan.restart_interval, 0_u8);
    for row in 0..down {
        for _ in 0..across {
            if scan.restart_interval > 0 && until_restart == 0 {
                bits = bits.restarted(restarts)?;
                restarts = restarts.wrapping_add(1);
                predictions = [0; 3];
                until_restart = scan.restart_interval;
            }
            until_restart = until_restart.wrapping_sub(1);
            for line in &mut lines {
                let component = &scan.components[line.component];
                let prediction = &mut predictions[line.component];
                for _ in 0..component.across {
                    read_block(&mut bits, component, prediction, &places, line)?;
                    line.next_block();
                }
            }
        }
        // Where the data has ended, zeros would be read up to the end of the image.
        if !bits.is_true() {
            return None;
        }
        for line in &mut lines {
            line.draw();
            let component = &scan.components[line.component];
            let plane = &mut planes[line.component];
            let (width, top) = (plane.size.width as usize, (row * component.down + line.y) * N);
            let rows = plane.samples.chunks_exact_mut(width).skip(top);
            for (to, from) in rows.zip(line.samples.chunks_exact(line.stride)) {
                to.copy_from_slice(&from[..width]);
            }
            line.left = 0;
        }
    }
    bits.ends_with_the_image().then_some(())
}

/// So many looks need no filling up in between.
const LOOKS: u32 = bits::FILLED / AC_BITS;

/// Room for whatever a byte can number.
const PLACES: usize = 256;

/// A row of blocks of a component: those that wait to be drawn together, and those that are.
struct Line<const N: usize> {
    component: usize,
    /// Which of the component's rows in a row of units.
    y: usize,
    transform: Transform<N>,
    /// The coefficients of the blocks that wait, and after them what is not needed.
    blocks: Box<[[i16; LANES]; PLACES]>,
    waiting: usize,
    /// Where they will be drawn.
    left: usize,
    samples: Vec<u8>,
    stride: usize,
}

/// The lines of a row of units, in the order in which their blocks come (A.2.3).
fn lines<const N: usize>(scan: &Scan<'_>, across: usize) -> Vec<Line<N>> {
    let mut lines = Vec::new();
    for (component, found) in scan.components.iter().enumerate() {
        let stride = across * found.across * N;
        lines.extend((0..found.down).map(|y| Line {
            component,
            y,
            transform: Transform::new(found.quant),
            blocks: Box::new([[0; LANES]; PLACES]),
            waiting: 0,
            left: 0,
            samples: vec![0; stride * N],
            stride,
        }));
    }
    lines
}

impl<const N: usize> Line<N> {
    #[inline(always)]
    fn next_block(&mut self) {
        self.waiting += 1;
        if self.waiting == LANES {
            self.draw();
        }
    }

    /// Draws the blocks that wait.
    fn draw(&mut self) {
        let width = self.waiting * N;
        if width == 0 {
            return;
        }
        let blocks = &mut self.blocks[..N * N];
        let to = &mut self.samples[self.left..];
        wide(
            #[inline(always)]
            || cosine::draw(blocks, &self.transform, to, (self.stride, width)),
        );
        blocks.fill([0; LANES]);
        self.left += width;
        self.waiting = 0;
    }
}

/// Where in [`Line::blocks`] each coefficient goes, by its place in the file. Those that blocks of
/// `N` x `N` pixels need lie first, in natural order; the rest is thrown together.
fn places<const N: usize>() -> [u8; PLACES] {
    let mut places = [(N * N) as u8; PLACES];
    for (place, natural) in places.iter_mut().zip(ZIGZAG) {
        let (u, v) = (usize::from(natural) % 8, usize::from(natural) / 8);
        if u < N && v < N {
            *place = (N * v + u) as u8;
        }
    }
    places
}

/// Reads the next block of a line.
#[inline(always)]
fn read_block<const N: usize>(
    bits: &mut Bits<'_>,
    component: &Component<'_>,
    prediction: &mut i32,
    places: &[u8; PLACES],
    line: &mut Line<N>,
) -> Option<()> {
    let lane = line.waiting % LANES;
    bits.fill();
    *prediction = prediction.wrapping_add(i32::from(component.dc.read(bits)?));
    line.blocks[0][lane] = *prediction as i16;
    // The number of the next coefficient: no sum below is over 255.
    let mut at = 1_u8;
    while at < 64 {
        bits.fill();
        for _ in 0..LOOKS {
            let mut pair = component.ac.look(bits.next());
            let is_long = pair.first_bits == 0;
            if is_long {
                bits.fill();
                pair = component.ac.look_long(bits.next());
                if pair.first_bits == 0 {
                    return None;
                }
            }
            at += pair.advances[0];
            line.blocks[usize::from(places[usize::from(at - 1)])][lane] = pair.values[0];
            if at >= 64 || is_long {
                // What follows belongs to the next block, or is not there yet.
                bits.skip(u32::from(pair.first_bits));
                break;
            }
            at += pair.advances[1];
            line.blocks[usize::from(places[usize::from(at - 1)])][lane] = pair.values[1];
            bits.skip(u32::from(pair.bits));
            if at >= 64 {
                break;
            }
        }
    }
    // Full, or at an end: not past the last in between.
    (at == 64 || at > END).then_some(())
}

#[cfg(test)]
mod tests;

//! Rows of blocks on their way to planes.

use std::ops::Range;

use super::PLACES;
use super::cosine::{self, LANES, Transform};
use super::markers::Scan;
use crate::kernels::wide::wide;

/// A row of blocks of a component: those that wait to be drawn together, and those that are.
pub(super) struct Line<const N: usize> {
    pub(super) component: usize,
    /// Which of the component's rows in a row of units.
    pub(super) y: usize,
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
pub(super) fn lines<const N: usize>(scan: &Scan<'_>, across: usize) -> Vec<Line<N>> {
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
    /// Sets a coefficient of the next block.
    #[inline(always)]
    pub(super) fn put(&mut self, place: u8, value: i16) {
        self.blocks[usize::from(place)][self.waiting % LANES] = value;
    }

    #[inline(always)]
    pub(super) fn next_block(&mut self) {
        self.waiting += 1;
        if self.waiting == LANES {
            self.draw();
        }
    }

    /// Draws the blocks that wait.
    fn draw(&mut self) {
        let width = self.waiting * N;
        if width > 0 {
            let blocks = &mut self.blocks[..N * N];
            let to = &mut self.samples[self.left..];
            draw(blocks, 0, &self.transform, to, (self.stride, width));
            blocks.fill([0; LANES]);
            self.left += width;
            self.waiting = 0;
        }
    }

    /// Draws some of these blocks behind what is drawn, with so much more DC.
    pub(super) fn draw_some(&mut self, blocks: &Blocks<N>, some: Range<usize>, missing: i16) {
        let mut at = some.start;
        while at < some.end {
            let lane = at % LANES;
            let group = &blocks.groups[at / LANES * N * N..][..N * N];
            let count = (LANES - lane).min(some.end - at);
            let to = &mut self.samples[self.left..];
            let width = count * N;
            if lane == 0 {
                draw(group, missing, &self.transform, to, (self.stride, width));
            } else {
                let moved = &mut self.blocks[..N * N];
                for (to, from) in moved.iter_mut().zip(group) {
                    to[..LANES - lane].copy_from_slice(&from[lane..]);
                }
                draw(moved, missing, &self.transform, to, (self.stride, width));
                moved.fill([0; LANES]);
            }
            self.left += width;
            at += count;
        }
    }

    /// Ends the line: all that came since the last end goes to these rows of `width` samples, `x`
    /// samples from their left, as far as they reach.
    pub(super) fn end(&mut self, rows: &mut [u8], width: usize, x: usize) {
        self.draw();
        for (to, from) in rows.chunks_exact_mut(width).zip(self.samples.chunks_exact(self.stride)) {
            let to = &mut to[x..];
            let len = to.len().min(self.left);
            to[..len].copy_from_slice(&from[..len]);
        }
        self.left = 0;
    }
}

/// The blocks of a line, all of them read before one is drawn.
#[derive(Default)]
pub(super) struct Blocks<const N: usize> {
    /// The coefficients of [`LANES`] blocks, then those of the next, then [`PLACES`] more.
    groups: Vec<[i16; LANES]>,
    count: usize,
}

impl<const N: usize> Blocks<N> {
    /// Makes room for so many blocks, fewer than [`LANES`].
    #[inline(always)]
    pub(super) fn reserve(&mut self, count: usize) {
        let len = ((self.count + count) / LANES + 1) * N * N + PLACES;
        if self.groups.len() < len {
            self.groups.resize(len, [0; LANES]);
        }
    }

    /// The coefficients of the next block that there is room for, all 0, and its lane among them.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<(&mut [[i16; LANES]; PLACES], usize)> {
        let (group, lane) = (self.count / LANES * N * N, self.count % LANES);
        self.count += 1;
        Some((self.groups.get_mut(group..)?.first_chunk_mut()?, lane))
    }

    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.count = 0;
    }
}

fn draw<const N: usize>(
    blocks: &[[i16; LANES]],
    missing: i16,
    transform: &Transform<N>,
    to: &mut [u8],
    sides: (usize, usize),
) {
    wide(
        #[inline(always)]
        || cosine::draw((blocks, missing), transform, to, sides),
    );
}

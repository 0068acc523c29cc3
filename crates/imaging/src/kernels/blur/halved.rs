//! Halved, blurred by what is left, and doubled.
//!
//! The image is halved and doubled with the binomial weights 1 4 6 4 1, each of which is nearly a
//! Gaussian of variance 1 and lets nothing through that repeats every two pixels; the blur of the
//! half image is the rest. That of pyramids: P. Burt and E. Adelson, "The Laplacian Pyramid as a
//! Compact Image Code", IEEE Transactions on Communications 31 (1983).

use super::ends::Ends;
use super::{BLOCK, Kernel, Ring, Way};
use crate::stage::Sample;

pub(super) struct Halved<'a, S> {
    kernel: Kernel,
    ends: Ends<'a, S>,
}

/// How many samples the rows of a strip have. Pixels at even places have a counterpart in the half
/// image; strips begin at one.
struct Widths {
    /// The row read: as far around the strip as the blur reaches.
    line: usize,
    /// Half of it.
    half: usize,
    /// Blurred: half the strip, and a pixel more on each side.
    blurred: usize,
    /// The strip, and up to a pixel more.
    doubled: usize,
}

impl<'a, S: Sample> Halved<'a, S> {
    pub(super) fn new(sigma: f32, ends: Ends<'a, S>) -> Self {
        // Halving and doubling have a variance of one each; a pixel of the half image is two wide.
        Self { kernel: Kernel::new((sigma * sigma - 2.0).sqrt() / 2.0), ends }
    }

    /// The pixels around a strip that count: the kernel's, one for doubling, one for halving, each
    /// twice as wide here as in the half image.
    fn margin(&self) -> usize {
        2 * (self.kernel.reach() + 2)
    }

    fn widths(&self, strip: usize) -> Widths {
        let count = self.ends.channels();
        let pairs = (strip / count).div_ceil(2);
        Widths {
            line: (2 * pairs + 2 * self.margin()) * count,
            half: (pairs + self.margin()) * count,
            blurred: ((pairs + 2) * count).next_multiple_of(BLOCK),
            doubled: 2 * pairs * count,
        }
    }
}

impl<S: Sample> Way<S> for Halved<'_, S> {
    const STRIP: usize = 16 * BLOCK;

    #[inline(always)]
    fn strip(&self, left: usize, mut rows: Vec<&mut [S]>) {
        let (count, reach) = (self.ends.channels(), self.kernel.reach() as isize);
        let widths = self.widths(rows.first().map_or(0, |row| row.len()));
        let left = left as isize - (self.margin() * count) as isize;
        // Each feeds the next; rows are counted as in the half image, from above its first.
        let mut halving = Halving::new(&widths, left, &self.kernel, count);
        let mut along = Ring::new(2 * self.kernel.reach() + 1, widths.blurred);
        let mut doubled = Ring::new(3, widths.doubled);
        let mut sums = vec![0.0; widths.blurred.max(widths.doubled)];
        let (mut next_along, mut next_doubled) = (-reach - 1, -1);
        for (pair, outs) in (0..).zip(rows.chunks_mut(2)) {
            while next_doubled <= pair + 1 {
                while next_along <= next_doubled + reach {
                    let half = halving.row(next_along, &self.ends);
                    self.kernel.along(half, count, along.next(next_along));
                    next_along += 1;
                }
                let around = along.around(next_doubled, self.kernel.reach());
                self.kernel.down(&around, &mut sums[..widths.blurred]);
                double(&sums, count, doubled.next(next_doubled));
                next_doubled += 1;
            }
            let [above, here, below] = [-1, 0, 1].map(|step| doubled.row(pair + step));
            let sums = &mut sums[..widths.doubled];
            for (out, odd) in outs.iter_mut().zip([false, true]) {
                match odd {
                    false => on_a_row(above, here, below, sums),
                    true => between_rows(here, below, sums),
                }
                self.ends.write(sums, out);
            }
        }
    }
}

/// Half rows in the making.
struct Halving {
    count: usize,
    /// Where rows begin.
    left: isize,
    lines: Ring,
    next_line: isize,
    /// Rows summed downwards, then taken apart into pixels at even and at odd places.
    summed: Vec<f32>,
    even: Vec<f32>,
    odd: Vec<f32>,
    half: Vec<f32>,
}

impl Halving {
    fn new(widths: &Widths, left: isize, kernel: &Kernel, count: usize) -> Self {
        let reach = kernel.reach();
        Self {
            count,
            left,
            lines: Ring::new(5, widths.line),
            next_line: -2 * (reach as isize + 1) - 2,
            summed: vec![0.0; widths.line],
            even: vec![0.0; widths.half],
            odd: vec![0.0; widths.half],
            half: vec![0.0; widths.half.max(widths.blurred + 2 * reach * count)],
        }
    }

    /// The half row that lies on every second row of the image, without the first and the last
    /// pixel, which lack a neighbor. Asked for from above the first on, one after the other.
    #[inline(always)]
    fn row<S: Sample>(&mut self, row: isize, ends: &Ends<'_, S>) -> &[f32] {
        while self.next_line <= 2 * row + 2 {
            ends.read(self.next_line, self.left, self.lines.next(self.next_line));
            self.next_line += 1;
        }
        let rows = self.lines.around(2 * row, 2);
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|row: usize| &rows[row][..self.summed.len()]);
        for (i, sum) in self.summed.iter_mut().enumerate() {
            *sum = (a[i] + e[i] + 4.0 * (b[i] + d[i]) + 6.0 * c[i]) * (1.0 / 256.0);
        }
        match self.count {
            1 => part::<1>(&self.summed, &mut self.even, &mut self.odd),
            2 => part::<2>(&self.summed, &mut self.even, &mut self.odd),
            3 => part::<3>(&self.summed, &mut self.even, &mut self.odd),
            _ => part::<4>(&self.summed, &mut self.even, &mut self.odd),
        }
        let (count, len) = (self.count, self.even.len() - 2 * self.count);
        let even = [0, 1, 2].map(|pixel| &self.even[pixel * count..][..len]);
        let odd = [0, 1].map(|pixel| &self.odd[pixel * count..][..len]);
        for (i, half) in self.half[..len].iter_mut().enumerate() {
            let outer = even[0][i] + even[2][i];
            *half = outer + 4.0 * (odd[0][i] + odd[1][i]) + 6.0 * even[1][i];
        }
        &self.half
    }
}

/// Takes a row apart: pixels of `N` samples at even places, and at odd ones.
#[inline(always)]
fn part<const N: usize>(row: &[f32], even: &mut [f32], odd: &mut [f32]) {
    let places = even.as_chunks_mut::<N>().0.iter_mut().zip(odd.as_chunks_mut::<N>().0);
    for ([first, second], (even, odd)) in row.as_chunks::<N>().0.as_chunks().0.iter().zip(places) {
        (*even, *odd) = (*first, *second);
    }
}

/// Doubles a row along itself: `half` begins one pixel before it.
#[inline(always)]
fn double(half: &[f32], count: usize, row: &mut [f32]) {
    match count {
        1 => double_of::<1>(half, row),
        2 => double_of::<2>(half, row),
        3 => double_of::<3>(half, row),
        _ => double_of::<4>(half, row),
    }
}

#[inline(always)]
fn double_of<const N: usize>(half: &[f32], row: &mut [f32]) {
    let pairs = row.as_chunks_mut::<N>().0.as_chunks_mut::<2>().0;
    for ([even, odd], [a, b, c]) in pairs.iter_mut().zip(half.as_chunks::<N>().0.array_windows()) {
        for i in 0..N {
            even[i] = (a[i] + c[i] + 6.0 * b[i]) * 0.125;
            odd[i] = (b[i] + c[i]) * 0.5;
        }
    }
}

/// A row that lies on one of the half image, from those above, there and below.
#[inline(always)]
fn on_a_row(above: &[f32], here: &[f32], below: &[f32], row: &mut [f32]) {
    for (((sum, above), here), below) in row.iter_mut().zip(above).zip(here).zip(below) {
        *sum = (above + below + 6.0 * here) * 0.125;
    }
}

#[inline(always)]
fn between_rows(here: &[f32], below: &[f32], row: &mut [f32]) {
    for ((sum, here), below) in row.iter_mut().zip(here).zip(below) {
        *sum = (here + below) * 0.5;
    }
}

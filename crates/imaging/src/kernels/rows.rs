//! Rows of an image, shared out over the threads that this process was given.

use rayon::prelude::*;

use crate::image::{Channels, Packed};
use crate::stage::Sample;

/// Fewer samples than this are done sooner by one thread than they are shared out.
const SHARED_MIN: usize = 1 << 17;
/// So many pieces a thread: one that meets more work than others, or is held up, does not make them
/// wait for long.
const PIECES_A_THREAD: usize = 16;
/// Fewer where every piece takes some work to begin.
const BANDS_A_THREAD: usize = 4;

/// Calls `work` for every row with its number, from the top; the last one may be shorter. Rows are
/// independent: the result is the same however many threads there are.
pub fn each<S: Send>(samples: &mut [S], stride: usize, work: impl Fn(usize, &mut [S]) + Sync) {
    shared(samples, stride, PIECES_A_THREAD, |first, band| {
        for (at, row) in band.chunks_mut(stride).enumerate() {
            work(first + at, row);
        }
    });
}

/// Calls `work` for bands of whole rows, with the number of their first row: for work that keeps
/// something from one row to the next.
pub fn bands<S: Send>(samples: &mut [S], stride: usize, work: impl Fn(usize, &mut [S]) + Sync) {
    shared(samples, stride, BANDS_A_THREAD, work);
}

fn shared<S: Send>(
    samples: &mut [S],
    stride: usize,
    pieces: usize,
    work: impl Fn(usize, &mut [S]) + Sync,
) {
    if stride == 0 || samples.is_empty() {
        return;
    }
    let threads = rayon::current_num_threads();
    if threads == 1 || samples.len() < SHARED_MIN {
        return work(0, samples);
    }
    let rows = samples.len().div_ceil(stride);
    let band = rows.div_ceil(threads * pieces).max(1);
    samples
        .par_chunks_mut(band * stride)
        .enumerate()
        .for_each(|(index, samples)| work(index * band, samples));
}

/// Does both, at once where there is a second thread.
pub fn both<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if rayon::current_num_threads() == 1 { (first(), second()) } else { rayon::join(first, second) }
}

/// Calls `work` for every pixel with its place (across, down): for its colors, alpha left out.
pub fn colors<S: Sample>(packed: &mut Packed<S>, work: impl Fn((usize, usize), &mut [S]) + Sync) {
    match packed.channels() {
        Channels::Gray => colors_of::<S, 1, 1>(packed, work),
        Channels::GrayAlpha => colors_of::<S, 2, 1>(packed, work),
        Channels::Rgb => colors_of::<S, 3, 3>(packed, work),
        Channels::Rgba => colors_of::<S, 4, 3>(packed, work),
    }
}

/// With numbers that the compiler knows.
fn colors_of<S: Sample, const COUNT: usize, const COLORS: usize>(
    packed: &mut Packed<S>,
    work: impl Fn((usize, usize), &mut [S]) + Sync,
) {
    let stride = packed.stride();
    each(packed.samples_mut(), stride, |y, row| {
        for (x, pixel) in row.as_chunks_mut::<COUNT>().0.iter_mut().enumerate() {
            work((x, y), &mut pixel[..COLORS]);
        }
    });
}

/// Calls `work` for strips from top to bottom, with the number of their first sample in a row: for
/// work that needs the rows above and below. `width` samples a strip, the last one may be narrower.
pub fn strips<S: Send>(
    samples: &mut [S],
    stride: usize,
    width: usize,
    work: impl Fn(usize, Vec<&mut [S]>) + Sync,
) {
    if stride == 0 || samples.is_empty() {
        return;
    }
    let shared = samples.len() >= SHARED_MIN && rayon::current_num_threads() > 1;
    let mut strips: Vec<Vec<&mut [S]>> = Vec::new();
    strips.resize_with(stride.div_ceil(width), Vec::new);
    for row in samples.chunks_exact_mut(stride) {
        for (strip, part) in strips.iter_mut().zip(row.chunks_mut(width)) {
            strip.push(part);
        }
    }
    let work = |(index, strip)| work(index * width, strip);
    match shared {
        true => strips.into_par_iter().enumerate().for_each(work),
        false => strips.into_iter().enumerate().for_each(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_met_once_with_its_number() {
        let (stride, rows) = (700, 301);
        let mut samples = vec![0usize; stride * rows];
        each(&mut samples, stride, |y, row| row.iter_mut().for_each(|sample| *sample += y + 1));
        for (y, row) in samples.chunks_exact(stride).enumerate() {
            assert!(row.iter().all(|sample| *sample == y + 1), "row {y}");
        }
    }

    #[test]
    fn strips_cover_every_sample_once() {
        let (stride, rows) = (701, 301);
        let mut samples = vec![0usize; stride * rows];
        strips(&mut samples, stride, 64, |left, strip| {
            assert_eq!(strip.len(), rows);
            for (y, row) in strip.into_iter().enumerate() {
                row.iter_mut().enumerate().for_each(|(x, sample)| *sample += y * stride + left + x);
            }
        });
        assert!(samples.iter().enumerate().all(|(index, sample)| *sample == index));
    }

    #[test]
    fn nothing_is_no_rows() {
        each(&mut [0u8; 0], 0, |_, _| panic!("a row of nothing"));
        strips(&mut [0u8; 0], 0, 1, |_, _| panic!("a strip of nothing"));
    }
}

//! Rows of an image, shared out over the threads that this process was given.

use rayon::prelude::*;

/// Fewer samples than this are done sooner by one thread than they are shared out.
const SHARED_MIN: usize = 1 << 17;
/// So many bands a thread: one that meets more work than others does not hold them up.
const BANDS_A_THREAD: usize = 4;

/// Calls `work` for every row with its number, from the top. Rows are independent: the result is
/// the same however many threads there are.
pub fn each<S: Send>(samples: &mut [S], stride: usize, work: impl Fn(usize, &mut [S]) + Sync) {
    bands(samples, stride, |first, band| {
        for (at, row) in band.chunks_exact_mut(stride).enumerate() {
            work(first + at, row);
        }
    });
}

/// Calls `work` for bands of whole rows, with the number of their first row: for work that keeps
/// something from one row to the next.
pub fn bands<S: Send>(samples: &mut [S], stride: usize, work: impl Fn(usize, &mut [S]) + Sync) {
    if stride == 0 || samples.is_empty() {
        return;
    }
    let threads = rayon::current_num_threads();
    if threads == 1 || samples.len() < SHARED_MIN {
        return work(0, samples);
    }
    let rows = samples.len() / stride;
    let band = rows.div_ceil(threads * BANDS_A_THREAD).max(1);
    samples
        .par_chunks_mut(band * stride)
        .enumerate()
        .for_each(|(index, samples)| work(index * band, samples));
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
    fn nothing_is_no_rows() {
        each(&mut [0u8; 0], 0, |_, _| panic!("a row of nothing"));
    }
}

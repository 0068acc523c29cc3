//! Where samples become floats, and floats samples again.

use crate::image::Packed;
use crate::stage::Sample;

/// An image whose rows are read as floats, colors times alpha, and written back.
pub(super) struct Ends<'a, S> {
    packed: &'a Packed<S>,
    premultiplies: bool,
}

impl<'a, S: Sample> Ends<'a, S> {
    pub(super) fn new(packed: &'a Packed<S>) -> Self {
        Self { packed, premultiplies: !packed.is_opaque() }
    }

    pub(super) fn channels(&self) -> usize {
        self.packed.channels().count()
    }

    /// The samples of a row from `left` on, which may lie outside the image on both sides: its
    /// first and its last pixel stand for those around it, as do the first and the last row.
    #[inline(always)]
    pub(super) fn read(&self, y: isize, left: isize, line: &mut [f32]) {
        let (count, stride) = (self.channels(), self.packed.stride());
        let last = self.packed.size().height as isize - 1;
        let row = &self.packed.samples()[y.clamp(0, last) as usize * stride..][..stride];
        let before = left.min(0).unsigned_abs();
        let row = &row[left.max(0) as usize..];
        let inside = row.len().min(line.len() - before);
        let samples = &mut line[before..][..inside];
        for (to, from) in samples.iter_mut().zip(row) {
            *to = from.to_f32();
        }
        if self.premultiplies {
            for pixel in samples.chunks_exact_mut(count) {
                let alpha = pixel[count - 1] * (1.0 / S::MAX);
                pixel[..count - 1].iter_mut().for_each(|sample| *sample *= alpha);
            }
        }
        for at in (0..before).rev() {
            line[at] = line[at + count];
        }
        for at in before + inside..line.len() {
            line[at] = line[at - count];
        }
    }

    /// A row of the result.
    #[inline(always)]
    pub(super) fn write(&self, sums: &[f32], row: &mut [S]) {
        if !self.premultiplies {
            for (to, sum) in row.iter_mut().zip(sums) {
                *to = S::from_f32(*sum);
            }
            return;
        }
        let count = self.channels();
        for (pixel, sums) in row.chunks_exact_mut(count).zip(sums.chunks_exact(count)) {
            let alpha = sums[count - 1];
            let scale = if alpha > 0.0 { S::MAX / alpha } else { 0.0 };
            for (sample, sum) in pixel.iter_mut().zip(sums) {
                *sample = S::from_f32((sum * scale).min(S::MAX));
            }
            pixel[count - 1] = S::from_f32(alpha);
        }
    }
}

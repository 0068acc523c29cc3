//! The whole kernel on every pixel.

use super::ends::Ends;
use super::{BLOCK, Kernel, Ring, Way};
use crate::stage::Sample;

/// Whole blocks.
const STRIP: usize = 8 * BLOCK;

pub(super) struct Whole<'a, S> {
    pub(super) kernel: Kernel,
    pub(super) ends: Ends<'a, S>,
}

impl<S: Sample> Way<S> for Whole<'_, S> {
    const STRIP: usize = STRIP;

    #[inline(always)]
    fn strip(&self, left: usize, mut rows: Vec<&mut [S]>) {
        let (reach, count) = (self.kernel.reach(), self.ends.channels());
        let mut line = vec![0.0; STRIP + 2 * reach * count];
        let mut blurred = Ring::new(2 * reach + 1, STRIP);
        let mut sums = [0.0; STRIP];
        let mut next = -(reach as isize);
        for (y, out) in (0..).zip(&mut rows) {
            while next <= y + reach as isize {
                self.ends.read(next, left as isize - (reach * count) as isize, &mut line);
                self.kernel.along(&line, count, blurred.next(next));
                next += 1;
            }
            self.kernel.down(&blurred.around(y, reach), &mut sums);
            self.ends.write(&sums, out);
        }
    }
}

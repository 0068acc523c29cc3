//! Chroma planes at another subsampling.

use std::borrow::Cow;

use crate::image::{Planar, Plane, Size};

/// The two chroma planes at the given subsampling (luma samples a chroma sample, across and down;
/// powers of two). Means when there are fewer samples than before, repeats when there are more.
pub(super) fn at_subsampling(planar: &Planar, subsampling: (u32, u32)) -> [Cow<'_, Plane>; 2] {
    let [_, blue, red] = &planar.planes;
    if planar.subsampling == subsampling {
        return [Cow::Borrowed(blue), Cow::Borrowed(red)];
    }
    let size = Size::new(
        planar.size.width.div_ceil(subsampling.0),
        planar.size.height.div_ceil(subsampling.1),
    );
    let across = Ratio::new(planar.subsampling.0, subsampling.0);
    let down = Ratio::new(planar.subsampling.1, subsampling.1);
    [blue, red].map(|plane| Cow::Owned(resampled(plane, size, across, down)))
}

/// How many samples become one, or one becomes how many.
#[derive(Clone, Copy)]
struct Ratio {
    from: usize,
    to: usize,
}

impl Ratio {
    fn new(before: u32, after: u32) -> Self {
        let (before, after) = (before.max(1), after.max(1));
        let (from, to) = ((after / before).max(1), (before / after).max(1));
        Self { from: from as usize, to: to as usize }
    }

    /// The samples that the one at `index` is made of.
    fn sources(self, index: usize, len: usize) -> std::ops::Range<usize> {
        let start = (index * self.from / self.to).min(len - 1);
        start..(start + self.from).min(len)
    }
}

fn resampled(plane: &Plane, size: Size, across: Ratio, down: Ratio) -> Plane {
    let (width, height) = (plane.size.width as usize, plane.size.height as usize);
    let mut samples = Vec::with_capacity(size.area() as usize);
    for y in 0..size.height as usize {
        let rows = down.sources(y, height);
        for x in 0..size.width as usize {
            let columns = across.sources(x, width);
            let count = (rows.len() * columns.len()) as u32;
            let sum: u32 = rows
                .clone()
                .flat_map(|row| &plane.samples[row * width..][columns.clone()])
                .map(|sample| u32::from(*sample))
                .sum();
            samples.push(((sum + count / 2) / count) as u8);
        }
    }
    Plane { size, samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planar(subsampling: (u32, u32), chroma: Size, samples: Vec<u8>) -> Planar {
        let size = Size::new(4, 3);
        let luma = Plane { size, samples: vec![0; 12] };
        let chroma = Plane { size: chroma, samples };
        Planar { size, subsampling, planes: [luma, chroma.clone(), chroma] }
    }

    #[test]
    fn fewer_samples_are_means() {
        let full = planar((1, 1), Size::new(4, 3), vec![0, 2, 4, 8, 2, 4, 8, 12, 10, 20, 30, 40]);
        let [blue, red] = at_subsampling(&full, (2, 2));
        assert_eq!(blue.samples, [2, 8, 15, 35]);
        assert_eq!(blue, red);
    }

    #[test]
    fn more_samples_are_repeats() {
        let half = planar((2, 2), Size::new(2, 2), vec![1, 2, 3, 4]);
        let [blue, _] = at_subsampling(&half, (1, 1));
        assert_eq!(blue.samples, [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn fewer_across_and_more_down_go_together() {
        let tall = planar((1, 2), Size::new(4, 2), vec![0, 2, 4, 6, 10, 10, 20, 20]);
        let [blue, _] = at_subsampling(&tall, (2, 1));
        assert_eq!(blue.samples, [1, 5, 1, 5, 10, 20]);
    }
}

//! What changes from one picture of an animation to the next.

use std::ops::Range;

use crate::image::Size;
use crate::stage::Rect;

/// A pixel of RGBA.
type Rgba = [u8; 4];

/// The smallest rectangle that holds all pixels in which two pictures differ.
pub(super) fn bounds(
    size: Size,
    before: &[Rgba],
    after: &[Rgba],
    differs: impl Fn(&Rgba, &Rgba) -> bool,
) -> Option<Rect> {
    let width = size.width as usize;
    let (mut left, mut right) = (width, 0);
    let (mut top, mut bottom) = (None, 0);
    for (y, (before, after)) in before.chunks(width).zip(after.chunks(width)).enumerate() {
        if before == after {
            continue;
        }
        let changed = |x: &usize| differs(&before[*x], &after[*x]);
        let Some(first) = (0..width).find(changed) else { continue };
        let last = (first..width).rev().find(changed).unwrap_or(first);
        left = left.min(first);
        right = right.max(last + 1);
        top.get_or_insert(y);
        bottom = y + 1;
    }
    let top = top?;
    let size = Size::new((right - left) as u32, (bottom - top) as u32);
    Some(Rect { x: left as u32, y: top as u32, size })
}

/// Where the rows of a rectangle lie in a picture of this size.
pub(super) fn rows(size: Size, rect: Rect) -> impl Iterator<Item = Range<usize>> {
    let (width, x, y) = (size.width as usize, rect.x as usize, rect.y as usize);
    (y..y + rect.size.height as usize).map(move |y| {
        let start = y * width + x;
        start..start + rect.size.width as usize
    })
}

/// The pixels of a rectangle in two pictures, side by side.
pub(super) fn pairs<'a>(
    size: Size,
    rect: Rect,
    before: &'a [Rgba],
    after: &'a [Rgba],
) -> impl Iterator<Item = (&'a Rgba, &'a Rgba)> {
    rows(size, rect).flat_map(|row| before[row.clone()].iter().zip(&after[row]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rectangle_holds_what_differs_and_no_more() {
        let size = Size::new(9, 7);
        let before = vec![[0; 4]; 63];
        let mut after = before.clone();
        assert_eq!(bounds(size, &before, &after, |a, b| a != b), None);
        for (x, y) in [(2, 5), (7, 1), (4, 3)] {
            after[y * 9 + x] = [1, 2, 3, 4];
        }
        let rect = bounds(size, &before, &after, |a, b| a != b).unwrap();
        assert_eq!((rect.x, rect.y, rect.size), (2, 1, Size::new(6, 5)));
        assert_eq!(pairs(size, rect, &before, &after).filter(|(a, b)| a != b).count(), 3);
        assert_eq!(rows(size, rect).next(), Some(11..17));
    }
}

//! The canvas of an animation: each frame covers a part of it, and says what becomes of that part
//! when its time is over.

use std::ops::Range;

use crate::Result;
use crate::image::{self, Channels, Packed, Size};

/// The part of a canvas that a frame covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Place {
    /// The part of a frame that lies inside of a canvas of this size; what does not is not seen.
    pub(super) fn inside(size: Size, at: (u32, u32), frame: Size) -> Self {
        let len = |start: u32, len: u32, max: u32| len.min(max.saturating_sub(start)) as usize;
        Self {
            left: at.0 as usize,
            top: at.1 as usize,
            width: len(at.0, frame.width, size.width),
            height: len(at.1, frame.height, size.height),
        }
    }

    fn rows(self, stride: usize) -> impl Iterator<Item = Range<usize>> {
        let height = if self.width == 0 { 0 } else { self.height };
        (self.top..self.top + height).map(move |y| {
            let start = y * stride + self.left;
            start..start + self.width
        })
    }
}

/// What becomes of a frame when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposal {
    /// It stays.
    Keep,
    /// Its place becomes transparent.
    Clear,
    /// Its place becomes what it was before.
    Restore,
}

/// A canvas of RGBA.
pub(super) struct Canvas {
    size: Size,
    pixels: Vec<[u8; 4]>,
    /// What is to be done before the next frame.
    next: Option<(Disposal, Place)>,
    /// What the last frame covers, where it is to be restored.
    covered: Vec<[u8; 4]>,
}

impl Canvas {
    /// A transparent one.
    pub(super) fn new(size: Size) -> Result<Self> {
        let pixels = image::zeroed(size.area())?;
        Ok(Self { size, pixels, next: None, covered: Vec::new() })
    }

    /// Its size.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Makes way for a frame.
    pub(super) fn begin(&mut self, place: Place, disposal: Disposal) {
        let stride = self.size.width as usize;
        match self.next.replace((disposal, place)) {
            Some((Disposal::Clear, place)) => {
                for row in place.rows(stride) {
                    self.pixels[row].fill([0; 4]);
                }
            }
            Some((Disposal::Restore, place)) => {
                for (row, saved) in place.rows(stride).zip(self.covered.chunks(place.width.max(1)))
                {
                    self.pixels[row].copy_from_slice(saved);
                }
            }
            Some((Disposal::Keep, _)) | None => {}
        }
        if disposal == Disposal::Restore {
            self.covered.clear();
            self.covered.extend(place.rows(stride).flat_map(|row| &self.pixels[row]));
        }
    }

    /// A row of the frame, counted from its upper edge; none outside of the canvas.
    pub(super) fn row(&mut self, place: Place, y: usize) -> Option<&mut [[u8; 4]]> {
        if y >= place.height || place.width == 0 {
            return None;
        }
        let start = (place.top + y) * self.size.width as usize + place.left;
        let row = start..start + place.width;
        Some(&mut self.pixels[row])
    }

    /// Whether nothing shines through.
    pub(super) fn is_opaque(&self) -> bool {
        self.pixels.iter().all(|pixel| pixel[3] == 255)
    }

    /// A copy as RGBA, or RGB where alpha says nothing.
    pub(super) fn copy(&self, has_alpha: bool) -> Result<Packed<u8>> {
        let size = self.size;
        if has_alpha {
            let mut samples = image::zeroed(size.area() * 4)?;
            samples.copy_from_slice(self.pixels.as_flattened());
            return Ok(Packed::new(size, Channels::Rgba, samples));
        }
        let mut samples: Vec<u8> = image::zeroed(size.area() * 3)?;
        for (rgb, rgba) in samples.as_chunks_mut::<3>().0.iter_mut().zip(&self.pixels) {
            rgb.copy_from_slice(&rgba[..3]);
        }
        Ok(Packed::new(size, Channels::Rgb, samples))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(canvas: &mut Canvas, place: Place, value: u8) {
        for y in 0..place.height {
            canvas.row(place, y).unwrap().fill([value; 4]);
        }
    }

    #[test]
    fn each_disposal_does_what_it_says() {
        let size = Size::new(4, 2);
        let whole = Place::inside(size, (0, 0), size);
        let part = Place::inside(size, (1, 1), Size::new(2, 1));
        for (disposal, expected) in
            [(Disposal::Keep, 2), (Disposal::Clear, 0), (Disposal::Restore, 1)]
        {
            let mut canvas = Canvas::new(size).unwrap();
            canvas.begin(whole, Disposal::Keep);
            fill(&mut canvas, whole, 1);
            canvas.begin(part, disposal);
            fill(&mut canvas, part, 2);
            canvas.begin(Place::inside(size, (0, 0), Size::new(1, 1)), Disposal::Keep);
            let shown: Vec<u8> = canvas.pixels.iter().map(|pixel| pixel[0]).collect();
            assert_eq!(shown, [1, 1, 1, 1, 1, expected, expected, 1]);
        }
    }

    #[test]
    fn what_lies_outside_is_not_seen() {
        let size = Size::new(4, 2);
        let mut canvas = Canvas::new(size).unwrap();
        for (at, frame) in [((9, 9), (5, 5)), ((0, 0), (0, 7)), ((4, 0), (1, 1)), ((3, 1), (9, 9))]
        {
            let place = Place::inside(size, at, Size::new(frame.0, frame.1));
            for disposal in [Disposal::Restore, Disposal::Clear] {
                canvas.begin(place, disposal);
                assert_eq!(canvas.row(place, 0).is_some(), at == (3, 1));
                assert!(canvas.row(place, 1).is_none());
            }
        }
    }
}

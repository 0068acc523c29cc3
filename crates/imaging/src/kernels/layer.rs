//! Pictures that are laid over images: text, marks, shapes.

use crate::color::Color;
use crate::image::{Channels, Packed, Pixels, zeroed};
use crate::kernels::coverage::{Mask, Window};
use crate::stage::Sample;
use crate::{Error, Result};

/// Colors with premultiplied alpha for the pixels of a window, in 16 bits: what 8 bits say of
/// colors that hardly show would band.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Where it lies on the image.
    pub window: Window,
    /// Red, green, blue and alpha.
    pixels: Vec<[u16; 4]>,
    /// Whether it has no color.
    is_gray: bool,
}

impl Layer {
    /// Nothing yet.
    pub fn new(window: Window) -> Result<Self> {
        Ok(Self { window, pixels: zeroed(window.size.area())?, is_gray: true })
    }

    /// A picture whose upper left corner lies there.
    pub fn of_pixels(pixels: Pixels, (x, y): (i32, i32)) -> Result<Self> {
        match pixels {
            Pixels::U8(packed) => Self::of_packed(packed, (x, y)),
            Pixels::U16(packed) => Self::of_packed(packed, (x, y)),
            Pixels::Ycc(_) => Err(Error::internal("planes are not laid over")),
        }
    }

    fn of_packed<S: Sample>(packed: Packed<S>, (x, y): (i32, i32)) -> Result<Self> {
        let is_gray = matches!(packed.channels(), Channels::Gray | Channels::GrayAlpha);
        let mut layer = Self::new(Window { x, y, size: packed.size() })?;
        layer.is_gray = is_gray;
        let packed = packed.with_channels(Channels::Rgba)?;
        for (to, from) in layer.pixels.iter_mut().zip(packed.samples().as_chunks::<4>().0) {
            let alpha = from[3].to_f32() / S::MAX;
            let scale = 65_535.0 / S::MAX * alpha;
            let color = |c: usize| u16::from_f32(from[c].to_f32() * scale);
            *to = [color(0), color(1), color(2), u16::from_f32(alpha * 65_535.0)];
        }
        Ok(layer)
    }

    /// Whether it has no color.
    pub fn is_gray(&self) -> bool {
        self.is_gray
    }

    /// The pixels of a row of the window.
    pub fn row(&self, y: usize) -> &[[u16; 4]] {
        let width = self.window.size.width as usize;
        &self.pixels[y * width..][..width]
    }

    /// What it covers.
    pub fn mask(&self) -> Mask {
        let samples = self.pixels.iter().map(|pixel| ((u32::from(pixel[3]) + 128) / 257) as u8);
        Mask { window: self.window, samples: samples.collect() }
    }

    /// Paints another layer over what is there, as far as it may show (255 is wholly).
    pub fn paint_layer(&mut self, other: &Self, opacity: u8) {
        self.is_gray &= other.is_gray;
        let both = other.window.within(self.window);
        let opacity = u64::from(opacity);
        for y in both.y..both.bottom() {
            let x = |window: Window| (both.x - window.x) as usize;
            let width = self.window.size.width as usize;
            let from = &other.row((y - other.window.y) as usize)[x(other.window)..];
            let to = &mut self.pixels[(y - self.window.y) as usize * width + x(self.window)..];
            for (to, from) in to.iter_mut().zip(from).take(both.size.width as usize) {
                let from = from.map(|sample| (u64::from(sample) * opacity + 127) / 255);
                let through = 65_535 - from[3];
                for (sample, value) in to.iter_mut().zip(from) {
                    let sum = value + (u64::from(*sample) * through + 32_767) / 65_535;
                    *sample = sum.min(65_535) as u16;
                }
            }
        }
    }

    /// Paints a color over what is there, as far as the mask covers it. The mask may lie anywhere.
    pub fn paint(&mut self, mask: &Mask, color: Color) {
        let [r, g, b, alpha] = color.0.map(u32::from);
        self.is_gray &= r == g && g == b;
        self.paint_with(mask, |_, _| [r * 257, g * 257, b * 257, alpha * 257]);
    }

    /// Paints the colors (straight alpha, 16 bits) that a function gives for places of the image.
    pub fn paint_colors(&mut self, mask: &Mask, color: impl Fn(i32, i32) -> [u32; 4]) {
        self.is_gray = false;
        self.paint_with(mask, color);
    }

    fn paint_with(&mut self, mask: &Mask, color: impl Fn(i32, i32) -> [u32; 4]) {
        let both = mask.window.within(self.window);
        let (own, other) = (self.window, mask.window);
        for y in both.y..both.bottom() {
            let at = |window: Window| {
                (y - window.y) as usize * window.size.width as usize + (both.x - window.x) as usize
            };
            let width = both.size.width as usize;
            let covered = &mask.samples[at(other)..][..width];
            let pixels = &mut self.pixels[at(own)..][..width];
            for ((pixel, covered), x) in pixels.iter_mut().zip(covered).zip(both.x..) {
                if *covered == 0 {
                    continue;
                }
                let color = color(x, y);
                let alpha = (color[3] * u32::from(*covered) + 127) / 255;
                let through = 65_535 - alpha;
                for (sample, value) in pixel.iter_mut().zip([color[0], color[1], color[2], 65_535])
                {
                    let sum = u64::from(value) * u64::from(alpha)
                        + u64::from(*sample) * u64::from(through);
                    *sample = ((sum + 32_767) / 65_535) as u16;
                }
            }
        }
    }
}

//! Consecutive functions of color and place, run as one pass over the image.

use std::sync::{Arc, OnceLock};

use crate::image::{Channels, Packed, Pixels};
use crate::kernels::chroma::Chroma;
use crate::kernels::fuse::{self, Fused, Purpose};
use crate::kernels::toned::LevelTones;
use crate::kernels::{planes, rows};
use crate::stage::{ColorFn, PositionFn, Sample};
use crate::{Result, Size};

/// How far a table may be from the exact functions, in 8-bit levels, at the points that are tried.
/// With half a level of rounding the result stays within one level everywhere.
const BAKE_TOLERANCE: f32 = 0.5;

/// One run of functions in a pass.
#[derive(Clone)]
pub enum Part {
    /// Functions of color alone, composed.
    Colors(Vec<ColorFn>),
    /// A function of color and place.
    Position(Arc<dyn PositionFn>),
}

/// Consecutive functions of color and place, in order.
#[derive(Clone, Default)]
pub struct ColorPass {
    parts: Vec<Part>,
    /// What the first image was run with, and its size: frames of an animation have the same.
    methods: OnceLock<(Size, Arc<[Method]>)>,
}

/// How functions of color are evaluated on 8-bit samples.
enum Method {
    Curves(Box<[[u8; 256]; 3]>),
    Toned(Box<LevelTones>),
    Chroma(Box<Chroma>),
    Fused(Arc<Fused>),
    Exact,
}

impl ColorPass {
    /// How many functions it holds.
    pub fn len(&self) -> usize {
        let len = |part: &Part| match part {
            Part::Colors(chain) => chain.len(),
            Part::Position(_) => 1,
        };
        self.parts.iter().map(len).sum()
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a function of color.
    pub fn push_color(&mut self, function: ColorFn) {
        match self.parts.last_mut() {
            Some(Part::Colors(chain)) => chain.push(function),
            _ => self.parts.push(Part::Colors(vec![function])),
        }
    }

    /// Adds a function of color and place.
    pub fn push_position(&mut self, function: Arc<dyn PositionFn>) {
        self.parts.push(Part::Position(function));
    }

    /// Runs the pass. 8-bit images of some size go through tables where these stay within one level
    /// of the exact functions; 16-bit images are always exact.
    pub fn run(&self, pixels: Pixels) -> Result<Pixels> {
        match pixels {
            Pixels::U16(packed) => self.run_exact(packed).map(Pixels::U16),
            Pixels::U8(packed) => {
                let mut packed = packed_color(packed)?;
                let size = packed.size();
                let methods = self.methods(size);
                let (count, stride) = (packed.channels().count(), packed.stride());
                rows::each(packed.samples_mut(), stride, |y, row| {
                    self.run_row(&methods, (size, y as u32), row, count);
                });
                Ok(Pixels::U8(packed))
            }
            Pixels::Ycc(planar) => {
                let planar = planes::to_full_chroma(planar)?;
                let methods = self.methods(planar.size);
                let mut packed = Packed::zeroed(planar.size, Channels::Rgb)?;
                let stride = packed.stride();
                rows::each(packed.samples_mut(), stride, |y, row| {
                    planes::row_to_rgb(&planar, y, row);
                    self.run_row(&methods, (planar.size, y as u32), row, 3);
                });
                Ok(Pixels::U8(packed))
            }
        }
    }

    fn methods(&self, size: Size) -> Arc<[Method]> {
        let (first, methods) = self.methods.get_or_init(|| (size, self.methods_for(size)));
        if *first == size { Arc::clone(methods) } else { self.methods_for(size) }
    }

    /// The first run of colors sees 8-bit samples; what follows a place sees fractions.
    fn methods_for(&self, size: Size) -> Arc<[Method]> {
        let chains = self.parts.iter().filter(|part| matches!(part, Part::Colors(_))).count();
        let methods = self.parts.iter().enumerate().map(|(index, part)| match part {
            Part::Colors(chain) => {
                let then = self.parts[index + 1..].iter().flat_map(|part| match part {
                    Part::Colors(chain) => chain.as_slice(),
                    Part::Position(_) => &[],
                });
                let purpose = Purpose {
                    pixels: size.area(),
                    // Each has its share of the level that all may be off.
                    tolerance: BAKE_TOLERANCE / chains as f32,
                    fine: index > 0,
                    then: then.cloned().collect(),
                };
                method_for(chain, &purpose)
            }
            Part::Position(_) => Method::Exact,
        });
        methods.collect()
    }

    fn run_row(&self, methods: &[Method], (size, y): (Size, u32), row: &mut [u8], count: usize) {
        if let ([Part::Colors(_)], [method]) = (self.parts.as_slice(), methods) {
            match method {
                Method::Curves(curves) => return apply_curves(curves, row, count),
                Method::Toned(toned) if count == 3 => return toned.apply_row::<3>(row),
                Method::Toned(toned) => return toned.apply_row::<4>(row),
                Method::Chroma(chroma) if count == 3 => return chroma.apply_row::<3>(row),
                Method::Chroma(chroma) => return chroma.apply_row::<4>(row),
                Method::Fused(fused) if count == 3 => return fused.apply_row::<3>(row),
                Method::Fused(fused) => return fused.apply_row::<4>(row),
                Method::Exact => {}
            }
        }
        let levels = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2]];
        let unit = |rgb: [u8; 3]| rgb.map(|level| f32::from(level) * (1.0 / 255.0));
        let pixels = row.chunks_exact(count).map(levels);
        let (mut colors, done): (Vec<[f32; 3]>, usize) = match methods.first() {
            Some(Method::Fused(fused)) => {
                (pixels.map(|rgb| fused.of_levels(rgb).map(|v| v.clamp(0.0, 1.0))).collect(), 1)
            }
            Some(Method::Curves(curves)) => {
                let curve =
                    |rgb: [u8; 3]| unit(std::array::from_fn(|c| curves[c][rgb[c] as usize]));
                (pixels.map(curve).collect(), 1)
            }
            _ => (pixels.map(unit).collect(), 0),
        };
        for (part, method) in self.parts.iter().zip(methods).skip(done) {
            match (part, method) {
                (Part::Position(function), _) => place_row(&**function, size, y, &mut colors),
                (Part::Colors(_), Method::Fused(fused)) => {
                    for rgb in &mut colors {
                        *rgb = fused.of_color(*rgb).map(|value| value.clamp(0.0, 1.0));
                    }
                }
                (Part::Colors(chain), _) => eval_row(chain, &mut colors),
            }
        }
        store(&colors, row, count);
    }

    fn run_exact<S: Sample>(&self, packed: Packed<S>) -> Result<Packed<S>> {
        let mut packed = packed_color(packed)?;
        let size = packed.size();
        let (count, stride) = (packed.channels().count(), packed.stride());
        rows::each(packed.samples_mut(), stride, |y, row| {
            let color = |pixel: &[S]| std::array::from_fn(|c| pixel[c].to_f32() / S::MAX);
            let mut colors: Vec<[f32; 3]> = row.chunks_exact(count).map(color).collect();
            for part in &self.parts {
                match part {
                    Part::Colors(chain) => eval_row(chain, &mut colors),
                    Part::Position(function) => {
                        place_row(&**function, size, y as u32, &mut colors);
                    }
                }
            }
            store(&colors, row, count);
        });
        Ok(packed)
    }
}

fn apply_curves(curves: &[[u8; 256]; 3], row: &mut [u8], count: usize) {
    for pixel in row.chunks_exact_mut(count) {
        for channel in 0..3 {
            pixel[channel] = curves[channel][pixel[channel] as usize];
        }
    }
}

fn eval_row(chain: &[ColorFn], colors: &mut [[f32; 3]]) {
    for rgb in colors {
        *rgb = fuse::eval(chain, *rgb).map(|value| value.clamp(0.0, 1.0));
    }
}

/// What grain pushes over white stays white for the functions behind it.
fn place_row(function: &dyn PositionFn, size: Size, y: u32, colors: &mut [[f32; 3]]) {
    function.apply_row(size, y, colors);
    for rgb in colors {
        *rgb = rgb.map(|value| value.clamp(0.0, 1.0));
    }
}

fn method_for(chain: &[ColorFn], purpose: &Purpose) -> Method {
    let alone = !purpose.fine && purpose.then.is_empty();
    if let [ColorFn::Tone(tone, strength)] = chain
        && alone
        && purpose.pixels >= LevelTones::PIXELS_MIN
    {
        return Method::Toned(Box::new(LevelTones::new(&**tone, *strength)));
    }
    if alone
        && purpose.pixels >= Chroma::PIXELS_MIN
        && let Some(chroma) = Chroma::of(chain)
    {
        return Method::Chroma(Box::new(chroma));
    }
    if chain.iter().all(fuse::is_curve) && alone {
        let mut curves = Box::new([[0; 256]; 3]);
        for level in 0..256 {
            let mapped = fuse::eval(chain, [level as f32 / 255.0; 3]);
            for channel in 0..3 {
                curves[channel][level] = u8::from_f32(mapped[channel].clamp(0.0, 1.0) * 255.0);
            }
        }
        return Method::Curves(curves);
    }
    let fused = fuse::fuse(chain, purpose);
    fused.map_or(Method::Exact, Method::Fused)
}

fn store<S: Sample>(colors: &[[f32; 3]], row: &mut [S], count: usize) {
    for (color, pixel) in colors.iter().zip(row.chunks_exact_mut(count)) {
        for channel in 0..3 {
            pixel[channel] = S::from_f32(color[channel].clamp(0.0, 1.0) * S::MAX);
        }
    }
}

fn packed_color<S: Sample>(packed: Packed<S>) -> Result<Packed<S>> {
    let channels = if packed.channels().has_alpha() { Channels::Rgba } else { Channels::Rgb };
    packed.with_channels(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_function_pushes_over_white_the_next_brings_back() {
        let scale = |by: f32| ColorFn::curve(move |value| value * by);
        let mut pass = ColorPass::default();
        pass.push_color(scale(2.0));
        pass.push_color(scale(0.5));
        let levels: Vec<u8> = (0..=255).flat_map(|level| [level; 3]).collect();
        let image = Packed::new(Size::new(16, 16), Channels::Rgb, levels.clone());
        let Pixels::U8(same) = pass.run(Pixels::U8(image)).unwrap() else { panic!("8 bits") };
        assert_eq!(same.samples(), levels);
    }
}

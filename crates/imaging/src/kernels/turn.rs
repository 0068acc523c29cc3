//! Turning by any angle.

use crate::color::Color;
use crate::image::{Channels, Packed, Pixels};
use crate::stage::Sample;
use crate::{Error, Result, Size};

/// The smallest canvas that holds the image turned by this angle (degrees). A hair over a whole
/// pixel is no pixel: sines are not exact.
pub fn bounds(size: Size, angle: f64) -> Size {
    let (sin, cos) = (angle.to_radians().sin().abs(), angle.to_radians().cos().abs());
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let side = |length: f64| (length - 1e-6).ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
    Size::new(side(width * cos + height * sin), side(width * sin + height * cos))
}

/// The image, turned clockwise about its middle, on a canvas of this size.
pub fn turn(pixels: Pixels, angle: f64, size: Size, background: Color) -> Result<Pixels> {
    match pixels {
        Pixels::U8(packed) => turn_packed(packed, angle, size, background).map(Pixels::U8),
        Pixels::U16(packed) => turn_packed(packed, angle, size, background).map(Pixels::U16),
        Pixels::Ycc(_) => Err(Error::internal("planes are not turned freely")),
    }
}

fn turn_packed<S: Sample>(
    packed: Packed<S>,
    angle: f64,
    size: Size,
    background: Color,
) -> Result<Packed<S>> {
    let opaque = packed.is_opaque() && background.is_opaque();
    let channels = if opaque { Channels::Rgb } else { Channels::Rgba };
    let packed = packed.with_channels(Channels::Rgba)?;
    let background: [f32; 4] = background.0.map(|sample| f32::from(sample) / 255.0);
    let (sin, cos) = (angle.to_radians().sin(), angle.to_radians().cos());
    let from = packed.size();
    let middle = |side: u32| f64::from(side) / 2.0;
    let count = channels.count();
    let mut out = Packed::zeroed(size, channels)?;
    let stride = out.stride();
    for (y, row) in out.samples_mut().chunks_exact_mut(stride).enumerate() {
        let down = y as f64 + 0.5 - middle(size.height);
        for (x, pixel) in row.chunks_exact_mut(count).enumerate() {
            let across = x as f64 + 0.5 - middle(size.width);
            // The inverse turn says where this pixel comes from.
            let source_x = across * cos + down * sin + middle(from.width) - 0.5;
            let source_y = down * cos - across * sin + middle(from.height) - 0.5;
            let color = over(sample_at(&packed, source_x, source_y), background);
            for (sample, value) in pixel.iter_mut().zip(color) {
                *sample = S::from_f32(value * S::MAX);
            }
        }
    }
    Ok(out)
}

/// Catmull and Rom's cubic through four samples at -1, 0, 1 and 2.
fn cubic(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t + t2 - 0.5 * t3,
        1.0 - 2.5 * t2 + 1.5 * t3,
        0.5 * t + 2.0 * t2 - 1.5 * t3,
        -0.5 * t2 + 0.5 * t3,
    ]
}

/// The premultiplied color at a place between pixels; outside the image there is nothing, so that
/// edges come out smooth.
fn sample_at<S: Sample>(packed: &Packed<S>, x: f64, y: f64) -> [f32; 4] {
    let size = packed.size();
    let (left, top) = (x.floor(), y.floor());
    if left < -2.0 || top < -2.0 || left > f64::from(size.width) || top > f64::from(size.height) {
        return [0.0; 4];
    }
    let (across, down) = (cubic((x - left) as f32), cubic((y - top) as f32));
    let (left, top) = (left as i64 - 1, top as i64 - 1);
    let mut sum = [0.0f32; 4];
    for (row, weight_y) in down.into_iter().enumerate() {
        let y = top + row as i64;
        if !(0..i64::from(size.height)).contains(&y) {
            continue;
        }
        for (column, weight_x) in across.into_iter().enumerate() {
            let x = left + column as i64;
            if !(0..i64::from(size.width)).contains(&x) {
                continue;
            }
            let at = (y as usize * size.width as usize + x as usize) * 4;
            let pixel = &packed.samples()[at..at + 4];
            let weight = weight_x * weight_y;
            let alpha = pixel[3].to_f32() / S::MAX * weight;
            for channel in 0..3 {
                sum[channel] += pixel[channel].to_f32() / S::MAX * alpha;
            }
            sum[3] += alpha;
        }
    }
    sum
}

/// A premultiplied color over a straight one, as a straight one.
fn over(color: [f32; 4], background: [f32; 4]) -> [f32; 4] {
    let front = color[3].clamp(0.0, 1.0);
    let behind = background[3] * (1.0 - front);
    let alpha = front + behind;
    if alpha <= 0.0 {
        return [0.0; 4];
    }
    let mixed =
        |channel: usize| ((color[channel] + background[channel] * behind) / alpha).clamp(0.0, 1.0);
    [mixed(0), mixed(1), mixed(2), alpha]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_free_turns_of_a_square_come_back() {
        let samples =
            (0..32 * 32).flat_map(|i| [(i % 32 * 8) as u8, (i / 32 * 8) as u8, 77]).collect();
        let image = Packed::new(Size::new(32, 32), Channels::Rgb, samples);
        let quarter = turn_packed(image.clone(), 90.0, Size::new(32, 32), Color::WHITE).unwrap();
        let exact = |x: usize, y: usize| &image.samples()[((31 - x) * 32 + y) * 3..][..3];
        for (i, pixel) in quarter.samples().chunks_exact(3).enumerate() {
            for (got, expected) in pixel.iter().zip(exact(i % 32, i / 32)) {
                assert!(got.abs_diff(*expected) <= 1, "{i}: {pixel:?}");
            }
        }
    }

    #[test]
    fn the_canvas_grows_as_the_angle_asks() {
        assert_eq!(bounds(Size::new(100, 50), 90.0), Size::new(50, 100));
        assert_eq!(bounds(Size::new(100, 100), 45.0), Size::new(142, 142));
    }

    #[test]
    fn corners_are_the_background_and_the_middle_is_the_image() {
        let image = Packed::new(Size::new(20, 20), Channels::Rgb, vec![200u8; 1200]);
        let turned = turn_packed(image, 30.0, Size::new(28, 28), Color([10, 20, 30, 255])).unwrap();
        assert_eq!(&turned.samples()[..3], &[10, 20, 30]);
        assert_eq!(&turned.samples()[(14 * 28 + 14) * 3..][..3], &[200, 200, 200]);
    }
}

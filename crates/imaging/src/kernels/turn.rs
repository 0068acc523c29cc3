//! Turning by any angle.

use crate::Size;
use crate::kernels::warp::{Beyond, Homography, Warp};
use crate::stage::Stage;

/// The smallest canvas that holds the image turned by this angle (degrees). A hair over a whole
/// pixel is no pixel: sines are not exact.
pub fn bounds(size: Size, angle: f64) -> Size {
    let (sin, cos) = (angle.to_radians().sin().abs(), angle.to_radians().cos().abs());
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let side = |length: f64| (length - 1e-6).ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
    Size::new(side(width * cos + height * sin), side(width * sin + height * cos))
}

/// The largest upright rectangle inside the image turned by this angle (degrees, at most 90), in
/// whole pixels and never empty.
///
/// The closed form is that of "Rotate image and crop out black borders", answer by coproc
/// (Stack Overflow, question 16702966, 2013): either two opposite corners of the rectangle touch
/// the long sides of the image, or all four corners touch a side each.
pub fn inscribed(size: Size, angle: f64) -> Size {
    let (sin, cos) = (angle.to_radians().sin().abs(), angle.to_radians().cos().abs());
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let (long, short) = (width.max(height), width.min(height));
    let (across, down) = if short <= 2.0 * sin * cos * long || (sin - cos).abs() < 1e-10 {
        let half = short / 2.0;
        if width >= height { (half / sin, half / cos) } else { (half / cos, half / sin) }
    } else {
        let cos_double = cos * cos - sin * sin;
        ((width * cos - height * sin) / cos_double, (height * cos - width * sin) / cos_double)
    };
    let side = |length: f64| (length + 1e-6).floor().max(1.0) as u32;
    Size::new(side(across), side(down))
}

/// Where the pixels of a canvas of size `to` come from when an image of size `from` is turned
/// clockwise about its middle, which comes to lie in the middle of the canvas.
pub fn map(angle: f64, from: Size, to: Size) -> Homography {
    let (sin, cos) = (angle.to_radians().sin(), angle.to_radians().cos());
    let half = |side: u32| f64::from(side) / 2.0;
    let (x, y) = (half(to.width), half(to.height));
    [
        [cos, sin, half(from.width) - x * cos - y * sin],
        [-sin, cos, half(from.height) + x * sin - y * cos],
        [0.0, 0.0, 1.0],
    ]
}

/// The stage that turns an image of size `from` onto a canvas of size `to`.
pub fn stage(angle: f64, from: Size, to: Size, beyond: Beyond) -> Stage {
    Warp { to_source: map(angle, from, to), size: to, beyond }.stage()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Color;
    use crate::image::{Channels, Packed, Pixels};
    use crate::kernels::warp::warp;

    fn turn(image: Packed<u8>, angle: f64, size: Size, background: Color) -> Packed<u8> {
        let to_source = map(angle, image.size(), size);
        let beyond = Beyond::Color(background);
        match warp(Pixels::U8(image), &Warp { to_source, size, beyond }).unwrap() {
            Pixels::U8(packed) => packed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn four_free_turns_of_a_square_come_back() {
        let samples =
            (0..32 * 32).flat_map(|i| [(i % 32 * 8) as u8, (i / 32 * 8) as u8, 77]).collect();
        let image = Packed::new(Size::new(32, 32), Channels::Rgb, samples);
        let quarter = turn(image.clone(), 90.0, Size::new(32, 32), Color::WHITE);
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
        let turned = turn(image, 30.0, Size::new(28, 28), Color([10, 20, 30, 255]));
        assert_eq!(&turned.samples()[..3], &[10, 20, 30]);
        assert_eq!(&turned.samples()[(14 * 28 + 14) * 3..][..3], &[200, 200, 200]);
    }

    /// Whether a canvas shows nothing beyond an image that is turned, give or take some room.
    fn fits(canvas: Size, angle: f64, image: Size, room: f64) -> bool {
        let map = map(angle, image, canvas);
        let (w, h) = (f64::from(canvas.width), f64::from(canvas.height));
        [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)].into_iter().all(|(x, y)| {
            let [x, y] = [map[0], map[1]].map(|row| row[0] * x + row[1] * y + row[2]);
            let inside = |at: f64, side: u32| (-room..=f64::from(side) + room).contains(&at);
            inside(x, image.width) && inside(y, image.height)
        })
    }

    #[test]
    fn the_inscribed_rectangle_shows_no_corner_and_is_the_largest() {
        for (width, height) in [(300, 200), (200, 300), (400, 30), (100, 100), (1, 1), (1, 90)] {
            for angle in [0.0, 0.3, 7.0, -20.0, 44.0, 45.0, -45.0] {
                let size = Size::new(width, height);
                let inner = inscribed(size, angle);
                // Some room for the smallest sides, which cannot be less than one pixel.
                assert!(fits(inner, angle, size, 0.75), "{size} by {angle}: {inner}");
                assert!(
                    !fits(Size::new(inner.width + 2, inner.height + 2), angle, size, 0.0),
                    "{size} {angle}"
                );
            }
        }
        assert_eq!(inscribed(Size::new(300, 200), 0.0), Size::new(300, 200));
    }
}

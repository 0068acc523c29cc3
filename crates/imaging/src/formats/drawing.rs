//! What formats have in common that are drawn, not decoded.

use crate::image::{Channels, Packed};
use crate::{Limits, Size};

/// The factor at which a drawing of this size is drawn when this one is asked for: less where the
/// result would be over the limits, as what is asked for may be larger than what is kept of it.
pub(super) fn scale(own: Size, asked: f64, limits: &Limits) -> f64 {
    let asked = if asked > 0.0 { asked } else { 1.0 };
    let side = f64::from(limits.side_max) / f64::from(own.width.max(own.height));
    let area = (limits.pixels_max as f64 / own.area() as f64).sqrt();
    // A little less, as sides are rounded up.
    let most = side.min(area) * (1.0 - 1e-9);
    if own.scaled(asked).area() <= limits.pixels_max { asked.min(side) } else { asked.min(most) }
}

/// Straight samples from samples that are multiplied with their alpha.
pub(super) fn straight(size: Size, mut samples: Vec<u8>) -> Packed<u8> {
    let (pixels, _) = samples.as_chunks_mut::<4>();
    for [red, green, blue, alpha] in pixels {
        if matches!(*alpha, 0 | 255) {
            continue;
        }
        let divisor = u32::from(*alpha);
        for sample in [red, green, blue] {
            let value = (u32::from(*sample) * 255 + divisor / 2) / divisor;
            *sample = value.min(255) as u8;
        }
    }
    Packed::new(size, Channels::Rgba, samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_divided_out() {
        let premultiplied = vec![100, 50, 0, 200, 0, 0, 0, 0, 9, 8, 7, 255, 1, 0, 0, 1];
        let packed = straight(Size::new(4, 1), premultiplied);
        assert_eq!(packed.samples(), [128, 64, 0, 200, 0, 0, 0, 0, 9, 8, 7, 255, 255, 0, 0, 1]);
    }

    #[test]
    fn a_drawing_is_not_drawn_over_the_limits() {
        let limits = Limits { pixels_max: 10_000, side_max: 5_000, ..Limits::default() };
        assert_eq!(scale(Size::new(10, 10), 0.0, &limits), 1.0);
        assert_eq!(scale(Size::new(10, 10), 3.5, &limits), 3.5);
        for own in [Size::new(10, 10), Size::new(7, 13), Size::new(4_000, 1), Size::new(1, 77)] {
            let drawn = own.scaled(scale(own, 1_000.0, &limits));
            limits.check_size(drawn).expect("within the limits");
        }
    }
}

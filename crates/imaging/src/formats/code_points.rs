//! Code points of ITU-T H.273 as a color space.

use moxcms::{CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};
use native::av1::Cicp;

use super::profile;
use crate::image::ColorSpace;

/// Whether both points have a meaning (ITU-T H.273, tables 2 and 3): all others are reserved.
pub(super) fn is_known(cicp: Cicp) -> bool {
    matches!(cicp.primaries, 1 | 2 | 4..=12 | 22) && matches!(cicp.transfer, 1 | 2 | 4..=18)
}

/// The curves of television (BT.709 and its kin) are read with the one of sRGB, as they were meant
/// to be shown. `None` for gray pictures and code points that are not known: they say nothing.
pub(super) fn color_space(cicp: Cicp, is_gray: bool) -> Option<ColorSpace> {
    let transfer = match cicp.transfer {
        1 | 2 | 6 | 13..=15 => 13,
        other => other,
    };
    if is_gray || !is_known(cicp) || (cicp.primaries, cicp.transfer) == (2, 2) {
        return None;
    }
    if matches!(cicp.primaries, 1 | 2) && transfer == 13 {
        return Some(ColorSpace::Srgb);
    }
    let primaries = if cicp.primaries == 2 { 1 } else { cicp.primaries };
    let profile = match (primaries, transfer) {
        (12, 13) => Some(ColorProfile::new_display_p3()),
        _ => by_points(primaries, transfer),
    };
    let profile = profile.and_then(|profile| profile.encode().ok())?;
    Some(profile::color_space(Some(profile), false))
}

fn by_points(primaries: u8, transfer: u8) -> Option<ColorProfile> {
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: primaries.try_into().ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    // Curves that the library lacks make a profile without any.
    profile.red_trc.is_some().then_some(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_points_say_nothing() {
        let color = |primaries, transfer| {
            color_space(Cicp { primaries, transfer, matrix: 0, full_range: true }, false)
        };
        for (primaries, transfer) in [(0, 13), (3, 13), (13, 8), (200, 16), (9, 0), (1, 3), (1, 19)]
        {
            assert!(color(primaries, transfer).is_none(), "{primaries} {transfer}");
        }
        assert_eq!(color(1, 13), Some(ColorSpace::Srgb));
        assert_eq!(color(2, 1), Some(ColorSpace::Srgb));
        assert!(matches!(color(12, 13), Some(ColorSpace::Icc(_))));
    }
}

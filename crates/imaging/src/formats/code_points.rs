//! Code points of ITU-T H.273 as a color space.

use moxcms::{CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};
use native::av1::Cicp;

use super::profile;
use crate::image::ColorSpace;

/// The curves of television (BT.709 and its kin) are read with the one of sRGB, as they were meant
/// to be shown. `None` for gray pictures and code points that are not known: they say nothing.
pub(super) fn color_space(cicp: Cicp, is_gray: bool) -> Option<ColorSpace> {
    let transfer = match cicp.transfer {
        0..=2 | 6 | 13..=15 => 13,
        other => other,
    };
    if is_gray || (cicp.primaries, cicp.transfer) == (2, 2) {
        return None;
    }
    if matches!(cicp.primaries, 0..=2) && transfer == 13 {
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
    // Reserved points make a profile without curves.
    profile.red_trc.is_some().then_some(profile)
}

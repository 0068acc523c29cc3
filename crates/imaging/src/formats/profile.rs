//! The ICC profile of a file: whether it says anything that sRGB does not.

use crate::icc;
use crate::image::ColorSpace;

/// What an embedded profile means for RGB or grey samples. A profile that is broken, made for other
/// channels, or says sRGB in its own words becomes sRGB.
pub(super) fn color_space(profile: Option<Vec<u8>>, is_gray: bool) -> ColorSpace {
    let space: &[u8] = if is_gray { b"GRAY" } else { b"RGB " };
    profile
        // The space of the samples stands at byte 16 of the header (ICC.1:2010, 7.2.6).
        .filter(|profile| profile.get(16..20) == Some(space) && !icc::is_srgb(profile))
        .map_or(ColorSpace::Srgb, |profile| ColorSpace::Icc(profile.into()))
}

#[cfg(test)]
mod tests {
    use moxcms::ColorProfile;

    use super::*;

    #[track_caller]
    fn check(profile: &ColorProfile, is_gray: bool, matters: bool) {
        let space = color_space(profile.encode().ok(), is_gray);
        assert_eq!(space != ColorSpace::Srgb, matters);
    }

    #[test]
    fn srgb_by_another_name_is_srgb() {
        check(&ColorProfile::new_srgb(), false, false);
    }

    #[test]
    fn wide_profiles_matter() {
        check(&ColorProfile::new_display_p3(), false, true);
        check(&ColorProfile::new_adobe_rgb(), false, true);
        check(&ColorProfile::new_gray_with_gamma(1.0), true, true);
    }

    #[test]
    fn profiles_for_other_channels_do_not() {
        check(&ColorProfile::new_display_p3(), true, false);
        check(&ColorProfile::new_gray_with_gamma(1.0), false, false);
        assert_eq!(color_space(Some(vec![1; 500]), false), ColorSpace::Srgb);
        assert_eq!(color_space(Some(Vec::new()), false), ColorSpace::Srgb);
    }
}

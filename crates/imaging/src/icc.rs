//! ICC profiles (ISO 15076-1): to sRGB, and whether a profile says sRGB anyway.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

use crate::image::{Channels, Packed, Pixels};
use crate::kernels::planes;
use crate::stage::Sample;
use crate::{Error, Result};

/// Whether the profile maps colors to within a level of where sRGB has them. A profile that cannot
/// be used counts as sRGB, as viewers take it.
pub fn is_srgb(profile: &[u8]) -> bool {
    agrees(profile, &ColorProfile::new_srgb()).unwrap_or(true)
}

/// Whether the profile maps colors to within a level of where Display P3 has them.
pub fn is_display_p3(profile: &[u8]) -> bool {
    agrees(profile, &ColorProfile::new_display_p3()).unwrap_or(false)
}

/// Whether two profiles mean the same by the same numbers; `None` where the first cannot be used.
fn agrees(profile: &[u8], other: &ColorProfile) -> Option<bool> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let layout = match profile.color_space {
        DataColorSpace::Rgb => Layout::Rgb,
        DataColorSpace::Gray => Layout::Gray,
        _ => return None,
    };
    let transform = profile.create_transform_8bit(layout, other, Layout::Rgb, options()).ok()?;
    let levels = [0u8, 51, 102, 153, 204, 255];
    let colors: Vec<[u8; 3]> = match layout {
        Layout::Gray => levels.iter().map(|&level| [level; 3]).collect(),
        _ => (0..216).map(|i| [levels[i / 36], levels[i / 6 % 6], levels[i % 6]]).collect(),
    };
    let from: Vec<u8> = match layout {
        Layout::Gray => levels.to_vec(),
        _ => colors.concat(),
    };
    let mut to = vec![0; colors.len() * 3];
    transform.transform(&from, &mut to).ok()?;
    Some(to.iter().zip(colors.as_flattened()).all(|(to, from)| to.abs_diff(*from) <= 1))
}

/// The pixels in sRGB, by the profile's colorimetry (relative colorimetric intent). Gray becomes
/// RGB only where the profile is for RGB; a profile that cannot be used leaves the pixels as they
/// are.
pub fn to_srgb(pixels: Pixels, profile: &[u8]) -> Result<Pixels> {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return Ok(pixels);
    };
    match pixels {
        Pixels::U8(packed) => convert(packed, &profile).map(Pixels::U8),
        Pixels::U16(packed) => convert(packed, &profile).map(Pixels::U16),
        Pixels::Ycc(planar) => convert(planes::to_rgb(planar)?, &profile).map(Pixels::U8),
    }
}

/// What moxcms calls a transform between two depths.
trait Depth: Sample {
    fn transform(
        profile: &ColorProfile,
        from: (Layout, &[Self]),
        to: (Layout, &mut [Self]),
    ) -> Result<(), moxcms::CmsError>;
}

impl Depth for u8 {
    fn transform(
        profile: &ColorProfile,
        from: (Layout, &[u8]),
        to: (Layout, &mut [u8]),
    ) -> Result<(), moxcms::CmsError> {
        let transform =
            profile.create_transform_8bit(from.0, &ColorProfile::new_srgb(), to.0, options())?;
        transform.transform(from.1, to.1)
    }
}

impl Depth for u16 {
    fn transform(
        profile: &ColorProfile,
        from: (Layout, &[u16]),
        to: (Layout, &mut [u16]),
    ) -> Result<(), moxcms::CmsError> {
        let transform =
            profile.create_transform_16bit(from.0, &ColorProfile::new_srgb(), to.0, options())?;
        transform.transform(from.1, to.1)
    }
}

fn convert<S: Depth>(packed: Packed<S>, profile: &ColorProfile) -> Result<Packed<S>> {
    let alpha = packed.channels().has_alpha();
    let (channels, layout) = match (profile.color_space, alpha) {
        (DataColorSpace::Gray, false) if packed.channels() == Channels::Gray => {
            (Channels::Gray, Layout::Gray)
        }
        (DataColorSpace::Gray, true) if packed.channels() == Channels::GrayAlpha => {
            (Channels::GrayAlpha, Layout::GrayAlpha)
        }
        (DataColorSpace::Rgb, false) => (Channels::Rgb, Layout::Rgb),
        (DataColorSpace::Rgb, true) => (Channels::Rgba, Layout::Rgba),
        // A profile for another kind of samples than the file has says nothing about them.
        _ => return Ok(packed),
    };
    let packed = packed.with_channels(channels)?;
    let (out_channels, out_layout) =
        if alpha { (Channels::Rgba, Layout::Rgba) } else { (Channels::Rgb, Layout::Rgb) };
    let mut out = Packed::<S>::zeroed(packed.size(), out_channels)?;
    S::transform(profile, (layout, packed.samples()), (out_layout, out.samples_mut()))
        .map_err(|error| Error::input(format!("the color profile cannot be applied: {error}")))?;
    Ok(out)
}

fn options() -> TransformOptions {
    TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn srgb_is_recognized_and_wider_spaces_are_not() {
        let encoded = |profile: ColorProfile| profile.encode().unwrap();
        assert!(is_srgb(&encoded(ColorProfile::new_srgb())));
        assert!(!is_srgb(&encoded(ColorProfile::new_display_p3())));
        assert!(!is_srgb(&encoded(ColorProfile::new_adobe_rgb())));
        assert!(is_srgb(b"no profile at all"));
    }

    #[test]
    fn the_green_of_display_p3_is_outside_srgb_and_its_white_is_white() {
        let profile = ColorProfile::new_display_p3().encode().unwrap();
        let image =
            Packed::new(Size::new(2, 1), Channels::Rgb, vec![255u8, 255, 255, 128, 128, 128]);
        let Pixels::U8(converted) = to_srgb(Pixels::U8(image), &profile).unwrap() else {
            panic!("8 bits")
        };
        for (got, expected) in converted.samples().iter().zip([255u8, 255, 255, 128, 128, 128]) {
            assert!(got.abs_diff(expected) <= 1, "{converted:?} {:?}", converted.samples());
        }
        // Display P3 (0, 200, 0) has, in sRGB, red below zero and a green a little over 200.
        let image = Packed::new(Size::new(1, 1), Channels::Rgb, vec![100u8, 200, 100]);
        let Pixels::U8(converted) = to_srgb(Pixels::U8(image), &profile).unwrap() else {
            panic!("8 bits")
        };
        let [r, g, b] = converted.samples() else { panic!("one pixel") };
        assert!(*r < 80 && (200..208).contains(g) && *b < 100, "{r} {g} {b}");
    }
}

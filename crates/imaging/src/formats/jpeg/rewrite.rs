//! Other metadata around the same compressed image.

use super::ending;
use super::segments::{self, ICC};
use super::walk::{self, Segment};
use crate::image::ColorSpace;
use crate::metadata::Metadata;
use crate::{Error, Result};

/// The file with this metadata instead of its own. The image data, JFIF, Adobe's marker and the
/// color profile stay: they say what the samples mean. A missing end mark is added: what is
/// rewritten was decoded before, so that nothing else is missing.
pub(super) fn rewrite(jpeg: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    keeping(true, jpeg, metadata)
}

/// The same without the color profile.
pub(super) fn without_profile(jpeg: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    keeping(false, jpeg, metadata)
}

fn keeping(keeps_profile: bool, jpeg: &[u8], metadata: &Metadata) -> Result<Vec<u8>> {
    let damaged = || Error::input("the JPEG is damaged before its image data");
    let mut kept = jpeg.get(..2).ok_or_else(damaged)?.to_vec();
    let mut at = 2;
    loop {
        let Segment { code, payload, place } = walk::segment_at(jpeg, at).ok_or_else(damaged)?;
        if code == 0xDA {
            break;
        }
        at = place.end;
        let is_profile = code == 0xE2 && payload.starts_with(ICC);
        let is_comment = code == 0xFE || matches!(code, 0xE1..=0xED | 0xEF);
        if (is_profile && keeps_profile) || !is_comment {
            kept.extend_from_slice(&jpeg[place]);
        }
    }
    kept.extend_from_slice(&jpeg[at..]);
    kept.extend_from_slice(ending::missing(jpeg).unwrap_or_default());
    Ok(segments::with_segments(&kept, metadata, &ColorSpace::Srgb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::exif;

    #[test]
    fn comments_go_and_what_the_samples_mean_stays() {
        let jpeg = [
            &b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xE1\x00\x04ex\xFF\xE2\x00\x10ICC_PROFILE\0\x01\x01"[..],
            b"\xFF\xE2\x00\x04mp\xFF\xFE\x00\x04hi\xFF\xEE\x00\x04ad\xFF\xDA\x00\x02data\xFF\xD9trailer",
        ]
        .concat();
        let bare = rewrite(&jpeg, &Metadata::default()).unwrap();
        let expected = [
            &b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xE2\x00\x10ICC_PROFILE\0\x01\x01"[..],
            b"\xFF\xEE\x00\x04ad\xFF\xDA\x00\x02data\xFF\xD9trailer",
        ];
        assert_eq!(bare, expected.concat());
        let rights = exif::write(&[(0x013B, b"Ann Other")]);
        let with = rewrite(&jpeg, &Metadata { exif: Some(rights), ..Metadata::default() }).unwrap();
        assert!(with.windows(9).any(|window| window == b"Ann Other"));
    }

    #[test]
    fn a_file_that_ends_early_is_an_error() {
        for len in 0..8 {
            assert!(rewrite(&b"\xFF\xD8\xFF\xE0\x00\x09ab"[..len], &Metadata::default()).is_err());
        }
    }
}

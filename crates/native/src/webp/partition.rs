//! The first partition of a lossy WebP, where large pictures of many details meet a limit.
//!
//! It says of every block of 16×16 pixels how it is predicted, and its length is a number of 19
//! bits (RFC 6386, section 9.1). That is 52 bits a block at 20 megapixels, but 4 at 16383×16383,
//! where a block of 16 small predictions takes 40 to 70 and one of a single prediction 3.5 to 7.5.

use libc::c_int;
use libwebp_sys as sys;

use super::{FAST_METHOD_MAX, Picture};

/// What is said when it does not fit even so.
pub(super) const TOO_MUCH: &str = "the picture has too many details for its size: how its blocks \
     are predicted takes more than the 512 kB that a lossy WebP has for it; choose another format \
     or lossless WebP, or make the picture smaller";

/// What the partition holds in bits of which each is cut in 256, as the library counts them. Of its
/// 512 kB some are left to the headers, and to what the coder loses.
const ROOM: u32 = 500 * 1024 * 8 * 256;
/// The most that the library takes for the colors of a block, for one prediction of its luma, and
/// for saying that it has 16 (`VP8FixedCostsUV`, `VP8FixedCostsI16` and `rd_best.H` in its source).
const COLORS: u32 = 984;
const ONE_LUMA: u32 = 919;
const MANY_LUMAS: u32 = 211;

/// Whether the encoder failed because the partition was full.
pub(super) fn overflowed(picture: &Picture) -> bool {
    picture.0.error_code == sys::WebPEncodingError::VP8_ENC_ERROR_PARTITION0_OVERFLOW
}

/// The configuration, changed so that the partition takes less.
///
/// The limit alone would not do. The fast methods do not look at it, and the others strengthen it
/// by themselves until blocks of 16 predictions are gone. What is left then is the segment that
/// each block names, up to 2 bits: so there is one for all.
pub(super) fn fitting(config: &sys::WebPConfig, picture: &Picture) -> sys::WebPConfig {
    sys::WebPConfig {
        method: config.method.max(c_int::from(FAST_METHOD_MAX) + 1),
        segments: 1,
        partition_limit: limit(picture.0.width.unsigned_abs(), picture.0.height.unsigned_abs()),
        ..*config
    }
}

/// The weakest limit with which a picture of this size fits, whatever it shows. Over 11,870×11,870
/// pixels there is none: 100 forbids all blocks of 16 predictions, and what is left mostly fits.
fn limit(width: u32, height: u32) -> c_int {
    let room = ROOM / (width.div_ceil(16) * height.div_ceil(16)).max(1);
    if room < ONE_LUMA + COLORS {
        return 100;
    }
    let fits = |limit: &u8| lumas_max(*limit) + MANY_LUMAS + COLORS <= room;
    (0..100).find(fits).unwrap_or(100).into()
}

/// What the 16 predictions of a block may take under a limit (`MapConfigToTools`).
fn lumas_max(limit: u8) -> u32 {
    256 * 16 * 16 * (100 - u32::from(limit)).pow(2) / 10_000
}

#[cfg(test)]
mod tests {
    use super::super::{
        Mode, Planes, SIDE_MAX, config, decode, encode_once, encode_planes, to_int,
    };
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn the_limit_is_as_weak_as_the_size_allows() {
        assert_eq!(limit(1, 1), 0);
        assert_eq!(limit(1000, 1000), 0);
        assert_eq!(limit(15_000, 15_000), 100);
        assert_eq!(limit(SIDE_MAX, SIDE_MAX), 100);
        for side in (500..11_800).step_by(100) {
            let (limit, blocks) = (limit(side, side) as u8, side.div_ceil(16).pow(2));
            let takes = |limit| ONE_LUMA.max(MANY_LUMAS + lumas_max(limit)) + COLORS;
            assert!(takes(limit) * blocks <= ROOM, "{side}: {limit}");
            assert!(
                limit == 0 || takes(limit - 1) * blocks > ROOM,
                "{side}: {limit} is too strong"
            );
        }
    }

    /// Small blocks of another slope each, which all want a prediction of their own. The rows
    /// repeat, as drawing them all takes longer than encoding them.
    fn slopes(side: u32) -> Planes {
        const STRIP: u32 = 64;
        let mut strip = vec![0; (STRIP * side) as usize];
        let mut random = 1u32;
        for at in 0..STRIP / 4 * (side / 4) {
            let (left, top) = (at % (side / 4) * 4, at / (side / 4) * 4);
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let draw = |shift: u32, below: u32| (random >> shift) % below;
            let middle = 20 + 120 * draw(31, 2) + draw(24, 60);
            let (steep, way) = (4 + draw(21, 8), draw(18, 8) as usize);
            for (x, y) in (0..16).map(|i| (i % 4, i / 4)) {
                let ways = [
                    2 * x,
                    2 * y,
                    x + y,
                    x + 4 - y,
                    2 * x + y,
                    x + 2 * y,
                    2 * x + 4 - y,
                    2 * y + 4 - x,
                ];
                let value = middle + ways[way] * steep / 2;
                strip[((top + y) * side + left + x) as usize] = value.min(255) as u8;
            }
        }
        let (u, v) = (vec![128; (side * side / 4) as usize], vec![128; (side * side / 4) as usize]);
        Planes {
            width: side,
            height: side,
            y: strip.repeat((side / STRIP) as usize),
            u,
            v,
            alpha: None,
        }
    }

    #[test]
    fn what_overflows_at_first_is_encoded_so_that_it_fits() {
        // The fastest method takes small predictions without counting, so that a picture overflows
        // with it that is quick to encode.
        let (side, quality, method) = (4160, 80.0, 0);
        let mut planes = slopes(side);
        let mut picture = Picture::new(side, side).unwrap();
        picture.0.y = planes.y.as_mut_ptr();
        picture.0.u = planes.u.as_mut_ptr();
        picture.0.v = planes.v.as_mut_ptr();
        picture.0.y_stride = to_int(side as usize).unwrap();
        picture.0.uv_stride = to_int(side as usize / 2).unwrap();
        let config = config(Mode::Lossy { quality, method }).unwrap();
        // SAFETY: the planes have the sizes that the picture says and outlive the call.
        let error = unsafe { encode_once(&config, &mut picture) }.unwrap_err();
        assert!(overflowed(&picture), "{error}");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Limit, TOO_MUCH));
        drop(picture);

        let luma = planes.y.clone();
        let webp = encode_planes(planes, quality, method).unwrap();
        let (_, samples) = decode(&webp, false).unwrap();
        // Gray from 16 to 235 becomes 0 to 255.
        let off = |(pixel, luma): (&[u8], &u8)| {
            (f64::from(pixel[1]) - (f64::from(*luma) - 16.0) * 255.0 / 219.0).abs()
        };
        let pairs = samples.chunks_exact(3).zip(&luma).step_by(101);
        let mean = pairs.map(off).sum::<f64>() / (luma.len() / 101) as f64;
        assert!(mean < 4.0, "{mean}");
    }
}

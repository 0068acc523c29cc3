//! From `Y'CbCr` planes to red, green and blue.

use crate::Result;
use crate::image::{Channels, Packed, Planar};
use crate::kernels::resample::{Kernel, resample_planes};
use crate::kernels::rows;
use crate::kernels::wide::wide;
use crate::stage::{RectF, Resample};

/// Planes whose chroma has a sample for every pixel.
pub fn to_full_chroma(planar: Planar) -> Result<Planar> {
    if planar.subsampling == (1, 1) {
        return Ok(planar);
    }
    let whole =
        Resample { source: RectF::full(planar.size), size: planar.size, kernel: Kernel::Bilinear };
    resample_planes(&planar, &whole, (1, 1))
}

/// The planes as interleaved RGB.
pub fn to_rgb(planar: Planar) -> Result<Packed<u8>> {
    let planar = to_full_chroma(planar)?;
    let mut out = Packed::zeroed(planar.size, Channels::Rgb)?;
    let width = planar.size.width as usize;
    rows::each(out.samples_mut(), width * 3, |y, row| row_to_rgb(&planar, y, row));
    Ok(out)
}

/// One row of planes with full chroma as RGB (ITU-T T.871, full range), in 16-bit fixed point so
/// that it runs in narrow vector lanes.
pub fn row_to_rgb(planar: &Planar, y: usize, row: &mut [u8]) {
    let width = planar.size.width as usize;
    let line = |plane: usize| &planar.planes[plane].samples[y * width..][..width];
    let (luma, cb, cr) = (line(0), line(1), line(2));
    let (pixels, _) = row.as_chunks_mut::<3>();
    // Products of Q7 and Q14 keep 5 fraction bits in their upper half.
    let times = |value: i16, factor: i16| ((i32::from(value) * i32::from(factor)) >> 16) as i16;
    let byte = |value: i16| ((value + 16) >> 5).clamp(0, 255) as u8;
    wide(
        #[inline(always)]
        || {
            for (((pixel, luma), cb), cr) in pixels.iter_mut().zip(luma).zip(cb).zip(cr) {
                let luma = i16::from(*luma) << 5;
                let cb = (i16::from(*cb) - 128) << 7;
                let cr = (i16::from(*cr) - 128) << 7;
                *pixel = [
                    byte(luma + times(cr, 22_970)),
                    byte(luma - times(cb, 5_638) - times(cr, 11_700)),
                    byte(luma + times(cb, 29_032)),
                ];
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::image::Plane;

    #[test]
    fn fixed_point_stays_within_a_level_of_the_standard() {
        let all = |value: fn(usize) -> u8| (0..65_536).map(value).collect::<Vec<u8>>();
        for luma in [0u8, 16, 77, 128, 200, 255] {
            let plane = |samples| Plane { size: Size::new(256, 256), samples };
            let planes = [
                plane(vec![luma; 65_536]),
                plane(all(|i| (i % 256) as u8)),
                plane(all(|i| (i / 256) as u8)),
            ];
            let planar = Planar { size: Size::new(256, 256), subsampling: (1, 1), planes };
            let rgb = to_rgb(planar).unwrap();
            for (i, pixel) in rgb.samples().chunks_exact(3).enumerate() {
                let (cb, cr) = ((i % 256) as f64 - 128.0, (i / 256) as f64 - 128.0);
                let luma = f64::from(luma);
                let exact =
                    [luma + 1.402 * cr, luma - 0.344_136 * cb - 0.714_136 * cr, luma + 1.772 * cb];
                for (got, exact) in pixel.iter().zip(exact) {
                    assert!(
                        (f64::from(*got) - exact.clamp(0.0, 255.0)).abs() <= 0.6,
                        "{luma} {cb} {cr}: {pixel:?} {exact}"
                    );
                }
            }
        }
    }
}

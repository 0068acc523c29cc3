//! The passes of a program, run on an image.

use crate::image::{ColorSpace, Pixels};
use crate::kernels::{canvas, orient, planes, resample};
use crate::lower::{Pass, Work};
use crate::stage::Resample;
use crate::{Error, Image, Limits, Result, icc};

/// Runs passes on an image that the decoder has scaled by `scale`, across and down; `tell` hears of
/// each before it runs.
pub(super) fn run_passes(
    mut image: Image,
    scale: (f64, f64),
    passes: &[Pass],
    limits: &Limits,
    mut tell: impl FnMut(&Pass),
) -> Result<Image> {
    if matches!(&image.color, ColorSpace::Icc(profile) if icc::is_srgb(profile)) {
        image.color = ColorSpace::Srgb;
    }
    let mut scale = scale;
    for pass in passes {
        tell(pass);
        let in_step = |error: Error| error.in_step(*pass.steps.start());
        // Geometry means the same in every color space; everything else is defined in sRGB.
        if !is_geometry(&pass.work) {
            image.convert_to_srgb().map_err(in_step)?;
        }
        image
            .map_pixels(|pixels| {
                let pixels = apply(&pass.work, pixels, scale)?;
                limits.check_size(pixels.size())?;
                Ok(pixels)
            })
            .map_err(in_step)?;
        scale = (1.0, 1.0);
    }
    Ok(image)
}

fn is_geometry(work: &Work) -> bool {
    match work {
        Work::Orient(_) | Work::Crop(_) | Work::Resample(..) => true,
        Work::Extend(extend) => extend.color.is_of_any_profile(),
        Work::Area(area) => area.is_geometry(),
        Work::Colors(_) => false,
    }
}

/// One piece of work on one frame; `scale` is what the decoder scaled by, of which only the first
/// pass, a resample, has to know.
fn apply(work: &Work, pixels: Pixels, scale: (f64, f64)) -> Result<Pixels> {
    match work {
        Work::Orient(orientation) => match pixels {
            Pixels::Ycc(planar) if !orient::is_exact_on_planes(planar.size, planar.subsampling) => {
                orient::orient(Pixels::U8(planes::to_rgb(planar)?), *orientation)
            }
            pixels => orient::orient(pixels, *orientation),
        },
        Work::Crop(rect) => canvas::crop(&pixels.into_packed()?, *rect),
        Work::Resample(resample, subsampling) => {
            let scaled = Resample { source: resample.source.scaled(scale.0, scale.1), ..*resample };
            match pixels {
                Pixels::Ycc(planar) => {
                    resample::resample_planes(&planar, &scaled, *subsampling).map(Pixels::Ycc)
                }
                pixels => resample::resample(pixels, &scaled),
            }
        }
        Work::Extend(extend) => canvas::extend(pixels.into_packed()?, extend),
        Work::Colors(pass) => pass.run(pixels),
        Work::Area(area) => area.apply(pixels.into_packed()?),
    }
}

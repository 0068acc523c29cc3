//! The image operations, one file each.

mod annotate;
mod auto_orient;
mod bleach_bypass;
mod blur;
mod border;
mod brightness;
mod change_dimensions;
mod cinematic;
mod clarity;
mod contrast;
mod cool_film;
mod crop;
mod cross_process;
mod dehaze;
mod deskew;
mod dramatic;
mod duotone;
mod edge_detect;
mod emboss;
mod exposure;
mod extend_canvas;
mod faded;
mod flip;
mod gamma;
mod glow;
mod golden_hour;
mod grain;
mod grayscale;
mod halftone;
mod highlights;
mod hue;
mod invert;
mod lut;
mod matte;
mod meme_text;
mod mirror;
mod noir;
mod overlay;
mod pad;
mod perspective;
mod pixelate;
mod polaroid;
mod posterize;
mod redact;
mod resize;
mod retro;
mod rotate;
mod round_corners;
mod saturation;
mod sepia;
mod shadows;
mod sharpen;
mod solarize;
mod straighten;
mod teal_orange;
mod temperature;
mod text_overlay;
mod tilt_shift;
mod tint;
mod trim;
mod vibrance;
mod vignette;
mod vintage;
mod vivid;
mod warm_film;
mod watermark;

use crate::image_op::Entry;

/// The image operations of this build, in the order in which they are listed.
pub static IMAGE_OPS: &[Entry] = &[
    Entry::of::<resize::Resize>(),
    Entry::of::<crop::Crop>(),
    Entry::of::<rotate::Rotate>(),
    Entry::of::<flip::Flip>(),
    Entry::of::<mirror::Mirror>(),
    Entry::of::<auto_orient::AutoOrient>(),
    Entry::of::<pad::Pad>(),
    Entry::of::<deskew::Deskew>(),
    Entry::of::<straighten::Straighten>(),
    Entry::of::<trim::Trim>(),
    Entry::of::<extend_canvas::ExtendCanvas>(),
    Entry::of::<change_dimensions::ChangeDimensions>(),
    Entry::of::<perspective::Perspective>(),
    Entry::of::<cinematic::Cinematic>(),
    Entry::of::<warm_film::WarmFilm>(),
    Entry::of::<cool_film::CoolFilm>(),
    Entry::of::<vintage::Vintage>(),
    Entry::of::<retro::Retro>(),
    Entry::of::<noir::Noir>(),
    Entry::of::<vivid::Vivid>(),
    Entry::of::<matte::Matte>(),
    Entry::of::<faded::Faded>(),
    Entry::of::<teal_orange::TealOrange>(),
    Entry::of::<golden_hour::GoldenHour>(),
    Entry::of::<polaroid::Polaroid>(),
    Entry::of::<dramatic::Dramatic>(),
    Entry::of::<cross_process::CrossProcess>(),
    Entry::of::<bleach_bypass::BleachBypass>(),
    Entry::of::<sepia::Sepia>(),
    Entry::of::<grayscale::Grayscale>().also(&["black_and_white"]),
    Entry::of::<lut::Lut>(),
    Entry::of::<blur::Blur>(),
    Entry::of::<sharpen::Sharpen>(),
    Entry::of::<vignette::Vignette>(),
    Entry::of::<grain::Grain>(),
    Entry::of::<pixelate::Pixelate>(),
    Entry::of::<invert::Invert>(),
    Entry::of::<posterize::Posterize>(),
    Entry::of::<duotone::Duotone>(),
    Entry::of::<solarize::Solarize>(),
    Entry::of::<emboss::Emboss>(),
    Entry::of::<edge_detect::EdgeDetect>(),
    Entry::of::<halftone::Halftone>(),
    Entry::of::<glow::Glow>(),
    Entry::of::<tilt_shift::TiltShift>(),
    Entry::of::<brightness::Brightness>(),
    Entry::of::<contrast::Contrast>(),
    Entry::of::<saturation::Saturation>(),
    Entry::of::<exposure::Exposure>(),
    Entry::of::<gamma::Gamma>(),
    Entry::of::<hue::Hue>(),
    Entry::of::<temperature::Temperature>(),
    Entry::of::<tint::Tint>(),
    Entry::of::<highlights::Highlights>(),
    Entry::of::<shadows::Shadows>(),
    Entry::of::<vibrance::Vibrance>(),
    Entry::of::<clarity::Clarity>(),
    Entry::of::<dehaze::Dehaze>(),
    Entry::of::<text_overlay::TextOverlay>(),
    Entry::of::<watermark::Watermark>(),
    Entry::of::<overlay::Overlay>(),
    Entry::of::<redact::Redact>(),
    Entry::of::<annotate::Annotate>(),
    Entry::of::<border::Border>(),
    Entry::of::<round_corners::RoundCorners>(),
    Entry::of::<meme_text::MemeText>(),
];

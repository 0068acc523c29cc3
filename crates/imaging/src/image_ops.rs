//! The image operations, one file each.

mod annotate;
mod auto_orient;
mod blur;
mod border;
mod brightness;
mod change_dimensions;
mod cinematic;
mod contrast;
mod crop;
mod deskew;
mod extend_canvas;
mod flip;
mod grayscale;
mod meme_text;
mod mirror;
mod overlay;
mod pad;
mod perspective;
mod redact;
mod resize;
mod rotate;
mod round_corners;
mod saturation;
mod sepia;
mod sharpen;
mod straighten;
mod text_overlay;
mod trim;
mod vignette;
mod warm_film;
mod watermark;

use crate::image_op::{Entry, Group};

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
    Entry::of::<grayscale::Grayscale>().also(&["black_and_white"]),
    Entry::of::<sepia::Sepia>(),
    Entry::of::<vignette::Vignette>(),
    Entry::of::<blur::Blur>(),
    Entry::of::<sharpen::Sharpen>(),
    Entry::of::<brightness::Brightness>(),
    Entry::of::<contrast::Contrast>(),
    Entry::of::<saturation::Saturation>(),
    Entry::of::<text_overlay::TextOverlay>(),
    Entry::of::<watermark::Watermark>(),
    Entry::of::<overlay::Overlay>(),
    Entry::of::<redact::Redact>(),
    Entry::of::<annotate::Annotate>(),
    Entry::of::<border::Border>(),
    Entry::of::<round_corners::RoundCorners>(),
    Entry::of::<meme_text::MemeText>(),
];

/// Operations of the interface that this build does not have yet.
pub static LATER: &[(Group, &[&str])] = &[(
    Group::Filter,
    &[
        "cool_film",
        "vintage",
        "retro",
        "noir",
        "vivid",
        "matte",
        "faded",
        "teal_orange",
        "golden_hour",
        "polaroid",
        "dramatic",
        "cross_process",
        "bleach_bypass",
        "lut",
        "grain",
        "pixelate",
        "invert",
        "posterize",
        "duotone",
        "solarize",
        "emboss",
        "edge_detect",
        "halftone",
        "glow",
        "exposure",
        "gamma",
        "hue",
        "temperature",
        "tint",
        "highlights",
        "shadows",
        "vibrance",
        "clarity",
    ],
)];

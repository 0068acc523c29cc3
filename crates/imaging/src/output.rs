//! How a result is to be written: the `output` block of every request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::color::Color;
use crate::params::Pages;

/// How the result is written. Every field has a default that suits the format.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// The format: a name, or `same_as_input`.
    pub output_format: Option<String>,
    /// 1 (smallest file) to 100 (best picture). JPEG 85, WebP 80, AVIF 60, JPEG XL 88.
    #[schemars(range(min = 1, max = 100))]
    pub quality: Option<u8>,
    /// No loss at all, where the format can (WebP, AVIF, JPEG XL, PDF). A JPEG that nothing touches
    /// goes into JPEG XL as it is, with the metadata that are kept, and can be had back so (not in
    /// CMYK or rare subsamplings, which are decoded).
    pub lossless: Option<bool>,
    /// 0 (fastest) to 10 (smallest file), one scale for all formats.
    #[schemars(range(min = 0, max = 10))]
    pub effort: Option<u8>,
    /// Coarse to fine while it loads (JPEG, JPEG XL).
    pub progressive: Option<bool>,
    /// How much colour detail is kept.
    pub chroma_subsampling: Option<ChromaSubsampling>,
    /// The colour behind transparent pixels when the format has no alpha. White by default.
    pub background: Option<Color>,
    /// `true` drops all metadata, `false` keeps Exif and XMP whole; comments and IPTC blocks are
    /// never kept. By default the ICC profile (where it matters), copyright, creator and
    /// resolution are kept, the rest (GPS among it) is dropped.
    pub strip_metadata: Option<bool>,
    /// What becomes of the colour profile.
    pub icc: Option<IccPolicy>,
    /// Bits a sample: 8 or 16 (PNG, TIFF, JPEG XL, PNM), 8, 10 or 12 (AVIF).
    #[schemars(range(min = 8, max = 16))]
    pub bit_depth: Option<u8>,
    /// The resolution that is written into the file, in pixels an inch; a drawing or PDF page is
    /// drawn at it.
    #[schemars(range(min = 1, max = 10_000))]
    pub dpi: Option<f64>,
    /// Which pages of a document: `all`, `1`, `1,3,5`, `2-6`. All by default.
    pub pages: Option<Pages>,
    /// Which frames of an animation become files when the format is a still one. The first by
    /// default.
    pub frames: Option<FrameChoice>,
    /// At most this many colors, in a palette (PNG, GIF). A PNG becomes as small as 1 bit a pixel
    /// and keeps soft edges; an animated one has no palette.
    #[schemars(range(min = 2, max = 256))]
    pub palette: Option<u16>,
    /// How often an animation plays; 0 is for ever. As in the input by default.
    #[serde(rename = "loop")]
    #[schemars(range(min = 0, max = 65_535))]
    pub loop_count: Option<u32>,
}

impl Output {
    /// The fields that are given, by their names on the wire.
    pub(crate) fn given(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            _ if *self == Self::default() => Map::new(),
            Ok(Value::Object(mut fields)) => {
                fields.retain(|_, value| !value.is_null());
                fields
            }
            _ => Map::new(),
        }
    }

    /// Whether the color samples keep their number, unless something else is asked for: from
    /// quality 90 on, which no format has by default.
    pub(crate) fn keeps_full_chroma(&self) -> bool {
        match self.chroma_subsampling.unwrap_or(ChromaSubsampling::Auto) {
            ChromaSubsampling::Half => false,
            ChromaSubsampling::Full => true,
            ChromaSubsampling::Auto => self.quality.is_some_and(|quality| quality >= 90),
        }
    }

    /// Whether the color profile stays, or else the pixels become sRGB.
    pub(crate) fn keeps_profile(&self) -> bool {
        match self.icc {
            Some(IccPolicy::Keep) => true,
            Some(IccPolicy::Srgb | IccPolicy::Strip) => false,
            None => self.strip_metadata != Some(true),
        }
    }

    /// Takes over every field that `later` gives.
    pub fn merge(&mut self, later: Self) {
        let Self {
            output_format,
            quality,
            lossless,
            effort,
            progressive,
            chroma_subsampling,
            background,
            strip_metadata,
            icc,
            bit_depth,
            dpi,
            pages,
            frames,
            palette,
            loop_count,
        } = later;
        self.output_format = output_format.or(self.output_format.take());
        self.quality = quality.or(self.quality);
        self.lossless = lossless.or(self.lossless);
        self.effort = effort.or(self.effort);
        self.progressive = progressive.or(self.progressive);
        self.chroma_subsampling = chroma_subsampling.or(self.chroma_subsampling);
        self.background = background.or(self.background);
        self.strip_metadata = strip_metadata.or(self.strip_metadata);
        self.icc = icc.or(self.icc);
        self.bit_depth = bit_depth.or(self.bit_depth);
        self.dpi = dpi.or(self.dpi);
        self.pages = pages.or(self.pages.take());
        self.frames = frames.or(self.frames);
        self.palette = palette.or(self.palette);
        self.loop_count = loop_count.or(self.loop_count);
    }
}

/// How much colour detail a lossy format keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChromaSubsampling {
    /// A quarter of the colour samples: what most photographs on the web have.
    #[serde(rename = "4:2:0")]
    Half,
    /// All colour samples: for red text, drawings and screenshots.
    #[serde(rename = "4:4:4")]
    Full,
    /// 4:2:0 below quality 90, else 4:4:4.
    #[serde(rename = "auto")]
    Auto,
}

/// What becomes of the colour profile of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IccPolicy {
    /// Pixels and profile stay as they are, where the format can say so.
    Keep,
    /// Pixels become sRGB.
    Srgb,
    /// Pixels become sRGB and no profile is written.
    Strip,
}

/// Which frames of an animation become files when the format is a still one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FrameChoice {
    /// The first frame alone.
    First,
    /// Every frame, a file each.
    All,
}

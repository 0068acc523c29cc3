use schemars::JsonSchema;
use serde::Deserialize;

use crate::Size;
use crate::draft::{Draft, Lost};
use crate::kernels::resample::Kernel;
use crate::operation::{Entry, Operation};
use crate::output::Output;
use crate::params::{self, Effort, Params, Pixels, Quality};
use crate::stage::{RectF, Resample, Stage};

pub(super) const ENTRY: Entry = Entry {
    name: "optimize",
    about: "Makes the file smaller, in its own format or another.",
    example: r#"{"input_format": "png", "operation": "convert_to_webp"}"#,
    schema: params::schema_of::<Optimize>,
    later: Optimize::LATER,
    parse: |json, pointer, _, faults| {
        params::parse::<Optimize>(json, pointer, faults)
            .map(|optimize| Box::new(optimize) as Box<dyn Operation>)
    },
};

/// Makes the file smaller.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Optimize {
    /// How.
    operation: Method,
    /// Settings; each has a default that suits the method.
    #[serde(default)]
    options: Options,
}

/// How a file is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Method {
    /// In its own format, a little below the usual quality and with more effort. Never larger than
    /// it came.
    Compress,
    /// As WebP.
    ConvertToWebp,
    /// As AVIF.
    ConvertToAvif,
    /// As JPEG XL.
    ConvertToJxl,
    /// As JPEG.
    ConvertToJpg,
    /// As PNG.
    ConvertToPng,
}

/// Settings of an optimization.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// 1 (smallest file) to 100 (best picture), for lossy formats.
    quality: Option<Quality>,
    /// 0 (fastest) to 10 (smallest file).
    effort: Option<Effort>,
    /// The image is made smaller where it is wider than this.
    max_width: Option<Pixels>,
    /// The image is made smaller where it is higher than this.
    max_height: Option<Pixels>,
    /// `true` drops all metadata, `false` keeps Exif and XMP whole.
    strip_metadata: Option<bool>,
}

impl Params for Optimize {
    const NAME: &'static str = "optimize";
    const EXAMPLE: &'static str = r#"{"operation": "convert_to_webp"}"#;
    const LATER: &'static [&'static str] = &[
        "operation=compress_to_target_size",
        "operation=compress_to_target_quality",
        "operation=lossless",
        "operation=optimize_for_web",
        "operation=smallest",
        "target_size_kb",
        "target_score",
        "formats",
    ];
}

impl Operation for Optimize {
    fn lower(&self, draft: &mut Draft<'_>) -> Result<(), Lost> {
        let Options { quality, effort, max_width, max_height, strip_metadata } = &self.options;
        let input = draft.size();
        let shrink = |max: Option<Pixels>, side: u32| {
            max.map_or(1.0, |max| f64::from(max.get()) / f64::from(side))
        };
        let factor = shrink(*max_width, input.width).min(shrink(*max_height, input.height));
        if factor < 1.0 {
            let side = |length: u32| ((f64::from(length) * factor + 0.5).floor() as u32).max(1);
            let size = Size::new(side(input.width), side(input.height));
            draft.push(Stage::Resample(Resample {
                source: RectF::full(input),
                size,
                kernel: Kernel::default(),
            }));
        }
        let format = match self.operation {
            Method::Compress => None,
            Method::ConvertToWebp => Some("webp"),
            Method::ConvertToAvif => Some("avif"),
            Method::ConvertToJxl => Some("jxl"),
            Method::ConvertToJpg => Some("jpg"),
            Method::ConvertToPng => Some("png"),
        };
        let compress = self.operation == Method::Compress;
        draft.optimize(compress);
        draft.set_defaults(Output {
            quality: compress.then_some(78),
            effort: compress.then_some(8),
            progressive: compress.then_some(true),
            ..Output::default()
        });
        draft.set_output(Output {
            output_format: format.map(str::to_owned),
            quality: quality.map(Quality::get),
            effort: effort.map(Effort::get),
            strip_metadata: *strip_metadata,
            ..Output::default()
        });
        Ok(())
    }
}

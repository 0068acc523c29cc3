//! From a picture to a file.

use serde_json::json;

use super::*;
use crate::color::Color;
use crate::format::{DpiPlace, Wrapped};
use crate::image::ColorSpace;
use crate::kernels::planes;
use crate::metadata::{Metadata, exif};
use crate::output::{IccPolicy, Output};
use crate::run::Codec;

/// Code and message of the warning.
const ORIGINAL_KEPT: (&str, &str) = (
    "original_kept",
    "a new encode would not be smaller, so the original's pixels are passed through",
);

/// A file that has been written.
pub(super) struct Written {
    pub(super) format: &'static Format,
    pub(super) size: Size,
    pub(super) bytes: Vec<u8>,
    pub(super) encode_generations: u32,
}

impl Runner<'_> {
    /// Encodes a picture, or passes the original through where an optimizer could only make it
    /// larger. `number` stands in the name of the file.
    pub(super) fn write(&mut self, made: Made, header: &Header, number: Option<u32>) -> Result<()> {
        let Made { mut image, intent, format, unchanged, .. } = made;
        let output = intent.output;
        let size = image.size();
        let same_colors = self.apply_policy(&mut image, &output)?;
        self.fit(&mut image, format, &output)?;
        let is_soft = |frame: &Frame| !format.soft_alpha && frame.pixels.has_soft_alpha();
        if image.frames.iter().any(is_soft) {
            self.warn("alpha_hardened", format.hardened_alpha());
        }
        self.tell_effort(format, &output, size, false);
        let encode =
            format.encode.ok_or_else(|| Error::internal("the format cannot be written"))?;
        self.steps.events.codec(Codec::Encode);
        let mut bytes = encode(&image, &output)?;
        let lossy = (format.is_lossy)(&output);
        let mut encode_generations = u32::from(lossy);
        let same_format = format == header.format;
        // What the rewriter cannot change must be as it is wanted: the colors.
        let may_pass = intent.never_larger && same_format && unchanged && same_colors;
        let metadata = std::mem::take(&mut image.metadata).oriented(header.orientation);
        if may_pass
            && header.sequence == Sequence::Still
            && let Some(original) = self.original(&bytes, format, &metadata)?
        {
            bytes = original;
            encode_generations = 0;
        }
        if lossy && encode_generations == 1 && header.is_lossy && unchanged && same_format {
            self.warn(
                "lossy_after_lossy",
                "a lossy file is encoded with loss again, without a change to the picture",
            );
        }
        self.push_output(Written { format, size, bytes, encode_generations }, number);
        Ok(())
    }

    /// Writes the output around the input's compressed image, where nothing touches the pixels.
    pub(super) fn wrapped(&mut self, header: &Header) -> Result<bool> {
        let mut draft = self.draft(header, &[])?;
        let format = draft.output_format();
        let Draft { stages, intent, warnings, .. } = draft;
        let Some(wrap) = format.wrap.filter(|_| stages.is_empty()) else { return Ok(false) };
        let last = self.plan.last_step();
        let wrapped = wrap(self.input.bytes, header, &intent.output, self.limits)
            .map_err(|error| error.in_step(last))?;
        let bytes = match wrapped {
            Wrapped::File(bytes) => bytes,
            Wrapped::Pixels => return Ok(false),
            Wrapped::OnlyPixels(why) => {
                self.warn("pixels_encoded", why);
                return Ok(false);
            }
        };
        self.steps.begin_through(last);
        for warning in warnings {
            self.add_warning(warning);
        }
        self.warn(
            "original_kept",
            format!("the image data went into the {} as they are, without loss", format.title),
        );
        let size = header.upright_size();
        self.push_output(Written { format, size, bytes, encode_generations: 0 }, None);
        Ok(true)
    }

    /// Says so where a file gets less effort than is asked for.
    pub(super) fn tell_effort(
        &mut self,
        format: &Format,
        output: &Output,
        size: Size,
        is_animation: bool,
    ) {
        if let Some(message) = format.lowered_effort(output, size, is_animation) {
            self.warn("effort_lowered", message);
        }
    }

    /// See [`apply_policy`]; remembers for the whole file.
    pub(super) fn apply_policy(&mut self, image: &mut Image, output: &Output) -> Result<bool> {
        let same_colors = apply_policy(image, output)?;
        self.same_colors &= same_colors;
        Ok(same_colors)
    }

    /// The input with this metadata, where it is no larger than what was encoded.
    pub(super) fn original(
        &mut self,
        encoded: &[u8],
        format: &Format,
        metadata: &Metadata,
    ) -> Result<Option<Vec<u8>>> {
        let Some(rewrite) = format.rewrite.filter(|_| encoded.len() >= self.input.bytes.len())
        else {
            return Ok(None);
        };
        let original = rewrite(self.input.bytes, metadata)?;
        if original.len() > encoded.len() {
            return Ok(None);
        }
        self.warn(ORIGINAL_KEPT.0, ORIGINAL_KEPT.1);
        Ok(Some(original))
    }

    /// Passes the whole file through where its format has no rewriter and an optimizer made it
    /// larger. What it says beside its pixels passes with it, so it must be wanted.
    pub(super) fn keep_whole(&mut self, intent: &Intent, unchanged: bool) {
        let settings = &intent.output;
        // Its profile passes as well.
        let may_have_profile = matches!(settings.icc, None | Some(IccPolicy::Keep));
        let all = settings.pages.as_ref().is_none_or(|pages| {
            pages.of(self.header.frames).is_ok_and(|pages| pages.len() as u32 == self.header.frames)
        });
        let [output] = self.report.outputs.as_mut_slice() else { return };
        let no_smaller = output.bytes.len() >= self.input.bytes.len();
        let format = self.header.format;
        if !(intent.never_larger
            && unchanged
            && may_have_profile
            && self.same_colors
            && all
            && no_smaller)
            || output.format != format.name
            || format.rewrite.is_some()
        {
            return;
        }
        if self.says_more && settings.strip_metadata != Some(false) {
            let message = "the file grew: its metadata cannot be removed without a new encode";
            return self.warn("larger", message);
        }
        output.bytes = self.input.bytes.to_vec();
        output.encode_generations = 0;
        let of_encode = ["rendered", "lossy_after_lossy"];
        self.report.warnings.retain(|warning| !of_encode.contains(&warning.code.as_str()));
        self.warn(ORIGINAL_KEPT.0, ORIGINAL_KEPT.1);
    }

    /// Fits a picture to its format and tells what had to go.
    pub(super) fn fit(
        &mut self,
        image: &mut Image,
        format: &Format,
        output: &Output,
    ) -> Result<()> {
        if let (Some(dpi), DpiPlace::Exif) = (output.dpi, format.dpi) {
            image.metadata.exif = Some(exif::with_dpi(image.metadata.exif.take(), dpi));
        }
        if fit_to_format(image, format, output)? {
            let message = format!("{} holds no transparency; it was laid over white", format.title);
            self.warn("alpha_flattened", message);
        }
        Ok(())
    }

    pub(super) fn push_output(&mut self, written: Written, number: Option<u32>) {
        let Written { format, size, bytes, encode_generations } = written;
        let number = number.map(|number| format!("-{number}")).unwrap_or_default();
        self.report.outputs.push(OutputFile {
            filename: format!("{}{number}.{}", stem(self.input.filename), format.name),
            format: format.name,
            mime_type: format.mime_type,
            width: size.width,
            height: size.height,
            encode_generations,
            bytes,
        });
    }

    pub(super) fn report_savings(&mut self, step_index: usize) {
        let original = self.input.bytes.len() as u64;
        let optimized: u64 =
            self.report.outputs.iter().map(|output| output.bytes.len() as u64).sum();
        let savings = 100.0 * (1.0 - optimized as f64 / original.max(1) as f64);
        self.push_data(
            step_index,
            json!({
                "original_size_bytes": original,
                "optimized_size_bytes": optimized,
                "savings_percent": (savings * 10.0).round() / 10.0,
            }),
        );
    }
}

/// Keeps of profile and metadata what is wanted, and says whether the pixels keep their colors as
/// the file says them.
pub(super) fn apply_policy(image: &mut Image, output: &Output) -> Result<bool> {
    // Before the metadata go, which say so.
    let own_colors = image.color == ColorSpace::Srgb && !image.metadata.colors_changed;
    match output.strip_metadata {
        Some(true) => image.metadata = Metadata::default(),
        Some(false) => image.metadata.make_upright(),
        None => image.metadata.keep_rights_only(),
    }
    if let Some(dpi) = output.dpi {
        image.metadata.dpi = Some((dpi, dpi));
    }
    let keeps_profile = output.keeps_profile();
    if !keeps_profile {
        image.convert_to_srgb()?;
    }
    Ok(keeps_profile || own_colors)
}

/// What the format cannot hold goes: alpha over the background, depth by rounding. Says whether
/// transparency was lost that nobody gave a background for.
pub(super) fn fit_to_format(image: &mut Image, format: &Format, output: &Output) -> Result<bool> {
    let background = output.background.unwrap_or(Color::WHITE);
    let deep = format.depth_written(output) > 8;
    let widen = deep && output.bit_depth.is_some();
    let mut dropped_alpha = false;
    image.map_pixels(|mut pixels| {
        if pixels.channels().has_alpha() && (!format.alpha || output.background.is_some()) {
            dropped_alpha |= output.background.is_none() && !pixels.is_opaque();
            pixels = canvas::flatten(pixels, background)?;
        }
        Ok(match pixels {
            Pixels::U16(packed) if !deep => Pixels::U8(canvas::narrow(&packed)?),
            Pixels::U8(packed) if widen => Pixels::U16(canvas::widen(&packed)?),
            Pixels::Ycc(planar) if !format.encodes_planes => Pixels::U8(planes::to_rgb(planar)?),
            pixels => pixels,
        })
    })?;
    Ok(dropped_alpha)
}

/// A file name without its folders and extension.
fn stem(filename: &str) -> &str {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or(filename);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ if name.is_empty() => "output",
        _ => name,
    }
}

//! PNG.

use std::borrow::Cow;
use std::io::Cursor;

use png::{
    BitDepth, ColorType, DecodingError, DeflateCompression, EncodingError, Filter, Info,
    PixelDimensions, Reader, Transformations,
};

use super::channels::{self, Plain};
use crate::format::{DecodeRequest, Decoded, DpiPlace, Format, Track};
use crate::image::{Channels, ColorSpace, Frame, Packed, Pixels};
use crate::kernels::narrow::{narrow, widen};
use crate::metadata::Metadata;
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

mod animation;
mod chunks;
mod color;
mod ending;
mod indexed;
mod inspect;
mod rewrite;

/// PNG.
pub static PNG: Format = Format {
    name: "png",
    aliases: &["apng"],
    title: "PNG",
    mime_type: "image/png",
    sniff: |start| start.starts_with(SIGNATURE),
    inspect: |limits| Box::new(inspect::Walk::start(limits)),
    decode: Some(decode),
    decode_frames: Some(animation::track),
    encode: Some(encode),
    encode_frames: Some(animation::encode_frames),
    // Whole seconds in 16 bits, where no finer fraction fits.
    delay_ms_max: 65_535_000,
    alpha: true,
    encodes_planes: false,
    // Nothing is lost if the picture has no more colors than that, but this is not known before.
    is_lossy: |output| output.palette.is_some(),
    rewrite: Some(rewrite::rewrite),
    dpi: DpiPlace::Own,
    bit_depths: &[8, 16],
    side_max: 65_535,
    decode_ns: 12.0,
    encode_ns,
    encode_memory: |output, size| {
        let bytes = if output.palette.is_some() { 10 } else { 4 };
        bytes * size.area()
    },
    ..Format::PLAIN
};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Keyword of the text chunk that holds XMP (XMP specification, part 3).
const XMP_KEYWORD: &str = "XML:com.adobe.xmp";
const METERS_PER_INCH: f64 = 0.0254;
/// The longest XMP, unpacked: a chunk of a few bytes could be any length.
const XMP_BYTES_MAX: usize = 16 << 20;
/// What the decoder may allocate beside the pixels: rows, profile, texts.
const SCRATCH_BYTES: usize = 64 << 20;

/// Pixels of a PNG.
pub(super) fn decode(bytes: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    if let Some(at) = ending::cut_at(bytes)
        && let Ok(image) = read(&[&bytes[..at], ending::END].concat(), limits)
        && ending::has_all_data(bytes, image.size())
    {
        return Ok(Decoded::full(image).without_end_mark(PNG.title));
    }
    read(bytes, limits).map(Decoded::full)
}

fn read(bytes: &[u8], limits: &Limits) -> Result<Image> {
    let mut reader = open(bytes, Transformations::EXPAND, limits)?;
    let size = Size::new(reader.info().width, reader.info().height);
    if let Some(animation) = reader.info().animation_control
        && animation.num_frames > 1
        && reader.info().frame_control.is_none()
    {
        // The picture for viewers that know no animation is not the first frame.
        return first_frame(bytes, limits);
    }
    let (color, depth) = reader.output_color_type();
    let channels = channels_of(color)?;
    let len = reader.output_buffer_size().ok_or_else(|| Error::limit("the PNG is too large"))?;
    let mut samples = native::buffer::zeroed(len)
        .map_err(|error| super::native_error("the PNG cannot be decoded", error))?;
    reader.next_frame(&mut samples).map_err(damage)?;
    let pixels = match depth {
        BitDepth::Sixteen => Pixels::U16(Packed::new(size, channels, from_big_endian(&samples))),
        _ => Pixels::U8(Packed::new(size, channels, samples)),
    };
    let pixels = channels::without_full_alpha(pixels);
    let info = reader.info();
    let is_gray = matches!(pixels.channels(), Channels::Gray | Channels::GrayAlpha);
    let color = color::color_space(info, is_gray);
    let pixels = color::shown(pixels, info)?;
    Ok(Image { color, metadata: metadata(info), ..Image::still(pixels) })
}

/// A decoder that stands before the first pixels.
fn open<'a>(
    bytes: &'a [u8],
    changes: Transformations,
    limits: &Limits,
) -> Result<Reader<Cursor<Cow<'a, [u8]>>>> {
    let scratch = png::Limits { bytes: SCRATCH_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(color::readable(bytes)), scratch);
    decoder.set_transformations(changes);
    let info = decoder.read_header_info().map_err(damage)?;
    limits.check_size(Size::new(info.width, info.height))?;
    let reader = decoder.read_info().map_err(damage)?;
    let Info { color_type, palette, .. } = reader.info();
    if let (ColorType::Indexed, Some(palette)) = (color_type, palette) {
        check_palette(palette.len())?;
    }
    Ok(reader)
}

/// Refuses a palette that is not 1 to 256 whole colors: at a rest of 1 or 2 bytes the decoder
/// panics. The inspector asks as well, but does not look at a PNG inside of an icon.
fn check_palette(len: usize) -> Result<()> {
    match len {
        3..=768 if len.is_multiple_of(3) => Ok(()),
        _ => Err(Error::input(format!(
            "the palette of the PNG has {len} bytes: that is not 3 for each of 1 to 256 colors"
        ))),
    }
}

fn first_frame(bytes: &[u8], limits: &Limits) -> Result<Image> {
    let Track { loop_count, color, metadata, mut frames, .. } = animation::track(bytes, limits)?;
    let first = frames.next().ok_or_else(|| Error::input("the PNG has no frame"))??;
    let frames = vec![Frame { delay_ms: 0, ..first }];
    Ok(Image { frames, loop_count, color, metadata })
}

fn channels_of(color: ColorType) -> Result<Channels> {
    match color {
        ColorType::Grayscale => Ok(Channels::Gray),
        ColorType::GrayscaleAlpha => Ok(Channels::GrayAlpha),
        ColorType::Rgb => Ok(Channels::Rgb),
        ColorType::Rgba => Ok(Channels::Rgba),
        ColorType::Indexed => Err(Error::internal("the PNG decoder did not expand a palette")),
    }
}

fn from_big_endian(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn metadata(info: &Info<'_>) -> Metadata {
    let xmp = info.utf8_text.iter().find(|text| text.keyword == XMP_KEYWORD).cloned();
    let xmp = xmp.and_then(|mut text| {
        text.decompress_text_with_limit(XMP_BYTES_MAX).ok()?;
        text.get_text().ok()
    });
    let dpi = info.pixel_dims.filter(|dims| dims.unit == png::Unit::Meter);
    let dpi = dpi.filter(|dims| dims.xppu > 0 && dims.yppu > 0).map(|dims| {
        (f64::from(dims.xppu) * METERS_PER_INCH, f64::from(dims.yppu) * METERS_PER_INCH)
    });
    Metadata {
        colors_changed: color::changes(info),
        exif: info.exif_metadata.as_deref().map(<[u8]>::to_vec),
        xmp: xmp.map(String::into_bytes),
        dpi,
    }
}

fn damage(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::input("the PNG ends early")
        }
        DecodingError::LimitsExceeded => Error::limit("the PNG needs more memory than it may have"),
        error => Error::input(format!("the PNG is damaged: {}", in_our_words(&error.to_string()))),
    }
}

/// What the decoder says, without the types that it says it in.
fn in_our_words(text: &str) -> String {
    let chunk = text.split_once("ChunkType { type: ").and_then(|(before, rest)| {
        let (name, rest) = rest.split_once(',')?;
        Some((before, name, rest.split_once('}')?.1))
    });
    let text = match chunk {
        Some((before, name, _)) if before.starts_with("CRC error") => {
            format!("the checksum of its {name} chunk is wrong")
        }
        Some((before, name, after)) => format!("{before}{name}{after}"),
        None => text.to_owned(),
    };
    text.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// A PNG of an image.
pub(super) fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("a PNG holds one frame"));
    };
    if let Some(colors_max) = output.palette {
        return indexed::encode(image, pixels, colors_max, output);
    }
    let pixels = at_depth(pixels, output.bit_depth);
    // A profile for RGB would not fit grey samples.
    let may_be_gray = image.color == ColorSpace::Srgb;
    let plain = match &*pixels {
        Pixels::U8(packed) => channels::plain(packed, may_be_gray),
        Pixels::U16(packed) => channels::plain(packed, may_be_gray),
        Pixels::Ycc(_) => return Err(Error::internal("a PNG holds no Y'CbCr planes")),
    };
    let mut smallest: Option<Vec<u8>> = None;
    for settings in attempts(output.effort.unwrap_or(0)) {
        let png = write(image, &plain, *settings).map_err(failure)?;
        if smallest.as_ref().is_none_or(|smallest| png.len() < smallest.len()) {
            smallest = Some(png);
        }
    }
    smallest.ok_or_else(|| Error::internal("no PNG was written"))
}

fn at_depth(pixels: &Pixels, bit_depth: Option<u8>) -> Cow<'_, Pixels> {
    match (pixels, bit_depth) {
        (Pixels::U8(packed), Some(16)) => {
            let samples = widen(packed.samples());
            Cow::Owned(Pixels::U16(Packed::new(packed.size(), packed.channels(), samples)))
        }
        (Pixels::U16(packed), Some(8)) => {
            let samples = narrow(packed.samples());
            Cow::Owned(Pixels::U8(Packed::new(packed.size(), packed.channels(), samples)))
        }
        _ => Cow::Borrowed(pixels),
    }
}

/// From these efforts on a still picture is compressed in more than one way.
const SMALL_EFFORT: u8 = 5;
const SMALLEST_EFFORT: u8 = 8;

/// Nanoseconds a pixel, as measured on a photograph.
const FAST_NS: f32 = 10.0;
const SMALL_NS: f32 = 210.0;
const SMALLEST_NS: f32 = 700.0;

fn encode_ns(output: &Output, is_animation: bool) -> f32 {
    if is_animation {
        return animation::encode_ns(output.effort);
    }
    match (output.effort.unwrap_or(0), output.palette) {
        (0..SMALL_EFFORT, None) => FAST_NS,
        (0..SMALL_EFFORT, Some(_)) => 120.0,
        (SMALL_EFFORT..SMALLEST_EFFORT, _) => SMALL_NS,
        _ => SMALL_NS + SMALLEST_NS,
    }
}

/// How to compress.
type Settings = (DeflateCompression, Filter);

/// A compressor made for the statistics of filtered photographs: better than zlib's middle levels
/// on those, at a tenth of the time.
const FAST: Settings = (DeflateCompression::FdeflateUltraFast, Filter::Adaptive);
/// Finds the long repeats of drawings and screenshots.
const SMALL: Settings = (DeflateCompression::Level(6), Filter::Adaptive);
const UNFILTERED: Settings = (DeflateCompression::Level(9), Filter::NoFilter);
const SMALLEST: Settings = (DeflateCompression::Level(9), Filter::Adaptive);

/// All of them are tried, the smallest file wins.
fn attempts(effort: u8) -> &'static [Settings] {
    match effort {
        0..SMALL_EFFORT => &[FAST],
        SMALL_EFFORT..SMALLEST_EFFORT => &[FAST, SMALL],
        _ => &[FAST, UNFILTERED, SMALLEST],
    }
}

fn write(image: &Image, plain: &Plain<'_>, settings: Settings) -> Result<Vec<u8>, EncodingError> {
    let mut info = png::Info::with_size(plain.size.width, plain.size.height);
    info.color_type = match plain.channels {
        Channels::Gray => ColorType::Grayscale,
        Channels::GrayAlpha => ColorType::GrayscaleAlpha,
        Channels::Rgb => ColorType::Rgb,
        Channels::Rgba => ColorType::Rgba,
    };
    info.bit_depth = if plain.is_wide { BitDepth::Sixteen } else { BitDepth::Eight };
    let mut bytes = Vec::new();
    let encoder = encoder(&mut bytes, info, (&image.color, &image.metadata), settings)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&plain.bytes)?;
    writer.finish()?;
    Ok(bytes)
}

/// An encoder that knows all but the pixels.
fn encoder<'a>(
    bytes: &'a mut Vec<u8>,
    mut info: png::Info<'a>,
    (color, metadata): (&'a ColorSpace, &'a Metadata),
    (deflate, filter): Settings,
) -> Result<png::Encoder<'a, &'a mut Vec<u8>>, EncodingError> {
    if let ColorSpace::Icc(icc) = color {
        info.icc_profile = Some(Cow::Borrowed(icc));
    }
    if let Some(exif) = &metadata.exif {
        info.exif_metadata = Some(Cow::Borrowed(exif));
    }
    info.pixel_dims = metadata.dpi.map(|(x, y)| {
        let per_meter = |dpi: f64| (dpi / METERS_PER_INCH).round() as u32;
        PixelDimensions { xppu: per_meter(x), yppu: per_meter(y), unit: png::Unit::Meter }
    });
    let mut encoder = png::Encoder::with_info(bytes, info)?;
    encoder.set_deflate_compression(deflate);
    encoder.set_filter(filter);
    if let Some(xmp) = metadata.xmp.as_ref().and_then(|xmp| str::from_utf8(xmp).ok()) {
        encoder.add_itxt_chunk(XMP_KEYWORD.into(), xmp.into())?;
    }
    Ok(encoder)
}

fn failure(error: EncodingError) -> Error {
    Error::internal(format!("the PNG cannot be written: {error}"))
}

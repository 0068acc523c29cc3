//! JPEG.

use std::ops::Range;

use native::turbojpeg::{
    self, Color, DecodedPlanes, EncodeOptions, Layout, Packed as NativePacked,
    Plane as NativePlane, Scale, Subsampling,
};

use crate::format::{DecodeRequest, Decoded, DpiPlace, Format};
use crate::formats::native_error;
use crate::image::{Channels, Frame, Packed, Pixels, Planar, Plane, Scalar};
use crate::kernels::narrow::narrow;
use crate::metadata::Metadata;
use crate::output::{ChromaSubsampling, Output};
use crate::{Error, Image, Limits, Result, Size};

pub(crate) mod baseline;
mod embed;
mod ending;
pub(super) mod ink;
mod inspect;
mod rewrite;
mod segments;
mod shared;
mod walk;

use super::chroma;
use super::profile;
pub(super) use embed::embed;
pub(super) use inspect::has_end;
use segments::Segments;

/// JPEG.
pub static JPEG: Format = Format {
    name: "jpg",
    aliases: &["jpeg", "jpe", "jfif"],
    title: "JPEG",
    mime_type: "image/jpeg",
    sniff: |start| start.starts_with(b"\xFF\xD8\xFF"),
    inspect: |limits| Box::new(inspect::Walk::start(limits)),
    decode: Some(decode),
    encode: Some(encode),
    alpha: false,
    encodes_planes: true,
    decodes_planes: true,
    is_lossy: |_| true,
    rewrite: Some(rewrite::rewrite),
    dpi: DpiPlace::Own,
    bit_depths: &[8],
    side_max: turbojpeg::SIDE_MAX,
    scales_when_decoding: true,
    decode_ns: 6.0,
    encode_ns: |_, _| 2.5,
    encode_memory: |_, size| size.area(),
    ..Format::PLAIN
};

/// Quality when none is asked for.
const QUALITY: u8 = 85;
/// Up to so many pixels, Huffman tables made for the image cost next to nothing and save 5 % and
/// more.
const SMALL_AREA: u64 = 512 * 512;
/// Working memory of the decoder: coefficients of progressive files take 2 bytes a sample.
const MEMORY_MB: u32 = 768;

/// Pixels of a JPEG, at whatever scale and in whatever form they are asked for.
pub(super) fn decode(bytes: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    // Where the decoder complains of anything then, data may be missing as well.
    if let Some(missing) = ending::missing(bytes)
        && let Ok((decoded, false)) = read(&[bytes, missing].concat(), request, limits)
    {
        return Ok(decoded.without_end_mark(JPEG.title));
    }
    let (decoded, warned) = read(bytes, request, limits)?;
    // The decoder tells of its first complaint alone; a harmless one may hide that the file was
    // cut.
    if warned && !inspect::has_end(bytes) {
        return Err(Error::input(ENDS_EARLY));
    }
    Ok(decoded)
}

/// The pixels, and whether the decoder complained about something that left them whole.
fn read(bytes: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<(Decoded, bool)> {
    let native_limits = turbojpeg::Limits {
        scans_max: limits.jpeg_scans_max,
        pixels_max: limits.pixels_max,
        memory_mb: MEMORY_MB,
    };
    let mut decoder = turbojpeg::Decoder::open(bytes, &native_limits).map_err(damage)?;
    let header = decoder.header();
    limits.check_size(Size::new(header.width, header.height))?;
    let segments = Segments::read(bytes);
    let mut icc = segments.icc();
    let wants_planes = request.planes && header.color == Color::YCbCr && header.has_planes();
    let eighths = eighths(request.scale_min);
    let planes = if wants_planes { baseline::planes(bytes, eighths) } else { None };
    let is_ours = planes.is_some();
    let scale = scale(request.scale_min);
    let pixels = match header.color {
        Color::YCbCr if let Some(planar) = planes => Pixels::Ycc(planar),
        Color::YCbCr if wants_planes => {
            Pixels::Ycc(planar(decoder.planes(scale).map_err(damage)?)?)
        }
        Color::Gray => packed(&mut decoder, Layout::Gray, scale)?,
        Color::YCbCr | Color::Rgb => packed(&mut decoder, Layout::Rgb, scale)?,
        Color::Cmyk | Color::Ycck => {
            let mut decoded = decoder.packed(Layout::Cmyk, scale).map_err(damage)?;
            if segments.is_adobe {
                decoded.samples.iter_mut().for_each(|sample| *sample = 255 - *sample);
            }
            let size = Size::new(decoded.width, decoded.height);
            let samples = ink::to_srgb(&decoded.samples, icc.take().as_deref());
            Pixels::U8(Packed::new(size, Channels::Rgb, samples))
        }
    };
    let image = Image {
        color: profile::color_space(icc, pixels.channels() == Channels::Gray),
        metadata: Metadata {
            colors_changed: matches!(header.color, Color::Cmyk | Color::Ycck),
            ..segments.metadata()
        },
        ..Image::still(pixels)
    };
    let scale = if is_ours { f64::from(eighths) / 8.0 } else { 1.0 / f64::from(scale.divisor()) };
    Ok((Decoded { image, scale, left_out: None }, decoder.warned()))
}

const ENDS_EARLY: &str = "the JPEG ends early";

fn damage(error: native::Error) -> Error {
    match error.kind {
        native::ErrorKind::Truncated => Error::input(ENDS_EARLY),
        _ => native_error("the JPEG cannot be decoded", error),
    }
}

/// The smallest number of eighths that is not below the least factor.
fn eighths(scale_min: f64) -> u32 {
    if scale_min <= 0.0 { 8 } else { (8.0 * scale_min).ceil().clamp(1.0, 8.0) as u32 }
}

/// The smallest factor of the library that is not below the least one.
fn scale(scale_min: f64) -> Scale {
    let fits = |scale: &Scale| 1.0 / f64::from(scale.divisor()) >= scale_min;
    if scale_min <= 0.0 {
        return Scale::Full;
    }
    Scale::ALL.into_iter().find(fits).unwrap_or(Scale::Full)
}

fn packed(decoder: &mut turbojpeg::Decoder<'_>, layout: Layout, scale: Scale) -> Result<Pixels> {
    let decoded = decoder.packed(layout, scale).map_err(damage)?;
    let channels = if layout == Layout::Gray { Channels::Gray } else { Channels::Rgb };
    let size = Size::new(decoded.width, decoded.height);
    Ok(Pixels::U8(Packed::new(size, channels, decoded.samples)))
}

fn planar(decoded: DecodedPlanes) -> Result<Planar> {
    let planes = decoded
        .planes
        .into_iter()
        .map(|plane| Plane { size: Size::new(plane.width, plane.height), samples: plane.samples });
    let planes: [Plane; 3] = planes
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| Error::internal("a colour JPEG has three planes"))?;
    Ok(Planar { size: planes[0].size, subsampling: decoded.subsampling.factors(), planes })
}

fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let jpeg = encode_bare(image, output)?;
    Ok(segments::with_segments(&jpeg, &image.metadata, &image.color))
}

/// A JPEG without metadata and profile: what surrounds it says what it means.
pub(super) fn encode_bare(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("a JPEG holds one frame"));
    };
    let options = options(image, output);
    match pixels {
        Pixels::U8(packed) => encode_packed(packed, packed.samples(), &options),
        Pixels::U16(packed) => encode_packed(packed, &narrow(packed.samples()), &options),
        Pixels::Ycc(planar) => encode_planar(planar, output, options),
    }
}

fn options(image: &Image, output: &Output) -> EncodeOptions {
    let quality = output.quality.unwrap_or(QUALITY).clamp(1, 100);
    let effort = output.effort.unwrap_or(0);
    let round = |dpi: f64| dpi.round().clamp(1.0, 65_535.0) as u16;
    EncodeOptions {
        quality,
        subsampling: if output.keeps_full_chroma() { Subsampling::S444 } else { Subsampling::S420 },
        progressive: output.progressive.unwrap_or(effort >= 10),
        optimize: effort >= 5 || image.size().area() <= SMALL_AREA,
        density: image.metadata.dpi.map(|(x, y)| (round(x), round(y))),
        restart_rows: None,
        color: None,
    }
}

fn encode_packed<S: Scalar>(
    packed: &Packed<S>,
    samples: &[u8],
    options: &EncodeOptions,
) -> Result<Vec<u8>> {
    let (layout, subsampling) = match packed.channels() {
        Channels::Gray => (Layout::Gray, Subsampling::Gray),
        Channels::Rgb => (Layout::Rgb, options.subsampling),
        Channels::GrayAlpha | Channels::Rgba => {
            return Err(Error::internal("a JPEG has no alpha: pixels are flattened before"));
        }
    };
    let (size, options) = (packed.size(), EncodeOptions { subsampling, ..*options });
    let stride = size.width as usize * layout.samples();
    shared::encode(size, &options, |rows, options| {
        let (width, height) = (size.width, rows.end - rows.start);
        let samples = &samples[rows.start as usize * stride..rows.end as usize * stride];
        let pixels = NativePacked { width, height, layout, samples };
        turbojpeg::encode_packed(&pixels, options).map_err(failure)
    })
}

fn encode_planar(planar: &Planar, output: &Output, mut options: EncodeOptions) -> Result<Vec<u8>> {
    let is_asked_for = matches!(output.chroma_subsampling, Some(ChromaSubsampling::Full));
    if options.subsampling == Subsampling::S444 && !is_asked_for {
        // Chroma that is gone does not come back by repeating it.
        options.subsampling = subsampling(planar.subsampling).unwrap_or(Subsampling::S444);
    }
    let down = options.subsampling.factors().1;
    let [blue, red] = chroma::at_subsampling(planar, options.subsampling.factors());
    shared::encode(planar.size, &options, |rows, options| {
        // A part ends with a whole row of units, the last with the image.
        let chroma_rows = rows.start / down..rows.end.div_ceil(down);
        let planes = [
            native_plane(&planar.planes[0], rows),
            native_plane(&blue, chroma_rows.clone()),
            native_plane(&red, chroma_rows),
        ];
        turbojpeg::encode_planes(&planes, options).map_err(failure)
    })
}

fn native_plane(plane: &Plane, rows: Range<u32>) -> NativePlane<'_> {
    let width = plane.size.width as usize;
    let samples = &plane.samples[rows.start as usize * width..rows.end as usize * width];
    NativePlane { width: plane.size.width, height: rows.end - rows.start, samples }
}

fn subsampling(factors: (u32, u32)) -> Option<Subsampling> {
    match factors {
        (1, 1) => Some(Subsampling::S444),
        (2, 1) => Some(Subsampling::S422),
        (2, 2) => Some(Subsampling::S420),
        (1, 2) => Some(Subsampling::S440),
        (4, 1) => Some(Subsampling::S411),
        (1, 4) => Some(Subsampling::S441),
        _ => None,
    }
}

fn failure(error: native::Error) -> Error {
    native_error("the JPEG cannot be written", error)
}

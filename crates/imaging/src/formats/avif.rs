//! AVIF: AV1 pictures (libaom) in the container that HEIC uses too.

use native::av1::{self as codec, Cicp, Layout, Picture, Search, Settings, Tune};

use super::{heif, native_error};
use crate::format::{DpiPlace, Format};
use crate::image::{ColorSpace, Frame, Pixels};
use crate::kernels;
use crate::output::{ChromaSubsampling, Output};
use crate::{Error, Image, Result};

mod planes;

/// AVIF.
pub static AVIF: Format = Format {
    name: "avif",
    aliases: &["avifs"],
    title: "AVIF",
    mime_type: "image/avif",
    sniff: |start| heif::has_brand(start, &[b"avif", b"avis"]),
    inspect: |limits| Box::new(heif::start(&AVIF, limits)),
    decode: Some(heif::decode),
    encode: Some(encode),
    alpha: true,
    encodes_planes: true,
    decodes_planes: true,
    is_lossy: |output| output.lossless != Some(true),
    dpi: DpiPlace::Exif,
    bit_depths: &[8, 10, 12],
    side_max: codec::SIDE_MAX,
    decode_ns: 80.0,
    decode_bytes: heif::DECODE_BYTES,
    encode_ns,
    encode_memory: |output, size| {
        let bytes = if output.lossless == Some(true) { 30 } else { 18 };
        bytes * size.area()
    },
    ..Format::PLAIN
};

/// Quality when none is asked for: about what JPEG 85 looks like.
const QUALITY: u8 = 60;
/// Effort when none is asked for: the knee of size against time.
const EFFORT: u8 = 4;

/// What RGB means that is stored as luma and differences, as JPEG has them.
const SRGB: Cicp = Cicp { primaries: 1, transfer: 13, matrix: 6, full_range: true };
/// The matrix that leaves green, blue and red as they are.
const IDENTITY: u8 = 0;
/// What a profile, or nobody, says.
const UNSPECIFIED: u8 = 2;

fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("a still AVIF holds one frame"));
    };
    let mut cicp = SRGB;
    let icc = match &image.color {
        ColorSpace::Srgb => None,
        ColorSpace::Icc(icc) => {
            (cicp.primaries, cicp.transfer) = (UNSPECIFIED, UNSPECIFIED);
            Some(&**icc)
        }
    };
    let (mut color, alpha) = pictures(pixels, output)?;
    if color.cicp.matrix == IDENTITY {
        cicp.matrix = IDENTITY;
    }
    color.cicp = cicp;
    let color_data = stream(&color, settings(output))?;
    let alpha_data = match &alpha {
        Some(alpha) => Some((alpha, stream(alpha, alpha_settings(output))?)),
        None => None,
    };
    let color_config = config(&color, &color_data);
    let alpha_config = alpha_data.as_ref().map(|(alpha, data)| config(alpha, data));
    let size = pixels.size();
    let item = |config, data| heif::Item { kind: *b"av01", config: (*b"av1C", config), size, data };
    let alpha = alpha_data.as_ref().zip(alpha_config.as_ref());
    let channels = if color.layout == Layout::Gray { 1 } else { 3 };
    Ok(heif::file(&heif::Parts {
        brand: *b"avif",
        color: item(&color_config, &color_data),
        depth: (channels, color.bit_depth),
        alpha: alpha.map(|((_, data), config)| item(config, data)),
        cicp: Some(cicp),
        icc,
        exif: image.metadata.exif.as_deref(),
        xmp: image.metadata.xmp.as_deref(),
    }))
}

/// Color and alpha as AV1 holds them.
fn pictures(pixels: &Pixels, output: &Output) -> Result<(Picture, Option<Picture>)> {
    let is_lossless = output.lossless == Some(true);
    let bit_depth = match output.bit_depth {
        None | Some(..=8) => 8,
        Some(9 | 10) => 10,
        Some(_) => 12,
    };
    let layout = if output.keeps_full_chroma() { Layout::S444 } else { Layout::S420 };
    let form = planes::Form { bit_depth, layout, is_lossless };
    match pixels {
        Pixels::Ycc(planar) if !is_lossless && bit_depth == 8 => {
            let is_asked_for = output.chroma_subsampling == Some(ChromaSubsampling::Full);
            // Chroma that is gone does not come back by repeating it.
            let is_half = planar.subsampling != (1, 1) && !is_asked_for;
            let layout = if is_half { Layout::S420 } else { layout };
            Ok((planes::from_planar(planar, layout, SRGB), None))
        }
        Pixels::Ycc(planar) => {
            planes::from_packed(&kernels::planes::to_rgb(planar.clone())?, form, SRGB)
        }
        Pixels::U8(packed) => planes::from_packed(packed, form, SRGB),
        Pixels::U16(packed) => planes::from_packed(packed, form, SRGB),
    }
}

/// Speed of the encoder and what it tries, by effort: each takes more time and fewer bytes than the
/// one before. The speeds that are missing take more of both than another.
const SPEEDS: [(u8, Search); 11] = [
    (9, Search::All),
    (8, Search::All),
    (6, Search::FewDirections),
    (6, Search::QuickTrellis),
    (6, Search::Cosine),
    (6, Search::All),
    (5, Search::Cosine),
    (5, Search::All),
    (3, Search::All),
    (2, Search::All),
    (1, Search::Partitions),
];

fn effort(output: &Output) -> usize {
    output.effort.unwrap_or(EFFORT).min(10).into()
}

/// As measured on a photograph.
fn encode_ns(output: &Output, _: bool) -> f32 {
    const NS: [f32; 11] = [
        350.0, 990.0, 1630.0, 1850.0, 2140.0, 2450.0, 5370.0, 7050.0, 16_200.0, 18_300.0, 36_000.0,
    ];
    let lossless = if output.lossless == Some(true) { 2.8 } else { 1.0 };
    NS[effort(output)] * lossless
}

fn settings(output: &Output) -> Settings {
    let (speed, search) = SPEEDS[effort(output)];
    Settings {
        speed,
        search,
        level: level(output.quality.unwrap_or(QUALITY)),
        lossless: output.lossless == Some(true),
        tune: Tune::Picture,
    }
}

/// Edges of alpha are seen more than those of colors.
fn alpha_settings(output: &Output) -> Settings {
    let settings = settings(output);
    Settings { level: settings.level / 2, tune: Tune::Error, ..settings }
}

/// The quantizer of the library, 0 to 63, by quality. At 60 photographs score in SSIMULACRA2 what
/// they do as JPEG at 85, at half the bytes.
fn level(quality: u8) -> u8 {
    let quality = u16::from(quality.clamp(1, 100));
    let knee = u16::from(QUALITY);
    let level = if quality >= knee {
        (100 - quality) * LEVEL / (100 - knee)
    } else {
        LEVEL + (knee - quality) * (63 - LEVEL) / (knee - 1)
    };
    level as u8
}

/// The quantizer at the usual quality.
const LEVEL: u16 = 10;

/// The coded picture, without the mark that only streams need.
fn stream(picture: &Picture, settings: Settings) -> Result<Vec<u8>> {
    let data = codec::encode(picture, settings)
        .map_err(|error| native_error("the AVIF cannot be written", error))?;
    Ok(match data.strip_prefix(&TEMPORAL_DELIMITER) {
        Some(rest) => rest.to_vec(),
        None => data,
    })
}

const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0];

/// What decoders are told before they see the stream (`av1C`).
fn config(picture: &Picture, stream: &[u8]) -> [u8; 4] {
    // The sequence header of a still picture: kind, length, then profile (3 bits), two marks, level
    // (5 bits).
    let level = match stream {
        &[0x0A, len, a, b, ..] if len < 0x80 && a & 0x18 == 0x18 => (a & 7) << 2 | b >> 6,
        _ => 31,
    };
    let profile = match (picture.layout, picture.bit_depth) {
        (Layout::S422, _) | (_, 12) => 2,
        (Layout::S444, _) => 1,
        (Layout::Gray | Layout::S420, _) => 0,
    };
    let (across, down) = picture.layout.factors();
    let flag = |is: bool, bit: u8| u8::from(is) << bit;
    let depth = flag(picture.bit_depth > 8, 6) | flag(picture.bit_depth == 12, 5);
    let chroma =
        flag(picture.layout == Layout::Gray, 4) | flag(across == 2, 3) | flag(down == 2, 2);
    [0x81, profile << 5 | level, depth | chroma, 0]
}

//! JPEG XL (ISO/IEC 18181). A JPEG that nothing touches becomes one without loss.

use ::jxl::api::{
    AlphaMode, Endianness, Event, JxlBasicInfo, JxlColorProfile, JxlColorType, JxlDataFormat,
    JxlDecoder, JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
};
use ::jxl::api::{ExtraChannel, JxlBitDepth};

use super::profile;
use crate::format::{DecodeRequest, Decoded, DpiPlace, Format};
use crate::image::{Channels, ColorSpace, Packed, Pixels};
use crate::{Error, Image, Limits, Result, Size};

mod animation;
mod bits;
mod boxes;
mod frame;
mod inspect;
mod splice;
mod wrap;
mod write;

/// JPEG XL.
pub static JXL: Format = Format {
    name: "jxl",
    aliases: &[],
    title: "JPEG XL",
    mime_type: "image/jxl",
    sniff: |start| start.starts_with(NAKED) || start.starts_with(CONTAINER),
    inspect: |limits| Box::new(inspect::Walk::start(limits)),
    whole_header: Some(animation::whole_header),
    decode: Some(decode),
    decode_frames: Some(animation::track),
    encode: Some(write::encode),
    encode_frames: Some(animation::encode_frames),
    deep_frames: true,
    alpha: true,
    is_lossy: |output| output.lossless != Some(true),
    rewrite: Some(boxes::rewrite),
    wrap: Some(wrap::wrap),
    dpi: DpiPlace::Exif,
    bit_depths: &[8, 16],
    side_max: SIDE_MAX,
    decode_ns: 50.0,
    encode_ns: write::encode_ns,
    encode_memory: write::memory,
    effort_lowered: write::effort_lowered,
    ..Format::PLAIN
};

/// How a codestream starts.
const NAKED: &[u8] = &[0xFF, 0x0A];
/// How a container starts: a box that says so.
const CONTAINER: &[u8] = b"\0\0\0\x0CJXL \r\n\x87\n";
/// The longest side that the header can say.
const SIDE_MAX: u32 = 1 << 30;
/// Samples a pixel may have: red, green, blue, black, alpha and some more.
const SAMPLES_A_PIXEL_MAX: u64 = 8;

fn decode(bytes: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let mut reader = Reader::open(bytes, limits)?;
    let (pixels, _) = reader.frame()?;
    let image = Image {
        color: reader.color(),
        metadata: boxes::metadata(bytes),
        ..Image::still(super::channels::without_full_alpha(pixels))
    };
    Ok(Decoded::full(image))
}

fn options(limits: &Limits) -> JxlDecoderOptions {
    let mut options = JxlDecoderOptions::default();
    options.adjust_orientation = false;
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.max_profile_level = ProfileLevel::Main10;
    let samples_max = limits.pixels_max.saturating_mul(SAMPLES_A_PIXEL_MAX);
    options.sample_limit = Some(usize::try_from(samples_max).unwrap_or(usize::MAX));
    options
}

/// A file whose header has been read.
struct Reader<'a> {
    decoder: JxlDecoder,
    input: &'a [u8],
    info: JxlBasicInfo,
    form: Form,
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let mut decoder = JxlDecoder::new(options(limits));
        let mut input = bytes;
        advance(&mut decoder, &mut input, Event::BasicInfo)?;
        let missing = || Error::internal("the JPEG XL decoder has no header");
        let info = decoder.basic_info().ok_or_else(missing)?.clone();
        let form = Form::of(&info, decoder.embedded_color_profile().ok_or_else(missing)?, limits)?;
        let format = JxlPixelFormat {
            color_type: form.color_type(),
            color_data_format: Some(form.data_format()),
            extra_channel_format: vec![None; info.extra_channels.len()],
        };
        decoder.set_pixel_format(format).map_err(damage)?;
        Ok(Self { decoder, input, info, form })
    }

    fn color(&self) -> ColorSpace {
        let icc = self.decoder.output_color_profile().and_then(JxlColorProfile::try_as_icc);
        let is_gray = matches!(self.form.channels, Channels::Gray | Channels::GrayAlpha);
        profile::color_space(icc.map(|icc| icc.to_vec()), is_gray)
    }

    /// The next picture, and for how many milliseconds an animation shows it.
    fn frame(&mut self) -> Result<(Pixels, f64)> {
        let Form { size, channels, .. } = self.form;
        if self.form.is_wide {
            let mut packed = Packed::<u16>::zeroed(size, channels)?;
            let ms = self.fill(bytemuck::cast_slice_mut(packed.samples_mut()))?;
            return Ok((Pixels::U16(packed), ms));
        }
        let mut packed = Packed::<u8>::zeroed(size, channels)?;
        let ms = self.fill(packed.samples_mut())?;
        Ok((Pixels::U8(packed), ms))
    }

    /// Decodes the next picture into these bytes.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<f64> {
        let rows = self.form.size.height as usize;
        let row_len = bytes.len() / rows;
        let mut ms = 0.0;
        loop {
            let mut buffers = [JxlOutputBuffer::new(bytes, rows, row_len)];
            let event = self.decoder.process(&mut self.input, Some(&mut buffers), None);
            match event.map_err(damage)? {
                Event::FrameHeader => {
                    let duration = self.decoder.frame_header().and_then(|header| header.duration);
                    ms = duration.unwrap_or_default();
                }
                Event::FrameComplete { .. } => return Ok(ms),
                Event::NeedMoreInput { .. } | Event::Complete => return Err(early()),
                Event::BasicInfo => {}
            }
        }
    }
}

/// What the pixels become.
struct Form {
    size: Size,
    channels: Channels,
    is_wide: bool,
}

impl Form {
    fn of(info: &JxlBasicInfo, profile: &JxlColorProfile, limits: &Limits) -> Result<Self> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let size = Size::new(side(info.size.0), side(info.size.1));
        limits.check_size(size)?;
        if profile.is_cmyk() {
            return Err(Error::unsupported("JPEG XL in inks (CMYK) cannot be read"));
        }
        let has_alpha =
            info.extra_channels.iter().any(|channel| channel.ec_type == ExtraChannel::Alpha);
        let channels = match (profile.channels(), has_alpha) {
            (1, false) => Channels::Gray,
            (1, true) => Channels::GrayAlpha,
            (_, false) => Channels::Rgb,
            (_, true) => Channels::Rgba,
        };
        let is_wide = match info.bit_depth {
            JxlBitDepth::Int { bits_per_sample } => bits_per_sample > 8,
            JxlBitDepth::Float { .. } => true,
        };
        Ok(Self { size, channels, is_wide })
    }

    fn color_type(&self) -> JxlColorType {
        match self.channels {
            Channels::Gray => JxlColorType::Grayscale,
            Channels::GrayAlpha => JxlColorType::GrayscaleAlpha,
            Channels::Rgb => JxlColorType::Rgb,
            Channels::Rgba => JxlColorType::Rgba,
        }
    }

    fn data_format(&self) -> JxlDataFormat {
        if self.is_wide {
            JxlDataFormat::U16 { endianness: Endianness::native(), bit_depth: 16 }
        } else {
            JxlDataFormat::U8 { bit_depth: 8 }
        }
    }
}

fn advance(decoder: &mut JxlDecoder, input: &mut &[u8], to: Event) -> Result<()> {
    loop {
        match decoder.process(input, None, None).map_err(damage)? {
            event if event == to => return Ok(()),
            Event::NeedMoreInput { .. } | Event::Complete => return Err(early()),
            _ => {}
        }
    }
}

fn early() -> Error {
    Error::input("the JPEG XL ends early")
}

fn damage(error: ::jxl::error::Error) -> Error {
    let message = format!("the JPEG XL cannot be decoded: {error}");
    match error {
        ::jxl::error::Error::OutOfMemory(_)
        | ::jxl::error::Error::ImageOutOfMemory(..)
        | ::jxl::error::Error::ImageSizeTooLarge(..)
        | ::jxl::error::Error::ImageDimensionTooLarge(_) => Error::limit(message),
        ::jxl::error::Error::OutOfBounds(_) => early(),
        _ => Error::input(message),
    }
}

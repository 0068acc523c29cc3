//! File formats: one value with all its facts each, and the list of them.

mod losses;

use serde::Serialize;

use crate::formats::{
    avif, bmp, cube, dds, exr, farbfeld, gif, hdr, heic, ico, jpeg, jxl, pdf, png, pnm, psd, qoi,
    raw, svg, tga, tiff, webp,
};
use crate::image::{ColorSpace, Frame};
use crate::metadata::{Metadata, Orientation};
use crate::output::Output;
use crate::{Error, Image, Limits, Result, Size};

/// The formats this build knows, in the order they are sniffed and listed.
pub static FORMATS: &[&Format] = &[
    &jpeg::JPEG,
    &png::PNG,
    &webp::WEBP,
    &gif::GIF,
    &avif::AVIF,
    &heic::HEIC,
    &jxl::JXL,
    &svg::SVG,
    &pdf::PDF,
    &cube::CUBE,
    &raw::RAW,
    &tiff::TIFF,
    &bmp::BMP,
    &ico::ICO,
    &pnm::PNM,
    &qoi::QOI,
    &farbfeld::FARBFELD,
    &psd::PSD,
    &hdr::HDR,
    &exr::EXR,
    &dds::DDS,
    // Without a signature: what nothing else has claimed.
    &tga::TGA,
];

/// Pixels from a whole file: of a still image, or of one frame or page.
pub type Decode = fn(&[u8], &DecodeRequest, &Limits) -> Result<Decoded>;
/// All frames of an animated file, one after the other.
pub type DecodeFrames = for<'a> fn(&'a [u8], &'a Limits) -> Result<Track<'a>>;
/// The header of a whole file.
pub type WholeHeader = fn(&[u8], &Limits) -> Result<Header>;
/// The header of one page of a file, counted from 0.
pub type PageHeader = fn(&[u8], u32, &Limits) -> Result<Header>;
/// Parses a file of pages.
pub type OpenDocument = for<'a> fn(&'a [u8], &'a Limits) -> Result<Box<dyn Document + 'a>>;
/// A whole file from pixels.
pub type Encode = fn(&Image, &Output) -> Result<Vec<u8>>;
/// A whole animated file from frames as they come.
pub type EncodeFrames = fn(Track<'_>, &Output) -> Result<Vec<u8>>;
/// One file from pages as they come.
pub type EncodePages =
    fn(&mut dyn Iterator<Item = Result<Image>>, count: u32, &Output) -> Result<Vec<u8>>;

/// The same compressed image with other metadata.
pub type Rewrite = fn(&[u8], &Metadata) -> Result<Vec<u8>>;

/// A file of one format around the compressed image of another, as its header says it lies.
pub type Wrap = fn(&[u8], &Header, &Output, &Limits) -> Result<Wrapped>;

/// What comes of wrapping a compressed image.
pub enum Wrapped {
    /// The file.
    File(Vec<u8>),
    /// Pixels are needed for what is asked for.
    Pixels,
    /// Pixels are needed although nobody asked for them, and why.
    OnlyPixels(&'static str),
}

/// All that is known about a file format.
pub struct Format {
    /// Short name on the wire and extension of outputs: `jpg`, `png`.
    pub name: &'static str,
    /// Other names and extensions that are accepted for it: `jpeg`.
    pub aliases: &'static [&'static str],
    /// Name for people.
    pub title: &'static str,
    /// Media type.
    pub mime_type: &'static str,
    /// Whether a file that starts like this is of this format.
    pub sniff: fn(&[u8]) -> bool,
    /// Starts reading a header from a stream of bytes.
    pub inspect: fn(&Limits) -> Box<dyn Inspect>,
    /// The header of a whole file, where that tells more than a stream can, which never goes back.
    pub whole_header: Option<WholeHeader>,
    /// Pixels from a whole file, or `None` when this build cannot read them.
    pub decode: Option<Decode>,
    /// The frames of an animation, or `None` where there are none or they cannot be read.
    pub decode_frames: Option<DecodeFrames>,
    /// The header of a page, where a file can have several.
    pub page_header: Option<PageHeader>,
    /// Parses a file once for all of its pages, where that costs more than a page does.
    pub open_document: Option<OpenDocument>,
    /// A whole file from pixels, or `None` when this build cannot write it.
    pub encode: Option<Encode>,
    /// A whole animation from frames, or `None` when this build cannot write it.
    pub encode_frames: Option<EncodeFrames>,
    /// One file from several pages, or `None` when this build cannot write it.
    pub encode_pages: Option<EncodePages>,
    /// Whether the frames of an animation may have palettes.
    pub palettes_of_frames: bool,
    /// Whether the frames of an animation may be deeper than 8 bits.
    pub deep_frames: bool,
    /// The longest that it shows a frame, in milliseconds.
    pub delay_ms_max: u32,
    /// Whether it can hold alpha.
    pub alpha: bool,
    /// Whether pixels may be half transparent, if it can.
    pub soft_alpha: bool,
    /// Where it says the resolution.
    pub dpi: DpiPlace,
    /// The resolution at which a drawing has its own size, in pixels an inch; `None` for what is
    /// made of pixels.
    pub drawn_at_dpi: Option<f64>,
    /// Whether this build writes it from `Y'CbCr` planes in 4:2:0 without a detour over RGB.
    pub encodes_planes: bool,
    /// Whether the decoder gives `Y'CbCr` planes where they are welcome.
    pub decodes_planes: bool,
    /// Whether a file written with these settings loses something of the picture.
    pub is_lossy: fn(&Output) -> bool,
    /// The same compressed image and color profile with this metadata instead of its own. How the
    /// pixels lie must stand in it ([`Metadata::oriented`]).
    pub rewrite: Option<Rewrite>,
    /// A file of it around the image of another format that has not been touched.
    pub wrap: Option<Wrap>,
    /// Whether the decoder can give a smaller picture at little cost.
    pub scales_when_decoding: bool,
    /// Nanoseconds a pixel to decode, for estimates.
    pub decode_ns: f32,
    /// Bytes a pixel that the decoder holds beside the picture that it gives, for estimates.
    pub decode_bytes: u64,
    /// Nanoseconds a pixel to encode a picture (or a frame of an animation) with these settings,
    /// for estimates.
    pub encode_ns: fn(&Output, bool) -> f32,
    /// Bytes that the encoder holds for a picture of this size in RGB of 8 bits with these
    /// settings, beside the picture and with the file, for estimates.
    pub encode_memory: fn(&Output, Size) -> u64,
    /// The effort that a still image of this size (or an animation) gets, where that is less.
    pub effort_lowered: fn(&Output, Size, bool) -> Option<u8>,
    /// The depths it is written with, or read where it is not, in bits a sample, rising.
    pub bit_depths: &'static [u8],
    /// The longest side its container can say.
    pub side_max: u32,
    /// The size that a picture of this size has in the file, where the format does not take it as
    /// it is: an icon is square.
    pub written_size: fn(Size) -> Size,
}

impl Format {
    /// Whether it holds pictures: what is neither read nor written as one is used beside them.
    pub fn is_image(&self) -> bool {
        self.decode.is_some() || self.encode.is_some()
    }

    /// The deepest samples it is written with.
    pub fn bit_depth_max(&self) -> u8 {
        self.bit_depths.last().copied().unwrap_or(8)
    }

    /// The least deep ones.
    pub fn bit_depth_min(&self) -> u8 {
        self.bit_depths.first().copied().unwrap_or(8)
    }

    /// The deepest samples that are written with these settings. 16 bits stay where the format has
    /// them; what lies between must be asked for.
    pub fn depth_written(&self, output: &Output) -> u8 {
        let unasked = if self.bit_depth_max() >= 16 { 16 } else { 8 };
        output.bit_depth.unwrap_or(unasked).min(self.bit_depth_max())
    }

    /// What most formats are, for those that say only how they differ: neither read nor written,
    /// still, lossless, opaque, 8 bits.
    pub const PLAIN: Self = Self {
        name: "",
        aliases: &[],
        title: "",
        mime_type: "application/octet-stream",
        sniff: |_| false,
        inspect: |_| Box::new(Unreadable),
        whole_header: None,
        decode: None,
        decode_frames: None,
        page_header: None,
        open_document: None,
        encode: None,
        encode_frames: None,
        encode_pages: None,
        palettes_of_frames: false,
        deep_frames: false,
        delay_ms_max: u32::MAX,
        alpha: false,
        soft_alpha: true,
        dpi: DpiPlace::Nowhere,
        drawn_at_dpi: None,
        encodes_planes: false,
        decodes_planes: false,
        is_lossy: |_| false,
        rewrite: None,
        wrap: None,
        scales_when_decoding: false,
        decode_ns: 20.0,
        decode_bytes: 0,
        encode_ns: |_, _| 20.0,
        encode_memory: |_, size| 3 * size.area(),
        effort_lowered: |_, _, _| None,
        bit_depths: &[8],
        side_max: 65_535,
        written_size: |size| size,
    };
}

/// The inspector of a format that has none.
struct Unreadable;

impl Inspect for Unreadable {
    fn push(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::unsupported("the format cannot be read"))
    }

    fn finish(self: Box<Self>) -> Result<Header> {
        Err(Error::unsupported("the format cannot be read"))
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What a file says of itself before any pixel is decoded.
#[derive(Debug, Clone, Serialize)]
pub struct Header {
    /// The format that the bytes have, whatever the file name says.
    #[serde(serialize_with = "format_name")]
    pub format: &'static Format,
    /// Stored size, before the orientation is applied.
    pub size: Size,
    /// How the stored pixels are to be turned.
    pub orientation: Orientation,
    /// Frames or pages; at least 1.
    pub frames: u32,
    /// What several of them are.
    pub sequence: Sequence,
    /// Whether pixels can be transparent.
    pub has_alpha: bool,
    /// Whether there is no colour.
    pub is_gray: bool,
    /// Bits a sample as stored.
    pub bit_depth: u8,
    /// Whether the file was compressed with loss.
    pub is_lossy: bool,
    /// Whether size and number may turn out otherwise: the file says them where a stream, which
    /// never goes back, cannot look for them.
    #[serde(skip)]
    pub is_guess: bool,
}

/// Where a format says the resolution of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpiPlace {
    /// It has no place for it.
    Nowhere,
    /// In its own header.
    Own,
    /// In Exif.
    Exif,
}

/// What a file holds when it holds several pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// One picture.
    #[default]
    Still,
    /// Frames of one size, shown one after the other.
    Frames,
    /// Pages, each of its own size.
    Pages,
}

/// The frames of an animation on their way from a decoder or to an encoder.
pub struct Track<'a> {
    /// The size of every frame.
    pub size: Size,
    /// How many frames there are.
    pub count: u32,
    /// How often it plays; 0 is for ever.
    pub loop_count: u32,
    /// What the numbers mean.
    pub color: ColorSpace,
    /// What else the file said.
    pub metadata: Metadata,
    /// Whole pictures in order, with nothing left to do for disposal or blending.
    pub frames: Box<dyn Iterator<Item = Result<Frame>> + 'a>,
}

/// So many frames as they are read one after the other, and none behind one that cannot be.
pub(crate) fn frames<'a>(
    count: u32,
    mut read: impl FnMut() -> Result<Frame> + 'a,
) -> Box<dyn Iterator<Item = Result<Frame>> + 'a> {
    let mut left = count;
    Box::new(std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let frame = read();
        if frame.is_err() {
            left = 0;
        }
        Some(frame)
    }))
}

/// A file of pages that has been parsed.
pub trait Document {
    /// The header of a page, counted from 0.
    fn header(&self, page: u32) -> Result<Header>;
    /// The pixels of a page.
    fn decode(&self, request: &DecodeRequest) -> Result<Decoded>;
}

fn format_name<S: serde::Serializer>(format: &&'static Format, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(format.name)
}

impl Header {
    /// The size as seen, with the orientation applied.
    pub fn upright_size(&self) -> Size {
        if self.orientation.transposes() { self.size.transposed() } else { self.size }
    }
}

/// Reads a header from bytes that arrive in pieces, in bounded memory (64 KiB and the Exif block),
/// in pure safe Rust: it stands at the door and meets every hostile file first.
pub trait Inspect: Send {
    /// Takes the next bytes of the file. An error is final.
    fn push(&mut self, bytes: &[u8]) -> Result<()>;
    /// The file has ended.
    fn finish(self: Box<Self>) -> Result<Header>;
}

/// What the rest of the pipeline needs of the decoder.
#[derive(Debug, Clone, Copy, Default)]
pub struct DecodeRequest {
    /// The result may be smaller than the file by a factor of some eighths, as long as the factor
    /// is not below this one (0 < `scale_min` <= 1; 0 means: not smaller at all).
    pub scale_min: f64,
    /// `Y'CbCr` planes are welcome.
    pub planes: bool,
    /// The factor at which a drawing is wanted; of no meaning for pixels. 0 means its own size.
    pub drawing_scale: f64,
    /// The frame or page, counted from 0.
    pub page: u32,
}

/// Pixels as a decoder gives them: not yet turned by the orientation.
#[derive(Debug)]
pub struct Decoded {
    /// The image.
    pub image: Image,
    /// The factor that the decoder scaled by: a whole number of eighths up to 1, and the image is
    /// `ceil(size × scale)`; its content is exactly `size × scale` wide and high. Any other for a
    /// drawing, which fills its image of `Size::scaled`.
    pub scale: f64,
    /// What of the file is not in the image, if that should be known.
    pub left_out: Option<LeftOut>,
}

/// What of a file is not in its image: code and message of a warning.
pub type LeftOut = (&'static str, String);

impl Decoded {
    /// An image at its full size.
    pub fn full(image: Image) -> Self {
        Self { image, scale: 1.0, left_out: None }
    }

    /// The same, of a file of the format with this title that lacks its end mark alone.
    #[must_use]
    pub(crate) fn without_end_mark(self, title: &str) -> Self {
        let message = format!("the {title} ends before its end mark; all its pixels are there");
        Self { left_out: Some(("file_cut", message)), ..self }
    }
}

/// The format with this name or alias, in any case.
pub fn by_name(name: &str) -> Option<&'static Format> {
    let name = name.to_ascii_lowercase();
    FORMATS
        .iter()
        .copied()
        .find(|format| format.name == name || format.aliases.contains(&name.as_str()))
}

/// The format that a file which starts like this has.
pub fn sniff(start: &[u8]) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| (format.sniff)(start))
}

/// The header of a whole file.
pub fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    if let Some(whole_header) = sniff(bytes).and_then(|format| format.whole_header) {
        let header = whole_header(bytes, limits)?;
        limits.check_size(header.size)?;
        return Ok(header);
    }
    let mut inspector = Inspector::new(limits);
    inspector.push(bytes)?;
    inspector.finish()
}

/// The header of a file. What goes by at the door does not tell the pages of a drawn document;
/// its first page does.
pub fn true_header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let header = header(bytes, limits)?;
    match (header.sequence, header.format.drawn_at_dpi, header.format.page_header) {
        (Sequence::Pages, Some(_), Some(page_header)) => page_header(bytes, 0, limits),
        _ => Ok(header),
    }
}

/// Sniffs a stream of bytes and reads its header, whatever its format.
pub struct Inspector {
    limits: Limits,
    start: Vec<u8>,
    inspect: Option<Box<dyn Inspect>>,
}

/// As many bytes as are looked at for a signature.
const SNIFF_LEN: usize = 1024;

impl Inspector {
    /// An inspector that has seen nothing yet.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), start: Vec::new(), inspect: None }
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(inspect) = &mut self.inspect {
            return inspect.push(bytes);
        }
        let taken = bytes.len().min(SNIFF_LEN - self.start.len());
        self.start.extend_from_slice(&bytes[..taken]);
        if self.start.len() < SNIFF_LEN {
            return Ok(());
        }
        self.start_inspecting()?.push(&bytes[taken..])
    }

    /// The file has ended: its header, within the limits.
    pub fn finish(mut self) -> Result<Header> {
        if self.inspect.is_none() {
            self.start_inspecting()?;
        }
        let Some(inspect) = self.inspect else {
            return Err(Error::internal("no format was chosen"));
        };
        let header = inspect.finish()?;
        self.limits.check_size(header.size)?;
        Ok(header)
    }

    fn start_inspecting(&mut self) -> Result<&mut Box<dyn Inspect>> {
        if self.start.is_empty() {
            return Err(Error::unsupported("the file is empty"));
        }
        let Some(format) = sniff(&self.start) else {
            return Err(Error::unsupported(format!(
                "not an image in a format that can be read ({})",
                readable()
            )));
        };
        let inspect = self.inspect.insert((format.inspect)(&self.limits));
        inspect.push(&self.start)?;
        Ok(inspect)
    }
}

/// The names of the readable formats, for messages.
pub fn readable() -> String {
    let names: Vec<_> =
        FORMATS.iter().filter(|format| format.decode.is_some()).map(|f| f.name).collect();
    names.join(", ")
}

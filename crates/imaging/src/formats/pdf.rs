//! PDF: pages are drawn by `hayro`; written are pages that hold a picture each.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::object::Object;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};

use super::drawing;
use super::guard::guarded;
use crate::format::{DecodeRequest, Decoded, Document, DpiPlace, Format, Header, Sequence};
use crate::image::{Channels, Packed, Pixels};
use crate::metadata::{Metadata, Orientation};
use crate::{Error, Image, Limits, Result, Size, image};

mod bounds;
mod inspect;
mod wrap;
mod write;

/// PDF.
pub static PDF: Format = Format {
    name: "pdf",
    aliases: &[],
    title: "PDF",
    mime_type: "application/pdf",
    sniff: |start| start_of(start).is_some(),
    inspect: |limits| Box::new(inspect::Scan::new(limits)),
    decode: Some(decode),
    page_header: Some(page_header),
    open_document: Some(open_document),
    encode: Some(write::encode),
    encode_pages: Some(write::encode_pages),
    wrap: Some(wrap::wrap),
    alpha: true,
    drawn_at_dpi: Some(DPI),
    encodes_planes: true,
    dpi: DpiPlace::Own,
    is_lossy: |output| output.lossless != Some(true),
    decode_bytes: 4,
    ..Format::PLAIN
};

const SIGNATURE: &[u8] = b"%PDF-";
/// How far into a file its PDF may begin: viewers pass over what mail and web servers put before it
/// (ISO 32000-1, annex H.3, note 13).
const START_MAX: usize = 1024;
/// The resolution at which pages are drawn, and pictures are laid on pages, when none is asked for.
const DPI: f64 = 150.0;
/// The unit of lengths: so many make an inch.
const POINTS: f64 = 72.0;

/// Where the PDF begins in a file that starts like this.
fn start_of(start: &[u8]) -> Option<usize> {
    memchr::memmem::find(&start[..start.len().min(START_MAX)], SIGNATURE)
}

fn page_header(bytes: &[u8], page: u32, limits: &Limits) -> Result<Header> {
    open_document(bytes, limits)?.header(page)
}

fn decode(bytes: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    open_document(bytes, limits)?.decode(request)
}

fn open_document<'a>(bytes: &'a [u8], limits: &'a Limits) -> Result<Box<dyn Document + 'a>> {
    let pdf = guarded("PDF", || open(bytes))?;
    Ok(Box::new(Parsed { pdf, limits }))
}

/// A parsed document. The cache of the renderer borrows of it and lives for a page: it only grows.
struct Parsed<'a> {
    pdf: Pdf,
    limits: &'a Limits,
}

impl Document for Parsed<'_> {
    fn header(&self, page: u32) -> Result<Header> {
        guarded("PDF", || header_of(&self.pdf, page, self.limits))
    }

    fn decode(&self, request: &DecodeRequest) -> Result<Decoded> {
        guarded("PDF", || draw(&self.pdf, request, self.limits))
    }
}

fn header_of(pdf: &Pdf, page: u32, limits: &Limits) -> Result<Header> {
    let pages = pdf.pages();
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    if count > limits.frames_max {
        return Err(Error::limit(format!(
            "{count} pages are over the limit of {}",
            limits.frames_max
        )));
    }
    if page == 0 {
        check_pictures(pdf, limits)?;
    }
    let Some(page) = pages.get(page as usize) else {
        return Err(Error::input(format!("there is no page {}, only {count}", page + 1)));
    };
    let size = own_size(page.render_dimensions());
    limits.check_size(size)?;
    Ok(header(size, count))
}

/// The header of a page of this size in a document of so many.
fn header(size: Size, pages: u32) -> Header {
    Header {
        format: &PDF,
        size,
        orientation: Orientation::Normal,
        frames: pages,
        sequence: Sequence::Pages,
        has_alpha: false,
        is_gray: false,
        bit_depth: 8,
        is_lossy: false,
        is_guess: false,
    }
}

/// The pixels of a page that is so many points wide and high.
fn own_size((width, height): (f32, f32)) -> Size {
    let side = |points: f32| ((f64::from(points) * DPI / POINTS + 0.5).floor() as u32).max(1);
    Size::new(side(width), side(height))
}

fn draw(pdf: &Pdf, request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let count = pdf.pages().len();
    let page = pdf.pages().get(request.page as usize).ok_or_else(|| {
        Error::input(format!("there is no page {}, only {count}", request.page + 1))
    })?;
    let (width, height) = page.render_dimensions();
    let own = own_size((width, height));
    limits.check_size(own)?;
    let scale = drawing::scale(own, request.drawing_scale, limits);
    let size = own.scaled(scale);
    // The renderer cuts off what is no whole pixel.
    let per_point = |pixels: u32, points: f32| (pixels as f32 + 0.01) / points;
    let settings = PixmapSettings {
        x_scale: per_point(size.width, width),
        y_scale: per_point(size.height, height),
        bg_color: WHITE,
    };
    bounds::check(page)?;
    let pixmap = hayro::render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    let drawn = Size::new(u32::from(pixmap.width()), u32::from(pixmap.height()));
    if drawn != size {
        return Err(Error::internal(format!("a page of {size} was drawn at {drawn}")));
    }
    let mut samples: Vec<u8> = image::zeroed(size.area() * 3)?;
    let (to, _) = samples.as_chunks_mut::<3>();
    for (to, from) in to.iter_mut().zip(pixmap.data()) {
        *to = [from.r, from.g, from.b];
    }
    let mut image = Image::still(Pixels::U8(Packed::new(size, Channels::Rgb, samples)));
    let dpi = DPI * scale;
    image.metadata = Metadata { dpi: Some((dpi, dpi)), ..Metadata::default() };
    Ok(Decoded { image, scale, left_out: None })
}

fn open(bytes: &[u8]) -> Result<Pdf> {
    // Places in the file are counted from there.
    let bytes = &bytes[start_of(bytes).unwrap_or(0)..];
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Error::unsupported(
            "the PDF is encrypted and opens with a password only: remove the password first",
        ),
        LoadPdfError::Decryption(_) => {
            Error::unsupported("the PDF is encrypted in a way that is not supported")
        }
        LoadPdfError::Invalid => {
            Error::input("the PDF is damaged or ends early: no page can be found in it")
        }
    })?;
    if pdf.pages().is_empty() {
        return Err(Error::input("the PDF has no page"));
    }
    Ok(pdf)
}

/// Refuses pictures on pages that would be refused as files.
fn check_pictures(pdf: &Pdf, limits: &Limits) -> Result<()> {
    for object in pdf.objects() {
        let Object::Stream(stream) = object else { continue };
        let dict = stream.dict();
        let (width, height) = (dict.get::<u32>(&b"Width"[..]), dict.get::<u32>(&b"Height"[..]));
        if let (Some(width), Some(height)) = (width, height)
            && u64::from(width) * u64::from(height) > limits.pixels_max
        {
            return Err(Error::limit(format!(
                "a picture of {} in the PDF is over the limit of {} megapixels",
                Size::new(width, height),
                limits.pixels_max / 1_000_000
            )));
        }
    }
    Ok(())
}

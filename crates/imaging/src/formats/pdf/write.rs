//! Writes pages that hold a picture each.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::Predictor;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

use super::{DPI, POINTS};
use crate::formats::{channels, jpeg, png};
use crate::image::{Channels, ColorSpace, Frame, Packed, Pixels};
use crate::kernels::narrow::narrow;
use crate::kernels::planes;
use crate::output::Output;
use crate::{Error, Image, Result, Size};

/// The longest side of a page in points that readers must show (ISO 32000-1, annex C).
const SIDE_MAX: f64 = 14_400.0;
/// A picture of no more colors than this is a drawing: stored without loss it is sharper, and most
/// often smaller.
const DRAWING_COLORS_MAX: usize = 256;
const DRAWING_GRAYS_MAX: usize = 32;
const NAME: Name<'static> = Name(b"Picture");

/// One page.
pub(super) fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let mut document = Document::new();
    document.push(image, output)?;
    Ok(document.finish())
}

/// A page for each picture.
pub(super) fn encode_pages(
    images: &mut dyn Iterator<Item = Result<Image>>,
    _: u32,
    output: &Output,
) -> Result<Vec<u8>> {
    let mut document = Document::new();
    for image in images {
        document.push(&image?, output)?;
    }
    Ok(document.finish())
}

/// A document as it grows.
pub(super) struct Document {
    pdf: Pdf,
    pages: Vec<Ref>,
    objects: i32,
    /// The profile of the last page, which is often that of the next one too.
    profile: Option<(Arc<[u8]>, Ref)>,
}

/// A JPEG as it goes onto a page.
pub(super) struct Placed<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) size: Size,
    /// Samples a pixel: 1, 3 or 4.
    pub(super) channels: u8,
    /// Samples are stored the other way round.
    pub(super) is_inverted: bool,
    pub(super) profile: Option<Arc<[u8]>>,
}

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);

impl Document {
    pub(super) fn new() -> Self {
        Self { pdf: Pdf::new(), pages: Vec::new(), objects: 0, profile: None }
    }

    fn next(&mut self) -> Ref {
        self.objects += 1;
        Ref::new(PAGES.get() + self.objects)
    }

    fn push(&mut self, image: &Image, output: &Output) -> Result<()> {
        let (color, alpha) = coded(image, output)?;
        let profile = self.profile(&image.color, if color.is_gray { 1 } else { 3 });
        let mask = alpha.map(|alpha| self.picture(&alpha, image.size(), None, None));
        let picture = self.picture(&color, image.size(), profile, mask);
        let (width, height) = page_size(image.size(), image.metadata.dpi);
        self.page(picture, (width, height), [width, 0.0, 0.0, height, 0.0, 0.0]);
        Ok(())
    }

    /// Adds a page of a JPEG as it is, laid there by a matrix.
    pub(super) fn push_jpeg(&mut self, jpeg: &Placed<'_>, page: (f32, f32), matrix: [f32; 6]) {
        let color = jpeg.profile.clone().map_or(ColorSpace::Srgb, ColorSpace::Icc);
        let profile = self.profile(&color, jpeg.channels);
        let id = self.next();
        let mut picture = self.pdf.image_xobject(id, jpeg.bytes);
        let Size { width, height } = jpeg.size;
        picture.width(width as i32).height(height as i32).bits_per_component(8);
        match (profile, jpeg.channels) {
            (Some(profile), _) => picture.color_space().icc_based(profile),
            (None, 1) => picture.color_space().device_gray(),
            (None, 4) => picture.color_space().device_cmyk(),
            (None, _) => picture.color_space().device_rgb(),
        }
        if jpeg.is_inverted {
            picture.decode([1.0, 0.0].repeat(jpeg.channels.into()));
        }
        picture.filter(Filter::DctDecode);
        picture.finish();
        self.page(id, page, matrix);
    }

    /// Adds a page of this size with a picture on it.
    fn page(&mut self, picture: Ref, (width, height): (f32, f32), matrix: [f32; 6]) {
        let mut content = Content::new();
        content.save_state();
        content.transform(matrix);
        content.x_object(NAME);
        content.restore_state();
        let (id, content_id) = (self.next(), self.next());
        self.pdf.stream(content_id, &content.finish());
        let mut page = self.pdf.page(id);
        page.parent(PAGES).media_box(Rect::new(0.0, 0.0, width, height)).contents(content_id);
        page.resources().x_objects().pair(NAME, picture);
        page.finish();
        self.pages.push(id);
    }

    /// Writes the samples of a picture.
    fn picture(
        &mut self,
        coded: &Coded,
        size: Size,
        profile: Option<Ref>,
        mask: Option<Ref>,
    ) -> Ref {
        let id = self.next();
        let mut picture = self.pdf.image_xobject(id, &coded.bytes);
        picture.width(size.width as i32).height(size.height as i32).bits_per_component(8);
        match (profile, coded.is_gray) {
            (Some(profile), _) => picture.color_space().icc_based(profile),
            (None, true) => picture.color_space().device_gray(),
            (None, false) => picture.color_space().device_rgb(),
        }
        if let Some(mask) = mask {
            picture.s_mask(mask);
        }
        match coded.coding {
            Coding::Jpeg => {
                picture.filter(Filter::DctDecode);
            }
            Coding::Deflate => {
                picture.filter(Filter::FlateDecode);
                picture
                    .decode_parms()
                    .predictor(Predictor::PngOptimum)
                    .colors(if coded.is_gray { 1 } else { 3 })
                    .bits_per_component(8)
                    .columns(size.width as i32);
            }
        }
        picture.finish();
        id
    }

    fn profile(&mut self, color: &ColorSpace, channels: u8) -> Option<Ref> {
        let ColorSpace::Icc(bytes) = color else { return None };
        if let Some((written, id)) = &self.profile
            && written == bytes
        {
            return Some(*id);
        }
        let id = self.next();
        let compressed = compress_to_vec_zlib(bytes, 6);
        let mut profile = self.pdf.icc_profile(id, &compressed);
        profile.n(channels.into());
        profile.filter(Filter::FlateDecode);
        profile.finish();
        self.profile = Some((bytes.clone(), id));
        Some(id)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.pdf.catalog(CATALOG).pages(PAGES);
        let count = self.pages.len() as i32;
        self.pdf.pages(PAGES).kids(self.pages).count(count);
        self.pdf.finish()
    }
}

/// Width and height of the page in points: as the resolution says that the file names, else at
/// 150 pixels an inch.
pub(super) fn page_size(size: Size, dpi: Option<(f64, f64)>) -> (f32, f32) {
    let sound = |dpi: &(f64, f64)| dpi.0 >= 1.0 && dpi.1 >= 1.0;
    let (across, down) = dpi.filter(sound).unwrap_or((DPI, DPI));
    let width = f64::from(size.width) * POINTS / across;
    let height = f64::from(size.height) * POINTS / down;
    let shrink = (SIDE_MAX / width.max(height)).min(1.0);
    ((width * shrink) as f32, (height * shrink) as f32)
}

/// The samples of a picture as they are stored.
struct Coded {
    bytes: Vec<u8>,
    coding: Coding,
    is_gray: bool,
}

#[derive(Clone, Copy)]
enum Coding {
    Jpeg,
    /// The filtered rows of a PNG, compressed.
    Deflate,
}

/// The picture, and its alpha where something shines through.
fn coded(image: &Image, output: &Output) -> Result<(Coded, Option<Coded>)> {
    let image = in_bytes(image, output)?;
    let pixels = &image.frames[0].pixels;
    let Pixels::U8(packed) = pixels else { return Ok((in_jpeg(&image, output)?, None)) };
    if packed.channels().has_alpha() {
        let (color, alpha) = split(packed);
        let color = with_pixels(&image, Pixels::U8(color));
        let alpha = Image::still(Pixels::U8(alpha));
        return Ok((deflated(&color, output)?, Some(deflated(&alpha, output)?)));
    }
    let coded = match output.lossless == Some(true) || is_drawing(packed) {
        true => deflated(&image, output)?,
        false => in_jpeg(&image, output)?,
    };
    Ok((coded, None))
}

/// The picture in bytes, without alpha where nothing shines through; planes only where they go
/// into a JPEG.
fn in_bytes<'a>(image: &'a Image, output: &Output) -> Result<Cow<'a, Image>> {
    let [Frame { pixels, .. }] = &image.frames[..] else {
        return Err(Error::internal("a page holds one picture"));
    };
    let pixels = match pixels {
        Pixels::Ycc(planar) if output.lossless == Some(true) => {
            Pixels::U8(planes::to_rgb(planar.clone())?)
        }
        Pixels::Ycc(_) => return Ok(Cow::Borrowed(image)),
        Pixels::U8(packed) if !packed.channels().has_alpha() => return Ok(Cow::Borrowed(image)),
        Pixels::U8(_) => channels::without_full_alpha(pixels.clone()),
        Pixels::U16(packed) => {
            let samples = narrow(packed.samples());
            let narrow = Packed::new(packed.size(), packed.channels(), samples);
            channels::without_full_alpha(Pixels::U8(narrow))
        }
    };
    Ok(Cow::Owned(with_pixels(image, pixels)))
}

fn with_pixels(image: &Image, pixels: Pixels) -> Image {
    Image { color: image.color.clone(), ..Image::still(pixels) }
}

/// Color and alpha apart.
fn split(packed: &Packed<u8>) -> (Packed<u8>, Packed<u8>) {
    let count = packed.channels().count();
    let pixels = packed.samples().chunks_exact(count);
    let alpha = pixels.clone().map(|pixel| pixel[count - 1]).collect();
    let color = pixels.flat_map(|pixel| pixel[..count - 1].iter().copied()).collect();
    let channels = if count == 2 { Channels::Gray } else { Channels::Rgb };
    (Packed::new(packed.size(), channels, color), Packed::new(packed.size(), Channels::Gray, alpha))
}

/// Whether there are so few colors that no photograph has them: a gray one has 256 at most.
fn is_drawing(packed: &Packed<u8>) -> bool {
    let colors_max = match packed.channels() {
        Channels::Gray => DRAWING_GRAYS_MAX,
        _ => DRAWING_COLORS_MAX,
    };
    let count = packed.channels().count();
    let mut colors = HashSet::new();
    let mut last: &[u8] = &[];
    packed.samples().chunks_exact(count).all(|pixel| {
        if pixel != last {
            last = pixel;
            colors.insert(pixel);
        }
        colors.len() <= colors_max
    })
}

fn in_jpeg(image: &Image, output: &Output) -> Result<Coded> {
    let is_gray = image.frames[0].pixels.channels() == Channels::Gray;
    Ok(Coded { bytes: jpeg::encode_bare(image, output)?, coding: Coding::Jpeg, is_gray })
}

/// The picture as the image data of a PNG: what its filters did, the predictor of a PDF undoes.
fn deflated(image: &Image, output: &Output) -> Result<Coded> {
    let output = Output { effort: output.effort, bit_depth: Some(8), ..Output::default() };
    let encode = png::PNG.encode.ok_or_else(|| Error::internal("PNG cannot be written"))?;
    let png = encode(image, &output)?;
    let mut coded = Coded { bytes: Vec::new(), coding: Coding::Deflate, is_gray: false };
    let mut rest = &png[8..];
    while let [a, b, c, d, name @ ..] = rest {
        let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let payload = name.get(4..4 + len).ok_or_else(|| Error::internal("a PNG is cut"))?;
        match (&name[..4], payload) {
            (b"IHDR", [.., 8, color @ (0 | 2), _, _, _]) => coded.is_gray = *color == 0,
            (b"IHDR", _) => return Err(Error::internal("a PNG came out in another form")),
            (b"IDAT", data) => coded.bytes.extend_from_slice(data),
            _ => {}
        }
        rest = name.get(4 + len + 4..).unwrap_or_default();
    }
    Ok(coded)
}

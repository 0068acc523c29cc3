//! SVG, drawn by `resvg`: no scripts, no network, no files beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use resvg::tiny_skia::{PixmapMut, Transform};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, Tree, roxmltree};

use super::channels;
use super::drawing;
use super::guard::guarded;
use crate::fonts;
use crate::format::{self, DecodeRequest, Decoded, Format};
use crate::image::{Channels, Packed, Pixels};
use crate::{Error, Image, Limits, Result, Size};

mod bounds;
mod inspect;
mod letters;
mod links;
mod references;
mod root;
mod scripts;
mod text;

use root::Root;

/// SVG.
pub static SVG: Format = Format {
    name: "svg",
    aliases: &["svgz"],
    title: "SVG",
    mime_type: "image/svg+xml",
    sniff,
    inspect: |limits| Box::new(inspect::Start::new(limits)),
    decode: Some(decode),
    alpha: true,
    drawn_at_dpi: Some(96.0),
    ..Format::PLAIN
};

/// Text that begins like XML, in UTF-8 or UTF-16, with an `svg` or something that may precede it,
/// or gzip: no other format here is compressed as a whole.
fn sniff(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let starts: [&[u8]; 5] = [b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg", text::GZIP];
    starts.iter().any(|start| text.starts_with(start))
        || text::UTF16.iter().any(|wide| start.starts_with(wide))
}

fn decode(bytes: &[u8], request: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let text = text::text(bytes)?;
    let root = Root::read(&text)?;
    let own = root.size()?;
    limits.check_size(own)?;
    let document = text::document(&text)?;
    references::check(&document)?;
    let apart = scripts::apart(&document, &text);
    let document = match &apart {
        Some(text) => text::document(text)?,
        None => document,
    };
    let scale = drawing::scale(own, request.drawing_scale, limits);
    let size = own.scaled(scale);
    let packed = guarded("SVG", || {
        let tree = tree(&document, limits)?;
        draw(&tree, root, own, size)
    })?;
    let pixels = channels::without_full_alpha(Pixels::U8(packed));
    Ok(Decoded { image: Image::still(pixels), scale, left_out: links::left_out(&document) })
}

fn tree(document: &roxmltree::Document<'_>, limits: &Limits) -> Result<Tree> {
    let (width, height) = root::DEFAULT;
    let default_size = usvg::Size::from_wh(width as f32, height as f32)
        .ok_or_else(|| Error::internal("the default size is none"))?;
    let options = Options {
        font_family: fonts::SERIF.to_owned(),
        font_size: root::FONT_SIZE as f32,
        default_size,
        image_href_resolver: images(limits),
        font_resolver: letters::resolver(),
        fontdb: letters::database(),
        ..Options::default()
    };
    Tree::from_xmltree(document, &options).map_err(|error| match error {
        usvg::Error::InvalidSize => Error::input("the SVG says that it has no width or no height"),
        usvg::Error::ElementsLimitReached => Error::limit("the SVG draws too many elements"),
        usvg::Error::ParsingFailed(roxmltree::Error::NodesLimitReached) => {
            Error::limit("the SVG draws too many elements, or they lie too deep in each other")
        }
        error => Error::input(format!("the SVG cannot be drawn: {error}")),
    })
}

/// Pictures inside of a drawing come from data URLs alone, in formats of pixels, and all together
/// within the limit of one picture.
fn images(limits: &Limits) -> ImageHrefResolver<'_> {
    let pixels = AtomicU64::new(0);
    ImageHrefResolver {
        resolve_data: Box::new(move |_, data: Arc<Vec<u8>>, _| {
            let header = format::header(&data, limits).ok()?;
            let area = header.size.area();
            if pixels.fetch_add(area, Ordering::Relaxed) + area > limits.pixels_max {
                return None;
            }
            match header.format.name {
                "jpg" => Some(ImageKind::JPEG(data)),
                "png" => Some(ImageKind::PNG(data)),
                "gif" => Some(ImageKind::GIF(data)),
                "webp" => Some(ImageKind::WEBP(data)),
                _ => None,
            }
        }),
        resolve_string: Box::new(|_, _| None),
    }
}

/// Draws the canvas of the drawing over all of the pixels.
fn draw(tree: &Tree, root: Root, own: Size, size: Size) -> Result<Packed<u8>> {
    // Without a view box the canvas of `usvg` is what is on it, not what a browser would show.
    let canvas = match root.has_view() {
        true => (tree.size().width(), tree.size().height()),
        false => (own.width as f32, own.height as f32),
    };
    let scale = Transform::from_scale(size.width as f32 / canvas.0, size.height as f32 / canvas.1);
    bounds::check(tree, scale, size)?;
    let mut packed = Packed::zeroed(size, Channels::Rgba)?;
    let mut pixmap = PixmapMut::from_bytes(packed.samples_mut(), size.width, size.height)
        .ok_or_else(|| Error::limit(format!("a drawing of {size} is too large")))?;
    resvg::render(tree, scale, &mut pixmap);
    Ok(drawing::straight(size, packed.into_samples()))
}

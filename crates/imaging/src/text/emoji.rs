//! Emoji in color: pictures that a font of the operator holds in place of outlines.

use std::sync::{Arc, LazyLock};

use cosmic_text::Attrs;
use cosmic_text::skrifa::bitmap::{BitmapData, BitmapStrikes, Origin};
use cosmic_text::skrifa::instance::{LocationRef, Size as FontSize};
use cosmic_text::skrifa::{FontRef, GlyphId, MetadataProvider};
use tiny_skia_path::{Point, Rect, Transform};
use unicode_segmentation::UnicodeSegmentation;

use crate::color::Color;
use crate::files::File;
use crate::image::Pixels;
use crate::kernels::coverage::Window;
use crate::kernels::layer::Layer;
use crate::kernels::resample::{Kernel, resample};
use crate::kernels::warp::{Beyond, Warp, warp};
use crate::placing::{side, whole};
use crate::stage::{RectF, Resample};
use crate::text::faces;
use crate::text::glyphs::{Face, Place};
use crate::{Limits, Result, Size};

/// The first family that has pictures of emoji.
static FAMILY: LazyLock<Option<&'static str>> = LazyLock::new(|| {
    faces::database().faces().find_map(|face| {
        let has_pictures = |data: &[u8], index| {
            let font = FontRef::from_index(data, index).ok()?;
            let glyph = font.charmap().map('😀')?;
            let face = Face { data, index, weight: 400 };
            picture(face, glyph, FontSize::unscaled()).map(|_| ())
        };
        faces::database().with_face_data(face.id, has_pictures)??;
        face.families.first().map(|(name, _)| name.as_str())
    })
});

/// The family that emoji are drawn with in color; none is built in.
pub fn color_emoji() -> Option<&'static str> {
    *FAMILY
}

/// The same for a character, where that is shown as a picture by itself.
pub fn color_emoji_for(character: char) -> Option<&'static str> {
    color_emoji().filter(|_| is_shown_as_picture(character))
}

/// The text in pieces: emoji that are shown in color, and what is between them.
pub(super) fn spans<'t, 'a>(text: &'t str, letters: &Attrs<'a>) -> Vec<(&'t str, Attrs<'a>)> {
    let Some(family) = color_emoji() else { return vec![(text, letters.clone())] };
    let emoji = Attrs::new().family(cosmic_text::Family::Name(family));
    let mut spans = Vec::new();
    let mut from = 0;
    for (at, cluster) in text.grapheme_indices(true).filter(|(_, cluster)| is_emoji(cluster)) {
        spans.push((&text[from..at], letters.clone()));
        spans.push((cluster, emoji.clone()));
        from = at + cluster.len();
    }
    spans.push((&text[from..], letters.clone()));
    spans.retain(|(piece, _)| !piece.is_empty());
    spans
}

/// Whether a character, with all that belongs to it, asks for a picture rather than a letter: by
/// itself (Unicode: `Emoji_Presentation`) or by a selector behind it.
fn is_emoji(cluster: &str) -> bool {
    const AS_TEXT: char = '\u{FE0E}';
    const AS_PICTURE: char = '\u{FE0F}';
    !cluster.contains(AS_TEXT)
        && (cluster.contains(AS_PICTURE) || cluster.starts_with(is_shown_as_picture))
}

/// Below U+1F000 as Unicode 16 has it; above, all blocks of pictures but cards and letters.
fn is_shown_as_picture(character: char) -> bool {
    matches!(
        character,
        '⌚'..='⌛' | '⏩'..='⏬' | '⏰' | '⏳' | '◽'..='◾' | '☔'..='☕' | '♈'..='♓' | '♿'
            | '⚓' | '⚡' | '⚪'..='⚫' | '⚽'..='⚾' | '⛄'..='⛅' | '⛎' | '⛔' | '⛪'
            | '⛲'..='⛳' | '⛵' | '⛺' | '⛽' | '✅' | '✊'..='✋' | '✨' | '❌' | '❎'
            | '❓'..='❕' | '❗' | '➕'..='➗' | '➰' | '➿' | '⬛'..='⬜' | '⭐' | '⭕'
            | '\u{1F004}' | '\u{1F0CF}' | '\u{1F18E}' | '\u{1F191}'..='\u{1F19A}'
            | '\u{1F1E6}'..='\u{1F1FF}' | '\u{1F201}' | '\u{1F21A}' | '\u{1F22F}'
            | '\u{1F232}'..='\u{1F236}' | '\u{1F238}'..='\u{1F23A}' | '\u{1F250}'..='\u{1F251}'
            | '\u{1F300}'..='\u{1F64F}' | '\u{1F680}'..='\u{1F6FF}' | '\u{1F7E0}'..='\u{1F7EB}'
            | '\u{1F7F0}' | '\u{1F90C}'..='\u{1F9FF}' | '\u{1FA70}'..='\u{1FAFF}'
    )
}

/// A picture in a text.
#[derive(Debug, Clone)]
pub(super) struct Emblem {
    /// The file of it.
    file: Arc<[u8]>,
    /// Where it lies, in pixels of the block.
    rect: Rect,
}

/// The picture of a glyph in the file of its font, and its place at a font size of one pixel.
fn picture(face: Face<'_>, glyph: GlyphId, size: FontSize) -> Option<(&[u8], Rect)> {
    let font = FontRef::from_index(face.data, face.index).ok()?;
    let found = BitmapStrikes::new(&font).glyph_for_size(size, glyph)?;
    let BitmapData::Png(file) = found.data else { return None };
    let em = f32::from(font.metrics(FontSize::unscaled(), LocationRef::default()).units_per_em);
    let of_em = |pixels: f32| (pixels / found.ppem_x, pixels / found.ppem_y);
    let left = found.bearing_x / em + of_em(found.inner_bearing_x).0;
    let up = found.bearing_y / em + of_em(found.inner_bearing_y).1;
    let (width, height) = (of_em(found.width as f32).0, of_em(found.height as f32).1);
    let top = match found.placement_origin {
        Origin::TopLeft => -up,
        Origin::BottomLeft => -up - height,
    };
    Some((file, Rect::from_xywh(left, top, width, height)?))
}

impl Emblem {
    /// The picture that a font has for a glyph.
    pub(super) fn of(face: Face<'_>, glyph_id: u16, place: Place) -> Option<Self> {
        let size = FontSize::new(place.size);
        let (file, rect) = picture(face, GlyphId::from(glyph_id), size)?;
        let place = Transform::from_row(place.size, 0.0, 0.0, place.size, place.x, place.y);
        Some(Self { file: file.into(), rect: rect.transform(place)? })
    }

    /// Where it lies in its block.
    pub(super) fn rect(&self) -> Rect {
        self.rect
    }

    /// What it covers of the image.
    pub(super) fn window(&self, transform: Transform) -> Window {
        self.rect.transform(transform).map_or(Window::between((0, 0), (0, 0)), Window::around)
    }

    /// The picture of it on the image, as far as it lies in a window.
    pub(super) fn draw(&self, transform: Transform, clip: Window) -> Result<Option<Layer>> {
        let window = self.window(transform).wider(1).within(clip);
        if window.is_empty() {
            return Ok(None);
        }
        let limits = Limits::default();
        let header = crate::format::header(&self.file, &limits)?;
        let file = File { header, bytes: Some(&self.file) };
        let picture = file.picture(&limits)?;
        let frame = picture.and_then(|mut picture| picture.image.frames.pop());
        let Some(frame) = frame else { return Ok(None) };
        let own = frame.pixels.size();
        let length = |x: f32, y: f32| f64::from(x.hypot(y));
        let wide = f64::from(self.rect.width()) * length(transform.sx, transform.ky);
        let high = f64::from(self.rect.height()) * length(transform.kx, transform.sy);
        let size = Size::new(side(wide), side(high));
        let shrinks = size.area() <= own.area();
        let pixels = if shrinks { at_size(frame.pixels, size)? } else { frame.pixels };
        if shrinks && transform.kx == 0.0 && transform.ky == 0.0 {
            let mut corner = Point::from_xy(self.rect.left(), self.rect.top());
            transform.map_point(&mut corner);
            let corner = whole((f64::from(corner.x), f64::from(corner.y)));
            return Layer::of_pixels(pixels, corner).map(Some);
        }
        // From the window to the block, from there to the pixels of the picture.
        let (rect, own) = (self.rect, pixels.size());
        let scale = (own.width as f32 / rect.width(), own.height as f32 / rect.height());
        let Some(back) = transform.invert() else { return Ok(None) };
        let to_source = back
            .pre_translate(window.x as f32, window.y as f32)
            .post_translate(-rect.left(), -rect.top())
            .post_scale(scale.0, scale.1);
        let Transform { sx, kx, ky, sy, tx, ty } = to_source;
        let to_source = [[sx, kx, tx], [ky, sy, ty], [0.0, 0.0, 1.0]].map(|row| row.map(f64::from));
        let beyond = Beyond::Color(Color::TRANSPARENT);
        let turned = warp(pixels, &Warp { to_source, size: window.size, beyond })?;
        Layer::of_pixels(turned, (window.x, window.y)).map(Some)
    }
}

fn at_size(pixels: Pixels, size: Size) -> Result<Pixels> {
    let source = RectF::full(pixels.size());
    match pixels.size() == size {
        true => Ok(pixels),
        false => resample(pixels, &Resample { source, size, kernel: Kernel::Lanczos3 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_a_picture() {
        for cluster in ["😀", "👩‍👩‍👧", "🇪🇺", "1️⃣", "❤️", "☔", "👍🏽", "🦀"]
        {
            assert!(is_emoji(cluster), "{cluster}");
        }
        for cluster in ["a", "1", "❤", "☔\u{FE0E}", "→", "漢", "©", "🂡"] {
            assert!(!is_emoji(cluster), "{cluster}");
        }
    }
}

//! From glyphs of a font to outlines.

use cosmic_text::skrifa::instance::{Location, Size as FontSize};
use cosmic_text::skrifa::outline::{DrawSettings, OutlinePen};
use cosmic_text::skrifa::{FontRef, GlyphId, MetadataProvider, Tag};
use cosmic_text::{CacheKeyFlags, LayoutGlyph};
use tiny_skia_path::PathBuilder;

/// A font at a weight.
#[derive(Clone, Copy)]
pub(super) struct Face<'a> {
    pub(super) data: &'a [u8],
    pub(super) index: u32,
    pub(super) weight: u16,
}

impl<'a> Face<'a> {
    fn open(self) -> Option<(FontRef<'a>, Location)> {
        let font = FontRef::from_index(self.data, self.index).ok()?;
        let location = font.axes().location([(Tag::new(b"wght"), f32::from(self.weight))]);
        Some((font, location))
    }
}

/// Where a glyph stands and how large.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The origin of the glyph on its baseline.
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    /// To the right for each pixel up: slant for a font that has no italic.
    slant: f32,
    /// How wide it is.
    advance: f32,
}

impl Place {
    /// The place of a glyph of a line whose baseline lies there.
    pub(super) fn of(glyph: &LayoutGlyph, baseline: f32) -> Self {
        let slants = glyph.cache_key_flags.contains(CacheKeyFlags::FAKE_ITALIC);
        Self {
            x: glyph.x + glyph.x_offset * glyph.font_size,
            y: baseline + glyph.y - glyph.y_offset * glyph.font_size,
            size: glyph.font_size,
            slant: if slants { 0.25 } else { 0.0 },
            advance: glyph.w,
        }
    }
}

/// Adds the outline of a glyph; a box where the font draws nothing for what it does not have.
pub(super) fn outline(face: Face<'_>, glyph_id: u16, place: Place, builder: &mut PathBuilder) {
    let before = builder.len();
    if let Some((font, location)) = face.open()
        && let Some(glyph) = font.outline_glyphs().get(GlyphId::from(glyph_id))
    {
        let settings = DrawSettings::unhinted(FontSize::new(place.size), &location);
        // A font that is damaged here leaves the glyph out; ours are whole.
        let _ = glyph.draw(settings, &mut Pen { builder, place });
    }
    if glyph_id == 0 && builder.len() == before {
        tofu(place, builder);
    }
}

/// A hollow box.
fn tofu(place: Place, builder: &mut PathBuilder) {
    let (width, height) = (place.advance.max(place.size * 0.4), place.size * 0.7);
    let line = place.size * 0.06;
    let (left, right) = (place.x + line, place.x + width - line);
    let (top, bottom) = (place.y - height, place.y);
    let mut ring = |corners: [(f32, f32); 4]| {
        builder.move_to(corners[0].0, corners[0].1);
        corners[1..].iter().for_each(|(x, y)| builder.line_to(*x, *y));
        builder.close();
    };
    ring([(left, top), (right, top), (right, bottom), (left, bottom)]);
    let (left, right, top, bottom) = (left + line, right - line, top + line, bottom - line);
    ring([(left, top), (left, bottom), (right, bottom), (right, top)]);
}

struct Pen<'a> {
    builder: &'a mut PathBuilder,
    place: Place,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.place.x + x + y * self.place.slant, self.place.y - y)
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = (self.at(cx, cy), self.at(x, y));
        self.builder.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let ((cx0, cy0), (cx1, cy1)) = (self.at(cx0, cy0), self.at(cx1, cy1));
        let (x, y) = self.at(x, y);
        self.builder.cubic_to(cx0, cy0, cx1, cy1, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

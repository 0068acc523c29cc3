//! Text as outlines: shaped, broken into lines and laid out in both directions, with a font for
//! every script.

use std::collections::BTreeMap;

use cosmic_text::{Align as LayoutAlign, Attrs, Buffer, Family, FontSystem, Metrics, Shaping};
use cosmic_text::{Wrap, fontdb};
use schemars::JsonSchema;
use serde::Deserialize;
use tiny_skia_path::{Path, PathBuilder, Rect};

mod emoji;
mod faces;
mod glyphs;
mod lettering;

pub use emoji::{color_emoji, color_emoji_for};
pub use faces::{Typeface, check_family, covers, families, families_of, family_for};
pub use lettering::{Backdrop, Lettering, Look, Shadow, rounded};

/// The longest text that is set: a bound on the work at the door.
pub const CHARACTERS_MAX: u32 = 2000;

/// On which side lines are even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// On the left.
    Left,
    /// On neither: each line stands in the middle.
    Center,
    /// On the right.
    Right,
    /// On both: spaces grow.
    Justified,
}

impl Align {
    fn layout(self) -> LayoutAlign {
        match self {
            Self::Left => LayoutAlign::Left,
            Self::Center => LayoutAlign::Center,
            Self::Right => LayoutAlign::Right,
            Self::Justified => LayoutAlign::Justified,
        }
    }
}

/// How text is set.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The letters.
    pub typeface: Typeface<'a>,
    /// The font size in pixels.
    pub size: f32,
    /// From line to line, in font sizes.
    pub line_height: f32,
    /// Where lines are even; where they begin by default.
    pub align: Option<Align>,
    /// Where lines are broken, in pixels.
    pub width_max: Option<f32>,
    /// Whether the block is as wide as lines may be, rather than as its longest line.
    pub full_width: bool,
    /// Whether a word that is longer than a line is broken.
    pub breaks_words: bool,
}

/// Text that has been set: outlines in pixels from the upper left corner of its block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The width of the block.
    pub width: f32,
    /// The height of all lines.
    pub height: f32,
    /// The letters, of each font together.
    pub outlines: Vec<Path>,
    /// Letters that are pictures: emoji, where a font has them in color.
    emblems: Vec<emoji::Emblem>,
    /// Characters that no font has, in order.
    pub missing: Vec<char>,
}

impl Block {
    /// The rectangle of all letters: marks may be stacked higher and hang lower than lines are.
    pub fn ink(&self) -> Option<Rect> {
        let outlines = self.outlines.iter().filter_map(Path::compute_tight_bounds);
        let emblems = self.emblems.iter().map(emoji::Emblem::rect);
        outlines.chain(emblems).reduce(|a, b| a.join(&b).unwrap_or(a))
    }

    /// Sets text.
    pub fn set(text: &str, setting: &Setting<'_>) -> Self {
        let text = clean(text);
        let mut fonts = faces::system();
        let size = setting.size.clamp(0.5, 20_000.0);
        let metrics = Metrics::new(size, size * setting.line_height);
        let typeface = faces::resolve(fonts.db(), setting.typeface);
        let attrs = Attrs::new()
            .family(Family::Name(typeface.family))
            .weight(fontdb::Weight(typeface.weight))
            .style(if typeface.italic { fontdb::Style::Italic } else { fontdb::Style::Normal });
        let mut buffer = Buffer::new_empty(metrics);
        buffer.set_wrap(match (setting.width_max, setting.breaks_words) {
            (None, _) => Wrap::None,
            (Some(_), true) => Wrap::WordOrGlyph,
            (Some(_), false) => Wrap::Word,
        });
        buffer.set_size(setting.width_max.map(|width| width.max(1.0)), None);
        let align = setting.align.map(Align::layout);
        buffer.set_rich_text(emoji::spans(&text, &attrs), &attrs, Shaping::Advanced, align);
        buffer.shape_until_scroll(&mut fonts, false);
        let longest = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max);
        let width = match setting.width_max {
            Some(width) if setting.full_width => width,
            _ => longest,
        };
        // Lines are even within the block, which is known only now. A hair wider, lest rounding
        // breaks the longest line.
        buffer.set_size(Some(width + size * 0.01), None);
        buffer.shape_until_scroll(&mut fonts, false);
        let height = buffer.layout_runs().map(|run| run.line_top + run.line_height);
        let height = height.fold(metrics.line_height, f32::max);
        let baseline = faces::baseline(&mut fonts, &typeface, metrics);
        let mut block = Self { width, height, ..Self::default() };
        block.draw(&buffer, &mut fonts, baseline);
        block
    }

    /// Draws all glyphs; `baseline` lies so far below the top of each line.
    fn draw(&mut self, buffer: &Buffer, fonts: &mut FontSystem, baseline: f32) {
        let mut builders: BTreeMap<fontdb::ID, (PathBuilder, bool)> = BTreeMap::new();
        for run in buffer.layout_runs() {
            for glyph in run.glyphs {
                let font = fonts.get_font(glyph.font_id, glyph.font_weight);
                let Some((font, info)) = font.zip(fonts.db().face(glyph.font_id)) else { continue };
                let cluster = run.text.get(glyph.start..glyph.end).unwrap_or_default();
                if glyph.glyph_id == 0 && !self.miss(cluster) {
                    continue;
                }
                let weight = glyph.font_weight.0;
                let face = glyphs::Face { data: font.data(), index: info.index, weight };
                let place = glyphs::Place::of(glyph, run.line_top + baseline);
                if let Some(emblem) = emoji::Emblem::of(face, glyph.glyph_id, place) {
                    self.emblems.push(emblem);
                    continue;
                }
                let (builder, is_thin) = builders.entry(glyph.font_id).or_insert_with(|| {
                    let (_, boldest) = faces::weights_of(fonts.db(), info);
                    (PathBuilder::new(), weight >= 600 && boldest < 600)
                });
                *is_thin &= glyph.glyph_id != 0;
                glyphs::outline(face, glyph.glyph_id, place, builder);
            }
        }
        let size = buffer.metrics().font_size;
        for (builder, is_thin) in builders.into_values() {
            let Some(letters) = builder.finish() else { continue };
            // Where a script has no bold letters, a line around them makes them so.
            let line = if is_thin { lettering::stroke(&letters, size * 0.016) } else { None };
            self.outlines.extend(line);
            self.outlines.push(letters);
        }
    }

    /// Notes characters that no font has; says whether there is one that is seen.
    fn miss(&mut self, cluster: &str) -> bool {
        let seen = || cluster.chars().filter(|character| !is_invisible(*character));
        for character in seen() {
            if !self.missing.contains(&character) {
                self.missing.push(character);
            }
        }
        seen().next().is_some()
    }

    /// A sentence about the characters that no font has.
    pub fn missing_message(&self) -> Option<String> {
        const SHOWN: usize = 10;
        let names = self.missing.iter().take(SHOWN);
        let names: Vec<String> =
            names.map(|character| format!("{character} (U+{:04X})", *character as u32)).collect();
        let more = self.missing.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty())
            .then(|| format!("no font has {}{more}: boxes stand in their places", names.join(", ")))
    }
}

/// One kind of line end, and no characters that only steer devices.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// Characters that are not seen, whether a font has them or not (Unicode: white space and
/// Default_Ignorable_Code_Point).
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
                | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

#[cfg(test)]
mod tests;

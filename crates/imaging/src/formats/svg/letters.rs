//! Which font text in an SVG is drawn with.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::{self, Database, Family, Query};
use resvg::usvg::{Font, FontFamily, FontResolver, FontStretch, FontStyle};

use crate::{fonts, text};

static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut database = Database::new();
    for file in fonts::all() {
        database.load_font_source(fontdb::Source::Binary(Arc::new(file)));
    }
    database.set_serif_family(fonts::SERIF);
    database.set_sans_serif_family(fonts::SANS);
    database.set_cursive_family(fonts::SANS);
    database.set_fantasy_family(fonts::SANS);
    database.set_monospace_family(fonts::MONO);
    Arc::new(database)
});

/// All fonts.
pub(super) fn database() -> Arc<Database> {
    DATABASE.clone()
}

/// Finds fonts by name, by the kind of the name where that font is not there, and by character.
pub(super) fn resolver() -> FontResolver<'static> {
    let next = FontResolver::default_fallback_selector();
    FontResolver {
        select_font: Box::new(|font, database| select(font, database)),
        select_fallback: Box::new(move |character, used, database| {
            if let Some(id) = color_emoji(character, used, database) {
                return Some(id);
            }
            let wanted = database.face(*used.first()?)?.weight.0;
            let mut passed = used.to_vec();
            let mut best = None;
            // A script has two faces at most, and they come in the order of preference.
            for _ in 0..FACES_PER_SCRIPT {
                let Some(id) = next(character, &passed, database) else { break };
                let weight = database.face(id)?.weight.0;
                let off = weight.abs_diff(wanted);
                if best.is_none_or(|(_, least)| off < least) {
                    best = Some((id, off));
                }
                passed.push(id);
            }
            best.map(|(id, _)| id)
        }),
    }
}

const FACES_PER_SCRIPT: usize = 2;

/// The face with pictures of emoji, for a character that is shown as one.
fn color_emoji(character: char, used: &[fontdb::ID], database: &Database) -> Option<fontdb::ID> {
    let name = text::color_emoji_for(character)?;
    let families = &[Family::Name(name)];
    let id = database.query(&Query { families, ..Query::default() })?;
    (!used.contains(&id)).then_some(id)
}

fn select(font: &Font, database: &Database) -> Option<fontdb::ID> {
    let mut families: Vec<Family<'_>> = font.families().iter().map(family).collect();
    families.push(font.families().first().map_or(Family::Serif, kind));
    let stretch = match font.stretch() {
        FontStretch::UltraCondensed => fontdb::Stretch::UltraCondensed,
        FontStretch::ExtraCondensed => fontdb::Stretch::ExtraCondensed,
        FontStretch::Condensed => fontdb::Stretch::Condensed,
        FontStretch::SemiCondensed => fontdb::Stretch::SemiCondensed,
        FontStretch::Normal => fontdb::Stretch::Normal,
        FontStretch::SemiExpanded => fontdb::Stretch::SemiExpanded,
        FontStretch::Expanded => fontdb::Stretch::Expanded,
        FontStretch::ExtraExpanded => fontdb::Stretch::ExtraExpanded,
        FontStretch::UltraExpanded => fontdb::Stretch::UltraExpanded,
    };
    let style = match font.style() {
        FontStyle::Normal => fontdb::Style::Normal,
        FontStyle::Italic => fontdb::Style::Italic,
        FontStyle::Oblique => fontdb::Style::Oblique,
    };
    let weight = fontdb::Weight(font.weight());
    database.query(&Query { families: &families, weight, stretch, style })
}

fn family(family: &FontFamily) -> Family<'_> {
    match family {
        FontFamily::Serif => Family::Serif,
        FontFamily::SansSerif => Family::SansSerif,
        FontFamily::Cursive => Family::Cursive,
        FontFamily::Fantasy => Family::Fantasy,
        FontFamily::Monospace => Family::Monospace,
        FontFamily::Named(name) => Family::Name(name),
    }
}

/// What a font is like whose name alone is known.
fn kind(of: &FontFamily) -> Family<'_> {
    let FontFamily::Named(name) = of else { return family(of) };
    let name = name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["mono", "courier", "consol", "menlo", "code", "typewriter"]) {
        Family::Monospace
    } else if has(&["sans", "gothic"]) {
        Family::SansSerif
    } else if has(&[
        "serif", "times", "georgia", "roman", "garamond", "palatino", "cambria", "book",
    ]) {
        Family::Serif
    } else {
        Family::SansSerif
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_that_is_built_in_is_a_face() {
        assert_eq!(database().len(), fonts::BUILT_IN.len());
        let names = [fonts::SANS, fonts::SERIF, fonts::MONO];
        for name in names {
            let found = database().faces().any(|face| face.families[0].0 == name);
            assert!(found, "{name}");
        }
    }

    #[test]
    fn fonts_that_are_not_there_have_a_kind() {
        let kind_of = |name: &str| match kind(&FontFamily::Named(name.to_owned())) {
            Family::Monospace => "mono",
            Family::Serif => "serif",
            Family::SansSerif => "sans",
            _ => "other",
        };
        assert_eq!(kind_of("Courier New"), "mono");
        assert_eq!(kind_of("Times New Roman"), "serif");
        assert_eq!(kind_of("Helvetica Neue"), "sans");
        assert_eq!(kind_of("Open Sans"), "sans");
        assert_eq!(kind_of("Source Serif Pro"), "serif");
    }
}

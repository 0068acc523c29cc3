//! The fonts as families and faces, and which of them serves what.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cosmic_text::skrifa::{FontRef, MetadataProvider, Tag};
use cosmic_text::{Fallback, FontSystem, Metrics, fontdb};
use unicode_script::Script;

use crate::fonts;

/// The letters that are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Typeface<'a> {
    /// The name of the family.
    pub family: &'a str,
    /// How bold, 100 to 900.
    pub weight: u16,
    /// Whether they slant.
    pub italic: bool,
}

impl<'a> Typeface<'a> {
    /// Upright letters of a family, or of the usual one.
    pub fn of(family: Option<&'a str>, weight: u16) -> Self {
        Self { family: family.unwrap_or(fonts::SANS), weight, italic: false }
    }
}

static DATABASE: LazyLock<fontdb::Database> = LazyLock::new(|| {
    let mut database = fontdb::Database::new();
    for bytes in fonts::all() {
        database.load_font_source(fontdb::Source::Binary(Arc::new(bytes)));
    }
    database.set_sans_serif_family(fonts::SANS);
    database
});

/// The families: those that are bundled, in their order, then those of the operator.
static FAMILIES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut seen = BTreeSet::new();
    let names = DATABASE.faces().filter_map(|face| face.families.first());
    names.map(|(name, _)| name.as_str()).filter(|name| seen.insert(*name)).collect()
});

/// The names of all families.
pub fn families() -> &'static [&'static str] {
    &FAMILIES
}

/// The names of the families in a font file; none where it is damaged.
pub fn families_of(file: &[u8]) -> Vec<String> {
    let mut database = fontdb::Database::new();
    database.load_font_source(fontdb::Source::Binary(Arc::new(file.to_vec())));
    let mut names: Vec<String> = Vec::new();
    for face in database.faces() {
        let font = FontRef::from_index(file, face.index);
        let has_letters = font.is_ok_and(|font| font.charmap().has_map());
        let name = face.families.first().map(|(name, _)| name);
        let fresh = name.filter(|name| has_letters && !names.contains(name));
        names.extend(fresh.cloned());
    }
    names
}

/// Whether a family has a letter for a character.
pub fn covers(family: &str, character: char) -> bool {
    let of_family = |face: &&fontdb::FaceInfo| face.families.iter().any(|(name, _)| name == family);
    DATABASE.faces().filter(of_family).any(|face| {
        let has = |data: &[u8], index| {
            FontRef::from_index(data, index)
                .is_ok_and(|font| font.charmap().map(character).is_some())
        };
        DATABASE.with_face_data(face.id, has).unwrap_or(false)
    })
}

/// The first family that has a letter for a character.
pub fn family_for(character: char) -> Option<&'static str> {
    families().iter().copied().find(|family| covers(family, character))
}

/// The family with this name in any case, or what is wrong with it.
pub fn check_family(name: &str) -> Result<&'static str, String> {
    const LISTED: usize = 30;
    let asked = name.trim();
    // A family may have a name in each of several languages.
    let names = || DATABASE.faces().flat_map(|face| &face.families).map(|(name, _)| name.as_str());
    if let Some(family) = names().find(|family| family.eq_ignore_ascii_case(asked)) {
        return Ok(family);
    }
    let asked = asked.to_lowercase();
    let nearest = names()
        .map(|family| (strsim::jaro_winkler(&asked, &family.to_lowercase()), family))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    let hint = nearest.map(|(_, family)| format!("; did you mean {family:?}"));
    let (known, hint) = (families(), hint.unwrap_or_default());
    let listed = known.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = match known.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(format!("unknown font family {name:?}{hint}; known are {listed}{more}"))
}

/// Every family serves every script that it has: they are tried in the order of the list.
struct InOrder;

impl Fallback for InOrder {
    fn common_fallback(&self) -> &[&'static str] {
        families()
    }

    fn forbidden_fallback(&self) -> &[&'static str] {
        &[]
    }

    fn script_fallback(&self, _: Script, _: &str) -> &[&'static str] {
        &[]
    }
}

/// All faces.
pub(super) fn database() -> &'static fontdb::Database {
    &DATABASE
}

/// Fonts for one text; what they cache goes with it.
pub(super) fn system() -> FontSystem {
    let database = DATABASE.clone();
    FontSystem::new_with_locale_and_db_and_fallback("en".to_owned(), database, InOrder)
}

/// The nearest that the family has.
pub(super) fn resolve(database: &fontdb::Database, asked: Typeface<'_>) -> Typeface<'static> {
    let family = check_family(asked.family).unwrap_or(fonts::SANS);
    let of_family = |face: &&fontdb::FaceInfo| face.families.iter().any(|(name, _)| name == family);
    let weights: BTreeSet<u16> = database
        .faces()
        .filter(of_family)
        .filter_map(|face| {
            let (low, high) = weights_of(database, face);
            (low <= high).then(|| asked.weight.clamp(low, high))
        })
        .collect();
    let nearest = weights.into_iter().min_by_key(|weight| weight.abs_diff(asked.weight));
    Typeface { family, weight: nearest.unwrap_or(400), italic: asked.italic }
}

/// The weights that a face can take.
pub(super) fn weights_of(database: &fontdb::Database, face: &fontdb::FaceInfo) -> (u16, u16) {
    let axis = database.with_face_data(face.id, |data, index| {
        let axis = FontRef::from_index(data, index).ok()?.axes().get_by_tag(Tag::new(b"wght"))?;
        Some((axis.min_value() as u16, axis.max_value() as u16))
    });
    axis.flatten().unwrap_or((face.weight.0, face.weight.0))
}

/// How far below the top of a line its baseline lies: the same for all lines of a text, whatever
/// fonts they take.
pub(super) fn baseline(fonts: &mut FontSystem, typeface: &Typeface<'_>, line: Metrics) -> f32 {
    let style = if typeface.italic { fontdb::Style::Italic } else { fontdb::Style::Normal };
    let query = fontdb::Query {
        families: &[fontdb::Family::Name(typeface.family)],
        weight: fontdb::Weight(typeface.weight),
        style,
        ..fontdb::Query::default()
    };
    let id = fonts.db().query(&query);
    let font = id.and_then(|id| fonts.get_font(id, fontdb::Weight(typeface.weight)));
    let (ascent, descent) = font.map_or((0.8, 0.2), |font| {
        let metrics = font.metrics();
        let em = f32::from(metrics.units_per_em);
        (metrics.ascent / em, -metrics.descent / em)
    });
    (line.line_height + (ascent - descent) * line.font_size) / 2.0
}

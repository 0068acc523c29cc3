//! Text of several scripts, taken apart so that each is drawn with a font of its own.
//!
//! `usvg` looks for other fonts for what the first one lacks, but takes their letters one for one:
//! where letters join or change their order, as in Arabic and Devanagari, it gives up. In spans
//! that name their fonts it need not look.

use std::fmt::Write;

use resvg::usvg::roxmltree::{Document, Node};
use unicode_script::{Script, UnicodeScript};

use crate::text::{covers, family_for};

/// The text of the document with a `tspan` around each run in a script that needs a font of its
/// own; nothing where there is none.
pub(super) fn apart(document: &Document<'_>, text: &str) -> Option<String> {
    // Text that stands in an entity is not where it is drawn, and what a style says of spans is not
    // meant for ours.
    if text.contains("<!ENTITY") || has_style_of_spans(document) {
        return None;
    }
    let mut apart = String::new();
    let mut copied = 0;
    for node in document.descendants().filter(is_drawn_text) {
        let range = node.range();
        let raw = &text[range.clone()];
        // With references to characters in it, the text is not what stands there.
        if raw.is_ascii() || node.text() != Some(raw) {
            continue;
        }
        let runs = runs(raw);
        if runs.iter().all(|(family, _)| family.is_none()) || names_one_that_covers(node, raw) {
            continue;
        }
        apart.push_str(&text[copied..range.start]);
        copied = range.end;
        for (family, run) in runs {
            let written = match family {
                Some(family) if !family.contains(['"', '\'', '&', '<']) => {
                    write!(apart, "<tspan font-family=\"'{family}'\">{run}</tspan>")
                }
                _ => apart.write_str(run),
            };
            written.expect("a string takes all");
        }
    }
    if copied == 0 {
        return None;
    }
    apart.push_str(&text[copied..]);
    Some(apart)
}

fn has_style_of_spans(document: &Document<'_>) -> bool {
    let mut styles = document.descendants().filter(|node| node.tag_name().name() == "style");
    styles.any(|style| style.text().is_some_and(|text| text.contains("tspan")))
}

fn is_drawn_text(node: &Node<'_, '_>) -> bool {
    const NOT_DRAWN: [&str; 4] = ["style", "title", "desc", "script"];
    let is =
        |names: &[&str]| node.ancestors().any(|above| names.contains(&above.tag_name().name()));
    node.is_text() && is(&["text"]) && !is(&NOT_DRAWN)
}

/// Whether the fonts that the drawing asks for have all these letters.
fn names_one_that_covers(node: Node<'_, '_>, raw: &str) -> bool {
    let named = node.ancestors().find_map(|above| {
        let style = above.attribute("style").and_then(|style| {
            let mut rules = style.split(';').filter_map(|rule| rule.split_once(':'));
            rules.find(|(name, _)| name.trim() == "font-family").map(|(_, names)| names)
        });
        style.or_else(|| above.attribute("font-family"))
    });
    let mut names = named.into_iter().flat_map(|names| names.split(','));
    names.any(|name| {
        let name = name.trim_matches([' ', '\'', '"']);
        raw.chars().filter(|c| !c.is_whitespace()).all(|character| covers(name, character))
    })
}

/// The runs of a text, each with the family that serves its script; none for the scripts that all
/// usual fonts have.
fn runs(text: &str) -> Vec<(Option<&'static str>, &str)> {
    let mut runs = Vec::new();
    let (mut start, mut current) = (0, None);
    for (at, character) in text.char_indices() {
        let script = character.script();
        let stays = matches!(script, Script::Inherited)
            || script == Script::Common && current.is_none_or(|family| covers(family, character));
        let family = match script {
            _ if stays => current,
            Script::Common | Script::Latin | Script::Greek | Script::Cyrillic => None,
            _ => {
                current.filter(|family| covers(family, character)).or_else(|| family_for(character))
            }
        };
        if family != current {
            runs.push((current, &text[start..at]));
            (start, current) = (at, family);
        }
    }
    runs.push((current, &text[start..]));
    runs.retain(|(_, run)| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use resvg::usvg::roxmltree::ParsingOptions;

    use super::*;

    fn of(text: &str) -> Option<String> {
        apart(&Document::parse(text).unwrap(), text)
    }

    #[test]
    fn scripts_that_share_a_text_get_fonts_of_their_own() {
        let svg = of(
            "<svg><text x='1'>Hello \u{928}\u{92E}\u{938}\u{94D}\u{924}\u{947}, you</text></svg>",
        );
        let svg = svg.expect("two scripts");
        let (before, rest) = svg.split_once("<tspan font-family=\"'").expect("a span");
        assert_eq!(before, "<svg><text x='1'>Hello ");
        assert!(rest.contains("Devanagari'\">\u{928}"), "{rest}");
        assert!(rest.ends_with("you</text></svg>"), "{rest}");
    }

    #[test]
    fn what_usual_fonts_have_stays_as_it_is() {
        assert_eq!(of("<svg><text>caf\u{E9} \u{3B1} \u{416} 100 \u{20AC}</text></svg>"), None);
        assert_eq!(of("<svg><desc>\u{5D0}</desc></svg>"), None);
        assert_eq!(of("<svg><text><title>\u{5D0}</title></text></svg>"), None);
        assert_eq!(of("<svg><style>tspan{fill:red}</style><text>a \u{5D0}</text></svg>"), None);
    }

    #[test]
    fn what_stands_in_an_entity_stays_there() {
        let svg =
            "<!DOCTYPE svg [<!ENTITY x '\u{5D0}'>]><svg><text>&x;</text><text>&x;</text></svg>";
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(svg, options).unwrap();
        assert_eq!(apart(&document, svg), None);
    }
}

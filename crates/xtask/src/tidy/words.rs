//! What may not stand in a file that ships.

use crate::tree::Source;

/// Left by somebody who meant to come back. In two halves, so that this file passes.
const MARKERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("dbg", "!("),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ign", "ore"),
];

/// Folders of one machine, or beside the project.
const PLACES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("../sha", "red"),
];

pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(text) = &source.text else { continue };
        let is_code = source.path.ends_with(".rs");
        for (index, line) in text.lines().enumerate() {
            let at = format!("{}:{}", source.path, index + 1);
            if is_code {
                let markers = MARKERS.iter().filter(|marker| stands_alone(line, marker));
                found.extend(markers.map(|marker| format!("{at}: `{marker}` may not ship")));
            }
            let places = PLACES.iter().filter(|place| begins_path(line, place));
            found.extend(places.map(|place| format!("{at}: `{place}` is a place of one machine")));
        }
    }
    found
}

/// Whether the marker stands there, not as a part of a longer word.
fn stands_alone(line: &str, marker: &str) -> bool {
    line.match_indices(marker).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = line[..at].chars().next_back().is_some_and(word);
        let open = marker.chars().next_back().is_some_and(word);
        let after = open && line[at + marker.len()..].chars().next().is_some_and(word);
        !before && !after
    })
}

/// Whether a path begins with the place there (and does not just go on with it).
fn begins_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let inner = |c: char| c.is_alphanumeric() || "._-}$".contains(c);
        !line[..at].chars().next_back().is_some_and(inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_as_words() {
        assert!(stands_alone("// MARK: mend", "MARK"));
        assert!(!stands_alone("MARKER", "MARK"));
        assert!(!stands_alone("my_mark!(x)", "mark!("));
        assert!(stands_alone("mark!(x)", "mark!("));
    }

    #[test]
    fn only_the_start_of_a_path_is_a_place() {
        assert!(begins_path("see `/here/x`", "/here/"));
        assert!(!begins_path("src/here/x", "/here/"));
        assert!(!begins_path("$DIR/here/x", "/here/"));
    }
}

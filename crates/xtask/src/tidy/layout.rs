//! Where files are, what they are called, how long they are.

use std::path::Path;

use crate::tree::Source;

/// A file that is longer says two things.
const LINES_MAX: usize = 500;

/// What fits beside another file on a screen.
pub(crate) const COLUMNS_MAX: usize = 100;

/// Names that say nothing of what is inside.
const DRAWERS: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "model", "models", "service", "services",
    "types", "util", "utils",
];

pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    sources.iter().filter(|source| source.path.ends_with(".rs")).flat_map(breaches_in).collect()
}

fn breaches_in(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut found = Vec::new();
    if path.ends_with("/mod.rs") {
        found.push(format!("{path}: a module is name.rs with its children in name/"));
    }
    for part in Path::new(path).iter().filter_map(|part| part.to_str()) {
        let name = part.trim_end_matches(".rs");
        if DRAWERS.contains(&name) {
            found.push(format!("{path}: `{name}` says nothing of what is inside"));
        }
    }
    let Some(text) = &source.text else {
        found.push(format!("{path}: is no UTF-8"));
        return found;
    };
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{path}: has {lines} lines, at most {LINES_MAX}: split it"));
    }
    for (index, line) in text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX && !is_text(line) {
            let number = index + 1;
            found.push(format!("{path}:{number}: has {columns} columns, at most {COLUMNS_MAX}"));
        }
    }
    found
}

/// Whether the line is long for a string in it, which nobody should have to break.
fn is_text(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with("//");
    let quotes: Vec<usize> = line.match_indices('"').map(|(at, _)| at).collect();
    let string = match quotes.as_slice() {
        [first, .., last] => last - first,
        _ => 0,
    };
    !is_comment && line.len().saturating_sub(string) <= COLUMNS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let source = Source { path: path.to_owned(), text: Some(text.to_owned()) };
        assert_eq!(breaches(&[source]), expected);
    }

    #[test]
    fn names_say_what_is_inside() {
        check("crates/x/src/size.rs", "", &[]);
        check(
            "crates/x/src/utils.rs",
            "",
            &["crates/x/src/utils.rs: `utils` says nothing of what is inside"],
        );
        check(
            "crates/x/src/size/mod.rs",
            "",
            &["crates/x/src/size/mod.rs: a module is name.rs with its children in name/"],
        );
    }

    #[test]
    fn files_and_lines_are_short() {
        check("a.rs", &"\n".repeat(500), &[]);
        check("a.rs", &"\n".repeat(501), &["a.rs: has 501 lines, at most 500: split it"]);
        check("a.rs", &"é".repeat(100), &[]);
        check("a.rs", &"é".repeat(101), &["a.rs:1: has 101 columns, at most 100"]);
        check("a.rs", &format!("let text = \"{}\";", "é".repeat(101)), &[]);
        let comment = format!("// \"{}\"", "é".repeat(101));
        check("a.rs", &comment, &["a.rs:1: has 106 columns, at most 100"]);
    }
}

//! Whether every file of an operation or format is in its list.

use crate::tree::Source;

/// Folder of the files, file of the list, and what stands around a file's name in the list.
const LISTS: &[(&str, &str, &str, &str)] = &[
    ("crates/imaging/src/image_ops/", "crates/imaging/src/image_ops.rs", "Entry::of::<", "::"),
    ("crates/imaging/src/operations/", "crates/imaging/src/operations.rs", "", "::ENTRY"),
    ("crates/imaging/src/formats/", "crates/imaging/src/format.rs", "&", "::"),
];

/// What a file of a list holds, unlike a file that only helps.
const MEMBERS: &[&str] = &["const ENTRY:", "impl ImageOp for", ": Format = Format {"];

pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, list, before, after) in LISTS {
        let entries = sources.iter().find(|source| source.path == *list);
        let entries = entries.and_then(|source| source.text.as_deref()).unwrap_or_default();
        for source in sources {
            let text = source.text.as_deref().unwrap_or_default();
            let name = source.path.strip_prefix(folder).and_then(|name| name.strip_suffix(".rs"));
            let Some(name) = name.filter(|name| !name.contains('/')) else { continue };
            let is_member = MEMBERS.iter().any(|member| text.contains(member));
            if is_member && !entries.contains(&format!("{before}{name}{after}")) {
                found.push(format!("{}: is not in the list of {list}", source.path));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_line_is_found() {
        let source = |path: &str, text: &str| Source {
            path: format!("crates/imaging/src/{path}"),
            text: Some(text.to_owned()),
        };
        let list = "&[Entry::of::<flip::Flip>(), Entry::of::<sepia_2::Sepia>()]";
        let sources = [
            source("image_ops.rs", list),
            source("image_ops/flip.rs", "impl ImageOp for Flip {}"),
            source("image_ops/sepia.rs", "impl ImageOp for Sepia {}"),
            source("image_ops/gravity.rs", ""),
            source("image_ops/resize/size.rs", "impl ImageOp for Size {}"),
        ];
        let expected = "crates/imaging/src/image_ops/sepia.rs: is not in the list of \
            crates/imaging/src/image_ops.rs";
        assert_eq!(breaches(&sources), [expected]);
    }
}

//! Links of documents to files of the project lead somewhere.

use std::collections::HashSet;

use crate::tree::Source;

pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let files: HashSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let exists = |path: &str| {
        let folder = format!("{}/", path.trim_end_matches('/'));
        files.contains(path) || files.iter().any(|file| file.starts_with(&folder))
    };
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (index, line) in source.text.as_deref().unwrap_or_default().lines().enumerate() {
            let missing = targets(line).filter(|target| !exists(&joined(folder, target)));
            found.extend(missing.map(|target| {
                format!("{}:{}: the link leads to no file: {target}", source.path, index + 1)
            }));
        }
    }
    found
}

/// What `](...)` leads to inside of the project.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.match_indices("](").map(|(at, mark)| &line[at + mark.len()..]);
    ends.filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

/// A path from the root, from one beside a document.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_into_the_project_are_found_and_others_are_not() {
        let line =
            "[a](docs/a.md#part), ![b](../b.jpg) and [c](https://example.org/c) or [d](#here)";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["docs/a.md", "../b.jpg"]);
        assert_eq!(joined("docs/images", "../b.jpg"), "docs/b.jpg");
    }
}

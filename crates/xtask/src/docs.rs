//! The documents that are generated: committed, and checked to be fresh.

use std::fs;

use anyhow::{Context, bail};

use crate::tree;

mod configuration;
mod errors;
mod openapi;
mod operations;

/// What every generated Markdown file says of itself.
const MARK: &str = "<!-- Written by `cargo xtask docs`. Change the code, not this file. -->\n\n";

/// All generated documents: path from the root, and text.
fn documents() -> anyhow::Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("docs/operations.md", format!("{MARK}{}", operations::document()?)),
        ("docs/errors.md", format!("{MARK}{}", errors::document())),
        ("docs/configuration.md", format!("{MARK}{}", configuration::document()?)),
        ("docs/openapi.json", openapi::document()?),
    ])
}

/// Writes those that are not fresh.
pub(crate) fn write() -> anyhow::Result<()> {
    for (path, text) in documents()? {
        let full = tree::root().join(path);
        if fs::read_to_string(&full).is_ok_and(|old| old == text) {
            continue;
        }
        let folder = full.parent().context("every document is in a folder")?;
        fs::create_dir_all(folder).context("docs")?;
        fs::write(&full, text).with_context(|| path.to_owned())?;
        eprintln!("wrote {path}");
    }
    Ok(())
}

/// Fails when one is not fresh.
pub(crate) fn check() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for (path, text) in documents()? {
        match fs::read_to_string(tree::root().join(path)) {
            Ok(old) if old == text => {}
            Ok(old) => stale.push(format!("{path}, from line {}", first_difference(&old, &text))),
            Err(error) => stale.push(format!("{path}: {error}")),
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    bail!("not fresh: {}\nplease run: make docs", stale.join("; "))
}

fn first_difference(old: &str, new: &str) -> usize {
    let same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    same + 1
}

/// Text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documents_are_fresh() {
        if let Err(error) = super::check() {
            panic!("{error:#}");
        }
    }
}

//! The rules of the house that a machine can check and no lint does.

use anyhow::bail;

use crate::tree;

mod direction;
mod layout;
mod licenses;
mod links;
mod registered;
mod words;

pub(crate) use layout::COLUMNS_MAX;

/// Fails with every breach there is.
pub(crate) fn check() -> anyhow::Result<()> {
    let sources = tree::sources()?;
    let mut breaches = Vec::new();
    breaches.extend(layout::breaches(&sources));
    breaches.extend(links::breaches(&sources));
    breaches.extend(words::breaches(&sources));
    breaches.extend(registered::breaches(&sources));
    breaches.extend(direction::breaches(&sources)?);
    breaches.extend(licenses::breaches(&tree::root())?);
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("{}\ntidy: {} to mend", breaches.join("\n"), breaches.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        if let Err(error) = super::check() {
            panic!("{error:#}");
        }
    }
}

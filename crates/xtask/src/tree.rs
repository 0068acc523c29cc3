//! The files of the project.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// A file that belongs to the project.
pub(crate) struct Source {
    /// From the root, with slashes.
    pub(crate) path: String,
    /// What it holds, or `None` when it is no text.
    pub(crate) text: Option<String>,
}

/// Where the workspace is.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("crates/xtask is two levels deep").to_owned()
}

/// All files that Git knows or would add.
pub(crate) fn sources() -> anyhow::Result<Vec<Source>> {
    let root = root();
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .context("cannot run git")?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).context("a file name is no UTF-8")?;
    let mut sources = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // A file that was deleted but not yet committed is listed all the same.
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        sources.push(Source { path: path.to_owned(), text });
    }
    Ok(sources)
}

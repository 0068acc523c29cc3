//! Where results go, without ever harming an input.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

/// Where results go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The one result, to whoever reads stdout.
    Stdout,
    /// The one result.
    File(PathBuf),
    /// Each result under its own name.
    Folder(PathBuf),
    /// There are no results.
    Nowhere,
}

impl Target {
    /// What `-o` means: a folder when it ends in a slash, is one, or must be one.
    pub(super) fn new(output: &OsStr, inputs: usize) -> anyhow::Result<Self> {
        let path = Path::new(output);
        if output == "-" {
            if inputs > 1 {
                bail!("-o - takes one input, got {inputs}; name a folder: -o DIR/");
            }
            return Ok(Self::Stdout);
        }
        if output.as_encoded_bytes().ends_with(b"/") || path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        if inputs > 1 {
            bail!("{inputs} inputs need a folder: -o {}/", path.display());
        }
        Ok(Self::File(path.to_owned()))
    }

    /// The format that the name of the result asks for, by its extension.
    pub(super) fn extension(&self) -> Option<&str> {
        match self {
            Self::File(path) => path.extension()?.to_str(),
            Self::Stdout | Self::Folder(_) | Self::Nowhere => None,
        }
    }

    /// The folder that results are written in, made if it is missing.
    pub(super) fn folder(&self) -> anyhow::Result<Option<PathBuf>> {
        let folder = match self {
            Self::Stdout | Self::Nowhere => return Ok(None),
            Self::Folder(path) => path.clone(),
            Self::File(path) => match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
                _ => PathBuf::from("."),
            },
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Some(folder))
    }
}

/// A result on the disk, not yet under its name; gone when it is dropped.
pub(super) fn stage(folder: &Path, bytes: &[u8]) -> anyhow::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(".imagehq-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    file.write_all(bytes).with_context(|| format!("cannot write in {}", folder.display()))?;
    Ok(file)
}

/// Gives results their names: each once, and none that belongs to an input.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<PathBuf>,
    inputs: BTreeSet<PathBuf>,
}

impl Names {
    /// Names that spare these inputs.
    pub(super) fn sparing<'a>(inputs: impl Iterator<Item = &'a Path>) -> Self {
        let inputs = inputs.filter_map(|path| path.canonicalize().ok()).collect();
        Self { taken: BTreeSet::new(), inputs }
    }

    /// Whether the path is an input, under whatever name.
    pub(super) fn is_input(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.inputs.contains(&path))
    }

    /// The path for a result that wants to be called so: `-2` and so on if that is taken.
    pub(super) fn take(&mut self, folder: &Path, wanted: &str) -> anyhow::Result<PathBuf> {
        let path = (1..)
            .map(|n| folder.join(numbered(wanted, n)))
            .find(|path| !self.taken.contains(path))
            .expect("there are more numbers than results");
        if self.is_input(&path) {
            bail!("{} is an input and stays as it is; choose another folder", path.display());
        }
        self.taken.insert(path.clone());
        Ok(path)
    }
}

/// `photo.webp`, `photo-2.webp`, `photo-3.webp`.
fn numbered(name: &str, n: u32) -> String {
    match (n, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (n, Some((stem, extension))) => format!("{stem}-{n}.{extension}"),
        (n, None) => format!("{name}-{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clashing_names_are_numbered() {
        let mut names = Names::default();
        let mut take = || names.take(Path::new("out"), "a.webp").unwrap();
        assert_eq!(take(), Path::new("out/a.webp"));
        assert_eq!(take(), Path::new("out/a-2.webp"));
        assert_eq!(take(), Path::new("out/a-3.webp"));
    }

    #[test]
    fn an_input_is_known_under_every_name() {
        let temp = tempfile::tempdir().unwrap();
        let input = temp.path().join("a.png");
        std::fs::write(&input, "x").unwrap();
        std::os::unix::fs::symlink(&input, temp.path().join("link.png")).unwrap();
        let mut names = Names::sparing([input.as_path()].into_iter());
        assert!(names.is_input(&temp.path().join("./link.png")));
        let error = names.take(temp.path(), "a.png").unwrap_err().to_string();
        assert!(error.contains("is an input"), "{error}");
        assert!(names.take(temp.path(), "b.png").is_ok());
    }

    #[test]
    fn several_inputs_need_a_folder() {
        let target = |output: &str, inputs| Target::new(output.as_ref(), inputs);
        assert_eq!(target("out.webp", 1).unwrap(), Target::File("out.webp".into()));
        assert_eq!(target("out/", 1).unwrap(), Target::Folder("out/".into()));
        assert_eq!(target("-", 1).unwrap(), Target::Stdout);
        assert_eq!(target("out", 2).unwrap_err().to_string(), "2 inputs need a folder: -o out/");
        assert!(target("-", 2).is_err());
    }

    #[test]
    fn what_is_staged_and_dropped_leaves_no_trace() {
        let temp = tempfile::tempdir().unwrap();
        let staged = stage(temp.path(), b"abc").unwrap();
        assert_eq!(std::fs::read(staged.path()).unwrap(), b"abc");
        drop(staged);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
    }
}

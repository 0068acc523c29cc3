//! The operator's fonts: read once, before any work, and given to every runner.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use imaging::text::families_of;

use crate::terminal;

/// The largest file that is taken: fonts of all Chinese, Japanese and Korean letters have 20 MB.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// The most bytes of all files together, as every runner holds them in its memory.
const ALL_BYTES_MAX: u64 = 96 << 20;
/// How deep folders may lie in each other.
const DEPTH_MAX: usize = 4;

/// What was found in the folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The names of the families of each file that is used.
    pub(crate) fonts: Vec<(PathBuf, Vec<String>)>,
    /// The files that are not.
    pub(crate) skipped: Vec<Skipped>,
}

/// A file that looks like a font and is not used.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the font {} is not used: {}", self.path.display(), self.why)
    }
}

/// Adds the fonts in the folder to those that are built in, in the order of their names. Called
/// once, before anything is drawn or checked.
pub(crate) fn add(folder: &Path) -> anyhow::Result<Found> {
    let (found, files) = read(folder)?;
    imaging::fonts::add(files).context("the fonts")?;
    Ok(found)
}

fn read(folder: &Path) -> anyhow::Result<(Found, Vec<Vec<u8>>)> {
    let (mut found, mut files) = (Found::default(), Vec::new());
    if folder.as_os_str().is_empty() {
        return Ok((found, files));
    }
    let paths = fonts_in(folder, DEPTH_MAX)
        .with_context(|| format!("the folder of fonts {} cannot be read", folder.display()))?;
    let mut room = ALL_BYTES_MAX;
    for path in paths {
        match font(&path, room) {
            Ok((names, bytes)) => {
                room -= bytes.len() as u64;
                found.fonts.push((path, names));
                files.push(bytes);
            }
            Err(why) => found.skipped.push(Skipped { path, why }),
        }
    }
    Ok((found, files))
}

/// The files that are called fonts, in order.
fn fonts_in(folder: &Path, depth: usize) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        let name = path.extension().unwrap_or_default().to_ascii_lowercase();
        if path.is_dir() {
            if depth > 1 {
                found.extend(fonts_in(&path, depth - 1)?);
            }
        } else if ["ttf", "otf", "ttc", "otc"].iter().any(|known| name == *known) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The names of the families of a font file, and its bytes; or why it is not used.
fn font(path: &Path, room: u64) -> Result<(Vec<String>, Vec<u8>), String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("it is larger than {}", terminal::bytes(FILE_BYTES_MAX)));
    }
    if length > room {
        return Err(format!("all fonts may have {} together", terminal::bytes(ALL_BYTES_MAX)));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let names = families_of(&bytes);
    if names.is_empty() {
        return Err("it is damaged, or neither TrueType nor OpenType".to_owned());
    }
    Ok((names, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled(name: &str) -> &'static [u8] {
        imaging::fonts::BUILT_IN.iter().find(|font| font.name == name).unwrap().bytes
    }

    #[test]
    fn a_folder_is_read_in_order_and_what_is_broken_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(temp.path().join(name), bytes);
        let thai = bundled("NotoSansThai-Regular.ttf");
        std::fs::create_dir(temp.path().join("more")).unwrap();
        write("more/Thai.TTF", thai).unwrap();
        write("b.otf", bundled("NotoSerif-Regular.ttf")).unwrap();
        write("cut.ttf", &thai[..thai.len() / 3]).unwrap();
        write("page.ttf", b"<html>").unwrap();
        write("readme.txt", b"no font").unwrap();
        let (found, files) = read(temp.path()).unwrap();
        let names: Vec<_> = found.fonts.iter().map(|(_, names)| names.join(", ")).collect();
        assert_eq!(names, ["Noto Serif", "Noto Sans Thai"]);
        assert_eq!(files[1], thai);
        let skipped: Vec<_> =
            found.skipped.iter().map(|skipped| skipped.path.file_name().unwrap()).collect();
        assert_eq!(skipped, ["cut.ttf", "page.ttf"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let error = read(Path::new("no/such/folder")).unwrap_err();
        assert!(format!("{error:#}").contains("no/such/folder"), "{error:#}");
        assert!(read(Path::new("")).unwrap().1.is_empty(), "none was asked for");
    }

    #[test]
    fn files_are_bounded() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("large.ttf");
        std::fs::File::create(&path).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
        assert!(font(&path, ALL_BYTES_MAX).unwrap_err().contains("larger than"));
        std::fs::write(&path, bundled("NotoSans-Regular.ttf")).unwrap();
        assert!(font(&path, 1000).unwrap_err().contains("together"));
    }
}

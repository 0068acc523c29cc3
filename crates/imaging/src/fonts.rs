//! The fonts that text is drawn with: those that are built in, and those of the operator.

use std::sync::OnceLock;

use crate::{Error, Result};

/// A font file that is built in.
pub struct Font {
    /// Its file name.
    pub name: &'static str,
    /// The whole file.
    pub bytes: &'static [u8],
}

macro_rules! fonts {
    ($($file:literal),* $(,)?) => {
        &[$(Font {
            name: $file,
            bytes: include_bytes!(concat!("../../../assets/fonts/", $file)),
        }),*]
    };
}

/// What is built in, in the order in which a font is sought that has a character.
pub static BUILT_IN: &[Font] = fonts![
    "NotoSans-Regular.ttf",
    "NotoSans-Bold.ttf",
    "NotoSans-Italic.ttf",
    "NotoSans-BoldItalic.ttf",
    "NotoSerif-Regular.ttf",
    "NotoSerif-Bold.ttf",
    "NotoSansMono-Regular.ttf",
    "NotoSansMono-Bold.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansArabic-Bold.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansHebrew-Bold.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansDevanagari-Bold.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansThai-Bold.ttf",
    "NotoSansMath-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf",
    "NotoSansCJKsc-Regular.otf",
    "NotoEmoji-Regular.ttf",
];

/// The family that stands for the names without serifs, and for every name that is not there.
pub const SANS: &str = "Noto Sans";
/// The family that stands for the names with serifs.
pub const SERIF: &str = "Noto Serif";
/// The family in which all letters are equally wide.
pub const MONO: &str = "Noto Sans Mono";

static ADDED: OnceLock<Vec<Vec<u8>>> = OnceLock::new();

/// Adds the font files of the operator. Once in the life of a process, before any work: what is
/// drawn depends on nothing but the request, the files and the build, these fonts among it.
pub fn add(files: Vec<Vec<u8>>) -> Result<()> {
    if let Some(index) = files.iter().position(|file| !is_font(file)) {
        return Err(Error::input(format!("font file {index} is neither TrueType nor OpenType")));
    }
    ADDED.set(files).map_err(|_| Error::internal("fonts are added once, before any work"))
}

/// The font files of the operator, in the order in which they were added.
pub fn added() -> impl ExactSizeIterator<Item = &'static [u8]> {
    ADDED.get_or_init(Vec::new).iter().map(Vec::as_slice)
}

/// All font files: those that are built in, then those of the operator.
pub fn all() -> impl Iterator<Item = &'static [u8]> {
    BUILT_IN.iter().map(|font| font.bytes).chain(added())
}

/// TrueType, OpenType with CFF outlines, Apple's TrueType, a collection (ISO/IEC 14496-22, 5.2).
fn is_font(file: &[u8]) -> bool {
    let starts: [&[u8]; 4] = [b"\0\x01\0\0", b"OTTO", b"true", b"ttcf"];
    starts.iter().any(|start| file.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_are_fonts() {
        for font in BUILT_IN {
            assert!(is_font(font.bytes), "{}", font.name);
        }
    }

    #[test]
    fn what_is_no_font_is_not_added() {
        let error = add(vec![BUILT_IN[0].bytes.to_vec(), b"<svg/>".to_vec()]).unwrap_err();
        assert_eq!(error.message, "font file 1 is neither TrueType nor OpenType");
    }

    #[test]
    fn fonts_are_added_before_any_work_or_not_at_all() {
        assert_eq!((all().count(), added().len()), (BUILT_IN.len(), 0));
        let error = add(vec![BUILT_IN[0].bytes.to_vec()]).unwrap_err();
        assert_eq!(error.message, "fonts are added once, before any work");
    }
}

//! The fonts that text can be drawn with.

use std::path::Path;

use crate::doctor::{Check, Section};
use crate::fonts;

/// How to come by emoji in color on Debian.
const EMOJI: &str = "apt-get install -y fonts-noto-color-emoji, and the setting \
    fonts = \"/usr/share/fonts/truetype/noto\" (or a folder with that file)";

pub(super) fn section(folder: &Path) -> Section {
    let built_in = imaging::fonts::BUILT_IN.len();
    let mut checks = vec![Check::ok("built in", format!("{built_in} files, in all scripts"))];
    match fonts::add(folder) {
        Ok(found) => {
            if !folder.as_os_str().is_empty() {
                let count = found.fonts.len();
                checks.push(Check::ok("folder", format!("{count} files in {}", folder.display())));
            }
            for (path, names) in found.fonts {
                checks.push(Check::ok(&name(&path), names.join(", ")));
            }
            for skipped in found.skipped {
                let fix = "take it out of the folder, or put a whole one in its place";
                checks.push(Check::warning(&name(&skipped.path), skipped.why, fix));
            }
        }
        Err(error) => {
            let fix = "make the folder, or leave the setting `fonts` empty";
            checks.push(Check::broken("folder", format!("{error:#}"), fix));
        }
    }
    checks.push(match imaging::text::color_emoji() {
        Some(family) => Check::ok("color emoji", family),
        None => Check {
            fix: Some(EMOJI.to_owned()),
            ..Check::note("color emoji", "none: drawn as lines in the color of the text")
        },
    });
    Section { title: "Fonts".to_owned(), checks }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

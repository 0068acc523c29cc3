//! File names from outside, made fit to be shown, logged and sent back.

/// The longest name that is kept, in bytes: what most file systems take.
const NAME_MAX: usize = 200;

/// The name without folders, control characters and excess; `input.<extension>` when none is left.
pub(super) fn sanitize(name: &str, extension: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = base.chars().filter(|character| !is_trouble(*character)).collect();
    let trimmed = visible.trim().trim_end_matches('.');
    if trimmed.trim_start_matches('.').is_empty() {
        return format!("input.{extension}");
    }
    shorten(trimmed)
}

/// Control characters, and marks that turn the direction of the text around: `gpj.exe` must not be
/// shown as `exe.jpg`.
fn is_trouble(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(character, '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{FFFD}')
}

/// Cuts the stem and keeps the extension.
fn shorten(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, extension),
        _ => (name, ""),
    };
    let room = NAME_MAX - extension.len() - 1;
    let end = (0..=room.min(stem.len())).rev().find(|end| stem.is_char_boundary(*end)).unwrap_or(0);
    let dot = if extension.is_empty() { "" } else { "." };
    format!("{}{dot}{extension}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_is_dangerous_and_keep_the_rest() {
        for (given, expected) in [
            ("image.png", "image.png"),
            ("../../etc/passwd", "passwd"),
            (r"C:\fakepath\photo.jpg", "photo.jpg"),
            ("a/b/", "input.png"),
            ("", "input.png"),
            ("..", "input.png"),
            (" . ", "input.png"),
            ("\0\r\n", "input.png"),
            ("na\r\nïve €\t.png", "naïve €.png"),
            ("x\u{202E}gnp.exe", "xgnp.exe"),
            (".hidden", ".hidden"),
            ("a\"b;c.png", "a\"b;c.png"),
        ] {
            assert_eq!(sanitize(given, "png"), expected, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = sanitize(&format!("{}.jpeg", "é".repeat(500)), "png");
        assert!(name.len() <= NAME_MAX && name.ends_with("é.jpeg"), "{name}");
        assert!(sanitize(&format!("a.{}", "b".repeat(500)), "png").len() <= NAME_MAX);
    }
}

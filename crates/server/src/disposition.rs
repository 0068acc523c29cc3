//! `Content-Disposition` (RFC 6266) for names in any script.

use std::fmt::Write;

/// Says that the answer is to be saved under this name.
pub(crate) fn attachment(filename: &str) -> String {
    let plain = |character: char| match character {
        '"' | '\\' | '%' | '/' => '_',
        ' '..='~' => character,
        _ => '_',
    };
    let fallback: String = filename.chars().map(plain).collect();
    let mut header = format!("attachment; filename=\"{fallback}\"");
    if fallback != filename {
        header.push_str("; filename*=UTF-8''");
        for byte in filename.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                header.push(char::from(byte));
            } else {
                let _ = write!(header, "%{byte:02X}");
            }
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn names_are_plain_where_they_can_be_and_encoded_where_not() {
        for (name, header) in [
            ("image.webp", r#"attachment; filename="image.webp""#),
            ("my photo.png", r#"attachment; filename="my photo.png""#),
            (
                "naïve€.png",
                r#"attachment; filename="na_ve_.png"; filename*=UTF-8''na%C3%AFve%E2%82%AC.png"#,
            ),
            (
                "a\"\r\nX: y.png",
                r#"attachment; filename="a___X: y.png"; filename*=UTF-8''a%22%0D%0AX%3A%20y.png"#,
            ),
        ] {
            assert_eq!(attachment(name), header);
        }
    }
}

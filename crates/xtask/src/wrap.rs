//! Breaks comments that are too long for a line, which rustfmt leaves as they are.

use std::collections::VecDeque;
use std::fs;

use anyhow::Context;

use crate::tidy::COLUMNS_MAX;
use crate::tree;

/// Wraps the comments of all files that have one that is too long.
pub(crate) fn write() -> anyhow::Result<()> {
    for source in tree::sources()?.iter().filter(|source| source.path.ends_with(".rs")) {
        let Some(text) = &source.text else { continue };
        let wrapped = wrap(text);
        if wrapped != *text {
            let path = tree::root().join(&source.path);
            fs::write(path, wrapped).with_context(|| source.path.clone())?;
            eprintln!("wrapped {}", source.path);
        }
    }
    Ok(())
}

fn wrap(text: &str) -> String {
    let mut rest: VecDeque<String> = text.lines().map(str::to_owned).collect();
    let mut out = String::new();
    while let Some(line) = rest.pop_front() {
        let Some((mark, kept, tail)) = split(&line) else {
            out.push_str(&line);
            out.push('\n');
            continue;
        };
        out.push_str(&kept);
        out.push('\n');
        match rest.front_mut().filter(|next| goes_on(&mark, next)) {
            Some(next) => *next = format!("{mark} {tail} {}", next[mark.len()..].trim_start()),
            None => rest.push_front(format!("{mark} {tail}")),
        }
    }
    out
}

/// The mark of a comment that is too long, what stays on its line, and what does not.
fn split(line: &str) -> Option<(String, String, String)> {
    let indent = line.len() - line.trim_start().len();
    let mark = line.trim_start().split(' ').next().filter(|mark| mark.starts_with("//"))?;
    let mark = format!("{}{mark}", &line[..indent]);
    let (end, _) = line.char_indices().nth(COLUMNS_MAX)?;
    let at = line[..=end.min(line.len() - 1)].rfind(' ').filter(|at| *at > mark.len())?;
    Some((mark, line[..at].to_owned(), line[at + 1..].to_owned()))
}

/// Whether the next line goes on with the same paragraph.
fn goes_on(mark: &str, next: &str) -> bool {
    let Some(text) = next.strip_prefix(mark).and_then(|text| text.strip_prefix(' ')) else {
        return false;
    };
    !text.trim().is_empty() && !text.starts_with(['-', '*', '#', '|', '`', ' ', '1'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_to_the_next_line() {
        let long = "word ".repeat(19);
        let text = format!("    /// {long}tail more\n    /// goes on.\n    fn x() {{}}\n");
        let wrapped = wrap(&text);
        assert!(wrapped.lines().all(|line| line.chars().count() <= COLUMNS_MAX), "{wrapped}");
        let words = |text: &str| text.replace("///", "").split_whitespace().count();
        assert_eq!(words(&wrapped), words(&text));
        assert!(wrapped.contains(" tail more goes on.\n"), "{wrapped}");
        assert_eq!(wrap(&wrapped), wrapped);
    }

    #[test]
    fn paragraphs_and_code_stay_apart() {
        let long = "word ".repeat(25);
        let text = format!("// {long}end\n//\n// - item\nlet x = \"{long}\";\n");
        let wrapped = wrap(&text);
        assert!(wrapped.contains("end\n//\n// - item\n"), "{wrapped}");
        assert!(wrapped.ends_with(&format!("let x = \"{long}\";\n")), "{wrapped}");
    }
}

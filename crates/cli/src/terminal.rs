//! What is written for people.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes text to stdout, at once. A reader that went away (`imagehq ops | head`) is no fault.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a line to stderr. There is nobody left to tell when that fails.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The name of a file, on one line and without codes that a terminal would obey.
pub(crate) fn name(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "?")
}

/// Whether stdout shows colors.
fn shows_color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Text as a heading, where stdout can show one.
pub(crate) fn bold(text: &str) -> String {
    if shows_color() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Bytes for people: `6.6 MB`, in powers of ten with two digits, or as many as there are.
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        // What rounds up to a thousand belongs to the next unit.
        if value < 999.5 {
            let digits = usize::from(unit != "B" && value < 9.95);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// How a size changed: `-97 %`, `+3 %`.
pub(crate) fn change(before: u64, after: u64) -> String {
    if before == 0 {
        return "new".to_owned();
    }
    let percent = (after as f64 / before as f64 - 1.0) * 100.0;
    // Rounded down to -100 %, a file would seem to be gone.
    let percent = if after > 0 { percent.max(-99.0) } else { percent };
    let mut out = String::new();
    let _ = write!(out, "{percent:+.0} %");
    if matches!(out.as_str(), "-0 %" | "+0 %") { "±0 %".to_owned() } else { out }
}

/// A table with columns as wide as they must be, two spaces between them.
pub(crate) fn table(rows: &[Vec<String>], indent: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width_of_column) in row.iter().zip(&widths) {
            let padding = width_of_column - width(cell) + 2;
            line.push_str(cell);
            line.push_str(&" ".repeat(padding));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Text in lines of at most so many letters, broken between words.
pub(crate) fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= letters {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        let shown = [0, 999, 1_000, 9_949, 9_950, 210_432, 999_600, 6_612_345, 3_000_000_000];
        let shown: Vec<_> = shown.into_iter().map(bytes).collect();
        let expected =
            ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "210 kB", "1.0 MB", "6.6 MB", "3.0 GB"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn changes_have_a_sign_and_nothing_vanishes() {
        assert_eq!(change(6_600_000, 210_000), "-97 %");
        assert_eq!(change(1_000_000, 100), "-99 %");
        assert_eq!(change(100, 103), "+3 %");
        assert_eq!(change(1000, 1001), "±0 %");
        assert_eq!(change(0, 5), "new");
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(name(Path::new("a\n\u{1b}[31mb\u{9b}ü.jpg")), "a??[31mb?ü.jpg");
    }

    #[test]
    fn columns_line_up() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        assert_eq!(table(&[row(&["a", "bc"]), row(&["déf", "g"])], 1), " a    bc\n déf  g\n");
    }
}

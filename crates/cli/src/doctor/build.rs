//! What is in this build, what is not, and what building it takes.

use imaging::FORMATS;
use imaging::operations::OPERATIONS;

use crate::doctor::{Check, Section};

pub(super) fn program() -> Section {
    let version = env!("CARGO_PKG_VERSION");
    let kind = if cfg!(debug_assertions) { "a development build" } else { "a release build" };
    let mut checks = vec![Check::ok("version", format!("{version}, {kind}"))];
    if let Ok(path) = std::env::current_exe() {
        checks.push(Check::ok("program", path.display().to_string()));
    }
    Section { title: "imagehq".to_owned(), checks }
}

pub(super) fn formats() -> Section {
    let checks = FORMATS.iter().filter(|format| format.is_image()).map(|format| {
        let verbs = match (format.decode.is_some(), format.encode.is_some()) {
            (true, true) => "reads and writes",
            (true, false) => "reads",
            (false, true) => "writes",
            (false, false) => {
                return Check::note(format.name, "known, but neither read nor written");
            }
        };
        let alpha = if format.alpha { ", alpha" } else { "" };
        let depth = format.bit_depth_max();
        Check::ok(format.name, format!("{verbs}, up to {depth} bits a sample{alpha}"))
    });
    Section { title: "Formats".to_owned(), checks: checks.collect() }
}

/// What the interface has a place for and this build does not serve.
pub(super) fn absent() -> Section {
    let operations = imaging::operations::LATER.iter().copied().chain(["batch"]);
    let mut checks = vec![Check::note("operations", operations.collect::<Vec<_>>().join(", "))];
    for entry in OPERATIONS {
        // Values stand as `field=value`, and mean more to people than fields.
        let values = entry.later.iter().filter_map(|later| Some(later.split_once('=')?.1));
        let values: Vec<&str> = values.collect();
        if !values.is_empty() {
            checks.push(Check::note(entry.name, values.join(", ")));
        }
    }
    let service = "PostgreSQL, S3, API keys, webhooks, inputs by URL";
    checks.push(Check::note("service", service));
    Section { title: "Not in this build".to_owned(), checks }
}

/// What building from source takes: the command, the Debian package, what it is for.
const TOOLS: &[(&str, &str, &str)] = &[
    ("cc", "build-essential", "the C codecs and SQLite"),
    ("cmake", "cmake", "libjpeg-turbo"),
    ("nasm", "nasm", "the vector code of libjpeg-turbo"),
    ("cargo", "rustup", "everything else"),
];

pub(super) fn tools() -> Section {
    let checks = TOOLS.iter().map(|&(name, package, purpose)| match on_path(name) {
        true => Check::ok(name, format!("for {purpose}")),
        false if name == "cargo" => {
            Check::warning(name, "missing", "see https://www.rust-lang.org/tools/install")
        }
        false => {
            let fix = format!("apt-get install -y {package}");
            Check::warning(name, format!("missing; builds {purpose}"), fix)
        }
    });
    let title = "Tools to build from source (running needs none of them)".to_owned();
    Section { title, checks: checks.collect() }
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_there_is_said_to_be_absent() {
        let absent = absent();
        let named: Vec<&str> =
            absent.checks.iter().flat_map(|check| check.detail.split(", ")).collect();
        for format in FORMATS {
            assert!(!named.contains(&format.title), "{}", format.title);
        }
        for operation in OPERATIONS {
            assert!(!named.contains(&operation.name), "{}", operation.name);
        }
        assert!(named.contains(&"ocr") && named.contains(&"smallest"), "{named:?}");
    }
}

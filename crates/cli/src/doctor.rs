//! `imagehq doctor`: what works on this machine, what is missing, and how to install it.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::args::DoctorArgs;
use crate::{config, terminal};

mod build;
mod disk;
mod fonts;
mod machine;
mod runners;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works, but not well.
    Warning,
    /// The server cannot work.
    Broken,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    status: Status,
    detail: String,
    /// The command or the change that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// Checks that belong together.
#[derive(Debug, Serialize)]
struct Section {
    title: String,
    checks: Vec<Check>,
}

impl Check {
    fn new(name: &str, status: Status, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status, detail: detail.into(), fix: None }
    }

    fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail)
    }

    fn note(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Note, detail)
    }

    fn warning(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Status::Warning, detail) }
    }

    fn broken(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Status::Broken, detail) }
    }
}

/// Looks at everything and prints it.
pub(crate) fn doctor(file: Option<&Path>, args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let config = config::load(file, None)?.config;
    let data = args.data.as_deref().unwrap_or(&config.data);
    let jobs = &config.jobs;
    // Before the runner that is tried, which gets them too.
    let fonts = fonts::section(&config.fonts);
    let sections = [
        build::program(),
        machine::section(jobs.workers_resolved(), jobs.runner_memory_max_bytes),
        runners::section(&config),
        disk::section(data, jobs.disk_floor_bytes),
        build::formats(),
        fonts,
        build::absent(),
        build::tools(),
    ];
    let broken = sections.iter().flat_map(|section| &section.checks);
    let broken = broken.filter(|check| check.status == Status::Broken).count();
    if args.json {
        let document = json!({"ok": broken == 0, "sections": sections});
        terminal::print(&format!("{document:#}\n"))?;
    } else {
        terminal::print(&render(&sections, broken))?;
    }
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(sections: &[Section], broken: usize) -> String {
    let mut out = String::new();
    for section in sections {
        out.push_str(&terminal::bold(&section.title));
        out.push('\n');
        let rows: Vec<_> = section.checks.iter().map(row).collect();
        let table = terminal::table(&rows, 2);
        // A line may be followed by what helps against it.
        for (line, check) in table.lines().zip(&section.checks) {
            out.push_str(line);
            out.push('\n');
            if let Some(fix) = &check.fix {
                out.push_str(&format!("      → {fix}\n"));
            }
        }
        out.push('\n');
    }
    out.push_str(&match broken {
        0 => "All that `imagehq serve` needs works.\n".to_owned(),
        1 => "One thing that `imagehq serve` needs does not work.\n".to_owned(),
        n => format!("{n} things that `imagehq serve` needs do not work.\n"),
    });
    out
}

fn row(check: &Check) -> Vec<String> {
    let mark = match check.status {
        Status::Ok => "✓",
        Status::Note => "·",
        Status::Warning => "!",
        Status::Broken => "✗",
    };
    vec![mark.to_owned(), check.name.clone(), check.detail.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_stands_under_what_is_broken() {
        let checks = vec![Check::ok("a", "fine"), Check::broken("bc", "bad", "do this")];
        let text = render(&[Section { title: "T".to_owned(), checks }], 1);
        let expected = "T\n  ✓  a   fine\n  ✗  bc  bad\n      → do this\n\n\
            One thing that `imagehq serve` needs does not work.\n";
        assert_eq!(text, expected);
    }
}

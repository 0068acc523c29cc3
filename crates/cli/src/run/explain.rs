//! `imagehq run --explain`: what would come of each file, from its header alone.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use imaging::explain::{Explanation, Outlook, PassOutlook, StepOutlook};
use imaging::format::Inspector;
use imaging::{Files, Header, Limits};

use crate::run::request::{Input, Request};
use crate::terminal;

/// Prints what would come of every input.
pub(super) fn print(request: &Request, limits: &Limits) -> anyhow::Result<ExitCode> {
    let beside = beside(request, limits)?;
    let mut out = String::new();
    for (place, input) in request.placed_inputs() {
        let (header, size_bytes) = inspect(input, limits)?;
        request.check_files(&[(place, header.clone())]).with_context(|| input.to_string())?;
        let explained = request.plan.explain(&header, size_bytes, &beside, limits);
        let explanation = explained.map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(|fault| request.line(fault)).collect();
            anyhow::anyhow!("{input}: {}", lines.join("\nimagehq: "))
        })?;
        describe(&mut out, &input.to_string(), &explanation);
    }
    terminal::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// The files that operations use: their headers are enough.
fn beside(request: &Request, limits: &Limits) -> anyhow::Result<Files<'static>> {
    let mut headers = Vec::new();
    for (index, input) in &request.files {
        headers.push((*index, inspect(input, limits)?.0));
    }
    request.check_files(&headers)?;
    Ok(Files::of_some_headers(headers))
}

fn inspect(input: &Input, limits: &Limits) -> anyhow::Result<(Header, u64)> {
    let inspected = match input {
        Input::File(path) => {
            File::open(path).context("cannot be read").and_then(|file| header(file, limits))
        }
        Input::Stdin => header(std::io::stdin().lock(), limits),
    };
    inspected.with_context(|| input.to_string())
}

/// The header of what is read, and how many bytes that is.
pub(super) fn header(mut reader: impl Read, limits: &Limits) -> anyhow::Result<(Header, u64)> {
    let mut inspector = Inspector::new(limits);
    let mut buffer = vec![0; 64 << 10];
    let mut size_bytes = 0;
    loop {
        let len = reader.read(&mut buffer).context("cannot be read")?;
        if len == 0 {
            break;
        }
        size_bytes += len as u64;
        inspector.push(&buffer[..len])?;
    }
    Ok((inspector.finish()?, size_bytes))
}

fn describe(out: &mut String, input: &str, explanation: &Explanation) {
    let Explanation { steps, passes, output, output_files, .. } = explanation;
    let unsure = if explanation.input.exact { "at most " } else { "about " };
    let picture = |outlook: &Outlook| picture(outlook, unsure);
    let _ = writeln!(out, "{}: {}", terminal::bold(input), picture(&explanation.input));
    let step = |step: &StepOutlook| {
        let number = format!("step {}", step.index);
        vec![number, step.operation.to_owned(), picture(&step.after)]
    };
    out.push_str(&terminal::table(&steps.iter().map(step).collect::<Vec<_>>(), 2));
    let pass = |pass: &PassOutlook| {
        let size = format!("{} × {}", pass.width, pass.height);
        vec!["pass".to_owned(), pass.work.clone(), size]
    };
    out.push_str(&terminal::table(&passes.iter().map(pass).collect::<Vec<_>>(), 2));
    let files = if *output_files == 1 { String::new() } else { format!("{output_files} files, ") };
    let _ = writeln!(
        out,
        "  result: {files}{}, {} lossy encode{}",
        picture(output),
        explanation.encode_generations,
        if explanation.encode_generations == 1 { "" } else { "s" },
    );
    let _ = writeln!(
        out,
        "  takes about {} ms of one core and {} of memory",
        explanation.estimated_ms,
        terminal::bytes(explanation.memory_peak_bytes),
    );
    for warning in &explanation.warnings {
        let _ = writeln!(out, "  note: {}", warning.message);
    }
}

/// `1600 × 900 webp, rgb, 12 frames`, behind a word where that is not known.
fn picture(outlook: &Outlook, unsure: &str) -> String {
    let unsure = if outlook.exact { "" } else { unsure };
    let alpha = if outlook.alpha { " with alpha" } else { "" };
    let depth =
        if outlook.bit_depth > 8 { format!(", {} bits", outlook.bit_depth) } else { String::new() };
    let frames =
        if outlook.frames > 1 { format!(", {} frames", outlook.frames) } else { String::new() };
    let Outlook { width, height, format, color, .. } = outlook;
    format!("{unsure}{width} × {height} {format}, {color}{alpha}{depth}{frames}")
}

//! imagehq's side of the engine benchmark: the engine alone, in one thread, bytes in, bytes out.
//!
//! Takes commands as JSON lines, `{"request": {...}, "file": "...", "loops": 3, "out": "..."}`, and
//! answers each with a line: `{"cpu_ns": [...], "wall_ns": [...], "bytes": n, "peak_kb": n}`.

use std::fs;
use std::io::{BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use imaging::{Input, Limits, OutputFile, Plan};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    request: Value,
    file: String,
    loops: usize,
    out: Option<String>,
}

/// As the product's runners keep it while they have work.
const HEAP_KEPT_BYTES: usize = 128 << 20;

fn main() -> Result<()> {
    imaging::heap::keep_freed();
    for line in std::io::stdin().lock().lines() {
        let answer =
            perform(&line?).unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn perform(line: &str) -> Result<Value> {
    let command: Command = serde_json::from_str(line)?;
    let limits = Limits::default();
    let (_, plan) = Plan::parse("pipeline", &command.request, &limits)
        .map_err(|faults| anyhow!("{faults:?}"))?;
    let bytes = fs::read(&command.file).with_context(|| command.file.clone())?;
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..command.loops {
        let (cpu_before, start) = (cpu_ns(), Instant::now());
        last = Some(run(&plan, &bytes, &limits)?);
        imaging::heap::trim(HEAP_KEPT_BYTES);
        cpu.push(cpu_ns() - cpu_before);
        wall.push(start.elapsed().as_nanos() as u64);
    }
    let output = last.context("loops is at least 1")?;
    if let Some(path) = &command.out {
        fs::write(path, &output.bytes).with_context(|| path.clone())?;
    }
    Ok(json!({
        "cpu_ns": cpu,
        "wall_ns": wall,
        "bytes": output.bytes.len(),
        "peak_kb": peak_kb()?,
    }))
}

fn run(plan: &Plan, bytes: &[u8], limits: &Limits) -> Result<OutputFile> {
    let input = Input::alone("photo", bytes);
    let report = imaging::run(plan, input, limits, &())?;
    report.outputs.into_iter().next().context("the plan makes no output")
}

/// Time that this process has spent on a processor, in user and in kernel mode.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The largest resident size of this process so far, as the kernel counts it.
fn peak_kb() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("VmHWM")?;
    Ok(line.split_whitespace().nth(1).context("a size")?.parse()?)
}

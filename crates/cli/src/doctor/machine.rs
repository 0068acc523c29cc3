//! The processor and the memory.

use crate::doctor::{Check, Section};
use crate::terminal;

/// What the workers and their runners want besides the server.
const MEMORY_LOW: u64 = 1_500_000_000;

pub(super) fn section(workers: usize, runner_memory: u64) -> Section {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut checks = vec![processor(), Check::ok("vector units", vector_units())];
    checks.push(Check::ok("cores", format!("{cores} for this process, {workers} workers")));
    checks.extend(memory(workers, runner_memory));
    Section { title: "Machine".to_owned(), checks }
}

fn processor() -> Check {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown", |(_, name)| name.trim());
    Check::ok("processor", format!("{model} ({})", std::env::consts::ARCH))
}

#[cfg(target_arch = "x86_64")]
fn vector_units() -> String {
    let units = [
        ("SSE4.2", std::is_x86_feature_detected!("sse4.2")),
        ("AVX", std::is_x86_feature_detected!("avx")),
        ("AVX2", std::is_x86_feature_detected!("avx2")),
        ("FMA", std::is_x86_feature_detected!("fma")),
        ("AVX-512", std::is_x86_feature_detected!("avx512bw")),
    ];
    let present: Vec<_> = units.iter().filter(|unit| unit.1).map(|unit| unit.0).collect();
    match present.as_slice() {
        [] => "SSE2 only: expect half the speed".to_owned(),
        present => present.join(", "),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_units() -> String {
    "those that every processor of this kind has".to_owned()
}

fn memory(workers: usize, runner_memory: u64) -> Option<Check> {
    let total = cgroup_limit().into_iter().chain(meminfo("MemTotal")).min()?;
    let available = meminfo("MemAvailable").unwrap_or(total).min(total);
    let said = format!("{} available of {}", terminal::bytes(available), terminal::bytes(total));
    let wanted = runner_memory.saturating_mul(workers as u64);
    Some(if total < MEMORY_LOW.min(wanted) {
        let fix = "IMAGEHQ_JOBS_WORKERS=1 imagehq serve, and a lower limits.pixels_max";
        Check::warning("memory", format!("{said}, which is little"), fix)
    } else if total < wanted {
        let each = terminal::bytes(runner_memory);
        let said = format!("{said}; {workers} workers may take {each} each on huge images");
        Check::note("memory", said)
    } else {
        Check::ok("memory", said)
    })
}

/// A field of /proc/meminfo in bytes.
fn meminfo(field: &str) -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// The limit of the container, where there is one.
fn cgroup_limit() -> Option<u64> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}

//! Work that cannot end well is refused at the door.

use imaging::{Fault, Files, Header, Limits, Plan};

/// Estimates are rough: only what is far over is refused.
const MEMORY_SLACK: u64 = 5;
const MEMORY_SLACK_OF: u64 = 4;
const TIME_SLACK: u64 = 3;
/// Files with fewer pixels in all their frames are never too much.
const PIXELS_ASKED: u64 = 30_000_000;

/// Says if the plan would need far more memory or time on one of the files than a runner has.
pub(crate) fn check(
    plan: &Plan,
    headers: &[Option<Header>],
    limits: &Limits,
    jobs: &jobs::Config,
) -> Option<Fault> {
    // Where a file is refused anyway, no plan runs.
    let headers: Vec<Header> = headers.iter().cloned().collect::<Option<_>>()?;
    let files = Files::of_headers(&headers);
    let mut inputs = plan.inputs(headers.len()).into_iter();
    inputs.find_map(|index| check_file(plan, (index, &headers[index]), &files, limits, jobs))
}

fn check_file(
    plan: &Plan,
    (index, header): (usize, &Header),
    files: &Files<'_>,
    limits: &Limits,
    jobs: &jobs::Config,
) -> Option<Fault> {
    let pointer = format!("/files/{index}");
    if header.size.area() * u64::from(header.frames.max(1)) < PIXELS_ASKED {
        return None;
    }
    let explained = plan.explain(header, 0, files, limits).ok()?;
    let needed = explained.memory_peak_bytes - explained.written_bytes;
    if needed / MEMORY_SLACK * MEMORY_SLACK_OF > jobs.runner_memory_max_bytes {
        return Some(Fault::invalid(
            pointer,
            format!(
                "this would take about {} MB of memory, and a runner may take {} MB: resize or \
                 crop in the first step, or send a smaller file",
                needed >> 20,
                jobs.runner_memory_max_bytes >> 20
            ),
        ));
    }
    let seconds = explained.estimated_ms / 1000;
    if seconds > TIME_SLACK * jobs.step_seconds_max {
        return Some(Fault::invalid(
            pointer,
            format!(
                "this would take about {seconds} seconds, and a step may take {}: send fewer \
                 frames or a smaller file",
                jobs.step_seconds_max
            ),
        ));
    }
    None
}

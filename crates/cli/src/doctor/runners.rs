//! Whether a runner starts, works, and stays within its limits.

use std::time::Instant;

use anyhow::{Context, bail};
use jobs::Pool;
use jobs::pool::{Collect, Unit, input_bytes};
use serde_json::json;

use crate::config::Config;
use crate::doctor::{Check, Section};
use crate::{runners, terminal};

/// A red pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0xf7, 0x03, 0x41, 0x43, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

pub(super) fn section(config: &Config) -> Section {
    let checks = match try_runner(config) {
        Ok(checks) => checks,
        Err(error) => {
            let fix = "RUST_BACKTRACE=1 imagehq doctor, and please report it";
            vec![Check::broken("start", format!("{error:#}"), fix)]
        }
    };
    Section { title: "Runner processes".to_owned(), checks }
}

fn try_runner(config: &Config) -> anyhow::Result<Vec<Check>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let pool = Pool::new(runners::program(), &config.jobs);
        let flip = json!({"operations": [{"type": "flip"}]});
        let unit = Unit {
            operation: "transform".to_owned(),
            request: flip,
            limits: config.limits.clone(),
            filename: "pixel.png".to_owned(),
            files: Vec::new(),
        };
        let begun = Instant::now();
        let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
        pool.run(&unit, input_bytes(PNG), &mut sink).await?;
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        if sink.outputs.len() != 1 {
            bail!("it made {} files of one", sink.outputs.len());
        }
        let mut checks = vec![Check::ok("start", format!("works; ready and done in {took:.0} ms"))];
        // The runner is idle in the pool: it lives until the pool goes.
        checks.extend(limits_of(child()?, config)?);
        Ok(checks)
    })
}

/// The only child of this process.
fn child() -> anyhow::Result<u32> {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let entries = std::fs::read_dir("/proc").context("/proc")?;
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| status(*pid).contains(&parent))
        .context("the runner cannot be found in /proc")
}

fn status(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}

fn limits_of(pid: u32, config: &Config) -> anyhow::Result<Vec<Check>> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).context("its limits")?;
    let soft = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let held = |name: &str, is_held: bool, detail: String| match is_held {
        true => Check::ok(name, detail),
        false => {
            let fix = "run it where setrlimit and prctl are allowed (seccomp profile, container)";
            Check::broken(name, "is not held", fix)
        }
    };
    let memory_max = config.jobs.runner_memory_max_bytes;
    let memory = soft("Max data size").is_some_and(|bytes| bytes <= memory_max);
    let seconds = config.jobs.step_seconds_max;
    Ok(vec![
        held("memory", memory, format!("at most {}", terminal::bytes(memory_max))),
        held("files", soft("Max file size") == Some(0), "writes none".to_owned()),
        held("core dumps", soft("Max core file size") == Some(0), "leaves none".to_owned()),
        held("privileges", status(pid).contains("NoNewPrivs:\t1"), "gains none".to_owned()),
        Check::ok("time", format!("a step is killed after {seconds} s")),
    ])
}

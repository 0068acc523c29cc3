//! Settings of the job layer.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of jobs, runners and storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many jobs run at a time, each in a runner process of its own. 0 is three for every two
    /// cores, as jobs wait for the disk now and then.
    pub workers: usize,
    /// How many threads a runner works on a large image with. 0 is one a core: runners that are
    /// busy at the same time share the cores.
    pub runner_threads: usize,
    /// The most memory a runner may allocate, in bytes.
    pub runner_memory_max_bytes: u64,
    /// A runner is replaced after so many files.
    pub runner_units_max: u32,
    /// An idle runner that holds more memory than this, in bytes, is replaced.
    pub runner_idle_rss_max_bytes: u64,
    /// The longest a step may take, in seconds. Then its runner is killed, which is a crash.
    pub step_seconds_max: u64,
    /// How often a job is begun before a crash of its runner fails it.
    pub attempts_max: u32,
    /// How often the server or machine may go away under a job before the job fails.
    pub interruptions_max: u32,
    /// From so many interruptions on a job runs alone, as it may be what takes the machine down.
    pub suspect_after_interruptions: u32,
    /// How long a worker may be silent before its job is given to another, in seconds.
    pub lease_seconds: u64,
    /// The most jobs that may wait; more are refused.
    pub queue_max: u64,
    /// Uploads are refused when the disk has less room than this, in bytes. Leave some: what is
    /// deleted makes room only after the database has written that it is.
    pub disk_floor_bytes: u64,
    /// How long results are kept when the request does not say, in hours from its creation.
    pub ttl_hours_default: u32,
    /// The longest that results may be kept, in hours.
    pub ttl_hours_max: u32,
    /// How long running jobs may go on when the server is asked to stop, in seconds.
    pub drain_seconds: u64,
    /// How often lost leases and expired results are looked for, in seconds.
    pub sweep_seconds: u64,
    /// Stored files without a job are deleted at this age, in seconds. Must be longer than the
    /// longest upload.
    pub orphan_seconds: u64,
    /// The most changes that share one write to the disk.
    pub commit_batch_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 0,
            runner_threads: 0,
            runner_memory_max_bytes: 1 << 30,
            runner_units_max: 200,
            runner_idle_rss_max_bytes: 256 << 20,
            step_seconds_max: 300,
            attempts_max: 3,
            interruptions_max: 20,
            suspect_after_interruptions: 3,
            lease_seconds: 30,
            queue_max: 10_000,
            disk_floor_bytes: 1 << 30,
            ttl_hours_default: 24,
            ttl_hours_max: 168,
            drain_seconds: 20,
            sweep_seconds: 10,
            orphan_seconds: 6 * 3600,
            commit_batch_max: 256,
        }
    }
}

impl Config {
    /// How many jobs run at a time on this machine.
    pub fn workers_resolved(&self) -> usize {
        match self.workers {
            0 => (3 * or_cores(0)).div_ceil(2),
            workers => workers,
        }
    }

    /// How many threads a runner has on this machine.
    pub fn runner_threads_resolved(&self) -> usize {
        or_cores(self.runner_threads)
    }

    /// The rules that every job store keeps.
    pub fn rules(&self) -> Rules {
        Rules {
            attempts_max: self.attempts_max.max(1),
            interruptions_max: self.interruptions_max,
            suspect_after_interruptions: self.suspect_after_interruptions.max(1),
            queue_max: self.queue_max,
            ..Rules::default()
        }
    }

    /// How long a claim lasts without a heartbeat.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(3))
    }
}

fn or_cores(count: usize) -> usize {
    match count {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// What every job store keeps to, whatever its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How often a job is begun before a crash fails it.
    pub attempts_max: u32,
    /// How often a job may be interrupted before it fails.
    pub interruptions_max: u32,
    /// From so many interruptions on a job runs alone.
    pub suspect_after_interruptions: u32,
    /// The most jobs that may wait.
    pub queue_max: u64,
    /// How long after its first crash a job is tried again; doubles with each further one.
    pub crash_backoff: Duration,
    /// The least time that results live after the end.
    pub results_min: Duration,
    /// How long a row outlives its files.
    pub forget_after: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            interruptions_max: 20,
            suspect_after_interruptions: 3,
            queue_max: 10_000,
            crash_backoff: Duration::from_secs(1),
            results_min: Duration::from_secs(3600),
            forget_after: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

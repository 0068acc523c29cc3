//! Empty jobs through the SQLite store, every acknowledged change on the disk: how many a second,
//! with group commit and with one commit a change. Prints one line of JSON for each.
//!
//! `queue_bench [SECONDS] [PRODUCERS] [WORKERS] [FOLDER]`; 5 seconds, 8 and 8 by default, in a
//! folder below the current one, as /tmp may not be on a disk.

#![expect(clippy::print_stdout, reason = "a program that prints its results")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jobs::job_store::conformance::new_job;
use jobs::job_store::sqlite::Options;
use jobs::job_store::{Outcome, Submitted};
use jobs::{DataDir, JobStore, SqliteStore};

const LEASE: Duration = Duration::from_secs(30);

struct Load {
    seconds: u64,
    producers: usize,
    workers: usize,
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        args.get(index).map_or(default, |text| text.parse().expect("a whole number"))
    };
    let load = Load {
        seconds: number(0, 5),
        producers: number(1, 8) as usize,
        workers: number(2, 8) as usize,
    };
    let folder = args.get(3).map_or(".", String::as_str);
    let mut rates = Vec::new();
    for batch_max in [256, 1] {
        let (jobs, seconds) = measure(&load, batch_max, Path::new(folder)).await;
        let rate = jobs as f64 / seconds;
        rates.push(rate);
        let (producers, workers) = (load.producers, load.workers);
        println!(
            "{{\"batch\": {batch_max}, \"producers\": {producers}, \"workers\": {workers}, \
             \"jobs\": {jobs}, \"jobs_per_second\": {rate:.0}}}"
        );
    }
    println!("{{\"ratio\": {:.2}}}", rates[0] / rates[1]);
}

/// Producers submit as fast as they are answered, workers claim and finish; counts what was
/// finished.
async fn measure(load: &Load, batch_max: usize, folder: &Path) -> (u64, f64) {
    let folder =
        tempfile::Builder::new().prefix("queue-bench-").tempdir_in(folder).expect("a folder");
    let data = Arc::new(DataDir::open(folder.path()).expect("a folder of its own"));
    let options = Options { batch_max, ..Options::default() };
    let store = Arc::new(SqliteStore::open(data, options).expect("a database"));
    let finished = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..load.producers {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            loop {
                match store.submit(new_job()).await {
                    Ok(Submitted::Accepted(_)) => {}
                    // The queue is full: workers are slower than producers.
                    _ => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        });
    }
    for number in 0..load.workers {
        let (store, finished) = (Arc::clone(&store), Arc::clone(&finished));
        tasks.spawn(async move {
            let name = format!("worker-{number}");
            let mut claim = store.claim(&name, LEASE).await.expect("a job");
            loop {
                let steps = claim.job.steps.clone();
                let (outputs, warnings, data) = Default::default();
                let outcome = Outcome::Succeeded { outputs, warnings, data, steps };
                let (end, next) =
                    tokio::join!(store.finish(claim, outcome), store.claim(&name, LEASE));
                end.expect("the claim holds");
                finished.fetch_add(1, Ordering::Relaxed);
                claim = next.expect("a job");
            }
        });
    }
    // The first second warms the caches.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (from, start) = (finished.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(Duration::from_secs(load.seconds)).await;
    let jobs = finished.load(Ordering::Relaxed) - from;
    (jobs, start.elapsed().as_secs_f64())
}

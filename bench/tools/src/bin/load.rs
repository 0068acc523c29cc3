//! Loads an image server the way its clients do: post a picture, poll, download the result.
//!
//! ```text
//! load --url http://127.0.0.1:8080 --dir PICTURES --request JSON
//!      (--clients 16 --jobs 2000 | --rate 100 --seconds 10) [--poll-ms 20] [--save FILE]
//! ```
//! With `--clients` each client does one job after another (closed loop). With `--rate` jobs are
//! due at fixed times whatever the server does, and the time to the 202 counts from when the post
//! was due (open loop). Prints one line of JSON. The same program loads either server.

#[path = "../http.rs"]
mod http;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};
use http::Connection;
use serde_json::{Value, json};

/// Threads that wait for due times in the open loop: far more than jobs are ever in flight.
const OPEN_LOOP_THREADS: usize = 128;

struct Load {
    address: String,
    bodies: Vec<Vec<u8>>,
    poll: Duration,
    save: Option<String>,
}

/// What one job took, in seconds.
struct Timing {
    accepted: f64,
    done: f64,
    polls: usize,
    bytes: usize,
}

fn main() -> std::process::ExitCode {
    match measure() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<()> {
    let options = options()?;
    let text = |name: &str| options.get(name).with_context(|| format!("--{name} is missing"));
    let number = |name: &str, default: f64| -> Result<f64> {
        options.get(name).map_or(Ok(default), |value| Ok(value.parse()?))
    };
    let load = Arc::new(Load {
        address: text("url")?.trim_start_matches("http://").to_owned(),
        bodies: bodies(text("dir")?, text("request")?)?,
        poll: Duration::from_secs_f64(number("poll-ms", 20.0)? / 1000.0),
        save: options.get("save").cloned(),
    });
    let (due, threads) = if options.contains_key("rate") {
        let rate = number("rate", 0.0)?;
        let count = (rate * number("seconds", 10.0)?) as usize;
        let due = (0..count).map(|i| Some(Duration::from_secs_f64(i as f64 / rate))).collect();
        (due, OPEN_LOOP_THREADS)
    } else {
        (vec![None; number("jobs", 1000.0)? as usize], number("clients", 16.0)? as usize)
    };
    let (timings, errors, wall) = run(&load, due, threads);
    report(timings, &errors, wall);
    ensure!(errors.is_empty(), "{} jobs went wrong: {}", errors.len(), errors[0]);
    Ok(())
}

fn options() -> Result<HashMap<String, String>> {
    let mut options = HashMap::new();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let name = name.strip_prefix("--").with_context(|| format!("{name} is no option"))?;
        options.insert(name.to_owned(), args.next().context("an option without a value")?);
    }
    Ok(options)
}

fn bodies(dir: &str, request: &str) -> Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(dir)?;
    let mut paths: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).context("a file name")?;
            Ok(http::multipart(name, &fs::read(path)?, request))
        })
        .collect()
}

fn run(
    load: &Arc<Load>,
    due: Vec<Option<Duration>>,
    threads: usize,
) -> (Vec<Timing>, Vec<String>, f64) {
    let next = Arc::new(AtomicUsize::new(0));
    let due = Arc::new(due);
    let results = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let start = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (load, next, due, results) =
                (load.clone(), next.clone(), due.clone(), results.clone());
            thread::spawn(move || {
                let mut connection = None;
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(due) = due.get(index) else { return };
                    let from = due.map_or_else(Instant::now, |after| start + after);
                    thread::sleep(from.saturating_duration_since(Instant::now()));
                    let outcome = job(&load, &mut connection, index, from);
                    let mut results = results.lock().expect("no thread panics with the lock");
                    match outcome {
                        Ok(timing) => results.0.push(timing),
                        Err(error) => {
                            connection = None;
                            results.1.push(format!("{error:#}"));
                        }
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("a client thread never panics");
    }
    let wall = start.elapsed().as_secs_f64();
    let mut results = results.lock().expect("all threads have ended");
    (std::mem::take(&mut results.0), std::mem::take(&mut results.1), wall)
}

fn job(load: &Load, slot: &mut Option<Connection>, index: usize, from: Instant) -> Result<Timing> {
    let connection = match slot {
        Some(connection) => connection,
        None => slot.insert(Connection::open(&load.address)?),
    };
    let body = &load.bodies[index % load.bodies.len()];
    let (status, answer) = connection.request("POST", "/v1/pipeline", Some(body))?;
    ensure!(status == 202, "POST answered {status}: {}", String::from_utf8_lossy(&answer));
    let accepted = from.elapsed().as_secs_f64();
    let answer: Value = serde_json::from_slice(&answer)?;
    let poll_url = answer["poll_url"].as_str().context("poll_url")?.to_owned();
    let mut polls = 0;
    let download = loop {
        thread::sleep(load.poll);
        let (status, answer) = connection.request("GET", &poll_url, None)?;
        ensure!(status == 200, "GET {poll_url} answered {status}");
        polls += 1;
        let answer: Value = serde_json::from_slice(&answer)?;
        match answer["status"].as_str() {
            Some("succeeded") => {
                break answer["download_url"].as_str().context("download_url")?.to_owned();
            }
            Some("queued" | "processing") => {}
            _ => anyhow::bail!("the job ended as {answer}"),
        }
    };
    let (status, file) = connection.request("GET", &download, None)?;
    ensure!(status == 200, "GET {download} answered {status}");
    ensure!(file.starts_with(b"RIFF"), "the result is no WebP");
    if let Some(path) = load.save.as_ref().filter(|_| index == 0) {
        fs::write(path, &file)?;
    }
    Ok(Timing { accepted, done: from.elapsed().as_secs_f64(), polls, bytes: file.len() })
}

fn report(timings: Vec<Timing>, errors: &[String], wall: f64) {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let done = timings.len() as f64;
    let mean = |total: usize| total as f64 / done;
    let result = json!({
        "jobs": timings.len(),
        "errors": errors.len(),
        "wall_s": wall,
        "jobs_per_s": done / wall,
        "accepted_ms": percentiles(timings.iter().map(|timing| timing.accepted)),
        "done_ms": percentiles(timings.iter().map(|timing| timing.done)),
        "polls_per_job": mean(timings.iter().map(|timing| timing.polls).sum()),
        "bytes_per_job": mean(timings.iter().map(|timing| timing.bytes).sum()),
        "client_cpu_s": cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{result}").expect("standard output is open");
}

fn percentiles(seconds: impl Iterator<Item = f64>) -> Value {
    let mut ms: Vec<f64> = seconds.map(|value| value * 1000.0).collect();
    ms.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let last = ms.len().saturating_sub(1);
        ms.get(((last as f64 * part).round() as usize).min(last)).copied().unwrap_or(f64::NAN)
    };
    json!({ "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) })
}

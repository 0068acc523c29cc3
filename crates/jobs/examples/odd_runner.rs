//! A runner that does as it is told in the request: the tests of the pool and the worker start it
//! in place of the program. With `--sound` it does what the program does. It speaks the real
//! protocol under the real limits.

use std::process::ExitCode;
use std::time::Duration;

use imaging::run::{Events, OutputFile, Report, StepData, Warning};
use imaging::{Error, Result};
use jobs::pool::runner::Bodies;
use jobs::pool::{Unit, runner};
use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--sound") => runner::main(),
        _ => runner::main_with(work),
    }
}

fn work(unit: &Unit, bodies: &Bodies, events: &dyn Events) -> Result<Report> {
    let bytes = bodies.input.as_slice();
    let word = unit.request["do"].as_str().unwrap_or("copy");
    // What a file says counts more, so that the files of one job can differ.
    let word =
        std::str::from_utf8(bytes).ok().and_then(|text| text.strip_prefix("do ")).unwrap_or(word);
    events.step(0, 0.0);
    match word {
        "copy" => {}
        "steps" => {
            for step_index in 0..3 {
                for part in 0..=10 {
                    events.step(step_index, part as f32 / 10.0);
                    std::thread::sleep(Duration::from_millis(60));
                }
            }
        }
        "sleep" => {
            std::thread::sleep(Duration::from_millis(unit.request["ms"].as_u64().unwrap_or(100)))
        }
        "hang" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        "fail" => return Err(Error::input("this file is damaged").in_step(1)),
        "panic" => panic!("as asked"),
        "abort" => std::process::abort(),
        // Rust's own handler takes the first one, and leaves the next to the system.
        "segv" => loop {
            let _ = kill_process(getpid(), Signal::SEGV);
        },
        "kill" => drop(kill_process(getpid(), Signal::KILL)),
        "exit" => std::process::exit(3),
        "eat" => return Ok(report(unit, vec![1; 4 << 30])),
        "write" => {
            let path = std::env::temp_dir().join("odd-runner-was-here");
            std::fs::write(path, "x").map_err(|error| Error::internal(error.to_string()))?;
        }
        "print" => {
            use std::io::Write as _;
            let noise = "noise that must not reach the server ".repeat(100);
            writeln!(std::io::stdout(), "{noise}")
                .map_err(|error| Error::internal(error.to_string()))?;
        }
        "environment" => {
            let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
            return Ok(report(unit, format!("{names:?}").into_bytes()));
        }
        "pid" => return Ok(report(unit, std::process::id().to_string().into_bytes())),
        "files" => return Ok(report(unit, bodies.files.join(&b" then "[..]))),
        "big" => return Ok(report(unit, vec![7; 20 << 20])),
        other => return Err(Error::internal(format!("cannot {other}"))),
    }
    Ok(report(unit, bytes.to_vec()))
}

fn report(unit: &Unit, bytes: Vec<u8>) -> Report {
    let file = OutputFile {
        filename: unit.filename.clone(),
        format: "png",
        mime_type: "image/png",
        width: 1,
        height: 1,
        encode_generations: 0,
        bytes,
    };
    let warning = Warning {
        code: "odd".into(),
        message: "this is a test".into(),
        step_index: Some(0),
        input_index: None,
    };
    let data = serde_json::json!({ "length": file.bytes.len() });
    let data = StepData { step_index: 0, operation: "odd".into(), data };
    Report { outputs: vec![file], warnings: vec![warning], data: vec![data] }
}

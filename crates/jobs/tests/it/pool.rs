//! Runner processes that behave, and that do not.

use std::time::{Duration, Instant};

use jobs::Config;
use jobs::pool::{Collect, Inputs, Pool, Unit, UnitError, UnitReport, input_bytes};

use crate::stage::{config, does, odd_runner};

fn unit(what: &str) -> Unit {
    Unit {
        operation: "pipeline".into(),
        request: does(what),
        limits: imaging::Limits::default(),
        filename: "a.png".into(),
        files: Vec::new(),
    }
}

fn pool(config: &Config) -> Pool {
    Pool::new(odd_runner(), config)
}

/// Runs a unit on some bytes; the bytes of its first result.
async fn run(pool: &Pool, what: &str) -> Result<(UnitReport, Vec<u8>), UnitError> {
    let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
    let report = pool.run(&unit(what), input_bytes("picture"), &mut sink).await?;
    Ok((report, sink.outputs.remove(0).1))
}

async fn pid(pool: &Pool) -> i32 {
    let (_, bytes) = run(pool, "pid").await.unwrap();
    String::from_utf8(bytes).unwrap().parse().unwrap()
}

fn runs(pid: i32) -> bool {
    // A process that ended but was not yet waited for is a zombie.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(pid: i32) {
    let start = Instant::now();
    while runs(pid) {
        assert!(start.elapsed() < Duration::from_secs(1), "{pid} still runs");
        tokio::task::yield_now().await;
    }
}

/// The unit crashes with this code and words, and the next unit finds a runner that works.
async fn check_crash(pool: &Pool, what: &str, code: &str, words: &str) {
    match run(pool, what).await {
        Err(UnitError::Crashed(error)) => {
            assert_eq!(error.code, code, "{what}: {error:?}");
            assert!(error.message.contains(words), "{what}: {error:?}");
            assert_eq!(error.step_index, Some(0), "{what}: the step that was running");
        }
        other => panic!("{what}: {other:?}"),
    }
    assert_eq!(run(pool, "copy").await.unwrap().1, b"picture", "after {what}");
}

#[tokio::test]
async fn results_come_back_with_what_there_is_to_say() {
    let pool = pool(&config());
    let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
    let report = pool.run(&unit("copy"), input_bytes("picture"), &mut sink).await.unwrap();
    let (header, bytes) = &sink.outputs[0];
    assert_eq!((header.filename.as_str(), header.size_bytes), ("a.png", 7));
    assert_eq!(bytes, b"picture");
    assert_eq!(report.warnings[0].code, "odd");
    assert_eq!(report.data[0].data["length"], 7);
}

#[tokio::test]
async fn the_other_files_of_a_unit_follow_its_input() {
    let pool = pool(&config());
    let unit = Unit { files: vec![1, 3], ..unit("files") };
    let files = vec![input_bytes("logo"), input_bytes("table")];
    let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
    pool.run(&unit, Inputs { input: input_bytes("picture"), files }, &mut sink).await.unwrap();
    assert_eq!(sink.outputs[0].1, b"logo then table");
    assert_eq!(run(&pool, "copy").await.unwrap().1, b"picture", "a unit without others");
}

#[tokio::test]
async fn large_files_travel_both_ways() {
    let pool = pool(&config());
    assert_eq!(run(&pool, "big").await.unwrap().1, vec![7; 20 << 20]);
    let input: Vec<u8> = (0..5_000_001).map(|i| (i % 251) as u8).collect();
    let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
    pool.run(&unit("copy"), input_bytes(input.clone()), &mut sink).await.unwrap();
    assert!(sink.outputs[0].1 == input);
}

#[tokio::test]
async fn steps_are_told_while_they_run() {
    let pool = pool(&config());
    let mut steps = Vec::new();
    let on_step = |step_index, fraction: f32| steps.push((step_index, (fraction * 10.0) as u32));
    let mut sink = Collect { outputs: Vec::new(), on_step };
    pool.run(&unit("steps"), input_bytes("x"), &mut sink).await.unwrap();
    drop(sink);
    for step_index in 0..3 {
        assert!(steps.contains(&(step_index, 0)) && steps.contains(&(step_index, 10)), "{steps:?}");
    }
    assert!(steps.len() > 12, "something between the ends: {steps:?}");
    assert!(steps.is_sorted(), "{steps:?}");
}

#[tokio::test]
async fn crashes_cost_one_unit_and_say_what_happened() {
    let pool = pool(&config());
    check_crash(&pool, "abort", "runner_crashed", "SIGABRT").await;
    check_crash(&pool, "segv", "runner_crashed", "SIGSEGV").await;
    check_crash(&pool, "exit", "runner_crashed", "exit code 3").await;
    check_crash(&pool, "kill", "out_of_memory", "256 MB").await;
    check_crash(&pool, "eat", "out_of_memory", "256 MB").await;
}

#[tokio::test]
async fn a_step_that_hangs_times_out_and_its_runner_is_killed() {
    let pool = pool(&Config { step_seconds_max: 1, ..config() });
    let pid = pid(&pool).await;
    check_crash(&pool, "hang", "timeout", "1 second").await;
    gone(pid).await;
}

#[tokio::test]
async fn an_error_of_the_plan_is_no_crash_and_keeps_the_runner() {
    let pool = pool(&config());
    let before = pid(&pool).await;
    let Err(UnitError::Failed(error)) = run(&pool, "fail").await else { panic!("no failure") };
    assert_eq!(error.code, "invalid_input");
    assert_eq!((error.message.as_str(), error.step_index), ("this file is damaged", Some(1)));
    assert_eq!(pid(&pool).await, before);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_retires_the_runner() {
    let pool = pool(&config());
    let before = pid(&pool).await;
    let Err(UnitError::Failed(error)) = run(&pool, "panic").await else { panic!("no failure") };
    assert_eq!(error.code, "internal_error");
    assert!(!error.message.contains("as asked"), "the caller does not see our insides");
    assert_ne!(pid(&pool).await, before);
}

#[tokio::test]
async fn a_runner_is_confined() {
    let pool = pool(&config());
    let (_, names) = run(&pool, "environment").await.unwrap();
    assert_eq!(names, br#"["GLIBC_TUNABLES"]"#);
    check_crash(&pool, "write", "runner_crashed", "SIGXFSZ").await;
    let pid = pid(&pool).await;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    for (name, value) in [
        ("Max data size", "268435456"),
        ("Max core file size", "0"),
        ("Max file size", "0"),
        ("Max open files", "16"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let values: Vec<_> = line[name.len()..].split_whitespace().take(2).collect();
        assert_eq!(values, [value; 2], "{line}");
    }
}

#[tokio::test]
async fn what_a_library_prints_does_not_reach_the_server() {
    let pool = pool(&config());
    assert_eq!(run(&pool, "print").await.unwrap().1, b"picture");
}

#[tokio::test]
async fn a_runner_is_kept_warm_and_replaced_after_its_time() {
    let pool = pool(&Config { runner_units_max: 3, ..config() });
    let first = pid(&pool).await;
    assert_eq!([pid(&pool).await, pid(&pool).await], [first; 2]);
    assert_ne!(pid(&pool).await, first);
    gone(first).await;
}

#[tokio::test]
async fn a_runner_that_grew_too_large_is_replaced() {
    let pool = pool(&Config { runner_idle_rss_max_bytes: 1, ..config() });
    assert_ne!(pid(&pool).await, pid(&pool).await);
}

#[tokio::test]
async fn an_idle_runner_that_died_is_replaced_unnoticed() {
    let pool = pool(&config());
    let first = pid(&pool).await;
    let killed = rustix::process::Pid::from_raw(first).unwrap();
    rustix::process::kill_process(killed, rustix::process::Signal::KILL).unwrap();
    gone(first).await;
    assert_ne!(pid(&pool).await, first);
}

#[tokio::test]
async fn dropping_the_future_kills_the_runner_at_once() {
    let pool = pool(&config());
    let pid = pid(&pool).await;
    {
        let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
        let unit = unit("hang");
        let mut hang = std::pin::pin!(pool.run(&unit, input_bytes("x"), &mut sink));
        for _ in 0..50 {
            assert!(futures_util::poll!(&mut hang).is_pending());
            tokio::task::yield_now().await;
        }
    }
    gone(pid).await;
    assert_eq!(run(&pool, "copy").await.unwrap().1, b"picture");
}

#[tokio::test]
async fn no_runner_outlives_the_pool() {
    let pool = pool(&config());
    let pid = pid(&pool).await;
    drop(pool);
    gone(pid).await;
}

#[tokio::test]
async fn units_wait_for_a_free_runner() {
    let pool = pool(&Config { workers: 1, ..config() });
    let (a, b, c) = tokio::join!(pid(&pool), pid(&pool), pid(&pool));
    assert_eq!((a, b), (b, c), "one runner did them all");
}

#[tokio::test]
async fn a_program_that_is_no_runner_is_unavailable() {
    for path in ["/bin/true", "/bin/cat", "/nowhere"] {
        let program = jobs::pool::Program { path: path.into(), args: Vec::new() };
        let pool = Pool::new(program, &Config { step_seconds_max: 1, ..config() });
        let error = run(&pool, "copy").await.unwrap_err();
        assert!(matches!(error, UnitError::Unavailable(_)), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_real_plan_runs_on_a_real_picture() {
    let program = jobs::pool::Program { args: vec!["--sound".into()], ..odd_runner() };
    let pool = Pool::new(program, &config());
    let request = serde_json::json!({"operations": [{"type": "flip"}]});
    let mut steps = Vec::new();
    let on_step = |step_index, fraction: f32| steps.push((step_index, fraction));
    let mut sink = Collect { outputs: Vec::new(), on_step };
    let unit = Unit { operation: "transform".into(), request, ..unit("") };
    pool.run(&unit, input_bytes(PICTURE), &mut sink).await.unwrap();
    let (header, bytes) = &sink.outputs[0];
    assert_eq!((header.filename.as_str(), header.width, header.height), ("a.png", 1, 2));
    assert_eq!(bytes[..8], PICTURE[..8], "a PNG again");
    assert_ne!(bytes, PICTURE);
    assert_eq!((steps.first(), steps.last()), (Some(&(0, 0.0)), Some(&(0, 1.0))));

    let mut sink = Collect { outputs: Vec::new(), on_step: |_, _| {} };
    let error = pool.run(&unit, input_bytes(&PICTURE[..50]), &mut sink).await.unwrap_err();
    assert!(
        matches!(&error, UnitError::Failed(error) if error.code == "invalid_input"),
        "{error:?}"
    );
}

/// A PNG of one pixel by two, white above black.
const PICTURE: &[u8] = b"\
    \x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\
    \x02\x08\x02\x00\x00\x00\x16\xe3\x21\x70\x00\x00\x00\x0f\x49\x44\x41\x54\x78\x9c\x63\xf8\xff\
    \xff\x3f\x03\x10\x00\x00\x11\xf6\x02\xfe\x1b\xcd\x1d\xcb\x00\x00\x00\x00\x49\x45\x4e\x44\xae\
    \x42\x60\x82";

//! Jobs from submission to end, with real runner processes.

use std::time::{Duration, Instant};

use jobs::job::{Status, StepStatus};
use jobs::{Config, Sweeper};
use serde_json::json;

use crate::stage::{Stage, config, does};

#[tokio::test]
async fn a_job_runs_to_its_results() {
    let stage = Stage::on_disk(config());
    let worker = stage.worker();
    let id = stage.submit(does("copy"), &["one", "two"]).await;
    let job = stage.end(&id).await;
    assert_eq!((job.status, job.progress, job.attempt), (Status::Succeeded, 100, 1), "{job:?}");
    assert!(job.steps.iter().all(|s| s.status == StepStatus::Succeeded && s.progress == 100));
    let names: Vec<_> = job.outputs.iter().map(|output| output.filename.as_str()).collect();
    assert_eq!(names, ["a.png", "a-2.png"]);
    assert_eq!(stage.blobs.read_all(&job.outputs[0].blob).await.unwrap(), b"one");
    assert_eq!(stage.blobs.read_all(&job.outputs[1].blob).await.unwrap(), b"two");
    assert_eq!(job.warnings.iter().map(|w| w.input_index).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(job.data.len(), 2);
    worker.drain().await;
}

#[tokio::test]
async fn a_file_that_fails_is_a_warning_when_another_succeeds() {
    let stage = Stage::new(config());
    let _worker = stage.worker();
    let id = stage.submit(does("copy"), &["do fail", "two"]).await;
    let job = stage.end(&id).await;
    assert_eq!((job.status, job.outputs.len()), (Status::Succeeded, 1));
    assert_eq!(job.outputs[0].input_index, 1);
    let warning = &job.warnings[0];
    assert_eq!((warning.code.as_str(), warning.input_index), ("invalid_input", Some(0)));
    assert_eq!(stage.files(&id).len(), 3, "two inputs and one output: {:?}", stage.files(&id));
}

#[tokio::test]
async fn a_job_whose_files_all_fail_fails_with_the_first_error() {
    let stage = Stage::new(config());
    let _worker = stage.worker();
    let id = stage.submit(does("fail"), &["do fail", "do nonsense"]).await;
    let job = stage.end(&id).await;
    assert_eq!((job.status, job.attempt), (Status::Failed, 1), "it would fail again");
    let error = job.error.unwrap();
    assert_eq!(error.code, "invalid_input");
    assert!(error.message.starts_with("file 0 (a.png): "), "{error:?}");
    let told: Vec<_> = job.warnings.iter().map(|warning| warning.input_index).collect();
    assert_eq!(told, [Some(0), Some(1)], "every file says why");
    let statuses: Vec<_> = job.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Succeeded, StepStatus::Failed, StepStatus::Skipped]);
    assert_eq!((job.outputs.len(), stage.files(&id).len()), (0, 2));
}

#[tokio::test]
async fn a_poison_job_fails_after_three_attempts_and_others_go_on() {
    let stage = Stage::new(config());
    let _worker = stage.worker();
    let poison = stage.submit(does("abort"), &["x"]).await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(stage.submit(does("copy"), &["x"]).await);
    }
    for other in others {
        let job = stage.end(&other).await;
        assert_eq!((job.status, job.attempt), (Status::Succeeded, 1));
    }
    let job = stage.end(&poison).await;
    assert_eq!((job.status, job.attempt, job.crashes), (Status::Failed, 3, 3));
    assert_eq!(job.error.unwrap().code, "runner_crashed");
}

#[tokio::test]
async fn on_the_last_attempt_a_crash_costs_only_its_own_file() {
    let stage = Stage::new(config());
    let worker = stage.worker();
    let id = stage.submit(does("copy"), &["one", "do abort", "three"]).await;
    let job = stage.end(&id).await;
    assert_eq!((job.status, job.attempt, job.crashes), (Status::Succeeded, 3, 2));
    assert_eq!(job.outputs.iter().map(|o| o.input_index).collect::<Vec<_>>(), [0, 2]);
    let crash = job.warnings.iter().find(|warning| warning.input_index == Some(1)).unwrap();
    assert_eq!(crash.code, "runner_crashed");
    worker.drain().await;
    assert_eq!(stage.files(&id).len(), 5, "no attempt leaves anything: {:?}", stage.files(&id));
}

#[tokio::test]
async fn cancelling_stops_a_running_step_within_a_second() {
    let stage = Stage::new(config());
    let worker = stage.worker();
    for _ in 0..3 {
        let id = stage.submit(does("hang"), &["x"]).await;
        stage.begun(&id).await;
        let start = Instant::now();
        stage.store.cancel(&id).await.unwrap();
        let job = stage.end(&id).await;
        assert_eq!(job.status, Status::Cancelled);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    let id = stage.submit(does("copy"), &["x"]).await;
    assert_eq!(stage.end(&id).await.status, Status::Succeeded);
    worker.drain().await;
}

#[tokio::test]
async fn purging_a_running_job_leaves_no_file() {
    let stage = Stage::new(config());
    let worker = stage.worker();
    let id = stage.submit(does("hang"), &["x"]).await;
    stage.begun(&id).await;
    stage.store.purge(&id).await.unwrap();
    stage.end(&id).await;
    worker.drain().await;
    let store = std::sync::Arc::clone(&stage.store);
    let sweeper = Sweeper::new(store, stage.blobs.clone(), &stage.config, Default::default());
    sweeper.sweep().await.unwrap();
    assert_eq!(stage.files(&id), [""; 0]);
}

#[tokio::test]
async fn an_upload_that_died_with_its_server_goes_when_the_next_one_starts() {
    let stage = Stage::new(config());
    let id = jobs::JobId::new();
    let mut upload = stage.blobs.write_input(&id, 0);
    upload.write(b"half a file").await.unwrap();
    upload.finish().await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let sweeper = || {
        let store = std::sync::Arc::clone(&stage.store);
        Sweeper::new(store, stage.blobs.clone(), &stage.config, Default::default())
    };
    sweeper().sweep_orphans().await.unwrap();
    assert_eq!(stage.files(&id).len(), 1, "it may be the upload of another server");
    sweeper().alone().sweep_orphans().await.unwrap();
    assert_eq!(stage.files(&id), [""; 0]);
}

#[tokio::test]
async fn draining_lets_short_jobs_end_and_gives_long_ones_back() {
    let stage = Stage::new(Config { drain_seconds: 1, ..config() });
    let worker = stage.worker();
    let long = stage.submit(does("hang"), &["x"]).await;
    let short = stage.submit(json!({"do": "sleep", "ms": 200}), &["x"]).await;
    stage.begun(&long).await;
    stage.begun(&short).await;
    let waiting = stage.submit(does("copy"), &["x"]).await;
    worker.drain().await;
    assert_eq!(stage.end(&short).await.status, Status::Succeeded);
    for id in [long, waiting] {
        let job = stage.store.get(&id).await.unwrap().unwrap();
        assert_eq!((job.status, job.attempt), (Status::Queued, 0), "no attempt was used");
        assert_eq!(stage.files(&id).len(), 1, "the input only");
    }
}

#[tokio::test]
async fn progress_is_recorded_while_a_job_runs() {
    let stage = Stage::new(config());
    let _worker = stage.worker();
    let id = stage.submit(does("steps"), &["x"]).await;
    let under_way = |job: &jobs::Job| job.progress > 0;
    let job = crate::stage::until(&*stage.store, &id, under_way).await;
    assert!(job.progress < 100 && job.status == Status::Processing, "{job:?}");
    assert!(job.steps.iter().any(|step| step.status == StepStatus::Processing), "{job:?}");
    assert_eq!(stage.end(&id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_job_whose_input_is_gone_fails_and_says_so() {
    let stage = Stage::new(config());
    let job = crate::stage::new_job(&stage.blobs, does("copy"), &["x"]).await;
    let id = job.id.clone();
    stage.blobs.delete_job(&id).await.unwrap();
    stage.store.submit(job).await.unwrap();
    let _worker = stage.worker();
    assert_eq!(stage.end(&id).await.error.unwrap().code, "input_missing");
}

#[tokio::test]
async fn many_jobs_run_through() {
    let stage = Stage::on_disk(config());
    let worker = stage.worker();
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(stage.submit(does("copy"), &["x"]).await);
    }
    for id in &ids {
        let job = stage.end(id).await;
        assert_eq!((job.status, job.attempt), (Status::Succeeded, 1));
    }
    worker.drain().await;
}

//! The server dies in mid-job; nothing that was accepted is lost, nothing is done twice.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{PIPELINE, Server, ended, get, lives, photo, post, webp_size};

/// Waits until something is so.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} within 20 seconds");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[tokio::test]
async fn a_job_survives_kill_9_of_the_server_and_is_finished_once() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let mut server = Server::start(&data, &[]);
    let accepted = post(&server, std::fs::read(photo()).unwrap(), PIPELINE).await;
    eventually("a runner starts", || !server.children().is_empty());
    let path = accepted["poll_url"].as_str().unwrap().to_owned();
    let mut status = get(&server, &path).await["status"].clone();
    while status == "queued" {
        status = get(&server, &path).await["status"].clone();
    }
    assert_eq!(status, "processing", "the job must not end before the server is killed");
    let runners = server.children();
    server.signal(Signal::KILL);
    server.ended(Duration::from_secs(5));
    eventually("all runners die with the server", || !runners.iter().any(|pid| lives(*pid)));

    let server = Server::start(&data, &[]);
    let job = ended(&server, &accepted).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(job["outputs"].as_array().unwrap().len(), 1, "{job}");
    let listed = get(&server, "/v1/jobs").await;
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1, "{listed}");
    let url = format!("{}{}", server.url, job["download_url"].as_str().unwrap());
    let bytes = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!(webp_size(&bytes).0, 1600);
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let mut server = Server::start(&data, &[]);
    let accepted = post(&server, std::fs::read(photo()).unwrap(), PIPELINE).await;
    server.signal(Signal::TERM);
    server.signal(Signal::TERM);
    server.ended(Duration::from_secs(5));
    let server = Server::start(&data, &[]);
    assert_eq!(ended(&server, &accepted).await["status"], "succeeded");
}

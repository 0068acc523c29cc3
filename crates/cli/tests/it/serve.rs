//! `imagehq serve`: from the request of the docs to the result, and to a gentle end.

use std::time::Duration;

use rustix::process::Signal;

use crate::program::{
    PIPELINE, Server, ended, imagehq, photo, post, said, status_field, webp_size,
};

#[tokio::test]
async fn the_pipeline_of_the_docs_makes_a_webp() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(&temp.path().join("data"), &[]);
    let accepted = post(&server, std::fs::read(photo()).unwrap(), PIPELINE).await;
    assert_eq!(accepted["status"], "queued");
    let job = ended(&server, &accepted).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    let url = format!("{}{}", server.url, job["download_url"].as_str().unwrap());
    let bytes = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!(webp_size(&bytes).0, 1600);
    assert_eq!(job["outputs"][0]["size_bytes"], bytes.len());
    assert_eq!(job["outputs"][0]["filename"], "photo.webp");
}

#[test]
fn an_idle_server_is_small_and_soon_ready() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(&temp.path().join("data"), &[]);
    std::thread::sleep(Duration::from_millis(300));
    let kibibytes = status_field(server.pid(), "VmRSS").unwrap();
    eprintln!("ready after {:?}, {kibibytes} KiB resident", server.ready_after);
    // The promises are 300 ms and 30 MB for a release build on an idle machine; this is neither.
    assert!(server.ready_after < Duration::from_secs(5), "{:?}", server.ready_after);
    assert!(kibibytes < 60_000, "{kibibytes} KiB");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let server = Server::start(&data, &[]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let output = imagehq(temp.path(), &arguments);
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    assert!(said.contains(data.to_str().unwrap()), "{said}");
    assert!(said.contains(&server.pid().to_string()), "{said}");
}

#[tokio::test]
async fn sigterm_hands_the_work_back_and_the_next_start_finishes_it() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let mut server = Server::start(&data, &[("IMAGEHQ_JOBS_WORKERS", "1")]);
    let file = std::fs::read(photo()).unwrap();
    let mut jobs = Vec::new();
    for _ in 0..6 {
        jobs.push(post(&server, file.clone(), PIPELINE).await);
    }
    server.signal(Signal::TERM);
    let status = server.ended(Duration::from_secs(30));
    assert!(status.success(), "{status}");
    let server = Server::start(&data, &[]);
    for job in &jobs {
        let job = ended(&server, job).await;
        assert_eq!(job["status"], "succeeded", "{job}");
    }
}

#[test]
fn an_interrupt_ends_an_idle_server_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let mut server = Server::start(&temp.path().join("data"), &[]);
    server.signal(Signal::INT);
    assert!(server.ended(Duration::from_secs(5)).success());
}

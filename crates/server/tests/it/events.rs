//! Server-sent events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;
use jobs::job_store::Progress;
use serde_json::Value;

use crate::support::{App, app, request};

struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn open(app: &App, id: &str, headers: &[(&str, &str)]) -> Self {
        use tower::ServiceExt;
        let request =
            request(Method::GET, &format!("/v1/jobs/{id}/events"), headers, Body::empty());
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next block up to an empty line, or `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                return Some(std::mem::replace(&mut self.text, rest).trim_end().to_owned());
            }
            let bytes = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Id and job of the next event.
    async fn next(&mut self) -> Option<(String, Value)> {
        let block = self.block().await?;
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {block}")).trim().to_owned()
        };
        Some((field("id:"), serde_json::from_str(&field("data:")).unwrap()))
    }
}

#[tokio::test]
async fn every_change_is_an_event_and_the_last_ends_the_stream() {
    let app = app();
    let id = app.accepted().await;
    let mut events = Events::open(&app, &id, &[]).await;
    let (_, job) = events.next().await.unwrap();
    assert_eq!(job["status"], "queued");
    let claim = app.claim().await;
    let (_, job) = events.next().await.unwrap();
    assert_eq!(job["status"], "processing");
    let progress = Progress { percent: 30, steps: None };
    app.store.heartbeat(&claim, progress, Duration::from_secs(30)).await.unwrap();
    let (_, job) = events.next().await.unwrap();
    assert_eq!(job["progress"], 30);
    app.succeed_claim(claim, &[("a.webp", b"x")]).await;
    let (_, job) = events.next().await.unwrap();
    assert_eq!(job["status"], "succeeded");
    assert_eq!(job, app.get(&format!("/v1/jobs/{id}")).await.json(), "an event is the whole job");
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_last_event_that_was_seen() {
    let app = app();
    let id = app.accepted().await;
    let (first, _) = Events::open(&app, &id, &[]).await.next().await.unwrap();
    let claim = app.claim().await;
    let mut resumed = Events::open(&app, &id, &[("last-event-id", &first)]).await;
    let (second, job) = resumed.next().await.unwrap();
    assert_eq!(job["status"], "processing", "what was seen is not sent again");
    app.succeed_claim(claim, &[("a.webp", b"x")]).await;
    let mut resumed = Events::open(&app, &id, &[("last-event-id", &second)]).await;
    let (last, job) = resumed.next().await.unwrap();
    assert_eq!(job["status"], "succeeded");
    assert_eq!(resumed.next().await, None);
    let path = format!("/v1/jobs/{id}/events");
    let answer = app.get_with(&path, &[("last-event-id", &last)]).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "there is nothing more to come");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_kept_alive() {
    let app = app();
    let id = app.accepted().await;
    let mut events = Events::open(&app, &id, &[]).await;
    events.next().await.unwrap();
    let started = tokio::time::Instant::now();
    assert_eq!(events.block().await.unwrap(), ": heartbeat");
    assert_eq!(started.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn a_stream_ends_when_the_server_stops() {
    let app = app();
    let id = app.accepted().await;
    let mut events = Events::open(&app, &id, &[]).await;
    events.next().await.unwrap();
    app.state.drain();
    assert_eq!(events.next().await, None);
}

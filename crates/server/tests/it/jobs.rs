//! Reading, listing, cancelling and deleting jobs.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use jobs::job_store::Progress;

use crate::support::{App, PIPELINE, app, document, file, files_below, png, settled};

#[tokio::test]
async fn a_job_is_shown_in_every_state() {
    let app = app();
    let id = app.accepted().await;
    let path = format!("/v1/jobs/{id}");
    insta::assert_json_snapshot!("queued", settled(app.get(&path).await.json()));
    let claim = app.claim().await;
    let progress = Progress { percent: 40, steps: None };
    app.store.heartbeat(&claim, progress, Duration::from_secs(30)).await.unwrap();
    insta::assert_json_snapshot!("processing", settled(app.get(&path).await.json()));
    app.clock.advance(Duration::from_millis(1500));
    app.succeed_claim(claim, &[("image.webp", b"webp")]).await;
    insta::assert_json_snapshot!("succeeded", settled(app.get(&path).await.json()));

    let id = app.accepted().await;
    app.fail().await;
    let path = format!("/v1/jobs/{id}");
    insta::assert_json_snapshot!("failed", settled(app.get(&path).await.json()));

    let id = app.accepted().await;
    let answer = app.call(Method::POST, &format!("/v1/jobs/{id}/cancel")).await;
    insta::assert_json_snapshot!("cancelled", settled(answer.json()));
}

#[tokio::test]
async fn an_unchanged_job_is_not_sent_again() {
    let app = app();
    let path = format!("/v1/jobs/{}", app.accepted().await);
    let first = app.get(&path).await;
    let etag = first.header("etag").to_owned();
    let known = [("if-none-match", etag.as_str())];
    let second = app.get_with(&path, &known).await;
    assert_eq!(second.status, StatusCode::NOT_MODIFIED);
    assert!(second.body.is_empty());
    assert_eq!(second.header("etag"), etag);
    app.succeed(&[("a.webp", b"x")]).await;
    let third = app.get_with(&path, &known).await;
    assert_eq!(third.status, StatusCode::OK);
    assert_ne!(third.header("etag"), etag);
}

#[tokio::test]
async fn a_long_poll_ends_with_the_job() {
    let app = app();
    let path = format!("/v1/jobs/{}?wait=60", app.accepted().await);
    let (answer, ()) = tokio::join!(app.get(&path), app.succeed(&[("a.webp", b"x")]));
    assert_eq!(answer.json()["status"], "succeeded");
    assert_eq!(
        app.get(&path).await.json()["status"],
        "succeeded",
        "an ended job is not waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_when_its_time_is_up() {
    let app = app();
    let id = app.accepted().await;
    for (wait, seconds) in [("0", 0), ("2", 2), ("9999", 60)] {
        let started = tokio::time::Instant::now();
        let answer = app.get(&format!("/v1/jobs/{id}?wait={wait}")).await;
        assert_eq!(answer.json()["status"], "queued");
        assert_eq!(started.elapsed().as_secs(), seconds, "wait={wait}");
    }
    let answer = app.get(&format!("/v1/jobs/{id}?wait=soon")).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/query/wait");
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_when_the_server_stops() {
    let app = app();
    let path = format!("/v1/jobs/{}?wait=60", app.accepted().await);
    let started = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(app.get(&path), async { app.state.drain() });
    assert_eq!(answer.json()["status"], "queued");
    assert!(started.elapsed() < Duration::from_secs(1));
}

async fn ids(app: &App, query: &str) -> (Vec<String>, Option<String>) {
    let page = app.get(&format!("/v1/jobs{query}")).await.json();
    let jobs = page["jobs"].as_array().unwrap_or_else(|| panic!("{page}"));
    let ids = jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    (ids, page["next_cursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn jobs_are_listed_newest_first_in_pages() {
    let app = app();
    assert_eq!(ids(&app, "").await, (vec![], None));
    let mut all = Vec::new();
    for _ in 0..5 {
        all.insert(0, app.accepted().await);
    }
    assert_eq!(ids(&app, "").await, (all.clone(), None));
    let (first, cursor) = ids(&app, "?limit=2").await;
    let cursor = cursor.expect("there are more");
    assert_eq!(first, all[..2]);
    let (second, next) = ids(&app, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(second, all[2..4]);
    let (last, end) = ids(&app, &format!("?limit=2&cursor={}", next.unwrap())).await;
    assert_eq!((last, end), (all[4..].to_vec(), None));
}

#[tokio::test]
async fn the_list_is_filtered() {
    let app = app();
    let one = app.accepted().await;
    let request = r#"{"output_format":"jpg","client_reference_id":"a b"}"#;
    let parts = [file("a.png", png(8, 6)), document(request)];
    let two = app.post("/v1/convert", &parts).await.json()["id"].as_str().unwrap().to_owned();
    app.succeed(&[("a.webp", b"x")]).await;
    assert_eq!(ids(&app, "?status=succeeded").await.0, std::slice::from_ref(&one));
    assert_eq!(ids(&app, "?status=queued").await.0, std::slice::from_ref(&two));
    assert_eq!(ids(&app, "?operation=pipeline").await.0, [one]);
    assert_eq!(ids(&app, "?client_reference_id=a%20b").await.0, [two]);
    assert_eq!(ids(&app, "?client_reference_id=c").await.0, [""; 0]);
}

#[tokio::test]
async fn a_misspelt_filter_is_refused() {
    let app = app();
    let error = app.get("/v1/jobs?statsu=queued").await.json();
    assert_eq!(error["code"], "invalid_request");
    assert_eq!(error["errors"][0]["pointer"], "/query/statsu");
    assert_eq!(error["errors"][0]["suggestion"], "status");
    let error = app.get("/v1/jobs?status=canceled").await.json();
    assert_eq!(error["errors"][0]["suggestion"], "cancelled");
    let error = app.get("/v1/jobs?operation=optimise").await.json();
    assert_eq!(error["errors"][0]["pointer"], "/query/operation");
    assert_eq!(error["errors"][0]["suggestion"], "optimize");
    assert_eq!(app.get("/v1/jobs?operation=ocr").await.status, StatusCode::OK);
    for query in ["operation=foo", "limit=0", "limit=101", "limit=x", "cursor=x"] {
        let answer = app.get(&format!("/v1/jobs?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test]
async fn cancelling_is_idempotent() {
    let app = app();
    let id = app.accepted().await;
    let path = format!("/v1/jobs/{id}/cancel");
    for _ in 0..2 {
        let answer = app.call(Method::POST, &path).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (StatusCode::OK, &"cancelled".into())
        );
    }
    let done = app.accepted().await;
    app.succeed(&[("a.webp", b"x")]).await;
    let answer = app.call(Method::POST, &format!("/v1/jobs/{done}/cancel")).await;
    assert_eq!(answer.json()["status"], "succeeded", "an ended job stays as it ended");
}

#[tokio::test]
async fn deleting_takes_the_files_and_leaves_the_row() {
    let app = app();
    let id = app.accepted().await;
    app.succeed(&[("a.webp", b"x")]).await;
    assert!(!files_below(app.folder.path()).is_empty());
    let path = format!("/v1/jobs/{id}");
    for _ in 0..2 {
        assert_eq!(app.call(Method::DELETE, &path).await.status, StatusCode::NO_CONTENT);
        app.assert_no_files();
    }
    let body = app.get(&path).await.json();
    assert_eq!(body["status"], "succeeded");
    assert_eq!(body["expired"], true);
    assert_eq!(body["download_url"], serde_json::Value::Null);
    assert_eq!(app.get(&format!("{path}/download")).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn deleting_a_queued_job_cancels_it() {
    let app = app();
    let path = format!(
        "/v1/jobs/{}",
        app.accepted_with(&[file("image.png", png(8, 6)), document(PIPELINE),]).await
    );
    assert_eq!(app.call(Method::DELETE, &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.json()["status"], "cancelled");
    app.assert_no_files();
}

#[tokio::test]
async fn jobs_that_are_not_there_are_404() {
    let app = app();
    let unknown = format!("/v1/jobs/{}", jobs::JobId::new());
    for path in [unknown.as_str(), "/v1/jobs/42", "/v1/jobs/job_..%2f..%2fetc"] {
        assert_eq!(app.get(path).await.json()["code"], "job_not_found", "{path}");
        assert_eq!(app.call(Method::DELETE, path).await.status, StatusCode::NOT_FOUND);
        for below in ["events", "download", "outputs/0"] {
            let answer = app.get(&format!("{path}/{below}")).await;
            assert_eq!(answer.json()["code"], "job_not_found", "{path}/{below}");
        }
        let answer = app.call(Method::POST, &format!("{path}/cancel")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

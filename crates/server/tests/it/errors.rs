//! One snapshot of every error code, as it is answered.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::Value;
use server::CODES;

use crate::support::{
    Answer, App, PIPELINE, app, app_with, config, document, file, jobs_config, png, request,
    settled,
};

/// The codes that a router alone cannot be brought to, with the test that does.
const ELSEWHERE: [&str; 5] = [
    "idempotency_in_flight", // idempotency.rs
    "idempotency_mismatch",  // idempotency.rs
    "internal_error",        // the panic below
    "upload_timeout",        // bad_input.rs
    "shutting_down",         // below
];

async fn post(app: &App, image: &[u8], text: &str) -> Answer {
    app.post("/v1/pipeline", &[file("a.png", image), document(text)]).await
}

async fn collect() -> Vec<Answer> {
    let image = png(8, 6);
    let app = app();
    let id = app.accepted().await;
    let job = format!("/v1/jobs/{id}");
    let mut answers = vec![
        app.call(Method::POST, "/v1/pipeline").await,
        app.post("/v1/pipeline", &[document(PIPELINE)]).await,
        post(&app, image, "{").await,
        app.post_with("/v1/pipeline", &[], &[("idempotency-key", "")]).await,
        app.post_with("/v1/pipeline", &[], &[("origin", "https://evil.example")]).await,
        app.get("/v1/operation").await,
        app.get("/v1/jobs/42").await,
        app.call(Method::PUT, "/v1/jobs").await,
        app.get(&format!("{job}/download")).await,
        post(&app, &vec![0; 10_001], PIPELINE).await,
        app.send(request(Method::POST, "/v1/convert", &[("content-length", "1")], Body::from("x")))
            .await,
        post(&app, b"text", PIPELINE).await,
        post(&app, &image[..20], PIPELINE).await,
        app.get_with("/", &[("host", "evil.example")]).await,
        post(&app, image, r#"{"steps":[{"operation":"fliter"}]}"#).await,
        post(&app, png(100_000, 1), PIPELINE).await,
        app.post("/v1/ocr", &[]).await,
    ];
    app.succeed(&[("a.webp", b"0123456789")]).await;
    answers.push(app.get(&format!("{job}/outputs/1")).await);
    answers.push(app.get_with(&format!("{job}/download"), &[("range", "bytes=10-")]).await);
    answers.push(app.get_with(&format!("{job}/download"), &[("if-match", "\"other\"")]).await);
    app.call(Method::DELETE, &job).await;
    answers.push(app.get(&format!("{job}/download")).await);
    let failed = app.accepted().await;
    app.fail().await;
    answers.push(app.get(&format!("/v1/jobs/{failed}/download")).await);
    let full = app_with(config(), jobs::Config { queue_max: 0, ..jobs_config() });
    answers.push(post(&full, image, PIPELINE).await);
    let full = app_with(config(), jobs::Config { disk_floor_bytes: u64::MAX, ..jobs_config() });
    answers.push(post(&full, image, PIPELINE).await);
    answers
}

#[tokio::test]
async fn every_code_is_answered_as_the_table_says() {
    let mut bodies: BTreeMap<String, Value> = BTreeMap::new();
    for answer in collect().await {
        let body = answer.json();
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(body["request_id"], answer.header("x-request-id"));
        assert_eq!(body["status"], answer.status.as_u16());
        bodies.insert(body["code"].as_str().unwrap().to_owned(), settled(body));
    }
    for code in CODES {
        let seen = bodies.contains_key(code.name());
        assert!(seen || ELSEWHERE.contains(&code.name()), "{} is never answered", code.name());
    }
    insta::assert_json_snapshot!("errors", bodies);
}

#[tokio::test]
async fn a_server_that_stops_takes_no_jobs() {
    let app = app();
    app.state.drain();
    let answer = post(&app, png(8, 6), PIPELINE).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["code"], "shutting_down");
    assert_eq!(app.get("/readyz").await.json()["code"], "shutting_down");
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
    app.assert_no_trace().await;
}

/// A store that panics stands for every bug behind a handler.
#[tokio::test]
async fn a_panic_is_an_answer_with_a_request_id() {
    let app = app();
    let path = format!("/v1/jobs/{}", jobs::JobId::new());
    let router: Router = app.router_over(crate::support::Panics);
    let answer = App { router, ..app }.get(&path).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let body = answer.json();
    assert_eq!(body["code"], "internal_error");
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert!(!body.to_string().contains("secret"), "reasons stay in the log");
}

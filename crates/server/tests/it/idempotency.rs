//! `Idempotency-Key`.

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use futures_util::{StreamExt, stream};

use crate::support::{
    App, BOUNDARY, PIPELINE, app, app_with, config, document, file, files_below, form, jobs_config,
    png, request, settled,
};

const KEY: [(&str, &str); 1] = [("idempotency-key", "6f2b7c1e-9d0f-4a53-8a55-0c9e1f7f0a11")];

async fn jobs(app: &App) -> usize {
    app.get("/v1/jobs").await.json()["jobs"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_is_answered_as_before() {
    let app = app();
    let image = png(8, 6);
    let first =
        app.post_with("/v1/pipeline", &[file("a.png", image), document(PIPELINE)], &KEY).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    app.succeed(&[("a.webp", b"x")]).await;
    let files = files_below(app.folder.path());
    let respelled = format!(" \n{PIPELINE}");
    let parts = [document(&respelled), file("other.png", image)];
    let second = app.post_with("/v1/pipeline", &parts, &KEY).await;
    assert_eq!(second.status, StatusCode::ACCEPTED);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(second.json(), first.json(), "the answer is the one that was given");
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(jobs(&app).await, 1);
    assert_eq!(files_below(app.folder.path()), files, "the second upload was not kept");
}

#[tokio::test]
async fn another_payload_under_the_same_key_is_refused() {
    let app = app();
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    app.post_with("/v1/pipeline", &parts, &KEY).await;
    let files = files_below(app.folder.path());
    let other_file = [file("a.png", png(9, 6)), document(PIPELINE)];
    let answer = app.post_with("/v1/pipeline", &other_file, &KEY).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_json_snapshot!("idempotency_mismatch", settled(answer.json()));
    let request = PIPELINE.replace("72", "73");
    let other_request = [file("a.png", png(8, 6)), document(&request)];
    let answer = app.post_with("/v1/pipeline", &other_request, &KEY).await;
    assert_eq!(answer.json()["code"], "idempotency_mismatch");
    assert_eq!(jobs(&app).await, 1);
    assert_eq!(files_below(app.folder.path()), files, "refused uploads were not kept");
}

#[tokio::test]
async fn the_key_counts_for_its_path_only() {
    let app = app();
    let image = png(8, 6);
    let filter = r#"{"filters":[{"type":"sepia"}]}"#;
    app.post_with("/v1/pipeline", &[file("a.png", image), document(PIPELINE)], &KEY).await;
    let answer = app.post_with("/v1/filter", &[file("a.png", image), document(filter)], &KEY).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(jobs(&app).await, 2);
}

#[tokio::test]
async fn a_key_is_in_flight_until_its_upload_is_answered() {
    let app = app();
    let body = form(&[file("a.png", png(8, 6)), document(PIPELINE)]);
    let (end, wait) = tokio::sync::oneshot::channel::<Bytes>();
    let start = Bytes::copy_from_slice(&body[..50]);
    let rest = Bytes::copy_from_slice(&body[50..]);
    let pieces = stream::iter([Ok(start)])
        .chain(stream::once(async { wait.await.map_err(std::io::Error::other) }));
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", kind.as_str()), ("transfer-encoding", "chunked"), KEY[0]];
    let slow = request(Method::POST, "/v1/pipeline", &headers, Body::from_stream(pieces));
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    let second = async {
        let answer = app.post_with("/v1/pipeline", &parts, &KEY).await;
        end.send(rest).unwrap();
        answer
    };
    let (first, second) = tokio::join!(app.send(slow), second);
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert_eq!(second.json()["code"], "idempotency_in_flight");
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let third = app.post_with("/v1/pipeline", &parts, &KEY).await;
    assert_eq!(third.json(), first.json());
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let app = app();
    let refused = [file("a.png", b"text"), document(PIPELINE)];
    assert!(app.post_with("/v1/pipeline", &refused, &KEY).await.status.is_client_error());
    let sound = [file("a.png", png(8, 6)), document(PIPELINE)];
    let answer = app.post_with("/v1/pipeline", &sound, &KEY).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn a_full_queue_still_answers_a_repeated_request() {
    let app = app_with(config(), jobs::Config { queue_max: 1, ..jobs_config() });
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    let first = app.post_with("/v1/pipeline", &parts, &KEY).await;
    let other = app.post("/v1/pipeline", &parts).await;
    assert_eq!(other.json()["code"], "queue_full");
    let again = app.post_with("/v1/pipeline", &parts, &KEY).await;
    assert_eq!(again.json(), first.json());
}

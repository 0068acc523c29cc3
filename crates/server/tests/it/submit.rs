//! The way in of a job, and what it is answered with.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{PIPELINE, app, document, file, png, settled};

#[tokio::test]
async fn an_accepted_job_is_answered_with_every_key() {
    let app = app();
    let answer =
        app.post("/v1/pipeline", &[file("image.png", png(8, 6)), document(PIPELINE)]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/jobs/{id}"));
    assert_eq!(answer.header("retry-after"), "1");
    assert!(answer.header("x-request-id").starts_with("req_"));
    insta::assert_json_snapshot!("accepted", settled(body));
}

#[tokio::test]
async fn what_the_examples_show_is_all_there() {
    let app = app();
    let request = json!({
        "client_reference_id": "example-123",
        "input_format": "png",
        "output_format": "jpg",
        "output": {
            "background": "#ffffff",
            "output_format": "jpg",
            "quality": 90,
            "strip_metadata": true,
        },
        "tool_slug": "png-to-jpg",
    })
    .to_string();
    let parts = [file("input.png", png(8, 6)), document(&request)];
    let body = app.post("/v1/convert", &parts).await.json();
    for key in [
        "client_reference_id",
        "created_at",
        "current_stage",
        "expires_at",
        "id",
        "operation",
        "poll_url",
        "progress",
        "status",
        "tool_slug",
        "download_url",
        "inputs",
        "outputs",
        "retention_policy",
        "stages",
        "warnings",
        "job_id",
    ] {
        assert!(body.get(key).is_some(), "{key} is missing: {body}");
    }
    assert_eq!(body["client_reference_id"], "example-123");
    assert_eq!(body["created_at"], "2026-05-02T00:00:00Z");
    assert_eq!(body["expires_at"], "2026-05-03T00:00:00Z");
    assert_eq!(body["operation"], "convert");
    assert_eq!(body["tool_slug"], "png-to-jpg");
    assert_eq!(body["id"], body["job_id"]);
    assert_eq!(body["retention_policy"], json!({ "ttl_hours": 24, "clamp": true }));
}

#[tokio::test]
async fn every_operation_of_the_catalogue_takes_its_own_example() {
    let app = app();
    let catalog = app.get("/v1/operations").await.json();
    let operations = catalog["operations"].as_array().unwrap();
    assert!(!operations.is_empty());
    for operation in operations {
        let path = operation["endpoint"].as_str().unwrap();
        let request = operation["example"].to_string();
        let answer = app.post(path, &[file("a.png", png(2000, 2000)), document(&request)]).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path} {request} {answer:?}");
        assert_eq!(answer.json()["operation"], operation["name"]);
        app.succeed(&[("a.webp", b"x")]).await;
    }
    let request = catalog["pipeline"]["example"].to_string();
    let answer = app.post("/v1/pipeline", &[file("a.png", png(8, 8)), document(&request)]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
}

#[tokio::test]
async fn all_names_of_the_file_part_are_taken_in_order() {
    let app = app();
    let image = png(8, 6);
    for name in ["files[]", "files", "file", "file[]"] {
        let parts = [(name, Some("a.png"), image), document(PIPELINE)];
        assert_eq!(app.post("/v1/pipeline", &parts).await.status, StatusCode::ACCEPTED, "{name}");
    }
    let parts = [document(PIPELINE), file("one.png", image), ("file", Some("../two.png"), image)];
    let body = app.post("/v1/pipeline", &parts).await.json();
    let names: Vec<_> = body["inputs"].as_array().unwrap().iter().map(|i| &i["filename"]).collect();
    assert_eq!(names, ["one.png", "two.png"]);
}

#[tokio::test]
async fn a_file_is_stored_as_it_came() {
    let app = app();
    let image = png(8, 6);
    app.accepted_with(&[file("image.jpg", image), document(PIPELINE)]).await;
    let claim = app.claim().await;
    let input = &claim.job.inputs[0];
    assert_eq!(app.blobs.read_all(&input.blob).await.unwrap(), image);
    assert_eq!(input.format, "png", "the bytes decide, not the name");
    assert_eq!(input.size_bytes, image.len() as u64);
    assert_eq!(input.sha256.len(), 64);
}

#[tokio::test]
async fn retention_is_cut_or_refused_as_asked() {
    let app = app();
    let ask = async |policy: serde_json::Value| {
        let request = json!({ "output_format": "jpg", "retention_policy": policy }).to_string();
        app.post("/v1/convert", &[file("a.png", png(8, 6)), document(&request)]).await
    };
    let body = ask(json!({ "ttl_hours": 1 })).await.json();
    assert_eq!(body["expires_at"], "2026-05-02T01:00:00Z");
    let body = ask(json!({ "ttl_hours": 1000 })).await.json();
    assert_eq!(body["retention_policy"], json!({ "ttl_hours": 168, "clamp": true }));
    assert_eq!(body["expires_at"], "2026-05-09T00:00:00Z");
    let answer = ask(json!({ "ttl_hours": 1000, "clamp": false })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/retention_policy/ttl_hours");
    assert_eq!(ask(json!({ "ttl_hours": 0 })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_request_that_prefers_to_wait_gets_the_finished_job() {
    let app = app();
    let parts = [file("image.png", png(8, 6)), document(PIPELINE)];
    let wait = [("prefer", "wait=30")];
    let (answer, ()) = tokio::join!(
        app.post_with("/v1/pipeline", &parts, &wait),
        app.succeed(&[("a.webp", b"x")])
    );
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("preference-applied"), "wait=30");
    assert_eq!(answer.json()["status"], "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_in_vain_gets_the_job_as_it_is() {
    let app = app();
    let parts = [file("image.png", png(8, 6)), document(PIPELINE)];
    let answer = app.post_with("/v1/pipeline", &parts, &[("prefer", "wait=2")]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.header("preference-applied"), "wait=2");
    assert_eq!(answer.json()["status"], "queued");
}

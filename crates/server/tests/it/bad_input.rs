//! What is turned away at the door: the right status, a message that helps, and no trace.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::support::{App, BOUNDARY, PIPELINE, Part, app, document, file, form, png, request};

/// Posts to the pipeline, and gives the error after nothing was found to be kept.
async fn refused(app: &App, parts: &[Part<'_>], status: u16, code: &str) -> Value {
    let answer = app.post("/v1/pipeline", parts).await;
    let error = answer.json();
    assert_eq!((answer.status.as_u16(), error["code"].as_str()), (status, Some(code)), "{error:#}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("connection"), "close");
    app.assert_no_trace().await;
    error
}

fn detail(error: &Value) -> &str {
    error["detail"].as_str().unwrap()
}

async fn raw(app: &App, headers: &[(&str, &str)], body: &str) -> Value {
    let length = body.len().to_string();
    let mut all = vec![("content-length", length.as_str())];
    all.extend(headers);
    let body = Body::from(body.to_owned());
    let answer = app.send(request(Method::POST, "/v1/pipeline", &all, body)).await;
    app.assert_no_trace().await;
    let error = answer.json();
    assert_eq!(error["status"], answer.status.as_u16());
    error
}

#[tokio::test]
async fn an_empty_body_is_told_what_to_send() {
    let app = app();
    let form = ("content-type", "multipart/form-data; boundary=x");
    for headers in [&[][..], &[form]] {
        let error = raw(&app, headers, "").await;
        assert_eq!((&error["status"], &error["code"]), (&400.into(), &"malformed_body".into()));
        assert!(detail(&error).contains("curl -X POST \"http://localhost:8080/v1/pipeline\""));
    }
}

#[tokio::test]
async fn other_content_types_are_told_which_one_is_right() {
    let app = app();
    let error = raw(&app, &[("content-type", "image/png")], "x").await;
    assert_eq!(error["code"], "unsupported_media_type");
    assert!(detail(&error).contains("multipart/form-data"));
    let error = raw(&app, &[], "x").await;
    assert_eq!(error["code"], "unsupported_media_type");
    let error = raw(&app, &[("content-type", "multipart/form-data")], "x").await;
    assert_eq!(error["code"], "malformed_body");
    assert!(detail(&error).contains("boundary"));
    let form = ("content-type", "multipart/form-data; boundary=x");
    let error = raw(&app, &[form, ("content-encoding", "gzip")], "x").await;
    assert_eq!((&error["status"], &error["code"]), (&415.into(), &"unsupported_media_type".into()));
    assert!(detail(&error).contains("gzip"), "{error}");
    let error = raw(&app, &[form, ("content-encoding", "identity")], "x").await;
    assert_eq!(error["code"], "malformed_body");
    let urls = r#"{"steps":[],"inputs":[{"url":"https://example.org/a.png"}]}"#;
    let error = raw(&app, &[("content-type", "application/json; charset=utf-8")], urls).await;
    assert_eq!((&error["status"], &error["code"]), (&422.into(), &"not_available".into()));
}

#[tokio::test]
async fn broken_forms_are_refused() {
    let app = app();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let whole = form(&[file("a.png", png(8, 6)), document(PIPELINE)]);
    let whole = String::from_utf8_lossy(&whole).into_owned();
    for body in ["text", &whole[..whole.len() - 10], &whole[..200]] {
        let error = raw(&app, &[("content-type", &kind)], body).await;
        assert_eq!(error["code"], "malformed_body", "{error}");
    }
}

#[tokio::test]
async fn missing_parts_are_named_all_at_once() {
    let app = app();
    let image = png(8, 6);
    let error = refused(&app, &[document(PIPELINE)], 400, "missing_part").await;
    assert_eq!(error["errors"][0]["pointer"], "/files");
    assert!(detail(&error).contains("files[]"));
    let error = refused(&app, &[file("a.png", image)], 400, "missing_part").await;
    assert!(detail(&error).contains("`request`") && detail(&error).contains("curl"));
    let error = refused(&app, &[], 400, "missing_part").await;
    assert_eq!(error["errors"].as_array().unwrap().len(), 2);
    let named_wrong = [("image", Some("a.png"), image), document(PIPELINE)];
    let error = refused(&app, &named_wrong, 400, "missing_part").await;
    assert_eq!(error["errors"][1]["suggestion"], "files[]");
    let misspelt = [file("a.png", image), ("requst", None, PIPELINE.as_bytes())];
    let error = refused(&app, &misspelt, 400, "missing_part").await;
    assert_eq!(error["errors"][1]["suggestion"], "request");
}

#[tokio::test]
async fn invalid_json_is_pointed_at() {
    let app = app();
    let image = png(8, 6);
    let error =
        refused(&app, &[file("a.png", image), document("{\"steps\":[,]}")], 400, "invalid_json")
            .await;
    assert!(detail(&error).contains("line 1 column 11"), "{error}");
    for text in ["", " \r\n", "\u{FEFF}"] {
        refused(&app, &[file("a.png", image), document(text)], 400, "invalid_json").await;
    }
    for text in ["[]", "\"text\"", "null", "{}"] {
        refused(&app, &[file("a.png", image), document(text)], 422, "invalid_request").await;
    }
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_with_a_pointer() {
    let app = app();
    let request = r#"{"steps":[
        {"operation":"transfrom","request":{}},
        {"operation":"filter","request":{"filters":[
            {"type":"sepia","intensty":3},
            {"type":"blur","intensity":300}
        ]}}
    ],"tool_slug":"Not A Slug"}"#;
    let parts = [file("a.png", png(8, 6)), document(request)];
    let error = refused(&app, &parts, 422, "invalid_request").await;
    let faults = error["errors"].as_array().unwrap();
    let at = |pointer: &str| {
        let found = faults.iter().find(|fault| fault["pointer"] == pointer);
        found.unwrap_or_else(|| panic!("nothing at {pointer}: {error:#}"))
    };
    assert_eq!(at("/steps/0/operation")["suggestion"], "transform");
    assert_eq!(at("/steps/1/request/filters/0/intensty")["suggestion"], "intensity");
    at("/steps/1/request/filters/1/intensity");
    at("/tool_slug");
}

#[tokio::test]
async fn what_comes_later_is_not_available_yet() {
    let app = app();
    let image = png(8, 6);
    for field in [r#""webhook":{"url":"https://example.org"}"#, r#""inputs":[{"url":"https://x"}]"#]
    {
        let request = format!("{{{field},{}", &PIPELINE[1..]);
        let parts = [file("a.png", image), document(&request)];
        let error = refused(&app, &parts, 422, "not_available").await;
        assert!(error["errors"].as_array().is_some_and(|faults| faults.len() == 1), "{error}");
    }
    for path in ["/v1/batch", "/v1/ocr"] {
        let answer = app.post(path, &[file("a.png", image), document("{}")]).await;
        assert_eq!(answer.json()["code"], "not_available", "{path}");
    }
    for header in [("authorization", "Bearer key"), ("x-api-key", "key")] {
        let parts = [file("a.png", image), document(PIPELINE)];
        let answer = app.post_with("/v1/pipeline", &parts, &[header]).await;
        assert_eq!(answer.json()["code"], "not_available", "{header:?}");
    }
    app.assert_no_trace().await;
}

#[tokio::test]
async fn files_that_are_no_images_are_refused() {
    let app = app();
    let text =
        [file("a.png", b"just a text of some length, named like an image"), document(PIPELINE)];
    let error = refused(&app, &text, 415, "unsupported_format").await;
    assert_eq!(error["errors"][0]["pointer"], "/files/0");
    assert!(error["errors"][0]["message"].as_str().unwrap().starts_with("a.png: "));
    let empty = [file("a.png", b""), document(PIPELINE)];
    let error = refused(&app, &empty, 415, "unsupported_format").await;
    assert!(detail(&error).contains("empty"));
    let cut = [file("a.png", &png(8, 6)[..20]), document(PIPELINE)];
    refused(&app, &cut, 415, "invalid_input").await;
    let no_at = [("files[]", None, &b"image.png"[..]), document(PIPELINE)];
    let error = refused(&app, &no_at, 415, "unsupported_format").await;
    assert!(detail(&error).contains("@image.png"), "{error}");
}

#[tokio::test]
async fn every_bad_file_is_told_and_the_good_ones_go_too() {
    let app = app();
    let image = png(8, 6);
    let parts = [file("a.png", image), file("b.png", b"text"), file("c.png", b"")];
    let all = [&parts[..], &[document(r#"{"steps":7}"#)]].concat();
    let error = refused(&app, &all, 422, "invalid_request").await;
    let pointers: Vec<_> =
        error["errors"].as_array().unwrap().iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["/steps", "/files/1", "/files/2"]);
}

#[tokio::test]
async fn huge_images_are_refused_by_their_header() {
    let app = app();
    let parts = [file("a.png", png(100_000, 100_000)), document(PIPELINE)];
    let error = refused(&app, &parts, 422, "limit_exceeded").await;
    assert!(detail(&error).contains("65535"), "{error}");
    let parts = [file("a.png", png(60_000, 60_000)), document(PIPELINE)];
    let error = refused(&app, &parts, 422, "limit_exceeded").await;
    assert!(detail(&error).contains("268 megapixels"), "{error}");
}

#[tokio::test]
async fn what_would_need_more_memory_than_a_runner_has_is_refused() {
    let app = app();
    let rotate = r#"{"operations":[{"type":"rotate","angle":90}]}"#;
    let parts = [file("a.png", png(16_000, 16_000)), document(rotate)];
    let answer = app.post("/v1/transform", &parts).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let fault = answer.json()["errors"][0].clone();
    assert_eq!(fault["pointer"], "/files/0");
    assert!(fault["message"].as_str().unwrap().contains("MB of memory"), "{fault}");
    app.assert_no_trace().await;
}

#[tokio::test]
async fn a_jpeg_of_ten_thousand_scans_is_refused() {
    let mut jpeg = vec![0xFF, 0xD8];
    jpeg.extend([0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    for _ in 0..10_000 {
        jpeg.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0, 0x55]);
    }
    jpeg.extend([0xFF, 0xD9]);
    let mut config = crate::support::config();
    config.upload.file_bytes_max = 1_000_000;
    config.upload.request_bytes_max = 1_000_000;
    let app = crate::support::app_with(config, crate::support::jobs_config());
    let error =
        refused(&app, &[file("a.jpg", &jpeg), document(PIPELINE)], 422, "limit_exceeded").await;
    assert!(detail(&error).contains("scans"), "{error}");
}

#[tokio::test]
async fn a_crop_outside_the_image_is_refused() {
    let app = app();
    let crop = r#"{"operations":[{"type":"crop","x":100,"y":0,"width":10,"height":10}]}"#;
    let parts = [file("a.png", png(8, 6)), document(crop)];
    let answer = app.post("/v1/transform", &parts).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let pointer = answer.json()["errors"][0]["pointer"].as_str().unwrap().to_owned();
    assert!(pointer.starts_with("/operations/0"), "{pointer}");
    app.assert_no_trace().await;
}

#[tokio::test]
async fn too_many_and_too_large_files_are_refused() {
    let app = app();
    let image = png(8, 6);
    let mut parts = vec![file("a.png", image); 4];
    parts.push(document(PIPELINE));
    let error = refused(&app, &parts, 422, "limit_exceeded").await;
    assert_eq!(error["errors"][0]["pointer"], "/files/3");
    let large = [png(8, 6), &[0; 10_000]].concat();
    let error = refused(&app, &[file("a.png", &large), document(PIPELINE)], 413, "too_large").await;
    assert_eq!(error["errors"][0]["pointer"], "/files/0");
    let long = format!("{PIPELINE}{}", " ".repeat(4000));
    let parts = [file("a.png", image), document(&long)];
    refused(&app, &parts, 413, "too_large").await;
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_with_and_without_a_length() {
    let app = app();
    let large = [png(8, 6), &[0; 9_000]].concat();
    let mut parts = vec![file("a.png", &large); 3];
    parts.push(document(PIPELINE));
    let error = refused(&app, &parts, 413, "too_large").await;
    assert!(detail(&error).contains("0.025 MB"), "{error}");
    let body = form(&parts);
    let pieces =
        body.chunks(1000).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)));
    let pieces: Vec<_> = pieces.collect();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", kind.as_str()), ("transfer-encoding", "chunked")];
    let body = Body::from_stream(stream::iter(pieces));
    let answer = app.send(request(Method::POST, "/v1/pipeline", &headers, body)).await;
    assert_eq!(answer.json()["code"], "too_large");
    app.assert_no_trace().await;
}

#[tokio::test]
async fn a_full_queue_refuses_before_the_body_is_read() {
    let app = app();
    for _ in 0..5 {
        app.accepted().await;
    }
    let body = Body::from_stream(stream::once(async {
        panic!("the body was read");
        #[expect(unreachable_code, reason = "it gives the stream its type")]
        Ok::<_, std::io::Error>(Bytes::new())
    }));
    let headers =
        [("content-type", "multipart/form-data; boundary=x"), ("content-length", "20000")];
    let answer = app.send(request(Method::POST, "/v1/pipeline", &headers, body)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["code"], "queue_full");
    assert_eq!(answer.header("retry-after"), "10");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn a_full_disk_refuses_before_the_body_is_read() {
    let jobs = jobs::Config { disk_floor_bytes: u64::MAX, ..crate::support::jobs_config() };
    let app = crate::support::app_with(crate::support::config(), jobs);
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    let error = refused(&app, &parts, 507, "disk_full").await;
    assert_eq!(error["status"], 507);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_times_out() {
    let app = app();
    let start = form(&[file("a.png", png(8, 6))])[..150].to_vec();
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(start))]);
    let body = Body::from_stream(pieces.chain(stream::pending()));
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", kind.as_str()), ("content-length", "1000")];
    let started = tokio::time::Instant::now();
    let answer = app.send(request(Method::POST, "/v1/pipeline", &headers, body)).await;
    assert_eq!(answer.json()["code"], "upload_timeout");
    assert_eq!(started.elapsed().as_secs(), 30);
    app.assert_no_trace().await;
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let app = app();
    // Larger than what is held back in memory, so that a part of it lies on the disk.
    let mut config = crate::support::config();
    config.upload.file_bytes_max = 10_000_000;
    config.upload.request_bytes_max = 10_000_000;
    let app = crate::support::App {
        router: crate::support::app_with(config, crate::support::jobs_config()).router,
        ..app
    };
    let large = [png(8, 6), &[0; 3_000_000]].concat();
    let start = form(&[file("a.png", &large)]);
    let (seen, saw) = tokio::sync::oneshot::channel::<()>();
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(start[..2_500_000].to_vec()))]);
    let pieces = pieces.chain(stream::once(async move {
        let _ = seen.send(());
        std::future::pending().await
    }));
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", kind.as_str()), ("content-length", "3000500")];
    let send = app.send(request(Method::POST, "/v1/pipeline", &headers, Body::from_stream(pieces)));
    tokio::select! {
        answer = send => panic!("it was answered: {answer:?}"),
        _ = saw => {}
    }
    // Dropping the request spawns the cleaning.
    for _ in 0..200 {
        if crate::support::files_below(app.folder.path()).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    app.assert_no_trace().await;
}

/// Lets a request go on for so many steps and then drops it, as a client does that goes away.
async fn abandon(app: &App, steps: usize) -> bool {
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    let mut request = Box::pin(app.post("/v1/pipeline", &parts));
    for _ in 0..steps {
        let step = std::future::poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx)));
        if step.await.is_ready() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
}

#[tokio::test]
async fn a_request_abandoned_at_any_point_leaves_a_whole_job_or_nothing() {
    let mut steps = 0;
    loop {
        let app = app();
        let abandoned = abandon(&app, steps).await;
        let jobs = settle(&app).await;
        let files = crate::support::files_below(app.folder.path());
        assert_eq!(files.len(), jobs, "after {steps} steps: {files:?}");
        if !abandoned {
            assert_eq!(jobs, 1);
            return;
        }
        steps += 1;
    }
}

/// How many jobs there are, once what was spawned has had the time to end.
async fn settle(app: &App) -> usize {
    tokio::time::sleep(Duration::from_millis(50)).await;
    app.get("/v1/jobs").await.json()["jobs"].as_array().unwrap().len()
}

//! `POST /v1/pipeline/explain`: what a pipeline would do, from headers alone.

use serde_json::json;

use crate::support::{PIPELINE, app, document, file, png};

#[tokio::test]
async fn every_step_is_told_and_nothing_is_kept() {
    let app = app();
    let parts = [file("a.png", png(800, 600)), document(PIPELINE)];
    let answer = app.post("/v1/pipeline/explain", &parts).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    let file = &told["files"][0];
    assert_eq!(file["filename"], "a.png");
    assert_eq!((&file["input"]["width"], &file["input"]["format"]), (&json!(800), &json!("png")));
    let steps = file["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!((&steps[0]["width"], &steps[0]["height"]), (&json!(1600), &json!(1200)));
    assert_eq!(steps[0]["request"]["operations"][0]["type"], "resize");
    assert_eq!(steps[2]["format"], "webp");
    assert_eq!(file["output"]["format"], "webp");
    assert_eq!(file["encode_generations"], 1);
    assert!(file["memory_peak_bytes"].as_u64().unwrap() > 1600 * 1200 * 3);
    assert_eq!(file["warnings"][0]["code"], "upscaled");
    app.assert_no_trace().await;
}

#[tokio::test]
async fn what_a_job_would_be_refused_for_is_refused_here() {
    let app = app();
    let crop = r#"{"steps":[{"operation":"transform","request":{"operations":
        [{"type":"crop","x":9000}]}}]}"#;
    let answer =
        app.post("/v1/pipeline/explain", &[file("a.png", png(8, 6)), document(crop)]).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/steps/0/request/operations/0/x");
    let answer = app.post("/v1/pipeline/explain", &[document(PIPELINE)]).await;
    assert_eq!(answer.status, 400);
    app.assert_no_trace().await;
}

/// As far as the door sees it: pages of A4, so many.
fn pages(count: u32) -> Vec<u8> {
    let catalog = "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n";
    let tree = format!("<</Type/Pages/Kids[3 0 R]/Count {count}>>");
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>";
    format!("{catalog}2 0 obj\n{tree}\nendobj\n3 0 obj\n{page}\nendobj\n").into()
}

#[tokio::test]
async fn many_pages_are_no_reason_to_refuse() {
    let app = app();
    let request = r#"{"steps":[{"operation":"convert","request":{"output_format":"png"}}]}"#;
    for count in [600, u32::MAX] {
        let pages = pages(count);
        let parts = [file("a.pdf", &pages), document(request)];
        let answer = app.post("/v1/pipeline", &parts).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
}

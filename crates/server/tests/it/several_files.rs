//! Requests with several files of which some are refused: each fault is told once, and no other.

use axum::http::StatusCode;
use serde_json::Value;

use crate::support::{Part, app, document, file, png};

/// Status, code, and pointers with messages.
async fn refused(path: &str, parts: &[Part<'_>]) -> (StatusCode, String, Vec<(String, String)>) {
    let app = app();
    let answer = app.post(path, parts).await;
    let error = answer.json();
    app.assert_no_trace().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let faults = error["errors"].as_array().unwrap().iter();
    let faults = faults.map(|fault| (text(&fault["pointer"]), text(&fault["message"])));
    (answer.status, text(&error["code"]), faults.collect())
}

#[tokio::test]
async fn a_damaged_file_that_an_operation_names_is_one_fault() {
    let lut = document(r#"{"filters":[{"type":"lut","file_index":1}]}"#);
    let image = png(8, 6);
    for broken in [&b"LUT_3D_SIZE 2\n0 0 0\n"[..], b""] {
        let parts = [file("a.png", image), file("b.cube", broken), lut];
        let (status, _, faults) = refused("/v1/filter", &parts).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{faults:?}");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].0, "/files/1");
    }
    // Places count refused files too: the crop is held against the right one.
    let crop = document(r#"{"operations":[{"type":"crop","x":7,"y":0}]}"#);
    let parts = [file("a.png", b"text"), file("b.png", image), crop];
    let (status, code, _) = refused("/v1/transform", &parts).await;
    assert_eq!((status.as_u16(), code.as_str()), (415, "unsupported_format"));
}

#[tokio::test]
async fn the_misfits_of_all_files_are_told() {
    let crop = document(r#"{"operations":[{"type":"crop","x":20,"y":0}]}"#);
    let (small, wide) = (png(8, 6), png(10, 6));
    let parts = [file("a.png", small), file("b.png", wide), file("c.png", small), crop];
    let (_, _, faults) = refused("/v1/transform", &parts).await;
    let messages: Vec<&str> = faults.iter().map(|(_, message)| message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "x 20 lies outside the image of 8×6 (files 0, 2)",
            "x 20 lies outside the image of 10×6 (file 1)",
        ]
    );
}

//! What the clients of the examples send, byte by byte.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::support::{Answer, PIPELINE, app, png, request};

async fn post(boundary: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let app = app();
    let kind = format!("multipart/form-data; boundary={boundary}");
    let length = body.len().to_string();
    let mut all = vec![("content-type", kind.as_str()), ("content-length", length.as_str())];
    all.extend(headers);
    let answer = app.send(request(Method::POST, "/v1/pipeline", &all, Body::from(body))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.json()["inputs"][0]["filename"], "image.png");
    assert_eq!(answer.json()["inputs"][0]["format"], "png");
    assert_eq!(answer.json()["tool_slug"], "pipeline-resize-filter-compress");
    answer
}

const FILE: &str = "Content-Disposition: form-data; name=\"files[]\"; filename=\"image.png\"";

fn body(head: &str, middle: &str, tail: &str) -> Vec<u8> {
    [head.as_bytes(), png(8, 6), middle.as_bytes(), tail.as_bytes()].concat()
}

/// `requests.post(url, files=[("files[]", file)], data={"request": …})`: the text comes first, and
/// the file has no type.
#[tokio::test]
async fn python_requests() {
    let boundary = "1f8a6f0d2c3b4a5968778695a4b3c2d1";
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{PIPELINE}\r\n\
         --{boundary}\r\n{FILE}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let agent = [("user-agent", "python-requests/2.34.2"), ("accept-encoding", "gzip, deflate")];
    post(boundary, body(&head, "", &tail), &agent).await;
}

/// `form.append("files[]", file); form.append("request", …)` in a page of localhost.
#[tokio::test]
async fn browser_form_data() {
    let boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
    let head = format!(
        "--{boundary}\r\n{FILE}\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let middle = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{PIPELINE}\r\n"
    );
    let headers = [
        ("origin", "http://localhost:3000"),
        ("idempotency-key", "36b8f84d-df4e-4d49-b662-bcde71a8764f"),
    ];
    let answer =
        post(boundary, body(&head, &middle, &format!("--{boundary}--\r\n")), &headers).await;
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
}

/// `curl -F "files[]=@image.png" -F 'request=…'`.
#[tokio::test]
async fn curl() {
    let boundary = "------------------------d74496d66958873e";
    let head = format!(
        "--{boundary}\r\n{FILE}\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let middle = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{PIPELINE}\r\n"
    );
    let headers = [
        ("user-agent", "curl/8.5.0"),
        ("accept", "*/*"),
        ("idempotency-key", "36B8F84D-DF4E-4D49-B662-BCDE71A8764F"),
        ("expect", "100-continue"),
    ];
    post(boundary, body(&head, &middle, &format!("--{boundary}--\r\n")), &headers).await;
}

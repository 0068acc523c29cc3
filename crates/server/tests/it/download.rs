//! Results, whole and in part.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::support::{App, PIPELINE, app, document, file, png, request};

const DATA: &[u8] = b"0123456789";

async fn one_output() -> (App, String) {
    let app = app();
    let id = app.accepted().await;
    app.succeed(&[("naïve.webp", DATA)]).await;
    (app, format!("/v1/jobs/{id}/download"))
}

async fn two_outputs() -> (App, String) {
    let app = app();
    let image = png(8, 6);
    let parts = [file("a.png", image), file("b.png", image), document(PIPELINE)];
    let id = app.accepted_with(&parts).await;
    app.succeed(&[("a.webp", DATA), ("A.webp", &[7; 100_000])]).await;
    (app, format!("/v1/jobs/{id}"))
}

#[tokio::test]
async fn one_output_is_sent_as_it_is() {
    let (app, path) = one_output().await;
    let answer = app.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, DATA);
    assert_eq!(answer.header("content-type"), "image/webp");
    assert_eq!(answer.header("content-length"), "10");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"na_ve.webp\"; filename*=UTF-8''na%C3%AFve.webp"
    );
    // SHA-256 of the digits.
    let etag = "\"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\"";
    assert_eq!(answer.header("etag"), etag);
    let known = app.get_with(&path, &[("if-none-match", etag)]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let by_id = app.get(&path.replace("download", "outputs/0")).await;
    assert_eq!((by_id.body, by_id.headers["etag"].as_bytes()), (answer.body, etag.as_bytes()));
}

#[tokio::test]
async fn head_says_all_but_sends_nothing() {
    let (app, path) = one_output().await;
    let answer = app.call(Method::HEAD, &path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-length"), "10");
    assert!(answer.header("etag").len() > 60);
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn ranges_give_a_part() {
    let (app, path) = one_output().await;
    let etag = app.get(&path).await.header("etag").to_owned();
    for (range, expected, content_range) in [
        ("bytes=0-3", &b"0123"[..], "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ] {
        let answer = app.get_with(&path, &[("range", range), ("if-range", &etag)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.body, expected, "{range}");
        assert_eq!(answer.header("content-range"), content_range);
        assert_eq!(answer.header("content-length"), expected.len().to_string());
    }
    let other = app.get_with(&path, &[("range", "bytes=0-3"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (StatusCode::OK, 10));
    let several = app.get_with(&path, &[("range", "bytes=0-1,3-4")]).await;
    assert_eq!((several.status, several.body.len()), (StatusCode::OK, 10));
    let behind = app.get_with(&path, &[("range", "bytes=10-")]).await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.header("content-range"), "bytes */10");
    assert_eq!(behind.json()["code"], "range_not_satisfiable");
}

#[tokio::test]
async fn a_file_is_sent_only_if_it_is_the_one_that_is_meant() {
    let (app, path) = one_output().await;
    let etag = app.get(&path).await.header("etag").to_owned();
    let weak = format!("W/{etag}");
    let listed = format!("\"other\", {etag}");
    for (tag, status) in [
        (etag.as_str(), StatusCode::OK),
        (&listed, StatusCode::OK),
        ("*", StatusCode::OK),
        (&weak, StatusCode::PRECONDITION_FAILED),
        ("\"other\"", StatusCode::PRECONDITION_FAILED),
    ] {
        let answer = app.get_with(&path, &[("if-match", tag), ("range", "bytes=0-")]).await;
        let expected = if status == StatusCode::OK { StatusCode::PARTIAL_CONTENT } else { status };
        assert_eq!(answer.status, expected, "{tag}");
    }
}

#[tokio::test]
async fn several_outputs_are_a_zip_that_others_can_read() {
    let (app, path) = two_outputs().await;
    let answer = app.get(&format!("{path}/download")).await;
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    let archive = app.folder.path().join("all.zip");
    std::fs::write(&archive, &answer.body).unwrap();
    let script = "import sys, zipfile\n\
                  z = zipfile.ZipFile(sys.argv[1])\n\
                  assert z.testzip() is None\n\
                  print([(i.filename, i.file_size, i.date_time) for i in z.infolist()])";
    let python = std::process::Command::new("python3").args(["-c", script]).arg(&archive).output();
    let python = python.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&python.stdout).trim(),
        "[('a.webp', 10, (2026, 5, 2, 0, 0, 0)), ('A-2.webp', 100000, (2026, 5, 2, 0, 0, 0))]",
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
}

#[tokio::test]
async fn a_broken_zip_download_goes_on_where_it_stopped() {
    let (app, path) = two_outputs().await;
    let path = format!("{path}/download");
    let whole = app.get(&path).await;
    let length = whole.body.len();
    for start in [0, 1, 30, 46, 70, 50_000, length - 30, length - 1] {
        let range = format!("bytes={start}-");
        let etag = whole.header("etag");
        let rest = app.get_with(&path, &[("range", &range), ("if-range", etag)]).await;
        assert_eq!(rest.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(rest.body, whole.body[start..], "from {start}");
    }
    let middle = app.get_with(&path, &[("range", "bytes=10-99")]).await;
    assert_eq!(middle.body, whole.body[10..100]);
    let head = app.send(request(Method::HEAD, &path, &[], Body::empty())).await;
    assert_eq!(head.header("content-length"), length.to_string());
}

#[tokio::test]
async fn outputs_are_sent_by_their_id() {
    let (app, path) = two_outputs().await;
    assert_eq!(app.get(&format!("{path}/outputs/0")).await.body, DATA);
    assert_eq!(app.get(&format!("{path}/outputs/1")).await.body.len(), 100_000);
    for id in ["2", "-1", "+1", "x", "18446744073709551616"] {
        let answer = app.get(&format!("{path}/outputs/{id}")).await;
        assert_eq!(answer.json()["code"], "output_not_found", "{id}");
    }
}

#[tokio::test]
async fn there_is_nothing_to_download_before_the_end_or_without_success() {
    let app = app();
    let code = async |id: &str| app.get(&format!("/v1/jobs/{id}/download")).await.json();
    let id = app.accepted().await;
    assert_eq!(code(&id).await["code"], "not_finished");
    let claim = app.claim().await;
    assert_eq!(code(&id).await["code"], "not_finished");
    app.succeed_claim(claim, &[]).await;
    assert_eq!(code(&id).await["code"], "no_result");
    let id = app.accepted().await;
    app.fail().await;
    let error = code(&id).await;
    assert_eq!((&error["code"], &error["status"]), (&"no_result".into(), &409.into()));
    assert_eq!(error["detail"], "the job failed: png: bad checksum");
    let id = app.accepted().await;
    app.call(Method::POST, &format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!(code(&id).await["detail"], "the job was cancelled");
}

#[tokio::test]
async fn expired_files_are_gone() {
    let (app, path) = one_output().await;
    app.clock.advance(std::time::Duration::from_secs(25 * 3600));
    for id in app.store.sweep().await.unwrap().expired {
        app.blobs.delete_job(&id).await.unwrap();
    }
    let answer = app.get(&path).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::GONE, &"expired".into()));
    let job = app.get(path.trim_end_matches("/download")).await.json();
    assert_eq!((&job["expired"], &job["status"]), (&true.into(), &"succeeded".into()));
}

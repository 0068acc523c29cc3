//! Hosts, origins, request ids.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::support::{PIPELINE, app, app_with, config, document, file, jobs_config, png, request};

#[tokio::test]
async fn only_local_hosts_reach_a_local_server() {
    let app = app();
    for host in ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:8080"] {
        let answer = app.get_with("/healthz", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:8080", "192.168.0.1", "127.0.0.1.evil"] {
        let answer = app.get_with("/healthz", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.json()["code"], "host_not_allowed");
    }
}

#[tokio::test]
async fn configured_hosts_are_allowed() {
    let mut config = config();
    config.allowed_hosts = vec!["images.example.org".to_owned()];
    let app = app_with(config, jobs_config());
    for (host, status) in [
        ("images.example.org", StatusCode::OK),
        ("images.example.org:443", StatusCode::OK),
        ("localhost:8080", StatusCode::OK),
        ("example.org", StatusCode::MISDIRECTED_REQUEST),
    ] {
        assert_eq!(app.get_with("/healthz", &[("host", host)]).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn pages_may_ask_before_they_post() {
    let app = app();
    let ask = async |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,idempotency-key,prefer"),
        ];
        app.send(request(Method::OPTIONS, "/v1/pipeline", &headers, Body::empty())).await
    };
    for origin in ["http://localhost:3000", "http://127.0.0.1", "http://localhost:8080"] {
        let answer = ask(origin).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        let allowed = answer.header("access-control-allow-headers").to_lowercase();
        for header in ["content-type", "idempotency-key", "prefer"] {
            assert!(allowed.contains(header), "{header} in {allowed}");
        }
        assert!(answer.header("access-control-allow-methods").contains("POST"));
    }
    for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
        assert_eq!(ask(origin).await.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn pages_may_read_the_headers_of_an_answer() {
    let answer = app().get_with("/v1/jobs", &[("origin", "http://localhost:3000")]).await;
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    for header in ["location", "retry-after", "etag", "x-request-id"] {
        assert!(exposed.contains(header), "{header} in {exposed}");
    }
}

#[tokio::test]
async fn a_form_of_a_foreign_page_makes_no_job() {
    let app = app();
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    for origin in ["https://evil.example", "null"] {
        let answer = app.post_with("/v1/pipeline", &parts, &[("origin", origin)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(answer.json()["code"], "origin_not_allowed");
    }
    app.assert_no_trace().await;
}

#[tokio::test]
async fn configured_origins_are_allowed() {
    let mut config = config();
    config.allowed_origins = vec!["https://app.example.org/".to_owned()];
    let app = app_with(config, jobs_config());
    let origin = [("origin", "https://app.example.org")];
    let parts = [file("a.png", png(8, 6)), document(PIPELINE)];
    let answer = app.post_with("/v1/pipeline", &parts, &origin).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.org");
}

#[tokio::test]
async fn sane_request_ids_are_taken_over() {
    let app = app();
    let id = async |given: &str| {
        let answer = app.get_with("/nowhere", &[("x-request-id", given)]).await;
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(id("trace-42:7").await, "trace-42:7");
    assert!(id("a b").await.starts_with("req_"));
    assert!(id(&"x".repeat(200)).await.starts_with("req_"));
}

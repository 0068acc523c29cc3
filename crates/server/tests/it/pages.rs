//! The catalogue, the OpenAPI document, the probes and the pages.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app;

#[tokio::test]
async fn the_catalogue_says_what_there_is() {
    let catalog = app().get("/v1/operations").await.json();
    let names = |list: &Value| -> Vec<String> {
        let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(
        names(&catalog["operations"]),
        ["convert", "transform", "filter", "compose", "optimize"]
    );
    let filters = names(&catalog["operations"][2]["types"]);
    assert!(filters.contains(&"cinematic".to_owned()), "{filters:?}");
    assert!(names(&catalog["formats"]).contains(&"webp".to_owned()));
    assert!(catalog["fonts"].as_array().unwrap().contains(&json!("Noto Sans")));
    assert_eq!(catalog["limits"]["files_max"], 3, "the limits are those of this server");
    for operation in catalog["operations"].as_array().unwrap() {
        for key in ["about", "endpoint", "example", "schema"] {
            assert!(!operation[key].is_null(), "{key} of {operation}");
        }
    }
}

#[tokio::test]
async fn every_reference_of_the_openapi_document_leads_somewhere() {
    let document = app().get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(!names.contains(&name), "{name} twice");
            names.push(name);
            assert!(
                operation["responses"].as_object().is_some_and(|all| !all.is_empty()),
                "{name}"
            );
        }
    }
    for name in ["create_pipeline", "create_convert", "read_job", "download_job", "list_jobs"] {
        assert!(names.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn every_path_of_the_openapi_document_is_served() {
    let app = app();
    let document = app.get("/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "job_0").replace("{output_id}", "0");
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = app.call(method.clone(), &path).await;
            let code = if answer.status.is_success() {
                Value::Null
            } else {
                answer.json()["code"].clone()
            };
            assert_ne!(code, "not_found", "{method} {path}");
            assert_ne!(code, "method_not_allowed", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_pages_need_nothing_from_elsewhere_and_run_nothing() {
    let app = app();
    for path in ["/", "/docs", "/docs/errors"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(!html.contains("<script") && !html.contains("{{"), "{path}");
        for link in html.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(link.starts_with('/') || link.starts_with('#') || link == "data:,", "{link}");
            if link.starts_with('/') {
                assert_eq!(app.get(link).await.status, StatusCode::OK, "{link} in {path}");
            }
        }
    }
    assert_eq!(app.get("/style.css").await.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn the_page_shows_the_host_that_was_called_and_every_operation() {
    let app = app();
    let home = app.get_with("/", &[("host", "127.0.0.1:9999")]).await;
    let home = String::from_utf8(home.body.to_vec()).unwrap();
    assert!(home.contains("curl -X POST &quot;http://127.0.0.1:9999/v1/pipeline&quot;"), "{home}");
    let docs = app.get("/docs").await;
    let docs = String::from_utf8(docs.body.to_vec()).unwrap();
    let catalog = app.get("/v1/operations").await.json();
    for operation in catalog["operations"].as_array().unwrap() {
        for known in operation["types"].as_array().unwrap().iter().chain([operation]) {
            let name = format!(">{}</", known["name"].as_str().unwrap());
            assert!(home.contains(&name), "{name} on the page");
            assert!(docs.contains(&name), "{name} in the reference");
        }
    }
    let errors = app.get("/docs/errors").await;
    let errors = String::from_utf8(errors.body.to_vec()).unwrap();
    for code in server::CODES {
        assert!(errors.contains(&format!("id=\"{}\"", code.name())), "{}", code.name());
    }
}

#[tokio::test]
async fn probes_and_counters_answer() {
    let app = app();
    app.accepted().await;
    assert_eq!(app.get("/healthz").await.json()["status"], "ok");
    assert_eq!(app.get("/readyz").await.json()["queued"], 1);
    let metrics = app.get("/metrics").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let timed = "imagehq_http_request_duration_seconds";
    let health = format!("{timed}_count{{method=\"GET\",route=\"/healthz\",status=\"200\"}} 1");
    let labels = "method=\"POST\",route=\"/v1/pipeline\",status=\"202\"";
    let posted = format!("{timed}_bucket{{{labels},le=\"+Inf\"}} 1");
    for line in [
        "imagehq_jobs{status=\"queued\"} 1",
        "imagehq_queue_depth 1",
        "imagehq_jobs_accepted_total 1",
        &health,
        &posted,
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    }
    assert!(text.contains("imagehq_oldest_queued_age_seconds "));
}

#[tokio::test]
async fn unknown_paths_and_methods_get_a_hint() {
    let app = app();
    let error = app.get("/v1/operation").await.json();
    assert_eq!(error["detail"], "there is no `/v1/operation`; did you mean `/v1/operations`?");
    let error = app.call(Method::POST, "/v1/optimise").await.json();
    assert_eq!(error["code"], "not_found");
    assert_eq!(error["detail"], "there is no operation `optimise`; did you mean `/v1/optimize`?");
    let answer = app.call(Method::GET, "/v1/pipeline").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.json()["code"], "method_not_allowed");
    assert!(answer.header("allow").contains("POST"), "{answer:?}");
}

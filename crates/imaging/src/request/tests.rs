use serde_json::{Value, json};

use super::{Fault, FaultCode, Plan};
use crate::Limits;

fn parse(operation: &str, request: &Value) -> Result<Vec<&'static str>, Vec<Fault>> {
    Plan::parse(operation, request, &Limits::default()).map(|(_, plan)| plan.operations().collect())
}

/// The faults of a request as `pointer: message`.
#[track_caller]
fn check(operation: &str, request: Value, expected: &[(&str, &str)]) {
    let faults = parse(operation, &request).expect_err("the request is wrong");
    let got: Vec<(&str, &str)> =
        faults.iter().map(|f| (f.pointer.as_str(), f.message.as_str())).collect();
    assert_eq!(got.len(), expected.len(), "{got:#?}");
    for ((pointer, message), (expected_pointer, part)) in got.iter().zip(expected) {
        assert_eq!(pointer, expected_pointer, "{got:#?}");
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn the_pipeline_of_the_page_is_three_steps() {
    let request = json!({
        "steps": [
            {"operation": "transform", "request": {"operations": [{"type": "resize", "width": 1600}]}},
            {"operation": "filter", "request": {"filters": [{"intensity": 72, "type": "cinematic"}]}},
            {"operation": "optimize", "request": {"input_format": "png", "operation": "convert_to_webp"}},
        ],
        "tool_slug": "pipeline-resize-filter-compress",
    });
    let (envelope, plan) = Plan::parse("pipeline", &request, &Limits::default()).unwrap();
    assert_eq!(plan.operations().collect::<Vec<_>>(), ["transform", "filter", "optimize"]);
    assert_eq!(envelope.tool_slug.as_deref(), Some("pipeline-resize-filter-compress"));
}

#[test]
fn the_single_requests_of_the_page_are_accepted() {
    let convert = json!({
        "client_reference_id": "example-123", "input_format": "png", "output_format": "jpg", "tool_slug": "png-to-jpg",
        "output": {"background": "#ffffff", "output_format": "jpg", "quality": 90, "strip_metadata": true},
    });
    assert_eq!(parse("convert", &convert), Ok(vec!["convert"]));
    let transform = json!({
        "operations": [{"mode": "fit", "type": "resize", "width": 1200}],
        "output_format": "same_as_input", "tool_slug": "resize-image",
    });
    assert_eq!(parse("transform", &transform), Ok(vec!["transform"]));
    let filter = json!({"filters": [{"intensity": 70, "type": "warm_film"}], "tool_slug": "warm-film-filter"});
    assert_eq!(parse("filter", &filter), Ok(vec!["filter"]));
    assert_eq!(
        parse("optimize", &json!({"input_format": "png", "operation": "convert_to_webp"})),
        Ok(vec!["optimize"])
    );
}

#[test]
fn errors_point_at_the_cause() {
    let filter = |filter: Value| json!({"steps": [{"operation": "filter", "request": {"filters": [filter]}}]});
    let at = "/steps/0/request/filters/0";
    check(
        "pipeline",
        filter(json!({"type": "cinematic", "intensity": 172})),
        &[(&format!("{at}/intensity"), "expected a number from 0 to 100, got 172")],
    );
    check(
        "pipeline",
        filter(json!({"type": "cinematic", "intensty": 72})),
        &[(&format!("{at}/intensty"), "unknown field \"intensty\"")],
    );
    check(
        "pipeline",
        filter(json!({"type": "cinematik"})),
        &[(&format!("{at}/type"), "unknown type")],
    );
    check(
        "pipeline",
        filter(json!({"type": "resize"})),
        &[(&format!("{at}/type"), "belongs into a \"transform\" step")],
    );
    check(
        "pipeline",
        filter(json!({"type": "blur", "sigma": "4"})),
        &[(&format!("{at}/sigma"), "expected a number")],
    );
}

#[test]
fn all_faults_are_reported_at_once() {
    let request = json!({
        "steps": [
            {"operation": "transform", "request": {"operations": [
                {"type": "resize", "width": 0}, {"type": "pad", "padding": 4, "color": "reddish"},
            ]}},
            {"operation": "sharpen", "request": {}},
            {"operation": "convert", "request": {"output_format": "jpgg"}, "note": 1},
        ],
        "tool_slug": "Not a slug",
        "retention_policy": {"ttl_hours": 0},
    });
    check(
        "pipeline",
        request,
        &[
            ("/retention_policy/ttl_hours", "expected a whole number"),
            ("/tool_slug", "lower-case"),
            (
                "/steps/0/request/operations/0/width",
                "expected a whole number from 1 to 65535, got 0",
            ),
            ("/steps/0/request/operations/1/color", "not a CSS color"),
            ("/steps/1/operation", "unknown operation"),
            ("/steps/2/note", "unknown field"),
            ("/steps/2/request/output_format", "unknown format"),
        ],
    );
}

#[test]
fn misspelt_names_get_a_suggestion() {
    let suggestion = |operation: &str, request: Value| {
        parse(operation, &request).expect_err("wrong")[0].suggestion.clone()
    };
    let filters = |name: &str| json!({"filters": [{"type": name}]});
    assert_eq!(suggestion("filter", filters("cinematc")).as_deref(), Some("cinematic"));
    assert_eq!(suggestion("filter", json!({"filter": []})).as_deref(), Some("filters"));
    assert_eq!(suggestion("convert", json!({"output_format": "wepb"})).as_deref(), Some("webp"));
    let mode = json!({"operations": [{"type": "resize", "width": 5, "mode": "fil"}]});
    assert_eq!(suggestion("transform", mode).as_deref(), Some("fill"));
    assert_eq!(suggestion("filter", filters("zzzzz")), None);
}

#[test]
fn what_is_not_served_yet_says_so() {
    let code = |operation: &str, request: Value| {
        parse(operation, &request).expect_err("not served")[0].code
    };
    let one = |name: &str| json!({"steps": [{"operation": name, "request": {}}]});
    assert_eq!(code("pipeline", one("ocr")), FaultCode::NotAvailable);
    assert_eq!(code("pipeline", one("document")), FaultCode::NotAvailable);
    assert_eq!(code("convert", json!({"output_format": "heic"})), FaultCode::NotAvailable);
    assert_eq!(
        code("convert", json!({"output_format": "png", "webhook": {"url": "https://x"}})),
        FaultCode::NotAvailable
    );
    assert_eq!(code("optimize", json!({"operation": "smallest"})), FaultCode::NotAvailable);
}

#[test]
fn one_format_in_two_places_must_be_one_format() {
    let both =
        |top: &str, inner: &str| json!({"output_format": top, "output": {"output_format": inner}});
    assert!(parse("convert", &both("jpeg", "jpg")).is_ok());
    check("convert", both("png", "jpg"), &[("/output_format", "say it once")]);
    check("convert", json!({}), &[("", "\"output_format\" is missing")]);
}

#[test]
fn shapes_are_checked_before_contents() {
    check("pipeline", json!([]), &[("", "expected an object")]);
    check("pipeline", json!({}), &[("", "\"steps\" is missing")]);
    check("pipeline", json!({"steps": {}}), &[("/steps", "expected a list")]);
    check("pipeline", json!({"steps": []}), &[("/steps", "expected 1 to 32 steps")]);
    check("pipeline", json!({"steps": [1]}), &[("/steps/0", "expected a step")]);
    check(
        "pipeline",
        json!({"steps": [{"request": {}}]}),
        &[("/steps/0", "\"operation\" is missing")],
    );
    check(
        "pipeline",
        json!({"steps": [{"operation": 1}]}),
        &[("/steps/0/operation", "expected the name of an operation, got 1")],
    );
    check("filter", json!({"filters": [{"type": 1}]}), &[("/filters/0/type", "name of an")]);
    check(
        "transform",
        json!({"operations": [{"type": "auto_orient", "x": 1}]}),
        &[("/operations/0/x", "unknown field \"x\"; there are none")],
    );
    check("filter", json!({"filters": {}}), &[("/filters", "expected a list")]);
    check("filter", json!({"filters": []}), &[("/filters", "empty")]);
    check("filter", json!({"filters": [7]}), &[("/filters/0", "expected an object")]);
    check("filter", json!({}), &[("", "\"filters\" is missing")]);
    check(
        "transform",
        json!({"operations": [{"type": "resize"}]}),
        &[("/operations/0", "width, height or percent")],
    );
    check(
        "transform",
        json!({"operations": [{"type": "rotate"}]}),
        &[("/operations/0", "\"angle\" is missing")],
    );
}

#[test]
fn whole_numbers_may_come_as_python_computes_them() {
    assert!(
        parse("transform", &json!({"operations": [{"type": "resize", "width": 800.0}]})).is_ok()
    );
    check(
        "transform",
        json!({"operations": [{"type": "resize", "width": 800.5}]}),
        &[("/operations/0/width", "whole number")],
    );
}

#[test]
fn nothing_is_served_and_said_to_come_later() {
    for operation in crate::operations::OPERATIONS {
        assert!(!crate::operations::LATER.contains(&operation.name), "{}", operation.name);
    }
}

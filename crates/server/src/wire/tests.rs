use serde_json::json;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn job() -> Job {
    let created = at("2026-05-02T00:00:00.987Z");
    Job {
        id: JobId::parse("job_0123456789abcdef0123456789abcdef").unwrap(),
        operation: "pipeline".into(),
        request: json!({}),
        client_reference_id: None,
        tool_slug: None,
        status: Status::Succeeded,
        created_at: created,
        started_at: Some(created),
        finished_at: Some(created),
        expires_at: at("2026-05-03T00:00:00.987Z"),
        expired: false,
        retention: Retention { ttl_hours: 24, clamp: true },
        inputs: vec![InputFile {
            filename: "a.png".into(),
            format: "png".into(),
            mime_type: "image/png".into(),
            size_bytes: 1,
            sha256: String::new(),
            blob: String::new(),
        }],
        outputs: Vec::new(),
        steps: Vec::new(),
        progress: 100,
        warnings: Vec::new(),
        data: Vec::new(),
        error: None,
        attempt: 1,
        crashes: 0,
        interruptions: 0,
        cancel_requested: false,
        version: 3,
    }
}

fn body(job: &Job) -> Value {
    serde_json::to_value(JobBody::new(job)).unwrap()
}

fn data(step_index: usize, operation: &str, data: Value) -> StepData {
    StepData { step_index, operation: operation.into(), data }
}

#[test]
fn times_are_whole_seconds_in_utc() {
    let body = body(&job());
    assert_eq!(body["created_at"], "2026-05-02T00:00:00Z");
    assert_eq!(body["expires_at"], "2026-05-03T00:00:00Z");
}

#[test]
fn the_data_of_one_step_is_the_result_itself() {
    let mut job = job();
    assert_eq!(body(&job)["result_json"], Value::Null);
    job.data = vec![(0, data(2, "optimize", json!({ "savings_percent": 61.5 })))];
    assert_eq!(body(&job)["result_json"], json!({ "savings_percent": 61.5 }));
}

#[test]
fn the_data_of_several_steps_is_a_list_and_the_only_text_is_on_top() {
    let mut job = job();
    let ocr = json!({ "text": "hello", "confidence": 0.9 });
    job.data = vec![(0, data(0, "ocr", ocr)), (0, data(1, "optimize", json!({ "x": 1 })))];
    assert_eq!(
        body(&job)["result_json"],
        json!({
            "results": [
                {
                    "step_index": 0, "input_index": 0, "operation": "ocr",
                    "text": "hello", "confidence": 0.9,
                },
                { "step_index": 1, "input_index": 0, "operation": "optimize", "x": 1 },
            ],
            "confidence": 0.9,
            "text": "hello",
        })
    );
    job.data.push((1, data(0, "ocr", json!({ "text": "other", "confidence": 0.1 }))));
    let result = &body(&job)["result_json"];
    assert!(result.get("text").is_none(), "two texts have no top");
}

#[test]
fn the_data_of_one_of_several_files_is_a_list() {
    let mut job = job();
    job.inputs.push(job.inputs[0].clone());
    job.data = vec![(1, data(0, "optimize", json!({ "x": 1 })))];
    let result = &body(&job)["result_json"];
    assert_eq!(result["results"][0]["input_index"], 1);
}

#[test]
fn stages_tell_where_a_job_ended() {
    let stages = |status, started: bool| {
        let mut job = Job { status, progress: 40, ..job() };
        job.started_at = job.started_at.filter(|_| started);
        let body = body(&job);
        let of = |index: usize| {
            let stage = &body["stages"][index];
            (stage["status"].as_str().unwrap().to_owned(), stage["progress"].as_u64().unwrap())
        };
        let current = body["current_stage"].as_str().unwrap().to_owned();
        (of(0), of(1), current)
    };
    let expect = |queued: (&str, u64), processing: (&str, u64), current: &str| {
        (
            (queued.0.to_owned(), queued.1),
            (processing.0.to_owned(), processing.1),
            current.to_owned(),
        )
    };
    assert_eq!(stages(Status::Queued, false), expect(("processing", 0), ("pending", 0), "queued"));
    assert_eq!(
        stages(Status::Processing, true),
        expect(("succeeded", 100), ("processing", 40), "processing")
    );
    assert_eq!(
        stages(Status::Failed, true),
        expect(("succeeded", 100), ("failed", 40), "processing")
    );
    assert_eq!(
        stages(Status::Cancelled, true),
        expect(("succeeded", 100), ("cancelled", 40), "processing")
    );
    assert_eq!(
        stages(Status::Cancelled, false),
        expect(("cancelled", 0), ("skipped", 0), "processing")
    );
}

#[test]
fn warnings_of_a_step_stand_with_it() {
    let mut job = job();
    job.steps = vec![StepState {
        operation: "transform".into(),
        status: StepStatus::Succeeded,
        progress: 100,
        started_at: Some(at("2026-05-02T00:00:00.100Z")),
        finished_at: Some(at("2026-05-02T00:00:01.350Z")),
    }];
    let warning = |step_index| Warning {
        code: "upscaled".into(),
        message: "m".into(),
        step_index,
        input_index: Some(0),
    };
    job.warnings = vec![warning(Some(0)), warning(None)];
    let body = body(&job);
    assert_eq!(body["warnings"].as_array().unwrap().len(), 2);
    assert_eq!(body["steps"][0]["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(body["steps"][0]["duration_ms"], 1250);
}

//! All lists as data: what the HTTP catalogue, the OpenAPI document, the reference, the web page
//! and the command line are made from.

use serde::Serialize;
use serde_json::{Value, json};

use crate::format::FORMATS;
use crate::image_ops::IMAGE_OPS;
use crate::operations::{self, OPERATIONS};
use crate::params::schema_of;
use crate::request::{Nested, Outer};

/// A step kind: `POST /v1/<name>`, and `operation` of a pipeline step.
#[derive(Debug, Clone, Serialize)]
pub struct OperationDoc {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// A request document that works.
    pub example: Value,
    /// JSON Schema of the whole request document, with the fields that every request has.
    pub schema: Value,
}

/// An image operation: an entry of the list in a `transform` or `filter` step.
#[derive(Debug, Clone, Serialize)]
pub struct ImageOpDoc {
    /// Its `type`.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The step kind.
    pub operation: &'static str,
    /// The field of the step that lists it.
    pub list_field: &'static str,
    /// What it does, from its doc comment.
    pub about: String,
    /// An entry that works, with `type`.
    pub example: Value,
    /// JSON Schema of the entry, with `type`.
    pub schema: Value,
}

/// A file format.
#[derive(Debug, Clone, Serialize)]
pub struct FormatDoc {
    /// Short name.
    pub name: &'static str,
    /// Other names that are accepted.
    pub aliases: &'static [&'static str],
    /// Name for people.
    pub title: &'static str,
    /// Media type.
    pub mime_type: &'static str,
    /// Whether it can be read.
    pub read: bool,
    /// Whether it can be written.
    pub write: bool,
    /// Whether it holds transparency.
    pub alpha: bool,
    /// Whether animations are read or written.
    pub animation: bool,
    /// Whether documents of several pages are read or written.
    pub pages: bool,
    /// The deepest samples that are written.
    pub bit_depth_max: u8,
    /// The longest side it can hold.
    pub side_max: u32,
}

/// The step kinds.
pub fn operations() -> Vec<OperationDoc> {
    let entry = |entry: &crate::operation::Entry| OperationDoc {
        name: entry.name,
        about: entry.about,
        example: example(entry.example),
        schema: request_schema((entry.schema)()),
    };
    OPERATIONS.iter().map(entry).collect()
}

/// The JSON Schema of the request document of a pipeline.
pub fn pipeline_schema() -> Value {
    let step = |entry: &crate::operation::Entry| {
        json!({
            "type": "object",
            "title": entry.name,
            "description": entry.about,
            "properties": {
                "operation": { "type": "string", "enum": [entry.name] },
                "request": with_properties((entry.schema)(), &[schema_of::<Nested>()]),
            },
            "required": ["operation"],
            "additionalProperties": false,
        })
    };
    let steps: Vec<Value> = OPERATIONS.iter().map(step).collect();
    request_schema(&json!({
        "type": "object",
        "properties": { "steps": {
            "type": "array",
            "description": "What is done, in this order, with one decode and one encode.",
            "minItems": 1,
            "items": { "oneOf": steps },
        }},
        "required": ["steps"],
        "additionalProperties": false,
    }))
}

/// The image operations.
pub fn image_ops() -> Vec<ImageOpDoc> {
    let entry = |entry: &crate::image_op::Entry| {
        let schema = operations::op_schema(entry);
        let mut with_type = json!({ "type": entry.name });
        if let (Value::Object(all), Value::Object(own)) = (&mut with_type, example(entry.example)) {
            all.extend(own);
        }
        ImageOpDoc {
            name: entry.name,
            aliases: entry.aliases,
            operation: entry.group.operation(),
            list_field: entry.group.list_field(),
            about: schema["description"].as_str().unwrap_or_default().to_owned(),
            example: with_type,
            schema,
        }
    };
    IMAGE_OPS.iter().map(entry).collect()
}

/// The file formats.
pub fn formats() -> Vec<FormatDoc> {
    let format = |format: &&crate::Format| FormatDoc {
        name: format.name,
        aliases: format.aliases,
        title: format.title,
        mime_type: format.mime_type,
        read: format.decode.is_some(),
        write: format.encode.is_some(),
        alpha: format.alpha,
        animation: format.decode_frames.is_some() || format.encode_frames.is_some(),
        pages: format.page_header.is_some() || format.encode_pages.is_some(),
        bit_depth_max: format.bit_depth_max(),
        side_max: format.side_max,
    };
    FORMATS.iter().filter(|format| format.is_image()).map(format).collect()
}

fn request_schema(own: &Value) -> Value {
    with_properties(own, &[schema_of::<Nested>(), schema_of::<Outer>()])
}

fn with_properties(own: &Value, more: &[&Value]) -> Value {
    let mut schema = own.clone();
    for other in more {
        let extra = other["properties"].as_object().cloned().unwrap_or_default();
        match schema["properties"].as_object_mut() {
            Some(properties) => properties.extend(extra),
            None => schema["properties"] = Value::Object(extra),
        }
    }
    schema
}

fn example(text: &str) -> Value {
    serde_json::from_str(text)
        .unwrap_or_else(|error| unreachable!("examples are JSON, as a test shows: {error}"))
}

//! Steps as they are typed: `resize:width=1600 cinematic:intensity=72`.

use imaging::operations::OPERATIONS;
use imaging::output::Output;
use serde_json::{Map, Value, json};

use crate::catalog::{self, Name, Place};

/// A step as it was typed.
#[derive(Debug)]
pub(super) struct TypedStep {
    text: String,
    name: Name,
    fields: Map<String, Value>,
}

impl TypedStep {
    /// The name that an argument begins with: all before the first colon.
    pub(super) fn name(text: &str) -> &str {
        text.split_once(':').map_or(text, |(name, _)| name)
    }

    /// Reads `name:key=value,key=value`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let name = catalog::find(name)?;
        let takes_text = |key: &str| catalog::takes_text(&name.spot, key);
        let fields = fields(rest, takes_text).map_err(|fault| format!("{text}: {fault}"))?;
        Ok(Self { text: text.to_owned(), name, fields })
    }
}

/// `key=value` pairs, apart by commas or colons. What follows a comma or colon and is no pair
/// belongs to the value before it, so that `16:9` and `[1,2]` need no quotes.
fn fields(text: &str, takes_text: impl Fn(&str) -> bool) -> Result<Map<String, Value>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut separator = ',';
    for piece in text.split_inclusive([',', ':']) {
        let end = piece.chars().next_back().filter(|c| matches!(c, ',' | ':'));
        let body = end.map_or(piece, |end| piece.strip_suffix(end).unwrap_or(piece));
        match (body.split_once('='), pairs.last_mut()) {
            (Some((key, value)), _) if is_key(key) => {
                pairs.push((key.to_owned(), value.to_owned()));
            }
            (_, Some((_, value))) => {
                value.push(separator);
                value.push_str(body);
            }
            (_, None) => {
                return Err(format!("expected KEY=VALUE after the name, got `{body}`"));
            }
        }
        separator = end.unwrap_or(separator);
    }
    let mut fields = Map::new();
    for (key, text) in pairs {
        // `text=12` is a text, and no number that is refused; quotes around it are JSON's.
        let value = match value(&text) {
            value if value.is_string() || !takes_text(&key) => value,
            _ => Value::String(text),
        };
        if fields.insert(key.clone(), value).is_some() {
            return Err(format!("`{key}` is given twice"));
        }
    }
    Ok(fields)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A number, a boolean, a list: what JSON makes of it. Everything else is text.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A pipeline document, and which typed step each of its parts comes from.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) document: Value,
    /// JSON pointers and the arguments that they came from.
    origins: Vec<(String, String)>,
}

impl Typed {
    /// The document of these steps. Consecutive operations of one kind become one step.
    pub(super) fn new(typed: Vec<TypedStep>) -> Self {
        let mut steps: Vec<Value> = Vec::new();
        let mut origins = Vec::new();
        for TypedStep { text, name, mut fields } in typed {
            let step = name.spot.step;
            if let Place::List { field, kind } = name.spot.place {
                fields.shift_insert(0, "type".to_owned(), kind.into());
                let list = open_list(&mut steps, step, field);
                list.push(Value::Object(fields));
                let index = list.len() - 1;
                origins.push((format!("/steps/{}/request/{field}/{index}", steps.len() - 1), text));
                continue;
            }
            let request = request(step, name.implied, fields);
            steps.push(json!({"operation": step, "request": request}));
            origins.push((format!("/steps/{}", steps.len() - 1), text));
        }
        Self { document: json!({ "steps": steps }), origins }
    }

    /// The document of a conversion that nobody typed as a step.
    pub(super) fn conversion(format: &str) -> Self {
        let convert = TypedStep::parse(&format!("convert:output_format={format}"));
        Self::new(convert.into_iter().collect())
    }

    /// Conversions that were typed without a format go to this one.
    pub(super) fn convert_to(&mut self, format: &str) {
        for step in self.document["steps"].as_array_mut().into_iter().flatten() {
            let is_open =
                step["operation"] == "convert" && step["request"]["output_format"].is_null();
            if is_open {
                step["request"]["output_format"] = format.into();
            }
        }
    }

    /// Whether no step was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// The argument that the pointed at part of the document was typed as.
    pub(super) fn origin(&self, pointer: &str) -> Option<&str> {
        let holds = |prefix: &str| {
            pointer
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.origins.iter().find(|(prefix, _)| holds(prefix));
        found.map(|(_, text)| text.as_str())
    }

    /// The arguments that became this step.
    pub(super) fn step(&self, index: usize) -> Option<String> {
        let prefix = format!("/steps/{index}");
        let belongs = |pointer: &str| {
            pointer
                .strip_prefix(&prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let typed = self.origins.iter().filter(|(pointer, _)| belongs(pointer));
        let typed: Vec<&str> = typed.map(|(_, text)| text.as_str()).collect();
        (!typed.is_empty()).then(|| typed.join(" "))
    }
}

/// A request with its fields where they belong: `quality` goes into the block that knows it.
fn request(step: &str, mut request: Map<String, Value>, fields: Map<String, Value>) -> Value {
    let entry = OPERATIONS.iter().find(|entry| entry.name == step);
    let schema = entry.map(|entry| (entry.schema)()).unwrap_or_default();
    let output = imaging::params::schema_of::<Output>();
    let knows = |schema: &Value, key: &str| schema["properties"].get(key).is_some();
    for (key, value) in fields {
        let block = if knows(schema, &key) || key == "output_format" {
            None
        } else if knows(&schema["properties"]["options"], &key) {
            Some("options")
        } else {
            knows(output, &key).then_some("output")
        };
        match block {
            None => request.insert(key, value),
            Some(block) => {
                let block = request.entry(block).or_insert_with(|| json!({}));
                block.as_object_mut().and_then(|block| block.insert(key, value))
            }
        };
    }
    Value::Object(request)
}

/// The list of the last step where it is of this kind, else that of a new one.
fn open_list<'a>(steps: &'a mut Vec<Value>, step: &str, field: &str) -> &'a mut Vec<Value> {
    if steps.last().is_none_or(|last| last["operation"] != step) {
        steps.push(json!({"operation": step, "request": {field: []}}));
    }
    let last = steps.last_mut().expect("one was pushed if there was none");
    last["request"][field].as_array_mut().expect("steps of this kind hold a list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: &[&str], expected: Value) {
        let steps = arguments.iter().map(|text| TypedStep::parse(text).unwrap()).collect();
        assert_eq!(Typed::new(steps).document["steps"], expected);
    }

    #[track_caller]
    fn refuses(argument: &str, expected: &str) {
        assert_eq!(TypedStep::parse(argument).unwrap_err(), expected);
    }

    #[test]
    fn the_pipeline_of_the_page() {
        check(
            &["resize:width=1600", "cinematic:intensity=72", "convert_to_webp"],
            json!([
                {"operation": "transform",
                 "request": {"operations": [{"type": "resize", "width": 1600}]}},
                {"operation": "filter",
                 "request": {"filters": [{"type": "cinematic", "intensity": 72}]}},
                {"operation": "optimize", "request": {"operation": "convert_to_webp"}}
            ]),
        );
    }

    #[test]
    fn neighbors_of_one_kind_share_a_step() {
        check(
            &["flip", "mirror", "sepia", "flip"],
            json!([
                {"operation": "transform",
                 "request": {"operations": [{"type": "flip"}, {"type": "mirror"}]}},
                {"operation": "filter", "request": {"filters": [{"type": "sepia"}]}},
                {"operation": "transform", "request": {"operations": [{"type": "flip"}]}}
            ]),
        );
    }

    #[test]
    fn values_are_json_where_they_can_be() {
        check(
            &[
                "filter.sharpen:sigma=1.5,amount=2",
                "convert:output_format=jpg:progressive=true",
                "convert_to_webp:quality=70",
            ],
            json!([
                {"operation": "filter",
                 "request": {"filters": [{"type": "sharpen", "sigma": 1.5, "amount": 2}]}},
                {"operation": "convert",
                 "request": {"output_format": "jpg", "output": {"progressive": true}}},
                {"operation": "optimize",
                 "request": {"operation": "convert_to_webp", "options": {"quality": 70}}}
            ]),
        );
        check(
            &["crop:aspect_ratio=16:9,gravity=top", "pad:padding=[1,2,3,4],color=#ff0000"],
            json!([
                {"operation": "transform", "request": {"operations": [
                    {"type": "crop", "aspect_ratio": "16:9", "gravity": "top"},
                    {"type": "pad", "padding": [1, 2, 3, 4], "color": "#ff0000"}]}}
            ]),
        );
    }

    #[test]
    fn a_bare_value_for_a_text_is_text() {
        check(
            &["text_overlay:text=12,x=3", "convert:output_format=png,dpi=72"],
            json!([
                {"operation": "compose",
                 "request": {"operations": [{"type": "text_overlay", "text": "12", "x": 3}]}},
                {"operation": "convert",
                 "request": {"output_format": "png", "output": {"dpi": 72}}}
            ]),
        );
    }

    #[test]
    fn what_cannot_be_read_is_quoted() {
        refuses("resize:1600", "resize:1600: expected KEY=VALUE after the name, got `1600`");
        refuses("resize:width=1,width=2", "resize:width=1,width=2: `width` is given twice");
    }

    #[test]
    fn faults_are_traced_to_the_argument() {
        let steps = ["resize:width=0", "sepia", "convert_to_webp"];
        let typed = Typed::new(steps.iter().map(|s| TypedStep::parse(s).unwrap()).collect());
        assert_eq!(typed.origin("/steps/0/request/operations/0/width"), Some("resize:width=0"));
        assert_eq!(typed.origin("/steps/2/request"), Some("convert_to_webp"));
        assert_eq!(typed.origin("/output_format"), None);
    }
}

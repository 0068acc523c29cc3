//! Holds a JSON value against the JSON Schema of a parameter struct and reports every fault at
//! once.
//!
//! It knows the part of JSON Schema (draft 2020-12) that [`schema_of`](crate::params::schema_of)
//! makes. A general validator would stop short of what is wanted here: sentences that say what to
//! write instead.

use serde_json::{Map, Value};

use crate::color::Color;
use crate::params::{AutoColor, Length, PAGES_EXPECTED, Pages};
use crate::request::Fault;

/// The faults found so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault against the rules.
    pub fn invalid(&mut self, pointer: &str, message: impl Into<String>) {
        self.0.push(Fault::invalid(pointer, message));
    }

    /// Adds something that this build does not serve.
    pub fn not_available(&mut self, pointer: &str, message: impl Into<String>) {
        self.0.push(Fault::not_available(pointer, message));
    }

    /// Adds an unknown name, with the known one that it probably was.
    pub fn unknown<'a>(
        &mut self,
        pointer: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let hint = match known.is_empty() {
            true => "there are none".to_owned(),
            false => format!("known are {}", known.join(", ")),
        };
        let mut fault = Fault::invalid(pointer, format!("unknown {what} {name:?}; {hint}"));
        fault.suggestion = nearest(name, &known);
        if fault.suggestion.is_some() {
            fault.message = format!("unknown {what} {name:?}");
        }
        self.0.push(fault);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value`, unless there are faults.
    pub fn into_result<T>(self, value: T) -> Result<T, Vec<Fault>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }

    /// All faults.
    pub fn into_inner(self) -> Vec<Fault> {
        self.0
    }
}

/// The known name that is so near to `name` that it was probably meant.
pub fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let lower = name.to_lowercase().replace('-', "_");
    let score = |candidate: &&str| strsim::jaro_winkler(&lower, candidate);
    let best = known.iter().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.8).then(|| (*best).to_owned())
}

/// A JSON pointer token (RFC 6901).
pub fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Holds `value` against `schema`; `later` names what exists in the interface but not in this
/// build.
pub fn check(schema: &Value, value: &Value, later: &[&str], pointer: &str, faults: &mut Faults) {
    if let Some(one_of) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        return check_any(one_of, value, later, pointer, faults);
    }
    if let Some(names) = enum_names(schema) {
        return check_enum(&names, value, later, pointer, faults);
    }
    let types = types(schema);
    if !types.is_empty() && !types.iter().any(|kind| is_type(value, kind)) {
        faults.invalid(pointer, format!("expected {}, got {}", expectation(schema), shown(value)));
        return;
    }
    match value {
        Value::Object(object) => check_object(schema, object, later, pointer, faults),
        Value::Array(items) => check_array(schema, items, later, pointer, faults),
        Value::Number(_) => check_number(schema, value, pointer, faults),
        Value::String(text) => check_text(schema, text, pointer, faults),
        Value::Null | Value::Bool(_) => {}
    }
}

/// `anyOf` comes from `Option` (a schema or null) and from enums with documented variants.
fn check_any(
    branches: &[Value],
    value: &Value,
    later: &[&str],
    pointer: &str,
    faults: &mut Faults,
) {
    let is_null = |branch: &&Value| branch.get("type") == Some(&Value::from("null"));
    if value.is_null() && branches.iter().any(|branch| is_null(&branch)) {
        return;
    }
    let branches: Vec<&Value> = branches.iter().filter(|branch| !is_null(branch)).collect();
    if let [branch] = branches[..] {
        return check(branch, value, later, pointer, faults);
    }
    let fits = |branch: &&&Value| {
        let mut tried = Faults::default();
        check(branch, value, later, pointer, &mut tried);
        tried.is_empty()
    };
    if !branches.iter().any(|branch| fits(&branch)) {
        let wanted: Vec<String> = branches.iter().map(|branch| expectation(branch)).collect();
        faults.invalid(pointer, format!("expected {}, got {}", wanted.join(" or "), shown(value)));
    }
}

/// The names of an enum, whether its variants are documented (`oneOf` of `const`) or not (`enum`).
pub fn enum_names(schema: &Value) -> Option<Vec<&str>> {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return names.iter().filter(|name| !name.is_null()).map(Value::as_str).collect();
    }
    schema.get("const").and_then(Value::as_str).map(|name| vec![name])
}

/// The names of an enum wherever they hide: behind an option or one documented variant each.
pub fn all_enum_names(schema: &Value) -> Option<Vec<&str>> {
    if let Some(names) = enum_names(schema) {
        return Some(names);
    }
    let branches = schema.get("anyOf").or(schema.get("oneOf"))?.as_array()?;
    let branches =
        branches.iter().filter(|branch| branch.get("type") != Some(&Value::from("null")));
    let names: Option<Vec<Vec<&str>>> = branches.map(all_enum_names).collect();
    names.map(|names| names.concat())
}

fn check_enum(names: &[&str], value: &Value, later: &[&str], pointer: &str, faults: &mut Faults) {
    let field = pointer.rsplit('/').next().unwrap_or_default();
    match value {
        Value::String(name) if names.contains(&name.as_str()) => {}
        Value::Null if field.is_empty() => {}
        Value::String(name) if later.contains(&format!("{field}={name}").as_str()) => {
            faults
                .not_available(pointer, format!("{field} {name:?} is not available in this build"));
        }
        Value::String(name) => faults.unknown(pointer, "value", name, names.iter().copied()),
        other => {
            faults.invalid(
                pointer,
                format!("expected one of {}, got {}", names.join(", "), shown(other)),
            );
        }
    }
}

fn check_object(
    schema: &Value,
    object: &Map<String, Value>,
    later: &[&str],
    pointer: &str,
    faults: &mut Faults,
) {
    let none = Map::new();
    let properties = match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => properties,
        // Without parameters there are no properties, and no others either.
        None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => &none,
        None => return,
    };
    for (name, value) in object {
        let pointer = format!("{pointer}/{}", token(name));
        if let Some(property) = properties.get(name) {
            check_property(property, value, later, &pointer, faults);
        } else if later.contains(&name.as_str()) {
            faults.not_available(&pointer, format!("{name} is not available in this build"));
        } else if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            faults.unknown(&pointer, "field", name, properties.keys().map(String::as_str));
        }
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if !object.contains_key(name) {
            faults.invalid(pointer, format!("{name:?} is missing: {}", about(&properties[name])));
        }
    }
}

/// An enum may be spread over `oneOf`; its faults read best as one list of names.
fn check_property(
    property: &Value,
    value: &Value,
    later: &[&str],
    pointer: &str,
    faults: &mut Faults,
) {
    match all_enum_names(property) {
        Some(_) if value.is_null() => {}
        Some(names) => check_enum(&names, value, later, pointer, faults),
        None => check(property, value, later, pointer, faults),
    }
}

fn check_array(
    schema: &Value,
    items: &[Value],
    later: &[&str],
    pointer: &str,
    faults: &mut Faults,
) {
    let bound = |name| schema.get(name).and_then(Value::as_u64);
    let len = items.len() as u64;
    if bound("minItems").is_some_and(|min| len < min)
        || bound("maxItems").is_some_and(|max| len > max)
    {
        let wanted = match (bound("minItems").unwrap_or(0), bound("maxItems")) {
            (min, Some(max)) if min == max => format!("{min}"),
            (min, Some(max)) => format!("{min} to {max}"),
            (min, None) => format!("at least {min}"),
        };
        faults.invalid(pointer, format!("expected {wanted} entries, got {len}"));
        return;
    }
    if let Some(item_schema) = schema.get("items") {
        for (index, item) in items.iter().enumerate() {
            check(item_schema, item, later, &format!("{pointer}/{index}"), faults);
        }
    }
}

fn check_number(schema: &Value, value: &Value, pointer: &str, faults: &mut Faults) {
    let number = value.as_f64().unwrap_or(f64::NAN);
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    let low = bound("minimum").is_some_and(|minimum| number < minimum);
    let high = bound("maximum").is_some_and(|maximum| number > maximum);
    if low || high || !number.is_finite() {
        faults.invalid(pointer, format!("expected {}, got {}", expectation(schema), shown(value)));
    }
}

fn check_text(schema: &Value, text: &str, pointer: &str, faults: &mut Faults) {
    match schema.get("format").and_then(Value::as_str) {
        Some("color") if Color::parse(text).is_none() => {
            let message = format!(
                "{} is not a CSS color such as #ff8800, tomato or transparent",
                shown(&text.into())
            );
            faults.invalid(pointer, message);
        }
        Some("auto-color") if AutoColor::parse(text).is_none() => {
            let message = format!(
                "{} is neither \"auto\" nor a CSS color such as #ff8800 or transparent",
                shown(&text.into())
            );
            faults.invalid(pointer, message);
        }
        Some("length") if Length::parse(text).is_none() => {
            let message = format!(
                "expected pixels from 0 to 65535 or a percentage such as \"10%\", got {}",
                shown(&text.into())
            );
            faults.invalid(pointer, message);
        }
        Some("pages") if Pages::parse(text).is_none() => {
            faults.invalid(
                pointer,
                format!("expected {PAGES_EXPECTED}, got {}", shown(&text.into())),
            );
        }
        _ => {}
    }
    let max = schema.get("maxLength").and_then(Value::as_u64);
    if let Some(max) = max.filter(|max| text.chars().count() as u64 > *max) {
        faults.invalid(
            pointer,
            format!("expected at most {max} characters, got {}", text.chars().count()),
        );
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_type(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => {
            value.is_u64() || value.is_i64() || value.as_f64().is_some_and(|v| v.fract() == 0.0)
        }
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// What a schema wants, in words: `a whole number from 1 to 65535`.
pub fn expectation(schema: &Value) -> String {
    let kinds: Vec<&str> = types(schema).into_iter().filter(|kind| *kind != "null").collect();
    match schema.get("format").and_then(Value::as_str) {
        Some("color") => return "a CSS color".to_owned(),
        Some("auto-color") => return "\"auto\" or a CSS color".to_owned(),
        Some("pages") => return PAGES_EXPECTED.to_owned(),
        Some("length") => {
            return "pixels from 0 to 65535 or a percentage such as \"10%\"".to_owned();
        }
        _ => {}
    }
    let noun = match kinds.first() {
        Some(&"integer") => "a whole number",
        Some(&"number") => "a number",
        Some(&"string") => "text",
        Some(&"boolean") => "true or false",
        Some(&"array") => "a list",
        Some(&"object") => "an object",
        _ => "something else",
    };
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    match (bound("minimum"), bound("maximum")) {
        (Some(minimum), Some(maximum)) => format!("{noun} from {minimum} to {maximum}"),
        (Some(minimum), None) => format!("{noun} from {minimum}"),
        (None, Some(maximum)) => format!("{noun} up to {maximum}"),
        (None, None) => noun.to_owned(),
    }
}

fn about(schema: &Value) -> String {
    match schema.get("description").and_then(Value::as_str) {
        Some(text) => text.lines().next().unwrap_or_default().trim_end_matches('.').to_lowercase(),
        None => expectation(schema),
    }
}

/// A value as it is shown in a message: short, whatever it was.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

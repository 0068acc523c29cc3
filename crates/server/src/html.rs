//! The little HTML that the pages need: escaping, the frame, tables of parameters.

use std::fmt::Write;

use serde_json::Value;

use crate::catalog::list;

/// Text that is safe in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// Escaped text in which `code` stands in backticks.
pub(crate) fn prose(text: &str) -> String {
    let mut out = String::new();
    for (index, piece) in text.split('`').enumerate() {
        match index % 2 {
            0 => out.push_str(&escape(piece)),
            _ => {
                let _ = write!(out, "<code>{}</code>", escape(piece));
            }
        }
    }
    out
}

/// A whole page.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"/style.css\">\n\
         </head>\n<body>\n{}{body}</body>\n</html>\n",
        escape(title),
        NAVIGATION
    )
}

const NAVIGATION: &str = "<nav><a class=\"brand\" href=\"/\">imagehq</a>\
    <span><a href=\"/docs\">Reference</a> <a href=\"/docs/errors\">Errors</a> \
    <a href=\"/openapi.json\">OpenAPI</a> <a href=\"/v1/operations\">Catalog</a></span></nav>\n";

/// The longest line of JSON in a narrow place.
pub(crate) const NARROW: usize = 68;

/// The longest line of JSON that fits the width of a page.
pub(crate) const WIDE: usize = 104;

/// JSON, set for reading: values that are short enough on one line. Not escaped.
pub(crate) fn json(value: &Value, line_max: usize) -> String {
    pretty(value, 0, line_max)
}

fn pretty(value: &Value, indent: usize, line_max: usize) -> String {
    let flat = spaced(value);
    if flat.len() + indent <= line_max {
        return flat;
    }
    let inner = " ".repeat(indent + 2);
    let (open, close, items): (char, char, Vec<String>) = match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| pretty(item, indent + 2, line_max)).collect();
            ('[', ']', items)
        }
        Value::Object(members) => {
            let member = |(name, item): (&String, &Value)| {
                format!("{}: {}", Value::from(name.as_str()), pretty(item, indent + 2, line_max))
            };
            ('{', '}', members.iter().map(member).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return flat,
    };
    let items = items.join(&format!(",\n{inner}"));
    format!("{open}\n{inner}{items}\n{}{close}", " ".repeat(indent))
}

fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let member = |(name, item): (&String, &Value)| {
                format!("{}: {}", Value::from(name.as_str()), spaced(item))
            };
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// The fields of a JSON Schema as a table, without those that are left out. Fields of fields stand
/// below theirs.
pub(crate) fn parameters(schema: &Value, without: &[&str]) -> String {
    let mut rows = String::new();
    write_rows(&mut rows, schema, "", without);
    if rows.is_empty() {
        return "<p class=\"quiet\">No parameters.</p>\n".to_owned();
    }
    format!(
        "<div class=\"scroll\"><table><thead><tr><th>Field</th><th>Values</th><th>Meaning</th></tr>\
         </thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn write_rows(rows: &mut String, schema: &Value, prefix: &str, without: &[&str]) {
    let required = list(&schema["required"]);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        if without.contains(&name.as_str()) {
            continue;
        }
        let must = required.iter().any(|other| other == name);
        let path = format!("{prefix}{name}");
        let _ = writeln!(
            rows,
            "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&path),
            if must { " <em>required</em>" } else { "" },
            values(field),
            prose(field["description"].as_str().unwrap_or_default())
        );
        if let Some(object) = object_in(field) {
            write_rows(rows, object, &format!("{path}."), &[]);
        }
    }
}

/// The schema with properties that a field is, or may be.
fn object_in(field: &Value) -> Option<&Value> {
    let branches = ["oneOf", "anyOf"].into_iter().flat_map(|key| list(&field[key]));
    std::iter::once(field).chain(branches).find(|schema| schema["properties"].is_object())
}

/// What a field may be: a list of names, a range, a type; and its default.
fn values(field: &Value) -> String {
    let mut text = kind(field);
    match &field["default"] {
        Value::Null => {}
        default => {
            let default = plain(default);
            let _ = write!(text, "<br><span class=\"quiet\">default {}</span>", escape(&default));
        }
    }
    text
}

/// A value as a person writes it: text without quotes, whole numbers without a point.
fn plain(value: &Value) -> String {
    match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => spaced(value),
    }
}

fn kind(field: &Value) -> String {
    let choices = list(&field["enum"]);
    if !choices.is_empty() {
        return names(choices.iter().filter(|choice| !choice.is_null()));
    }
    if let Some(only) = field.get("const") {
        return names(std::iter::once(only));
    }
    let branches = ["oneOf", "anyOf"].map(|key| list(&field[key]));
    let branches: Vec<&Value> = branches.into_iter().flatten().collect();
    if !branches.is_empty() {
        let kinds = branches.iter().filter(|branch| branch["type"] != "null").map(|b| kind(b));
        let mut kinds: Vec<String> = kinds.collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let name = match &field["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("any")
        }
        _ => "any",
    };
    match (field["minimum"].as_f64(), field["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!("{name} {least} to {most}"),
        (Some(least), None) => format!("{name} from {least}"),
        (None, Some(most)) => format!("{name} up to {most}"),
        (None, None) => name.to_owned(),
    }
}

fn names<'a>(choices: impl Iterator<Item = &'a Value>) -> String {
    let codes: Vec<String> =
        choices.map(|choice| format!("<code>{}</code>", escape(&plain(choice)))).collect();
    codes.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(prose("a `<b>` & \"c\""), "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;");
        let page = page("<script>", "");
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn json_breaks_only_where_it_must() {
        assert_eq!(json(&json!({ "a": [1, 2] }), NARROW), r#"{ "a": [1, 2] }"#);
        let long = json!({ "a": "x".repeat(60), "b": [] });
        assert_eq!(
            json(&long, NARROW),
            format!("{{\n  \"a\": \"{}\",\n  \"b\": []\n}}", "x".repeat(60))
        );
    }

    #[test]
    fn tables_name_ranges_choices_and_defaults() {
        let schema = json!({
            "properties": {
                "width": { "type": ["integer", "null"], "minimum": 1, "maximum": 9 },
                "mode": { "enum": ["fit", "fill"], "default": "fit" },
                "sigma": { "type": "number", "default": 100.0 },
            },
            "required": ["width"],
        });
        let table = parameters(&schema, &[]);
        assert!(table.contains("<code>width</code> <em>required</em></td><td>integer 1 to 9</td>"));
        assert!(
            table.contains(
                "<code>fit</code> <code>fill</code><br><span class=\"quiet\">default fit"
            )
        );
        assert!(table.contains("default 100<"));
        assert!(!parameters(&schema, &["mode"]).contains("mode"));
        let outer =
            json!({ "properties": { "output": { "anyOf": [schema, { "type": "null" }] } } });
        assert!(parameters(&outer, &["mode"]).contains("<code>output.mode</code>"));
    }
}

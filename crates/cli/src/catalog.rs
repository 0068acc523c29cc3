//! The operations as people look them up and type them, from the lists of the engine.

use imaging::check::{all_enum_names, expectation, nearest};
use imaging::image_op::Group;
use imaging::image_ops::IMAGE_OPS;
use imaging::operations::{self, OPERATIONS};
use imaging::output::Output;
use serde_json::{Map, Value, json};

/// Where an operation stands in a pipeline document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The kind of the step: `filter`.
    pub step: &'static str,
    /// Where in its request.
    pub place: Place,
}

/// Where in the request of a step an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An entry of a list, with its name as `type`.
    List {
        /// The field that holds the list.
        field: &'static str,
        /// The `type`.
        kind: &'static str,
    },
    /// The request is its parameters.
    Request,
}

/// An operation for people.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Other names that are accepted for it.
    pub aliases: &'static [&'static str],
    /// Where it stands in a pipeline document.
    pub spot: Spot,
    /// What it does.
    pub about: String,
    /// Parameters that work, without `type`.
    pub example: Value,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// A parameter for people.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name; `output.quality` for a field of a field.
    pub name: String,
    /// What values it takes: `a whole number from 1 to 65535`.
    pub expects: String,
    /// Its value when it is not given.
    pub default: Option<Value>,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it is for.
    pub about: String,
    /// The values of a list of names, and what each is for.
    pub choices: Vec<(String, String)>,
}

/// All operations of this build, in the order in which they are listed.
pub fn operations() -> Vec<Operation> {
    let image_ops = IMAGE_OPS.iter().map(image_op);
    let steps = OPERATIONS.iter().filter(|entry| group(entry.name).is_none()).map(step);
    image_ops.chain(steps).collect()
}

/// The group that a step kind lists, if it is one that lists image operations.
pub fn group(step: &str) -> Option<Group> {
    IMAGE_OPS.iter().map(|entry| entry.group).find(|group| group.operation() == step)
}

fn image_op(entry: &imaging::image_op::Entry) -> Operation {
    let schema = (entry.schema)();
    let field = entry.group.list_field();
    let place = Place::List { field, kind: entry.name };
    Operation {
        name: entry.name,
        aliases: entry.aliases,
        spot: Spot { step: entry.group.operation(), place },
        about: text(schema),
        example: example(entry.example),
        parameters: parameters(schema, ""),
    }
}

fn step(entry: &imaging::operation::Entry) -> Operation {
    let schema = (entry.schema)();
    let mut all = parameters(schema, "");
    if entry.name == "convert" {
        all.extend(parameters(imaging::params::schema_of::<Output>(), "output"));
    }
    Operation {
        name: entry.name,
        aliases: &[],
        spot: Spot { step: entry.name, place: Place::Request },
        about: entry.about.to_owned(),
        example: example(entry.example),
        parameters: all,
    }
}

fn example(text: &str) -> Value {
    serde_json::from_str(text)
        .expect("examples are valid JSON: the rules test of the engine runs them")
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn parameters(schema: &Value, prefix: &str) -> Vec<Parameter> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut found = Vec::new();
    for (name, property) in properties {
        let full = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if property["properties"].is_object() {
            found.extend(parameters(property, &full));
            continue;
        }
        let choices = choices(property);
        let expects = match choices.is_empty() {
            true => expectation(without_null(property)),
            false => "one of".to_owned(),
        };
        let default = property.get("default").filter(|value| !value.is_null()).cloned();
        let is_required = required.iter().any(|field| field == name);
        let about = text(property);
        found.push(Parameter { name: full, expects, default, is_required, about, choices });
    }
    found
}

/// What an optional parameter is when it is given.
fn without_null(schema: &Value) -> &Value {
    let branches = schema.get("anyOf").and_then(Value::as_array);
    let given = branches.and_then(|all| all.iter().find(|branch| branch["type"] != "null"));
    given.unwrap_or(schema)
}

/// The names that a parameter takes, with what each is for where it is documented.
fn choices(schema: &Value) -> Vec<(String, String)> {
    let Some(names) = all_enum_names(schema) else { return Vec::new() };
    let given = without_null(schema);
    let branches = given.get("oneOf").and_then(Value::as_array);
    let about = |name: &str| {
        let branch = branches.and_then(|all| all.iter().find(|branch| branch["const"] == name));
        branch.map(text).unwrap_or_default()
    };
    names.into_iter().map(|name| (name.to_owned(), about(name))).collect()
}

/// Whether a parameter of an operation takes text and nothing else.
pub(crate) fn takes_text(spot: &Spot, key: &str) -> bool {
    let schema = match spot.place {
        Place::List { kind, .. } => {
            let ours = |entry: &&imaging::image_op::Entry| {
                entry.name == kind && entry.group.operation() == spot.step
            };
            IMAGE_OPS.iter().find(ours).map(|entry| (entry.schema)())
        }
        Place::Request => {
            OPERATIONS.iter().find(|entry| entry.name == spot.step).map(|entry| (entry.schema)())
        }
    };
    let schema = schema.unwrap_or_default();
    let kind = &without_null(&schema["properties"][key])["type"];
    match kind.as_array() {
        Some(kinds) => kinds.iter().all(|kind| kind == "string" || kind == "null"),
        None => kind == "string",
    }
}

/// A name as it is typed and what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) spot: Spot,
    /// Parameters that the name implies: `operation` of an optimization.
    pub(crate) implied: Map<String, Value>,
    name: String,
}

/// All names that may be typed, each once.
fn names() -> Vec<Name> {
    let mut found = Vec::new();
    for operation in operations() {
        let spot = operation.spot;
        for name in operation.aliases.iter().chain([&operation.name]) {
            found.push(Name { spot, implied: Map::new(), name: (*name).to_owned() });
        }
        let methods = operation.parameters.iter().find(|parameter| parameter.name == "operation");
        for (method, _) in methods.iter().flat_map(|parameter| &parameter.choices) {
            let implied = Map::from_iter([("operation".to_owned(), json!(method))]);
            found.push(Name { spot, implied, name: method.clone() });
        }
    }
    found
}

/// What a typed name stands for: `sharpen` where only one step has it, else `filter.sharpen`.
pub(crate) fn find(typed: &str) -> Result<Name, String> {
    let mut known = names();
    let full = |name: &Name| format!("{}.{}", name.spot.step, name.name);
    let found: Vec<Name> =
        known.iter().filter(|name| name.name == typed || full(name) == typed).cloned().collect();
    match found.as_slice() {
        [name] => Ok(name.clone()),
        [] if is_later(typed) => Err(format!("`{typed}` is not available in this build")),
        [] => {
            known.sort_by(|a, b| a.name.cmp(&b.name));
            let names: Vec<&str> = known.iter().map(|name| name.name.as_str()).collect();
            Err(match nearest(typed, &names) {
                Some(name) => format!("there is no operation `{typed}`; did you mean `{name}`?"),
                None => format!("there is no operation `{typed}`; `imagehq ops` lists them"),
            })
        }
        several => {
            let names: Vec<String> = several.iter().map(full).collect();
            Err(format!("`{typed}` could be {}: say which", names.join(" or ")))
        }
    }
}

/// Whether the interface has this name and this build does not.
fn is_later(typed: &str) -> bool {
    let name = typed.split_once('.').map_or(typed, |(_, name)| name);
    operations::LATER.contains(&name)
        || OPERATIONS
            .iter()
            .any(|entry| entry.later.contains(&format!("operation={name}").as_str()))
}

/// Whether an argument names an operation, of this build or a later one.
pub(crate) fn is_known(typed: &str) -> bool {
    match find(typed) {
        Ok(_) => true,
        Err(_) => is_later(typed) || names().iter().any(|name| name.name == typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_documented_and_found_by_its_name() {
        for operation in operations() {
            assert!(!operation.about.is_empty(), "{}", operation.name);
            assert_eq!(find(operation.name).unwrap().spot, operation.spot);
            let full = format!("{}.{}", operation.spot.step, operation.name);
            assert_eq!(find(&full).unwrap().spot, operation.spot);
            for parameter in operation.parameters {
                assert!(!parameter.about.is_empty(), "{}: {}", operation.name, parameter.name);
            }
        }
    }

    #[test]
    fn the_methods_of_optimize_are_names() {
        let name = find("convert_to_webp").unwrap();
        assert_eq!(name.spot, Spot { step: "optimize", place: Place::Request });
        assert_eq!(name.implied["operation"], "convert_to_webp");
        assert_eq!(find("black_and_white").unwrap().spot.step, "filter");
    }

    #[test]
    fn a_name_that_does_not_exist_is_answered_with_a_hint() {
        let error = |name| find(name).unwrap_err();
        assert_eq!(
            error("cinematc"),
            "there is no operation `cinematc`; did you mean `cinematic`?"
        );
        assert_eq!(error("qqq"), "there is no operation `qqq`; `imagehq ops` lists them");
        assert_eq!(error("enhance"), "`enhance` is not available in this build");
    }
}

//! The list of image operations inside a `transform`, `filter` or `compose` step.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::Limits;
use crate::check::{Faults, shown};
use crate::draft::{Draft, Lost};
use crate::files::FileUse;
use crate::image_op::{Entry, Group, LowerImageOp, Misfit};
use crate::image_ops::IMAGE_OPS;
use crate::operation::Operation;
use crate::params;

#[derive(Debug)]
struct OpList {
    group: Group,
    ops: Vec<Box<dyn LowerImageOp>>,
}

impl OpList {
    /// The pointer of an operation below the step's request.
    fn pointer(&self, index: usize) -> String {
        format!("/{}/{index}", self.group.list_field())
    }
}

impl Operation for OpList {
    fn lower(&self, draft: &mut Draft<'_>) -> Result<(), Lost> {
        for (index, op) in self.ops.iter().enumerate() {
            let pointer = self.pointer(index);
            let mut scene = draft.scene();
            if self.group == Group::Filter {
                scene.assume(draft.size());
            }
            let lowered = op.lower(&mut scene);
            let mut misfits = std::mem::take(&mut scene.misfits);
            misfits.extend(lowered.as_ref().err().map(|misfit| {
                let Misfit { field, message } = misfit.clone();
                (field.to_owned(), message)
            }));
            if !misfits.is_empty() {
                for (field, message) in misfits {
                    draft.refuse(params::below(&pointer, &field), message);
                }
                // All faults at once, as far as the size of what comes is known.
                draft.assume(scene.assumed.ok_or(Lost)?);
                continue;
            }
            draft.take_notes(scene);
            let before = draft.size();
            for stage in lowered.unwrap_or_default() {
                draft.push(stage);
            }
            draft.check_size(&pointer)?;
            if draft.size() != before {
                draft.sized_here(pointer);
            }
        }
        Ok(())
    }

    fn file_uses(&self) -> Vec<(String, FileUse)> {
        let uses = self.ops.iter().enumerate();
        uses.filter_map(|(index, op)| Some((self.pointer(index), op.file_use()?))).collect()
    }
}

/// The entries of a group.
fn entries(group: Group) -> impl Iterator<Item = &'static Entry> {
    IMAGE_OPS.iter().filter(move |entry| entry.group == group)
}

/// The schema of a step of the group; made once.
pub(super) fn schema(group: Group) -> &'static Value {
    static MADE: [OnceLock<Value>; 3] = [const { OnceLock::new() }; 3];
    MADE[group as usize].get_or_init(|| schema_anew(group))
}

fn schema_anew(group: Group) -> Value {
    let branches: Vec<Value> = entries(group).map(op_schema).collect();
    json!({
        "type": "object",
        "properties": { group.list_field(): {
            "type": "array",
            "description": "What is done, in this order.",
            "minItems": 1,
            "items": { "oneOf": branches },
        }},
        "required": [group.list_field()],
        "additionalProperties": false,
    })
}

/// The schema of an operation as a member of its list: with its `type`.
pub(crate) fn op_schema(entry: &Entry) -> Value {
    let mut schema = (entry.schema)().clone();
    let mut names = vec![entry.name];
    names.extend(entry.aliases);
    let properties = schema.as_object_mut().map(|schema| {
        schema.insert("title".to_owned(), entry.name.into());
        schema.entry("properties").or_insert_with(|| json!({}))
    });
    if let Some(properties) = properties.and_then(Value::as_object_mut) {
        let own = std::mem::take(properties);
        properties.insert("type".to_owned(), json!({ "type": "string", "enum": names }));
        properties.extend(own);
    }
    match schema.get_mut("required").and_then(Value::as_array_mut) {
        Some(required) => required.insert(0, "type".into()),
        None => schema["required"] = json!(["type"]),
    }
    schema
}

pub(super) fn parse(
    group: Group,
    json: &Value,
    (pointer, limits): (&str, &Limits),
    faults: &mut Faults,
) -> Option<Box<dyn Operation>> {
    let field = group.list_field();
    let pointer = format!("{pointer}/{field}");
    let Some(items) = json.get(field)?.as_array() else {
        faults.invalid(
            &pointer,
            format!("expected a list of objects with a \"type\", got {}", shown(&json[field])),
        );
        return None;
    };
    if items.is_empty() {
        faults.invalid(
            &pointer,
            format!("the list is empty: give at least one, such as {}", example(group)),
        );
    }
    if items.len() > limits.operations_max {
        let message =
            format!("{} entries are over the limit of {}", items.len(), limits.operations_max);
        faults.invalid(&pointer, message);
        return None;
    }
    let before = faults.len();
    let parse_item = |(index, item)| parse_item(group, item, &format!("{pointer}/{index}"), faults);
    let ops: Vec<Option<Box<dyn LowerImageOp>>> =
        items.iter().enumerate().map(parse_item).collect();
    (faults.len() == before)
        .then(|| Box::new(OpList { group, ops: ops.into_iter().flatten().collect() }) as Box<_>)
}

fn parse_item(
    group: Group,
    item: &Value,
    pointer: &str,
    faults: &mut Faults,
) -> Option<Box<dyn LowerImageOp>> {
    let Some(object) = item.as_object() else {
        faults.invalid(
            pointer,
            format!("expected an object such as {}, got {}", example(group), shown(item)),
        );
        return None;
    };
    let Some(name) = object.get("type") else {
        faults
            .invalid(pointer, format!("\"type\" is missing: an object such as {}", example(group)));
        return None;
    };
    let Some(name) = name.as_str() else {
        let message = format!("expected the name of an operation, got {}", shown(name));
        faults.invalid(&format!("{pointer}/type"), message);
        return None;
    };
    let Some(entry) =
        entries(group).find(|entry| entry.name == name || entry.aliases.contains(&name))
    else {
        unknown(group, name, pointer, faults);
        return None;
    };
    let mut own = object.clone();
    own.shift_remove("type");
    (entry.parse)(&Value::Object(own), pointer, faults)
}

fn unknown(group: Group, name: &str, pointer: &str, faults: &mut Faults) {
    let pointer = format!("{pointer}/type");
    // A right name in the wrong list deserves a better hint than the nearest wrong one.
    if let Some(other) = IMAGE_OPS.iter().find(|entry| entry.name == name) {
        let step = other.group.operation();
        let message =
            format!("{name:?} belongs into a {step:?} step, under {:?}", other.group.list_field());
        return faults.invalid(&pointer, message);
    }
    let known: Vec<&str> = entries(group).map(|entry| entry.name).collect();
    faults.unknown(&pointer, "type", name, known);
}

fn example(group: Group) -> &'static str {
    match group {
        Group::Transform => r#"{"type": "resize", "width": 1200}"#,
        Group::Filter => r#"{"type": "cinematic", "intensity": 72}"#,
        Group::Compose => r#"{"type": "text_overlay", "text": "Hello"}"#,
    }
}

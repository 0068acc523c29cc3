use crate::image_op::Group;
use crate::operation::Entry;
use crate::operations::op_list;

pub(super) const ENTRY: Entry = Entry {
    name: "filter",
    about: "Changes the look: film looks, adjustments, effects.",
    example: r#"{"filters": [{"type": "cinematic", "intensity": 72}]}"#,
    schema: || op_list::schema(Group::Filter),
    later: &[],
    parse: |json, pointer, limits, faults| {
        op_list::parse(Group::Filter, json, (pointer, limits), faults)
    },
};

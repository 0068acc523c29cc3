use crate::image_op::Group;
use crate::operation::Entry;
use crate::operations::op_list;

pub(super) const ENTRY: Entry = Entry {
    name: "transform",
    about: "Changes the geometry: size, crop, turns, margins.",
    example: r#"{"operations": [{"type": "resize", "mode": "fit", "width": 1200}], "output_format": "same_as_input"}"#,
    schema: || op_list::schema(Group::Transform),
    later: &[],
    parse: |json, pointer, limits, faults| {
        op_list::parse(Group::Transform, json, (pointer, limits), faults)
    },
};

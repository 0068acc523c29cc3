use crate::image_op::Group;
use crate::operation::Entry;
use crate::operations::op_list;

pub(super) const ENTRY: Entry = Entry {
    name: "compose",
    about: "Puts something onto the image: text, watermarks, redactions, shapes, borders.",
    example: r##"{"operations": [{"type": "text_overlay", "text": "Hello", "x": 100, "y": 80, "font_size": 48, "color": "#ffffff"}], "output_format": "same_as_input"}"##,
    schema: || op_list::schema(Group::Compose),
    later: &[],
    parse: |json, pointer, limits, faults| {
        op_list::parse(Group::Compose, json, (pointer, limits), faults)
    },
};

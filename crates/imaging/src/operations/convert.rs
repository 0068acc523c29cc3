use schemars::JsonSchema;
use serde::Deserialize;

use crate::draft::{Draft, Lost};
use crate::operation::{Entry, Operation};
use crate::params::{self, Params};

pub(super) const ENTRY: Entry = Entry {
    name: "convert",
    about: "Writes the image in another format, or with other settings.",
    example: r##"{"input_format": "png", "output_format": "jpg", "output": {"background": "#ffffff", "quality": 90}}"##,
    schema: params::schema_of::<Convert>,
    later: Convert::LATER,
    parse: |json, pointer, _, faults| {
        params::parse::<Convert>(json, pointer, faults)
            .map(|convert| Box::new(convert) as Box<dyn Operation>)
    },
};

/// All that a conversion says stands in the fields that every request has: `output_format` and
/// `output`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Convert {}

impl Params for Convert {
    const NAME: &'static str = "convert";
    const EXAMPLE: &'static str = "{}";
}

impl Operation for Convert {
    fn lower(&self, _: &mut Draft<'_>) -> Result<(), Lost> {
        Ok(())
    }
}

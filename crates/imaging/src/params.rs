//! Parameters: structs whose doc comments are the documentation and whose types hold the ranges.
//!
//! From one struct come the JSON Schema, the check of a request (every fault at once, see
//! [`check`](crate::check)), the reference, the forms and the command line syntax.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Size;
use crate::check::{Faults, check};
use crate::color::Color;
use crate::metadata::Orientation;

mod amount;
mod keep;

pub use amount::{adjustment, one_amount};
pub use keep::Keep;

/// A struct of parameters. Its doc comments are the public documentation.
pub trait Params: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Its name on the wire, on the command line and in the docs.
    const NAME: &'static str;
    /// A request that works: shown in the docs, run by the tests. Without `type`.
    const EXAMPLE: &'static str;
    /// Fields and values of the interface that this build does not serve yet: `"dpi"` for a field,
    /// `"gravity=smart"` for a value. They are refused with `not_available`.
    const LATER: &'static [&'static str] = &[];

    /// Rules that span fields: the field to blame and what is wrong. A rule about one field belongs
    /// in its type.
    fn rules(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
}

/// The JSON Schema of a parameter struct, with everything in line. Made once: every request is held
/// against some of them.
pub fn schema_of<P: JsonSchema + 'static>() -> &'static Value {
    static MADE: LazyLock<Mutex<HashMap<TypeId, &'static Value>>> = LazyLock::new(Mutex::default);
    // What is in it is whole even where a thread has died while it held it.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(TypeId::of::<P>()).or_insert_with(|| {
        let mut settings = schemars::generate::SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        Box::leak(Box::new(settings.into_generator().into_root_schema_for::<P>().to_value()))
    })
}

/// Parameters from JSON, or all their faults under `pointer`.
pub fn parse<P: Params>(json: &Value, pointer: &str, faults: &mut Faults) -> Option<P> {
    let before = faults.len();
    check(schema_of::<P>(), json, P::LATER, pointer, faults);
    if faults.len() > before {
        return None;
    }
    match serde_path_to_error::deserialize::<_, P>(json) {
        Ok(params) => {
            if let Err((field, message)) = params.rules() {
                faults.invalid(&below(pointer, field), message);
                return None;
            }
            Some(params)
        }
        Err(error) => {
            let path = error.path().to_string().replace('.', "/");
            let path =
                if path == "/" || path.is_empty() { String::new() } else { format!("/{path}") };
            faults.invalid(&format!("{pointer}{path}"), error.inner().to_string());
            None
        }
    }
}

/// The pointer of a field below a pointer; of no field, the pointer itself.
pub fn below(pointer: &str, field: &str) -> String {
    if field.is_empty() { pointer.to_owned() } else { format!("{pointer}/{field}") }
}

/// Declares a number type whose range and unit stand in its schema.
macro_rules! unit {
    (
        $(#[$doc:meta])*
        $name:ident, $repr:ty, $kind:literal, $min:literal ..= $max:literal, $unit:literal
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize)]
        #[serde(transparent)]
        pub struct $name($repr);

        impl<'de> Deserialize<'de> for $name {
            // By way of f64: Python writes whole numbers that it computed as 800.0.
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                f64::deserialize(deserializer).map(|value| Self(value as $repr))
            }
        }

        impl $name {
            /// The number.
            pub const fn get(self) -> $repr {
                self.0
            }

            /// A number that is known to be in range.
            ///
            /// # Panics
            /// When it is not: that is a bug of the caller.
            pub const fn new(value: $repr) -> Self {
                assert!((value as f64) >= $min as f64 && value as f64 <= $max as f64, "value in range");
                Self(value)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $kind, "minimum": $min, "maximum": $max, "x-unit": $unit })
            }
        }
    };
}

unit!(
    /// A length in whole pixels, 1 to 65535.
    Pixels, u32, "integer", 1 ..= 65535, "px"
);
unit!(
    /// A length in whole pixels that may be nothing, 0 to 65535.
    Margin, u32, "integer", 0 ..= 65535, "px"
);
unit!(
    /// How strong, 0 to 100.
    Percent, f32, "number", 0.0 ..= 100.0, "percent"
);
unit!(
    /// How much more or less, -100 to 100.
    Amount, f32, "number", -100.0 ..= 100.0, "amount"
);
unit!(
    /// How large beside the original, 0.1 to 10000 percent.
    Scale, f64, "number", 0.1 ..= 10000.0, "percent"
);
unit!(
    /// An angle clockwise, -360 to 360 degrees.
    Degrees, f64, "number", -360.0 ..= 360.0, "degrees"
);
unit!(
    /// A small angle clockwise, -45 to 45 degrees.
    Tilt, f64, "number", -45.0 ..= 45.0, "degrees"
);
unit!(
    /// The largest angle that is looked for, 0.5 to 45 degrees.
    Reach, f64, "number", 0.5 ..= 45.0, "degrees"
);
unit!(
    /// A length in a unit that stands beside it, 0.01 to 65535.
    Measure, f64, "number", 0.01 ..= 65535.0, "unit"
);
unit!(
    /// A resolution, 1 to 10000 pixels an inch.
    Dots, f64, "number", 1.0 ..= 10000.0, "dpi"
);
unit!(
    /// The width of a blur as a standard deviation, 0.1 to 250 pixels.
    Sigma, f32, "number", 0.1 ..= 250.0, "px"
);
unit!(
    /// How many steps a channel has, 2 to 64.
    Levels, u8, "integer", 2 ..= 64, "levels"
);
unit!(
    /// How large a grain is, 0.5 to 20 pixels.
    GrainSize, f32, "number", 0.5 ..= 20.0, "px"
);
unit!(
    /// Which of many random patterns, 0 to 1000000000.
    Seed, u32, "integer", 0 ..= 1000000000, "seed"
);
unit!(
    /// A place in the request, counted from 0.
    FileIndex, usize, "integer", 0 ..= 99999, "file"
);
unit!(
    /// How good a lossy picture is, 1 to 100.
    Quality, u8, "integer", 1 ..= 100, "quality"
);
unit!(
    /// Fast (0) or small (10).
    Effort, u8, "integer", 0 ..= 10, "effort"
);

impl Percent {
    /// All of it.
    pub const FULL: Self = Self::new(100.0);

    /// As a factor, 0 to 1.
    pub fn factor(self) -> f32 {
        self.0 / 100.0
    }
}

impl Default for Percent {
    fn default() -> Self {
        Self::FULL
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::new(4)
    }
}

impl Amount {
    /// As a factor, -1 to 1.
    pub fn factor(self) -> f32 {
        self.0 / 100.0
    }
}

/// A place in an image, or the side to keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The middle.
    #[default]
    Center,
    /// The upper edge.
    Top,
    /// The lower edge.
    Bottom,
    /// The left edge.
    Left,
    /// The right edge.
    Right,
    /// The upper left corner.
    TopLeft,
    /// The upper right corner.
    TopRight,
    /// The lower left corner.
    BottomLeft,
    /// The lower right corner.
    BottomRight,
}

impl Gravity {
    /// The share of the free room that lies left of and above what is kept: 0, 0.5 or 1.
    pub fn shares(self) -> (f64, f64) {
        let x = match self {
            Self::Left | Self::TopLeft | Self::BottomLeft => 0.0,
            Self::Center | Self::Top | Self::Bottom => 0.5,
            Self::Right | Self::TopRight | Self::BottomRight => 1.0,
        };
        let y = match self {
            Self::Top | Self::TopLeft | Self::TopRight => 0.0,
            Self::Center | Self::Left | Self::Right => 0.5,
            Self::Bottom | Self::BottomLeft | Self::BottomRight => 1.0,
        };
        (x, y)
    }

    /// Where a size lies inside a larger one: pixels from the left and from the top.
    pub fn place(self, inner: Size, outer: Size) -> (u32, u32) {
        let (left, top) = self.shares();
        let at = |outer: u32, inner: u32, share: f64| {
            (f64::from(outer.saturating_sub(inner)) * share).floor() as u32
        };
        (at(outer.width, inner.width, left), at(outer.height, inner.height, top))
    }
}

/// A color, or the one that is found in the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoColor {
    /// The one that is found.
    #[default]
    Auto,
    /// This one.
    Color(Color),
}

impl AutoColor {
    /// From `auto` or a CSS color.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "auto" => Some(Self::Auto),
            text => Color::parse(text).map(Self::Color),
        }
    }
}

impl<'de> Deserialize<'de> for AutoColor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is neither \"auto\" nor a CSS color"))
        })
    }
}

impl Serialize for AutoColor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Color(color) => color.serialize(serializer),
        }
    }
}

impl JsonSchema for AutoColor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AutoColor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "auto-color" })
    }
}

/// A length in pixels, or in percent of a side: `120` or `"10%"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Length {
    /// Pixels.
    Px(f64),
    /// Percent of the side that it lies along.
    Percent(f64),
}

impl Length {
    /// In pixels of a side.
    pub fn along(self, side: u32) -> f64 {
        match self {
            Self::Px(px) => px,
            Self::Percent(percent) => percent / 100.0 * f64::from(side),
        }
    }

    /// In whole pixels of a side, rounded half up.
    pub fn resolve(self, side: u32) -> i64 {
        (self.along(side) + 0.5).floor() as i64
    }

    /// In pixels, where percent are of this length.
    pub fn of(self, whole: f64) -> f64 {
        match self {
            Self::Px(px) => px,
            Self::Percent(percent) => percent / 100.0 * whole,
        }
    }

    /// From text such as `10%` or `120`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, make): (&str, fn(f64) -> Self) = match text.trim().strip_suffix('%') {
            Some(number) => (number, Self::Percent),
            None => (text, Self::Px),
        };
        let value: f64 = number.trim().parse().ok()?;
        (value.is_finite() && (0.0..=65_535.0).contains(&value)).then(|| make(value))
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = match Value::deserialize(deserializer)? {
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(&text),
            _ => None,
        };
        parsed.ok_or_else(|| {
            serde::de::Error::custom(
                "expected pixels from 0 to 65535 or a percentage such as \"10%\"",
            )
        })
    }
}

impl JsonSchema for Length {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "minimum": 0, "maximum": 65535, "format": "length", "x-unit": "px" })
    }
}

/// Pages of a document, counted from 1: `all`, `1`, `1,3,5`, `2-6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages(Option<Vec<(u32, u32)>>);

impl Pages {
    /// From text such as `1,3,5-7`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Some(Self(None));
        }
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first >= 1 && first <= last).then_some((first, last))
        };
        text.split(',').map(range).collect::<Option<_>>().map(|ranges| Self(Some(ranges)))
    }

    /// The chosen pages of so many, counted from 0, in the order in which they were named; or the
    /// first page that is not there.
    pub fn of(&self, count: u32) -> Result<Vec<u32>, u32> {
        let Some(ranges) = &self.0 else { return Ok((0..count).collect()) };
        match ranges.iter().find(|(_, last)| *last > count) {
            Some((_, last)) => Err(*last),
            None => Ok(ranges.iter().flat_map(|(first, last)| first - 1..*last).collect()),
        }
    }
}

impl Serialize for Pages {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let range = |(first, last): &(u32, u32)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        match &self.0 {
            None => serializer.serialize_str("all"),
            Some(ranges) => {
                serializer.serialize_str(&ranges.iter().map(range).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Pages {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(PAGES_EXPECTED))
    }
}

/// What is said of pages that cannot be read.
pub(crate) const PAGES_EXPECTED: &str = "pages such as \"all\", \"1\", \"1,3,5\" or \"2-6\"";

impl JsonSchema for Pages {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pages".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "minimum": 1, "format": "pages" })
    }
}

impl JsonSchema for Color {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Color".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "color" })
    }
}

/// Which way a mirror exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Left and right change places.
    Horizontal,
    /// Top and bottom change places.
    Vertical,
    /// Both: half a turn.
    Both,
}

impl Direction {
    /// The mirror.
    pub fn orientation(self) -> Orientation {
        match self {
            Self::Horizontal => Orientation::MirrorX,
            Self::Vertical => Orientation::MirrorY,
            Self::Both => Orientation::Rotate180,
        }
    }
}

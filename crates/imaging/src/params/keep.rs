//! The part of an image that a crop keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Gravity;

/// The part of the image that is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
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
    /// What draws the eye: detail, strong colors, skin, and what stands out from its surroundings.
    Smart,
}

impl Keep {
    /// The fixed place, if it is one.
    pub fn gravity(self) -> Option<Gravity> {
        Some(match self {
            Self::Center => Gravity::Center,
            Self::Top => Gravity::Top,
            Self::Bottom => Gravity::Bottom,
            Self::Left => Gravity::Left,
            Self::Right => Gravity::Right,
            Self::TopLeft => Gravity::TopLeft,
            Self::TopRight => Gravity::TopRight,
            Self::BottomLeft => Gravity::BottomLeft,
            Self::BottomRight => Gravity::BottomRight,
            Self::Smart => return None,
        })
    }
}

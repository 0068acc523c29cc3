//! Linear maps of the color axes of Oklab, for many pixels side by side: vectors for what lies
//! between linear light and linear light, tables for the curves at both ends. Nothing is rounded
//! in between, and no table has to be made for the colors of an image.

use super::fuse;
use super::toned::{self, Color, LUMINANCE_ONE, Tones};
use super::wide::wide;
use crate::color::{from_linear, lab_to_roots, light_to_cones, luminance, to_linear, ...};

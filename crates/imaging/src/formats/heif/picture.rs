//! What the container says of its primary picture: for the header and for the decoder alike.

use super::boxes::name;
use super::meta::Meta;
use super::properties::Property;
use crate::format::{Format, Header, Sequence};
use crate::image::Size;
use crate::metadata::Orientation;
use crate::stage::Rect;
use crate::{Error, Limits, Result};

/// The primary picture.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) item: u32,
    /// Its size as coded.
    pub(super) coded: Size,
    /// The part of it that is shown.
    pub(super) part: Rect,
    pub(super) orientation: Orientation,
    /// The item that is its alpha.
    pub(super) alpha: Option<u32>,
    bit_depth: u8,
    is_gray: bool,
    is_lossy: bool,
}

impl Picture {
    /// The primary picture, within the limits.
    pub(super) fn of(meta: &Meta, limits: &Limits) -> Result<Self> {
        let Some(item) = meta.primary else {
            return Err(Error::unsupported(
                "the file has no primary picture; a sequence alone cannot be read",
            ));
        };
        let properties = meta.properties(item)?;
        let coded = size(&properties)?;
        limits.check_size(coded)?;
        let (part, orientation) = shown(&properties, coded)?;
        limits.check_size(part.size)?;
        let tile = first_coded(meta, item)?;
        let coding = coding(meta, tile)?;
        let said = properties.iter().find_map(|property| match property {
            Property::Depth(_, bits) => Some(*bits),
            _ => None,
        });
        let identity = properties
            .iter()
            .any(|property| matches!(property, Property::Cicp(cicp) if cicp.matrix == 0));
        Ok(Self {
            item,
            coded,
            part,
            orientation,
            alpha: alpha(meta, item)?,
            bit_depth: coding.map_or(8, |coding| coding.bit_depth).max(said.unwrap_or(8)),
            is_gray: coding.is_some_and(|coding| coding.is_gray),
            is_lossy: !identity,
        })
    }

    /// The header of the file.
    pub(super) fn header(&self, format: &'static Format) -> Header {
        Header {
            format,
            size: self.part.size,
            orientation: self.orientation,
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: self.alpha.is_some(),
            is_gray: self.is_gray,
            bit_depth: self.bit_depth,
            is_lossy: self.is_lossy,
            is_guess: false,
        }
    }
}

/// The size that an item is said to have.
pub(super) fn size(properties: &[&Property]) -> Result<Size> {
    let size = properties.iter().find_map(|property| match property {
        Property::Size(size) => Some(*size),
        _ => None,
    });
    size.ok_or_else(|| Error::input("the container does not say how large the picture is"))
}

/// The part that is shown, and how it is turned: by the properties, in their order.
fn shown(properties: &[&Property], coded: Size) -> Result<(Rect, Orientation)> {
    let mut part = Rect { x: 0, y: 0, size: coded };
    let mut orientation = Orientation::Normal;
    for property in properties {
        let turn = match property {
            Property::Turn(1) => Orientation::Rotate270,
            Property::Turn(2) => Orientation::Rotate180,
            Property::Turn(3) => Orientation::Rotate90,
            Property::Mirror(0) => Orientation::MirrorY,
            Property::Mirror(_) => Orientation::MirrorX,
            Property::Clean(numbers) if orientation == Orientation::Normal => {
                part = clean(numbers, coded)?;
                continue;
            }
            Property::Clean(_) => {
                return Err(Error::unsupported("a picture that is cropped after it is turned"));
            }
            _ => continue,
        };
        orientation = orientation.then(turn);
    }
    Ok((part, orientation))
}

/// The clean aperture (ISO/IEC 14496-12, 12.1.4), to whole pixels.
fn clean(numbers: &[i32; 8], coded: Size) -> Result<Rect> {
    let [width_n, width_d, height_n, height_d, x_n, x_d, y_n, y_d] = *numbers;
    let side = |n: i32, d: i32, offset_n: i32, offset_d: i32, whole: u32| {
        if d <= 0 || offset_d <= 0 {
            return None;
        }
        let length = f64::from(n) / f64::from(d);
        let offset = f64::from(offset_n) / f64::from(offset_d);
        let start = ((f64::from(whole) - length) / 2.0 + offset).round();
        let length = length.floor();
        (length >= 1.0 && start >= 0.0 && start + length <= f64::from(whole))
            .then_some((start as u32, length as u32))
    };
    let across = side(width_n, width_d, x_n, x_d, coded.width);
    let down = side(height_n, height_d, y_n, y_d, coded.height);
    let (Some((left, width)), Some((top, height))) = (across, down) else {
        return Err(Error::input("the part that is shown reaches outside of the picture"));
    };
    Ok(Rect { x: left, y: top, size: Size::new(width, height) })
}

/// The item that holds the data of a picture: itself, or the first tile of a grid.
fn first_coded(meta: &Meta, item: u32) -> Result<u32> {
    match &meta.item(item)?.kind {
        b"grid" => {
            let tile = meta.to(b"dimg", item).first().copied();
            tile.ok_or_else(|| Error::input("the grid has no tiles"))
        }
        b"av01" | b"hvc1" | b"hev1" => Ok(item),
        b"iovl" => Err(Error::unsupported("a picture that is laid together from several (iovl)")),
        other => {
            Err(Error::unsupported(format!("pictures coded as {} cannot be read", name(*other))))
        }
    }
}

/// What the configuration of a decoder says.
#[derive(Clone, Copy)]
struct Coding {
    bit_depth: u8,
    is_gray: bool,
}

fn coding(meta: &Meta, item: u32) -> Result<Option<Coding>> {
    let properties = meta.properties(item)?;
    let config = properties.iter().find_map(|property| match property {
        Property::Config(kind, bytes) => Some((kind, bytes)),
        _ => None,
    });
    Ok(config.and_then(|(kind, bytes)| match kind {
        b"av1C" => bytes.get(2).map(|flags| Coding {
            bit_depth: if flags & 0x40 == 0 { 8 } else { 10 + (flags >> 4 & 2) },
            is_gray: flags & 0x10 != 0,
        }),
        _ => bytes
            .get(16..18)
            .map(|bytes| Coding { bit_depth: 8 + (bytes[1] & 7), is_gray: bytes[0] & 3 == 0 }),
    }))
}

/// The item that says it is alpha for this one.
fn alpha(meta: &Meta, item: u32) -> Result<Option<u32>> {
    for id in meta.from(b"auxl", item) {
        if meta.properties(id)?.contains(&&Property::Alpha) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

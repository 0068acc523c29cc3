//! Properties of items.

use native::av1::Cicp;

use super::boxes::{Fields, Kind};
use crate::Result;
use crate::image::Size;

/// What a property says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Property {
    /// The size of the coded picture.
    Size(Size),
    /// Quarter turns counter-clockwise.
    Turn(u8),
    /// Mirrored top to bottom (0) or left to right (1).
    Mirror(u8),
    /// The part that is shown: width, height and the distance of its middle, as fractions.
    Clean([i32; 8]),
    /// Channels and bits a sample.
    Depth(u8, u8),
    /// What the numbers mean, by code points.
    Cicp(Cicp),
    /// What the numbers mean, by an ICC profile.
    Icc(Vec<u8>),
    /// What the decoder needs: `av1C` or `hvcC`.
    Config(Kind, Vec<u8>),
    /// It is alpha for another picture.
    Alpha,
    /// It says nothing that pixels depend on.
    Harmless,
    /// Unknown.
    Other(Kind),
}

impl Property {
    /// Reads a property from its box.
    pub(super) fn read(kind: Kind, payload: &[u8]) -> Result<Self> {
        let mut fields = Fields(payload);
        Ok(match &kind {
            b"ispe" => {
                fields.version()?;
                Self::Size(Size::new(fields.u32()?, fields.u32()?))
            }
            b"irot" => Self::Turn(fields.u8()? & 3),
            b"imir" => Self::Mirror(fields.u8()? & 1),
            b"clap" => {
                let mut numbers = [0; 8];
                for number in &mut numbers {
                    *number = fields.i32()?;
                }
                Self::Clean(numbers)
            }
            b"pixi" => {
                fields.version()?;
                let channels = fields.u8()?;
                Self::Depth(
                    channels,
                    fields.bytes(channels.into())?.iter().copied().max().unwrap_or(8),
                )
            }
            b"colr" => color(fields)?,
            b"av1C" | b"hvcC" => Self::Config(kind, payload.to_vec()),
            b"auxC" => {
                fields.version()?;
                auxiliary(fields.0)
            }
            // Pixel shape and what HDR displays are told.
            b"pasp" | b"clli" | b"mdcv" | b"amve" | b"cclv" | b"a1lx" => Self::Harmless,
            _ => Self::Other(kind),
        })
    }
}

fn color(mut fields: Fields<'_>) -> Result<Property> {
    Ok(match &fields.kind()? {
        b"nclx" => {
            let mut point = || fields.u16().map(|point| u8::try_from(point).unwrap_or(2));
            let (primaries, transfer, matrix) = (point()?, point()?, point()?);
            let full_range = fields.u8()? & 0x80 != 0;
            Property::Cicp(Cicp { primaries, transfer, matrix, full_range })
        }
        b"prof" | b"rICC" => Property::Icc(fields.0.to_vec()),
        _ => Property::Harmless,
    })
}

const ALPHA: [&[u8]; 2] =
    [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

fn auxiliary(text: &[u8]) -> Property {
    let name = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if ALPHA.contains(&name) { Property::Alpha } else { Property::Harmless }
}

//! PSD and PSB, Photoshop's documents: the picture of all layers together, which Photoshop stores
//! beside them.

use super::jpeg::ink;
use super::prefix::Prefix;
use super::{lab, profile};
use crate::format::{DecodeRequest, Decoded, Format, Header, Sequence};
use crate::image::{Channels, ColorSpace, Packed, Pixels};
use crate::kernels::narrow;
use crate::metadata::Orientation;
use crate::{Error, Image, Limits, Result};

mod sections;

use sections::Sections;

/// PSD.
pub static PSD: Format = Format {
    name: "psd",
    aliases: &["psb"],
    title: "PSD",
    mime_type: "image/vnd.adobe.photoshop",
    sniff: |start| matches!(start.get(..6), Some(b"8BPS\0\x01" | b"8BPS\0\x02")),
    inspect: |limits| Prefix::start(sections::HEADER_LEN, header, limits),
    decode: Some(decode),
    alpha: true,
    bit_depths: &[8, 16],
    ..Format::PLAIN
};

/// What the samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bitmap,
    Gray,
    Indexed,
    Rgb,
    Inks,
    Lab,
}

impl Mode {
    fn from_number(number: u16) -> Result<Self> {
        Ok(match number {
            0 => Self::Bitmap,
            // A duotone is stored as gray, with notes for the press beside it.
            1 | 8 => Self::Gray,
            2 => Self::Indexed,
            3 => Self::Rgb,
            4 => Self::Inks,
            9 => Self::Lab,
            7 => return Err(Self::unread("of spot colors (multichannel)")),
            _ => return Err(Self::unread(&format!("of color mode {number}"))),
        })
    }

    fn unread(what: &str) -> Error {
        Error::unsupported(format!(
            "a PSD {what} cannot be read: bitmap, gray, duotone, indexed, RGB, CMYK and Lab can"
        ))
    }

    fn colors(self) -> usize {
        match self {
            Self::Bitmap | Self::Gray | Self::Indexed => 1,
            Self::Rgb | Self::Lab => 3,
            Self::Inks => 4,
        }
    }
}

fn header(bytes: &[u8], limits: &Limits) -> Result<Header> {
    let facts = sections::Facts::read(bytes, limits)?;
    Ok(Header {
        format: &PSD,
        size: facts.size,
        orientation: Orientation::Normal,
        frames: 1,
        sequence: Sequence::Still,
        // Further channels may be selections that were saved, which only the layers tell.
        has_alpha: facts.channels > facts.mode.colors() && facts.mode != Mode::Indexed,
        is_gray: matches!(facts.mode, Mode::Bitmap | Mode::Gray),
        bit_depth: facts.bits,
        is_lossy: false,
        is_guess: false,
    })
}

fn decode(file: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let sections = Sections::read(file, limits)?;
    let facts = &sections.facts;
    let colors = facts.mode.colors();
    let has_alpha = sections.has_alpha && facts.channels > colors;
    let count = colors + usize::from(has_alpha);
    let icc = sections.icc.map(<[u8]>::to_vec);
    let (pixels, color) = match facts.bits {
        16 => {
            let samples = sections.planes::<2, u16>(count, u16::from_be_bytes)?;
            from_wide(samples, facts, has_alpha, icc)
        }
        8 => {
            from_narrow(sections.planes::<1, u8>(count, |[byte]| byte)?, &sections, has_alpha, icc)?
        }
        _ => (
            Pixels::U8(Packed::new(facts.size, Channels::Gray, sections.bits()?)),
            ColorSpace::Srgb,
        ),
    };
    let metadata = sections.metadata();
    Ok(Decoded::full(Image { color, metadata, ..Image::still(pixels) }))
}

fn channels(mode: Mode, has_alpha: bool) -> Channels {
    match (mode, has_alpha) {
        (Mode::Bitmap | Mode::Gray, false) => Channels::Gray,
        (Mode::Bitmap | Mode::Gray, true) => Channels::GrayAlpha,
        (_, false) => Channels::Rgb,
        (_, true) => Channels::Rgba,
    }
}

type Meant = (Pixels, ColorSpace);

fn from_narrow(
    mut samples: Vec<u8>,
    sections: &Sections<'_>,
    has_alpha: bool,
    icc: Option<Vec<u8>>,
) -> Result<Meant> {
    let (size, mode) = (sections.facts.size, sections.facts.mode);
    let channels = channels(mode, has_alpha);
    let packed = |samples| Pixels::U8(Packed::new(size, channels, samples));
    Ok(match mode {
        Mode::Bitmap | Mode::Gray | Mode::Rgb => {
            if has_alpha {
                off_white(&mut samples, channels.count(), 255);
            }
            (packed(samples), profile::color_space(icc, channels.count() < 3))
        }
        Mode::Indexed => {
            let map = sections.color_map()?;
            let color = |index: &u8| [0, 1, 2].map(|plane| map[plane * 256 + usize::from(*index)]);
            let colors = samples.iter().flat_map(color).collect();
            let pixels = Pixels::U8(Packed::new(size, Channels::Rgb, colors));
            (pixels, profile::color_space(icc, false))
        }
        Mode::Inks => {
            let to_rgb = |inks: &[u8]| {
                let full: Vec<u8> = inks.iter().map(|ink| 255 - ink).collect();
                ink::to_srgb(&full, icc.as_deref())
            };
            let colors = super::tiff::with_alpha(&samples, 4, has_alpha, to_rgb);
            (packed(colors), ColorSpace::Srgb)
        }
        Mode::Lab => {
            let wide = narrow::widen(&samples);
            let to_rgb = |lab: &[u16]| lab::to_srgb(lab, 257.0);
            let colors = super::tiff::with_alpha(&wide, 3, has_alpha, to_rgb);
            (Pixels::U16(Packed::new(size, channels, colors)), ColorSpace::Srgb)
        }
    })
}

fn from_wide(
    mut samples: Vec<u16>,
    facts: &sections::Facts,
    has_alpha: bool,
    icc: Option<Vec<u8>>,
) -> Meant {
    let channels = channels(facts.mode, has_alpha);
    match facts.mode {
        Mode::Inks => {
            let narrow = narrow::narrow(&samples);
            let to_rgb = |inks: &[u8]| {
                let full: Vec<u8> = inks.iter().map(|ink| 255 - ink).collect();
                ink::to_srgb(&full, icc.as_deref())
            };
            let colors = super::tiff::with_alpha(&narrow, 4, has_alpha, to_rgb);
            (Pixels::U8(Packed::new(facts.size, channels, colors)), ColorSpace::Srgb)
        }
        Mode::Lab => {
            let to_rgb = |lab: &[u16]| lab::to_srgb(lab, 256.0);
            let colors = super::tiff::with_alpha(&samples, 3, has_alpha, to_rgb);
            (Pixels::U16(Packed::new(facts.size, channels, colors)), ColorSpace::Srgb)
        }
        Mode::Bitmap | Mode::Gray | Mode::Indexed | Mode::Rgb => {
            if has_alpha {
                off_white(&mut samples, channels.count(), 65_535);
            }
            let color = profile::color_space(icc, channels.count() < 3);
            (Pixels::U16(Packed::new(facts.size, channels, samples)), color)
        }
    }
}

/// Takes the white away that Photoshop lays the picture over before it stores it.
fn off_white<S: Copy + Into<u32> + TryFrom<u32>>(samples: &mut [S], count: usize, max: u32) {
    for pixel in samples.chunks_exact_mut(count) {
        let Some((alpha, colors)) = pixel.split_last_mut() else { continue };
        let alpha: u32 = (*alpha).into();
        if alpha == 0 || alpha == max {
            continue;
        }
        for color in colors {
            let own = u64::from((*color).into().saturating_sub(max - alpha));
            let value = ((own * u64::from(max) + u64::from(alpha) / 2) / u64::from(alpha)) as u32;
            *color = S::try_from(value.min(max)).unwrap_or(*color);
        }
    }
}

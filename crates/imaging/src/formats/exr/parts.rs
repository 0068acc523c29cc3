//! What the header of a part says, and which of its channels make a picture.

use crate::formats::bytes::Bytes;
use crate::image::Channels;
use crate::{Error, Limits, Result, Size};

/// A rectangle of pixels; its corner may be anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) size: Size,
}

impl Window {
    /// Of the first and the last pixel (a `box2i`).
    pub(super) fn read(value: &[u8]) -> Result<Self> {
        let mut bytes = Bytes::new(value, "OpenEXR");
        let mut next = || bytes.le32().map(u32::cast_signed);
        let (x, y, right, lower) = (next()?, next()?, next()?, next()?);
        let side = |from: i32, to: i32| {
            u32::try_from(i64::from(to) - i64::from(from) + 1)
                .map_err(|_| Error::input("the OpenEXR has a window without pixels"))
        };
        Ok(Self { x, y, size: Size::new(side(x, right)?, side(y, lower)?) })
    }

    fn meets(&self, other: &Self) -> bool {
        let meets = |a: i32, a_len: u32, b: i32, b_len: u32| {
            i64::from(a) < i64::from(b) + i64::from(b_len)
                && i64::from(b) < i64::from(a) + i64::from(a_len)
        };
        meets(self.x, self.size.width, other.x, other.size.width)
            && meets(self.y, self.size.height, other.y, other.size.height)
    }
}

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    /// A whole number of 32 bits.
    Uint,
    /// A floating-point number of 16 bits.
    Half,
    /// A floating-point number of 32 bits.
    Float,
}

impl Sample {
    pub(super) fn len(self) -> usize {
        if self == Self::Half { 2 } else { 4 }
    }
}

/// Samples of one kind.
#[derive(Debug)]
pub(super) struct Channel {
    name: String,
    pub(super) sample: Sample,
    /// Bytes a pixel of the channels before it.
    pub(super) before: usize,
    is_subsampled: bool,
}

/// A `chlist`.
pub(super) fn channels(value: &[u8]) -> Result<Vec<Channel>> {
    let mut bytes = Bytes::new(value, "OpenEXR");
    let mut channels = Vec::new();
    let mut before = 0;
    while !matches!(bytes.rest(), [] | [0, ..]) {
        let len = memchr::memchr(0, bytes.rest()).ok_or_else(|| bytes.ends_early())?;
        let name = String::from_utf8_lossy(bytes.take(len)?).into_owned();
        bytes.take(1)?;
        let sample = match bytes.le32()? {
            0 => Sample::Uint,
            1 => Sample::Half,
            2 => Sample::Float,
            _ => return Err(Error::input("the OpenEXR has a channel of an unknown type")),
        };
        bytes.take(4)?;
        let is_subsampled = (bytes.le32()?, bytes.le32()?) != (1, 1);
        channels.push(Channel { name, sample, before, is_subsampled });
        before += sample.len();
    }
    Ok(channels)
}

/// Bytes of a block that the decoder may have to hold: a whole picture of 64 megapixels in one
/// tile of RGBA is not more.
const BLOCK_BYTES_MAX: u64 = 1 << 30;

/// What the header of a part says.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) channels: Vec<Channel>,
    pub(super) compression: u8,
    /// Where there are pixels.
    pub(super) data: Window,
    /// What is to be seen.
    pub(super) display: Window,
    /// The size of tiles, where it has them.
    pub(super) tile: Option<Size>,
    pub(super) is_deep: bool,
    /// x and y of red, green, blue and white.
    pub(super) primaries: Option<[f32; 8]>,
}

impl Part {
    /// The window that becomes the picture: what is to be seen, or the data where they lie beside
    /// it.
    pub(super) fn shown(&self) -> Window {
        if self.display.meets(&self.data) { self.display } else { self.data }
    }

    pub(super) fn bytes_per_pixel(&self) -> usize {
        self.channels.iter().map(|channel| channel.sample.len()).sum()
    }

    pub(super) fn is_lossy(&self) -> bool {
        // B44, B44A, DWAA, DWAB; what PXR24 rounds is finer than any picture.
        matches!(self.compression, 6..=9)
    }

    /// Refuses what takes more memory than it may, whether it is the picture or stands beside it.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        limits.check_size(self.data.size)?;
        limits.check_size(self.shown().size)?;
        let lines: u64 = match self.compression {
            0..=2 => 1,
            3 | 5 => 16,
            4 | 6..=8 => 32,
            9 => 256,
            _ => {
                let message = "an OpenEXR compressed by JPEG 2000 (HTJ2K) is not supported";
                return Err(Error::unsupported(message));
            }
        };
        let pixels = match self.tile {
            Some(tile) => tile.area(),
            None => u64::from(self.data.size.width) * lines,
        };
        if pixels.saturating_mul(self.bytes_per_pixel() as u64) > BLOCK_BYTES_MAX {
            return Err(Error::limit(format!(
                "the OpenEXR has blocks of more than {} MB",
                BLOCK_BYTES_MAX >> 20
            )));
        }
        Ok(())
    }

    /// The channels that make a picture, or why there are none.
    pub(super) fn picture(&self) -> Result<Picture> {
        if self.is_deep {
            return Err(Error::unsupported(
                "the OpenEXR holds deep data (several samples a pixel): flatten it first",
            ));
        }
        // Those without a layer come first, then the first layer that has any.
        let layers = self.channels.iter().map(|channel| layer(&channel.name).0);
        let picture = std::iter::once("").chain(layers).find_map(|layer| self.in_layer(layer));
        let Some(picture) = picture else {
            let names: Vec<&str> =
                self.channels.iter().take(8).map(|channel| &*channel.name).collect();
            return Err(Error::unsupported(format!(
                "the OpenEXR has no channels of color (R, G, B or Y), only {}",
                names.join(", ")
            )));
        };
        // The samples of all channels are stored together.
        if self.channels.iter().any(|channel| channel.is_subsampled) {
            return Err(Error::unsupported(
                "an OpenEXR with subsampled channels (luminance and chroma) is not supported",
            ));
        }
        Ok(picture)
    }

    fn in_layer(&self, wanted: &str) -> Option<Picture> {
        let find = |name: &str| {
            self.channels.iter().position(|channel| layer(&channel.name) == (wanted, name))
        };
        let colors = ["R", "G", "B"].map(find);
        let alpha = find("A");
        if colors.iter().any(Option::is_some) {
            return Some(Picture { colors, alpha, is_gray: false });
        }
        let luminance = find("Y")?;
        Some(Picture { colors: [Some(luminance), None, None], alpha, is_gray: true })
    }
}

/// The layer that a name begins with, which may be empty, and the name in it.
fn layer(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// The channels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// Red, green and blue, or luminance alone.
    pub(super) colors: [Option<usize>; 3],
    pub(super) alpha: Option<usize>,
    pub(super) is_gray: bool,
}

impl Picture {
    pub(super) fn channels(&self) -> Channels {
        match (self.is_gray, self.alpha.is_some()) {
            (true, false) => Channels::Gray,
            (true, true) => Channels::GrayAlpha,
            (false, false) => Channels::Rgb,
            (false, true) => Channels::Rgba,
        }
    }
}

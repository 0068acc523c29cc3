//! From the bytes of a file to its primary picture.

use std::borrow::Cow;

use native::av1::{self, Layout, Planes};

use super::boxes::{Fields, Kind, boxes};
use super::meta::Meta;
use super::picture::{Picture, size};
use super::properties::Property;
use super::{hevc, samples};
use crate::format::{DecodeRequest, Decoded, LeftOut};
use crate::formats::{code_points, pq_hlg, profile};
use crate::image::{Channels, ColorSpace, Scalar, Size};
use crate::kernels::canvas;
use crate::metadata::{Metadata, exif};
use crate::{Error, Image, Limits, Result};

/// The primary picture of a file.
pub(in crate::formats) fn decode(
    bytes: &[u8],
    request: &DecodeRequest,
    limits: &Limits,
) -> Result<Decoded> {
    let file = File::open(bytes, limits)?;
    let picture = Picture::of(&file.meta, limits)?;
    let mut coded = file.picture(picture.item)?;
    check_same(picture.coded, &coded)?;
    let colors = file.colors(picture.item)?;
    if let Some(cicp) = colors.cicp {
        coded.cicp = cicp;
    }
    let alpha = picture.alpha.map(|alpha| file.picture(alpha)).transpose()?;
    if let Some(alpha) = &alpha {
        check_same(picture.coded, alpha)?;
    }
    let is_gray = coded.layout == Layout::Gray;
    let cicp = coded.cicp;
    let is_premultiplied =
        picture.alpha.is_some_and(|alpha| file.meta.to(b"prem", picture.item).contains(&alpha));
    let keep_planes = request.planes && picture.part.size == picture.coded && alpha.is_none();
    let mut pixels = samples::to_pixels(coded, alpha, is_premultiplied, keep_planes)?;
    if picture.part.size != picture.coded {
        pixels = canvas::crop(&pixels, picture.part)?;
    }
    let is_hdr = colors.icc.is_none() && code_points::is_known(cicp) && pq_hlg::is_hdr(cicp);
    let color = match colors.icc {
        Some(icc) => profile::color_space(Some(icc), is_gray),
        None if is_hdr => {
            pixels = pq_hlg::to_sdr(pixels, cicp)?;
            ColorSpace::Srgb
        }
        None => code_points::color_space(cicp, is_gray).unwrap_or(ColorSpace::Srgb),
    };
    debug_assert!(is_gray == matches!(pixels.channels(), Channels::Gray | Channels::GrayAlpha));
    let metadata = Metadata { colors_changed: is_hdr, ..file.metadata(picture.item)? };
    let decoded = Decoded::full(Image { color, metadata, ..Image::still(pixels) });
    Ok(Decoded { left_out: has_frames(bytes).then(frames_left_out), ..decoded })
}

/// Whether the file holds a sequence of frames beside its picture (a `moov` box, ISO/IEC 14496-12).
fn has_frames(bytes: &[u8]) -> bool {
    boxes(bytes).map_while(Result::ok).any(|(kind, _)| kind == *b"moov")
}

fn frames_left_out() -> LeftOut {
    let message = "the file holds frames beside its picture, which are not read: the picture is";
    ("animation_dropped", message.to_owned())
}

fn check_same(size: Size, coded: &av1::Picture) -> Result<()> {
    let seen = Size::new(coded.width, coded.height);
    if seen == size {
        return Ok(());
    }
    Err(Error::input(format!("the container says {size}, but the coded picture is {seen}")))
}

/// What is said about the meaning of samples.
struct Colors {
    cicp: Option<av1::Cicp>,
    icc: Option<Vec<u8>>,
}

struct File<'a> {
    bytes: &'a [u8],
    meta: Meta,
    idat: &'a [u8],
    limits: &'a Limits,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8], limits: &'a Limits) -> Result<Self> {
        for entry in boxes(bytes) {
            let (kind, payload) = entry?;
            if &kind == b"meta" {
                return Self::read(bytes, payload.get(4..).unwrap_or_default(), limits);
            }
        }
        Err(Error::input("the file ends before its header does"))
    }

    fn read(bytes: &'a [u8], meta: &'a [u8], limits: &'a Limits) -> Result<Self> {
        let mut file = Self { bytes, meta: Meta::default(), idat: &[], limits };
        for entry in boxes(meta) {
            let (kind, payload) = entry?;
            match &kind {
                b"idat" => file.idat = payload,
                b"iprp" => file.read_properties(payload)?,
                _ => file.meta.take(kind, payload)?,
            }
        }
        Ok(file)
    }

    fn read_properties(&mut self, payload: &[u8]) -> Result<()> {
        for entry in boxes(payload) {
            let (kind, payload) = entry?;
            if &kind != b"ipco" {
                self.meta.take(kind, payload)?;
                continue;
            }
            for property in boxes(payload) {
                let (kind, payload) = property?;
                self.meta.take_property(kind, payload)?;
            }
        }
        Ok(())
    }

    /// The bytes of an item.
    fn data(&self, id: u32) -> Result<Cow<'a, [u8]>> {
        let location = self.meta.locations.get(&id);
        let location = location.ok_or_else(|| {
            Error::input(format!("the container does not say where item {id} is"))
        })?;
        let source = match location.method {
            0 => self.bytes,
            1 => self.idat,
            _ => return Err(Error::unsupported("an item that is cut out of another item")),
        };
        let early = || Error::input(format!("the file ends before the data of item {id}"));
        let extent = |(offset, len): (u64, u64)| {
            let offset = usize::try_from(offset).ok()?;
            let len = usize::try_from(len).ok()?;
            let rest = source.get(offset..)?;
            if len == 0 { Some(rest) } else { rest.get(..len) }
        };
        if let [only] = location.extents[..] {
            return extent(only).map(Cow::Borrowed).ok_or_else(early);
        }
        let mut data = Vec::new();
        for &piece in &location.extents {
            data.extend_from_slice(extent(piece).ok_or_else(early)?);
            // Pieces that overlap would let a small file stand for any amount of data.
            if data.len() > source.len() {
                return Err(Error::input(format!("item {id} is longer than the file")));
            }
        }
        Ok(Cow::Owned(data))
    }

    /// What is said about the colors of an item, or of its first tile.
    fn colors(&self, item: u32) -> Result<Colors> {
        let mut colors = Colors { cicp: None, icc: None };
        let tile = self.meta.to(b"dimg", item).first().copied();
        for id in std::iter::once(item).chain(tile) {
            for property in self.meta.properties(id)? {
                match property {
                    Property::Cicp(cicp) if colors.cicp.is_none() => colors.cicp = Some(*cicp),
                    Property::Icc(icc) if colors.icc.is_none() => colors.icc = Some(icc.clone()),
                    _ => {}
                }
            }
        }
        Ok(colors)
    }

    fn metadata(&self, picture: u32) -> Result<Metadata> {
        let mut metadata = Metadata::default();
        for id in self.meta.from(b"cdsc", picture) {
            let item = self.meta.item(id)?;
            if &item.kind == b"Exif" && metadata.exif.is_none() {
                // The start of the TIFF header, counted from here.
                let data = self.data(id)?;
                let mut fields = Fields(&data);
                let start = fields.u32()? as usize;
                metadata.exif = fields.0.get(start..).map(<[u8]>::to_vec);
            } else if item.media == b"application/rdf+xml" {
                metadata.xmp = Some(self.data(id)?.into_owned());
            }
        }
        metadata.dpi = metadata.exif.as_deref().and_then(exif::dpi);
        Ok(metadata)
    }

    /// The planes of an item: coded, or laid together from tiles.
    fn picture(&self, id: u32) -> Result<av1::Picture> {
        if &self.meta.item(id)?.kind == b"grid" { self.grid(id) } else { self.coded(id) }
    }

    fn coded(&self, id: u32) -> Result<av1::Picture> {
        let properties = self.meta.properties(id)?;
        let size = size(&properties)?;
        self.limits.check_size(size)?;
        let data = self.data(id)?;
        let pixels_max = u32::try_from(size.area()).unwrap_or(u32::MAX);
        match &self.meta.item(id)?.kind {
            b"av01" => av1::decode(&data, pixels_max)
                .map_err(|error| crate::formats::native_error("the AV1 picture", error)),
            b"hvc1" | b"hev1" => {
                let config = properties.iter().find_map(|property| match property {
                    Property::Config([b'h', ..], config) => Some(config),
                    _ => None,
                });
                let config = config
                    .ok_or_else(|| Error::input("the HEVC picture has no configuration (hvcC)"))?;
                hevc::decode(&data, config, size, self.limits)
            }
            other => Err(unreadable(*other)),
        }
    }

    fn grid(&self, id: u32) -> Result<av1::Picture> {
        let grid = Grid::read(&self.data(id)?)?;
        self.limits.check_size(grid.size)?;
        let tiles = self.meta.to(b"dimg", id);
        if tiles.len() != grid.rows * grid.columns {
            return Err(Error::input(format!(
                "a grid of {}×{} has {} tiles",
                grid.columns,
                grid.rows,
                tiles.len()
            )));
        }
        let tile_size = size(&self.meta.properties(tiles[0])?)?;
        grid.check_tiles(tile_size)?;
        let mut whole: Option<av1::Picture> = None;
        for (index, tile) in tiles.iter().enumerate() {
            let tile = self.coded(*tile)?;
            check_same(tile_size, &tile)?;
            let whole = match &mut whole {
                Some(whole) => whole,
                None => whole.insert(grid.canvas(&tile)?),
            };
            if (tile.layout, tile.bit_depth) != (whole.layout, whole.bit_depth) {
                return Err(Error::input("the tiles of the grid are not of one kind"));
            }
            grid.paste(whole, &tile, index)?;
        }
        whole.ok_or_else(|| Error::input("the grid has no tiles"))
    }
}

fn unreadable(kind: Kind) -> Error {
    let name = super::boxes::name(kind);
    Error::unsupported(format!("pictures coded as {name} cannot be read"))
}

/// A picture that is laid together from tiles of one size (ISO/IEC 23008-12, 6.6.2.3).
struct Grid {
    rows: usize,
    columns: usize,
    size: Size,
}

impl Grid {
    fn read(data: &[u8]) -> Result<Self> {
        let mut fields = Fields(data);
        fields.u8()?;
        let wide = fields.u8()? & 1 != 0;
        let (rows, columns) = (usize::from(fields.u8()?) + 1, usize::from(fields.u8()?) + 1);
        let size = Size::new(fields.item(wide)?, fields.item(wide)?);
        Ok(Self { rows, columns, size })
    }

    /// Tiles must cover the picture, each of them some of it: so the work is bounded by its size.
    fn check_tiles(&self, tile: Size) -> Result<()> {
        let fits = |tile: u32, count: usize, whole: u32| {
            let (tile, count) = (u64::from(tile), count as u64);
            tile * count >= whole.into() && tile * (count - 1) < whole.into()
        };
        if fits(tile.width, self.columns, self.size.width)
            && fits(tile.height, self.rows, self.size.height)
        {
            return Ok(());
        }
        Err(Error::input(format!(
            "{}×{} tiles of {tile} do not make a grid of {}",
            self.columns, self.rows, self.size
        )))
    }

    /// A picture like a tile, of the size of the whole, with nothing in it yet.
    fn canvas(&self, tile: &av1::Picture) -> Result<av1::Picture> {
        let (across, down) = tile.layout.factors();
        if tile.layout != Layout::Gray
            && ((self.columns > 1 && !tile.width.is_multiple_of(across))
                || (self.rows > 1 && !tile.height.is_multiple_of(down)))
        {
            return Err(Error::unsupported("a grid whose tiles cut chroma samples in half"));
        }
        let mut whole = av1::Picture {
            width: self.size.width,
            height: self.size.height,
            planes: Planes::U8(Vec::new()),
            ..*tile
        };
        let len = |index: usize| {
            let (width, height) = whole.plane_size(index);
            width as u64 * height as u64
        };
        whole.planes = match &tile.planes {
            Planes::U8(planes) => Planes::U8(zeroed(planes.len(), len)?),
            Planes::U16(planes) => Planes::U16(zeroed(planes.len(), len)?),
        };
        Ok(whole)
    }

    fn paste(&self, whole: &mut av1::Picture, tile: &av1::Picture, index: usize) -> Result<()> {
        let (row, column) = (index / self.columns, index % self.columns);
        let count = if tile.layout == Layout::Gray { 1 } else { 3 };
        for plane in 0..count {
            let from = tile.plane_size(plane);
            let to = whole.plane_size(plane);
            let at = (column * from.0, row * from.1);
            match (&mut whole.planes, &tile.planes) {
                (Planes::U8(to_planes), Planes::U8(planes)) => {
                    copy((&mut to_planes[plane], to), (&planes[plane], from), at);
                }
                (Planes::U16(to_planes), Planes::U16(planes)) => {
                    copy((&mut to_planes[plane], to), (&planes[plane], from), at);
                }
                _ => return Err(Error::input("the tiles of the grid are not of one kind")),
            }
        }
        Ok(())
    }
}

fn zeroed<S: Scalar>(count: usize, len: impl Fn(usize) -> u64) -> Result<Vec<Vec<S>>> {
    (0..count).map(|index| crate::image::zeroed(len(index))).collect()
}

/// Width and height of a plane.
type PlaneSize = (usize, usize);

/// Copies a plane into a larger one at a place, as far as it reaches.
fn copy<S: Copy>(
    (to, to_size): (&mut [S], PlaneSize),
    (from, from_size): (&[S], PlaneSize),
    (x, y): (usize, usize),
) {
    let width = from_size.0.min(to_size.0.saturating_sub(x));
    let height = from_size.1.min(to_size.1.saturating_sub(y));
    for row in 0..height {
        let target = &mut to[(y + row) * to_size.0 + x..][..width];
        target.copy_from_slice(&from[row * from_size.0..][..width]);
    }
}

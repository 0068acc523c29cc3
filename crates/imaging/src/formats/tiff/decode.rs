//! From a directory to an image.

use super::chunk::{Codec, Grid};
use super::color::{Samples, interpret};
use super::directory::Directory;
use super::facts::{
    ARTIST, COPYRIGHT, Facts, PREDICTOR, Photometric, RESOLUTION_UNIT, X_RESOLUTION, XMP,
    Y_RESOLUTION, YCC_SUBSAMPLING,
};
use super::jpeg;
use super::samples::Rows;
use crate::image::{Scalar, Size, zeroed};
use crate::metadata::{Metadata, exif};
use crate::{Error, Image, Limits, Result};

const CENTIMETERS: u64 = 3;

/// The image of a directory.
pub(super) fn image(file: &[u8], directory: &Directory<'_>, limits: &Limits) -> Result<Image> {
    let mut facts = Facts::read(directory, limits)?;
    let samples = samples(file, directory, &mut facts, limits)?;
    let (pixels, color) = interpret(samples, &facts, directory)?;
    let colors_changed =
        matches!(facts.photometric, Photometric::Inks | Photometric::Lab | Photometric::IccLab);
    let metadata = Metadata { colors_changed, ..metadata(directory) };
    Ok(Image { color, metadata, ..Image::still(pixels) })
}

fn metadata(directory: &Directory<'_>) -> Metadata {
    let fields: Vec<(u16, &[u8])> = [ARTIST, COPYRIGHT]
        .into_iter()
        .filter_map(|tag| directory.text(tag).map(|text| (tag, text)))
        .collect();
    let resolution = |tag| directory.rationals(tag).first().copied();
    let unit = match directory.number(RESOLUTION_UNIT).unwrap_or(2) {
        2 => Some(1.0),
        CENTIMETERS => Some(2.54),
        _ => None,
    };
    let dpi = resolution(X_RESOLUTION)
        .zip(resolution(Y_RESOLUTION))
        .zip(unit)
        .map(|((x, y), unit)| (x * unit, y * unit))
        .filter(|(x, y)| x.is_finite() && y.is_finite() && *x > 0.0 && *y > 0.0);
    Metadata {
        exif: (!fields.is_empty()).then(|| exif::write(&fields)),
        xmp: directory.bytes(XMP).map(<[u8]>::to_vec),
        dpi,
        ..Metadata::default()
    }
}

/// The samples that are kept of each pixel: the colors, and the alpha.
struct Kept {
    indices: Vec<usize>,
}

impl Kept {
    fn of(facts: &Facts) -> Self {
        let colors = 0..facts.photometric.colors();
        Self { indices: colors.chain(facts.alpha.map(|(index, _)| index)).collect() }
    }
}

fn samples(
    file: &[u8],
    directory: &Directory<'_>,
    facts: &mut Facts,
    limits: &Limits,
) -> Result<Samples> {
    let kept = Kept::of(facts);
    let len = facts.size.area() * kept.indices.len() as u64;
    if matches!(facts.compression, 6 | 7) {
        if facts.bits != 8 {
            let message = format!("JPEG strips of {} bits are not supported", facts.bits);
            return Err(Error::unsupported(message));
        }
        let mut canvas = Canvas { out: zeroed::<u8>(len)?, size: facts.size, kept };
        canvas.jpeg(file, directory, facts, limits)?;
        if facts.photometric == Photometric::Ycc {
            facts.photometric = Photometric::Rgb;
        }
        return Ok(Samples::Narrow(canvas.out));
    }
    let rows = Rows::new(directory.order, facts, directory.number(PREDICTOR).unwrap_or(1))?;
    let subsampling = subsampling(directory, facts)?;
    if facts.bits <= 8 {
        let mut canvas = Canvas { out: zeroed::<u8>(len)?, size: facts.size, kept };
        let source = Source { file, codec: Codec::of(directory, facts), subsampling };
        let unpack = |row: &mut [u8], out: &mut [u8]| rows.narrow(row, out);
        canvas.fill(&source, &Grid::read(directory, facts)?, &rows, unpack)?;
        Ok(Samples::Narrow(canvas.out))
    } else {
        let mut canvas = Canvas { out: zeroed::<u16>(len)?, size: facts.size, kept };
        let source = Source { file, codec: Codec::of(directory, facts), subsampling: None };
        let unpack = |row: &mut [u8], out: &mut [u16]| rows.wide(row, out);
        canvas.fill(&source, &Grid::read(directory, facts)?, &rows, unpack)?;
        Ok(Samples::Wide(canvas.out))
    }
}

/// How chroma is subsampled where it is, which changes how samples are laid out.
fn subsampling(directory: &Directory<'_>, facts: &Facts) -> Result<Option<(usize, usize)>> {
    if facts.photometric != Photometric::Ycc || facts.is_planar {
        return Ok(None);
    }
    let factors = directory.numbers(YCC_SUBSAMPLING).unwrap_or_else(|| vec![2, 2]);
    match factors[..] {
        [1, 1] => Ok(None),
        [x @ (1 | 2 | 4), y @ (1 | 2 | 4)] if facts.bits == 8 && facts.samples == 3 => {
            Ok(Some((x as usize, y as usize)))
        }
        _ => Err(Error::unsupported("this subsampling of a TIFF is not supported")),
    }
}

/// Where chunks come from.
struct Source<'a> {
    file: &'a [u8],
    codec: Codec,
    subsampling: Option<(usize, usize)>,
}

/// The samples of the whole image, which chunks are copied into.
struct Canvas<S> {
    out: Vec<S>,
    size: Size,
    kept: Kept,
}

/// Where in the image a chunk lies.
struct Place {
    x: usize,
    y: usize,
    columns: usize,
    rows: usize,
    plane: usize,
}

impl<S: Scalar> Canvas<S> {
    fn places(&self, grid: &Grid, planes: usize) -> impl Iterator<Item = Place> + use<S> {
        let (size, chunk) = (self.size, grid.chunk);
        let (across, down) = (grid.across, grid.down);
        let places = move |plane| {
            (0..down).flat_map(move |row| (0..across).map(move |column| (plane, row, column)))
        };
        (0..planes).flat_map(places).map(move |(plane, row, column)| {
            let (x, y) = (column * chunk.width, row * chunk.height);
            Place {
                x: x as usize,
                y: y as usize,
                columns: chunk.width.min(size.width - x) as usize,
                rows: chunk.height.min(size.height - y) as usize,
                plane,
            }
        })
    }

    /// Copies what is kept of a row of a chunk; `samples` of them make a pixel there.
    fn put(&mut self, place: &Place, row: usize, (source, samples): (&[S], usize)) {
        let count = self.kept.indices.len();
        let start = ((place.y + row) * self.size.width as usize + place.x) * count;
        let target = &mut self.out[start..start + place.columns * count];
        if samples == 1 {
            // A plane, or the one sample of gray: to the places where it is kept.
            for (at, index) in self.kept.indices.iter().enumerate() {
                if *index == place.plane {
                    let places = target.iter_mut().skip(at).step_by(count);
                    places.zip(source).for_each(|(target, sample)| *target = *sample);
                }
            }
        } else if samples == count {
            target.copy_from_slice(&source[..target.len()]);
        } else {
            let pixels = target.chunks_exact_mut(count).zip(source.chunks_exact(samples));
            for (target, pixel) in pixels {
                for (sample, index) in target.iter_mut().zip(&self.kept.indices) {
                    *sample = pixel[*index];
                }
            }
        }
    }

    fn fill(
        &mut self,
        source: &Source<'_>,
        grid: &Grid,
        rows: &Rows,
        unpack: impl Fn(&mut [u8], &mut [S]),
    ) -> Result<()> {
        let planes = if rows.samples == 1 { self.planes() } else { 1 };
        let width = grid.chunk.width as usize;
        let row_len = rows.len(width);
        let mut line = zeroed::<S>((width * rows.samples) as u64)?;
        for (index, place) in self.places(grid, planes).enumerate() {
            if rows.samples == 1 && !self.kept.indices.contains(&place.plane) {
                continue;
            }
            let len = match source.subsampling {
                Some((x, y)) => width.div_ceil(x) * place.rows.div_ceil(y) * (x * y + 2),
                None => row_len * place.rows,
            };
            let stored = grid.stored(source.file, index, len)?;
            let mut bytes = source.codec.unpack(stored, len, (width, place.rows))?;
            if let Some(factors) = source.subsampling {
                bytes = spread(&bytes, (width, place.rows), factors)?;
            }
            for (row, bytes) in bytes.chunks_exact_mut(row_len).take(place.rows).enumerate() {
                unpack(bytes, &mut line);
                self.put(&place, row, (&line, rows.samples));
            }
        }
        Ok(())
    }

    /// The planes that have to be walked for those that are kept.
    fn planes(&self) -> usize {
        self.kept.indices.last().map_or(1, |last| last + 1)
    }
}

impl Canvas<u8> {
    fn jpeg(
        &mut self,
        file: &[u8],
        directory: &Directory<'_>,
        facts: &Facts,
        limits: &Limits,
    ) -> Result<()> {
        if facts.compression == 6 {
            let stream = jpeg::whole(file, directory)?;
            let Size { width, height } = self.size;
            let decoded = jpeg::decode(stream, directory, facts, (self.size, limits))?;
            let (columns, rows) = (width as usize, height as usize);
            return self.put_jpeg(&Place { x: 0, y: 0, columns, rows, plane: 0 }, facts, &decoded);
        }
        let grid = Grid::read(directory, facts)?;
        let planes = if facts.is_planar { self.planes() } else { 1 };
        for (index, place) in self.places(&grid, planes).enumerate() {
            if facts.is_planar && !self.kept.indices.contains(&place.plane) {
                continue;
            }
            let stored = grid.stored(file, index, 0)?;
            let decoded = jpeg::decode(stored, directory, facts, (grid.chunk, limits))?;
            self.put_jpeg(&place, facts, &decoded)?;
        }
        Ok(())
    }

    fn put_jpeg(&mut self, place: &Place, facts: &Facts, decoded: &jpeg::Decoded) -> Result<()> {
        let Size { width, height } = decoded.size;
        let count = if facts.is_planar { 1 } else { facts.samples };
        let fits = place.columns <= width as usize && place.rows <= height as usize;
        if decoded.count != count || !fits {
            return Err(Error::input("a JPEG strip of the TIFF is not what the TIFF says of it"));
        }
        let rows = decoded.samples.chunks_exact(width as usize * count);
        for (row, samples) in rows.take(place.rows).enumerate() {
            self.put(place, row, (samples, count));
        }
        Ok(())
    }
}

/// Units of luma samples with one pair of chroma samples (TIFF 6.0, section 21) as whole pixels.
fn spread(
    units: &[u8],
    (width, rows): (usize, usize),
    (x_factor, y_factor): (usize, usize),
) -> Result<Vec<u8>> {
    let mut out = zeroed::<u8>((width * rows * 3) as u64)?;
    let across = width.div_ceil(x_factor);
    let len = x_factor * y_factor;
    for (index, unit) in units.chunks_exact(len + 2).enumerate() {
        let (left, top) = (index % across * x_factor, index / across * y_factor);
        for (at, luma) in unit[..len].iter().enumerate() {
            let (x, y) = (left + at % x_factor, top + at / x_factor);
            if x < width && y < rows {
                out[(y * width + x) * 3..][..3].copy_from_slice(&[*luma, unit[len], unit[len + 1]]);
            }
        }
    }
    Ok(out)
}

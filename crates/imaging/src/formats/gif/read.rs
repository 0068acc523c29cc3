//! Whole pictures from the frames of a GIF, each of which may change only a part.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, DisposalMethod, MemoryLimit, Repeat};

use super::inspect;
use crate::format::{self, Track};
use crate::formats::composite::{Canvas, Disposal, Place};
use crate::formats::profile;
use crate::image::{Frame, Pixels, Size};
use crate::metadata::Metadata;
use crate::{Error, Limits, Result};

/// What the decoder may hold of profile and XMP.
const METADATA_BYTES: NonZeroU64 = NonZeroU64::new(16 << 20).expect("it is not zero");

/// The frames of a file.
pub(super) fn track<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Track<'a>> {
    let (header, clears) = inspect::whole(bytes, limits)?;
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Bytes(METADATA_BYTES));
    options.allow_unknown_blocks(true);
    let reader = options.read_info(bytes).map_err(damage)?;
    let mut frames = Frames { reader, canvas: Canvas::new(header.size)?, has_alpha: true };
    let delay = frames.compose()?;
    // What is opaque after the first frame stays so, unless a frame clears its place.
    frames.has_alpha = clears || !frames.canvas.is_opaque();
    let mut first = Some(frames.shown(delay));
    let reader = &frames.reader;
    Ok(Track {
        size: header.size,
        count: header.frames,
        loop_count: plays(reader.repeat()),
        color: profile::color_space(reader.icc_profile().map(<[u8]>::to_vec), false),
        metadata: Metadata {
            xmp: reader.xmp_metadata().map(<[u8]>::to_vec),
            ..Metadata::default()
        },
        frames: format::frames(header.frames, move || {
            first.take().unwrap_or_else(|| frames.frame())
        }),
    })
}

/// The file says how often it plays again after the first time, if it does.
fn plays(repeat: Repeat) -> u32 {
    match repeat {
        Repeat::Infinite => 0,
        Repeat::Finite(again) => u32::from(again) + 1,
    }
}

struct Frames<'a> {
    reader: gif::Decoder<&'a [u8]>,
    canvas: Canvas,
    has_alpha: bool,
}

impl Frames<'_> {
    fn frame(&mut self) -> Result<Frame> {
        let delay = self.compose()?;
        self.shown(delay)
    }

    /// Brings the canvas to the next frame and says how long that is shown, in hundredths of a
    /// second.
    fn compose(&mut self) -> Result<u16> {
        let frame = self.reader.next_frame_info().map_err(damage)?;
        let frame = frame.ok_or_else(ends_early)?;
        let (delay, interlaced, transparent) = (frame.delay, frame.interlaced, frame.transparent);
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        let place = Place::inside(
            self.canvas.size(),
            (frame.left.into(), frame.top.into()),
            Size::new(frame.width.into(), frame.height.into()),
        );
        let disposal = match frame.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Disposal::Keep,
            DisposalMethod::Background => Disposal::Clear,
            DisposalMethod::Previous => Disposal::Restore,
        };
        self.canvas.begin(place, disposal);
        let colors = colors(self.reader.palette().map_err(damage)?, transparent);
        let mut row = vec![0; width];
        for y in rows_as_stored(height, interlaced).take(if width == 0 { 0 } else { height }) {
            if !self.reader.fill_buffer(&mut row).map_err(damage)? {
                return Err(ends_early());
            }
            for (pixel, index) in self.canvas.row(place, y).into_iter().flatten().zip(&row) {
                let color = colors[usize::from(*index)];
                if color[3] != 0 {
                    *pixel = color;
                }
            }
        }
        Ok(delay)
    }

    /// The picture that is shown for so many hundredths of a second.
    fn shown(&self, delay: u16) -> Result<Frame> {
        let pixels = Pixels::U8(self.canvas.copy(self.has_alpha)?);
        Ok(Frame { pixels, delay_ms: u32::from(delay) * 10 })
    }
}

/// RGBA by index; what the palette does not have is transparent.
fn colors(palette: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut colors = [[0; 4]; 256];
    for (color, [r, g, b]) in colors.iter_mut().zip(palette.as_chunks::<3>().0) {
        *color = [*r, *g, *b, 255];
    }
    if let Some(index) = transparent {
        colors[usize::from(index)] = [0; 4];
    }
    colors
}

/// The rows in the order in which they are stored: interlaced ones come in four passes.
fn rows_as_stored(height: usize, interlaced: bool) -> impl Iterator<Item = usize> {
    let passes: &[(usize, usize)] =
        if interlaced { &[(0, 8), (4, 8), (2, 4), (1, 2)] } else { &[(0, 1)] };
    passes.iter().flat_map(move |(start, step)| (*start..height).step_by(*step))
}

fn ends_early() -> Error {
    Error::input("the GIF ends early")
}

fn damage(error: DecodingError) -> Error {
    match error {
        DecodingError::UnexpectedEof => ends_early(),
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            ends_early()
        }
        DecodingError::MemoryLimit | DecodingError::OutOfMemory => {
            Error::limit("the GIF needs more memory than it may have")
        }
        error => Error::input(format!("the GIF is damaged: {error}")),
    }
}

//! A GIF from whole pictures: each frame holds only what changes.
//!
//! A frame can be drawn over the canvas but can make nothing transparent again; only the frame
//! before can, by having its place cleared when its time is over. So each frame is held back until
//! the next is known.

use gif::{DisposalMethod, Encoder, EncodingError, Repeat};

use super::rewrite;
use crate::formats::difference::{self, bounds};
use crate::image::{self, Channels, Frame, Packed, Pixels, Size};
use crate::kernels::canvas;
use crate::kernels::palette::{self, COLORS_MAX, Histogram, Palette, Rgb, dither};
use crate::metadata::Metadata;
use crate::output::Output;
use crate::stage::Rect;
use crate::{Error, Result};

/// Alpha from which on a pixel is there.
const ALPHA_MIN: u8 = 128;
/// A pixel that differs by no more than this in any channel from what is shown stays: less than
/// the steps of a palette.
const SAME: u8 = 2;

const CLEAR: [u8; 4] = [0; 4];

/// A file that is being written.
pub(super) struct Writer {
    size: Size,
    plays: u32,
    is_animated: bool,
    colors_max: usize,
    rounds: u8,
    /// The first frame's table, which others share where they can.
    global: Vec<u8>,
    file: Option<Encoder<Vec<u8>>>,
    /// The pixels as they were wanted when they were drawn, opaque or clear.
    shown: Vec<[u8; 4]>,
    palette: Option<Palette>,
    held: Option<Drawn>,
    clock: Clock,
    metadata_at: usize,
}

/// A frame as it will be written.
struct Drawn {
    place: Rect,
    indices: Vec<u8>,
    /// The index that leaves the canvas as it is.
    blank: Option<u8>,
    table: Vec<u8>,
    /// Its place is cleared after it.
    clears: bool,
    delay: u16,
}

/// Delays in hundredths of a second whose sum is right, whatever each of them loses.
#[derive(Default)]
struct Clock {
    wanted_ms: u64,
    told: u64,
}

impl Clock {
    fn tick(&mut self, delay_ms: u32) -> u16 {
        self.wanted_ms += u64::from(delay_ms);
        let end = (self.wanted_ms + 5) / 10;
        let delay = end - self.told;
        self.told = end;
        u16::try_from(delay).unwrap_or(u16::MAX)
    }
}

impl Writer {
    /// An empty file for so many frames that plays so often (0 is for ever).
    pub(super) fn new(size: Size, count: u32, plays: u32, output: &Output) -> Result<Self> {
        if size.width.max(size.height) > u32::from(u16::MAX) {
            return Err(Error::limit(format!("a GIF cannot be {size}: a side has 65535 pixels")));
        }
        Ok(Self {
            size,
            plays,
            is_animated: count > 1,
            colors_max: output.palette.map_or(COLORS_MAX, usize::from),
            rounds: palette::rounds(output.effort),
            global: Vec::new(),
            file: None,
            shown: image::zeroed(size.area())?,
            palette: None,
            held: None,
            clock: Clock::default(),
            metadata_at: 0,
        })
    }

    /// Adds a whole picture.
    pub(super) fn add(&mut self, frame: Frame) -> Result<()> {
        let wanted = opaque_or_clear(frame.pixels)?;
        let wanted = wanted.samples().as_chunks::<4>().0;
        if wanted.len() != self.shown.len() {
            return Err(Error::internal("a frame has another size than its GIF"));
        }
        self.clear_what_goes(wanted)?;
        let is_first = self.held.is_none() && self.file.is_none();
        let whole = Rect { x: 0, y: 0, size: self.size };
        let place = if is_first {
            whole
        } else {
            bounds(self.size, &self.shown, wanted, changes)
                .unwrap_or(Rect { size: Size::new(1, 1), ..whole })
        };
        let pixels: Vec<Option<Rgb>> = difference::pairs(self.size, place, &self.shown, wanted)
            .map(|(shown, [r, g, b, alpha])| {
                let draws = *alpha != 0 && changes(shown, &[*r, *g, *b, *alpha]);
                draws.then_some([*r, *g, *b])
            })
            .collect();
        let mut drawn = self.draw(place, &pixels);
        drawn.delay = self.clock.tick(frame.delay_ms);
        for (row, drawn) in
            difference::rows(self.size, place).zip(pixels.chunks(place.size.width as usize))
        {
            for (shown, pixel) in self.shown[row].iter_mut().zip(drawn) {
                if let Some([r, g, b]) = *pixel {
                    *shown = [r, g, b, 255];
                }
            }
        }
        match self.held.replace(drawn) {
            Some(before) => self.write(before),
            None => Ok(()),
        }
    }

    /// Has the frame before clear its place if something of the canvas must become transparent.
    fn clear_what_goes(&mut self, wanted: &[[u8; 4]]) -> Result<()> {
        let goes = |shown: &[u8; 4], wanted: &[u8; 4]| shown[3] != 0 && wanted[3] == 0;
        let (Some(gone), Some(held)) =
            (bounds(self.size, &self.shown, wanted, goes), &mut self.held)
        else {
            return Ok(());
        };
        held.grow_to(union(held.place, gone))?;
        held.clears = true;
        for row in difference::rows(self.size, held.place) {
            self.shown[row].fill(CLEAR);
        }
        Ok(())
    }

    fn draw(&mut self, place: Rect, pixels: &[Option<Rgb>]) -> Drawn {
        let histogram = Histogram::of(pixels.iter().flatten().copied());
        let needs_blank = self.is_animated || pixels.contains(&None);
        let mut palette = match self.palette.take() {
            Some(palette) if palette.serves(&histogram) => palette,
            _ => {
                let room = COLORS_MAX - usize::from(needs_blank);
                Palette::of(&histogram, self.colors_max.min(room), self.rounds)
            }
        };
        let colors = palette.colors();
        let blank = needs_blank.then_some(colors.len() as u8);
        let mut table = colors.as_flattened().to_vec();
        if needs_blank {
            table.extend([0; 3]);
        }
        let width = place.size.width as usize;
        let indices = dither(&mut palette, width, pixels, blank.unwrap_or(0));
        self.palette = Some(palette);
        Drawn { place, indices, blank, table, clears: false, delay: 0 }
    }

    fn write(&mut self, drawn: Drawn) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                self.global.clone_from(&drawn.table);
                let (width, height) = (self.size.width as u16, self.size.height as u16);
                let mut file =
                    Encoder::new(Vec::new(), width, height, &self.global).map_err(failure)?;
                if self.is_animated {
                    file.set_repeat(repeat(self.plays)).map_err(failure)?;
                }
                self.metadata_at = file.get_ref().len();
                self.file.insert(file)
            }
        };
        let transparent = drawn.blank.filter(|blank| drawn.indices.contains(blank));
        let frame = gif::Frame {
            delay: drawn.delay,
            dispose: match drawn.clears {
                true => DisposalMethod::Background,
                false => DisposalMethod::Keep,
            },
            transparent,
            left: drawn.place.x as u16,
            top: drawn.place.y as u16,
            width: drawn.place.size.width as u16,
            height: drawn.place.size.height as u16,
            palette: (drawn.table != self.global).then_some(drawn.table),
            buffer: drawn.indices.into(),
            ..gif::Frame::default()
        };
        file.write_frame(&frame).map_err(failure)
    }

    /// The whole file.
    pub(super) fn finish(mut self, metadata: &Metadata) -> Result<Vec<u8>> {
        if let Some(held) = self.held.take() {
            self.write(held)?;
        }
        let file = self.file.ok_or_else(|| Error::internal("a GIF holds a frame at least"))?;
        let mut gif = file.into_inner().map_err(failure)?;
        if let Some(xmp) = &metadata.xmp {
            let after = gif.split_off(self.metadata_at);
            rewrite::push_xmp(&mut gif, xmp);
            gif.extend(after);
        }
        Ok(gif)
    }
}

impl Drawn {
    /// Makes the place larger without drawing more.
    fn grow_to(&mut self, place: Rect) -> Result<()> {
        if place == self.place {
            return Ok(());
        }
        let mut indices = image::zeroed(place.size.area())?;
        indices.fill(self.blank.unwrap_or_default());
        let inner = Rect { x: self.place.x - place.x, y: self.place.y - place.y, ..self.place };
        let drawn = self.indices.chunks(inner.size.width as usize);
        for (row, drawn) in difference::rows(place.size, inner).zip(drawn) {
            indices[row].copy_from_slice(drawn);
        }
        (self.place, self.indices) = (place, indices);
        Ok(())
    }
}

/// The smallest rectangle that holds both.
fn union(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let right = (a.x + a.size.width).max(b.x + b.size.width);
    let lower = (a.y + a.size.height).max(b.y + b.size.height);
    Rect { x, y, size: Size::new(right - x, lower - y) }
}

/// Whether a pixel has to be drawn again.
fn changes(shown: &[u8; 4], wanted: &[u8; 4]) -> bool {
    shown != wanted
        && (shown[3] != wanted[3] || shown.iter().zip(wanted).any(|(a, b)| a.abs_diff(*b) > SAME))
}

/// RGBA with pixels that are there or not.
fn opaque_or_clear(pixels: Pixels) -> Result<Packed<u8>> {
    let packed = match pixels.into_packed()? {
        Pixels::U8(packed) => packed,
        Pixels::U16(packed) => canvas::narrow(&packed)?,
        Pixels::Ycc(_) => return Err(Error::internal("planes were not unpacked")),
    };
    let mut packed = packed.with_channels(Channels::Rgba)?;
    for pixel in packed.samples_mut().as_chunks_mut::<4>().0 {
        match pixel[3] {
            ALPHA_MIN.. => pixel[3] = 255,
            _ => *pixel = CLEAR,
        }
    }
    Ok(packed)
}

/// The file says how often it plays again after the first time, and nothing where it does not.
fn repeat(plays: u32) -> Repeat {
    match plays {
        0 => Repeat::Infinite,
        plays => Repeat::Finite(u16::try_from(plays - 1).unwrap_or(u16::MAX)),
    }
}

fn failure(error: EncodingError) -> Error {
    match error {
        EncodingError::OutOfMemory => Error::limit("no memory for the GIF"),
        error => Error::internal(format!("the GIF cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_do_not_drift() {
        let mut clock = Clock::default();
        // 30 frames a second, as milliseconds: 33 33 34.
        let delays: Vec<u16> = (0..300).map(|i| clock.tick(33 + u32::from(i % 3 == 2))).collect();
        assert_eq!(delays.iter().map(|delay| u32::from(*delay)).sum::<u32>(), 1000);
        assert!(delays.iter().all(|delay| (3..=4).contains(delay)));
        let mut clock = Clock::default();
        assert_eq!([0, 10, 20, 0, 40].map(|delay| clock.tick(delay)), [0, 1, 2, 0, 4]);
    }

    #[test]
    fn a_count_of_plays_is_a_count_of_repeats_and_one() {
        assert_eq!(repeat(0), Repeat::Infinite);
        assert_eq!([1, 2, 6].map(repeat), [0, 1, 5].map(Repeat::Finite));
        assert_eq!(repeat(u32::MAX), Repeat::Finite(u16::MAX));
    }
}

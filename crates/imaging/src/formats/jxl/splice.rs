//! An animation from still pictures: the codestreams that the encoder wrote for its frames are told
//! how long they are shown, and laid one behind the other (ISO/IEC 18181-1, annexes D and F).

use std::ops::Range;

use ::jxl::api::{Event, JxlDecoder};

use super::bits::{self, Bits, Frames};
use super::{early, frame};
use crate::metadata::Orientation;
use crate::{Error, Limits, Result};

/// Frames on their way into one codestream.
pub(super) struct Splice {
    orientation: Orientation,
    loop_count: u32,
    /// What the codestreams of all frames start with.
    start: Option<Start>,
    codestream: Vec<u8>,
    /// The frame that came last, until it is known whether one follows.
    held: Option<(Vec<u8>, u32)>,
}

struct Start {
    bytes: Vec<u8>,
    frames: Frames,
}

/// Ticks a second.
const TICKS: u32 = 1000;
/// A level that every viewer has allows 120 frames a second.
const TICKS_MIN: u32 = 9;

impl Splice {
    pub(super) fn new(orientation: Orientation, loop_count: u32) -> Self {
        Self { orientation, loop_count, start: None, codestream: Vec::new(), held: None }
    }

    /// Adds the codestream of a frame.
    pub(super) fn add(&mut self, codestream: &[u8], delay_ms: u32) -> Result<()> {
        self.let_go(false)?;
        let start = match &self.start {
            Some(start) => start,
            None => {
                let start = Start::of(codestream)?;
                self.codestream = start.animated(self.orientation, self.loop_count);
                self.start.insert(start)
            }
        };
        let Some(frame) = codestream.strip_prefix(&start.bytes[..]) else {
            return Err(Error::internal("the frames of a JPEG XL have come out in different ways"));
        };
        self.held = Some((frame.to_vec(), delay_ms.max(TICKS_MIN)));
        Ok(())
    }

    /// The codestream of the animation.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.let_go(true)?;
        Ok(self.codestream)
    }

    fn let_go(&mut self, is_last: bool) -> Result<()> {
        if let (Some((frame, ticks)), Some(start)) = (self.held.take(), &self.start) {
            write(&mut self.codestream, &frame, &start.frames, ticks, is_last)?;
        }
        Ok(())
    }
}

impl Start {
    fn of(codestream: &[u8]) -> Result<Self> {
        let frames = bits::frames(codestream).ok_or_else(unusual)?;
        let at = match frames.at {
            Some(at) => at,
            None => first_frame(codestream)?,
        };
        let is_plain = !has_bit(codestream, frames.samples.start - 1);
        let bytes = codestream.get(..at).filter(|_| is_plain).ok_or_else(unusual)?.to_vec();
        Ok(Self { bytes, frames })
    }

    /// The same for an animation. What is put in is always a whole number of bytes, so that what
    /// follows stays as it is: a profile, of which nobody knows at which bit it ends.
    fn animated(&self, orientation: Orientation, loop_count: u32) -> Vec<u8> {
        let Range { start, end } = self.frames.samples;
        let mut writer = Writer::default();
        writer.copy(&self.bytes, 0..start - 1);
        writer.put(1, 1);
        writer.put(3, orientation as u32 - 1);
        // Neither another size to be shown at nor a preview, but an animation.
        writer.put(3, 0b100);
        writer.put(2 + 10, 2 | (TICKS - 1) << 2);
        writer.put(2, 0);
        match loop_count {
            0 => writer.put(2, 0),
            1..=0xFFFF => writer.put(2 + 16, 2 | loop_count << 2),
            _ => {
                writer.put(2, 3);
                writer.put(32, loop_count);
            }
        }
        // No timecodes.
        writer.put(1, 0);
        writer.copy(&self.bytes, start..end);
        // As bright as usual.
        writer.put(1, 1);
        writer.copy(&self.bytes, end..self.bytes.len() * 8);
        writer.bytes
    }
}

/// The byte at which the first frame starts, behind a profile.
fn first_frame(codestream: &[u8]) -> Result<usize> {
    let mut options = super::options(&Limits::default());
    options.sample_limit = None;
    options.scan_frames_only = true;
    let mut decoder = JxlDecoder::new(options);
    super::advance(&mut decoder, &mut &*codestream, Event::FrameHeader)?;
    let first = decoder.scanned_frames().first().ok_or_else(unusual)?;
    usize::try_from(first.file_offset).map_err(|_| unusual())
}

/// Writes what is shown as one frame: that, and what it is laid over or refers to.
fn write(
    out: &mut Vec<u8>,
    mut rest: &[u8],
    frames: &Frames,
    ticks: u32,
    is_last: bool,
) -> Result<()> {
    loop {
        let header = frame::header(rest, frames).map_err(|_| early())?;
        let (table, end) = extent(rest, &header).ok_or_else(unusual)?;
        if has_bit(rest, 0) || header.is_permuted {
            return Err(unusual());
        }
        let mut writer = Writer::default();
        let mut copied = header.duration_at;
        writer.copy(rest, 0..copied);
        if header.is_last {
            match u8::try_from(ticks) {
                Ok(ticks) => writer.put(2 + 8, 2 | u32::from(ticks) << 2),
                Err(_) => {
                    writer.put(2, 3);
                    writer.put(32, ticks);
                }
            }
            writer.put(1, is_last.into());
            if !is_last {
                // It is not kept for others to refer to.
                writer.put(2, 0);
            }
            copied += 1;
        } else if header.kind.is_normal() {
            // Shown together with the next.
            writer.put(2, 0);
        }
        writer.copy(rest, copied..header.end);
        writer.put(1, 0);
        out.extend(writer.bytes);
        out.extend_from_slice(&rest[table..end]);
        rest = &rest[end..];
        if header.is_last {
            return Ok(());
        }
    }
}

/// The bytes at which the table of the sections of a frame starts and its sections end.
fn extent(frame: &[u8], header: &frame::FrameHeader) -> Option<(usize, usize)> {
    let table = (header.end + 1).div_ceil(8);
    let mut bits = Bits::at(frame, table * 8);
    let mut len = 0_usize;
    for _ in 0..header.sections {
        len = len.checked_add(frame::section(&mut bits)? as usize)?;
    }
    let end = bits.at.div_ceil(8).checked_add(len)?;
    (end <= frame.len()).then_some((table, end))
}

fn unusual() -> Error {
    Error::internal("the JPEG XL encoder wrote a frame in a way that is not known here")
}

fn has_bit(bytes: &[u8], at: usize) -> bool {
    bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// Bits from the lowest of each byte up.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    len: usize,
}

impl Writer {
    fn put(&mut self, count: usize, value: u32) {
        for bit in 0..count {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (self.len % 8);
            }
            self.len += 1;
        }
    }

    fn copy(&mut self, bytes: &[u8], bits: Range<usize>) {
        for at in bits {
            self.put(1, has_bit(bytes, at).into());
        }
    }
}

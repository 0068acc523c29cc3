//! Walks the blocks of a GIF (GIF89a specification) to its end and counts the frames.

use crate::format::{Header, Sequence};
use crate::formats::gather::{Gather, Steps, Want};
use crate::formats::gif::GIF;
use crate::image::Size;
use crate::metadata::Orientation;
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    /// Signature and the size of the canvas.
    Start,
    /// The byte that says what block comes.
    Block,
    /// The byte that says what extension it is.
    Label,
    /// The length of a sub-block, and whether it is the one that says how a frame is shown.
    Length { is_control: bool },
    /// How the next frame is shown.
    Control,
    /// Where a frame lies and what its table of colors is.
    Descriptor,
    /// The end of a table, of a sub-block, or the code size of pixels.
    Passed(After),
    /// Nothing: the file has ended.
    End,
}

/// What comes after something that is passed over.
enum After {
    Block,
    CodeSize,
    SubBlocks,
}

/// A walk over the blocks.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    size: Size,
    frames: u32,
    /// How the next frame is shown: whether it has a transparent color and what becomes of it.
    transparent: bool,
    disposal: u8,
    /// The first frame leaves some of the canvas as it was.
    shines_through: bool,
    /// Some frame clears its place.
    clears: bool,
}

/// The header of a whole file, and whether some frame clears its place.
pub(super) fn whole(gif: &[u8], limits: &Limits) -> Result<(Header, bool)> {
    let mut gather = Walk::start(limits);
    gather.take(gif)?;
    let walk = gather.into_steps();
    let clears = walk.clears;
    Ok((walk.header()?, clears))
}

const START_LEN: usize = 13;
const DESCRIPTOR_LEN: usize = 9;
/// The frame's place is cleared after it.
const TO_BACKGROUND: u8 = 2;
/// The frame's place becomes what it was before it.
const TO_PREVIOUS: u8 = 3;

impl Walk {
    /// A walk that has seen nothing yet.
    pub(super) fn start(limits: &Limits) -> Gather<Self> {
        let walk = Self {
            limits: limits.clone(),
            state: State::Start,
            size: Size::new(0, 0),
            frames: 0,
            transparent: false,
            disposal: 0,
            shines_through: false,
            clears: false,
        };
        Gather::new(walk, Want::Bytes(START_LEN))
    }

    fn wait(&mut self, state: State, want: Want) -> Result<Want> {
        self.state = state;
        Ok(want)
    }

    fn next_block(&mut self) -> Result<Want> {
        self.wait(State::Block, Want::Bytes(1))
    }

    fn next_sub_block(&mut self) -> Result<Want> {
        self.wait(State::Length { is_control: false }, Want::Bytes(1))
    }

    fn start_of_file(&mut self, bytes: &[u8]) -> Result<Want> {
        let &[b'G', b'I', b'F', b'8', b'7' | b'9', b'a', w0, w1, h0, h1, flags, _, _] = bytes
        else {
            return Err(Error::input("the file does not start like a GIF"));
        };
        self.size =
            Size::new(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into());
        self.limits.check_size(self.size)?;
        self.wait(State::Passed(After::Block), Want::Skip(table_len(flags)))
    }

    fn block(&mut self, kind: u8) -> Result<Want> {
        match kind {
            0x21 => self.wait(State::Label, Want::Bytes(1)),
            0x2C => self.wait(State::Descriptor, Want::Bytes(DESCRIPTOR_LEN)),
            0x3B => self.wait(State::End, Want::Nothing),
            // What follows the last frame of a file that lost its end is of no use to anybody.
            _ if self.frames > 0 => self.wait(State::End, Want::Nothing),
            _ => Err(Error::input(format!("the GIF has a block of an unknown kind ({kind:#04x})"))),
        }
    }

    fn control(&mut self, bytes: &[u8]) {
        if let Some(flags) = bytes.first() {
            self.transparent = flags & 1 != 0;
            self.disposal = flags >> 2 & 7;
        }
    }

    fn descriptor(&mut self, bytes: &[u8]) -> Result<Want> {
        let &[x0, x1, y0, y1, w0, w1, h0, h1, flags] = bytes else {
            return Err(Error::internal("an image descriptor has 9 bytes"));
        };
        let [x, y, width, height] = [[x0, x1], [y0, y1], [w0, w1], [h0, h1]]
            .map(|bytes| u32::from(u16::from_le_bytes(bytes)));
        let covers = x == 0 && y == 0 && width >= self.size.width && height >= self.size.height;
        self.shines_through |= self.frames == 0 && (self.transparent || !covers);
        // There is nothing to go back to before the first frame.
        self.clears |=
            self.disposal == TO_BACKGROUND || (self.disposal == TO_PREVIOUS && self.frames == 0);
        self.frames += 1;
        self.limits.check_frames(self.frames)?;
        (self.transparent, self.disposal) = (false, 0);
        self.wait(State::Passed(After::CodeSize), Want::Skip(table_len(flags)))
    }
}

/// The bytes of the table of colors that flags announce.
fn table_len(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        let first = bytes.first().copied().unwrap_or_default();
        match self.state {
            State::Start => self.start_of_file(bytes),
            State::Block => self.block(first),
            State::Label => self.wait(State::Length { is_control: first == 0xF9 }, Want::Bytes(1)),
            State::Length { .. } if first == 0 => self.next_block(),
            State::Length { is_control: true } => {
                self.wait(State::Control, Want::Bytes(first.into()))
            }
            State::Length { is_control: false } => {
                self.wait(State::Passed(After::SubBlocks), Want::Skip(first.into()))
            }
            State::Control => {
                self.control(bytes);
                self.next_sub_block()
            }
            State::Descriptor => self.descriptor(bytes),
            State::Passed(After::Block) => self.next_block(),
            State::Passed(After::CodeSize) => {
                self.wait(State::Passed(After::SubBlocks), Want::Skip(1))
            }
            State::Passed(After::SubBlocks) => self.next_sub_block(),
            State::End => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        // Many a GIF has no trailer.
        if !matches!(self.state, State::End | State::Block) {
            return Err(Error::input("the GIF ends early"));
        }
        if self.frames == 0 {
            return Err(Error::input("the GIF ends before its first frame"));
        }
        Ok(Header {
            format: &GIF,
            size: self.size,
            orientation: Orientation::Normal,
            frames: self.frames,
            sequence: if self.frames > 1 { Sequence::Frames } else { Sequence::Still },
            // What is opaque after the first frame stays so, unless a frame clears its place.
            has_alpha: self.shines_through || self.clears,
            is_gray: false,
            bit_depth: 8,
            is_lossy: false,
            is_guess: false,
        })
    }
}

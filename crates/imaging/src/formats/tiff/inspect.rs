//! Walks the directories of a TIFF in a stream. They usually lie behind the pixels, so the walk
//! passes those; it cannot go back, so a chain that does is followed only as far as it goes on.

use super::directory::{Directory, Order};
use super::facts::{BITS, Facts, is_camera_raw, is_page, orientation};
use crate::format::{Header, Inspect};
use crate::formats::gather::{Gather, Steps, Want};
use crate::formats::raw::Scan;
use crate::metadata::Orientation;
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    Start,
    /// The second half of the start of a BigTIFF, after this.
    BigStart([u8; 8]),
    /// The place of the next directory.
    Gap,
    Count,
    Entries,
    /// The place of the depths of the first image.
    BitsGap(Directory<'static>, u64),
    Bits(Directory<'static>),
    Done,
}

struct Walk {
    limits: Limits,
    magic: &'static [u16],
    state: State,
    order: Order,
    /// Bytes of the stream up to what is asked for.
    at: u64,
    is_raw: bool,
    first: Option<First>,
    pages: u32,
    /// The chain goes back, to pages that are not counted.
    goes_back: bool,
}

/// What the first directory is.
enum First {
    Page(Facts),
    /// A camera's, with the orientation that it gives.
    Raw(Option<Orientation>),
}

/// An inspector of TIFFs and of the raw files of cameras, which are TIFFs with one of these numbers
/// in place of 42. Where a file `is_raw` by its signature, its directories need not make sense.
pub(in crate::formats) fn inspect(
    magic: &'static [u16],
    is_raw: bool,
    limits: &Limits,
) -> Box<dyn Inspect> {
    let walk = Walk {
        limits: limits.clone(),
        magic,
        state: State::Start,
        order: Order { is_little: true, is_big: false },
        at: 8,
        is_raw,
        first: None,
        pages: 0,
        goes_back: false,
    };
    let walk = Some(Gather::new(walk, Want::Bytes(8)));
    Box::new(Both { walk, is_raw, scan: Scan::default(), limits: limits.clone() })
}

impl Walk {
    fn start(&mut self, bytes: &[u8]) -> Result<Want> {
        let (order, first) = Order::open(bytes, self.magic)?;
        self.order = order;
        if first < self.at {
            return Err(Error::input("the TIFF has a directory inside of its header"));
        }
        Ok(self.next(first))
    }

    fn skip_to(&mut self, place: u64, state: State) -> Want {
        self.state = state;
        let skipped = place - self.at;
        self.at = place;
        Want::Skip(skipped)
    }

    fn bytes(&mut self, len: usize, state: State) -> Want {
        self.state = state;
        self.at += len as u64;
        Want::Bytes(len)
    }

    fn next(&mut self, place: u64) -> Want {
        if place < self.at {
            self.goes_back = place != 0;
            self.state = State::Done;
            return Want::Nothing;
        }
        self.skip_to(place, State::Gap)
    }

    fn directory(&mut self, directory: Directory<'static>) -> Result<Want> {
        if self.first.is_some() {
            self.pages += u32::from(is_page(&directory));
            if self.pages > self.limits.frames_max {
                return Err(super::too_many(self.limits.frames_max as usize));
            }
            return Ok(self.next(directory.next));
        }
        if self.is_raw || is_camera_raw(&directory) {
            let turn = directory.has(super::facts::ORIENTATION).then(|| orientation(&directory));
            self.first = Some(First::Raw(turn));
            self.state = State::Done;
            return Ok(Want::Nothing);
        }
        match directory.elsewhere(BITS) {
            Some((place, len)) if place >= self.at && len <= 128 => {
                Ok(self.skip_to(place, State::BitsGap(directory, len)))
            }
            _ => self.first_page(&directory),
        }
    }

    fn first_page(&mut self, directory: &Directory<'static>) -> Result<Want> {
        self.first = Some(First::Page(Facts::read(directory, &self.limits)?));
        self.pages = 1;
        Ok(self.next(directory.next))
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Start => match bytes {
                &[_, _, 43, 0, ..] | &[_, _, 0, 43, ..] => {
                    let start = bytes.try_into().map_err(|_| super::directory::ends_early())?;
                    Ok(self.bytes(8, State::BigStart(start)))
                }
                _ => self.start(bytes),
            },
            State::BigStart(start) => self.start(&[&start[..], bytes].concat()),
            State::Gap => Ok(self.bytes(self.order.count_len(), State::Count)),
            State::Count => Ok(self.bytes(self.order.entries_len(bytes)?, State::Entries)),
            State::Entries => self.directory(Directory::parse(self.order, bytes)),
            State::BitsGap(directory, len) => Ok(self.bytes(len as usize, State::Bits(directory))),
            State::Bits(directory) => {
                let directory = directory.with_value(BITS, bytes);
                self.first_page(&directory)
            }
            State::Done => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        match self.first {
            Some(First::Page(facts)) => {
                Ok(Header { is_guess: self.goes_back, ..facts.header(self.pages) })
            }
            _ => Err(super::directory::ends_early()),
        }
    }
}

/// The walk over the directories, and beside it the search for JPEG previews as long as the file
/// may be that of a camera.
struct Both {
    walk: Option<Gather<Walk>>,
    is_raw: bool,
    scan: Scan,
    limits: Limits,
}

impl Inspect for Both {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(walk) = &mut self.walk
            && let Err(error) = walk.take(bytes)
        {
            if !self.is_raw {
                return Err(error);
            }
            self.walk = None;
        }
        let first = self.walk.as_ref().and_then(|walk| walk.steps().first.as_ref());
        if !matches!(first, Some(First::Page(_))) {
            self.scan.push(bytes);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Header> {
        let walk = self.walk.map(Gather::into_steps);
        match walk.as_ref().and_then(|walk| walk.first.as_ref()) {
            Some(First::Raw(turn)) => self.scan.header(*turn, &self.limits),
            None if self.is_raw => self.scan.header(None, &self.limits),
            _ => walk.ok_or_else(super::directory::ends_early)?.header(),
        }
    }
}

//! Walks the boxes of a file as far as the end of its `meta` box.

use super::boxes::{Fields, Kind, head, name};
use super::meta::Meta;
use super::picture::Picture;
use crate::format::{Format, Header};
use crate::formats::gather::{BYTES_MAX, Gather, Steps, Want};
use crate::{Error, Limits, Result};

/// What the machine waits for.
enum State {
    /// The first half of the head of a box.
    Head,
    /// The length of a box that is longer than 4 bytes can say.
    LongHead(Kind),
    /// The version of the `meta` box.
    Version,
    /// The start of the payload of a box in `meta`, and as many bytes after that.
    Payload(Kind, u64),
    /// The end of a box that is passed over.
    Passed,
    /// Nothing.
    End,
}

/// A walk over the boxes.
pub(in crate::formats) struct Walk {
    format: &'static Format,
    limits: Limits,
    state: State,
    meta: Meta,
    has_meta: bool,
    /// Where the walk is in the file.
    at: u64,
    /// Names and ends of the boxes that it is in.
    open: Vec<(Kind, u64)>,
}

/// A walk that has seen nothing yet.
pub(in crate::formats) fn start(format: &'static Format, limits: &Limits) -> Gather<Walk> {
    let walk = Walk {
        format,
        limits: limits.clone(),
        state: State::Head,
        meta: Meta::default(),
        has_meta: false,
        at: 0,
        open: Vec::new(),
    };
    Gather::new(walk, Want::Bytes(HEAD_LEN))
}

const HEAD_LEN: usize = 8;

impl Walk {
    fn want(&mut self, state: State, len: u64) -> Want {
        self.at += len;
        self.state = state;
        Want::Bytes(len as usize)
    }

    /// Closes the boxes that end here and goes on with the next.
    fn next(&mut self) -> Want {
        while let Some((kind, end)) = self.open.last() {
            if self.at < *end {
                break;
            }
            self.has_meta |= kind == b"meta";
            self.open.pop();
        }
        if self.has_meta {
            self.state = State::End;
            return Want::Nothing;
        }
        self.want(State::Head, HEAD_LEN as u64)
    }

    fn skip(&mut self, len: u64) -> Want {
        self.at += len;
        self.state = State::Passed;
        Want::Skip(len)
    }

    fn enter(&mut self, kind: Kind, len: Option<u64>) -> Result<Want> {
        let parent = self.open.last().copied();
        let end = match (len, parent) {
            (Some(len), _) => self.at.saturating_add(len),
            (None, Some((_, end))) => end,
            // To the end of the file, where nothing follows.
            (None, None) => u64::MAX,
        };
        // Without a length of its own it may have ended before its head did.
        if parent.is_some_and(|(_, parent)| end.max(self.at) > parent) {
            return Err(Error::input(format!("the box {} reaches out of its box", name(kind))));
        }
        let parent = parent.map(|(kind, _)| kind);
        let len = end - self.at;
        match (parent.as_ref(), &kind) {
            (None, b"meta") => {
                self.open.push((kind, end));
                Ok(self.want(State::Version, 4))
            }
            (Some(b"meta"), b"iprp") | (Some(b"iprp"), b"ipco") => {
                self.open.push((kind, end));
                Ok(self.next())
            }
            (Some(b"meta"), b"pitm" | b"iinf" | b"iref") | (Some(b"iprp"), b"ipma") => {
                self.read(kind, len)
            }
            // Only the first bytes of a profile: that it is one.
            (Some(b"ipco"), b"colr") => {
                let start = len.min(11);
                Ok(self.want(State::Payload(kind, len - start), start))
            }
            (Some(b"ipco"), _) => self.read(kind, len),
            (None, b"mdat") if end == u64::MAX => {
                self.state = State::End;
                Ok(Want::Nothing)
            }
            _ => Ok(self.skip(len)),
        }
    }

    fn read(&mut self, kind: Kind, len: u64) -> Result<Want> {
        if len > BYTES_MAX as u64 {
            return Err(Error::limit(format!(
                "the box {} has {len} bytes, more than {BYTES_MAX}",
                name(kind)
            )));
        }
        Ok(self.want(State::Payload(kind, 0), len))
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match self.state {
            State::Head => {
                let mut fields = Fields(bytes);
                if bytes.starts_with(&[0, 0, 0, 1]) {
                    let kind = [bytes[4], bytes[5], bytes[6], bytes[7]];
                    return Ok(self.want(State::LongHead(kind), 8));
                }
                let (kind, len) = head(&mut fields)?;
                self.enter(kind, len)
            }
            State::LongHead(kind) => {
                let len = Fields(bytes).uint(8)?.checked_sub(16);
                let lie = || Error::input(format!("the box {} has no length", name(kind)));
                self.enter(kind, Some(len.ok_or_else(lie)?))
            }
            State::Version | State::Passed => Ok(self.next()),
            State::Payload(kind, rest) => {
                if self.open.last().is_some_and(|(parent, _)| parent == b"ipco") {
                    self.meta.take_property(kind, bytes)?;
                } else {
                    self.meta.take(kind, bytes)?;
                }
                Ok(self.skip(rest))
            }
            State::End => Ok(Want::Nothing),
        }
    }

    fn header(self) -> Result<Header> {
        // A `meta` box without a length ends with the file.
        let is_last = self.open.first().is_some_and(|open| *open == (*b"meta", u64::MAX));
        if !self.has_meta && !is_last {
            return Err(Error::input(format!(
                "the {} ends before its header does",
                self.format.title
            )));
        }
        Ok(Picture::of(&self.meta, &self.limits)?.header(self.format))
    }
}

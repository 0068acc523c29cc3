//! Walks the attributes of an OpenEXR for its header, up to the table of offsets.

use super::parts::{self, Channel, Part, Window};
use super::{Facts, SIGNATURE};
use crate::format::Header;
use crate::formats::bytes::Bytes;
use crate::formats::gather::{BYTES_MAX, Gather, Steps, Want};
use crate::{Error, Limits, Result, Size};

/// What the machine waits for.
enum State {
    /// The signature and the version.
    Start,
    /// The next byte of the name of an attribute.
    Name,
    /// The next byte of its type.
    Kind,
    /// Its size.
    Len,
    /// Its value.
    Value,
    /// The end of a value that is passed over.
    Passed,
    /// Nothing: the headers have ended.
    Done,
}

/// A walk over the attributes.
pub(super) struct Walk {
    limits: Limits,
    state: State,
    flags: u32,
    name: Vec<u8>,
    draft: Draft,
    /// Parts that have ended.
    parts: usize,
    found: Option<Facts>,
    /// Why the first part is no picture.
    refusal: Option<Error>,
}

/// The attributes of a part so far.
#[derive(Default)]
struct Draft {
    /// There has been an attribute.
    is_begun: bool,
    channels: Option<Vec<Channel>>,
    compression: Option<u8>,
    data: Option<Window>,
    display: Option<Window>,
    tile: Option<Size>,
    kind: Option<Vec<u8>>,
    primaries: Option<[f32; 8]>,
}

/// Flags beside the version.
const IS_DEEP: u32 = 0x800;
const IS_MULTIPART: u32 = 0x1000;
const KNOWN: u32 = 0x1E00;
/// The longest name that there may be.
const NAME_MAX: usize = 255;

/// A walk that has seen nothing yet.
pub(super) fn start(limits: &Limits) -> Gather<Walk> {
    let walk = Walk {
        limits: limits.clone(),
        state: State::Start,
        flags: 0,
        name: Vec::new(),
        draft: Draft::default(),
        parts: 0,
        found: None,
        refusal: None,
    };
    Gather::new(walk, Want::Bytes(8))
}

impl Walk {
    fn start(&mut self, bytes: &[u8]) -> Result<Want> {
        let mut bytes = Bytes::new(bytes, "OpenEXR");
        if bytes.array()? != SIGNATURE {
            return Err(Error::input("the file does not start like an OpenEXR"));
        }
        let version = bytes.le32()?;
        self.flags = version & !0xFF;
        if version & 0xFF != 2 || self.flags & !KNOWN != 0 {
            let message = format!("an OpenEXR of version {version:#x} is not supported");
            return Err(Error::unsupported(message));
        }
        Ok(self.next_name())
    }

    fn next_name(&mut self) -> Want {
        self.name.clear();
        self.state = State::Name;
        Want::Bytes(1)
    }

    fn name(&mut self, byte: u8) -> Result<Want> {
        if byte != 0 {
            self.name.push(byte);
            if self.name.len() > NAME_MAX {
                return Err(Error::input(
                    "the OpenEXR has a name that is longer than names can be",
                ));
            }
            return Ok(Want::Bytes(1));
        }
        if !self.name.is_empty() {
            self.state = State::Kind;
            return Ok(Want::After(0));
        }
        // An empty name ends a part, and where there may be more, an empty part ends them.
        let is_multipart = self.flags & IS_MULTIPART != 0;
        if !is_multipart || self.draft.is_begun {
            self.end_part()?;
        } else if self.parts == 0 {
            return Err(Error::input("the OpenEXR has no part"));
        } else {
            self.state = State::Done;
            return Ok(Want::Nothing);
        }
        if is_multipart {
            return Ok(self.next_name());
        }
        self.state = State::Done;
        Ok(Want::Nothing)
    }

    fn end_part(&mut self) -> Result<()> {
        let part = std::mem::take(&mut self.draft).finish(self.flags & IS_DEEP != 0)?;
        part.check(&self.limits)?;
        match part.picture() {
            Ok(picture) if self.found.is_none() => {
                self.found = Some(Facts { index: self.parts, part, picture });
            }
            Ok(_) => {}
            Err(error) => self.refusal = self.refusal.take().or(Some(error)),
        }
        self.parts += 1;
        Ok(())
    }

    fn len(&mut self, len: u32) -> Result<Want> {
        let is_wanted = Draft::wants(&self.name);
        if is_wanted && len as usize > BYTES_MAX {
            return Err(Error::limit("the OpenEXR has more than 64 KB of channels"));
        }
        if i32::try_from(len).is_err() {
            return Err(Error::input("the OpenEXR has an attribute of less than no bytes"));
        }
        self.state = if is_wanted { State::Value } else { State::Passed };
        self.draft.is_begun = true;
        Ok(if is_wanted { Want::Bytes(len as usize) } else { Want::Skip(len.into()) })
    }

    /// What the walk has found.
    pub(super) fn facts(self) -> Result<Facts> {
        if !matches!(self.state, State::Done) {
            return Err(Error::input("the OpenEXR ends before its picture"));
        }
        match (self.found, self.refusal) {
            (Some(found), _) => Ok(found),
            (None, Some(refusal)) => Err(refusal),
            (None, None) => Err(Error::input("the OpenEXR has no part")),
        }
    }
}

impl Steps for Walk {
    fn step(&mut self, bytes: &[u8]) -> Result<Want> {
        match (&self.state, bytes) {
            (State::Start, bytes) => self.start(bytes),
            (State::Name, &[byte]) => self.name(byte),
            (State::Kind, _) => {
                self.state = State::Len;
                Ok(Want::Bytes(4))
            }
            (State::Len, &[a, b, c, d]) => self.len(u32::from_le_bytes([a, b, c, d])),
            (State::Value, value) => {
                self.draft.take(&self.name, value)?;
                Ok(self.next_name())
            }
            (State::Passed, _) => Ok(self.next_name()),
            (State::Done, _) => Ok(Want::Nothing),
            _ => Err(Error::internal("a step of an OpenEXR got other bytes than it asked for")),
        }
    }

    fn header(self) -> Result<Header> {
        self.facts().map(|facts| facts.header())
    }
}

impl Draft {
    fn wants(name: &[u8]) -> bool {
        matches!(
            name,
            b"channels"
                | b"compression"
                | b"dataWindow"
                | b"displayWindow"
                | b"tiles"
                | b"type"
                | b"chromaticities"
        )
    }

    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let mut bytes = Bytes::new(value, "OpenEXR");
        match name {
            b"channels" => self.channels = Some(parts::channels(value)?),
            b"compression" => self.compression = Some(bytes.u8()?),
            b"dataWindow" => self.data = Some(Window::read(value)?),
            b"displayWindow" => self.display = Some(Window::read(value)?),
            b"tiles" => self.tile = Some(Size::new(bytes.le32()?, bytes.le32()?)),
            b"type" => self.kind = Some(value.to_vec()),
            b"chromaticities" => {
                let mut primaries = [0.0; 8];
                for value in &mut primaries {
                    *value = f32::from_bits(bytes.le32()?);
                }
                self.primaries = Some(primaries);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, is_deep: bool) -> Result<Part> {
        let missing = |what: &str| Error::input(format!("the OpenEXR does not say its {what}"));
        let kind = self.kind.unwrap_or_default();
        let kind = kind.strip_suffix(&[0]).unwrap_or(&kind);
        Ok(Part {
            channels: self.channels.ok_or_else(|| missing("channels"))?,
            compression: self.compression.ok_or_else(|| missing("compression"))?,
            data: self.data.ok_or_else(|| missing("data window"))?,
            display: self.display.ok_or_else(|| missing("display window"))?,
            // Lines may have the attribute too.
            tile: self.tile.filter(|_| !matches!(kind, b"scanlineimage" | b"deepscanline")),
            is_deep: match kind {
                [] => is_deep,
                kind => kind.starts_with(b"deep"),
            },
            primaries: self.primaries,
        })
    }
}

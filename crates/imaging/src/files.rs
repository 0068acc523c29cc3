//! The other files of a request: what operations use beside the image they work on.

use std::collections::BTreeMap;

use crate::format::{DecodeRequest, Decoded};
use crate::kernels::orient;
use crate::{Error, Header, Limits, Result};

/// What an operation uses another file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A picture that is laid over the image.
    Image,
    /// A table of colors (`.cube`).
    Table,
}

/// Another file that an operation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUse {
    /// Its place in the request, counted from 0.
    pub index: usize,
    /// The field that names it.
    pub field: &'static str,
    /// What it must be.
    pub kind: FileKind,
}

/// Another file of the request.
#[derive(Debug, Clone)]
pub struct File<'a> {
    /// What it says of itself.
    pub header: Header,
    /// The whole file; `None` at the door, where only headers are known.
    pub bytes: Option<&'a [u8]>,
}

impl File<'_> {
    /// Its picture, upright and in sRGB; `None` at the door.
    pub fn picture(&self, limits: &Limits) -> Result<Option<Decoded>> {
        let Some(bytes) = self.bytes else { return Ok(None) };
        let Some(decode) = self.header.format.decode else {
            let title = self.header.format.title;
            return Err(Error::unsupported(format!("{title} cannot be read as a picture")));
        };
        let mut decoded = decode(bytes, &DecodeRequest::default(), limits)?;
        let image = &mut decoded.image;
        image.frames.truncate(1);
        image.convert_to_srgb()?;
        image
            .map_pixels(|pixels| orient::orient(pixels.into_packed()?, self.header.orientation))?;
        Ok(Some(decoded))
    }
}

/// The files of a request by their place in it.
#[derive(Debug, Clone, Default)]
pub struct Files<'a>(BTreeMap<usize, File<'a>>);

impl Files<'static> {
    /// No files.
    pub const NONE: Self = Self(BTreeMap::new());
}

impl<'a> Files<'a> {
    /// What is known at the door: the headers of all files, in order.
    pub fn of_headers(headers: &[Header]) -> Self {
        let file = |header: &Header| File { header: header.clone(), bytes: None };
        Self(headers.iter().map(file).enumerate().collect())
    }

    /// The headers of some files, with their places.
    pub fn of_some_headers(headers: impl IntoIterator<Item = (usize, Header)>) -> Self {
        let file = |(index, header)| (index, File { header, bytes: None });
        Self(headers.into_iter().map(file).collect())
    }

    /// What a run has: the files that operations name, whole.
    pub fn of_bytes(
        files: impl IntoIterator<Item = (usize, &'a [u8])>,
        limits: &Limits,
    ) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (index, bytes) in files {
            let header = crate::format::header(bytes, limits)
                .map_err(|error| Error { message: format!("file {index}: {error}"), ..error })?;
            known.insert(index, File { header, bytes: Some(bytes) });
        }
        Ok(Self(known))
    }

    /// The file at this place.
    pub fn get(&self, index: usize) -> Option<&File<'a>> {
        self.0.get(&index)
    }
}

//! A pull parser for `multipart/form-data` (RFC 7578) that holds one chunk in memory, never a part.
//!
//! The parsers at hand buffer whatever the client sends while they look for the end of a part's
//! headers; this one bounds everything.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use memchr::memmem;

/// The most bytes the headers of a part may have.
const HEADERS_MAX: usize = 16 * 1024;

/// The longest boundary that is accepted; RFC 2046 allows 70.
const BOUNDARY_MAX: usize = 200;

/// What is wrong with a body, or the stream's own error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MultipartError<E> {
    /// The body does not follow the syntax.
    Syntax(&'static str),
    /// The body cannot be read.
    Stream(E),
}

/// The names in the headers of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// As the client sent it: it may hold folders and worse.
    pub(crate) filename: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In the data of a part, or in the preamble.
    Data,
    /// Right behind a delimiter.
    Delimiter,
    /// Behind the last delimiter.
    End,
}

/// The parts of a body, one after the other.
pub(crate) struct Multipart<S> {
    stream: S,
    buffer: BytesMut,
    /// `\r\n--boundary`
    delimiter: Vec<u8>,
    position: Position,
}

impl<S, E> Multipart<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    pub(crate) fn new(stream: S, boundary: &str) -> Self {
        // The first delimiter has no line before it: this one makes it look like the others.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { stream, buffer, delimiter, position: Position::Data }
    }

    /// The next part, or `None` behind the last. Skips what is left of the part before.
    pub(crate) async fn next_part(&mut self) -> Result<Option<Part>, MultipartError<E>> {
        while self.chunk().await?.is_some() {}
        if self.position == Position::End {
            return Ok(None);
        }
        while self.buffer.len() < 2 {
            self.fill().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.position = Position::End;
            return Ok(None);
        }
        let headers = self.headers().await?;
        self.position = Position::Data;
        parse_headers(&headers).map(Some).map_err(MultipartError::Syntax)
    }

    /// More data of the current part, or `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, MultipartError<E>> {
        if self.position != Position::Data {
            return Ok(None);
        }
        loop {
            if let Some(end) = memmem::find(&self.buffer, &self.delimiter) {
                let data = self.buffer.split_to(end).freeze();
                let _ = self.buffer.split_to(self.delimiter.len());
                self.position = Position::Delimiter;
                return Ok(Some(data).filter(|data| !data.is_empty()));
            }
            // The tail may be the beginning of a delimiter.
            let safe = (self.buffer.len() + 1).saturating_sub(self.delimiter.len());
            if safe > 0 {
                return Ok(Some(self.buffer.split_to(safe).freeze()));
            }
            self.fill().await?;
        }
    }

    /// Everything between a delimiter and the data, which begins behind an empty line.
    async fn headers(&mut self) -> Result<Bytes, MultipartError<E>> {
        loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                return Ok(self.buffer.split_to(end + 4).freeze());
            }
            if self.buffer.len() > HEADERS_MAX {
                return Err(MultipartError::Syntax("the headers of a part are too long"));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), MultipartError<E>> {
        match self.stream.next().await {
            Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
            Some(Err(error)) => return Err(MultipartError::Stream(error)),
            None => return Err(MultipartError::Syntax("the body ends before its last boundary")),
        }
        Ok(())
    }
}

/// The boundary in a `Content-Type`, or `None` when it is not `multipart/form-data` with one.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (_, boundary) = parse_parameters(parameters).into_iter().find(|(n, _)| n == "boundary")?;
    (!boundary.is_empty() && boundary.len() <= BOUNDARY_MAX).then_some(boundary)
}

fn parse_headers(block: &[u8]) -> Result<Part, &'static str> {
    let block = String::from_utf8_lossy(block);
    // The first line is the rest of the delimiter's: padding at most.
    let mut lines = block.split("\r\n");
    if !lines.next().is_some_and(|padding| padding.trim().is_empty()) {
        return Err("a boundary is followed by something else than a line end");
    }
    let disposition = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .and_then(|(_, value)| value.split_once(';'))
        .filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"));
    let Some((_, parameters)) = disposition else {
        return Err("a part lacks its `Content-Disposition: form-data; name=…`");
    };
    let mut part = Part::default();
    for (name, value) in parse_parameters(parameters) {
        match name.as_str() {
            "name" => part.name = value,
            "filename" => {
                part.filename.get_or_insert(value.replace("%22", "\""));
            }
            // The extended form says more than the plain one: it wins.
            "filename*" => part.filename = extended(&value).or(part.filename),
            _ => {}
        }
    }
    Ok(part)
}

/// `; name="value"; other=token` as pairs, names in lower case.
fn parse_parameters(text: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = text;
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.trim_matches([';', ' ', '\t']).to_ascii_lowercase();
        let (value, behind) = parse_value(behind.trim_start());
        parameters.push((name, value));
        rest = behind;
    }
    parameters
}

fn parse_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            // Only these two are escapes: some clients send Windows paths as they are.
            '\\' if matches!(characters.peek(), Some((_, '"' | '\\'))) => {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            _ => value.push(character),
        }
    }
    (value, "")
}

/// `UTF-8''na%C3%AFve.png` of RFC 8187 as text.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    charset.eq_ignore_ascii_case("utf-8").then(|| percent_decode(encoded))
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;

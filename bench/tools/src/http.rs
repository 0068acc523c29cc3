//! As much of HTTP/1.1 as a client of the measured servers needs: one kept connection, plain TCP,
//! bodies by length or in chunks. Small, so that the client takes little of the two cores.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const BOUNDARY: &str = "imagehq-bench-5f1c";

/// A kept connection.
pub(crate) struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { address: address.to_owned(), stream: BufReader::new(stream) })
    }

    /// Sends a request and reads the whole answer. A server may close a kept connection between two
    /// requests: then it is opened again, once.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        multipart: Option<&[u8]>,
    ) -> Result<(u16, Vec<u8>)> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(body) = multipart {
            head += &format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n");
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut message = head.into_bytes();
        message.extend_from_slice(multipart.unwrap_or_default());
        let mut line = String::new();
        let sent = self.stream.get_mut().write_all(&message);
        if sent.is_err() || self.stream.read_line(&mut line).unwrap_or(0) == 0 {
            *self = Self::open(&self.address)?;
            self.stream.get_mut().write_all(&message)?;
            self.stream.read_line(&mut line)?;
        }
        self.answer(&line)
    }

    fn answer(&mut self, status_line: &str) -> Result<(u16, Vec<u8>)> {
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|text| text.parse().ok())
            .with_context(|| format!("no HTTP answer: {status_line:?}"))?;
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse::<usize>()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            }
        }
        let body = match (chunked, length) {
            (true, _) => self.chunks()?,
            (false, Some(length)) => self.exactly(length)?,
            (false, None) => bail!("an answer without a length"),
        };
        Ok((status, body))
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16)?;
            body.append(&mut self.exactly(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection in an answer");
        }
        Ok(line.trim_end().to_owned())
    }
}

/// A body with the parts `files[]` and `request`.
pub(crate) fn multipart(name: &str, file: &[u8], request: &str) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"{name}\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(
        format!(
            "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n\
             {request}\r\n--{BOUNDARY}--\r\n"
        )
        .as_bytes(),
    );
    body
}

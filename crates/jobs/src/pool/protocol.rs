//! What server and runner say to each other over the runner's standard input and output: frames of
//! a kind byte, a length (32 bit, little endian) and a payload, which is JSON or bytes of a file.
//!
//! Server: `Setup` once, and after it `Chunk`s and `End` for each font; then for each file `Unit`,
//! and when the runner answered `Began`, `Chunk`s and `End`, and as much again for each other file
//! that the unit names. Runner: `Step`s, then for each result `Output` and its `Chunk`s, then
//! `Done`; or `Failed`.

use std::io::{self, Read, Write};

use bytes::Bytes;
use imaging::Limits;
use imaging::run::{StepData, Warning};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::job::JobError;

/// Bytes of files travel in pieces of this size.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
/// A runner may have been taken over by the file it reads: what it says is bounded.
const FRAME_BYTES_MAX: usize = 16 << 20;
const HEADER_BYTES: usize = 5;

/// The limits a runner puts on itself before it reads anything else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) memory_max_bytes: u64,
    pub(super) threads: usize,
    /// How many fonts of the operator follow.
    pub(super) fonts: usize,
}

/// One file through one plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unit {
    /// `pipeline`, or a single operation.
    pub operation: String,
    /// The request document.
    pub request: serde_json::Value,
    /// Bounds on the work.
    pub limits: Limits,
    /// The name of the file.
    pub filename: String,
    /// The places in the request of the other files that its operations use, in the order in which
    /// they follow.
    #[serde(default)]
    pub files: Vec<usize>,
}

/// A result before its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputHeader {
    /// Its name, from the input's stem.
    pub filename: String,
    /// Short format name.
    pub format: String,
    /// Media type.
    pub mime_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Lossy encodes on the way from the input.
    pub encode_generations: u32,
    /// Its length.
    pub size_bytes: u64,
}

/// What came of a unit besides its results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitReport {
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// What steps have to say.
    pub data: Vec<StepData>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) error: JobError,
    /// The runner is in doubt about itself.
    pub(super) retire: bool,
}

#[derive(Debug)]
pub(super) enum Frame {
    Setup(Setup),
    Unit(Box<Unit>),
    Chunk(Bytes),
    End,
    Began,
    Step { step_index: u32, fraction: f32 },
    Output(OutputHeader),
    Done(UnitReport),
    Failed(Failure),
}

impl Frame {
    fn kind(&self) -> u8 {
        match self {
            Self::Setup(_) => 1,
            Self::Unit(_) => 2,
            Self::Chunk(_) => 3,
            Self::End => 4,
            Self::Began => 5,
            Self::Step { .. } => 6,
            Self::Output(_) => 7,
            Self::Done(_) => 8,
            Self::Failed(_) => 9,
        }
    }

    fn payload(&self) -> io::Result<Bytes> {
        Ok(match self {
            Self::Setup(setup) => json(setup)?,
            Self::Unit(unit) => json(unit)?,
            Self::Chunk(bytes) => bytes.clone(),
            Self::End | Self::Began => Bytes::new(),
            Self::Step { step_index, fraction } => json(&(step_index, fraction))?,
            Self::Output(header) => json(header)?,
            Self::Done(report) => json(report)?,
            Self::Failed(failure) => json(failure)?,
        })
    }

    fn parse(kind: u8, payload: Vec<u8>) -> io::Result<Self> {
        Ok(match kind {
            1 => Self::Setup(from_json(&payload)?),
            2 => Self::Unit(from_json(&payload)?),
            3 => Self::Chunk(payload.into()),
            4 => Self::End,
            5 => Self::Began,
            6 => {
                let (step_index, fraction) = from_json(&payload)?;
                Self::Step { step_index, fraction }
            }
            7 => Self::Output(from_json(&payload)?),
            8 => Self::Done(from_json(&payload)?),
            9 => Self::Failed(from_json(&payload)?),
            _ => return Err(invalid(format!("frame of kind {kind}"))),
        })
    }

    fn header(&self, payload: &[u8]) -> io::Result<[u8; HEADER_BYTES]> {
        let len = u32::try_from(payload.len()).map_err(|_| invalid("frame too long".into()))?;
        let [a, b, c, d] = len.to_le_bytes();
        Ok([self.kind(), a, b, c, d])
    }

    /// Writes a frame, in one system call where it is small.
    pub(super) fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        let payload = self.payload()?;
        let header = self.header(&payload)?;
        if payload.len() <= 4096 {
            return writer.write_all(&[&header, &payload[..]].concat());
        }
        writer.write_all(&header)?;
        writer.write_all(&payload)
    }

    /// Reads a frame.
    pub(super) fn read_from(reader: &mut impl Read) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        reader.read_exact(&mut header)?;
        let mut payload = vec![0; payload_len(header)?];
        reader.read_exact(&mut payload)?;
        Self::parse(header[0], payload)
    }

    /// Writes a frame, in one system call where it is small.
    pub(super) async fn send(&self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let payload = self.payload()?;
        let header = self.header(&payload)?;
        if payload.len() <= 4096 {
            return writer.write_all(&[&header, &payload[..]].concat()).await;
        }
        writer.write_all(&header).await?;
        writer.write_all(&payload).await
    }

    /// Reads a frame.
    pub(super) async fn receive(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        reader.read_exact(&mut header).await?;
        let mut payload = vec![0; payload_len(header)?];
        reader.read_exact(&mut payload).await?;
        Self::parse(header[0], payload)
    }
}

fn payload_len([_, a, b, c, d]: [u8; HEADER_BYTES]) -> io::Result<usize> {
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    if len > FRAME_BYTES_MAX { Err(invalid(format!("frame of {len} bytes"))) } else { Ok(len) }
}

fn json(value: &impl Serialize) -> io::Result<Bytes> {
    Ok(serde_json::to_vec(value)?.into())
}

fn from_json<T: for<'a> Deserialize<'a>>(payload: &[u8]) -> io::Result<T> {
    Ok(serde_json::from_slice(payload)?)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

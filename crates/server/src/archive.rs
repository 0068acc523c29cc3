//! The outputs of a job as one ZIP stream.

use std::ops::Range;

use axum::BoxError;
use bytes::Bytes;
use crc32fast::Hasher;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jobs::Job;
use jobs::blobs::{Blobs, ByteStream};

use crate::zip::{Archive, Entry, unique_names};

/// The outputs of a job, to be sent as an archive.
pub(crate) struct Source {
    archive: Archive,
    blobs: Vec<String>,
}

/// Where a stream is.
enum Position {
    /// Before file so many, or behind the last.
    Before(usize),
    /// In the data of file so many.
    In(usize, ByteStream, Hasher),
    /// Behind everything.
    End,
}

impl Source {
    pub(crate) fn new(job: Job) -> Self {
        let names = unique_names(job.outputs.iter().map(|output| output.filename.as_str()));
        let entries = names
            .into_iter()
            .zip(&job.outputs)
            .map(|(filename, output)| Entry { filename, size_bytes: output.size_bytes })
            .collect();
        let modified = job.finished_at.unwrap_or(job.created_at);
        let blobs = job.outputs.into_iter().map(|output| output.blob).collect();
        Self { archive: Archive::new(entries, modified), blobs }
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.archive.size_bytes()
    }

    /// The bytes in a range. Those before it are made too, as checksums need them, and dropped.
    pub(crate) fn stream(
        self,
        blobs: Blobs,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
        let whole = stream::try_unfold(
            (self, blobs, Position::Before(0)),
            |(mut source, blobs, position)| async move {
                let next = source.next(&blobs, position).await?;
                Ok(next.map(|(bytes, position)| (bytes, (source, blobs, position))))
            },
        );
        let mut at = 0;
        let cut = whole.map_ok(move |bytes: Bytes| {
            let here = at..at + bytes.len() as u64;
            at = here.end;
            let start = range.start.clamp(here.start, here.end) - here.start;
            let end = range.end.clamp(here.start, here.end) - here.start;
            // Both lie within the piece, whose length is a usize.
            bytes.slice(start as usize..end.max(start) as usize)
        });
        cut.try_filter(|bytes| std::future::ready(!bytes.is_empty()))
    }

    async fn next(
        &mut self,
        blobs: &Blobs,
        position: Position,
    ) -> Result<Option<(Bytes, Position)>, BoxError> {
        match position {
            Position::Before(index) => match self.blobs.get(index) {
                Some(blob) => {
                    let data = blobs.read(blob, None).await?;
                    let position = Position::In(index, data, Hasher::new());
                    Ok(Some((self.archive.begin(), position)))
                }
                None => Ok(Some((self.archive.finish(), Position::End))),
            },
            Position::In(index, mut data, mut checksum) => match data.next().await {
                Some(bytes) => {
                    let bytes = bytes?;
                    checksum.update(&bytes);
                    Ok(Some((bytes, Position::In(index, data, checksum))))
                }
                None => {
                    let end = self.archive.end(checksum.finalize());
                    Ok(Some((end, Position::Before(index + 1))))
                }
            },
            Position::End => Ok(None),
        }
    }
}

//! Storing a blob while its bytes come in.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::{BlobError, Blobs, io_error};

/// A blob that is being stored. It exists once [`BlobWriter::finish`] has returned; dropping the
/// writer before leaves nothing, or at most an unfinished upload that goes with the job.
pub struct BlobWriter {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The folder the blob goes to, when it goes to a folder.
    folder: Option<PathBuf>,
    part_bytes: usize,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    sha256: Sha256,
    size_bytes: u64,
}

/// A blob that is stored for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub blob: String,
    /// Its length.
    pub size_bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

impl BlobWriter {
    pub(super) fn new(blobs: &Blobs, path: Path) -> Self {
        let parent = path.as_ref().rsplit_once('/').map_or("", |(parent, _)| parent);
        Self {
            store: Arc::clone(&blobs.store),
            folder: blobs.root.as_ref().map(|root| root.join(parent)),
            path,
            part_bytes: blobs.part_bytes,
            buffer: Vec::new(),
            upload: None,
            sha256: Sha256::new(),
            size_bytes: 0,
        }
    }

    /// Takes the next bytes. Holds at most one part in memory.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        self.sha256.update(bytes);
        self.size_bytes += bytes.len() as u64;
        while self.buffer.len() + bytes.len() > self.part_bytes {
            let (head, tail) = bytes.split_at(self.part_bytes - self.buffer.len());
            self.buffer.extend_from_slice(head);
            self.put_part().await?;
            bytes = tail;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// How many bytes came in so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Waits until all of it is stored for good.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        if self.upload.is_some() {
            self.put_part().await?;
        }
        match &mut self.upload {
            Some(upload) => upload.complete().await?,
            None => {
                self.make_folder()?;
                self.store.put(&self.path, std::mem::take(&mut self.buffer).into()).await?
            }
        };
        Ok(Stored {
            blob: self.path.to_string(),
            size_bytes: self.size_bytes,
            sha256: lower_hex(&self.sha256.finalize()),
        })
    }

    /// Gives up, and deletes what was stored so far.
    pub async fn abort(mut self) -> Result<(), BlobError> {
        match &mut self.upload {
            Some(upload) => Ok(upload.abort().await?),
            None => Ok(()),
        }
    }

    /// Makes the folders of a new job without waiting for the disk, as the store would at each of
    /// them. It waits for the blob and for the innermost folder: file systems with a journal (ext4,
    /// XFS, Btrfs) keep the order of such changes, so that what is on the disk then includes the
    /// outer ones.
    fn make_folder(&self) -> Result<(), BlobError> {
        self.folder.as_ref().map_or(Ok(()), std::fs::create_dir_all).map_err(io_error)
    }

    async fn put_part(&mut self) -> Result<(), BlobError> {
        if self.upload.is_none() {
            self.make_folder()?;
            self.upload = Some(self.store.put_multipart(&self.path).await?);
        }
        let part = std::mem::replace(&mut self.buffer, Vec::with_capacity(self.part_bytes));
        let upload = self.upload.as_mut().expect("set above");
        upload.put_part(part.into()).await?;
        Ok(())
    }
}

impl std::fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobWriter({}, {} bytes)", self.path, self.size_bytes)
    }
}

fn lower_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

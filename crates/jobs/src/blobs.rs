//! The files of jobs, in an object store. Keys are made here and nowhere else:
//! `jobs/<id>/inputs/<n>` and `jobs/<id>/<attempt>-<token>/<n>`. The token makes the results of two
//! attempts different blobs; the job row names those that count.

mod writer;

use std::collections::BTreeSet;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::job::JobId;
use crate::job_store::Claim;

pub use writer::{BlobWriter, Stored};

/// Up to this size a blob is written in one go, which spares small files the hops and the second
/// look at the disk of an upload in parts.
const LOCAL_PART_BYTES: usize = 1 << 20;
/// The least part that S3 takes is 5 MiB.
const REMOTE_PART_BYTES: usize = 8 << 20;
const READ_BYTES: usize = 256 << 10;

/// The files of jobs.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The folder, when they are in one.
    root: Option<PathBuf>,
    part_bytes: usize,
}

/// A blob cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The disk is full.
    #[error("no space left for files")]
    DiskFull,
    /// There is no such blob.
    #[error("the stored file {0} is gone")]
    NotFound(String),
    /// Anything else.
    #[error("the file store failed: {0}")]
    Failed(String),
}

/// A stream of the bytes of a blob, or an error.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

impl Blobs {
    /// Files in a local folder, which is created where it is missing. What is written is on the
    /// disk when the call returns.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let root = root.into();
        std::fs::create_dir_all(root.join("jobs")).map_err(io_error)?;
        let store = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), root: Some(root), part_bytes: LOCAL_PART_BYTES })
    }

    /// Files in any object store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, root: None, part_bytes: REMOTE_PART_BYTES }
    }

    /// Begins to store an input of a job.
    pub fn write_input(&self, id: &JobId, index: usize) -> BlobWriter {
        self.writer(job_path(id).join("inputs").join(index.to_string()))
    }

    /// Begins to store a result of a claim.
    pub fn write_output(&self, claim: &Claim, index: usize) -> BlobWriter {
        self.writer(attempt_path(claim).join(index.to_string()))
    }

    fn writer(&self, path: Path) -> BlobWriter {
        BlobWriter::new(self, path)
    }

    /// Reads a blob, or the part of it that lies in a range of bytes.
    pub async fn read(
        &self,
        blob: &str,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, BlobError> {
        let options = GetOptions { range: range.map(Into::into), ..GetOptions::default() };
        let result = self.store.get_opts(&parse(blob)?, options).await?;
        let GetResult { payload, range, .. } = result;
        Ok(match payload {
            GetResultPayload::Stream(stream) => stream.map_err(BlobError::from).boxed(),
            // The stream that object_store makes of a file crosses threads each 8 KiB.
            GetResultPayload::File(file, _) => {
                let mut file = tokio::fs::File::from_std(file);
                if range.start > 0 {
                    file.seek(SeekFrom::Start(range.start)).await.map_err(io_error)?;
                }
                let len = range.end - range.start;
                let capacity =
                    usize::try_from(len).map_or(READ_BYTES, |len| len.clamp(1, READ_BYTES));
                ReaderStream::with_capacity(file.take(len), capacity).map_err(io_error).boxed()
            }
        })
    }

    /// Reads a small blob whole.
    pub async fn read_all(&self, blob: &str) -> Result<Vec<u8>, BlobError> {
        let mut stream = self.read(blob, None).await?;
        let mut all = Vec::new();
        while let Some(chunk) = stream.try_next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// Deletes one blob. One that is gone already is fine.
    pub async fn delete(&self, blob: &str) -> Result<(), BlobError> {
        match self.store.delete(&parse(blob)?).await.map_err(BlobError::from) {
            Ok(()) | Err(BlobError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes all files of a job, unfinished uploads included.
    pub async fn delete_job(&self, id: &JobId) -> Result<(), BlobError> {
        self.delete_all(job_path(id)).await
    }

    /// Deletes all results of a claim.
    pub async fn delete_attempt(&self, claim: &Claim) -> Result<(), BlobError> {
        self.delete_all(attempt_path(claim)).await
    }

    /// Deletes what is left of attempts whose results do not count. `outputs` are the blobs that
    /// do.
    pub async fn delete_other_attempts<'a>(
        &self,
        id: &JobId,
        outputs: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), BlobError> {
        let kept: BTreeSet<&str> =
            outputs.into_iter().filter_map(|it| Some(it.rsplit_once('/')?.0)).collect();
        let inputs = job_path(id).join("inputs");
        for prefix in self.store.list_with_delimiter(Some(&job_path(id))).await?.common_prefixes {
            if prefix != inputs && !kept.contains(prefix.as_ref()) {
                self.delete_all(prefix).await?;
            }
        }
        Ok(())
    }

    /// The jobs that have files, whether they have a row or not.
    pub async fn job_ids(&self) -> Result<Vec<JobId>, BlobError> {
        let listed = self.store.list_with_delimiter(Some(&Path::from("jobs"))).await?;
        let names = listed.common_prefixes.iter().filter_map(|prefix| prefix.filename());
        Ok(names.filter_map(JobId::parse).collect())
    }

    /// Room left on the disk in bytes, or `None` where there is no disk to look at.
    pub fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(self.root.as_ref()?).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    async fn delete_all(&self, prefix: Path) -> Result<(), BlobError> {
        if let Some(root) = &self.root {
            // Unlike the store, this also takes the folders and unfinished uploads, and does not
            // wait for the disk at each file: what a power cut brings back is deleted by the next
            // sweep.
            let folder = root.join(FsPath::new(prefix.as_ref()));
            return remove_folder(folder).await;
        }
        let paths = self.store.list(Some(&prefix)).map_ok(|meta| meta.location).boxed();
        let mut deleted = self.store.delete_stream(paths);
        while let Some(result) = deleted.next().await {
            match result.map_err(BlobError::from) {
                Ok(_) | Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

async fn remove_folder(folder: PathBuf) -> Result<(), BlobError> {
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    match removed.map_err(|error| BlobError::Failed(error.to_string()))? {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_error(error)),
        _ => Ok(()),
    }
}

fn job_path(id: &JobId) -> Path {
    Path::from_iter(["jobs", id.as_str()])
}

fn attempt_path(claim: &Claim) -> Path {
    job_path(&claim.job.id).join(format!("{}-{}", claim.job.attempt, claim.token))
}

fn parse(blob: &str) -> Result<Path, BlobError> {
    Path::parse(blob).map_err(|_| BlobError::NotFound(blob.to_owned()))
}

fn io_error(error: std::io::Error) -> BlobError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BlobError::DiskFull,
        _ => BlobError::Failed(error.to_string()),
    }
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        use std::error::Error;
        if let object_store::Error::NotFound { path, .. } = &error {
            return Self::NotFound(path.clone());
        }
        let mut source: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<std::io::Error>()
                && matches!(io_error(io.kind().into()), Self::DiskFull)
            {
                return Self::DiskFull;
            }
            source = cause.source();
        }
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests;

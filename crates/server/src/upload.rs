//! A multipart body becomes blobs and a document: the only multipart code of the server.
//!
//! Files go to the store in pieces as they arrive, and past the header inspector on the way.
//! Whatever is refused leaves nothing behind.

use bytes::Bytes;
use imaging::format::Inspector;
use imaging::{ErrorKind, Fault, Header};
use jobs::JobId;
use jobs::blobs::{BlobError, BlobWriter, Blobs};
use jobs::job::InputFile;

use crate::State;
use crate::error::{ApiError, Code};
use crate::multipart::{Multipart, MultipartError, Part};
use crate::paced::{BodyError, Paced};

mod filename;

/// The names that a file part may have; the first is the one of the documentation.
pub(crate) const FILE_PARTS: [&str; 4] = ["files[]", "files", "file", "file[]"];

/// The name of the part that holds the request document.
pub(crate) const DOCUMENT_PART: &str = "request";

/// The most parts of other names that are named in an answer.
const UNKNOWN_MAX: usize = 10;

/// A body that was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// The text of the `request` part.
    pub(crate) document: Option<Vec<u8>>,
    /// The files, those that were refused included.
    pub(crate) files: Vec<Result<(InputFile, Header), Refused>>,
    /// Names of parts that mean nothing here.
    pub(crate) unknown: Vec<String>,
}

/// A file that was turned away at the door.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) fault: Fault,
}

/// Deletes the blobs of a job that does not come to be, also when its request is cut off.
pub(crate) struct Unsubmitted {
    blobs: Blobs,
    id: Option<JobId>,
}

impl Unsubmitted {
    pub(crate) fn new(blobs: &Blobs, id: &JobId) -> Self {
        Self { blobs: blobs.clone(), id: Some(id.clone()) }
    }

    /// The job exists: its blobs are its own.
    pub(crate) fn keep(mut self) {
        self.id = None;
    }

    /// Deletes the blobs and waits for it.
    pub(crate) async fn discard(mut self) {
        if let Some(id) = self.id.take() {
            delete(&self.blobs, &id).await;
        }
    }
}

impl Drop for Unsubmitted {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let blobs = self.blobs.clone();
        runtime.spawn(async move { delete(&blobs, &id).await });
    }
}

async fn delete(blobs: &Blobs, id: &JobId) {
    if let Err(error) = blobs.delete_job(id).await {
        tracing::warn!(job = %id, %error, "files of a refused request are left to the sweeper");
    }
}

/// Reads a body to its end, and keeps its files for the job with this id.
pub(crate) async fn receive(
    state: &State,
    id: &JobId,
    body: Paced,
    boundary: &str,
) -> Result<Upload, ApiError> {
    read(state, Some(id), Multipart::new(body, boundary)).await
}

/// Reads a body to its end, and only looks at its files.
pub(crate) async fn inspect(
    state: &State,
    body: Paced,
    boundary: &str,
) -> Result<Upload, ApiError> {
    read(state, None, Multipart::new(body, boundary)).await
}

async fn read(
    state: &State,
    id: Option<&JobId>,
    parts: Multipart<Paced>,
) -> Result<Upload, ApiError> {
    let mut receiver = Receiver { state, id, parts, upload: Upload::default() };
    receiver.run().await?;
    Ok(receiver.upload)
}

struct Receiver<'a> {
    state: &'a State,
    /// The job that the files are kept for, if they are.
    id: Option<&'a JobId>,
    parts: Multipart<Paced>,
    upload: Upload,
}

impl Receiver<'_> {
    async fn run(&mut self) -> Result<(), ApiError> {
        while let Some(part) = self.next_part().await? {
            match part.name.as_str() {
                DOCUMENT_PART => self.document().await?,
                name if FILE_PARTS.contains(&name) => {
                    let file = self.file(&part).await?;
                    self.upload.files.push(file);
                }
                name if self.upload.unknown.len() < UNKNOWN_MAX => {
                    self.upload.unknown.push(name.chars().take(64).collect());
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn next_part(&mut self) -> Result<Option<Part>, ApiError> {
        self.parts.next_part().await.map_err(|error| self.broken(error))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        self.parts.chunk().await.map_err(|error| self.broken(error))
    }

    fn broken(&self, error: MultipartError<BodyError>) -> ApiError {
        let config = &self.state.parts.config;
        match error {
            MultipartError::Syntax(message) => ApiError::new(
                Code::MalformedBody,
                format!("the body is no valid multipart/form-data: {message}"),
            ),
            MultipartError::Stream(error) => error.into_api(&config.upload, &config.timeouts),
        }
    }

    async fn document(&mut self) -> Result<(), ApiError> {
        if self.upload.document.is_some() {
            return Err(ApiError::new(Code::MalformedBody, "the form has two parts `request`"));
        }
        let bytes_max = self.state.parts.config.upload.document_bytes_max;
        let mut document = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if document.len() + chunk.len() > bytes_max {
                return Err(ApiError::new(
                    Code::TooLarge,
                    format!("the part `request` is over the limit of {bytes_max} bytes"),
                ));
            }
            document.extend_from_slice(&chunk);
        }
        self.upload.document = Some(document);
        Ok(())
    }

    async fn file(
        &mut self,
        part: &Part,
    ) -> Result<Result<(InputFile, Header), Refused>, ApiError> {
        let index = self.upload.files.len();
        self.check_count(index)?;
        let mut inspector = Some(Inspector::new(&self.state.parts.limits));
        let mut refused = None;
        // Once anything is refused the rest is only looked at, so that every fault is told.
        let id = self.id.filter(|_| self.sound());
        let mut writer = id.map(|id| self.state.parts.blobs.write_input(id, index));
        let mut size_bytes = 0;
        while let Some(chunk) = self.chunk().await? {
            size_bytes += chunk.len() as u64;
            self.check_size(index, size_bytes)?;
            let looked = inspector.as_mut().map_or(Ok(()), |inspector| inspector.push(&chunk));
            if let Err(error) = looked {
                refused = Some(error);
                inspector = None;
                give_up(&mut writer).await;
            }
            if let Some(writer) = &mut writer {
                writer.write(&chunk).await.map_err(storage)?;
            }
        }
        self.state.metrics.uploaded(size_bytes);
        let header = match (refused, inspector) {
            (None, Some(inspector)) => inspector.finish(),
            (Some(error), _) => Err(error),
            (None, None) => Err(imaging::Error::internal("a file was not inspected")),
        };
        match header {
            Ok(header) => {
                let file = InputFile { size_bytes, ..described(part, &header) };
                Ok(Ok((store(writer, file).await?, header)))
            }
            Err(error) => {
                give_up(&mut writer).await;
                Ok(Err(refuse(index, part, size_bytes, error)?))
            }
        }
    }

    fn sound(&self) -> bool {
        self.upload.files.iter().all(Result::is_ok)
    }

    fn check_count(&self, index: usize) -> Result<(), ApiError> {
        let files_max = self.state.parts.config.upload.files_max;
        if index < files_max {
            return Ok(());
        }
        let message = format!("a request may have {files_max} files; send the others in another");
        let fault = Fault::invalid(format!("/files/{index}"), message);
        Err(ApiError::of_faults(Code::LimitExceeded, vec![fault]))
    }

    fn check_size(&self, index: usize, size_bytes: u64) -> Result<(), ApiError> {
        let bytes_max = self.state.parts.config.upload.file_bytes_max;
        if size_bytes <= bytes_max {
            return Ok(());
        }
        let message = format!("the file is over the limit of {} MB", bytes_max as f64 / 1e6);
        let fault = Fault::invalid(format!("/files/{index}"), message);
        Err(ApiError::of_faults(Code::TooLarge, vec![fault]))
    }
}

/// What is known of a file before it is stored.
fn described(part: &Part, header: &Header) -> InputFile {
    let format = header.format;
    let given = part.filename.as_deref().unwrap_or_default();
    InputFile {
        filename: filename::sanitize(given, format.name),
        format: format.name.to_owned(),
        mime_type: format.mime_type.to_owned(),
        size_bytes: 0,
        sha256: String::new(),
        blob: String::new(),
    }
}

async fn store(writer: Option<BlobWriter>, file: InputFile) -> Result<InputFile, ApiError> {
    let Some(writer) = writer else { return Ok(file) };
    let stored = writer.finish().await.map_err(storage)?;
    Ok(InputFile {
        size_bytes: stored.size_bytes,
        sha256: stored.sha256,
        blob: stored.blob,
        ..file
    })
}

async fn give_up(writer: &mut Option<BlobWriter>) {
    if let Some(writer) = writer.take()
        && let Err(error) = writer.abort().await
    {
        tracing::warn!(%error, "a refused upload could not be dropped at once");
    }
}

fn storage(error: BlobError) -> ApiError {
    match error {
        BlobError::DiskFull => ApiError::new(Code::DiskFull, error.to_string()),
        BlobError::NotFound(_) | BlobError::Failed(_) => ApiError::internal(error),
    }
}

fn refuse(
    index: usize,
    part: &Part,
    size_bytes: u64,
    error: imaging::Error,
) -> Result<Refused, ApiError> {
    let code = match error.kind {
        ErrorKind::Input => Code::InvalidInput,
        ErrorKind::Unsupported => Code::UnsupportedFormat,
        ErrorKind::Limit => Code::LimitExceeded,
        ErrorKind::Unavailable => Code::NotAvailable,
        ErrorKind::Internal => return Err(ApiError::internal(error)),
    };
    let mut message = error.message;
    match &part.filename {
        None => message.push_str(
            "; the part has no file name: curl sends a file only with an @, as in \
             -F \"files[]=@image.png\"",
        ),
        Some(name) if size_bytes > 0 => {
            message = format!("{}: {message}", filename::sanitize(name, "bin"));
        }
        Some(_) => {}
    }
    Ok(Refused { code, fault: Fault::invalid(format!("/files/{index}"), message) })
}

//! Stores that fail at one call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use jobs::job_store::{
    Claim, ClaimError, Counts, Filter, JobStore, NewJob, Outcome, Progress, Signal, StoreError,
    Submitted, Swept,
};
use jobs::{Job, JobId};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::broadcast;

/// What happens to the nth call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Nothing is done, an error returned.
    Fails,
    /// It is done, and an error returned.
    LosesAnswer,
    /// It never returns.
    Hangs,
}

pub(crate) struct Fault {
    left: AtomicI64,
    how: How,
}

impl Fault {
    pub(crate) fn new(n: i64, how: How) -> Self {
        Self { left: AtomicI64::new(n), how }
    }

    pub(crate) fn struck(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    pub(crate) fn hangs(&self) -> bool {
        self.how == How::Hangs && self.struck()
    }

    async fn around<T, E>(
        &self,
        lost: impl FnOnce() -> E,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return call.await;
        }
        match self.how {
            How::Fails => Err(lost()),
            How::LosesAnswer => call.await.and_then(|_| Err(lost())),
            How::Hangs => std::future::pending().await,
        }
    }
}

pub(crate) struct FaultyStore {
    inner: Arc<dyn JobStore>,
    fault: Arc<Fault>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn JobStore>, fault: Arc<Fault>) -> Self {
        Self { inner, fault }
    }

    async fn around<T, E: From<StoreError>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.fault.around(|| StoreError::Database("as asked".into()).into(), call).await
    }
}

#[async_trait]
impl JobStore for FaultyStore {
    async fn submit(&self, job: NewJob) -> Result<Submitted, StoreError> {
        self.around(self.inner.submit(job)).await
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Claim, StoreError> {
        self.around(self.inner.claim(worker, lease)).await
    }

    async fn heartbeat(
        &self,
        claim: &Claim,
        progress: Progress,
        lease: Duration,
    ) -> Result<Signal, ClaimError> {
        self.around(self.inner.heartbeat(claim, progress, lease)).await
    }

    async fn finish(&self, claim: Claim, outcome: Outcome) -> Result<(), ClaimError> {
        self.around(self.inner.finish(claim, outcome)).await
    }

    async fn cancel(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.around(self.inner.cancel(id)).await
    }

    async fn purge(&self, id: &JobId) -> Result<bool, StoreError> {
        self.around(self.inner.purge(id)).await
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.around(self.inner.get(id)).await
    }

    async fn list(&self, filter: Filter) -> Result<Vec<Job>, StoreError> {
        self.around(self.inner.list(filter)).await
    }

    async fn find_idempotent(
        &self,
        scope: &str,
        key: &str,
    ) -> Result<Option<(Job, String)>, StoreError> {
        self.around(self.inner.find_idempotent(scope, key)).await
    }

    fn watch(&self) -> broadcast::Receiver<JobId> {
        self.inner.watch()
    }

    async fn sweep(&self) -> Result<Swept, StoreError> {
        self.around(self.inner.sweep()).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.around(self.inner.counts()).await
    }
}

pub(crate) struct FaultyBlobs {
    inner: Arc<dyn ObjectStore>,
    fault: Arc<Fault>,
}

impl FaultyBlobs {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, fault: Arc<Fault>) -> Self {
        Self { inner, fault }
    }

    async fn around<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let lost = || object_store::Error::Generic { store: "faulty", source: "as asked".into() };
        self.fault.around(lost, call).await
    }
}

impl fmt::Display for FaultyBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

impl fmt::Debug for FaultyBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[async_trait]
impl ObjectStore for FaultyBlobs {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.around(self.inner.put_opts(path, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.around(self.inner.put_multipart_opts(path, options)).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.around(self.inner.get_opts(path, options)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (inner, fault) = (self.inner.clone(), self.fault.clone());
        let delete = async move {
            let lost =
                || object_store::Error::Generic { store: "faulty", source: "as asked".into() };
            let nothing = async { Ok(()) };
            match fault.around(lost, nothing).await {
                Ok(()) => inner.delete_stream(paths),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            }
        };
        futures_util::stream::once(delete).flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.around(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.around(self.inner.copy_opts(from, to, options)).await
    }
}

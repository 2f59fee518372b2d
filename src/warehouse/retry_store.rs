//! Retries: an object store that repeats requests which may safely be sent twice.
//!
//! The S3 client retries what it knows to be idempotent by its HTTP method. A listing that is cut off, a deletion (a POST of many
//! names) and an upload that overwrites are idempotent too. A put-if-absent is left to its caller: the first try may have arrived, and
//! only its author can tell its own file from another's.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Tries of one request in all.
const TRIES: u32 = 4;

/// Waited before the second try, and twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(100);

/// A request that failed after so long was retried by the client already.
const TRIED_ALREADY: Duration = Duration::from_secs(10);

/// As many names as one request of S3 deletes.
const DELETED_AT_ONCE: usize = 1000;

#[derive(Debug)]
pub(super) struct RetryStore {
    inner: Arc<dyn ObjectStore>,
}

impl RetryStore {
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }
}

impl fmt::Display for RetryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Sends a request until it succeeds, or fails in a way that sending it again does not help.
async fn retried<T, F: Future<Output = Result<T>>>(request: impl Fn() -> F) -> Result<T> {
    let mut tries = Tries::default();
    loop {
        match request().await {
            Err(error) if tries.pause_after(&error).await => {}
            answer => return answer,
        }
    }
}

/// How often a request failed so far.
struct Tries {
    failed: u32,
    began: Instant,
}

impl Default for Tries {
    fn default() -> Self {
        Self { failed: 0, began: Instant::now() }
    }
}

impl Tries {
    /// True, after a pause, where another try is worth it.
    async fn pause_after(&mut self, error: &Error) -> bool {
        self.failed += 1;
        let is_passing = matches!(error, Error::Generic { .. });
        if !is_passing || self.failed >= TRIES || self.began.elapsed() > TRIED_ALREADY {
            return false;
        }
        tokio::time::sleep(PAUSE * 2u32.pow(self.failed - 1)).await;
        self.began = Instant::now();
        true
    }
}

#[async_trait]
impl ObjectStore for RetryStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match options.mode {
            PutMode::Overwrite => retried(|| self.inner.put_opts(path, payload.clone(), options.clone())).await,
            PutMode::Create | PutMode::Update(_) => self.inner.put_opts(path, payload, options).await,
        }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        retried(|| self.inner.put_multipart_opts(path, options.clone())).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        retried(|| self.inner.get_opts(path, options.clone())).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let inner = Arc::clone(&self.inner);
        let chunks = paths.try_chunks(DELETED_AT_ONCE).map_err(|error| error.1);
        let deleted = chunks.and_then(move |chunk| {
            let inner = Arc::clone(&inner);
            async move {
                retried(|| delete_all(&*inner, &chunk)).await?;
                Ok(stream::iter(chunk.into_iter().map(Ok)))
            }
        });
        deleted.try_flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        listed(Arc::clone(&self.inner), prefix.cloned(), None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        listed(Arc::clone(&self.inner), prefix.cloned(), Some(offset.clone()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        retried(|| self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        match options.mode {
            CopyMode::Overwrite => retried(|| self.inner.copy_opts(from, to, options.clone())).await,
            CopyMode::Create => self.inner.copy_opts(from, to, options).await,
        }
    }
}

/// A file that is gone is as deleted as one that was there.
async fn delete_all(store: &dyn ObjectStore, paths: &[Path]) -> Result<()> {
    let paths: Vec<Result<Path>> = paths.iter().cloned().map(Ok).collect();
    let mut deleted = store.delete_stream(stream::iter(paths).boxed());
    let mut outcome = Ok(());
    while let Some(one) = deleted.next().await {
        match one {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// A listing that goes on behind the last name where it breaks off, which it may where names come in order, as they do from S3.
fn listed(
    inner: Arc<dyn ObjectStore>,
    prefix: Option<Path>,
    offset: Option<Path>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    struct Listing {
        inner: Arc<dyn ObjectStore>,
        prefix: Option<Path>,
        last: Option<Path>,
        is_ordered: bool,
        tries: Tries,
        stream: BoxStream<'static, Result<ObjectMeta>>,
    }
    impl Listing {
        fn begin(
            inner: &dyn ObjectStore,
            prefix: Option<&Path>,
            last: Option<&Path>,
        ) -> BoxStream<'static, Result<ObjectMeta>> {
            match last {
                Some(last) => inner.list_with_offset(prefix, last),
                None => inner.list(prefix),
            }
        }
    }
    let stream = Listing::begin(&*inner, prefix.as_ref(), offset.as_ref());
    let listing = Listing { inner, prefix, last: offset, is_ordered: true, tries: Tries::default(), stream };
    stream::unfold(Some(listing), |listing| async {
        let mut listing = listing?;
        loop {
            match listing.stream.next().await? {
                Ok(object) => {
                    listing.is_ordered &= listing.last.as_ref().is_none_or(|last| *last < object.location);
                    listing.last = Some(object.location.clone());
                    listing.tries = Tries::default();
                    return Some((Ok(object), Some(listing)));
                }
                Err(error) if listing.is_ordered && listing.tries.pause_after(&error).await => {
                    listing.stream = Listing::begin(&*listing.inner, listing.prefix.as_ref(), listing.last.as_ref());
                }
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::super::fault_store::{Fault, FaultStore, Operation};
    use super::*;

    async fn store(files: usize) -> (Arc<FaultStore>, RetryStore) {
        let faults = Arc::new(FaultStore::new(Arc::new(InMemory::new())));
        for n in 0..files {
            faults.put(&Path::from(format!("a/{n:02}")), PutPayload::from_static(b"x")).await.unwrap();
        }
        (Arc::clone(&faults), RetryStore::new(faults))
    }

    #[tokio::test]
    async fn a_listing_that_is_cut_goes_on() {
        let (faults, store) = store(10).await;
        faults.fail_next(Operation::List, Fault::CutAfter(3));
        faults.fail_next(Operation::List, Fault::CutAfter(0));
        faults.fail_next(Operation::List, Fault::CutAfter(4));
        let names: Vec<_> = store.list(None).map_ok(|object| object.location).try_collect().await.unwrap();
        assert_eq!(names, (0..10).map(|n| Path::from(format!("a/{n:02}"))).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_deletion_is_asked_for_again_whether_it_arrived_or_not() {
        for fault in [Fault::Before, Fault::After] {
            let (faults, store) = store(3).await;
            faults.fail_next(Operation::Delete, fault);
            let paths = stream::iter(["a/00", "a/01", "gone"].map(|path| Ok(Path::from(path)))).boxed();
            assert_eq!(store.delete_stream(paths).try_collect::<Vec<_>>().await.unwrap().len(), 3);
            assert_eq!(store.list(None).count().await, 1);
        }
    }

    #[tokio::test]
    async fn what_stays_broken_is_an_error_and_a_creation_is_tried_once() {
        let (faults, store) = store(1).await;
        for _ in 0..TRIES {
            faults.fail_next(Operation::List, Fault::CutAfter(0));
        }
        assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
        faults.fail_next(Operation::Put, Fault::Before);
        let create = PutOptions::from(PutMode::Create);
        assert!(store.put_opts(&Path::from("new"), PutPayload::from_static(b"1"), create).await.is_err());
        faults.fail_next(Operation::Put, Fault::After);
        store.put(&Path::from("new"), PutPayload::from_static(b"2")).await.unwrap();
        assert!(matches!(store.get(&Path::from("none")).await, Err(Error::NotFound { .. })));
    }
}

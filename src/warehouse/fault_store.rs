//! Fault injection for tests: an object store that forwards to another one, fails the next operations of a kind, before or after their
//! effect, and counts requests as a bucket would.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// A write into a log.
    Commit,
    /// Any other write.
    Put,
    Delete,
    List,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It never arrives.
    Before,
    /// It takes effect and the answer is lost.
    After,
    /// It takes effect, the answer is lost, and the client's own second try finds it taken.
    AfterAndRetried,
    /// A listing breaks off after so many names.
    CutAfter(usize),
}

#[derive(Debug)]
pub(super) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    next: Mutex<Vec<(Operation, Fault)>>,
    requests: Mutex<Vec<String>>,
}

impl FaultStore {
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, next: Mutex::default(), requests: Mutex::default() }
    }

    /// Lets the next operation of a kind fail, after those that were asked for before.
    pub(super) fn fail_next(&self, operation: Operation, fault: Fault) {
        self.next.lock().unwrap().push((operation, fault));
    }

    /// The requests since this was last asked: method and path.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    fn count(&self, method: &str, path: Option<&Path>) {
        let request = format!("{method} {}", path.map_or("", |path| path.as_ref()));
        self.requests.lock().unwrap().push(request);
    }

    fn fault(&self, operation: Operation) -> Option<Fault> {
        let mut next = self.next.lock().unwrap();
        let at = next.iter().position(|(of, _)| *of == operation)?;
        Some(next.remove(at).1)
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

fn lost() -> Error {
    Error::Generic { store: "FaultStore", source: "the connection was reset".into() }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.count("PUT", Some(path));
        let is_commit = path.as_ref().contains("_delta_log/") && path.as_ref().ends_with(".json");
        let fault = self.fault(if is_commit { Operation::Commit } else { Operation::Put });
        if fault == Some(Fault::Before) {
            return Err(lost());
        }
        let done = self.inner.put_opts(path, payload, options).await?;
        match fault {
            Some(Fault::AfterAndRetried) => {
                Err(Error::AlreadyExists { path: path.to_string(), source: "precondition failed".into() })
            }
            Some(_) => Err(lost()),
            None => Ok(done),
        }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.count(if options.head { "HEAD" } else { "GET" }, Some(path));
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.count("DELETE", None);
        match self.fault(Operation::Delete) {
            None => self.inner.delete_stream(paths),
            Some(Fault::Before) => stream::once(async { Err(lost()) }).boxed(),
            Some(_) => self.inner.delete_stream(paths).map(|_| Err(lost())).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count("LIST", prefix);
        let listed = self.inner.list(prefix);
        match self.fault(Operation::List) {
            Some(Fault::CutAfter(names)) => listed.take(names).chain(stream::once(async { Err(lost()) })).boxed(),
            _ => listed,
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count("LIST", prefix);
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.count("LIST", prefix);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

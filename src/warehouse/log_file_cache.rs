//! Log file cache: a table's folder as the object store from which Delta's log reader opens a version, with as few requests as can be.
//!
//! The reader asks for the log's entries and its checkpoint several times and in ranges, once for the table's columns and once for its
//! parts. Both are immutable: here each is fetched whole, once, and kept until the version is open. What remains is a request for
//! `_last_checkpoint`, a listing from that checkpoint on, the checkpoint, and the entries since.
//!
//! A checkpoint only repeats what the entries say, all of which are kept. Where one is damaged the table can be opened without.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use super::Location;

/// The folder of the log.
const FOLDER: &str = "_delta_log";

/// Whether checkpoints are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoints {
    Read,
    Ignore,
}

/// The files of one table, with its log at `_delta_log`.
#[derive(Debug)]
pub(super) struct LogFileCache {
    inner: PrefixStore<Arc<dyn ObjectStore>>,
    checkpoints: Checkpoints,
    has_checkpoint: AtomicBool,
    fetched: Mutex<HashMap<Path, (ObjectMeta, Bytes)>>,
}

impl LogFileCache {
    /// The table's folder is the root: the reader of logs decodes a URL's path twice, so that a folder called `50%20` would be read in `50 `.
    pub(super) fn new(location: &Location, checkpoints: Checkpoints) -> Self {
        let inner = PrefixStore::new(Arc::clone(location.store()), location.root().clone());
        Self { inner, checkpoints, has_checkpoint: AtomicBool::new(false), fetched: Mutex::default() }
    }

    /// True where a checkpoint, or the file that names it, was read.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.has_checkpoint.load(Ordering::Relaxed)
    }

    /// Gives back the memory of what was fetched.
    pub(super) fn forget(&self) {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn fetch(&self, path: &Path) -> Result<(ObjectMeta, Bytes)> {
        let known = self.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.inner.get_opts(path, GetOptions::new()).await?;
        let meta = found.meta.clone();
        let whole = (meta, found.bytes().await?);
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), whole.clone());
        Ok(whole)
    }

    fn is_hidden(&self, path: &Path) -> bool {
        self.checkpoints == Checkpoints::Ignore && is_of_checkpoint(path)
    }
}

/// True for a checkpoint, and for the file that names the last one.
fn is_of_checkpoint(path: &Path) -> bool {
    path.filename().is_some_and(|name| name == "_last_checkpoint" || name.contains(".checkpoint."))
}

/// True for an entry or a checkpoint: a file of the log whose name begins with its version.
fn is_immutable(path: &Path) -> bool {
    let version = path.filename().and_then(|name| name.get(..20)).unwrap_or_default();
    path.as_ref().starts_with(FOLDER) && version.len() == 20 && version.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for LogFileCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogFileCache({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LogFileCache {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        if self.is_hidden(path) {
            return Err(Error::NotFound { path: path.to_string(), source: "checkpoints are not read".into() });
        }
        if !is_immutable(path) {
            let found = self.inner.get_opts(path, options).await?;
            self.has_checkpoint.fetch_or(is_of_checkpoint(path), Ordering::Relaxed);
            return Ok(found);
        }
        let (meta, bytes) = self.fetch(path).await?;
        self.has_checkpoint.fetch_or(is_of_checkpoint(path), Ordering::Relaxed);
        let size = bytes.len() as u64;
        let range = match options.range {
            None => 0..size,
            Some(GetRange::Bounded(range)) => range.start.min(size)..range.end.min(size),
            Some(GetRange::Offset(start)) => start.min(size)..size,
            Some(GetRange::Suffix(length)) => size.saturating_sub(length)..size,
        };
        let offset = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let slice = bytes.slice(offset(range.start)..offset(range.end));
        let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(slice) }).boxed());
        Ok(GetResult { payload, meta, range, attributes: Attributes::default() })
    }

    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.shown(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.shown(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

impl LogFileCache {
    fn shown(&self, listed: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        let hides = self.checkpoints == Checkpoints::Ignore;
        let is_shown =
            move |object: &ObjectMeta| futures::future::ready(!(hides && is_of_checkpoint(&object.location)));
        listed.try_filter(is_shown).boxed()
    }
}

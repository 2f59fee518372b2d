//! The local file system as an object store in which pipes, sockets and devices do not exist.
//!
//! Opening a pipe waits for its writer, and a device may have no end: reading either would never return. Reading or looking one up gives
//! `NotFound`.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Everything on this machine.
#[derive(Debug)]
pub(super) struct LocalStore(LocalFileSystem);

impl LocalStore {
    pub(super) fn new() -> Self {
        // Folders of runs whose last part is collected go with it.
        Self(LocalFileSystem::new().with_automatic_cleanup(true))
    }

    /// Fails for what is there and is no file.
    fn admit(&self, path: &Path) -> Result<()> {
        match self.0.path_to_filesystem(path)?.metadata() {
            Ok(meta) if !meta.is_file() && !meta.is_dir() => {
                let source = "it is no file, but a pipe, a socket or a device".into();
                Err(Error::NotFound { path: path.to_string(), source })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.admit(path)?;
        self.0.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.admit(path)?;
        self.0.get_ranges(path, ranges).await
    }

    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.admit(from)?;
        self.0.copy_opts(from, to, options).await
    }
}

#[cfg(all(test, unix))]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn a_pipe_is_no_object() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.parquet");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let path = Path::from_absolute_path(&pipe).unwrap();
        let store = LocalStore::new();
        for error in [
            store.get(&path).await.unwrap_err(),
            store.head(&path).await.unwrap_err(),
            store.get_range(&path, 0..1).await.unwrap_err(),
            store.get_ranges(&path, std::slice::from_ref(&(0..1))).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::NotFound { .. }) && error.to_string().contains("a pipe"), "{error}");
        }
    }
}

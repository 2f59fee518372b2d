//! The folder that an export is written to, local or in a bucket.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::buffered::BufWriter;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::spool::Spooled;
use crate::error::{Context, Error, Result};
use crate::warehouse::Location;

/// Larger files go in parts.
const PART: usize = 16 << 20;

/// Paths below are relative, `/` between parts.
#[derive(Debug, Clone)]
pub struct ExportFolder(Location);

impl ExportFolder {
    /// A path, `file://` or `s3://` URL; a relative path starts at the current folder.
    pub fn at(url: &str) -> Result<Self> {
        Ok(Self(Location::parse(url, Path::new("."))?))
    }

    /// For people: a folder on this machine as a path, anything else as its URL.
    pub fn root(&self) -> String {
        match self.0.url().to_file_path() {
            Ok(path) if self.0.url().scheme() == "file" => path.display().to_string(),
            _ => self.0.url().to_string(),
        }
    }

    /// Writes a file, whole or not at all.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let failed = || format!("cannot write `{path}` below {}", self.0.url());
        let (store, target) = (self.0.store(), self.0.path(path));
        if bytes.len() <= PART {
            store.put(&target, bytes.into()).await.or_input(failed)?;
            return Ok(());
        }
        let mut upload = BufWriter::with_capacity(Arc::clone(store), target, PART);
        upload.write_all(&bytes).await.or_input(failed)?;
        upload.shutdown().await.or_input(failed)
    }

    /// Writes a file where there is none; says whether it did. Of several that try, one does.
    pub async fn create(&self, path: &str, bytes: Bytes) -> Result<bool> {
        match self.0.store().put_opts(&self.0.path(path), bytes.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(e) => Err(Error::input(format!("cannot write `{path}` below {}", self.0.url())).because(e)),
        }
    }

    /// Writes a file that was spooled, whole or not at all; no more than two parts of it are in memory.
    pub async fn put_spooled(&self, path: &str, spooled: Spooled) -> Result<()> {
        let failed = || format!("cannot write `{path}` below {}", self.0.url());
        let mut file = tokio::fs::File::from_std(spooled.file);
        file.rewind().await.or_input(failed)?;
        if spooled.bytes <= PART as u64 {
            let mut bytes = Vec::with_capacity(spooled.bytes as usize);
            file.read_to_end(&mut bytes).await.or_input(failed)?;
            return self.put(path, bytes.into()).await;
        }
        let (store, target) = (Arc::clone(self.0.store()), self.0.path(path));
        let mut upload = BufWriter::with_capacity(store, target, PART).with_max_concurrency(1);
        if let Err(e) = tokio::io::copy(&mut file, &mut upload).await {
            // What was sent so far is of no use to anybody; that it cannot be taken back changes nothing about the failure.
            let _ = upload.abort().await;
            return Err(Error::input(failed()).because(e));
        }
        upload.shutdown().await.or_input(failed)
    }

    /// A file's bytes, or none where there is no such file.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>> {
        let failed = || format!("cannot read `{path}` below {}", self.0.url());
        // To open a pipe is to wait for whoever writes to it.
        let on_disk = self.0.url().to_file_path().map(|root| root.join(path));
        if on_disk.is_ok_and(|file| file.metadata().is_ok_and(|meta| !meta.is_file())) {
            return Err(Error::input("it is no file, but a folder, a pipe or a device").with("file", path));
        }
        match self.0.store().get(&self.0.path(path)).await {
            Ok(found) => Ok(Some(found.bytes().await.or_input(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(Error::input(failed()).because(e)),
        }
    }

    /// A file that must be there.
    pub async fn get_existing(&self, path: &str) -> Result<Bytes> {
        self.get(path).await?.ok_or_else(|| Error::input("a file of the export is not there").with("file", path))
    }

    /// Bytes of a file, or none where there is no such file.
    pub async fn size(&self, path: &str) -> Result<Option<u64>> {
        match self.0.store().head(&self.0.path(path)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(Error::input(format!("cannot look for `{path}` below {}", self.0.url())).because(e)),
        }
    }

    /// The paths of the files in a folder, sorted.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let prefix = self.0.path(folder);
        let found: Vec<_> = self
            .0
            .store()
            .list(Some(&prefix))
            .try_collect()
            .await
            .or_input(|| format!("cannot list `{folder}` below {}", self.0.url()))?;
        let relative = |path: &object_store::path::Path| {
            let parts: Vec<_> = path.prefix_match(self.0.root())?.map(|part| part.as_ref().to_owned()).collect();
            Some(parts.join("/"))
        };
        let mut paths: Vec<String> = found.iter().filter_map(|meta| relative(&meta.location)).collect();
        paths.sort();
        Ok(paths)
    }

    /// Deletes a file; one that is not there is as good as deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.0.store().delete(&self.0.path(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(Error::input(format!("cannot delete `{path}` below {}", self.0.url())).because(e)),
        }
    }
}

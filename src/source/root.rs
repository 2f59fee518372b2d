//! The folder of a dataset, on disk or in a bucket, that its reader never leaves.
//!
//! Paths come from dataset files and are not to be trusted: an absolute path, a `..`, a backslash, a NUL or a link that leads
//! outside is refused. All calls block; readers run on blocking threads.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt, path::Path as StorePath};
use url::Url;

use crate::error::{Context, Error, Result};

/// A dataset's folder: a local directory or a prefix of a bucket.
#[derive(Debug, Clone)]
pub struct Root {
    url: Url,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Local(PathBuf),
    Store { store: Arc<dyn ObjectStore>, prefix: StorePath, runtime: tokio::runtime::Handle },
}

impl std::fmt::Display for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.url.fmt(f)
    }
}

/// A file below the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Relative to the root, `/` between parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Changes when the content does: times of modification and change, or ETag.
    pub tag: String,
}

impl Root {
    /// What `root` of a `[[source]]` says: a path (relative to the project's folder), or a `file://` or `s3://` URL. A local folder
    /// is created when `make` is set.
    pub fn at(text: &str, project: &Path, make: bool, runtime: tokio::runtime::Handle) -> Result<Self> {
        let location = crate::warehouse::Location::parse(text, project)?;
        match location.url().to_file_path() {
            Ok(folder) if location.url().scheme() == "file" => {
                if make {
                    std::fs::create_dir_all(&folder).or_input(|| format!("cannot create `{}`", folder.display()))?;
                }
                Self::local(&folder)
            }
            _ => {
                Ok(Self::store(location.url().clone(), Arc::clone(location.store()), location.root().clone(), runtime))
            }
        }
    }

    /// A directory on this machine.
    pub fn local(path: &Path) -> Result<Self> {
        let path = path.canonicalize().map_err(|e| {
            Error::input("no such dataset folder")
                .with("path", path.display())
                .because(e)
                .hint("check `root` of the source in mill.toml")
        })?;
        let url = Url::from_directory_path(&path)
            .map_err(|()| Error::input("this folder has no URL").with("path", path.display()))?;
        Ok(Self { url, place: Place::Local(path) })
    }

    /// A prefix of a bucket.
    pub fn store(url: Url, store: Arc<dyn ObjectStore>, prefix: StorePath, runtime: tokio::runtime::Handle) -> Self {
        Self { url, place: Place::Store { store, prefix, runtime } }
    }

    /// The URL of a file below the root; it need not exist.
    pub fn uri(&self, path: &str) -> Result<String> {
        let checked = check(path)?;
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::input("not a folder").with("url", &self.url))?
            .pop_if_empty()
            .extend(checked.split('/'));
        Ok(url.to_string())
    }

    /// Every file below `folder` ("" for all), sorted by path. Links that lead out of the root are not followed.
    pub fn list(&self, folder: &str) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.visit(folder, &mut |entry| entries.push(entry))?;
        entries.sort();
        Ok(entries)
    }

    /// A hash of the paths, sizes and tags of the files below `folder`, for each key that `key` gives them; files without a
    /// key are left out. In constant memory for each key: a folder of a million photos is never held.
    pub fn digests(
        &self,
        folder: &str,
        mut key: impl FnMut(&Entry) -> Option<String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut sums = BTreeMap::<String, u128>::new();
        self.visit(folder, &mut |entry| {
            if let Some(key) = key(&entry) {
                let line = format!("{}\0{}\0{}", entry.path, entry.size, entry.tag);
                let sum = sums.entry(key).or_default();
                // Listings come in any order, so the hashes are added up rather than chained.
                *sum = sum.wrapping_add(xxhash_rust::xxh3::xxh3_128(line.as_bytes()));
            }
        })?;
        Ok(sums.into_iter().map(|(key, sum)| (key, format!("{sum:032x}"))).collect())
    }

    /// A hash of the paths, sizes and tags of all files below `folder`.
    pub fn digest(&self, folder: &str) -> Result<String> {
        Ok(self.digests(folder, |_| Some(String::new()))?.remove("").unwrap_or_default())
    }

    /// True where there is a folder of this name with at least one file in it.
    pub fn has_folder(&self, folder: &str) -> Result<bool> {
        match &self.place {
            Place::Local(root) => Ok(self.inside(root, folder)?.is_some_and(|path| path.is_dir())),
            Place::Store { store, prefix, runtime } => {
                let mut listing = store.list(Some(&join(prefix, &check(folder)?)));
                let first = runtime
                    .block_on(futures::TryStreamExt::try_next(&mut listing))
                    .or_input(|| format!("cannot list `{}`", self.url))?;
                Ok(first.is_some())
            }
        }
    }

    fn visit(&self, folder: &str, on: &mut dyn FnMut(Entry)) -> Result<()> {
        match &self.place {
            Place::Local(root) => {
                let top = if folder.is_empty() { root.clone() } else { root.join(check(folder)?) };
                if top.is_dir() {
                    walk(root, &top, on)?;
                }
            }
            Place::Store { store, prefix, runtime } => {
                let top = if folder.is_empty() { prefix.clone() } else { join(prefix, &check(folder)?) };
                let mut listing = store.list(Some(&top));
                while let Some(meta) = runtime
                    .block_on(futures::TryStreamExt::try_next(&mut listing))
                    .or_input(|| format!("cannot list `{}`", self.url))?
                {
                    if let Some(rest) = meta.location.prefix_match(prefix) {
                        let path = rest.map(|p| p.as_ref().to_owned()).collect::<Vec<_>>().join("/");
                        let tag = meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339());
                        on(Entry { path, size: meta.size, tag });
                    }
                }
            }
        }
        Ok(())
    }

    /// Fails exactly where a path is refused: it is malformed, or a link leads it out of the root. It need not exist.
    pub fn admit(&self, path: &str) -> Result<()> {
        match &self.place {
            Place::Local(root) => self.inside(root, path).map(drop),
            Place::Store { .. } => check(path).map(drop),
        }
    }

    /// True where there is a file of this name.
    pub fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.size(path)?.is_some())
    }

    /// Bytes of a file, or none when it does not exist.
    pub fn size(&self, path: &str) -> Result<Option<u64>> {
        match &self.place {
            Place::Local(root) => match self.inside(root, path)? {
                Some(file) => Ok(file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len())),
                None => Ok(None),
            },
            Place::Store { store, prefix, runtime } => {
                match runtime.block_on(store.head(&join(prefix, &check(path)?))) {
                    Ok(meta) => Ok(Some(meta.size)),
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(e) => Err(Error::input("cannot read").with("file", path).because(e)),
                }
            }
        }
    }

    /// What changes when a file does (its times of modification and change or its ETag, and its size), or none when it does not exist.
    pub fn tag(&self, path: &str) -> Result<Option<String>> {
        match &self.place {
            Place::Local(root) => {
                let meta = self.inside(root, path)?.and_then(|file| file.metadata().ok()).filter(|meta| meta.is_file());
                Ok(meta.map(|meta| format!("{} {}", changed(&meta), meta.len())))
            }
            Place::Store { store, prefix, runtime } => {
                match runtime.block_on(store.head(&join(prefix, &check(path)?))) {
                    Ok(meta) => {
                        let tag = meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339());
                        Ok(Some(format!("{tag} {}", meta.size)))
                    }
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(e) => Err(Error::input("cannot read").with("file", path).because(e)),
                }
            }
        }
    }

    /// A whole file, refused when it is larger than `limit` bytes.
    pub fn bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        let size = self.size(path)?.ok_or_else(|| Error::input("no such file").with("file", path))?;
        if size > limit {
            return Err(
                Error::input(format!("the file has {size} bytes, more than the {limit} allowed")).with("file", path)
            );
        }
        let mut bytes = Vec::with_capacity(size as usize);
        self.open(path)?.take(limit).read_to_end(&mut bytes).or_input(|| format!("cannot read `{path}`"))?;
        Ok(bytes)
    }

    /// A file as a stream, for what does not fit into memory.
    pub fn open(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        match &self.place {
            Place::Local(root) => {
                let file = self.inside(root, path)?.ok_or_else(|| Error::input("no such file").with("file", path))?;
                let file = std::fs::File::open(&file).or_input(|| format!("cannot open `{path}`"))?;
                Ok(Box::new(std::io::BufReader::with_capacity(1 << 20, file)))
            }
            Place::Store { store, prefix, runtime } => {
                let found = runtime
                    .block_on(store.get(&join(prefix, &check(path)?)))
                    .or_input(|| format!("cannot open `{path}`"))?;
                let stream = futures::TryStreamExt::map_err(found.into_stream(), std::io::Error::other);
                Ok(Box::new(Streamed {
                    chunks: Box::pin(stream),
                    chunk: bytes::Bytes::new(),
                    runtime: runtime.clone(),
                }))
            }
        }
    }

    /// The real place of a local path, none when it does not exist, an error when it lies outside.
    fn inside(&self, root: &Path, path: &str) -> Result<Option<PathBuf>> {
        let Ok(real) = root.join(check(path)?).canonicalize() else { return Ok(None) };
        if real.starts_with(root) {
            Ok(Some(real))
        } else {
            Err(Error::input("the path leads out of the dataset's folder").with("path", path))
        }
    }
}

/// The path with plain parts only, or why it is refused.
fn check(path: &str) -> Result<String> {
    let refuse = |why: &str| Err(Error::input(format!("refused path: {why}")).with("path", path.escape_debug()));
    if path.is_empty() {
        return refuse("it is empty");
    }
    if path.starts_with('/') {
        return refuse("it is absolute");
    }
    if path.contains(['\\', '\0']) {
        return refuse("it has a backslash or a NUL");
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return refuse("it has a `..`"),
            plain => parts.push(plain),
        }
    }
    Ok(parts.join("/"))
}

fn join(prefix: &StorePath, path: &str) -> StorePath {
    prefix.parts().chain(StorePath::from(path).parts()).collect()
}

fn walk(root: &Path, folder: &Path, on: &mut dyn FnMut(Entry)) -> Result<()> {
    let listing = std::fs::read_dir(folder).or_input(|| format!("cannot list `{}`", folder.display()))?;
    for item in listing {
        let item = item.or_input(|| format!("cannot list `{}`", folder.display()))?;
        let path = item.path();
        let Ok(real) = path.canonicalize() else { continue };
        if !real.starts_with(root) {
            continue;
        }
        let meta = std::fs::metadata(&real).or_input(|| format!("cannot read `{}`", path.display()))?;
        let is_link = item.file_type().is_ok_and(|t| t.is_symlink());
        if meta.is_dir() && !is_link {
            // A linked folder could lead back to its parent and never end.
            walk(root, &path, on)?;
        } else if meta.is_file() {
            let Some(relative) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
            on(Entry { path: relative.to_owned(), size: meta.len(), tag: changed(&meta) });
        }
    }
    Ok(())
}

/// When a file was modified and, where the system keeps it, when its entry was changed: tools that copy files set the former to what
/// it was elsewhere, and nobody can set the latter.
fn changed(meta: &std::fs::Metadata) -> String {
    let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = modified.map_or_else(String::new, |t| t.as_nanos().to_string());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        format!("{modified} {}.{:09}", meta.ctime(), meta.ctime_nsec())
    }
    #[cfg(not(unix))]
    modified
}

/// An object's byte stream as a blocking reader.
struct Streamed {
    chunks: futures::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>,
    chunk: bytes::Bytes,
    runtime: tokio::runtime::Handle,
}

impl Read for Streamed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(futures::StreamExt::next(&mut self.chunks)) {
                Some(next) => self.chunk = next?,
                None => return Ok(0),
            }
        }
        let n = into.len().min(self.chunk.len());
        into[..n].copy_from_slice(&self.chunk.split_to(n));
        Ok(n)
    }
}

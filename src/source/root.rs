//! The folder of a dataset, on disk or in a bucket, that its reader never leaves.
//!
//! Paths come from dataset files and are not to be trusted: an absolute path, a `..`, a backslash, a NUL or a link that leads
//! outside is refused, and so is what is no file: a pipe, a socket, a device. All calls block; readers run on blocking threads.
//!
//! ```text
//! walk ─► a file, or a link to one inside ─► entry
//!      ├─► a folder, or a link to one inside that is not above ─► walk
//!      └─► what leads out, leads nowhere, is no file or has no path ─► entry with a refusal ─► noted where it is the reader's business
//! ```

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::{ObjectStore, ObjectStoreExt, path::Path as StorePath};
use url::Url;

use super::file_entry::{FileEntry, FilesDigest, UnreadablePath};
use super::local_walk::{ConfinedFolder, Links, changed, link_as_text};
use crate::error::{Context, Error, Result};
use crate::text::{composed, has_forms};
use crate::warehouse::{odd_keys, open_object};

/// So many paths that cannot be read are noted; a dataset with more of them is none.
const MAX_REFUSED: usize = 100_000;

/// A dataset's folder: a local directory or a prefix of a bucket.
#[derive(Debug, Clone)]
pub struct Root {
    url: Url,
    place: RootStorage,
    /// Of all copies of this root.
    refused: Arc<Mutex<BTreeMap<String, UnreadablePath>>>,
    /// Of folders in which a name was looked for, see [`Root::spelled`].
    spellings: Arc<Mutex<HashMap<String, Arc<Spellings>>>>,
}

/// The names in a folder that Unicode has several forms of, by their composed forms.
type Spellings = HashMap<String, String>;

#[derive(Debug, Clone)]
enum RootStorage {
    Local(ConfinedFolder),
    Store { store: Arc<dyn ObjectStore>, prefix: StorePath, runtime: tokio::runtime::Handle },
}

impl std::fmt::Display for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.url.fmt(f)
    }
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
        let folder = ConfinedFolder::open(path).map_err(|e| {
            Error::input("no such dataset folder")
                .with("path", path.display())
                .because(e)
                .hint("check `root` of the source in mill.toml")
        })?;
        let url = Url::from_directory_path(folder.path())
            .map_err(|()| Error::input("this folder has no URL").with("path", path.display()))?;
        Ok(Self { url, place: RootStorage::Local(folder), refused: Arc::default(), spellings: Arc::default() })
    }

    /// A prefix of a bucket.
    pub fn store(url: Url, store: Arc<dyn ObjectStore>, prefix: StorePath, runtime: tokio::runtime::Handle) -> Self {
        Self {
            url,
            place: RootStorage::Store { store, prefix, runtime },
            refused: Arc::default(),
            spellings: Arc::default(),
        }
    }

    /// The same, with links followed wherever they lead: their maker is trusted.
    pub fn following_links(mut self) -> Self {
        if let RootStorage::Local(folder) = &mut self.place {
            folder.links = Links::Anywhere;
        }
        self
    }

    /// What was met in listings and cannot be read, sorted.
    pub fn refused(&self) -> Vec<(String, UnreadablePath)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|(path, why)| (path.clone(), *why)).collect()
    }

    fn note(&self, path: String, why: UnreadablePath) -> Result<()> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(path, why);
        if refused.len() <= MAX_REFUSED {
            return Ok(());
        }
        Err(Error::input(format!("more than {MAX_REFUSED} files of the source cannot be read"))
            .with("the last because", why.unusable().message)
            .hint("check `root` of the source in mill.toml"))
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

    /// True for a `uri` of something below it: a path, or a URL without a fragment. It need not exist.
    pub fn contains(&self, uri: &str) -> bool {
        match &self.place {
            RootStorage::Local(root) => {
                let path = match uri.contains("://") {
                    true => Url::parse(uri).ok().and_then(|url| url.to_file_path().ok()),
                    false => std::path::absolute(uri).ok(),
                };
                path.is_some_and(|path| root.contains(&path))
            }
            RootStorage::Store { store, prefix, .. } => open_object(uri)
                .is_ok_and(|(other, path)| Arc::ptr_eq(store, &other) && path.prefix_match(prefix).is_some()),
        }
    }

    /// Every file below `folder` ("" for all), sorted by path. What cannot be read is noted.
    pub fn list(&self, folder: &str) -> Result<Vec<FileEntry>> {
        let mut entries = Vec::new();
        self.visit(folder, &mut |entry| {
            match entry.refused {
                Some(why) => self.note(entry.path, why)?,
                None => entries.push(entry),
            }
            Ok(())
        })?;
        entries.sort();
        Ok(entries)
    }

    /// A digest of the paths, sizes and tags of the files below `folder`, for each key that `key` gives them; files without a
    /// key are left out, and what cannot be read is noted where it has one. In constant memory for each key: a folder of a million
    /// photos is never held.
    pub fn digests(
        &self,
        folder: &str,
        mut key: impl FnMut(&FileEntry) -> Option<String>,
    ) -> Result<BTreeMap<String, FilesDigest>> {
        let mut sums = BTreeMap::<String, (u128, u64)>::new();
        self.visit(folder, &mut |entry| {
            let Some(key) = key(&entry) else { return Ok(()) };
            if let Some(why) = entry.refused {
                return self.note(entry.path, why);
            }
            let line = format!("{}\0{}\0{}", entry.path, entry.size, entry.tag);
            let (sum, bytes) = sums.entry(key).or_default();
            *bytes = bytes.saturating_add(entry.size);
            // Listings come in any order, so the hashes are added up rather than chained.
            *sum = sum.wrapping_add(xxhash_rust::xxh3::xxh3_128(line.as_bytes()));
            Ok(())
        })?;
        Ok(sums
            .into_iter()
            .map(|(key, (sum, bytes))| (key, FilesDigest { hash: format!("{sum:032x}"), bytes }))
            .collect())
    }

    /// True where there is a folder of this name with at least one file in it.
    pub fn has_folder(&self, folder: &str) -> Result<bool> {
        match &self.place {
            RootStorage::Local(root) => Ok(inside(root, folder)?.is_some_and(|path| path.is_dir())),
            RootStorage::Store { store, prefix, runtime } => {
                let mut listing = store.list(Some(&join(prefix, &check(folder)?)?));
                let first = runtime.block_on(futures::TryStreamExt::try_next(&mut listing));
                let first = first.map_err(|e| unlisted(&self.url, e))?;
                Ok(first.is_some())
            }
        }
    }

    fn visit(&self, folder: &str, on: &mut dyn FnMut(FileEntry) -> Result<()>) -> Result<()> {
        match &self.place {
            RootStorage::Local(root) => {
                let folder = if folder.is_empty() { String::new() } else { check(folder)? };
                let top = if folder.is_empty() { Some(root.path().to_owned()) } else { inside(root, &folder)? };
                match top {
                    Some(top) if top.is_dir() => root.walk(&folder, top, on),
                    Some(top) if link_as_text(&top).is_some() => {
                        Err(Error::input(UnreadablePath::LinkAsText.unusable().message).with("path", folder))
                    }
                    _ => Ok(()),
                }
            }
            RootStorage::Store { store, prefix, runtime } => {
                let top = if folder.is_empty() { prefix.clone() } else { join(prefix, &check(folder)?)? };
                let mut listing = store.list(Some(&top));
                while let Some(meta) = runtime
                    .block_on(futures::TryStreamExt::try_next(&mut listing))
                    .map_err(|e| unlisted(&self.url, e))?
                {
                    if let Some(rest) = meta.location.prefix_match(prefix) {
                        let path = rest.map(|p| p.as_ref().to_owned()).collect::<Vec<_>>().join("/");
                        let tag = meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339());
                        let refused = odd_keys::is_odd(&path).then_some(UnreadablePath::NoPath);
                        on(FileEntry { path: odd_keys::shown(&path), size: meta.size, tag, refused })?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Fails exactly where a path is refused: it is malformed, or a link leads it out of the root. It need not exist.
    pub fn admit(&self, path: &str) -> Result<()> {
        match &self.place {
            RootStorage::Local(root) => inside(root, path).map(drop),
            RootStorage::Store { .. } => check(path).map(drop),
        }
    }

    /// True where there is a file of this name.
    pub fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.size(path)?.is_some())
    }

    /// A path as the names of files and folders on its way are spelled. Unicode has several forms of one name, and systems and tools that
    /// rewrite names: what a record calls so is there in another form. The path as it is where there is no such file.
    pub fn spelled(&self, path: &str) -> Result<String> {
        if !has_forms(path) || self.exists(path)? {
            return Ok(path.to_owned());
        }
        let mut spelled = String::new();
        for part in check(path)?.split('/') {
            let known = if has_forms(part) { self.spellings(&spelled)?.get(&*composed(part)).cloned() } else { None };
            if !spelled.is_empty() {
                spelled.push('/');
            }
            spelled += known.as_deref().unwrap_or(part);
        }
        Ok(if self.exists(&spelled)? { spelled } else { path.to_owned() })
    }

    /// Of a folder; of one that is not there, none.
    fn spellings(&self, folder: &str) -> Result<Arc<Spellings>> {
        let mut known = self.spellings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spellings) = known.get(folder) {
            return Ok(Arc::clone(spellings));
        }
        let failed = || format!("cannot list `{folder}`");
        let mut names = Vec::new();
        match &self.place {
            RootStorage::Local(root) => {
                let real = if folder.is_empty() { Some(root.path().to_owned()) } else { inside(root, folder)? };
                for item in real
                    .filter(|real| real.is_dir())
                    .map(std::fs::read_dir)
                    .transpose()
                    .or_input(failed)?
                    .into_iter()
                    .flatten()
                {
                    names.extend(item.or_input(failed)?.file_name().into_string());
                }
            }
            RootStorage::Store { store, prefix, runtime } => {
                let top = if folder.is_empty() { prefix.clone() } else { join(prefix, &check(folder)?)? };
                let listed = runtime.block_on(store.list_with_delimiter(Some(&top))).or_input(failed)?;
                let objects = listed.objects.into_iter().map(|meta| meta.location).chain(listed.common_prefixes);
                names.extend(objects.filter_map(|path| path.filename().map(str::to_owned)));
            }
        }
        names.retain(|name| has_forms(name));
        // Where several are one name to people, the same one every time.
        names.sort_unstable_by(|a, b| b.cmp(a));
        let spellings: Spellings = names.into_iter().map(|name| (composed(&name).into_owned(), name)).collect();
        Ok(Arc::clone(known.entry(folder.to_owned()).or_insert(Arc::new(spellings))))
    }

    /// Bytes of a file, or none when it does not exist.
    pub fn size(&self, path: &str) -> Result<Option<u64>> {
        match &self.place {
            RootStorage::Local(root) => match inside(root, path)? {
                Some(file) => match file.metadata() {
                    Ok(meta) if meta.is_file() => Ok(Some(meta.len())),
                    Ok(meta) if !meta.is_dir() => Err(no_file(path)),
                    _ => Ok(None),
                },
                None => Ok(None),
            },
            RootStorage::Store { store, prefix, runtime } => {
                match runtime.block_on(store.head(&join(prefix, &check(path)?)?)) {
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
            RootStorage::Local(root) => {
                let meta = inside(root, path)?.and_then(|file| file.metadata().ok()).filter(|meta| meta.is_file());
                Ok(meta.map(|meta| format!("{} {}", changed(&meta), meta.len())))
            }
            RootStorage::Store { store, prefix, runtime } => {
                match runtime.block_on(store.head(&join(prefix, &check(path)?)?)) {
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
            RootStorage::Local(root) => {
                let file = inside(root, path)?.ok_or_else(|| Error::input("no such file").with("file", path))?;
                // Opening a pipe waits for whoever writes to it.
                if file.metadata().is_ok_and(|meta| !meta.is_file()) {
                    return Err(no_file(path));
                }
                let file = std::fs::File::open(&file).or_input(|| format!("cannot open `{path}`"))?;
                Ok(Box::new(std::io::BufReader::with_capacity(1 << 20, file)))
            }
            RootStorage::Store { store, prefix, runtime } => {
                let found = runtime
                    .block_on(store.get(&join(prefix, &check(path)?)?))
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
}

/// The real place of a local path, none when it does not exist, an error when it lies outside.
fn inside(root: &ConfinedFolder, path: &str) -> Result<Option<PathBuf>> {
    let Ok(real) = root.path().join(check(path)?).canonicalize() else { return Ok(None) };
    if root.admits(&real) {
        Ok(Some(real))
    } else {
        Err(Error::input("the path leads out of the dataset's folder")
            .with("path", path)
            .hint("`follow_links = true` of the source follows links that lead out of its root"))
    }
}

fn no_file(path: &str) -> Error {
    Error::input(UnreadablePath::NoFile.unusable().message).with("file", path)
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

/// Why a bucket's listing failed. What S3 says is in an XML document with much that only its operators read.
fn unlisted(url: &Url, error: object_store::Error) -> Error {
    let text = error.to_string();
    let said = |element: &str| {
        let (_, rest) = text.split_once(&format!("<{element}>"))?;
        rest.split_once("</").map(|(inside, _)| inside.trim().to_owned())
    };
    let bucket = url.host_str().unwrap_or_default();
    let asked =
        ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"].iter().find_map(|name| std::env::var(name).ok());
    let endpoint = asked.map_or_else(String::new, |endpoint| format!(" at {endpoint}"));
    match said("Code") {
        Some(code) if code == "NoSuchBucket" => Error::input(format!("there is no bucket `{bucket}`{endpoint}"))
            .with("url", url)
            .hint("check `root` of the source in mill.toml, and AWS_ENDPOINT_URL and AWS_REGION"),
        Some(code) => {
            let message = said("Message").map_or_else(String::new, |message| format!(": {message}"));
            Error::input(format!("cannot list `{url}`{endpoint}")).because(format!("{code}{message}"))
        }
        None => Error::input(format!("cannot list `{url}`")).because(error),
    }
}

/// As it is: what is listed by a name is read by that name.
fn join(prefix: &StorePath, path: &str) -> Result<StorePath> {
    let slash = if prefix.as_ref().is_empty() { "" } else { "/" };
    StorePath::parse(format!("{prefix}{slash}{path}"))
        .map_err(|e| Error::input("no object has this path").with("path", path.escape_debug()).because(e))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3_says_is_told_without_its_xml() {
        let url = Url::parse("s3://photos/d").unwrap();
        let told = |code: &str, message: &str| {
            let xml = format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><HostId>x</HostId></Error>"
            );
            let answer = format!("Server returned non-2xx status code: 404 Not Found: {xml}");
            unlisted(&url, object_store::Error::Generic { store: "S3", source: answer.into() }).to_string()
        };
        let missing = told("NoSuchBucket", "The specified bucket does not exist");
        assert!(missing.contains("there is no bucket `photos`") && !missing.contains('<'), "{missing}");
        let denied = told("AccessDenied", "Access Denied");
        assert!(denied.contains("s3://photos/d") && !denied.contains('<'), "{denied}");
    }
}

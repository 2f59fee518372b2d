//! Locations: a URL, the object store behind it and the path inside that store.
//!
//! In: a path, `file://`, `s3://bucket/prefix` or `memory://name`. Out: one shared store for each bucket, so that connections
//! and (for `memory://`) contents are shared by everything in the process. Nothing here checks whether anything exists there.
//!
//! The text behind `s3://bucket/` that a person writes is a key as it is: `#`, `?`, `%`, blanks and `+` stand for themselves, as in the
//! tools of buckets, and nothing is decoded. The `uri` of a row is a URL, in which such characters are percent-encoded.

use std::collections::HashMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use datafusion::execution::object_store::ObjectStoreUrl;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::{Path, PathPart};
use object_store::{ObjectMeta, ObjectStore};
use url::Url;

use super::local_store::LocalStore;
use super::s3;
use crate::error::{Context, Error, Result};

/// A folder in an object store.
#[derive(Debug, Clone)]
pub struct Location {
    /// Ends with a slash.
    url: Url,
    store: Arc<dyn ObjectStore>,
    /// The same place as `url`, as a path in `store`.
    root: Path,
}

/// As a person writes it.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.url.scheme(), self.url.to_file_path()) {
            ("file", Ok(path)) => path.display().fmt(f),
            (scheme, _) => write!(f, "{scheme}://{}/{}", self.url.host_str().unwrap_or_default(), self.root),
        }
    }
}

impl Location {
    /// The folder that `text` names; a relative path starts at `base`.
    pub fn parse(text: &str, base: &FilePath) -> Result<Self> {
        let mut folder = object_url(text, base)?;
        if let Ok(mut parts) = folder.path_segments_mut() {
            parts.pop_if_empty().push("");
        }
        let (store, root) = resolve(&folder)?;
        Ok(Self { url: folder, store, root })
    }

    /// The folder `name` inside this one.
    pub fn child(&self, name: &str) -> Result<Self> {
        if !is_name(name) {
            return Err(
                Error::usage("a table's name is made of ASCII letters, digits, `_`, `-` and `.`").with("table", name)
            );
        }
        let url =
            self.url.join(&format!("{name}/")).or_internal(|| format!("cannot append `{name}` to {}", self.url))?;
        Ok(Self { url, store: Arc::clone(&self.store), root: self.root.clone().join(name) })
    }

    /// The names of the folders directly inside this one that may be tables, in no order. Others may lie there, too: `lost+found`,
    /// somebody's notes, an export at the root of the same bucket.
    pub async fn children(&self) -> Result<Vec<String>> {
        if let Some(root) = self.local_folder() {
            return children_of(&root);
        }
        let listed = self.store.list_with_delimiter(Some(&self.root)).await;
        let listed = listed.or_input(|| format!("cannot list the warehouse {}", self.url))?;
        let names = listed.common_prefixes.iter().filter_map(|p| p.filename());
        Ok(names.filter(|name| is_name(name)).map(str::to_owned).collect())
    }

    /// All files below a folder inside this one, in no order. What a link to another folder leads to is not inside: what is listed here may be
    /// removed, and that is somebody else's.
    pub(super) async fn files(&self, folder: &str) -> Result<Vec<ObjectMeta>> {
        let folder = self.path(folder);
        let mut files: Vec<ObjectMeta> =
            self.store.list(Some(&folder)).try_collect().await.or_input(|| format!("cannot list {folder}"))?;
        if let Some(root) = self.local_folder() {
            let mut linked = HashMap::new();
            files.retain(|file| !self.is_linked(&root, &file.location, &mut linked));
        }
        Ok(files)
    }

    /// True for a file that is reached through a link below this folder, which itself may be one. `known` are folders that were looked at.
    fn is_linked(&self, root: &FilePath, file: &Path, known: &mut HashMap<PathBuf, bool>) -> bool {
        let names: Vec<String> =
            file.prefix_match(&self.root).into_iter().flatten().map(|part| part.as_ref().to_owned()).collect();
        let mut folder = root.to_owned();
        names.iter().rev().skip(1).rev().any(|name| {
            folder.push(name);
            *known.entry(folder.clone()).or_insert_with(|| folder.is_symlink())
        })
    }

    /// Waits until a file and its name are on the disk, where the folder is on one; in a bucket they are durable when they are written.
    pub(super) async fn sync(&self, relative: &str) -> Result<()> {
        let Some(folder) = self.local_folder() else { return Ok(()) };
        let file = folder.join(relative);
        let sync = move || {
            let opened = std::fs::File::open(&file).and_then(|opened| opened.sync_all());
            opened.or_input(|| format!("cannot make {} durable", file.display()))?;
            // Folders say which files are there. Some systems have no way to sync one.
            let above = file.ancestors().skip(1).take_while(|above| above.starts_with(&folder));
            for opened in above.filter_map(|above| std::fs::File::open(above).ok()) {
                let _ = opened.sync_all();
            }
            Ok(())
        };
        tokio::task::spawn_blocking(sync).await.or_internal(|| "making a file durable broke off".into())?
    }

    /// The folder on this machine; none in a bucket or in memory.
    pub(super) fn local_folder(&self) -> Option<PathBuf> {
        let is_local = self.url.scheme() == "file";
        is_local.then(|| self.url.to_file_path().ok()).flatten()
    }

    /// The same place reached through another store.
    #[cfg(test)]
    pub(super) fn through(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.store = store;
        self
    }

    /// As given, but absolute and ending with a slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The whole bucket or file system; its paths come from [`Self::path`].
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The folder as a path in [`Self::store`].
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path in [`Self::store`] of something inside, named relative to this folder with slashes.
    pub fn path(&self, relative: &str) -> Path {
        relative.split('/').fold(self.root.clone(), |path, part| {
            // As it is, where a path can have it: what is listed by a name is then read by that name.
            path.join(PathPart::parse(part).unwrap_or_else(|_| PathPart::from(part)))
        })
    }

    /// The name under which DataFusion knows [`Self::store`].
    pub fn object_store_url(&self) -> Result<ObjectStoreUrl> {
        Ok(ObjectStoreUrl::parse(&self.url[..url::Position::BeforePath])?)
    }
}

/// The same on this machine, where names may be no text and links may lead in circles: either ends the listing of a store.
fn children_of(root: &FilePath) -> Result<Vec<String>> {
    let failed = || format!("cannot list the warehouse {}", root.display());
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.or_input(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.or_input(failed)?;
        if let Some(name) = entry.file_name().to_str().filter(|name| is_name(name))
            && entry.path().is_dir()
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// True for what a table can be called.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['.', '_'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The store and path of one object that a row names (an image, a depth image): a path, or a `file://`, `s3://` or `memory://` URL,
/// percent-encoded.
pub fn open_object(uri: &str) -> Result<(Arc<dyn ObjectStore>, Path)> {
    if !uri.contains("://") {
        return resolve(&object_url(uri, FilePath::new("."))?);
    }
    let url = Url::parse(uri).or_input(|| format!("`{uri}` is not a URL"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::input("a `?` or a `#` is %3F or %23 in the URL of a row").with("uri", uri));
    }
    // To open a pipe is to wait for whoever writes to it.
    let is_file = |path: std::path::PathBuf| path.metadata().map_or(true, |meta| meta.is_file() || meta.is_dir());
    if url.scheme() == "file" && !url.to_file_path().map_or(true, is_file) {
        return Err(Error::input("it is no file: a pipe, a socket or a device").with("uri", uri));
    }
    resolve(&url)
}

/// The URL of what a person names: a path that starts at `base`, `file://` and a path, or `s3://` or `memory://` and a key, which is
/// taken as it is.
pub fn object_url(text: &str, base: &FilePath) -> Result<Url> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let scheme = scheme.to_ascii_lowercase();
        return match scheme.as_str() {
            "file" => file_url(rest),
            "s3" | "memory" => key_url(&scheme, rest),
            _ => Err(not_supported(&scheme)),
        };
    }
    if text.is_empty() {
        return Err(Error::usage("an empty path names no place"));
    }
    let path = std::path::absolute(base.join(text)).or_input(|| format!("cannot make the path `{text}` absolute"))?;
    path_url(&path).ok_or_else(|| Error::input("not a usable path").with("path", path.display()))
}

/// Parsed once more, which takes `..` out of it.
fn path_url(path: &FilePath) -> Option<Url> {
    Url::parse(Url::from_file_path(path).ok()?.as_str()).ok()
}

/// Such a URL is percent-encoded; what people forget to encode stands for itself.
fn file_url(rest: &str) -> Result<Url> {
    let encoded = rest.replace('#', "%23").replace('?', "%3F").replace(' ', "%20");
    let path = Url::parse(&format!("file://{encoded}")).ok().and_then(|url| url.to_file_path().ok());
    path.and_then(|path| path_url(&path)).ok_or_else(|| {
        Error::usage("not the URL of a folder or file on this machine")
            .with("url", format!("file://{rest}"))
            .hint("write file:///absolute/path")
    })
}

fn key_url(scheme: &str, rest: &str) -> Result<Url> {
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.contains('@') {
        // What stands before it could be a password.
        return Err(Error::usage(format!("a {scheme}:// URL takes no user and no password"))
            .hint("credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
    }
    if bucket.is_empty() && scheme == "s3" {
        return Err(Error::usage("the URL names no bucket").with("url", "s3://").hint("write s3://bucket/prefix"));
    }
    let named = bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let mut url = Url::parse(&format!("{scheme}://{bucket}/"))
        .ok()
        .filter(|_| named)
        .ok_or_else(|| Error::usage("this is no bucket's name").with("bucket", bucket))?;
    let key = key.strip_suffix('/').unwrap_or(key);
    if !key.is_empty() {
        Path::parse(key).ok().filter(|_| !key.starts_with('/')).ok_or_else(|| {
            Error::usage("a key cannot have an empty part, a part `.` or `..`, or a control character")
                .with("bucket", bucket)
                .with("key", key.escape_debug())
                .hint("what stands behind the bucket is taken as it is, up to one `/` at its end")
        })?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(key.split('/'));
        }
    }
    Ok(url)
}

fn not_supported(scheme: &str) -> Error {
    Error::usage(format!("`{scheme}://` is not supported"))
        .hint("use a path, file://, s3://bucket/prefix or memory://name")
}

fn resolve(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path)> {
    let path = Path::from_url_path(url.path()).or_input(|| format!("the path of {url} cannot be used"))?;
    Ok((store_of(url)?, path))
}

/// One store for each scheme and bucket, for as long as the process lives.
fn store_of(url: &Url) -> Result<Arc<dyn ObjectStore>> {
    static STORES: LazyLock<Mutex<HashMap<String, Arc<dyn ObjectStore>>>> = LazyLock::new(Mutex::default);
    let key = url[..url::Position::BeforePath].to_owned();
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(&key) {
        return Ok(Arc::clone(store));
    }
    let store: Arc<dyn ObjectStore> = match url.scheme() {
        "file" => Arc::new(LocalStore::new()),
        "memory" => Arc::new(InMemory::new()),
        "s3" => s3::open(url)?,
        other => return Err(not_supported(other)),
    };
    stores.insert(key, Arc::clone(&store));
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_starts_at_the_base() {
        let location = Location::parse("ware house", FilePath::new("/data/my project")).unwrap();
        assert_eq!(location.url().as_str(), "file:///data/my%20project/ware%20house/");
        assert_eq!(location.root().as_ref(), "data/my project/ware house");
        assert_eq!(location.object_store_url().unwrap().as_str(), "file:///");
        let beside = Location::parse("../other/./set/", FilePath::new("/data/my project")).unwrap();
        assert_eq!(beside.root().as_ref(), "data/other/set");
    }

    #[test]
    fn a_key_is_taken_as_it_is() {
        for (text, root) in [
            ("memory://bucket", ""),
            ("memory://bucket/", ""),
            ("MEMORY://my-bucket.v1/a b/c+d/v#2/q?x=1/", "a b/c+d/v#2/q?x=1"),
            ("memory://keys/50%25 of ü~[1]/ end ", "50%25 of ü~[1]/ end "),
            ("memory://keys/%2e%2e/&amp;", "%2e%2e/&amp;"),
        ] {
            let location = Location::parse(text, FilePath::new(".")).unwrap();
            assert_eq!(location.root().as_ref(), root, "{text}");
            assert_eq!(Location::parse(&location.to_string(), FilePath::new(".")).unwrap().root(), location.root());
            assert!(location.url().as_str().ends_with('/'));
            // A bucket's keys are taken in the same way; to open one takes credentials.
            let in_bucket = object_url(&format!("s3://{}", &text["memory://".len()..]), FilePath::new(".")).unwrap();
            assert_eq!(
                (in_bucket.scheme(), in_bucket.path()),
                ("s3", object_url(text, FilePath::new(".")).unwrap().path())
            );
            assert_eq!(location.path("a#1.jpg").filename(), Some("a#1.jpg"));
            // What is written into rows names the same place.
            let object = location.url().join("x").unwrap();
            assert_eq!(open_object(object.as_str()).unwrap().1, location.path("x"), "{text}");
        }
        for text in ["s3:///key", "s3://a b/key", "s3://b/a//b", "s3://b//", "s3://b/../a", "memory://m/a\nb"] {
            let refused = Location::parse(text, FilePath::new(".")).unwrap_err();
            assert_eq!(refused.kind(), crate::error::Kind::Usage, "{text}");
        }
        let secret = Location::parse("s3://me:secret@bucket/key", FilePath::new(".")).unwrap_err();
        assert!(!secret.to_string().contains("secret"), "{secret}");
        assert!(open_object("s3://b/q?x.jpg").unwrap_err().to_string().contains("%3F"));
    }

    #[test]
    fn a_file_url_is_decoded_and_cut_nowhere() {
        for (text, root) in [
            ("file:///data/my%20project/v#2", "data/my project/v#2"),
            ("file:///data/a?b=c/50%", "data/a?b=c/50%"),
            ("file://localhost/data/ü end ", "data/ü end "),
        ] {
            assert_eq!(Location::parse(text, FilePath::new("/")).unwrap().root().as_ref(), root, "{text}");
        }
        assert!(Location::parse("file://elsewhere/data", FilePath::new("/")).is_err());
    }

    #[test]
    fn a_child_is_inside_and_never_outside() {
        let warehouse = Location::parse("memory://tests/a", FilePath::new(".")).unwrap();
        let table = warehouse.child("frames").unwrap();
        assert_eq!(table.url().as_str(), "memory://tests/a/frames/");
        assert_eq!(table.path("parts/r/x.parquet").as_ref(), "a/frames/parts/r/x.parquet");
        for name in ["", "..", "a/b", "_staging", "a b", ".hidden"] {
            assert!(warehouse.child(name).is_err(), "{name}");
        }
    }

    #[test]
    fn stores_are_shared_by_bucket() {
        let (a, _) = open_object("memory://shared/x").unwrap();
        let (b, _) = open_object("memory://shared/y").unwrap();
        let (c, _) = open_object("memory://other/x").unwrap();
        assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &c));
    }

    #[test]
    fn unknown_schemes_are_refused_with_advice() {
        let error = open_object("http://example.com/cat.jpg").unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(error.advice().is_some_and(|hint| hint.contains("s3://")));
    }
}

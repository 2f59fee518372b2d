//! Where things are: one URL, the object store behind it and the path inside that store.
//!
//! In: a path, `file://`, `s3://bucket/prefix` or `memory://name`. Out: one shared store for each bucket, so that connections
//! and (for `memory://`) contents are shared by everything in the process. It never checks whether anything exists there.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use datafusion::execution::object_store::ObjectStoreUrl;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use url::Url;

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

impl Location {
    /// The folder that `text` names; a relative path starts at `base`.
    pub fn parse(text: &str, base: &FilePath) -> Result<Self> {
        let url = object_url(text, base)?;
        let mut folder = url.clone();
        if !folder.path().ends_with('/') {
            folder.set_path(&format!("{}/", url.path()));
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
        let listed = self.store.list_with_delimiter(Some(&self.root)).await;
        let listed = listed.or_input(|| format!("cannot list the warehouse {}", self.url))?;
        let names = listed.common_prefixes.iter().filter_map(|p| p.filename());
        Ok(names.filter(|name| is_name(name)).map(str::to_owned).collect())
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
        relative.split('/').fold(self.root.clone(), |path, part| path.join(part))
    }

    /// The name under which DataFusion knows [`Self::store`].
    pub fn object_store_url(&self) -> Result<ObjectStoreUrl> {
        Ok(ObjectStoreUrl::parse(&self.url[..url::Position::BeforePath])?)
    }
}

/// True for what a table can be called.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['.', '_'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The store and path of one object that a row names (an image, a depth image): a path, `file://`, `s3://` or `memory://`.
pub fn open_object(uri: &str) -> Result<(Arc<dyn ObjectStore>, Path)> {
    resolve(&object_url(uri, FilePath::new("."))?)
}

/// The URL of one object: `text` as it is where it is one, else a path that starts at `base`.
pub fn object_url(text: &str, base: &FilePath) -> Result<Url> {
    if text.contains("://") {
        return Url::parse(text).or_input(|| format!("`{text}` is not a URL"));
    }
    if text.is_empty() {
        return Err(Error::usage("an empty path names no place"));
    }
    let path = std::path::absolute(base.join(text)).or_input(|| format!("cannot make the path `{text}` absolute"))?;
    Url::from_file_path(&path).map_err(|()| Error::input("not a usable path").with("path", path.display()))
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
        // Folders of runs whose last part is collected go with it.
        "file" => Arc::new(LocalFileSystem::new().with_automatic_cleanup(true)),
        "memory" => Arc::new(InMemory::new()),
        "s3" => s3::open(url)?,
        other => {
            return Err(Error::usage(format!("`{other}://` is not supported"))
                .with("url", url)
                .hint("use a path, file://, s3://bucket/prefix or memory://name"));
        }
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

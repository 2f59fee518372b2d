//! Weights: the files of a model, on this machine and of the hash that the registry states.

use std::io::Read;
use std::path::{Path, PathBuf};

use object_store::ObjectStoreExt;
use ring::digest::{Context as Digest, SHA256};
use spatialmill_models::File;

use crate::blocking::blocking;
use crate::cache_folder::cache_folder;
use crate::error::{Context, Error, Result};
use crate::random_id::random_id;
use crate::warehouse::object_url;

/// The local path of a network's file; one in a bucket is copied to the cache once. A wrong hash or a missing file is an error.
pub async fn local(file: &File, folder: &Path) -> Result<PathBuf> {
    let url = object_url(&file.uri, folder)?;
    let wanted = file.sha256.clone();
    if url.scheme() == "file"
        && let Ok(path) = url.to_file_path()
    {
        return blocking(move || {
            check(&path, &wanted)?;
            Ok(path)
        })
        .await;
    }
    let cached = cache_folder()?.join("weights").join(format!("{wanted}.{}", ending(&file.uri)));
    if cached.exists() {
        let path = cached.clone();
        if blocking(move || check(&path, &wanted)).await.is_ok() {
            return Ok(cached);
        }
    }
    fetch(url.as_str(), &cached).await?;
    let (path, wanted) = (cached.clone(), file.sha256.clone());
    blocking(move || check(&path, &wanted)).await?;
    Ok(cached)
}

/// ONNX Runtime tells its two formats apart by the ending.
fn ending(uri: &str) -> &'static str {
    if uri.ends_with(".ort") { "ort" } else { "onnx" }
}

async fn fetch(uri: &str, to: &Path) -> Result<()> {
    use futures::TryStreamExt;
    use tokio::io::AsyncWriteExt;

    let missing = || format!("cannot read the model `{uri}`");
    let (store, path) = crate::warehouse::open_object(uri)?;
    let mut chunks = store.get(&path).await.or_input(missing)?.into_stream();
    let folder = to.parent().unwrap_or(Path::new("."));
    tokio::fs::create_dir_all(folder).await.or_input(|| format!("cannot create `{}`", folder.display()))?;
    // Under another name until it is whole, so that processes of several machines with one home may fetch at once.
    let part = to.with_extension(format!("{}.part", random_id()));
    let writing = || format!("cannot write `{}`", part.display());
    let mut out = tokio::fs::File::create(&part).await.or_input(writing)?;
    while let Some(chunk) = chunks.try_next().await.or_input(missing)? {
        out.write_all(&chunk).await.or_input(writing)?;
    }
    out.flush().await.or_input(writing)?;
    tokio::fs::rename(&part, to).await.or_input(writing)
}

fn check(path: &Path, wanted: &str) -> Result<()> {
    if path.metadata().is_ok_and(|meta| !meta.is_file()) {
        return Err(Error::input("the model's file is no file, but a folder, a pipe or a device")
            .with("file", path.display())
            .hint("`uri` in models.toml names the file of its weights"));
    }
    let mut file = std::fs::File::open(path).map_err(|e| {
        Error::input("the model's file cannot be opened")
            .with("file", path.display())
            .because(e)
            .hint("`uri` in models.toml is relative to the project's folder")
    })?;
    let mut digest = Digest::new(&SHA256);
    let mut chunk = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut chunk).or_input(|| format!("cannot read `{}`", path.display()))?;
        if n == 0 {
            break;
        }
        digest.update(&chunk[..n]);
    }
    let found: String = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == wanted {
        return Ok(());
    }
    Err(Error::input(format!("the model's SHA-256 is {found}, models.toml says {wanted}"))
        .with("file", path.display())
        .hint("another file than the registry means; if it is the right one, correct `sha256`"))
}

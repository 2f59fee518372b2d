//! A folder on this machine that a source writes to: made rooms, or frames taken out of an archive.
//!
//! A file appears whole or not at all, and one that is there already with the same bytes is left alone, so that reading a shard
//! again costs no writes and changes no modification time.

use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::photo::sha256;
use super::root::Root;
use crate::error::{Context, Error, Result};

/// A folder that may be written to.
#[derive(Debug, Clone)]
pub struct LocalFolder {
    path: PathBuf,
}

impl LocalFolder {
    /// The folder of a root, where that is on this machine.
    pub fn of(root: &Root) -> Result<Self> {
        let url: url::Url = root.to_string().parse().or_internal(|| "a root without a URL".to_owned())?;
        let path = url.to_file_path().map_err(|()| {
            Error::usage("this must be a folder on this machine").with("root", &url).hint(
                "only the warehouse and what is read may be in a bucket; give a local folder for what a source writes",
            )
        })?;
        Ok(Self { path })
    }

    /// The folder `path`, which starts at this one unless it is absolute. It is made.
    pub fn inner(&self, path: &str) -> Result<Self> {
        Self::at(&self.path.join(path))
    }

    /// A folder of this path, which is made.
    pub fn at(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).or_input(|| format!("cannot make the folder `{}`", path.display()))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file, `relative` to the folder.
    pub fn put(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(relative);
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let failed = || format!("cannot write `{}`", path.display());
        let folder = path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder).or_input(failed)?;
        // Written beside its place and then moved there, so that nobody ever reads half of it.
        let mut file = tempfile::NamedTempFile::new_in(folder).or_input(failed)?;
        std::io::Write::write_all(&mut file, bytes).or_input(failed)?;
        make_readable(file.as_file()).or_input(failed)?;
        file.persist(&path).or_input(failed)?;
        Ok(())
    }

    /// Writes 16-bit greyscale as PNG: depth, ids. Returns the file's SHA-256.
    pub fn put_grey16(&self, relative: &str, width: u32, height: u32, samples: &[u16]) -> Result<String> {
        let mut bytes = Vec::new();
        let native: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up)
            .write_image(&native, width, height, ExtendedColorType::L16)
            .or_internal(|| format!("{} samples cannot be a PNG of {width}x{height}", samples.len()))?;
        self.put(relative, &bytes)?;
        Ok(sha256(&bytes))
    }
}

/// Temporary files are for their owner alone; images are data like any other.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

//! The cache folder of this machine: what the program keeps there can be had again.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// `$XDG_CACHE_HOME/spatialmill`, or `~/.cache/spatialmill`.
pub fn cache_folder() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("spatialmill"))
        .ok_or_else(|| Error::input("there is no cache folder").hint("set HOME or XDG_CACHE_HOME"))
}

//! The build script: digests of the code of every SQL function and every reader of a source, for fingerprints of what they make.
//!
//! Out: `source_digests.rs` in OUT_DIR, two lists of (name, digest), which `src/functions/code_digests.rs` reads.

mod source_digests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use source_digests::{Files, digests};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut files = Files::new();
    for folder in
        ["src", "udfs/chat/src", "udfs/columns/src", "udfs/drawing/src", "udfs/geometry/src", "udfs/models/src"]
    {
        println!("cargo:rerun-if-changed={folder}");
        read(&root, Path::new(folder), &mut files)?;
    }
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string(root.join("Cargo.lock"))?;
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    let functions = functions(&files);
    let readers = readers(&files);
    let roots = functions.values().chain(readers.values()).map(String::as_str);
    let digests = digests(&files, &lock, &version, roots);
    let list = |name: &str, entries: &BTreeMap<String, String>| {
        let lines: Vec<String> =
            entries.iter().map(|(name, file)| format!("    ({name:?}, {:?}),\n", digests[file])).collect();
        format!("pub const {name}: &[(&str, &str)] = &[\n{}];\n", lines.concat())
    };
    let text = list("FUNCTIONS", &functions) + &list("READERS", &readers);
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("source_digests.rs"), text)
}

/// The file of each SQL function, which says `signature: "name(`.
fn functions(files: &Files) -> BTreeMap<String, String> {
    let mut functions = BTreeMap::new();
    for (file, text) in
        files.iter().filter(|(file, _)| file.starts_with("udfs/columns/src/") || file.starts_with("src/functions/"))
    {
        for rest in text.split("    signature: \"").skip(1) {
            if let Some((name, _)) = rest.split_once('(') {
                functions.insert(name.to_owned(), file.clone());
            }
        }
    }
    functions
}

/// The file of each kind of source: `src/source/<kind>.rs`, or the `mod.rs` of its folder.
fn readers(files: &Files) -> BTreeMap<String, String> {
    let kind = |file: &String| {
        let name = file.strip_prefix("src/source/")?.strip_suffix(".rs")?;
        let name = name.strip_suffix("/mod").unwrap_or(name);
        (!name.contains('/') && name != "mod").then(|| (name.to_owned(), file.clone()))
    };
    files.keys().filter_map(kind).collect()
}

fn read(root: &Path, folder: &Path, into: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            read(root, &path, into)?;
        } else if let Ok(text) = fs::read_to_string(root.join(&path)) {
            into.insert(path.to_string_lossy().replace('\\', "/"), text);
        }
    }
    Ok(())
}

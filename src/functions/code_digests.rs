//! The version of a function or reader: a digest of the code that it may run, so that what was made with other code is stale.
//!
//! The build script computes it from the source files (`build/source_digests.rs` says how): the function's own module, the modules that it
//! reaches, in all crates of the workspace, and the versions of other crates in Cargo.lock. Comments, formatting, tests and documentation change
//! nothing; a change of code that changes no result makes its readers stale all the same.
//!
//! What it cannot see: the compiler and the machine (floating point is the same on both by IEEE 754, which holds for all arithmetic here but not
//! for what a C library computes); a crate whose code changes without its version; and how stages are planned and carried out (`src/run`,
//! `src/pipeline`, `src/warehouse`), which a release that changes it says by its minor version, as part of every fingerprint. What models said is
//! kept by what they were asked, and not by this digest.

include!(concat!(env!("OUT_DIR"), "/source_digests.rs"));

/// The engine's version, as far as it may change rows: of 0.3.7 it is 0.3.
pub const ENGINE: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// The digest of a SQL function's code; none for DataFusion's own.
pub fn function(name: &str) -> Option<&'static str> {
    find(FUNCTIONS, name)
}

/// The digest of the code that reads a kind of source.
pub fn reader(kind: &str) -> Option<&'static str> {
    find(READERS, kind)
}

fn find(list: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == name).map(|(_, digest)| *digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::docs;
    use crate::source::SOURCES;

    #[test]
    fn all_functions_and_readers_have_digests() {
        let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, docs().iter().map(|doc| doc.name).collect::<Vec<_>>());
        for kind in SOURCES {
            assert!(reader(kind.name).is_some(), "{}", kind.name);
        }
        assert_ne!(function("draw"), function("id_hash"));
    }
}

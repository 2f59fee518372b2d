//! `docs/sources.md`: every kind of source, as `spatialmill import --kind` explains it.

use crate::source::{COMMON_DOC, SOURCES};

/// The page.
pub fn page() -> String {
    let rows: String =
        SOURCES.iter().map(|kind| format!("| [`{0}`](#{0}) | {1} |\n", kind.name, super::cell(kind.doc))).collect();
    let sections: Vec<String> = SOURCES
        .iter()
        .map(|kind| {
            format!("## {}\n\n{}\n\n```text\n{}\n```", kind.name, super::sentence(kind.doc), kind.long_doc.trim_end())
        })
        .collect();
    let body = format!(
        "A source is one `[[source]]` of mill.toml: a name, a kind and a root, which is a folder or an `s3://` prefix. \
         `spatialmill import --kind coco` prints what is below.\n\n\
         ```toml\n[[source]]\nname = \"coco\"\nkind = \"coco\"\nroot = \"data/coco\"\n```\n\n\
         | kind | what it reads |\n|---|---|\n{rows}\n## All kinds\n\n```text\n{}\n```\n\n{}",
        COMMON_DOC.trim_end(),
        sections.join("\n\n")
    );
    super::page("Kinds of source", &body)
}

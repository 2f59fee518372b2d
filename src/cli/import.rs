//! `import`: sources become tables.

use clap::Args;

use super::{Global, columns, out};
use crate::error::Result;
use crate::source::{self, SOURCES};

/// Read sources into the imported tables: frames, detections, scenes and what scenes have
///
/// Shards that did not change are not read again. `spatialmill import --kind NAME` explains a kind of source: its layout on disk and
/// its options; `--kind all` lists the kinds.
#[derive(Debug, Args)]
pub struct Import {
    /// Names of sources in mill.toml; all when none is given
    sources: Vec<String>,
    /// Explain a kind of source instead of importing
    #[arg(long, value_name = "NAME")]
    kind: Option<String>,
}

impl Import {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        match self.kind.as_deref() {
            Some("all") => {
                let rows: Vec<Vec<String>> =
                    SOURCES.iter().map(|k| vec![k.name.to_owned(), k.doc.to_owned()]).collect();
                out(&columns(&["kind", "what it reads"], &rows))
            }
            Some(name) => {
                let kind = source::kind(name)?;
                out(&format!("{}: {}\n\n{}\n\n{}", kind.name, kind.doc, kind.long_doc.trim_end(), source::COMMON_DOC))
            }
            None => {
                let mill = global.mill().await?;
                let snapshot = mill.snapshot().await;
                let imported = mill.import_over(&snapshot, &self.sources).await?;
                out(&super::build::sources(&imported))?;
                super::build::ask(&imported);
                super::build::tell_benchmarks(&mill, &snapshot).await
            }
        }
    }
}

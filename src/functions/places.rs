//! Access control for functions that open files: below the sources' roots, where sources write what they unpack, and in the warehouse.
//!
//! A `uri` may come from a query that somebody was sent, or from a table that somebody else wrote. What lies elsewhere on this machine or
//! in other buckets is none of their business, and is refused before it is opened.

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use tokio::sync::OnceCell;

use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::photos::Address;
use crate::project::Project;
use crate::source::root::Root;

/// The folders of a project.
#[derive(Debug)]
pub struct Places {
    project: Project,
    /// Opened when a function is first called.
    roots: OnceCell<Vec<Root>>,
}

impl Places {
    pub fn of(project: &Project) -> Self {
        Self { project: project.clone(), roots: OnceCell::new() }
    }

    /// Fails where one of these places is elsewhere. `function` is who would open them.
    pub async fn admit(&self, function: &'static str, uris: &ArrayRef) -> Result<()> {
        let uris = cast(uris, &DataType::Utf8).map_err(datafusion::error::DataFusionError::from)?;
        let wanted: Vec<String> = uris.as_string::<i32>().iter().flatten().map(str::to_owned).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let roots = self.roots.get_or_try_init(|| self.open()).await?.clone();
        blocking(move || wanted.iter().try_for_each(|uri| admit(&roots, function, uri))).await
    }

    /// A folder that is not there has nothing that could be opened.
    async fn open(&self) -> Result<Vec<Root>> {
        let project = self.project.clone();
        let runtime = tokio::runtime::Handle::current();
        blocking(move || {
            let warehouse = std::iter::once((project.text("url").to_owned(), false));
            let sources = project.sources.iter().flat_map(|source| {
                let unpacked = source.options.extra.get("extract").and_then(toml::Value::as_str).map(str::to_owned);
                let links = source.options.follow_links;
                std::iter::once(source.root.clone()).chain(unpacked).map(move |folder| (folder, links))
            });
            let roots = warehouse.chain(sources).filter_map(|(folder, links)| {
                let root = Root::at(&folder, &project.folder, false, runtime.clone()).ok()?;
                Some(if links { root.following_links() } else { root })
            });
            Ok(roots.collect())
        })
        .await
    }
}

fn admit(roots: &[Root], function: &'static str, uri: &str) -> Result<()> {
    // What is no place has nothing at it; reading it says so.
    let Ok(address) = Address::parse(uri) else { return Ok(()) };
    if uri.is_empty() || roots.iter().any(|root| root.contains(&address.file)) {
        return Ok(());
    }
    Err(Error::usage(format!("`{function}` opens files below the sources' roots and in the warehouse alone"))
        .with("uri", uri)
        .hint("make the folder a [[source]] of mill.toml; where a source was moved, import it again"))
}

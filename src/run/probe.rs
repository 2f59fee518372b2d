//! Probes for `doctor`: whether the warehouse can be written to and honours put-if-absent, and whether a source can be opened.

use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{Mill, Run};
use crate::error::{Context, Error, Result};
use crate::project::SourceTable;

impl Mill {
    /// Writes a file, checks that it cannot be created twice (what commits rely on), and deletes it.
    pub async fn probe(&self) -> Result<()> {
        let location = self.warehouse.location();
        let path = location.path(&format!("_probe-{}", Run::begin().id));
        let failed = || format!("cannot write to `{}`", location.url());
        let create = || PutOptions::from(PutMode::Create);
        let store = location.store();
        store.put_opts(&path, PutPayload::from_static(b"1"), create()).await.or_input(failed)?;
        let again = store.put_opts(&path, PutPayload::from_static(b"2"), create()).await;
        store.delete(&path).await.or_input(failed)?;
        match again {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(Error::input(failed()).because(error)),
            Ok(_) => {
                Err(Error::input("the store lets a file be created twice, so two builds could overwrite each other")
                    .with("url", location.url())
                    .hint("use a store that honours If-None-Match"))
            }
        }
    }

    /// Opens a source, counts its shards, and asks what mill.toml does not say of it.
    pub async fn probe_source(&self, source: &SourceTable) -> Result<(usize, Vec<String>)> {
        let reader = self.open_source(source).await?;
        crate::blocking::blocking(move || Ok((reader.shards()?.len(), reader.unsaid()?))).await
    }
}

//! Which runs are at work: a file `_running/<run>` each, written anew now and then, and removed when the run ends.
//!
//! It lets `gc` spare what a run wrote and has not committed yet, whatever the grace. It is a courtesy and no lock: a run that was
//! stopped for so long that its file grew old loses parts, which its commit notices (see `condemned`).

use std::collections::BTreeSet;
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::task::JoinHandle;

use super::part_writer::now_ms;
use super::{Location, Warehouse};
use crate::error::{Context, Result};

const FOLDER: &str = "_running";

/// How often a run says that it is at work.
const EVERY: Duration = Duration::from_secs(30);

/// After so long without a word a run is taken for dead; several words may be lost on their way.
const DEAD_AFTER: Duration = Duration::from_mins(5);

/// A run that is at work until this is ended or dropped.
#[derive(Debug)]
pub struct Running {
    location: Location,
    path: Path,
    telling: JoinHandle<()>,
}

impl Warehouse {
    /// Says that a run is at work.
    pub async fn begin(&self, run_id: &str) -> Result<Running> {
        let location = self.location().clone();
        let path = location.path(&format!("{FOLDER}/{run_id}"));
        location.store().put(&path, PutPayload::new()).await.or_input(|| format!("cannot write {path}"))?;
        let telling = tokio::spawn({
            let (location, path) = (location.clone(), path.clone());
            async move {
                loop {
                    tokio::time::sleep(EVERY).await;
                    // The next word may get through.
                    let _ = location.store().put(&path, PutPayload::new()).await;
                }
            }
        });
        Ok(Running { location, path, telling })
    }

    /// The runs that are at work.
    pub async fn running(&self) -> Result<BTreeSet<String>> {
        let listed = self.location().files(FOLDER).await?;
        let since = now_ms().saturating_sub(u64::try_from(DEAD_AFTER.as_millis()).unwrap_or(u64::MAX));
        let alive = listed.into_iter().filter(|object| object.last_modified.timestamp_millis().unsigned_abs() >= since);
        Ok(alive.filter_map(|object| object.location.filename().map(str::to_owned)).collect())
    }
}

impl Running {
    /// The run has ended, and what it left behind is as anybody's.
    pub async fn end(&self) {
        self.telling.abort();
        // A file that stays behind is taken for a dead run's soon.
        let _ = self.location.store().delete(&self.path).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

/// True for a run that is at work, under the name that it began with or one that begins with it.
pub(super) fn is_running(running: &BTreeSet<String>, run_id: &str) -> bool {
    running.iter().any(|alive| run_id.starts_with(alive.as_str()))
}

//! Leases: a file `_leases/runs/<run>` for each run that is at work, rewritten as a heartbeat and removed when the run ends.
//!
//! `gc` reads them and spares, whatever the grace, what a live run wrote and has not committed yet, and as long as any run is alive all
//! staging records with the parts that they name. A lease is no lock: a run that was suspended until its lease expired can lose parts, and
//! its commit fails with the missing files (see `tombstones`).

use std::collections::BTreeSet;
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::task::JoinHandle;

use super::part_writer::now_ms;
use super::{Location, Warehouse};
use crate::error::{Context, Result};

const FOLDER: &str = "_leases/runs";

/// How often a run rewrites its lease.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A lease that was not rewritten for so long has expired; several heartbeats may be lost on their way.
const EXPIRES_AFTER: Duration = Duration::from_mins(5);

/// A run's lease, held until it is released or dropped.
#[derive(Debug)]
pub struct Lease {
    location: Location,
    path: Path,
    heartbeat: JoinHandle<()>,
}

impl Warehouse {
    /// Acquires the lease of a run and keeps it alive.
    pub async fn acquire_lease(&self, run_id: &str) -> Result<Lease> {
        let location = self.location().clone();
        let path = location.path(&format!("{FOLDER}/{run_id}"));
        location.store().put(&path, PutPayload::new()).await.or_input(|| format!("cannot write {path}"))?;
        let heartbeat = tokio::spawn({
            let (location, path) = (location.clone(), path.clone());
            async move {
                loop {
                    tokio::time::sleep(HEARTBEAT).await;
                    // The next heartbeat may get through.
                    let _ = location.store().put(&path, PutPayload::new()).await;
                }
            }
        });
        Ok(Lease { location, path, heartbeat })
    }

    /// The runs whose leases have not expired.
    pub async fn live_runs(&self) -> Result<BTreeSet<String>> {
        let listed = self.location().files(FOLDER).await?;
        let since = now_ms().saturating_sub(u64::try_from(EXPIRES_AFTER.as_millis()).unwrap_or(u64::MAX));
        let alive = listed.into_iter().filter(|object| object.last_modified.timestamp_millis().unsigned_abs() >= since);
        Ok(alive.filter_map(|object| object.location.filename().map(str::to_owned)).collect())
    }
}

impl Lease {
    /// The run has ended: `gc` may take what it left behind.
    pub async fn release(&self) {
        self.heartbeat.abort();
        // A lease that stays behind expires.
        let _ = self.location.store().delete(&self.path).await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// True for a live run, by its id or one that begins with it.
pub(super) fn is_alive(running: &BTreeSet<String>, run_id: &str) -> bool {
    running.iter().any(|alive| run_id.starts_with(alive.as_str()))
}

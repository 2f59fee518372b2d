//! Blocking work: what reads and computes runs on tokio's blocking threads, never on those that wait.

use crate::error::{Context, Result};

/// Runs `work` on a blocking thread.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.or_internal(|| "a blocking thread died".into())?
}

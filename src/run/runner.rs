//! A runner carries orders to workers, and returns when each of them has a staging or an error record, or was given up.
//!
//! ```text
//! driver ─► orders, largest first ─► Runner ─► Worker::make, several at once ─► records in the warehouse ─► driver
//! ```
//!
//! Nothing of what a worker made comes back through the runner: the driver reads the records. An order may so be made twice, late, in any
//! order, or not at all (the driver hands it out again), and the rows are the same.

use std::cell::Cell;

use async_trait::async_trait;
use futures::{TryStreamExt, stream};

use super::order::Order;
use super::worker::{Outcome, Worker};
use crate::error::{Kind, Result};

/// See the module.
#[async_trait(?Send)]
pub trait Runner: Send + Sync {
    /// Has these orders made; `worker` is the one of this process.
    async fn run(&self, worker: &Worker<'_>, orders: Vec<Order>) -> Result<()>;
}

/// Tasks of this process.
#[derive(Debug)]
pub struct LocalRunner;

/// After so many orders failed, no more are begun: what is wrong is wrong with all of them.
const MOST_FAILED: usize = 32;

#[async_trait(?Send)]
impl Runner for LocalRunner {
    async fn run(&self, worker: &Worker<'_>, orders: Vec<Order>) -> Result<()> {
        let failed = Cell::new(0);
        let making = stream::iter(orders.into_iter().map(Ok)).try_for_each_concurrent(worker.in_flight(), |order| {
            let failed = &failed;
            async move {
                if failed.get() >= MOST_FAILED {
                    return Ok(());
                }
                match worker.make(&order).await? {
                    Outcome::Built => {}
                    // A query or a key that is wrong is wrong for every shard.
                    Outcome::Failed(Kind::Usage | Kind::Internal) => failed.set(MOST_FAILED),
                    Outcome::Failed(_) => failed.set(failed.get() + 1),
                }
                Ok(())
            }
        });
        making.await
    }
}

#[cfg(test)]
mod tests;

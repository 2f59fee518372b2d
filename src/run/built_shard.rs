//! Built shards: what an order left of one shard of one table, as the driver publishes it.

use crate::tables::RowCounts;
use crate::warehouse::Part;

/// What one shard of one table came to.
#[derive(Debug, Clone)]
pub struct BuiltShard {
    /// Its shard.
    pub shard: String,
    /// Its files.
    pub parts: Vec<Part>,
    /// The files of `quarantine` that say what could not be used.
    pub quarantined: Vec<Part>,
    /// What became of its rows.
    pub counts: RowCounts,
}

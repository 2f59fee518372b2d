//! Row counts: what became of the rows of a shard. In = out + filtered + quarantined, and images beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::unusable::{Loss, Quarantined};

/// What became of the rows of one shard of one stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that the query produced, or records that a reader saw.
    pub rows_in: u64,
    /// Rows that went on.
    pub rows_out: u64,
    /// Dropped rows by reason.
    pub filtered: BTreeMap<String, u64>,
    /// Rows that could not be used, by code.
    pub quarantined: BTreeMap<String, u64>,
    /// Images that rows are of.
    pub images_in: u64,
    /// Images of which nothing could be used.
    pub images_lost: u64,
    /// Quarantined rows that are no loss among rows: those of lost images, and remarks on rows that are used all the same.
    pub no_row_lost: u64,
}

impl RowCounts {
    /// Adds another shard's counts.
    pub fn add(&mut self, other: &RowCounts) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.images_in += other.images_in;
        self.images_lost += other.images_lost;
        self.no_row_lost += other.no_row_lost;
        let counts = [(&mut self.filtered, &other.filtered), (&mut self.quarantined, &other.quarantined)];
        for (sum, counts) in counts {
            counts.iter().for_each(|(name, n)| *sum.entry(name.clone()).or_default() += n);
        }
    }

    /// Counts a row that could not be used.
    pub fn quarantine(&mut self, lost: &Quarantined) {
        *self.quarantined.entry(lost.why.code.clone().into_owned()).or_default() += 1;
        self.no_row_lost += u64::from(lost.loss != Loss::Record);
        self.images_in += lost.loss.images();
        self.images_lost += lost.loss.images();
    }

    /// How many rows could not be used.
    pub fn rows_quarantined(&self) -> u64 {
        self.quarantined.values().sum()
    }

    /// Counts dropped rows, each given by its origin (where a stage has several) and its reason.
    pub fn filter<'a>(&mut self, rows: impl Iterator<Item = (Option<&'a str>, &'a str)>) {
        let mut counts: BTreeMap<(Option<&str>, &str), u64> = BTreeMap::new();
        for row in rows {
            *counts.entry(row).or_default() += 1;
        }
        for ((origin, reason), n) in counts {
            let name = origin.map_or_else(|| reason.to_owned(), |origin| format!("{origin}/{reason}"));
            *self.filtered.entry(name).or_default() += n;
        }
    }

    /// True when every row is accounted for.
    pub fn balances(&self) -> bool {
        self.rows_in == self.rows_out + self.filtered.values().sum::<u64>() + self.rows_quarantined()
    }
}

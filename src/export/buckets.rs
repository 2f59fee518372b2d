//! Records put in the order of a hash, on disk: each goes to the bucket of its hash, and a bucket is sorted when it is read.
//!
//! Only the order of a bucket is held, so a hundred million records are shuffled in the memory of a few ten thousand.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::{Context, Error, Result};
use crate::spill::{RecordPlace, Spill, Spiller, Tag};

/// Records of a bucket, about; a bucket has shards of its own.
const BUCKET_ROWS: u64 = 50_000;

/// As many as there are however many records.
const MOST: u64 = 256;

/// Records on their way into buckets, and when all are there, the buckets.
pub struct Buckets {
    /// None when all are there.
    spiller: Mutex<Option<Spiller>>,
    spill: OnceLock<Arc<Spill>>,
    count: u64,
    seed: u64,
}

impl Buckets {
    /// As many buckets as `rows` records need.
    pub fn new(rows: u64, seed: i64) -> Result<Self> {
        let count = (rows / BUCKET_ROWS + 1).min(MOST);
        let spiller = Mutex::new(Some(Spiller::new(count as usize)?));
        // The bits of the seed are a hash's seed as they are.
        Ok(Self { spiller, spill: OnceLock::new(), count, seed: seed as u64 })
    }

    /// Adds a record under the hash of its id.
    pub fn add(&self, id: &str, record: &str) -> Result<()> {
        let hash = xxh3_64_with_seed(id.as_bytes(), self.seed);
        // The upper bits, so that buckets in their order are records in theirs.
        let bucket = ((u128::from(hash) * u128::from(self.count)) >> 64) as usize;
        let mut spiller = self.spiller.lock().unwrap_or_else(PoisonError::into_inner);
        let spiller = spiller.as_mut().ok_or_else(|| Error::internal("a record is added to buckets that are read"))?;
        spiller.push(bucket, Tag { kind: 0, document: 0, number: hash }, record.as_bytes())
    }

    /// How many records each bucket has; nothing may be added afterwards.
    pub fn close(&self) -> Result<Vec<usize>> {
        if let Some(spiller) = self.spiller.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It was open, so that there is no other.
            self.spill.set(Arc::new(spiller.finish()?)).ok();
        }
        Ok(self.spill()?.records().to_vec())
    }

    fn spill(&self) -> Result<&Arc<Spill>> {
        self.spill.get().ok_or_else(|| Error::internal("buckets are read while records are added"))
    }

    /// A bucket's records in their order.
    pub fn read(&self, bucket: usize) -> Result<Vec<String>> {
        let sorted = self.sorted(bucket)?;
        sorted.records(0..sorted.rows()).collect()
    }

    /// The order of a bucket's records, which stay on disk: twenty-four bytes are held of each.
    pub fn sorted(&self, bucket: usize) -> Result<SortedBucket> {
        let spill = Arc::clone(self.spill()?);
        let mut places = spill.places(bucket)?;
        places.sort_unstable_by_key(|place| (place.number, place.start));
        let mut sorted = SortedBucket { spill, places };
        // Two ids of one hash are in the order of their records, which is the same every time.
        for run in sorted.runs().into_iter().filter(|run| run.len() > 1) {
            let texts = sorted.records(run.clone()).collect::<Result<Vec<_>>>()?;
            let mut order: Vec<_> = texts.into_iter().zip(sorted.places[run.clone()].to_vec()).collect();
            order.sort_by(|a, b| a.0.cmp(&b.0));
            for (at, (_, place)) in run.zip(order) {
                sorted.places[at] = place;
            }
        }
        Ok(sorted)
    }
}

/// The records of a bucket in their order.
pub struct SortedBucket {
    spill: Arc<Spill>,
    places: Vec<RecordPlace>,
}

impl SortedBucket {
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// Ranges of records that have one hash.
    pub fn runs(&self) -> Vec<std::ops::Range<usize>> {
        let mut runs = Vec::new();
        let mut end = 0;
        for run in self.places.chunk_by(|a, b| a.number == b.number) {
            runs.push(end..end + run.len());
            end += run.len();
        }
        runs
    }

    /// Those of a range, one after the other.
    pub fn records(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Result<String>> {
        self.places[range].iter().map(|place| {
            String::from_utf8(self.spill.record(*place)?).or_internal(|| "a temporary file holds no text".to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_once_in_an_order_that_is_not_theirs() {
        let ids: Vec<String> = (0..200_000).map(|n| format!("{n:06}")).collect();
        let shuffle = |seed: i64, ids: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            let buckets = Buckets::new(200_000, seed).unwrap();
            ids.for_each(|id| buckets.add(id, &format!("{id}\n\u{1F600}")).unwrap());
            let rows = buckets.close().unwrap();
            assert_eq!((rows.len(), rows.iter().sum::<usize>()), (5, 200_000));
            (0..rows.len()).flat_map(|bucket| buckets.read(bucket).unwrap()).collect()
        };
        let shuffled = shuffle(1, &mut ids.iter());
        assert_eq!(shuffled, shuffle(1, &mut ids.iter().rev()), "the order of adding does not matter");
        assert_ne!(shuffled, shuffle(2, &mut ids.iter()));
        let early = shuffled[..1000].iter().filter(|record| record.as_str() < "100000").count();
        assert!((400..600).contains(&early), "{early} of the first thousand are of the first half");
        let mut sorted = shuffled;
        sorted.sort_unstable();
        assert!(sorted.iter().zip(&ids).all(|(record, id)| record.starts_with(id.as_str())));
    }
}

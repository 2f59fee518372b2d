//! Records put in the order of a hash, on disk: each goes to the bucket of its hash, and a bucket is sorted when it is read.
//!
//! Only the order of a bucket is held, so a hundred million records are shuffled in the memory of a few ten thousand.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::{Context, Error, Result};

/// Records of a bucket, about; a bucket has shards of its own.
const BUCKET_ROWS: u64 = 50_000;

/// Files that are open at a time.
const MOST: u64 = 256;

/// A temporary folder with a file a bucket.
pub struct Buckets {
    folder: TempDir,
    files: Vec<Mutex<Bucket>>,
    seed: u64,
}

struct Bucket {
    file: BufWriter<File>,
    rows: usize,
}

impl Buckets {
    /// As many buckets as `rows` records need.
    pub fn new(rows: u64, seed: i64) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(full)?;
        let count = (rows / BUCKET_ROWS + 1).min(MOST);
        let open = |bucket: u64| {
            let file = File::create(folder.path().join(bucket.to_string())).map_err(full)?;
            Ok(Mutex::new(Bucket { file: BufWriter::with_capacity(64 << 10, file), rows: 0 }))
        };
        // The bits of the seed are a hash's seed as they are.
        Ok(Self { files: (0..count).map(open).collect::<Result<_>>()?, folder, seed: seed as u64 })
    }

    /// Adds a record under the hash of its id.
    pub fn add(&self, id: &str, record: &str) -> Result<()> {
        let hash = xxh3_64_with_seed(id.as_bytes(), self.seed);
        // The upper bits, so that buckets in their order are records in theirs.
        let at = ((u128::from(hash) * self.files.len() as u128) >> 64) as usize;
        let mut bucket = self.files[at].lock().unwrap_or_else(PoisonError::into_inner);
        let length = u32::try_from(record.len()).or_input(|| format!("the record of sample `{id}` is too large"))?;
        bucket.rows += 1;
        let mut write = |bytes: &[u8]| bucket.file.write_all(bytes).map_err(full);
        write(&hash.to_le_bytes())?;
        write(&length.to_le_bytes())?;
        write(record.as_bytes())
    }

    /// How many records each bucket has; nothing may be added afterwards.
    pub fn close(&self) -> Result<Vec<usize>> {
        let close = |bucket: &Mutex<Bucket>| {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.file.flush().map_err(full)?;
            Ok(bucket.rows)
        };
        self.files.iter().map(close).collect()
    }

    /// A bucket's records in their order.
    pub fn read(&self, bucket: usize) -> Result<Vec<String>> {
        let sorted = self.sorted(bucket)?;
        sorted.records(0..sorted.rows()).collect()
    }

    /// The order of a bucket's records, which stay on disk: twenty-four bytes are held of each.
    pub fn sorted(&self, bucket: usize) -> Result<SortedBucket> {
        let file = File::open(self.folder.path().join(bucket.to_string())).or_input(lost)?;
        let mut reader = BufReader::with_capacity(1 << 20, &file);
        let mut places = Vec::new();
        let (mut head, mut at) = ([0; 12], 0);
        loop {
            match reader.read_exact(&mut head) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(e) => return Err(Error::input(lost()).because(e)),
            }
            let [a, b, c, d, e, f, g, h, i, j, k, l] = head;
            let length = u32::from_le_bytes([i, j, k, l]);
            reader.seek_relative(i64::from(length)).or_input(lost)?;
            places.push(RecordPlace { hash: u64::from_le_bytes([a, b, c, d, e, f, g, h]), at: at + 12, length });
            at += 12 + u64::from(length);
        }
        places.sort_unstable_by_key(|place| (place.hash, place.at));
        let mut sorted = SortedBucket { file, places };
        // Two ids of one hash are in the order of their records, which is the same every time.
        let mut from = 0;
        while from < sorted.places.len() {
            let hash = sorted.places[from].hash;
            let run = sorted.places[from..].iter().take_while(|place| place.hash == hash).count();
            if run > 1 {
                let texts = sorted.records(from..from + run).collect::<Result<Vec<_>>>()?;
                let mut order: Vec<(String, RecordPlace)> =
                    texts.into_iter().zip(sorted.places[from..from + run].to_vec()).collect();
                order.sort_by(|a, b| a.0.cmp(&b.0));
                for (at, (_, place)) in order.into_iter().enumerate() {
                    sorted.places[from + at] = place;
                }
            }
            from += run;
        }
        Ok(sorted)
    }
}

/// The records of a bucket in their order.
pub struct SortedBucket {
    file: File,
    places: Vec<RecordPlace>,
}

/// Where a record is.
#[derive(Clone, Copy)]
struct RecordPlace {
    hash: u64,
    at: u64,
    length: u32,
}

impl SortedBucket {
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// Ranges of records that have one hash.
    pub fn runs(&self) -> Vec<std::ops::Range<usize>> {
        let mut runs = Vec::new();
        let mut end = 0;
        for run in self.places.chunk_by(|a, b| a.hash == b.hash) {
            runs.push(end..end + run.len());
            end += run.len();
        }
        runs
    }

    /// Those of a range, one after the other.
    pub fn records(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Result<String>> {
        self.places[range].iter().map(|place| {
            let mut text = vec![0; place.length as usize];
            let mut file = &self.file;
            file.seek(SeekFrom::Start(place.at)).or_input(lost)?;
            file.read_exact(&mut text).or_input(lost)?;
            String::from_utf8(text).or_internal(lost)
        })
    }
}

fn lost() -> String {
    "cannot read a temporary file again".to_owned()
}

/// Temporary files could not be written.
pub fn full(e: std::io::Error) -> Error {
    Error::input("cannot write temporary files")
        .with("folder", std::env::temp_dir().display())
        .because(e)
        .hint("an export shuffles its records on disk; TMPDIR names another folder with more room")
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

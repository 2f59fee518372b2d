//! A temporary file in which records wait, sorted into buckets, until their bucket is read: in order, or one by one.
//!
//! Records arrive in any order of buckets. Each bucket gathers what it is given in a small buffer of its own, which goes to the
//! end of the one file when it is full; a bucket is then the list of its extents. So that memory is bounded by
//! [`BUFFERS`] whatever the number of buckets, one descriptor is open, and the file disappears with the process, even a
//! killed one. It lies in the system's folder for temporary files (`TMPDIR`) and is about as large as what was spilled.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Context, Error, Result};

/// Bytes of all buckets' buffers together.
const BUFFERS: usize = 32 << 20;

/// A record in a bucket: a tag, which is the spiller's own business, and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// What the bytes are.
    pub kind: u8,
    /// Which document they are from.
    pub document: u32,
    /// A number: where in that document it stood, or what its bucket is ordered by.
    pub number: u64,
}

const HEADER: usize = 1 + 4 + 8 + 4;

/// Takes records and sorts them.
pub struct Spiller {
    file: File,
    end: u64,
    capacity: usize,
    buckets: Vec<Bucket>,
}

#[derive(Default)]
struct Bucket {
    /// Of its records, in their order, without where they stand.
    digest: Xxh3,
    records: usize,
    /// Whole records, as an extent is.
    buffer: Vec<u8>,
    extents: Vec<Extent>,
}

#[derive(Debug, Clone, Copy)]
struct Extent {
    start: u64,
    bytes: u64,
}

/// The sorted records. Buckets may be read from several threads.
#[derive(Debug)]
pub struct Spill {
    file: Mutex<File>,
    buckets: Vec<Vec<Extent>>,
    records: Vec<usize>,
    digests: Vec<String>,
}

/// Where a record is in the file.
#[derive(Debug, Clone, Copy)]
pub struct RecordPlace {
    /// That of its tag.
    pub number: u64,
    /// Of its bytes.
    pub start: u64,
    length: u32,
}

impl Spiller {
    /// A spiller into that many buckets.
    pub fn new(buckets: usize) -> Result<Self> {
        let file = tempfile::tempfile().map_err(full)?;
        let capacity = (BUFFERS / buckets.max(1)).clamp(4 << 10, 1 << 20);
        Ok(Self { file, end: 0, capacity, buckets: (0..buckets).map(|_| Bucket::default()).collect() })
    }

    /// Adds a record to a bucket. Records of one bucket keep their order.
    pub fn push(&mut self, bucket: usize, tag: Tag, record: &[u8]) -> Result<()> {
        let length = u32::try_from(record.len()).or_internal(|| "a record of more than 4 GiB".to_owned())?;
        let bucket = &mut self.buckets[bucket];
        bucket.records += 1;
        bucket.digest.update(&[tag.kind]);
        bucket.digest.update(&tag.document.to_le_bytes());
        bucket.digest.update(&length.to_le_bytes());
        bucket.digest.update(record);
        bucket.buffer.push(tag.kind);
        bucket.buffer.extend_from_slice(&tag.document.to_le_bytes());
        bucket.buffer.extend_from_slice(&tag.number.to_le_bytes());
        bucket.buffer.extend_from_slice(&length.to_le_bytes());
        bucket.buffer.extend_from_slice(record);
        if bucket.buffer.len() >= self.capacity { bucket.flush(&mut self.file, &mut self.end) } else { Ok(()) }
    }

    /// Nothing more is added.
    pub fn finish(mut self) -> Result<Spill> {
        for bucket in &mut self.buckets {
            bucket.flush(&mut self.file, &mut self.end)?;
        }
        let digests = self.buckets.iter().map(|bucket| format!("{:032x}", bucket.digest.digest128())).collect();
        let records = self.buckets.iter().map(|bucket| bucket.records).collect();
        let buckets = self.buckets.into_iter().map(|bucket| bucket.extents).collect();
        Ok(Spill { file: Mutex::new(self.file), buckets, records, digests })
    }
}

impl Bucket {
    fn flush(&mut self, file: &mut File, end: &mut u64) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        file.write_all(&self.buffer).map_err(full)?;
        let bytes = self.buffer.len() as u64;
        self.extents.push(Extent { start: *end, bytes });
        *end += bytes;
        // Not kept for the next records: most buckets are far from full at any time, a few large records must not add up.
        self.buffer = Vec::new();
        Ok(())
    }
}

impl Spill {
    /// A hash of each bucket's records in their order: of what they are and say, and not of where they stood.
    pub fn digests(&self) -> &[String] {
        &self.digests
    }

    /// How many records each bucket has.
    pub fn records(&self) -> &[usize] {
        &self.records
    }

    /// Where the records of a bucket are, in the order in which they were added. Their bytes are not read.
    pub fn places(&self, bucket: usize) -> Result<Vec<RecordPlace>> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = Vec::with_capacity(self.records[bucket]);
        for extent in &self.buckets[bucket] {
            (&*file).seek(SeekFrom::Start(extent.start)).or_input(lost)?;
            let mut reader = BufReader::with_capacity(256 << 10, &*file);
            let mut at = extent.start;
            while at < extent.start + extent.bytes {
                let mut header = [0; HEADER];
                reader.read_exact(&mut header).or_input(lost)?;
                let (tag, length) = parsed(header);
                reader.seek_relative(i64::from(length)).or_input(lost)?;
                let start = at + HEADER as u64;
                places.push(RecordPlace { number: tag.number, start, length });
                at = start + u64::from(length);
            }
        }
        Ok(places)
    }

    /// One record.
    pub fn record(&self, place: RecordPlace) -> Result<Vec<u8>> {
        let mut record = vec![0; place.length as usize];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start)).or_input(lost)?;
        file.read_exact(&mut record).or_input(lost)?;
        Ok(record)
    }

    /// Hands the records of a bucket to `on`, in the order in which they were added, one at a time.
    pub fn visit(&self, bucket: usize, mut on: impl FnMut(Tag, &[u8]) -> Result<()>) -> Result<()> {
        let mut reader = BufReader::with_capacity(256 << 10, self.bucket(bucket));
        let mut record = Vec::new();
        let mut header = [0; HEADER];
        while read_whole(&mut reader, &mut header)? {
            let (tag, length) = parsed(header);
            record.resize(length as usize, 0);
            reader.read_exact(&mut record).or_input(|| "a temporary file ends early".to_owned())?;
            on(tag, &record)?;
        }
        Ok(())
    }

    fn bucket(&self, bucket: usize) -> BucketReader<'_> {
        BucketReader { file: &self.file, extents: self.buckets[bucket].iter(), left: Extent { start: 0, bytes: 0 } }
    }
}

/// A record's tag and length.
fn parsed(header: [u8; HEADER]) -> (Tag, u32) {
    let [kind, d0, d1, d2, d3, n0, n1, n2, n3, n4, n5, n6, n7, l0, l1, l2, l3] = header;
    let tag = Tag {
        kind,
        document: u32::from_le_bytes([d0, d1, d2, d3]),
        number: u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]),
    };
    (tag, u32::from_le_bytes([l0, l1, l2, l3]))
}

fn lost() -> String {
    "cannot read back a temporary file".to_owned()
}

/// A temporary file cannot be written.
pub fn full(e: std::io::Error) -> Error {
    Error::input("cannot write temporary files")
        .with("folder", std::env::temp_dir().display())
        .because(e)
        .hint("what is sorted waits on disk; TMPDIR names another folder with more room")
}

/// Fills `into`, or says that there was nothing left.
fn read_whole(reader: &mut impl Read, into: &mut [u8]) -> Result<bool> {
    match reader.read_exact(into) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e).or_input(lost),
    }
}

/// A bucket's extents as one stream of bytes.
struct BucketReader<'a> {
    file: &'a Mutex<File>,
    extents: std::slice::Iter<'a, Extent>,
    left: Extent,
}

impl Read for BucketReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.left.bytes == 0 {
            match self.extents.next() {
                Some(extent) => self.left = *extent,
                None => return Ok(0),
            }
        }
        let wanted = into.len().min(self.left.bytes as usize);
        // Threads share the descriptor and with it the position, so that seeking and reading are one step. A poisoned lock
        // leaves nothing half done: the position is set before each read.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.left.start))?;
        let read = file.read(&mut into[..wanted])?;
        self.left.start += read as u64;
        self.left.bytes -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_back_its_records_in_order() {
        let mut spiller = Spiller::new(3).unwrap();
        // Larger than a buffer, smaller, and empty.
        let record = |n: usize| vec![n as u8; [2 << 20, 10, 0][n % 3] + n];
        for n in 0..60 {
            spiller.push(n % 2, Tag { kind: 7, document: 1, number: n as u64 }, &record(n)).unwrap();
        }
        let spill = spiller.finish().unwrap();
        for bucket in 0..3 {
            let mut numbers = Vec::new();
            spill
                .visit(bucket, |tag, bytes| {
                    assert_eq!((tag.kind, tag.document), (7, 1));
                    assert_eq!(bytes, record(tag.number as usize));
                    numbers.push(tag.number as usize);
                    Ok(())
                })
                .unwrap();
            let expected: Vec<_> = (0..60).filter(|n| bucket < 2 && n % 2 == bucket).collect();
            assert_eq!(numbers, expected);
            // The same one by one, from the last to the first.
            assert_eq!(spill.records()[bucket], expected.len());
            let places = spill.places(bucket).unwrap();
            let one_by_one = places.iter().rev().map(|place| (place.number as usize, spill.record(*place).unwrap()));
            assert!(one_by_one.eq(expected.iter().rev().map(|n| (*n, record(*n)))));
        }
    }
}

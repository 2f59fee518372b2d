//! Block checksums of parts: computed while a part is written, kept in the log, verified by every read.
//!
//! A part is hashed in blocks of a fixed size, 4 bytes a block. The checksums cover the whole file, its footer, indexes and Bloom filters
//! too, and lie in the log, apart from what they protect; Parquet's own page checksums cover pages alone, and its writer does not make
//! them. A reader asks for ranges: the blocks around them are read and compared, so that a read gives the bytes that were written or an
//! error. Parts that were written without checksums are read unverified.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{Location, Part};
use crate::error::Damage;

/// Small enough that looking up a few rows does not read much more, large enough that a part of 512 MiB has 11 kB of sums.
const BLOCK: usize = 256 << 10;

/// Computes the block checksums of a file that is being written.
#[derive(Default)]
pub(super) struct BlockChecksums {
    block: Xxh3,
    in_block: usize,
    checksums: Vec<u8>,
}

impl BlockChecksums {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            bytes = later;
            if self.in_block == BLOCK {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.checksums.extend(short(self.block.digest()));
        self.block.reset();
        self.in_block = 0;
    }

    /// As the log keeps them: the size of a block, and the checksums.
    pub(super) fn finish(&mut self) -> String {
        if self.in_block > 0 {
            self.close();
        }
        format!("{BLOCK}:{}", STANDARD_NO_PAD.encode(&self.checksums))
    }
}

fn short(sum: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = sum.to_le_bytes();
    [a, b, c, d]
}

/// What the log says of one part's bytes.
#[derive(Debug)]
struct PartChecksums {
    url: String,
    bytes: u64,
    /// The size of a block and the checksums; none where the part was written without.
    checksums: Option<(u64, Vec<u8>)>,
}

impl PartChecksums {
    fn of(part: &Part, location: &Location) -> Self {
        let checksums = part.checksums.split_once(':').and_then(|(block, checksums)| {
            let block: u64 = block.parse().ok().filter(|block| *block > 0)?;
            let checksums = STANDARD_NO_PAD.decode(checksums).ok()?;
            (checksums.len() as u64 == 4 * part.bytes.div_ceil(block)).then_some((block, checksums))
        });
        Self { url: format!("{}{}", location.url(), part.path), bytes: part.bytes, checksums }
    }

    fn damaged(&self, why: String) -> Error {
        Error::Generic { store: "warehouse", source: Box::new(Damage { part: self.url.clone(), why }) }
    }

    /// Whole blocks around a range.
    fn around(&self, range: &Range<u64>) -> Range<u64> {
        match &self.checksums {
            Some((block, _)) => {
                range.start / block * block..range.end.div_ceil(*block).saturating_mul(*block).min(self.bytes)
            }
            None => range.clone(),
        }
    }

    /// Compares whole blocks that begin at `start`.
    fn check(&self, start: u64, bytes: &[u8]) -> Result<()> {
        let Some((block, checksums)) = &self.checksums else { return Ok(()) };
        let size = usize::try_from(*block).unwrap_or(usize::MAX);
        let first = usize::try_from(start / block).unwrap_or(usize::MAX);
        let mut at = start;
        for (bytes, expected) in bytes.chunks(size).zip(checksums.chunks_exact(4).skip(first)) {
            let end = at + bytes.len() as u64;
            if short(xxh3_64(bytes)) != expected {
                return Err(self.damaged(format!("bytes {at} to {end} are not those that were written")));
            }
            at = end;
        }
        Ok(())
    }
}

/// An object store that verifies what is read of a table's parts.
#[derive(Debug)]
pub(super) struct VerifyingStore {
    inner: Arc<dyn ObjectStore>,
    parts: HashMap<Path, PartChecksums>,
}

impl VerifyingStore {
    pub(super) fn new(location: &Location, parts: &[&Part]) -> Self {
        let parts = parts.iter().map(|part| (location.path(&part.path), PartChecksums::of(part, location))).collect();
        Self { inner: Arc::clone(location.store()), parts }
    }

    /// Why a part cannot be read: it is gone, or cut short, or the store is in trouble.
    async fn explained(&self, path: &Path, known: &PartChecksums, error: Error) -> Error {
        if matches!(error, Error::NotFound { .. }) {
            return known.damaged("it is gone".to_owned());
        }
        match self.inner.head(path).await {
            Ok(found) if found.size != known.bytes => {
                known.damaged(format!("it has {} bytes instead of {}", found.size, known.bytes))
            }
            _ => error,
        }
    }

    async fn read(&self, path: &Path, known: &PartChecksums, options: GetOptions) -> Result<GetResult> {
        let wanted = match options.range {
            None => 0..known.bytes,
            Some(GetRange::Bounded(ref range)) => range.start..range.end.min(known.bytes),
            Some(GetRange::Offset(start)) => start..known.bytes,
            Some(GetRange::Suffix(length)) => known.bytes.saturating_sub(length)..known.bytes,
        };
        let around = known.around(&wanted);
        let found = self.inner.get_opts(path, options.with_range(Some(GetRange::Bounded(around.clone())))).await?;
        let (meta, attributes) = (found.meta.clone(), found.attributes.clone());
        let bytes = found.bytes().await?;
        if bytes.len() as u64 != around.end - around.start {
            return Err(known.damaged(format!("it has {} bytes instead of {}", meta.size, known.bytes)));
        }
        known.check(around.start, &bytes)?;
        let bytes = slice(&bytes, around.start, &wanted);
        let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult { payload, meta, range: wanted, attributes })
    }

    async fn read_all(&self, path: &Path, known: &PartChecksums, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        // A block that several ranges touch is read once.
        let mut blocks: Vec<Range<u64>> = ranges.iter().map(|range| known.around(range)).collect();
        blocks.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(blocks.len());
        for range in blocks {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        let read = self.inner.get_ranges(path, &merged).await?;
        for (range, bytes) in merged.iter().zip(&read) {
            known.check(range.start, bytes)?;
        }
        let found = |range: &Range<u64>| {
            let at = merged.partition_point(|whole| whole.start <= range.start).saturating_sub(1);
            let whole = &merged[at];
            if whole.start + (read[at].len() as u64) < range.end {
                return Err(known.damaged("it is shorter than it was".to_owned()));
            }
            Ok(slice(&read[at], whole.start, range))
        };
        ranges.iter().map(found).collect()
    }
}

/// A range of a file, out of bytes that begin at `start`.
fn slice(bytes: &Bytes, start: u64, range: &Range<u64>) -> Bytes {
    let offset = |at: u64| usize::try_from(at - start).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(offset(range.start)..offset(range.end))
}

impl fmt::Display for VerifyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for VerifyingStore {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        match self.parts.get(path).filter(|_| !options.head) {
            None => self.inner.get_opts(path, options).await,
            Some(known) => match self.read(path, known, options).await {
                Err(error) => Err(self.explained(path, known, error).await),
                found => found,
            },
        }
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.parts.get(path) {
            None => self.inner.get_ranges(path, ranges).await,
            Some(known) => match self.read_all(path, known, ranges).await {
                Err(error) => Err(self.explained(path, known, error).await),
                found => found,
            },
        }
    }

    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path as FilePath;

    use super::super::part::tests::part;
    use super::*;

    #[tokio::test]
    async fn what_is_read_is_what_was_written_or_an_error() {
        let location = Location::parse("memory://checksums", FilePath::new("/")).unwrap();
        let bytes: Vec<u8> = (0..3 * BLOCK + 100).map(|i| (i % 251) as u8).collect();
        let mut checksums = BlockChecksums::default();
        // Pieces that do not end where blocks do.
        bytes.chunks(100_003).for_each(|piece| checksums.update(piece));
        let part = Part { bytes: bytes.len() as u64, checksums: checksums.finish(), ..part("a", 1) };
        let path = location.path(&part.path);
        let store = VerifyingStore::new(&location, &[&part]);
        let put = async |bytes: &[u8]| location.store().put(&path, bytes.to_vec().into()).await.unwrap();
        put(&bytes).await;
        let (block, end) = (BLOCK as u64, bytes.len() as u64);
        let ranges = [5..10, block - 1..block + 1, end - 8..end, 0..end, 7..7];
        let read = store.get_ranges(&path, &ranges).await.unwrap();
        for (range, read) in ranges.iter().zip(read) {
            assert_eq!(read, bytes[range.start as usize..range.end as usize]);
            let alone = store.get_opts(&path, GetOptions::new().with_range(Some(range.clone()))).await.unwrap();
            assert_eq!(alone.bytes().await.unwrap(), bytes[range.start as usize..range.end as usize]);
        }
        let suffix = store.get_opts(&path, GetOptions::new().with_range(Some(GetRange::Suffix(8)))).await.unwrap();
        assert_eq!(suffix.bytes().await.unwrap(), bytes[bytes.len() - 8..]);

        for at in [0, BLOCK + 7, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            put(&damaged).await;
            let at = at as u64;
            let error = store.get_range(&path, at..at + 1).await.unwrap_err();
            assert!(error.to_string().contains("not those that were written"), "{error}");
            assert!(store.get_ranges(&path, std::slice::from_ref(&(at..at + 1))).await.is_err());
            let other = if at < block { 2 * block..2 * block + 9 } else { 0..9 };
            assert!(store.get_range(&path, other).await.is_ok(), "another block is whole");
        }
        put(&bytes[..BLOCK + 5]).await;
        assert!(store.get_range(&path, block..block + 3).await.unwrap_err().to_string().contains("instead of"));
        location.store().delete(&path).await.unwrap();
        assert!(store.get_range(&path, 0..3).await.unwrap_err().to_string().contains("gone"));
    }
}

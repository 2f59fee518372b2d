//! One photo out of a Parquet file. A page is the least that can be decoded, and has many photos, so that the pages that were
//! decoded last are kept, and so are footers: reading a file's photos one after the other decodes each page once.
//!
//! Memory: [`FOOTERS`] footers, and [`RUNS_BYTES`] of photos, beside those that are being decoded.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::{Array, AsArray, BinaryArray};
use arrow::compute::concat;
use bytes::Bytes;

use super::parquet_file::{ParquetFile, PhotoColumn, StoredObject};
use crate::error::{Context, Error, Result};

/// Files whose footers are kept. Builds read a shard a core, and a shard is a file.
const FOOTERS: usize = 64;

/// No more than this is decoded for one photo, where photos are smaller: a page of a megabyte, or a row group without a page
/// index.
const RUN_BYTES: u64 = 16 << 20;

/// Small photos are not decoded by the ten thousand.
const RUN_ROWS: u64 = 256;

/// They are looked for one by one.
const RUNS: usize = 256;

/// A run for each of eight readers.
const RUNS_BYTES: u64 = 8 * RUN_BYTES;

/// The photo in a row of a column.
pub fn read(uri: &str, column: &str, row: u64, limit: u64) -> Result<Bytes> {
    // Asked each time: another file may have taken its place, and what is kept of it is of no use then.
    let object = StoredObject::find(uri)?;
    let file = open(uri, object)?;
    let column = file.photos(Some(column))?;
    let mut run = RowRun::of(&file, &column, row)?;
    let photos = loop {
        let slot =
            kept(CellKey { uri: uri.to_owned(), tag: file.tag().map(str::to_owned), column: column.leaf(), run });
        // Whoever wants another photo of the run waits for it here.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let decoded = match &*slot {
            Some(decoded) => decoded.clone(),
            None => slot.insert(run.decode(&file, &column)?).clone(),
        };
        match decoded {
            Decoded::Photos(photos) => break photos,
            Decoded::TooLarge => run = run.part(row),
        }
    };
    let at = (row - run.first) as usize;
    if at >= photos.len() || photos.is_null(at) {
        return Err(Error::input(format!("row {row} of the column `{}` has no photo", column.name)));
    }
    let photo = photos.value(at);
    super::allow(photo.len() as u64, limit)?;
    Ok(Bytes::copy_from_slice(photo))
}

/// Rows that are decoded together: those of a page, or of a row group where no index says where pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RowRun {
    group: usize,
    /// In the file.
    first: u64,
    rows: u64,
    /// About.
    bytes: u64,
}

impl RowRun {
    fn of(file: &ParquetFile, column: &PhotoColumn, row: u64) -> Result<Self> {
        let starts = file.starts();
        let total = starts.last().copied().unwrap_or(0);
        if row >= total {
            return Err(Error::input(format!("there is no row {row}, the file has {total}")));
        }
        let group = starts.partition_point(|start| *start <= row) - 1;
        let (start, end) = (starts[group], starts[group + 1]);
        let (mut first, mut last) = (start, end);
        let index = file.metadata().offset_index();
        if let Some(index) = index.and_then(|index| index.get(group)?.get(column.leaf())) {
            // An index that says nonsense is as none.
            let pages = index.page_locations().iter().map(|page| start.saturating_add_signed(page.first_row_index));
            for page in pages {
                if page <= row {
                    first = first.max(page);
                } else {
                    last = last.min(page);
                }
            }
        }
        let chunk = file.metadata().row_group(group).columns().get(column.leaf());
        let size = chunk.map_or(0, |chunk| chunk.uncompressed_size().max(0)) as u64;
        let each = (size / (end - start)).max(1);
        let most = (RUN_BYTES / each).clamp(1, RUN_ROWS);
        first += (row - first) / most * most;
        let rows = (last - first).min(most);
        Ok(Self { group, first, rows, bytes: rows * each })
    }

    /// A sixteenth of it.
    fn part(&self, row: u64) -> Self {
        let rows = self.rows.div_ceil(16);
        let first = self.first + (row - self.first) / rows * rows;
        Self { first, rows: rows.min(self.first + self.rows - first), bytes: self.bytes / 16, ..*self }
    }

    fn decode(&self, file: &ParquetFile, column: &PhotoColumn) -> Result<Decoded> {
        let first = (self.first - file.starts()[self.group]) as usize;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for row in file.rows(self.group, [column.leaf()], first, self.rows as usize)? {
            let photo = column.bytes(&row?)?;
            bytes += photo.value_data().len() as u64;
            found.push(photo);
            if bytes > 2 * RUN_BYTES && self.rows > 1 {
                return Ok(Decoded::TooLarge);
            }
        }
        let arrays: Vec<&dyn Array> = found.iter().map(|array| array as &dyn Array).collect();
        if arrays.is_empty() {
            return Ok(Decoded::Photos(BinaryArray::new_null(0)));
        }
        let all = concat(&arrays).or_input(|| "the Parquet file is damaged".to_owned())?;
        Ok(Decoded::Photos(all.as_binary().clone()))
    }
}

/// What has become of a run.
#[derive(Debug, Clone)]
enum Decoded {
    Photos(BinaryArray),
    /// Its photos are larger than the file says, as those of a dictionary are: fewer have to be decoded together.
    TooLarge,
}

type Footers = VecDeque<(String, Arc<ParquetFile>)>;

/// The latest first.
static OPENED: LazyLock<Mutex<Footers>> = LazyLock::new(Mutex::default);

fn open(uri: &str, object: StoredObject) -> Result<Arc<ParquetFile>> {
    let opened = || OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut footers = opened();
    if let Some(at) = footers.iter().position(|(known, _)| known == uri)
        && let Some((uri, file)) = footers.remove(at)
        && file.tag() == object.tag()
    {
        footers.push_front((uri, Arc::clone(&file)));
        return Ok(file);
    }
    // Reading takes its time; others need not wait for it.
    drop(footers);
    let file = Arc::new(ParquetFile::read(object)?);
    let mut footers = opened();
    footers.push_front((uri.to_owned(), Arc::clone(&file)));
    footers.truncate(FOOTERS);
    Ok(file)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct CellKey {
    uri: String,
    tag: Option<String>,
    column: usize,
    run: RowRun,
}

type CellSlot = Arc<Mutex<Option<Decoded>>>;

/// The latest first.
static DECODED: LazyLock<Mutex<VecDeque<(CellKey, CellSlot)>>> = LazyLock::new(Mutex::default);

fn kept(key: CellKey) -> CellSlot {
    let mut runs = DECODED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = runs.iter().position(|(known, _)| *known == key).and_then(|at| runs.remove(at));
    let (key, slot) = found.unwrap_or_else(|| (key, CellSlot::default()));
    runs.push_front((key, Arc::clone(&slot)));
    let mut bytes = 0;
    // The first one is needed, however large.
    let fits = runs.iter().take(RUNS).take_while(|(key, slot)| {
        let before = bytes;
        bytes += match slot.try_lock().as_deref() {
            Ok(Some(Decoded::Photos(photos))) => photos.value_data().len() as u64,
            Ok(Some(Decoded::TooLarge)) => 0,
            // Being decoded.
            _ => key.run.bytes,
        };
        before == 0 || bytes <= RUNS_BYTES
    });
    let fits = fits.count();
    runs.truncate(fits);
    slot
}

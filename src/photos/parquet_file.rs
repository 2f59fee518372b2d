//! A Parquet file that has photos in one of its columns, read by ranges of its object.
//!
//! In: a URL. Out: which column has the photos, and batches of a row group's columns. Types are Parquet's own: what a writer
//! says of Arrow or of a framework's features is not needed to read bytes and is not trusted. All calls block; they are for
//! blocking threads.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, path::Path};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Context, Error, Result};
use crate::warehouse::open_object;

/// Columns that photos are in where nobody says which, the likeliest first.
const IMAGE_COLUMNS: [&str; 8] = ["image", "img", "jpg", "jpeg", "png", "bytes", "image_bytes", "photo"];

/// Photos are compressed already, and words about them to a tenth: what unpacks to far more, and is not small, is made to fill memory.
const MAX_RATIO: u64 = 100;
const UNPACKED: u64 = 64 << 20;

/// Page headers have some tens of bytes, without statistics; a page's first bytes do no harm.
const HEADER_BYTES: u64 = 4096;

/// An opened file: its footer was read.
#[derive(Debug, Clone)]
pub struct ParquetFile {
    object: StoredObject,
    footer: ArrowReaderMetadata,
    /// The first row of each row group, and the number of rows.
    starts: Vec<u64>,
}

/// A column with photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoColumn {
    /// As in the `uri` of a photo.
    pub name: String,
    /// Of the bytes.
    leaf: usize,
    /// Of the path that Hugging Face's `Image` has beside the bytes.
    path: Option<usize>,
}

impl ParquetFile {
    /// Finds the file and reads its footer.
    pub fn open(uri: &str) -> Result<Self> {
        Self::read(StoredObject::find(uri)?)
    }

    /// Reads the footer.
    pub fn read(object: StoredObject) -> Result<Self> {
        let failed = || "not a readable Parquet file".to_owned();
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let footer = unharmed(|| ArrowReaderMetadata::load(&object, options)).or_input(failed)?;
        let mut starts = vec![0];
        for group in footer.metadata().row_groups() {
            let rows = u64::try_from(group.num_rows()).or_input(failed)?;
            let next = starts.last().unwrap_or(&0_u64).checked_add(rows);
            starts.push(next.ok_or_else(|| Error::input(failed()))?);
        }
        Ok(Self { object, footer, starts })
    }

    /// What changes when the file does.
    pub fn tag(&self) -> Option<&str> {
        self.object.tag()
    }

    /// The columns, by the types of the Parquet file.
    pub fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    pub fn metadata(&self) -> &ParquetMetaData {
        self.footer.metadata()
    }

    /// The first row of each row group, and behind them the number of rows.
    pub fn starts(&self) -> &[u64] {
        &self.starts
    }

    /// The column of this name if it can have photos, or the first that looks like it.
    pub fn photos(&self, name: Option<&str>) -> Result<PhotoColumn> {
        match name {
            Some(name) => self.column(name),
            None => self.named_like_photos().find_map(|name| self.column(name).ok()).ok_or_else(|| self.no_photos()),
        }
    }

    /// The columns that may have photos by their names, the likeliest first.
    fn named_like_photos(&self) -> impl Iterator<Item = &str> {
        let fields = self.schema().fields();
        let named = |likely: &'static str| fields.iter().filter(move |field| field.name().eq_ignore_ascii_case(likely));
        IMAGE_COLUMNS.into_iter().flat_map(named).map(|field| field.name().as_str())
    }

    /// Why none of the columns is read as photos unless it is named.
    fn no_photos(&self) -> Error {
        let why_not: Vec<String> =
            self.named_like_photos().filter_map(|name| self.column(name).err()).map(|e| e.to_string()).collect();
        let fields = self.schema().fields().iter().map(|field| field.name().as_str());
        let (could, others): (Vec<&str>, Vec<&str>) = fields.partition(|name| self.column(name).is_ok());
        let message = match &why_not[..] {
            [] => format!("no column has photos; looked for {}", IMAGE_COLUMNS.join(", ")),
            why_not => why_not.join("; "),
        };
        match &could[..] {
            [] => Error::input(format!("{message}; there are {}", others.join(", "))),
            [name, ..] => Error::input(format!("{message}; `{name}` could be it"))
                .hint(format!("set the source's `image = \"{name}\"`")),
        }
    }

    fn column(&self, name: &str) -> Result<PhotoColumn> {
        let no_photos = |what: &str| Error::input(format!("the column `{name}` has no photos: {what}"));
        let leaf = |path: &[&str]| {
            let columns = self.metadata().file_metadata().schema_descr().columns();
            columns.iter().position(|column| column.path().parts() == path)
        };
        let field = self.schema().field_with_name(name).map_err(|_| {
            let known: Vec<&str> = self.schema().fields().iter().map(|field| field.name().as_str()).collect();
            Error::input(format!("there is no column `{name}`; there are {}", known.join(", ")))
        })?;
        let (leaf, path) = match field.data_type() {
            DataType::Binary => (leaf(&[name]), None),
            DataType::Struct(fields) => match fields.find("bytes").map(|(_, field)| field.data_type()) {
                Some(DataType::Binary) => {
                    let path = fields.find("path").filter(|(_, field)| *field.data_type() == DataType::Utf8);
                    (leaf(&[name, "bytes"]), path.and_then(|_| leaf(&[name, "path"])))
                }
                _ => return Err(no_photos("it is a struct without `bytes`")),
            },
            DataType::List(_) => return Err(no_photos("it is a list; one photo a row is read")),
            DataType::Utf8 => return Err(no_photos("it is text; were it paths, the photos would not be in the file")),
            other => return Err(no_photos(&format!("its type is {other}"))),
        };
        let leaf = leaf.ok_or_else(|| no_photos("its bytes are elsewhere than its schema says"))?;
        Ok(PhotoColumn { name: name.to_owned(), leaf, path })
    }

    /// The position of a column without nesting among the file's leaves.
    pub fn leaf(&self, name: &str) -> Option<usize> {
        let columns = self.metadata().file_metadata().schema_descr().columns();
        columns.iter().position(|column| column.path().parts().first().is_some_and(|first| first == name))
    }

    /// Rows `first..first + rows` of a row group, of these leaves, one by one: a dictionary holds once what stands in many rows,
    /// so that no size in the file says how large some rows together will be.
    pub fn rows(
        &self,
        group: usize,
        leaves: impl IntoIterator<Item = usize>,
        first: usize,
        rows: usize,
    ) -> Result<OneByOne> {
        let leaves: Vec<usize> = leaves.into_iter().collect();
        let group_of = self.metadata().row_group(group);
        if let Some(column) = leaves.iter().map(|leaf| group_of.column(*leaf)).find(|column| {
            let [packed, unpacked] = [column.compressed_size(), column.uncompressed_size()].map(i64::unsigned_abs);
            unpacked > UNPACKED && unpacked / MAX_RATIO > packed
        }) {
            let (name, unpacked) = (column.column_path().string(), column.uncompressed_size());
            return Err(Error::input(format!("the column `{name}` unpacks from almost nothing to {unpacked} bytes")));
        }
        let mask = ProjectionMask::leaves(self.metadata().file_metadata().schema_descr(), leaves);
        let selection = vec![RowSelector::skip(first), RowSelector::select(rows)];
        let build = || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.object.clone(), self.footer.clone())
                .with_projection(mask)
                .with_row_groups(vec![group])
                .with_row_selection(RowSelection::from(selection))
                .with_batch_size(1)
                .build()
        };
        Ok(OneByOne(unharmed(build).or_input(damaged)?))
    }
}

impl PhotoColumn {
    /// The leaves that it takes to read photos and their names.
    pub fn leaves(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.leaf).chain(self.path)
    }

    /// The leaf of the bytes.
    pub fn leaf(&self) -> usize {
        self.leaf
    }

    /// The bytes in a batch.
    pub fn bytes(&self, batch: &RecordBatch) -> Result<BinaryArray> {
        self.child(batch, "bytes")
            .and_then(|bytes| bytes.as_binary_opt::<i32>().cloned())
            .ok_or_else(|| Error::input(format!("the column `{}` is not what the file's schema says", self.name)))
    }

    /// The names in a batch.
    pub fn names(&self, batch: &RecordBatch) -> Option<ArrayRef> {
        self.path.and_then(|_| self.child(batch, "path"))
    }

    fn child(&self, batch: &RecordBatch, name: &str) -> Option<ArrayRef> {
        let column = batch.column_by_name(&self.name)?;
        match column.as_struct_opt() {
            Some(fields) => {
                // Where the struct is null, so is what is in it.
                let at = fields.column_names().iter().position(|field| *field == name)?;
                let (_, columns, nulls) = fields.clone().into_parts();
                let child = &columns[at];
                let nulls = arrow::buffer::NullBuffer::union(nulls.as_ref(), child.nulls());
                child.to_data().into_builder().nulls(nulls).build().ok().map(arrow::array::make_array)
            }
            None => Some(Arc::clone(column)),
        }
    }
}

/// Rows, each as a batch.
pub struct OneByOne(ParquetRecordBatchReader);

impl Iterator for OneByOne {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        unharmed(|| self.0.next().transpose().map_err(|e| ParquetError::ArrowError(e.to_string())))
            .or_input(damaged)
            .transpose()
    }
}

fn damaged() -> String {
    "the Parquet file is damaged".to_owned()
}

/// Parquet's decoders check what they read, and where they forget to, damaged bytes must cost a file and not the import.
fn unharmed<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("a decoder gave up".to_owned())))
}

/// An object whose ranges are read while it stays what it was.
#[derive(Debug, Clone)]
pub struct StoredObject {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    tag: Option<String>,
}

impl StoredObject {
    /// What is there now.
    pub fn find(uri: &str) -> Result<Self> {
        let (store, path) = open_object(uri)?;
        let meta = wait(store.head(&path)).or_input(|| "cannot open the file".to_owned())?;
        Ok(Self { store, path, size: meta.size, tag: meta.e_tag })
    }

    /// What changes when the object does.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
}

impl Length for StoredObject {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for StoredObject {
    type T = FromHere;

    fn get_read(&self, start: u64) -> Result<FromHere, ParquetError> {
        Ok(FromHere { object: self.clone(), at: start, chunk: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size);
        let end = end.ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} of {}", self.size)))?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..end)),
            // A footer of another file's bytes would give another photo, silently.
            if_match: self.tag.clone(),
            ..GetOptions::default()
        };
        let read = async { self.store.get_opts(&self.path, options).await?.bytes().await };
        let bytes = wait(read).map_err(|e| ParquetError::External(e.into()))?;
        if bytes.len() == length { Ok(bytes) } else { Err(ParquetError::EOF("the object is shorter now".to_owned())) }
    }
}

/// The bytes of an object from a place on, fetched as they are read.
pub struct FromHere {
    object: StoredObject,
    at: u64,
    chunk: Bytes,
}

impl Read for FromHere {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.chunk.is_empty() {
            let length = self.object.size.saturating_sub(self.at).min(HEADER_BYTES);
            self.chunk = self.object.get_bytes(self.at, length as usize).map_err(std::io::Error::other)?;
            self.at += length;
        }
        let n = into.len().min(self.chunk.len());
        into[..n].copy_from_slice(&self.chunk.split_to(n));
        Ok(n)
    }
}

/// Waits on a blocking thread. Local files and memory need no runtime, so that a reader works without one there.
fn wait<T>(work: impl Future<Output = T>) -> T {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.block_on(work),
        Err(_) => futures::executor::block_on(work),
    }
}

//! The photos in a Parquet file, a row each.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::ImagesReader;
use super::frame::{FrameWriter, PhotoInfo};
use super::words::{PhotoWords, known_split};
use crate::error::Result;
use crate::photos::parquet_file::{ParquetFile, PhotoColumn};
use crate::photos::{Address, PhotoPart};
use crate::source::RowSink;
use crate::source::photo::MAX_BYTES;
use crate::tables::{Loss, Unusable};

/// Reads a Parquet file. A row group that is damaged loses what follows in it, which is one quarantined row.
pub fn read(images: &ImagesReader, path: &str, stem: &str, rows: &mut RowSink) -> Result<()> {
    let uri = images.root.uri(path)?;
    let opened = images.root.admit(path).and_then(|()| ParquetFile::open(&uri));
    let file = match opened {
        Ok(file) => file,
        Err(e) => {
            let message = format!("{e}; how many photos are lost with it nobody knows, and it counts as one");
            return rows.refuse_image(stem, path, Unusable::new("parquet", message));
        }
    };
    let table = match PhotoTable::of(images, &file) {
        Ok(table) => table,
        Err(Unusable { code, message }) => {
            let photos = file.starts().last().copied().unwrap_or_default();
            let why = Unusable::new(code, format!("{message}; its {photos} photos are lost"));
            return rows.lose(Loss::Images(photos), stem, path, why);
        }
    };
    let mut frames = FrameWriter::new(images);
    for (group, window) in file.starts().windows(2).enumerate() {
        let &[mut row, end] = window else { continue };
        if row == end {
            continue;
        }
        let mut lost = None;
        let leaves = table.leaves.iter().copied();
        match file.rows(group, leaves, 0, (end - row) as usize) {
            Err(e) => lost = Some(e.to_string()),
            Ok(records) => {
                for record in records {
                    match record.and_then(|record| PhotoColumns::of(&table, &record)) {
                        Err(e) => {
                            lost = Some(e.to_string());
                            break;
                        }
                        Ok(record) => {
                            let key = record.key(row);
                            let name = key.as_ref().map_or_else(|_| row.to_string(), Clone::clone);
                            let photo = key.and_then(|key| record.photo(&table, &uri, row, &key));
                            frames.push(&format!("{stem}/{name}"), path, photo, rows)?;
                            row += 1;
                        }
                    }
                }
            }
        }
        if row < end {
            let why = lost.unwrap_or_else(|| "the row group ends early".to_owned());
            let photos = end - row;
            let message = format!("rows {row} to {}, {photos} photos, are lost: {why}", end - 1);
            rows.lose(Loss::Images(photos), format!("{stem}/{row}"), path, Unusable::new("parquet", message))?;
        }
    }
    Ok(())
}

/// The columns of a file that are read.
struct PhotoTable<'a> {
    photos: PhotoColumn,
    key: Option<&'a str>,
    caption: Option<&'a str>,
    licence: Option<&'a str>,
    split: Option<&'a str>,
    leaves: Vec<usize>,
}

impl<'a> PhotoTable<'a> {
    /// Code: `column`.
    fn of(images: &'a ImagesReader, file: &ParquetFile) -> Result<Self, Unusable> {
        let options = &images.options;
        let photos = file.photos(options.image.as_deref());
        let photos = photos.map_err(|e| Unusable::new("column", e.to_string()))?;
        let mut table = Self {
            key: options.key.as_deref(),
            caption: options.caption.as_deref(),
            licence: options.licence_column.as_deref(),
            split: options.split_column.as_deref(),
            leaves: photos.leaves().collect(),
            photos,
        };
        for (name, what) in
            [(table.key, "key"), (table.caption, "caption"), (table.licence, "licence"), (table.split, "split")]
        {
            let Some(name) = name else { continue };
            let field = file
                .schema()
                .field_with_name(name)
                .map_err(|_| Unusable::new("column", format!("there is no column `{name}` for the {what}")))?;
            let fits = match field.data_type() {
                DataType::Utf8 => true,
                DataType::List(item) => what == "caption" && *item.data_type() == DataType::Utf8,
                other => what == "key" && other.is_integer(),
            };
            let leaf = file.leaf(name).filter(|_| fits);
            let wrong = || format!("the column `{name}` cannot be the {what}: its type is {}", field.data_type());
            table.leaves.push(leaf.ok_or_else(|| Unusable::new("column", wrong()))?);
        }
        Ok(table)
    }
}

/// A row's columns.
struct PhotoColumns {
    photos: arrow::array::BinaryArray,
    paths: Option<ArrayRef>,
    key: Option<ArrayRef>,
    caption: Option<ArrayRef>,
    licence: Option<ArrayRef>,
    split: Option<ArrayRef>,
}

impl PhotoColumns {
    fn of(table: &PhotoTable<'_>, batch: &RecordBatch) -> Result<Self> {
        let named = |name: Option<&str>| name.and_then(|name| batch.column_by_name(name)).cloned();
        Ok(Self {
            photos: table.photos.bytes(batch)?,
            paths: table.photos.names(batch),
            key: named(table.key)
                .map(|keys| cast(&keys, &DataType::Utf8))
                .transpose()
                .map_err(datafusion::error::DataFusionError::from)?,
            caption: named(table.caption),
            licence: named(table.licence),
            split: named(table.split),
        })
    }

    /// Code: `key`.
    fn key(&self, row: u64) -> Result<String, Unusable> {
        match &self.key {
            None => Ok(row.to_string()),
            Some(keys) => match text(keys) {
                Some(key) if !key.is_empty() => Ok(key.to_owned()),
                _ => Err(Unusable::new("key", "the key is null or empty")),
            },
        }
    }

    fn photo(
        &self,
        table: &PhotoTable<'_>,
        uri: &str,
        row: u64,
        key: &str,
    ) -> Result<(PhotoInfo, Address, PhotoWords), Unusable> {
        let path = self.paths.as_ref().and_then(|paths| text(paths));
        if self.photos.is_null(0) {
            let only = path.map_or_else(String::new, |path| format!(", only the path `{}`", path.escape_debug()));
            return Err(Unusable::new("no_bytes", format!("the row has no bytes{only}")));
        }
        let bytes = self.photos.value(0);
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Unusable::new(
                "unreadable",
                format!("{} bytes are more than the {MAX_BYTES} allowed", bytes.len()),
            ));
        }
        let seen = PhotoInfo::of(bytes)?;
        // A path may be of another machine.
        let called = path.and_then(|path| path.rsplit(['/', '\\']).next()).filter(|name| !name.is_empty());
        let named_after = || format!("{}.{}", key.rsplit('/').next().unwrap_or_default(), seen.ending);
        let name = called.map_or_else(named_after, str::to_owned);
        let part = PhotoPart::Cell { column: table.photos.name.clone(), row };
        Ok((seen, Address { part, name: Some(name), ..Address::file(uri) }, self.words()?))
    }

    /// Code: `split`.
    fn words(&self) -> Result<PhotoWords, Unusable> {
        let mut words = PhotoWords::default();
        if let Some(captions) = &self.caption {
            match captions.as_list_opt::<i32>() {
                None => text(captions).into_iter().for_each(|caption| words.say(caption)),
                Some(lists) if lists.is_valid(0) => {
                    let list = lists.value(0);
                    let texts = list.as_string_opt::<i32>().into_iter().flatten().flatten();
                    texts.for_each(|text| words.say(text));
                }
                Some(_) => {}
            }
        }
        let of = |column: &Option<ArrayRef>| column.as_ref().and_then(|column| text(column)).map(str::to_owned);
        words.licence = of(&self.licence);
        words.split =
            of(&self.split).filter(|split| !split.trim().is_empty()).map(|split| known_split(&split)).transpose()?;
        Ok(words)
    }
}

/// The text of a row alone; none where it is null.
fn text(column: &ArrayRef) -> Option<&str> {
    column.as_string_opt::<i32>().and_then(|texts| texts.iter().next().flatten())
}

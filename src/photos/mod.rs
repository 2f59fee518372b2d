//! The bytes of a frame's photo, upright, wherever they are: a file, a member of a tar, a value in a Parquet file.
//!
//! ```text
//! uri ─► Address ─┬─ the file, or a range of it: one request
//!                 └─ a cell: Parquet, its pages kept a while ─► bytes ─► turned, where the uri says so ─► JPEG or PNG
//! ```
//!
//! Whoever looks at a frame, draws on it or exports it reads it here, so that all see the same pixels. Nothing is decoded
//! unless it has to be turned, and nothing is ever written. No bytes that are given out say that they are to be turned: a browser, an endpoint
//! or a trainer's loader that obeys EXIF sees what one sees that does not.

mod address;
mod cells;
pub(crate) mod parquet_file;

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStoreExt};

pub use address::{Address, PhotoPart};

use crate::error::{Context, Error, Result};
use crate::warehouse::open_object;

/// The photo that a `uri` names, refused unread where it has more than `limit` bytes. Turning may make it larger than that.
pub async fn read(uri: &str, limit: u64) -> Result<Bytes> {
    read_at(Address::parse(uri)?, limit).await.map_err(|e| e.with("file", uri))
}

async fn read_at(address: Address, limit: u64) -> Result<Bytes> {
    let orientation = address.orientation;
    let bytes = match address.part {
        PhotoPart::Whole => whole(&address.file, limit).await?,
        PhotoPart::Bytes(range) => {
            allow(range.end - range.start, limit)?;
            part(&address.file, range).await?
        }
        PhotoPart::Cell { column, row } => {
            let read = move || cells::read(&address.file, &column, row, limit);
            tokio::task::spawn_blocking(read).await.or_internal(|| "reading a Parquet file died".into())??
        }
    };
    if orientation == 1 {
        return Ok(match spatialmill_drawing::without_orientation(&bytes) {
            Some(without) => without.into(),
            None => bytes,
        });
    }
    let turn = move || spatialmill_drawing::turned(&bytes, orientation);
    let turned = tokio::task::spawn_blocking(turn).await.or_internal(|| "turning a photo died".into())?;
    turned.map(Bytes::from).or_input(|| "the photo cannot be turned upright".to_owned())
}

async fn whole(file: &str, limit: u64) -> Result<Bytes> {
    let (store, path) = open_object(file)?;
    let found = store.get(&path).await.or_input(cannot_read)?;
    allow(found.meta.size, limit)?;
    found.bytes().await.or_input(cannot_read)
}

async fn part(file: &str, range: std::ops::Range<u64>) -> Result<Bytes> {
    let (store, path) = open_object(file)?;
    let wanted = range.end - range.start;
    let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
    let bytes = store.get_opts(&path, options).await.or_input(cannot_read)?.bytes().await.or_input(cannot_read)?;
    if bytes.len() as u64 == wanted {
        Ok(bytes)
    } else {
        // Stores give what there is of a range.
        Err(Error::input(format!("the file ends {} bytes before the photo does", wanted - bytes.len() as u64)))
    }
}

fn cannot_read() -> String {
    "cannot read the photo".to_owned()
}

fn allow(bytes: u64, limit: u64) -> Result<()> {
    if bytes > limit {
        return Err(Error::input(format!("{bytes} bytes are more than the {limit} that a photo may have")));
    }
    Ok(())
}

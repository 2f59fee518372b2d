//! The photos of a bucket that are files of their own.

use std::collections::BTreeMap;

use super::ImagesReader;
use super::frame::{FrameWriter, PhotoInfo, not_read};
use super::listing::{FileKind, Listing, ending, is_called_otherwise, key, stem};
use super::words::{self, PhotoWords, SidecarFiles};
use crate::error::Result;
use crate::photos::Address;
use crate::source::RowSink;
use crate::source::photo;
use crate::tables::Unusable;
use crate::text::composed;

/// Reads a bucket.
pub fn read(images: &ImagesReader, listing: &Listing, bucket: u64, rows: &mut RowSink) -> Result<()> {
    let paths = listing.bucket(images, bucket)?;
    let photos = || paths.iter().filter(|path| images.kind_of(path) != Some(FileKind::Words));
    let mut stems = BTreeMap::<&str, usize>::new();
    photos().for_each(|path| *stems.entry(stem(path)).or_default() += 1);
    let mut frames = FrameWriter::new(images);
    for path in photos() {
        let alone = stems.get(stem(path)) == Some(&1);
        let name = if alone { stem(path) } else { path };
        let photo = photo(images, path).and_then(|(seen, at)| Ok((seen, at, words(images, &paths, path)?)));
        frames.push(name, path, photo, rows)?;
    }
    Ok(())
}

fn photo(images: &ImagesReader, path: &str) -> Result<(PhotoInfo, Address), Unusable> {
    let uri = images.root.uri(path).map_err(|e| Unusable::new("path", e.to_string()))?;
    if images.kind_of(path) == Some(FileKind::Other) {
        if is_called_otherwise(path) {
            let message =
                "it is not called .jpg, .jpeg or .png; if it is such a photo, name it in `files` of the source";
            return Err(Unusable::new("format", message));
        }
        return Err(not_read(&format!(".{}", ending(path).to_ascii_lowercase())));
    }
    Ok((PhotoInfo::of(&photo::bytes(&images.root, path)?)?, Address::file(uri)))
}

fn words(images: &ImagesReader, paths: &[String], photo: &str) -> Result<PhotoWords, Unusable> {
    let mut beside = SidecarFiles::default();
    for (ending, file) in [("json", &mut beside.json), ("txt", &mut beside.txt)] {
        // Its own, or that of all photos of its key; cameras and Windows write endings in capitals.
        let capitals = ending.to_ascii_uppercase();
        let named = [stem(photo), photo, key(photo)];
        let named = named
            .iter()
            .flat_map(|name| [ending, &capitals].map(|ending| format!("{name}.{ending}")))
            .collect::<Vec<_>>();
        let same = |path: &&String| paths.binary_search(path).is_ok();
        // Names may have come over different systems.
        let alike = || {
            let named = named.iter().find(|name| !name.is_ascii()).map(|name| composed(name))?;
            paths.iter().find(|path| !path.is_ascii() && composed(path) == named)
        };
        if let Some(path) = named.iter().find(same).or_else(alike) {
            let bytes = images.root.bytes(path, words::MAX_BYTES);
            *file = Some(bytes.map_err(|e| Unusable::new("unreadable", e.to_string()))?);
        }
    }
    PhotoWords::beside(&images.options, &beside)
}

//! Files that the report shows, photos upright. What cannot be read is a sentence, not an error: a page with a note on it is worth more
//! than no page.

use std::collections::BTreeMap;

use bytes::Bytes;
use spatialmill_geometry::Mask;

use crate::marked_image::{DrawnMark, SourceImage, draw};
use crate::photos;
use crate::source::photo::MAX_BYTES;

/// The bytes of a file, or why there are none.
pub async fn read(uri: &str) -> Result<Bytes, String> {
    photos::read(uri, MAX_BYTES).await.map_err(|e| e.to_string())
}

/// The bytes of a frame's image with marks on it, or why there are none.
pub async fn marked(frame: SourceImage, marks: Vec<DrawnMark>, masks: BTreeMap<String, Mask>) -> Result<Bytes, String> {
    let bytes = read(&frame.uri).await?;
    let drawn = tokio::task::spawn_blocking(move || {
        let mut shown = bytes.clone();
        let put = |drawn| {
            shown = drawn;
            Ok(())
        };
        draw(&frame, &bytes, &[marks], &masks, put).map_err(|e| e.to_string())?;
        Ok(shown)
    });
    drawn.await.unwrap_or_else(|died| Err(format!("drawing died: {died}")))
}

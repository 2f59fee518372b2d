//! Files that the report shows, photos upright. What cannot be read is a sentence, not an error: a page with a note on it is worth more
//! than no page.

use bytes::Bytes;

use crate::photos;
use crate::source::photo::MAX_BYTES;

/// The bytes of a file, or why there are none.
pub async fn read(uri: &str) -> Result<Bytes, String> {
    photos::read(uri, MAX_BYTES).await.map_err(|e| e.to_string())
}

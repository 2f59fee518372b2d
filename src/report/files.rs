//! Files that the report shows: bounded reads through whichever store a URL names. What cannot be read is a sentence, not an error:
//! a page with a note on it is worth more than no page.

use bytes::Bytes;
use object_store::ObjectStoreExt;

use crate::source::photo::MAX_BYTES;
use crate::warehouse::open_object;

/// The bytes of a file, or why there are none.
pub async fn read(uri: &str) -> Result<Bytes, String> {
    let (store, path) = open_object(uri).map_err(|e| e.to_string())?;
    let found = store.get(&path).await.map_err(|e| e.to_string())?;
    if found.meta.size > MAX_BYTES {
        return Err(format!("{} bytes, more than the {MAX_BYTES} allowed", found.meta.size));
    }
    found.bytes().await.map_err(|e| e.to_string())
}

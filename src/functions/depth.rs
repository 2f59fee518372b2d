//! Depth images from URLs: a frame's depth image in metres, turned upright; what cannot be read is a reason for quarantine.

use object_store::ObjectStoreExt;
use spatialmill_geometry::{DepthImage, Turn};

use crate::photos::Address;
use crate::source::depth::{DepthUnits, decode};
use crate::tables::Unusable;
use crate::warehouse::open_object;

/// Larger than any depth image that is meant: 64 megapixels of f32.
const MOST_BYTES: u64 = 256 << 20;

/// Fetches and decodes one depth image. A file that is missing, too large or no depth image is a reason to quarantine what needs it.
pub async fn read(uri: &str, units_per_metre: Option<f64>) -> Result<DepthImage, Unusable> {
    let lost = |message: String| Unusable::new("depth", format!("{message}, file `{uri}`"));
    let address = Address::parse(uri).map_err(|e| lost(e.to_string()))?;
    let turn = Turn::from_exif(address.orientation).unwrap_or_default();
    let units = address.disparity.map_or(DepthUnits::InMetre(units_per_metre), DepthUnits::Disparity);
    let (store, path) = open_object(&address.file).map_err(|e| lost(e.to_string()))?;
    let found = store.get(&path).await.map_err(|e| lost(format!("cannot read the depth image: {e}")))?;
    if found.meta.size > MOST_BYTES {
        return Err(lost(format!("the depth image has {} bytes, more than the {MOST_BYTES} allowed", found.meta.size)));
    }
    let bytes = found.bytes().await.map_err(|e| lost(format!("cannot read the depth image: {e}")))?;
    let decoded = tokio::task::spawn_blocking(move || decode(&bytes, units).map(|depth| turn.depth(depth))).await;
    match decoded {
        Ok(depth) => depth.map_err(|refused| lost(refused.message)),
        Err(died) => Err(lost(format!("decoding died: {died}"))),
    }
}

//! The memory budget of decoded images: URLs in, decoded RGB images out, whose bytes count against one bound until they are dropped.

use std::sync::Arc;

use spatialmill_drawing::decode_rgb;
use spatialmill_models::{Rgb, Slot};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::photos;
use crate::source::photo::{self, MAX_BYTES};
use crate::tables::Unusable;

/// A unit of the budget.
const KIB: u64 = 1 << 10;

/// The bytes that decoded images and their tensors may take together.
#[derive(Debug, Clone)]
pub struct ImageBudget {
    free: Arc<Semaphore>,
    all: u32,
    /// Files that are read, turned upright and measured, before it is known what they take decoded. Whoever holds a part of the budget never
    /// waits for this.
    reading: Arc<Semaphore>,
}

/// A decoded image, and its part of the budget until it is dropped.
#[derive(Debug)]
pub struct DecodedImage {
    pub rgb: Rgb,
    _held: OwnedSemaphorePermit,
    _slot: Option<Slot>,
}

impl DecodedImage {
    /// With leave to prepare it for a network.
    pub fn with(self, slot: Option<Slot>) -> Self {
        Self { _slot: slot, ..self }
    }
}

impl ImageBudget {
    /// At most so many bytes.
    pub fn within(bytes: u64) -> Self {
        let all = u32::try_from(bytes / KIB).unwrap_or(u32::MAX).max(1);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // More than cores, because a bucket answers late.
        let reading = Arc::new(Semaphore::new((2 * cores).max(8)));
        Self { free: Arc::new(Semaphore::new(all as usize)), all, reading }
    }

    /// The SHA-256 of an image's file, of which no row says it.
    pub async fn hash(&self, uri: &str) -> Result<String, Unusable> {
        let _reading = self.reading.acquire().await.map_err(|e| lost(uri, e.to_string()))?;
        let bytes = read(uri).await?;
        tokio::task::spawn_blocking(move || photo::sha256(&bytes)).await.map_err(|e| lost(uri, e.to_string()))
    }

    /// Reads and decodes an image. Waits while those in flight take the budget; one that is larger than all of it is alone.
    pub async fn read(&self, uri: &str) -> Result<DecodedImage, Unusable> {
        let lost = |message: String| lost(uri, message);
        let reading = self.reading.acquire().await.map_err(|e| lost(e.to_string()))?;
        let bytes = read(uri).await?;
        let (width, height) = photo::dimensions(&bytes).map_err(|e| lost(e.message))?;
        // Its pixels, the coefficients or planes while it is decoded, and a tensor.
        let needed = u64::from(width) * u64::from(height) * 12 / KIB + 1;
        let needed = u32::try_from(needed).unwrap_or(u32::MAX).min(self.all);
        let held = Arc::clone(&self.free).acquire_many_owned(needed).await.map_err(|e| lost(e.to_string()))?;
        drop(reading);
        let decoded = tokio::task::spawn_blocking(move || decode_rgb(&bytes)).await;
        let (width, height, pixels) =
            decoded.map_err(|e| lost(e.to_string()))?.map_err(|refused| lost(refused.to_string()))?;
        let rgb = Rgb::new(width, height, pixels).ok_or_else(|| lost("its pixels do not fill it".into()))?;
        Ok(DecodedImage { rgb, _held: held, _slot: None })
    }
}

async fn read(uri: &str) -> Result<bytes::Bytes, Unusable> {
    photos::read(uri, MAX_BYTES).await.map_err(|e| lost(uri, e.to_string()))
}

fn lost(uri: &str, message: String) -> Unusable {
    Unusable::new("image", format!("cannot look at the image: {message}, file `{uri}`"))
}

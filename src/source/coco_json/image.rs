//! An element of a COCO document's `images`.

use serde::Deserialize;

use crate::source::json::forms::{self, Number, Numbers, Perhaps};
use crate::source::json::id::Id;
use crate::source::photo::StatedSize;
use crate::tables::Unusable;

/// An element of `images`. Fields that nothing is made from (`date_captured`, `flickr_url`, ..) are passed over.
#[derive(Deserialize)]
#[serde(expecting = "an image: {\"id\": .., \"file_name\": ..}")]
pub struct ImageRecord {
    pub id: Id,
    #[serde(default)]
    pub file_name: Option<Perhaps<String>>,
    /// What Omni3D calls it.
    #[serde(default)]
    pub file_path: Option<Perhaps<String>>,
    /// All that LVIS says.
    #[serde(default)]
    pub coco_url: Option<Perhaps<String>>,
    #[serde(default)]
    width: Option<Number>,
    #[serde(default)]
    height: Option<Number>,
    #[serde(default)]
    pub license: Option<Perhaps<Id>>,
    /// Omni3D's: the intrinsics.
    #[serde(default, rename = "K")]
    pub intrinsics: Option<Numbers>,
    /// Nobody's but ours: the direction that points down, in camera axes.
    #[serde(default)]
    pub gravity: Option<Numbers>,
    /// LVIS's: categories of which something is marked, but perhaps not all.
    #[serde(default)]
    pub not_exhaustive_category_ids: Option<Vec<Id>>,
    /// LVIS's: categories that were looked for, and are not there.
    #[serde(default)]
    pub neg_category_ids: Option<Vec<Id>>,
}

impl ImageRecord {
    /// What its photo is called: `file_name`, else `file_path`, else the end of `coco_url`.
    pub fn name(&self) -> Option<String> {
        let named = [&self.file_name, &self.file_path].into_iter().find_map(Perhaps::given).map(String::as_str);
        let name = named.or_else(|| self.url().map(|(_, name)| name))?;
        // As tools on Windows write it; no name that is read has one.
        Some(name.replace('\\', "/"))
    }

    /// The last two parts of `coco_url`: `val2017` and `000000000139.jpg`.
    pub fn url(&self) -> Option<(&str, &str)> {
        let (before, name) = Perhaps::given(&self.coco_url)?.rsplit_once('/')?;
        Some((before.rsplit('/').next().unwrap_or_default(), name))
    }

    /// Width and height in pixels, as far as the record says. Code: `image`.
    pub fn sides(&self) -> Result<StatedSize, Unusable> {
        Ok(StatedSize { width: forms::side(self.width)?, height: forms::side(self.height)? })
    }

    /// Whether it says by category whether all objects are marked.
    pub fn is_federated(&self) -> bool {
        self.not_exhaustive_category_ids.is_some() || self.neg_category_ids.is_some()
    }
}

//! The records of Visual Genome's files, with the names that its versions use.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::source::json::forms::{self, Number, Perhaps};
use crate::source::json::id::Id;
use crate::source::photo::StatedSize;
use crate::tables::Unusable;

/// Which file a record is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenomeFile {
    Image = 0,
    Objects = 1,
}

impl GenomeFile {
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Objects => "objects",
        }
    }
}

/// An element of image_data.json.
#[derive(Debug, Deserialize)]
pub struct GenomeImage {
    pub image_id: Option<Id>,
    /// What older versions call it; regions have both.
    pub id: Option<Id>,
    width: Option<Number>,
    height: Option<Number>,
    url: Option<Perhaps<String>>,
}

impl GenomeImage {
    /// Width and height in pixels, as far as the record says. Code: `image`.
    pub fn sides(&self) -> Result<StatedSize, Unusable> {
        Ok(StatedSize { width: forms::side(self.width)?, height: forms::side(self.height)? })
    }

    /// The folder that its address on the web names.
    pub fn folder(&self) -> Option<&str> {
        Perhaps::given(&self.url)?.rsplit('/').nth(1)
    }
}

/// One of an image's objects.
#[derive(Debug, Deserialize)]
pub struct GenomeObject {
    pub object_id: Option<Id>,
    pub id: Option<Id>,
    pub x: Number,
    pub y: Number,
    pub w: Number,
    pub h: Number,
    names: Option<GenomeNames>,
    name: Option<Perhaps<String>>,
}

/// What is called one thing or another.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GenomeNames {
    Many(Vec<Perhaps<String>>),
    One(String),
    Other(IgnoredAny),
}

impl GenomeObject {
    /// What it is called: `names`, best first, then `name`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (many, one) = match &self.names {
            Some(GenomeNames::Many(names)) => (&names[..], None),
            Some(GenomeNames::One(name)) => (&[][..], Some(name.as_str())),
            Some(GenomeNames::Other(_)) | None => (&[][..], None),
        };
        let many = many.iter().filter_map(Perhaps::value).map(String::as_str);
        many.chain(one).chain(Perhaps::given(&self.name).map(String::as_str))
    }
}

#[derive(Deserialize)]
struct ImageKey {
    image_id: Option<Id>,
    id: Option<Id>,
    objects: Option<IgnoredAny>,
}

/// What else an element of objects.json has beside its `objects`.
pub const BESIDE_OBJECTS: [&str; 4] = ["image_id", "id", "image_url", "url"];

/// The image that a record of either file is of.
pub fn image_id(json: &[u8]) -> Option<Id> {
    named(json).ok().or_else(|| Id::salvaged(json, "image_id"))
}

/// The image that a whole record of either file is of.
pub fn named(json: &[u8]) -> Result<Id, Unusable> {
    let key: ImageKey = forms::record(json)?;
    key.image_id.or(key.id).ok_or_else(|| Unusable::new("json", "the image has neither `image_id` nor `id`"))
}

/// Whether a whole record has `objects`.
pub fn has_objects(json: &[u8]) -> bool {
    forms::record::<ImageKey>(json).is_ok_and(|key| key.objects.is_some())
}

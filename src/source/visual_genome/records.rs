//! The records of Visual Genome's files, with the names that its versions use.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::source::coco::id::Id;
use crate::source::json_forms::{self, Number, Perhaps};
use crate::source::photo::Sides;
use crate::tables::Unusable;

/// Which file a record is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image = 0,
    Objects = 1,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Objects => "objects",
        }
    }
}

/// An element of image_data.json.
#[derive(Debug, Deserialize)]
pub struct ImageRecord {
    pub image_id: Option<Id>,
    /// What older versions call it; regions have both.
    pub id: Option<Id>,
    width: Option<Number>,
    height: Option<Number>,
    url: Option<Perhaps<String>>,
}

impl ImageRecord {
    /// Width and height in pixels, as far as the record says. Code: `image`.
    pub fn sides(&self) -> Result<Sides, Unusable> {
        Ok(Sides { width: json_forms::side(self.width)?, height: json_forms::side(self.height)? })
    }

    /// The folder that its address on the web names.
    pub fn folder(&self) -> Option<&str> {
        Perhaps::given(&self.url)?.rsplit('/').nth(1)
    }
}

/// One of an image's objects.
#[derive(Debug, Deserialize)]
pub struct ObjectRecord {
    pub object_id: Option<Id>,
    pub id: Option<Id>,
    pub x: Number,
    pub y: Number,
    pub w: Number,
    pub h: Number,
    names: Option<Names>,
    name: Option<Perhaps<String>>,
}

/// What is called one thing or another.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    Many(Vec<Perhaps<String>>),
    One(String),
    Other(IgnoredAny),
}

impl ObjectRecord {
    /// What it is called: `names`, best first, then `name`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (many, one) = match &self.names {
            Some(Names::Many(names)) => (&names[..], None),
            Some(Names::One(name)) => (&[][..], Some(name.as_str())),
            Some(Names::Other(_)) | None => (&[][..], None),
        };
        let many = many.iter().filter_map(Perhaps::value).map(String::as_str);
        many.chain(one).chain(Perhaps::given(&self.name).map(String::as_str))
    }
}

#[derive(Deserialize)]
struct Key {
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
    let key: Key = json_forms::record(json)?;
    key.image_id.or(key.id).ok_or_else(|| Unusable::new("json", "the image has neither `image_id` nor `id`"))
}

/// Whether a whole record has `objects`.
pub fn has_objects(json: &[u8]) -> bool {
    json_forms::record::<Key>(json).is_ok_and(|key| key.objects.is_some())
}

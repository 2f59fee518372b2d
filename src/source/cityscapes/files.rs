//! Which file is what: Cityscapes' files by split, city and image.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::source::file_entry::FilesDigest;
use crate::source::photo;
use crate::source::root::Root;

/// The files of a root.
pub struct Listing {
    /// By `<split>/<city>`, then by image.
    pub shards: BTreeMap<String, BTreeMap<String, ImageFiles>>,
    /// Of the files of each shard.
    pub digests: BTreeMap<String, FilesDigest>,
}

/// What there is about an image: paths below the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFiles {
    pub photo: Option<String>,
    pub boxes: Option<String>,
    pub camera: Option<String>,
    pub disparity: Option<String>,
    fine: Annotation,
    coarse: Annotation,
}

/// One annotation of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Annotation {
    instances: Option<String>,
    polygons: Option<String>,
}

impl Listing {
    /// Cities without any image are left out.
    pub fn of(root: &Root) -> Result<Self> {
        let mut shards = BTreeMap::<String, BTreeMap<String, ImageFiles>>::new();
        let mut digests = root.digests("", |entry| {
            let (shard, image, place) = place(&entry.path)?;
            if entry.refused.is_none() {
                let files = shards.entry(shard.clone()).or_default().entry(image).or_default();
                let slot = place(files);
                // Of two, the first by its path: listings come in any order.
                if slot.as_ref().is_none_or(|there| entry.path < *there) {
                    *slot = Some(entry.path.clone());
                }
            }
            Some(shard)
        })?;
        shards.retain(|_, images| images.values().any(|files| files.photo.is_some()));
        digests.retain(|shard, _| shards.contains_key(shard));
        Ok(Self { shards, digests })
    }
}

type Slot = fn(&mut ImageFiles) -> &mut Option<String>;

/// What a file's name may end with behind its image's, and what it is then.
const ENDINGS: &[(&str, Slot)] = &[
    ("_gtFine_instanceIds.png", |files| &mut files.fine.instances),
    ("_gtFine_polygons.json", |files| &mut files.fine.polygons),
    ("_gtCoarse_instanceIds.png", |files| &mut files.coarse.instances),
    ("_gtCoarse_polygons.json", |files| &mut files.coarse.polygons),
    ("_gtBbox3d.json", |files| &mut files.boxes),
    ("_camera.json", |files| &mut files.camera),
    ("_disparity.png", |files| &mut files.disparity),
];

/// Shard, image and what of it a file is; none for what is passed over.
fn place(path: &str) -> Option<(String, String, Slot)> {
    let mut parts = path.rsplit('/');
    let (file, city, split, package) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let image_and_slot = match file.rsplit_once("_leftImg8bit.") {
        // Not leftImg8bit_blurred, whose files are called so, too.
        Some((image, _)) if package == "leftImg8bit" && photo::has_ending(file) => {
            Some((image, (|files: &mut ImageFiles| &mut files.photo) as Slot))
        }
        _ => ENDINGS.iter().find_map(|(ending, slot)| Some((file.strip_suffix(ending)?, *slot))),
    };
    let (image, slot) = image_and_slot.filter(|(image, _)| !image.is_empty() && !image.starts_with('.'))?;
    Some((format!("{split}/{city}"), image.to_owned(), slot))
}

impl ImageFiles {
    fn annotation(&self) -> &Annotation {
        if self.is_fine() { &self.fine } else { &self.coarse }
    }

    /// Whether what is marked was marked finely.
    pub fn is_fine(&self) -> bool {
        self.fine != Annotation::default()
    }

    pub fn instances(&self) -> Option<&str> {
        self.annotation().instances.as_deref()
    }

    pub fn polygons(&self) -> Option<&str> {
        self.annotation().polygons.as_deref()
    }

    /// The file that says what is in the image.
    pub fn things(&self) -> Option<&str> {
        self.instances().or(self.polygons())
    }

    /// A file about an image that is not there.
    pub fn any(&self) -> Option<&str> {
        let others = [&self.boxes, &self.camera, &self.disparity];
        self.things().or_else(|| others.into_iter().find_map(|file| file.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_file_is() {
        let of = |path: &str| {
            let (shard, image, slot) = place(path)?;
            let mut files = ImageFiles::default();
            *slot(&mut files) = Some("it".to_owned());
            let what = [
                ("photo", files.photo.is_some()),
                ("boxes", files.boxes.is_some()),
                ("fine", files.is_fine()),
                ("coarse", files.coarse != Annotation::default()),
            ];
            let what = what.into_iter().find(|(_, is)| *is).map_or("other", |(what, _)| what);
            Some(format!("{shard} {image} {what}"))
        };
        let image = "aachen_000000_000019";
        for (path, expected) in [
            (format!("leftImg8bit/train/aachen/{image}_leftImg8bit.png"), Some(format!("train/aachen {image} photo"))),
            (format!("a/leftImg8bit/val/x/{image}_leftImg8bit.JPG"), Some(format!("val/x {image} photo"))),
            (format!("gtFine/train/aachen/{image}_gtFine_polygons.json"), Some(format!("train/aachen {image} fine"))),
            (
                format!("b/gtCoarse/train_extra/x/{image}_gtCoarse_instanceIds.png"),
                Some(format!("train_extra/x {image} coarse")),
            ),
            (format!("gtBbox3d/train/aachen/{image}_gtBbox3d.json"), Some(format!("train/aachen {image} boxes"))),
            (format!("leftImg8bit_blurred/train/aachen/{image}_leftImg8bit_blurred.png"), None),
            (format!("gtFine/train/aachen/{image}_gtFine_color.png"), None),
            (format!("gtFine/train/aachen/{image}_gtFine_labelIds.png"), None),
            ("leftImg8bit/train/aachen/_leftImg8bit.png".to_owned(), None),
            (format!("{image}_camera.json"), None),
        ] {
            assert_eq!(of(&path), expected, "{path}");
        }
    }
}

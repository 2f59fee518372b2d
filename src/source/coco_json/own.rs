//! Whether a document is COCO's own, whose promise is that every object of its 80 categories is marked.
//!
//! It is told by the content, because anybody's file may be called instances_val2017.json: the `info` of COCO's consortium, exactly its
//! categories under its ids, and photos under its names. A part of COCO is as good as the whole as long as it is a part by images. A
//! part by objects (half of them, ten of each category, ..) has too few of them for its images.

use serde::Deserialize;

use crate::source::json::forms;
use crate::source::json::id::Id;

/// What is known so far of a document.
#[derive(Debug, Clone, Default)]
pub struct Signs {
    /// None while it was not met.
    info: Option<bool>,
    /// How many of COCO's categories were met, and whether something else was.
    categories: usize,
    foreign: Option<&'static str>,
    images: u64,
    objects: u64,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    description: String,
    #[serde(default)]
    contributor: String,
}

const NOT_ITS_INFO: &str = "its `info` is not that of COCO";

/// Objects of an image of COCO: their mean, and how far images are from it, as a standard deviation (train2017 and val2017: 7.3 and 7.4).
const OBJECTS: f64 = 7.3;
const SPREAD: f64 = 7.4;

/// As many standard deviations below the mean come about once in a thousand random parts.
const DEVIATIONS: f64 = 3.0;

impl Signs {
    /// The top-level `info`.
    pub fn info(&mut self, json: &[u8]) {
        let own = |Info { description, contributor }: Info| {
            // The files of 2014 came out twice.
            ["COCO Consortium", "Microsoft COCO group"].contains(&contributor.as_str()) && description.contains("COCO")
        };
        self.info = Some(forms::record(json).is_ok_and(own));
    }

    /// An element of `categories`, under its name as it stands there.
    pub fn category(&mut self, id: &Id, name: &str) {
        let own = id.0.parse().ok().and_then(|id: usize| CATEGORIES.iter().find(|(own, _)| *own == id));
        match own {
            Some((_, own)) if *own == name => self.categories += 1,
            _ => drop(self.foreign.get_or_insert("its categories are not COCO's 80")),
        }
    }

    /// An element of `images`.
    pub fn image(&mut self, name: &str) {
        self.images += 1;
        let number = name.strip_prefix("COCO_train2014_").or(name.strip_prefix("COCO_val2014_")).unwrap_or(name);
        let number = number.strip_suffix(".jpg").unwrap_or_default();
        if number.len() != 12 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            self.foreign.get_or_insert("its photos have other names than COCO's");
        }
    }

    /// An element of `annotations`.
    pub fn object(&mut self) {
        self.objects += 1;
    }

    /// What tells even from the beginning of a document that it is not COCO's.
    pub fn denied_by_part(&self) -> Option<&'static str> {
        self.foreign.or((self.info == Some(false)).then_some(NOT_ITS_INFO))
    }

    /// What tells from the whole document that it is not COCO's.
    pub fn denied(&self) -> Option<&'static str> {
        let images = self.images as f64;
        let few = (self.objects as f64) < OBJECTS * images - DEVIATIONS * SPREAD * images.sqrt();
        self.denied_by_part()
            .or(self.info.is_none().then_some(NOT_ITS_INFO))
            .or((self.categories != CATEGORIES.len()).then_some("its categories are not COCO's 80"))
            .or(few.then_some("its images have fewer objects than COCO's"))
    }
}

/// COCO's categories.
const CATEGORIES: [(usize, &str); 80] = [
    (1, "person"),
    (2, "bicycle"),
    (3, "car"),
    (4, "motorcycle"),
    (5, "airplane"),
    (6, "bus"),
    (7, "train"),
    (8, "truck"),
    (9, "boat"),
    (10, "traffic light"),
    (11, "fire hydrant"),
    (13, "stop sign"),
    (14, "parking meter"),
    (15, "bench"),
    (16, "bird"),
    (17, "cat"),
    (18, "dog"),
    (19, "horse"),
    (20, "sheep"),
    (21, "cow"),
    (22, "elephant"),
    (23, "bear"),
    (24, "zebra"),
    (25, "giraffe"),
    (27, "backpack"),
    (28, "umbrella"),
    (31, "handbag"),
    (32, "tie"),
    (33, "suitcase"),
    (34, "frisbee"),
    (35, "skis"),
    (36, "snowboard"),
    (37, "sports ball"),
    (38, "kite"),
    (39, "baseball bat"),
    (40, "baseball glove"),
    (41, "skateboard"),
    (42, "surfboard"),
    (43, "tennis racket"),
    (44, "bottle"),
    (46, "wine glass"),
    (47, "cup"),
    (48, "fork"),
    (49, "knife"),
    (50, "spoon"),
    (51, "bowl"),
    (52, "banana"),
    (53, "apple"),
    (54, "sandwich"),
    (55, "orange"),
    (56, "broccoli"),
    (57, "carrot"),
    (58, "hot dog"),
    (59, "pizza"),
    (60, "donut"),
    (61, "cake"),
    (62, "chair"),
    (63, "couch"),
    (64, "potted plant"),
    (65, "bed"),
    (67, "dining table"),
    (70, "toilet"),
    (72, "tv"),
    (73, "laptop"),
    (74, "mouse"),
    (75, "remote"),
    (76, "keyboard"),
    (77, "cell phone"),
    (78, "microwave"),
    (79, "oven"),
    (80, "toaster"),
    (81, "sink"),
    (82, "refrigerator"),
    (84, "book"),
    (85, "clock"),
    (86, "vase"),
    (87, "scissors"),
    (88, "teddy bear"),
    (89, "hair drier"),
    (90, "toothbrush"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A document of 100 images with some objects each, after `change`.
    fn check(objects: u64, change: impl FnOnce(&mut Signs), expected: Option<&str>) {
        let mut signs = Signs::default();
        signs.info(br#"{"description": "COCO 2017 Dataset", "contributor": "COCO Consortium", "year": NaN}"#);
        CATEGORIES.iter().for_each(|(id, name)| signs.category(&Id(id.to_string()), name));
        (0..100).for_each(|number| signs.image(&format!("{number:012}.jpg")));
        (0..100 * objects).for_each(|_| signs.object());
        change(&mut signs);
        assert_eq!(signs.denied(), expected);
    }

    #[test]
    fn a_beginning_denies_what_it_shows() {
        let mut signs = Signs::default();
        assert_eq!((signs.denied_by_part(), signs.denied()), (None, Some(NOT_ITS_INFO)));
        signs.info(b"{}");
        assert_eq!(signs.denied_by_part(), Some(NOT_ITS_INFO));
    }

    #[test]
    fn coco_is_told_by_what_it_says() {
        check(7, |_| {}, None);
        check(7, |signs| signs.image("COCO_val2014_000000000042.jpg"), None);
        check(4, |_| {}, Some("its images have fewer objects than COCO's"));
        for name in ["1.jpg", "000000000042.png", "COCO_test2014_000000000042.jpg", "a/000000000042.jpg"] {
            check(7, |signs| signs.image(name), Some("its photos have other names than COCO's"));
        }
        for (id, name) in [("91", "lamp"), ("1", "human"), ("x", "person")] {
            check(7, |signs| signs.category(&Id(id.to_owned()), name), Some("its categories are not COCO's 80"));
        }
        check(7, |signs| signs.categories -= 1, Some("its categories are not COCO's 80"));
        for info in [
            "{}",
            "[]",
            r#"{"description": "COCO 2017 Dataset", "contributor": "me"}"#,
            r#"{"contributor": "COCO Consortium"}"#,
        ] {
            check(7, |signs| signs.info(info.as_bytes()), Some(NOT_ITS_INFO));
        }
    }
}

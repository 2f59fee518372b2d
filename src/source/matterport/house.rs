//! A `.house` file: levels, regions with the outlines of their floors, panoramas, photos with their cameras, and objects as oriented boxes.
//!
//! A line is a record, told by its first letter; the number of its fields is fixed. In goes the file, out come the records that can be
//! used, and why the others cannot. A file whose header promises more records than there are is told to be incomplete.

use std::collections::{BTreeMap, HashMap};

use spatialmill_geometry::{OrientedBox, Vector3, polygon};

use crate::source::category;
use crate::tables::Unusable;
use crate::text;

/// What a file says.
#[derive(Debug, Default)]
pub struct House {
    pub levels: usize,
    pub regions: BTreeMap<i64, Region>,
    /// The region of each panorama that is in one.
    pub panoramas: HashMap<String, i64>,
    /// Photos by their names, without an ending: `<panorama>_i<camera>_<yaw>`.
    pub photos: HashMap<String, HousePhoto>,
    pub objects: Vec<HouseObject>,
    /// Records that cannot be used, by letter and line.
    pub lost: Vec<(String, Unusable)>,
    /// Records without a name, such as objects that annotators left open.
    pub unnamed: Vec<(String, Unusable)>,
}

/// A room, or a part of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Region {
    /// The letter of its kind.
    pub kind: String,
    pub low: Vector3<f64>,
    pub high: Vector3<f64>,
    /// Outlines on the ground plan.
    pub floors: Vec<Vec<[f64; 2]>>,
    pub floor_z: Option<f64>,
}

impl Region {
    /// Square metres, where its floor has an outline.
    pub fn area(&self) -> Option<f64> {
        let area: f64 = self.floors.iter().map(|floor| polygon::area(floor)).sum();
        (area > 0.0).then_some(area)
    }

    /// What kind of room it is; none where the letter says nothing.
    pub fn category(&self) -> Option<&'static str> {
        REGION_KINDS.iter().find(|(letter, ..)| *letter == self.kind).map(|(_, name, _)| *name)
    }

    /// True where walls are around it. What lies outdoors ends where its scan does.
    pub fn is_indoors(&self) -> bool {
        let place = REGION_KINDS.iter().find(|(letter, ..)| *letter == self.kind).map(|(.., place)| *place);
        place != Some(Place::Outdoors) && self.kind != "Z" && self.kind != "-"
    }
}

/// Where a kind of region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Indoors,
    Outdoors,
}

/// The letters of `R` records. Not here: z (other), Z (junk) and - (none).
const REGION_KINDS: &[(&str, &str, Place)] = &[
    ("a", "bathroom", Place::Indoors),
    ("b", "bedroom", Place::Indoors),
    ("c", "closet", Place::Indoors),
    ("d", "dining room", Place::Indoors),
    ("e", "entryway", Place::Indoors),
    ("f", "family room", Place::Indoors),
    ("g", "garage", Place::Indoors),
    ("h", "hallway", Place::Indoors),
    ("i", "library", Place::Indoors),
    ("j", "laundry room", Place::Indoors),
    ("k", "kitchen", Place::Indoors),
    ("l", "living room", Place::Indoors),
    ("m", "meeting room", Place::Indoors),
    ("n", "lounge", Place::Indoors),
    ("o", "office", Place::Indoors),
    ("p", "porch", Place::Outdoors),
    ("r", "recreation room", Place::Indoors),
    ("s", "stairs", Place::Indoors),
    ("t", "toilet room", Place::Indoors),
    ("u", "utility room", Place::Indoors),
    ("v", "tv room", Place::Indoors),
    ("w", "gym", Place::Indoors),
    ("x", "outdoor area", Place::Outdoors),
    ("y", "balcony", Place::Outdoors),
    ("B", "bar", Place::Indoors),
    ("C", "classroom", Place::Indoors),
    ("D", "dining booth", Place::Indoors),
    ("S", "spa", Place::Indoors),
];

/// The camera of a photo, as it stands in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct HousePhoto {
    /// World to camera, row by row; camera axes as OpenGL (x right, y up, z backward).
    pub extrinsics: [f64; 16],
    /// 3 x 3, row by row; counted from the lower left corner.
    pub intrinsics: [f64; 9],
    /// Pixels.
    pub size: (f64, f64),
}

/// Something with a box.
#[derive(Debug, Clone, PartialEq)]
pub struct HouseObject {
    pub index: i64,
    /// None where it is in none.
    pub region: Option<i64>,
    /// As annotators named it, in the warehouse's spelling.
    pub category: String,
    /// What Matterport's 40 categories call it.
    pub mpcat40: String,
    pub obb: OrientedBox,
}

/// A `C` record.
struct Category {
    name: Option<String>,
    mpcat40: String,
}

impl House {
    /// Reads a file. Code: `house`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        let text = text::decode(bytes).map_err(refused)?;
        let mut lines = text.lines();
        if !lines.next().is_some_and(|first| first.trim_start().starts_with("ASCII")) {
            return Err(refused("its first line is not `ASCII 1.1`, as of a .house file".to_owned()));
        }
        let mut records = Records::default();
        for (number, line) in (2..).zip(lines) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let Some((letter, fields)) = fields.split_first() else { continue };
            if let Err(why) = records.add(letter, &Fields(fields)) {
                let start: String = line.chars().take(60).collect();
                let message = format!("line {number}, `{}`: {why}", start.escape_debug());
                records.house.lost.push((format!("line {number}"), refused(message)));
            }
        }
        Ok(records.finish())
    }
}

fn refused(message: String) -> Unusable {
    Unusable::new("house", message)
}

/// Records on their way into a house: they refer to each other by index, in any order.
#[derive(Default)]
struct Records {
    house: House,
    /// How many of each letter there are, usable or not.
    counted: BTreeMap<&'static str, usize>,
    /// How many of each letter the header promises.
    promised: Vec<(&'static str, usize)>,
    categories: HashMap<i64, Category>,
    /// Objects with the indices of their categories.
    objects: Vec<(HouseObject, i64)>,
    /// The region of each floor, by the surface's index.
    floors: BTreeMap<i64, (i64, f64)>,
    corners: Vec<(i64, [f64; 2])>,
}

/// The letters, with how many fields stand behind each and where the header counts them. Names of a category may be empty, so that they are
/// counted apart.
const LETTERS: &[(&str, usize, Option<usize>)] = &[
    ("L", 17, None),
    ("R", 19, Some(9)),
    ("S", 21, Some(5)),
    ("V", 12, Some(4)),
    ("P", 12, Some(3)),
    ("I", 40, Some(2)),
    ("C", 0, Some(8)),
    ("O", 23, Some(7)),
];

impl Records {
    fn add(&mut self, letter: &str, fields: &Fields<'_>) -> Result<(), String> {
        if letter == "H" {
            let promised = |at: Option<usize>| at.map(|at| fields.index(at)).transpose();
            for (letter, _, at) in LETTERS {
                if let Some(count) = promised(*at)? {
                    self.promised.push((letter, usize::try_from(count).map_err(|_| format!("{count} records"))?));
                }
            }
            return Ok(());
        }
        // Segments of objects, portals and what later versions add are not needed.
        let Some((letter, count, _)) = LETTERS.iter().find(|(known, ..)| *known == letter) else { return Ok(()) };
        *self.counted.entry(letter).or_default() += 1;
        if *count > 0 && fields.0.len() != *count {
            return Err(format!("{} fields; a record of this kind has {count}", fields.0.len()));
        }
        match *letter {
            "L" => self.house.levels += 1,
            "R" => {
                let region = Region {
                    kind: fields.0[4].to_owned(),
                    low: fields.vector(8)?,
                    high: fields.vector(11)?,
                    ..Region::default()
                };
                let index = fields.index(0)?;
                if self.house.regions.insert(index, region).is_some() {
                    return Err(format!("there are two regions {index}"));
                }
            }
            "S" => {
                let (index, region, floor) = (fields.index(0)?, fields.index(1)?, fields.vector(4)?);
                if fields.0[3] == "F" && self.floors.insert(index, (region, floor.z)).is_some() {
                    return Err(format!("there are two surfaces {index}"));
                }
            }
            "V" => {
                let corner = fields.vector(3)?;
                self.corners.push((fields.index(1)?, [corner.x, corner.y]));
            }
            "P" => {
                let region = fields.index(2)?;
                if region >= 0 {
                    self.house.panoramas.insert(fields.0[0].to_owned(), region);
                }
            }
            "I" => {
                let (camera, yaw) = (fields.index(3)?, fields.index(4)?);
                let name = format!("{}_i{camera}_{yaw}", fields.0[2]);
                let size = (fields.number(30)?, fields.number(31)?);
                let photo = HousePhoto { extrinsics: fields.numbers(5)?, intrinsics: fields.numbers(21)?, size };
                self.house.photos.insert(name, photo);
            }
            "C" => {
                // Index, index of the mapping, its name, index and name of the 40; then zeros. A name may be empty.
                let named = fields.0.get(2).is_some_and(|name| name.parse::<i64>().is_err());
                let name = if named { category_name(fields.0[2]) } else { None };
                let mpcat40 = fields.0.get(if named { 4 } else { 3 }).copied().unwrap_or_default();
                if self.categories.insert(fields.index(0)?, Category { name, mpcat40: words(mpcat40) }).is_some() {
                    return Err(format!("there are two categories {}", fields.0[0]));
                }
            }
            _ => {
                let axes = [fields.vector(6)?, fields.vector(9)?];
                // The file has half of each side.
                let lengths = fields.vector(12)? * 2.0;
                let obb = OrientedBox {
                    centre: fields.vector(3)?,
                    axes: [axes[0], axes[1], axes[0].cross(&axes[1])],
                    lengths,
                };
                let obb = obb.checked().map_err(|e| e.to_string())?;
                let region = Some(fields.index(1)?).filter(|region| *region >= 0);
                let object = HouseObject {
                    index: fields.index(0)?,
                    region,
                    category: String::new(),
                    mpcat40: String::new(),
                    obb,
                };
                self.objects.push((object, fields.index(2)?));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> House {
        for (letter, promised) in &self.promised {
            let found = self.counted.get(letter).copied().unwrap_or_default();
            if found != *promised {
                let message = format!("the header promises {promised} records {letter}, and there are {found}");
                self.house.lost.push((format!("header {letter}"), refused(message)));
            }
        }
        if self.promised.is_empty() {
            let message = "there is no header (H) that says how many records there are";
            self.house.lost.push(("header".to_owned(), refused(message.to_owned())));
        }
        self.outline_floors();
        self.name_objects();
        let regions = &self.house.regions;
        let strayed = |region: &i64| !regions.contains_key(region);
        let mut lost: Vec<(String, Unusable)> = Vec::new();
        for (name, region) in self.house.panoramas.iter().filter(|(_, region)| strayed(region)) {
            lost.push((name.clone(), refused(format!("the panorama is in region {region}, which is not there"))));
        }
        for object in self.house.objects.iter_mut() {
            if let Some(region) = object.region.filter(|region| strayed(region)) {
                object.region = None;
                let message = format!("object {} is in region {region}, which is not there", object.index);
                lost.push((format!("object {}", object.index), refused(message)));
            }
        }
        lost.sort_by(|a, b| a.0.cmp(&b.0));
        self.house.panoramas.retain(|_, region| regions.contains_key(region));
        self.house.lost.extend(lost);
        self.house
    }

    /// Gives regions the outlines of their floors.
    fn outline_floors(&mut self) {
        let mut outlines: BTreeMap<i64, Vec<[f64; 2]>> = BTreeMap::new();
        for (surface, corner) in &self.corners {
            if self.floors.contains_key(surface) {
                outlines.entry(*surface).or_default().push(*corner);
            }
        }
        for (surface, (region, height)) in &self.floors {
            let Some(region) = self.house.regions.get_mut(region) else {
                let message = format!("surface {surface} is the floor of region {region}, which is not there");
                self.house.lost.push((format!("surface {surface}"), refused(message)));
                continue;
            };
            region.floor_z = Some(region.floor_z.map_or(*height, |known| known.min(*height)));
            region.floors.push(outlines.remove(surface).unwrap_or_default());
        }
    }

    fn name_objects(&mut self) {
        let mut seen = std::collections::HashSet::new();
        for (mut object, category) in std::mem::take(&mut self.objects) {
            let key = format!("object {}", object.index);
            if !seen.insert(object.index) {
                let message = format!("there are two objects {}; the first one is used", object.index);
                self.house.lost.push((key, Unusable::new("duplicate", message)));
                continue;
            }
            match (category, self.categories.get(&category)) {
                (..0, _) => {
                    let message = format!("object {} has no category; annotators left it open", object.index);
                    self.house.unnamed.push((key, Unusable::new("category", message)));
                }
                (_, Some(Category { name: None, .. })) => {
                    let message = format!("the category of object {} has no name", object.index);
                    self.house.unnamed.push((key, Unusable::new("category", message)));
                }
                (_, Some(Category { name: Some(name), mpcat40 })) => {
                    object.category.clone_from(name);
                    object.mpcat40.clone_from(mpcat40);
                    self.house.objects.push(object);
                }
                (_, None) => {
                    let message = format!("object {} is of category {category}, which is not there", object.index);
                    self.house.lost.push((key, Unusable::new("category", message)));
                }
            }
        }
    }
}

/// `shower#curtain` is two words, and `sofa/couch` two names for one thing, of which the first one is taken.
fn category_name(text: &str) -> Option<String> {
    words(text).split(['/', '\\']).find_map(category::spelled).filter(|name| name != "-")
}

fn words(text: &str) -> String {
    text.replace('#', " ")
}

/// What stands behind a letter.
struct Fields<'a>(&'a [&'a str]);

impl Fields<'_> {
    fn number(&self, at: usize) -> Result<f64, String> {
        let text = self.0.get(at).copied().unwrap_or_default();
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| format!("field {} is `{}`, not a number", at + 1, text.escape_debug()))
    }

    fn index(&self, at: usize) -> Result<i64, String> {
        let text = self.0.get(at).copied().unwrap_or_default();
        text.parse().map_err(|_| format!("field {} is `{}`, not a whole number", at + 1, text.escape_debug()))
    }

    fn numbers<const N: usize>(&self, from: usize) -> Result<[f64; N], String> {
        let mut numbers = [0.0; N];
        for (k, number) in numbers.iter_mut().enumerate() {
            *number = self.number(from + k)?;
        }
        Ok(numbers)
    }

    fn vector(&self, from: usize) -> Result<Vector3<f64>, String> {
        self.numbers::<3>(from).map(Vector3::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A house of one L-shaped kitchen of 3 m² with a sink and three boxes without a name.
    const HOUSE: &str = "ASCII 1.1\n\
        H - - 0 1 6 1 0 4 2 1 0 1 0 0 0 0 0 0 0 0 2 2 3 0 0 0 0 0\n\
        L 0 1 - 0 0 0 0 0 0 2 2 3 0 0 0 0 0\n\
        R 0 0 0 0 k 1 1 0 0 0 0 2 2 3 3 0 0 0 0\n\
        S 0 0 0 F 1 1 0.25 0 0 1 0 0 0 2 2 0 0 0 0 0 0\n\
        V 0 0 F 0 0 0 0 0 1 0 0 0\nV 1 0 F 2 0 0 0 0 1 0 0 0\nV 2 0 F 2 1 0 0 0 1 0 0 0\n\
        V 3 0 F 1 1 0 0 0 1 0 0 0\nV 4 0 F 1 2 0 0 0 1 0 0 0\nV 5 0 F 0 2 0 0 0 1 0 0 0\n\
        P p1 0 0 0 1 0.5 1.5 0 0 0 0 0\n\
        C 0 1 kitchen#sink/basin 15 sink 0 0 0 0 0\nC 1 2 3 chest#of#drawers 0 0 0 0 0\n\
        O 0 0 0 0.5 1 0.5 0 0 1 1 0 0 0.5 0.25 0.125 0 0 0 0 0 0 0 0\n\
        O 1 -1 -1 0 0 0 0 0 1 1 0 0 1 1 1 0 0 0 0 0 0 0 0\n\
        O 2 0 1 0 0 0 0 0 1 1 0 0 1 1 1 0 0 0 0 0 0 0 0\n\
        O 3 7 0 0 0 0 0 0 1 1 0 0 1 1 1 0 0 0 0 0 0 0 0\n\
        E 0 0 12 0.5 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn records_refer_to_each_other() {
        let house = House::parse(HOUSE.as_bytes()).unwrap();
        let kitchen = &house.regions[&0];
        assert_eq!((kitchen.category(), kitchen.area(), kitchen.floor_z), (Some("kitchen"), Some(3.0), Some(0.25)));
        assert_eq!(house.panoramas["p1"], 0);
        let sink = &house.objects[0];
        assert_eq!((sink.category.as_str(), sink.mpcat40.as_str(), sink.region), ("kitchen sink", "sink", Some(0)));
        assert_eq!(sink.obb.lengths.as_slice(), [1.0, 0.5, 0.25], "the file has half of each side");
        assert_eq!(sink.obb.axes[2], Vector3::y(), "the third axis is the product of the others");
        assert_eq!(house.unnamed.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["object 1", "object 2"]);
        assert_eq!(house.lost.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["object 3"], "no region 7");
    }

    #[test]
    fn what_is_missing_is_told() {
        let lost = |text: String| {
            let house = House::parse(text.as_bytes()).unwrap();
            house.lost.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(lost(HOUSE.replace("V 5 0 F 0 2 0 0 0 1 0 0 0\n", "")), ["header V", "object 3"]);
        assert_eq!(lost(HOUSE.replace("F 0 2 0 0 0 1 0 0 0\n", "F 0 2 0 0 0 1 0\n")), ["line 11", "object 3"]);
        assert_eq!(lost(HOUSE.replace("0.5 0.25 0.125", "0.5 nan 0.125")), ["line 15", "object 3"]);
        assert!(House::parse(b"").is_err() && House::parse(b"ply\n").is_err());
        let other = HOUSE.replace("ASCII 1.1", "ASCII 1.").replace('\n', "\r\n");
        assert_eq!(lost(other), ["object 3"]);
    }
}

//! A scene of VSI-Bench's meta information: in goes its JSON, out come its boxes, its room size and what is wrong with either.
//!
//! A box that cannot be used costs itself. Where boxes are missing, by a fault or because fewer are listed than counted, the scene is no longer
//! exhaustive, and a single box that is left of a category is not used: "the chair" would mean one of several.

use std::collections::HashMap;

use serde::Deserialize;
use spatialmill_geometry::{OrientedBox, Vector3};

use crate::source::category;
use crate::source::json::forms::{Entries, Number, Numbers, Perhaps};
use crate::tables::{Loss, SceneObject, Unusable};

/// A bound that is further than this from the box's own is of another box, metres.
const BOUNDS_TOLERANCE: f64 = 0.01;

/// A room of more square metres is none.
const MAX_ROOM: f64 = 100_000.0;

/// A scene as it is written; what is of another type than it should be costs itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SceneRecord {
    dataset: Option<Perhaps<String>>,
    room_size: Option<Perhaps<Number>>,
    room_center: Option<Perhaps<Numbers>>,
    object_counts: Option<Perhaps<Entries<Perhaps<Number>>>>,
    object_bbox: Option<Perhaps<Entries<Perhaps<Vec<Perhaps<BoxRecord>>>>>>,
}

/// A box as it is written. Lengths are full; the nine numbers of the axes are three unit vectors, one after the other.
#[derive(Debug, Clone, Deserialize)]
struct BoxRecord {
    centroid: Numbers,
    #[serde(rename = "axesLengths")]
    lengths: Numbers,
    #[serde(rename = "normalizedAxes")]
    axes: Numbers,
    #[serde(default)]
    min: Option<Perhaps<Numbers>>,
    #[serde(default)]
    max: Option<Perhaps<Numbers>>,
}

impl SceneRecord {
    /// Whether it says anything of a scene.
    pub fn is_scene(&self) -> bool {
        self.room_size.is_some() || self.object_counts.is_some() || self.object_bbox.is_some()
    }
}

/// A scene of a file, judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetaScene {
    /// scannet, scannetpp or arkitscenes.
    pub dataset: Option<String>,
    /// Square metres.
    pub room_size: Option<f64>,
    /// The middle of the bounds of the scan's vertices.
    pub room_centre: Option<Vector3<f64>>,
    pub boxes: Vec<MetaBox>,
    pub faults: Vec<Fault>,
    /// Whether there are as many boxes as objects were counted, and all of them could be used.
    pub complete: bool,
}

/// An object: its id in the scene, its category and its box.
#[derive(Debug, Clone, PartialEq)]
pub struct MetaBox {
    pub id: String,
    pub category: String,
    pub obb: OrientedBox,
}

/// What is wrong, where in the scene, and what is lost by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub key: String,
    pub why: Unusable,
    pub loss: Loss,
}

impl MetaBox {
    /// The row of `scene_objects`.
    pub fn row(&self, scene_id: &str) -> SceneObject {
        SceneObject {
            scene_id: scene_id.to_owned(),
            object_id: self.id.clone(),
            category: self.category.clone(),
            ..SceneObject::boxed(&self.obb, "annotation")
        }
    }
}

impl MetaScene {
    /// Codes: `json`, `box3d`, `category`, `duplicate`, `missing_object`.
    pub fn judged(record: &SceneRecord) -> Self {
        let mut scene = Self { complete: true, ..Self::default() };
        scene.dataset = Perhaps::given(&record.dataset).map(|name| name.trim().to_lowercase());
        scene.dataset = scene.dataset.filter(|name| !name.is_empty());
        scene.room_centre = Perhaps::given(&record.room_center).and_then(|centre| {
            let centre = Vector3::from(centre.exactly::<3>().ok()?);
            centre.iter().all(|entry| entry.is_finite()).then_some(centre)
        });
        match Number::given(Perhaps::given(&record.room_size).copied()) {
            Some(size) if size > 0.0 && size <= MAX_ROOM => scene.room_size = Some(size),
            Some(size) => {
                scene.fault("room_size", "json", format!("a room of {size} square metres cannot be"), Loss::Record)
            }
            None => {
                scene.fault(
                    "room_size",
                    "json",
                    "there is no `room_size`, which is a number of square metres",
                    Loss::Nothing,
                );
            }
        }
        let counts = Perhaps::given(&record.object_counts);
        if counts.is_none() {
            scene.complete = false;
            let message = "there are no `object_counts`, so that nobody knows whether each object has a box";
            scene.fault("object_counts", "json", message, Loss::Nothing);
        }
        match Perhaps::given(&record.object_bbox) {
            Some(boxes) => scene.add_boxes(boxes, counts),
            None => {
                scene.complete = false;
                scene.fault(
                    "object_bbox",
                    "json",
                    "there is no `object_bbox`, so that no object is known",
                    Loss::Record,
                );
            }
        }
        scene
    }

    fn fault(&mut self, key: impl Into<String>, code: &'static str, message: impl Into<String>, loss: Loss) {
        self.faults.push(Fault { key: key.into(), why: Unusable::new(code, message), loss });
    }

    fn add_boxes(
        &mut self,
        listed: &Entries<Perhaps<Vec<Perhaps<BoxRecord>>>>,
        counts: Option<&Entries<Perhaps<Number>>>,
    ) {
        // By the spelled category: how many are counted, and how many boxes are listed, usable or not.
        let mut expected = HashMap::<String, (f64, usize)>::new();
        for (name, count) in counts.map(|counts| &counts.0[..]).unwrap_or_default() {
            match (category::spelled(name), count.value()) {
                (Some(category), Some(Number(count))) if *count >= 0.0 && count.fract() == 0.0 => {
                    expected.entry(category).or_default().0 += count;
                }
                // As good as a category that is not there.
                (Some(_), Some(Number(count))) if !count.is_finite() => {}
                _ => {
                    self.complete = false;
                    let key = format!("object_counts/{name}");
                    self.fault(key, "json", "it is no category with a number of objects", Loss::Nothing);
                }
            }
        }
        for (name, boxes) in &listed.0 {
            let key = |rest: &str| format!("object_bbox/{name}{rest}");
            let Some(category) = category::spelled(name) else {
                self.complete = false;
                self.fault(key(""), "category", "the category of these boxes is empty", Loss::Record);
                continue;
            };
            let Some(boxes) = boxes.value() else {
                self.complete = false;
                self.fault(key(""), "json", "it is no list of boxes", Loss::Record);
                expected.entry(category).or_default().1 += 1;
                continue;
            };
            for (at, record) in boxes.iter().enumerate() {
                let number = &mut expected.entry(category.clone()).or_default().1;
                *number += 1;
                let id = format!("{}-{number}", category.replace(' ', "-"));
                let missing =
                    || Unusable::new("json", "it is no box: it needs `centroid`, `axesLengths` and `normalizedAxes`");
                match record.value().ok_or_else(missing).and_then(BoxRecord::judged) {
                    Ok(obb) => self.boxes.push(MetaBox { id, category: category.clone(), obb }),
                    Err(why) => {
                        self.complete = false;
                        self.faults.push(Fault { key: key(&format!("[{at}]")), why, loss: Loss::Record });
                    }
                }
            }
        }
        let mut expected: Vec<_> = expected.into_iter().collect();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        for (category, (counted, listed)) in expected {
            let usable = self.boxes.iter().filter(|object| object.category == category).count();
            if counts.is_some() && counted != listed as f64 {
                self.complete = false;
                let message = format!("{counted} of this category are counted, and {listed} have a box");
                self.fault(format!("object_counts/{category}"), "missing_object", message, Loss::Nothing);
            }
            if usable == 1 && (counted > 1.0 || listed > 1) {
                self.boxes.retain(|object| object.category != category);
                let message = "it is the only box that is left of several objects of its category, so that its name would mean any of them";
                self.fault(format!("object_bbox/{category}"), "missing_object", message, Loss::Record);
            }
        }
    }
}

impl BoxRecord {
    /// Code: `box3d`.
    fn judged(&self) -> Result<OrientedBox, Unusable> {
        let refused = |message: String| Unusable::new("box3d", message);
        let wrong = |field: &'static str| move |why: String| Unusable::new("box3d", format!("`{field}` has {why}"));
        let [a, b, c, d, e, f, g, h, i] = self.axes.exactly().map_err(wrong("normalizedAxes"))?;
        let obb = OrientedBox {
            centre: self.centroid.exactly::<3>().map_err(wrong("centroid"))?.into(),
            axes: [Vector3::new(a, b, c), Vector3::new(d, e, f), Vector3::new(g, h, i)],
            lengths: self.lengths.exactly::<3>().map_err(wrong("axesLengths"))?.into(),
        };
        let obb = obb.checked().map_err(|e| refused(e.to_string()))?;
        if obb.lengths.min() <= 0.0 {
            return Err(refused("one of its `axesLengths` is 0, and no object is that flat".to_owned()));
        }
        let bounds = obb.bounds();
        for (field, given, own) in [("min", &self.min, bounds.low), ("max", &self.max, bounds.high)] {
            let Some(given) = Perhaps::given(given) else { continue };
            let given = Vector3::from(given.exactly::<3>().map_err(wrong(field))?);
            let apart = given - own;
            // A bound that is no number contradicts the box, too.
            if !apart.iter().all(|by| by.abs() <= BOUNDS_TOLERANCE) {
                let message = format!(
                    "its `{field}` is {:.3} m away from what its centroid, lengths and axes make",
                    apart.amax()
                );
                return Err(refused(message));
            }
        }
        Ok(obb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::json::forms;
    use serde_json::json;

    fn cube(x: f64) -> serde_json::Value {
        json!({"centroid": [x, 0, 0], "axesLengths": [1, 1, 1], "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1],
               "min": [x - 0.5, -0.5, -0.5], "max": [x + 0.5, 0.5, 0.5]})
    }

    fn judged(counts: serde_json::Value, boxes: serde_json::Value) -> MetaScene {
        let scene = json!({"room_size": 12.5, "object_counts": counts, "object_bbox": boxes}).to_string();
        MetaScene::judged(&forms::record(scene.as_bytes()).unwrap())
    }

    fn codes(scene: &MetaScene) -> Vec<(&str, &str, Loss)> {
        scene.faults.iter().map(|fault| (fault.key.as_str(), &*fault.why.code, fault.loss)).collect()
    }

    fn ids(scene: &MetaScene) -> Vec<&str> {
        scene.boxes.iter().map(|object| object.id.as_str()).collect()
    }

    #[test]
    fn each_object_is_a_box_of_its_category() {
        let scene = judged(
            json!({"trash_bin": 2, "Bed": "1"}),
            json!({"trash_bin": [cube(0.0), cube(3.0)], "Bed": [cube(6.0)]}),
        );
        assert_eq!((ids(&scene), scene.room_size), (vec!["bed-1", "trash-bin-1", "trash-bin-2"], Some(12.5)));
        assert!(scene.complete && scene.faults.is_empty(), "{:?}", scene.faults);
    }

    #[test]
    fn what_is_counted_otherwise_is_told_and_a_single_box_of_several_is_not_used() {
        let scene = judged(
            json!({"chair": 1, "bed": 2, "lamp": 1}),
            json!({"chair": [cube(0.0), cube(2.0)], "bed": [cube(4.0)]}),
        );
        assert_eq!(ids(&scene), ["chair-1", "chair-2"]);
        let expected = [
            ("object_counts/bed", "missing_object", Loss::Nothing),
            ("object_bbox/bed", "missing_object", Loss::Record),
            ("object_counts/chair", "missing_object", Loss::Nothing),
            ("object_counts/lamp", "missing_object", Loss::Nothing),
        ];
        assert_eq!((codes(&scene), scene.complete), (expected.to_vec(), false));
    }

    #[test]
    fn a_box_that_is_none_costs_itself() {
        let with = |field: &str, value: serde_json::Value| {
            let mut record = cube(0.0);
            record[field] = value;
            let scene = judged(json!({"chair": 3}), json!({"chair": [record, cube(2.0), cube(4.0)]}));
            assert_eq!(ids(&scene), ["chair-2", "chair-3"], "{field}");
            assert!(!scene.complete);
            scene.faults[0].why.code.to_string()
        };
        assert_eq!(with("axesLengths", json!([1, 0, 1])), "box3d");
        assert_eq!(with("axesLengths", json!([1, -1, 1])), "box3d");
        assert_eq!(with("axesLengths", json!([1, 1])), "box3d");
        assert_eq!(with("normalizedAxes", json!([1, 0, 0, 1, 0, 0, 0, 0, 1])), "box3d");
        assert_eq!(with("min", json!([-0.5, -0.5, -0.6])), "box3d");
        assert_eq!(with("max", json!([0.5, null, 0.5])), "box3d");
        assert_eq!(with("centroid", json!("here")), "json");
    }

    #[test]
    fn fields_that_are_absent_are_told() {
        let scene = MetaScene::judged(&SceneRecord::default());
        let told = codes(&scene).into_iter().map(|(key, code, _)| (key, code)).collect::<Vec<_>>();
        assert_eq!(told, [("room_size", "json"), ("object_counts", "json"), ("object_bbox", "json")]);
        let negative: SceneRecord =
            forms::record(br#"{"room_size": -3, "object_bbox": {"a": 1}, "object_counts": {"a": "b"}}"#).unwrap();
        assert_eq!(MetaScene::judged(&negative).room_size, None);
    }
}

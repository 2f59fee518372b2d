//! One house: its rooms, objects, waypoints and links, and its photos.

use std::collections::BTreeMap;

use spatialmill_geometry::{Bounds, Rigid, Vector3};

use super::MatterportReader;
use super::cameras::CameraList;
use super::files::ScanFiles;
use super::frames::Photos;
use super::graph::NavigationGraph;
use super::house::{House, HouseObject, Region};
use crate::error::Result;
use crate::source::depth::NO_DEPTH;
use crate::source::{Row, RowSink};
use crate::tables::{Frame, Link, Loss, Scene, SceneObject, Unusable, Waypoint};

/// The largest houses have some ten megabytes, most of them segments.
const MAX_HOUSE_BYTES: u64 = 1 << 30;

/// The largest graph has three.
const MAX_GRAPH_BYTES: u64 = 256 << 20;

/// Reads the house of this scan.
pub fn read(source: &MatterportReader, id: &str, files: &ScanFiles, rows: &mut RowSink) -> Result<()> {
    let mut scan = ScanReader { source, id, files, house: House::default(), complete: true };
    scan.house = scan.read_house(rows)?;
    let graph = scan.read_graph(rows)?;
    let objects = scan.objects(rows)?;
    scan.scenes(objects, rows)?;
    scan.ways(&graph, rows)?;
    scan.frames(&graph, objects, rows)
}

struct ScanReader<'a> {
    source: &'a MatterportReader,
    id: &'a str,
    files: &'a ScanFiles,
    house: House,
    /// Whether all annotated objects could be used.
    complete: bool,
}

impl ScanReader<'_> {
    fn scene_id(&self) -> String {
        format!("{}/{}", self.source.name, self.id)
    }

    fn key(&self, what: &str) -> String {
        format!("{}/{what}", self.id)
    }

    fn split(&self) -> Option<String> {
        self.source.splits.of(self.id).map(str::to_owned).or_else(|| self.source.split.clone())
    }

    fn is_exhaustive(&self, objects: usize) -> bool {
        self.complete && objects > 0 && self.source.settings.exhaustive
    }

    /// Tells of a file that is not there, and what that costs.
    fn missing(&self, file: &str, cost: &str, rows: &mut RowSink) -> Result<()> {
        rows.remark(self.key(file), file, Unusable::new("missing_file", format!("missing: {file}; {cost}")))
    }

    fn read_house(&mut self, rows: &mut RowSink) -> Result<House> {
        let Some(path) = &self.files.house else {
            let cost = "nothing is known of objects and rooms, so that neither routes nor sizes are asked";
            self.missing(&format!("{}.house", self.id), cost, rows)?;
            return Ok(House::default());
        };
        let bytes = self.source.root.bytes(path, MAX_HOUSE_BYTES);
        let house = bytes.map_err(|e| Unusable::new("unreadable", e.to_string())).and_then(|text| House::parse(&text));
        let mut house = match house {
            Ok(house) => house,
            Err(why) => {
                self.complete = false;
                rows.refuse(self.key("house"), path, why)?;
                return Ok(House::default());
            }
        };
        for (key, why) in house.lost.drain(..) {
            self.complete = false;
            rows.refuse(self.key(&key), path, why)?;
        }
        for (key, why) in house.unnamed.drain(..) {
            rows.remark(self.key(&key), path, why)?;
        }
        Ok(house)
    }

    fn read_graph(&self, rows: &mut RowSink) -> Result<NavigationGraph> {
        let Some(path) = &self.files.graph else {
            self.missing(&format!("{}_connectivity.json", self.id), "no routes are asked", rows)?;
            return Ok(NavigationGraph::default());
        };
        let bytes = self.source.root.bytes(path, MAX_GRAPH_BYTES);
        let graph = bytes
            .map_err(|e| Unusable::new("unreadable", e.to_string()))
            .and_then(|json| NavigationGraph::parse(&json));
        let mut graph = match graph {
            Ok(graph) => graph,
            Err(why) => {
                rows.refuse(self.key("connectivity"), path, why)?;
                return Ok(NavigationGraph::default());
            }
        };
        for (key, why) in graph.lost.drain(..) {
            rows.refuse(self.key(&key), path, why)?;
        }
        for (key, why) in graph.odd.drain(..) {
            rows.remark(self.key(&key), path, why)?;
        }
        Ok(graph)
    }

    fn is_structure(&self, object: &HouseObject) -> bool {
        let is = |name: &String| *name == object.category || *name == object.mpcat40;
        self.source.settings.structure.iter().any(is)
    }

    /// How many objects there are.
    fn objects(&self, rows: &mut RowSink) -> Result<usize> {
        let mut count = 0;
        for object in self.house.objects.iter().filter(|object| !self.is_structure(object)) {
            count += 1;
            rows.push(Row::SceneObject(SceneObject {
                scene_id: self.scene_id(),
                object_id: object.index.to_string(),
                category: object.category.clone(),
                region: object.region.map(region_name),
                ..SceneObject::boxed(&object.obb, "annotation")
            }))?;
        }
        Ok(count)
    }

    /// The house and its rooms.
    fn scenes(&self, objects: usize, rows: &mut RowSink) -> Result<()> {
        let scene = || Scene {
            scene_id: self.scene_id(),
            source: self.source.name.clone(),
            split: self.split(),
            licence: Some(self.source.licence.clone()),
            place_id: self.id.to_owned(),
            metric: true,
            exhaustive: self.is_exhaustive(objects),
            ..Scene::default()
        };
        let regions = &self.house.regions;
        for (index, region) in regions {
            let area = region.area();
            rows.push(Row::Scene(Scene {
                scene_id: format!("{}/{}", self.scene_id(), region_name(*index)),
                kind: "region",
                category: region.category().map(str::to_owned),
                within: Some(self.scene_id()),
                min: Some(region.low.into()),
                max: Some(region.high.into()),
                floor_z: region.floor_z,
                floor_area: area,
                floor_area_from: area.map(|_| "polygon"),
                ..scene()
            }))?;
        }
        let corners: Vec<Vector3<f64>> = regions.values().flat_map(|region| [region.low, region.high]).collect();
        let bounds = Bounds::of(&corners);
        // Where a scan ends outdoors is nothing that people could agree about.
        let areas: Option<Vec<f64>> =
            regions.values().map(|region| region.area().filter(|_| region.is_indoors())).collect();
        let area = areas.filter(|areas| !areas.is_empty()).map(|areas| areas.iter().sum());
        rows.push(Row::Scene(Scene {
            kind: "house",
            min: bounds.map(|bounds| bounds.low.into()),
            max: bounds.map(|bounds| bounds.high.into()),
            floor_z: self.floor_z(),
            floor_area: area,
            floor_area_from: area.map(|_| "polygon"),
            ..scene()
        }))
    }

    /// The median of its rooms' floors, where all of them are on one level.
    fn floor_z(&self) -> Option<f64> {
        let mut heights: Vec<f64> = self.house.regions.values().filter_map(|region: &Region| region.floor_z).collect();
        if self.house.levels != 1 || heights.is_empty() {
            return None;
        }
        let middle = heights.len() / 2;
        Some(*heights.select_nth_unstable_by(middle, f64::total_cmp).1)
    }

    fn ways(&self, graph: &NavigationGraph, rows: &mut RowSink) -> Result<()> {
        for viewpoint in &graph.viewpoints {
            rows.push(Row::Waypoint(Waypoint {
                scene_id: self.scene_id(),
                waypoint_id: viewpoint.id.clone(),
                position: viewpoint.world_from_camera.translation.into(),
                height: viewpoint.height,
                region: self.house.panoramas.get(&viewpoint.id).copied().map(region_name),
            }))?;
        }
        for (from, to, length) in &graph.links {
            rows.push(Row::Link(Link {
                scene_id: self.scene_id(),
                from_waypoint: graph.viewpoints[*from].id.clone(),
                to_waypoint: graph.viewpoints[*to].id.clone(),
                length: *length,
            }))?;
        }
        Ok(())
    }

    fn cameras(&self, rows: &mut RowSink) -> Result<CameraList> {
        let Some(path) = &self.files.cameras else { return Ok(CameraList::default()) };
        let bytes = self.source.root.bytes(path, MAX_GRAPH_BYTES);
        let list =
            bytes.map_err(|e| Unusable::new("unreadable", e.to_string())).and_then(|text| CameraList::parse(&text));
        match list {
            Ok(mut list) => {
                for (key, why) in list.lost.drain(..) {
                    rows.refuse(self.key(&format!("cameras/{key}")), path, why)?;
                }
                Ok(list)
            }
            Err(why) => {
                rows.refuse(self.key("cameras"), path, why)?;
                Ok(CameraList::default())
            }
        }
    }

    fn frames(&self, graph: &NavigationGraph, objects: usize, rows: &mut RowSink) -> Result<()> {
        let list = self.cameras(rows)?;
        let panoramas: BTreeMap<&str, &Rigid> =
            graph.viewpoints.iter().map(|viewpoint| (viewpoint.id.as_str(), &viewpoint.world_from_camera)).collect();
        let Self { source, files, .. } = self;
        let photos = Photos::list(&source.root, files, &source.settings.cameras, list, &self.house, panoramas)?;
        if photos.photos.is_empty() {
            return self.missing("photos", "nothing that images have to show is asked about it", rows);
        }
        if !photos.have_depth() {
            let cost = "boxes alone say what hides what, and no questions are asked about single photos";
            self.missing("depth images", cost, rows)?;
        }
        for photo in &photos.photos {
            let (mut frame, stored) = match photos.frame(photo) {
                Ok(found) => found,
                Err((file, why)) => {
                    rows.refuse_image(self.key(&photo.name), &file, why)?;
                    continue;
                }
            };
            if let Err((file, why)) = photos.depth(photo, stored, &mut frame) {
                let loss = if why.code == NO_DEPTH { Loss::Nothing } else { Loss::Record };
                rows.lose(loss, self.key(&format!("{}/depth", photo.name)), &file, why)?;
            }
            rows.push(Row::Frame(Frame {
                frame_id: format!("{}/{}", self.scene_id(), photo.name),
                scene_id: Some(self.scene_id()),
                split: self.split(),
                licence: Some(source.licence.clone()),
                lifted_from: (objects > 0 && frame.depth_uri.is_some()).then(|| "scan".to_owned()),
                exhaustive: self.is_exhaustive(objects),
                ..frame
            }))?;
        }
        Ok(())
    }
}

/// As its files in `region_segmentations` are called.
fn region_name(index: i64) -> String {
    format!("region{index}")
}

//! One scene: its objects and surfaces from the mesh and its annotation, then its frames; or its frames alone, for objects that another file has.

use spatialmill_geometry::{Bounds, Matrix3, Rigid, Vector3};

use super::alignment::{self, Meta};
use super::frames::FrameFolder;
use super::instances::{self, Instances, SegmentGroup};
use super::mesh::Mesh;
use super::sens::{self, Sens};
use super::{LocalFolder, ScanNetReader, place_of};
use crate::error::Result;
use crate::source::camera_text::TRACKING;
use crate::source::category;
use crate::source::depth::NO_DEPTH;
use crate::source::root::Root;
use crate::source::{Row, RowSink};
use crate::tables::{Frame, Loss, Scene, SceneObject, Surface, Unusable};

/// The largest mesh of ScanNet at full resolution has 300 MB.
const MAX_MESH_BYTES: u64 = 2 << 30;

/// Reads the scene of this id.
pub fn read(source: &ScanNetReader, id: &str, rows: &mut RowSink) -> Result<()> {
    let mut scene = SceneReader::open(source, id, rows)?;
    let align = scene.align(rows)?;
    let scanned = scene.objects(&align, rows)?;
    rows.push(Row::Scene(scene.row(&scanned)))?;
    scene.frames(&align, scanned.objects, rows)
}

/// Objects of a scan that another file has, in a world of its own.
pub struct ForeignObjects<'a> {
    pub count: usize,
    /// Whether they are all that there are of their categories.
    pub complete: bool,
    /// Where the lists of splits beside the scans do not name the scan.
    pub split: Option<&'static str>,
    /// What moves the vertices of the aligned mesh into the objects' world; none where they do not belong together.
    pub shift: &'a dyn Fn(&[Vector3<f64>]) -> Option<Vector3<f64>>,
}

/// What the files beside a scan's objects say of it.
#[derive(Default)]
pub struct Around {
    pub split: Option<String>,
    /// Of the mesh, in the objects' world.
    pub bounds: Option<Bounds>,
    /// In the objects' world; none where the mesh has no floor where its alignment says.
    pub floor_z: Option<f64>,
}

/// Reads a scan's mesh, which shows what hides what, and its photos, in the world of objects that another file has. Photos that cannot be placed among
/// the objects are none. Code: `world`.
pub fn read_around(
    source: &ScanNetReader,
    id: &str,
    objects: &ForeignObjects<'_>,
    rows: &mut RowSink,
) -> Result<Around> {
    let mut scene = SceneReader::open(source, id, rows)?;
    scene.complete = objects.complete;
    scene.split = source.splits.of(id).or(objects.split).map(str::to_owned).or(scene.split);
    let around = Around { split: scene.split.clone(), ..Around::default() };
    if scene.folders.is_empty() {
        let message =
            format!("no folder below the root is called `{id}`: without photos nothing is asked about the scene");
        rows.remark(format!("{id}/photos"), id, Unusable::new("missing_file", message))?;
        return Ok(around);
    }
    let align = scene.align(rows)?;
    let lost = "no photo is used, because without the mesh nobody knows where they were taken among the objects";
    let mut mesh = match scene.mesh(&align) {
        Ok(mesh) => mesh,
        Err((file, why)) => {
            rows.refuse(format!("{id}/mesh"), &file, Unusable { message: format!("{}; {lost}", why.message), ..why })?;
            return Ok(around);
        }
    };
    let Some(shift) = (objects.shift)(&mesh.vertices) else {
        let message = "the boxes do not lie where the mesh has things; is it the mesh of this scan, and has its <id>.txt an axisAlignment? No photo is used";
        rows.refuse(format!("{id}/photos"), id, Unusable::new("world", message))?;
        return Ok(around);
    };
    mesh.vertices.iter_mut().for_each(|vertex| *vertex += shift);
    let nothing_known = Instances::unknown(&mesh);
    scene.surface(&nothing_known, &mesh, &[nothing_known.nobody()], None, rows)?;
    let floor_z = Some(shift.z).filter(|floor_z| align != Rigid::identity() && has_floor(&mesh.vertices, *floor_z));
    let align = align.then(&Rigid { rotation: Matrix3::identity(), translation: shift });
    scene.frames(&align, objects.count, rows)?;
    Ok(Around { bounds: Bounds::of(&mesh.vertices), floor_z, ..around })
}

/// Whether a mesh has a floor at a height: ScanNet's alignments put it there, others may not. One vertex of thirty lies there, and next to none below.
fn has_floor(vertices: &[Vector3<f64>], floor_z: f64) -> bool {
    let share = |is: &dyn Fn(f64) -> bool| {
        vertices.iter().filter(|vertex| is(vertex.z - floor_z)).count() as f64 / vertices.len().max(1) as f64
    };
    share(&|above| above.abs() <= 0.08) >= 1.0 / 30.0 && share(&|above| above < -0.3) <= 0.01
}

/// What a scene's mesh and its annotation say of the scene as a whole.
#[derive(Default)]
struct Scanned {
    /// How many objects they make.
    objects: usize,
    /// Of the mesh, aligned.
    bounds: Option<Bounds>,
    floor_z: Option<f64>,
}

struct SceneReader<'a> {
    source: &'a ScanNetReader,
    id: &'a str,
    /// The folders of the scene's name: of its scan, of its photos, or both in one.
    folders: Vec<FrameFolder<'a>>,
    meta: Meta,
    split: Option<String>,
    /// Whether all annotated objects could be used.
    complete: bool,
}

/// What annotators said of a mesh.
struct SceneAnnotation {
    /// Of each vertex.
    segments: Vec<i64>,
    /// The objects made of them, usable or not.
    groups: Vec<Result<SegmentGroup, Unusable>>,
    /// Where those are listed.
    file: String,
}

impl<'a> SceneReader<'a> {
    fn open(source: &'a ScanNetReader, id: &'a str, rows: &mut RowSink) -> Result<Self> {
        let mut folders = Vec::new();
        for path in source.folders(id)? {
            let mut folder = FrameFolder::list(&source.root, &path)?;
            folder.files.retain(|file| !source.is_extracted(&format!("{path}/{file}")));
            folders.push(folder);
        }
        let split = source.splits.of(id).map(str::to_owned).or_else(|| source.split.clone());
        let mut scene = Self { source, id, folders, meta: Meta::default(), split, complete: true };
        scene.meta = scene.meta(rows)?;
        Ok(scene)
    }

    fn scene_id(&self) -> String {
        format!("{}/{}", self.source.name, self.id)
    }

    fn is_exhaustive(&self, objects: usize) -> bool {
        self.complete && objects > 0 && self.source.settings.exhaustive
    }

    fn row(&self, scanned: &Scanned) -> Scene {
        Scene {
            scene_id: self.scene_id(),
            source: self.source.name.clone(),
            split: self.split.clone(),
            licence: Some(self.source.licence.clone()),
            kind: "scan",
            category: self.meta.text("sceneType").and_then(category::spelled),
            place_id: place_of(self.id).to_owned(),
            min: scanned.bounds.map(|bounds| bounds.low.into()),
            max: scanned.bounds.map(|bounds| bounds.high.into()),
            floor_z: scanned.floor_z,
            metric: true,
            exhaustive: self.is_exhaustive(scanned.objects),
            ..Scene::default()
        }
    }

    /// The folder that has a file.
    fn with(&self, file: &str) -> Option<&FrameFolder<'_>> {
        self.folders.iter().find(|folder| folder.has(file))
    }

    fn meta(&self, rows: &mut RowSink) -> Result<Meta> {
        let file = format!("{}.txt", self.id);
        let Some(folder) = self.with(&file) else { return Ok(Meta::default()) };
        match folder.bytes(&file, alignment::MAX_BYTES).and_then(|text| Meta::parse(&text)) {
            Ok(meta) => Ok(meta),
            Err(why) => {
                rows.refuse(format!("{}/txt", self.id), &folder.below(&file), why)?;
                Ok(Meta::default())
            }
        }
    }

    /// What turns the scan upright; nothing where nobody says, for scans stand nearly upright as they are.
    fn align(&self, rows: &mut RowSink) -> Result<Rigid> {
        let text = format!("{}.txt", self.id);
        let boxes = self.with("boxes.json");
        let (file, found) = if let Some(alignments) = &self.source.alignments {
            let found = alignments.get(self.id).map(|numbers| alignment::of_numbers(numbers));
            (self.source.settings.axis_alignment.clone(), found)
        } else if let Some(numbers) = self.meta.matrix("axisAlignment") {
            let found = numbers.map_err(|e| Unusable::new("alignment", e)).and_then(|n| alignment::of_numbers(&n));
            (self.with(&text).map_or(text.clone(), |folder| folder.below(&text)), Some(found))
        } else if let Some(folder) = boxes {
            let json = folder.bytes("boxes.json", alignment::MAX_BYTES);
            (folder.below("boxes.json"), Some(json.and_then(|json| alignment::of_boxes(&json))))
        } else {
            return Ok(Rigid::identity());
        };
        match found {
            Some(Ok(align)) => Ok(align),
            Some(Err(why)) => {
                rows.refuse(format!("{}/alignment", self.id), &file, why)?;
                Ok(Rigid::identity())
            }
            None => Ok(Rigid::identity()),
        }
    }

    /// Reads mesh and annotation.
    fn objects(&mut self, align: &Rigid, rows: &mut RowSink) -> Result<Scanned> {
        let mesh = match self.mesh(align) {
            Ok(mesh) => mesh,
            Err((file, why)) => {
                self.complete = false;
                rows.refuse(format!("{}/mesh", self.id), &file, why)?;
                return Ok(Scanned::default());
            }
        };
        let mut scanned = Scanned { bounds: Bounds::of(&mesh.vertices), ..Scanned::default() };
        let SceneAnnotation { segments, groups: listed, file } = match self.annotation(&mesh) {
            Ok(annotation) => annotation,
            Err((file, why)) => {
                self.complete = false;
                rows.refuse(format!("{}/annotation", self.id), &file, why)?;
                let nothing_known = Instances::unknown(&mesh);
                self.surface(&nothing_known, &mesh, &[nothing_known.nobody()], None, rows)?;
                return Ok(scanned);
            }
        };
        let mut groups: Vec<SegmentGroup> = Vec::new();
        for (index, group) in listed.into_iter().enumerate() {
            match group {
                Ok(group) => groups.push(group),
                Err(why) => {
                    self.complete = false;
                    rows.refuse(format!("{}/segGroups[{index}]", self.id), &file, why)?;
                }
            }
        }
        if self.complete
            && let Some(gap) = instances::first_gap(&groups)
        {
            // ScanNet counts objects from 0, so that a hole in the ids is an object that somebody or something removed.
            self.complete = false;
            let message = format!("there are objects with higher ids, but none with id {gap}; the list is not whole");
            rows.refuse(format!("{}/segGroups", self.id), &file, Unusable::new("missing_object", message))?;
        }
        let instances = Instances::of(&mesh, &segments, &groups);
        scanned.floor_z = self.floor_z(&instances, &mesh, &groups);
        let mut behind = vec![instances.nobody()];
        for (index, group) in groups.iter().enumerate() {
            let category = self.source.labels.category(&group.label);
            if [Some(&group.label), category.as_ref()].iter().flatten().any(|name| self.is_structure(name)) {
                behind.push(index);
                continue;
            }
            match self.object(&instances, &mesh, index, group, category) {
                Ok(object) => {
                    let id = object.object_id.clone();
                    rows.push(Row::SceneObject(object))?;
                    self.surface(&instances, &mesh, &[index], Some(id), rows)?;
                    scanned.objects += 1;
                }
                Err(why) => {
                    self.complete = false;
                    behind.push(index);
                    rows.refuse(format!("{}/{}", self.id, group.id), &file, why)?;
                }
            }
        }
        self.surface(&instances, &mesh, &behind, None, rows)?;
        Ok(scanned)
    }

    /// The median height of all vertices that are labelled as floor.
    fn floor_z(&self, instances: &Instances, mesh: &Mesh, groups: &[SegmentGroup]) -> Option<f64> {
        let is_floor = |group: &SegmentGroup| {
            let category = self.source.labels.category(&group.label);
            [Some(&group.label), category.as_ref()]
                .iter()
                .flatten()
                .any(|name| name.trim().eq_ignore_ascii_case("floor"))
        };
        let of_floor = groups.iter().zip(&instances.vertices).filter(|(group, _)| is_floor(group));
        let heights = of_floor.flat_map(|(_, vertices)| vertices).map(|vertex| mesh.vertices[*vertex as usize].z);
        let mut heights: Vec<f64> = heights.collect();
        let middle = heights.len() / 2;
        (!heights.is_empty()).then(|| *heights.select_nth_unstable_by(middle, f64::total_cmp).1)
    }

    fn is_structure(&self, label: &str) -> bool {
        self.source.settings.structure.iter().any(|name| name.eq_ignore_ascii_case(label.trim()))
    }

    /// The mesh in the aligned world.
    fn mesh(&self, align: &Rigid) -> Result<Mesh, (String, Unusable)> {
        // The mesh of labels has the same vertices in the same order.
        let names = [format!("{}_vh_clean_2.ply", self.id), format!("{}_vh_clean_2.labels.ply", self.id)];
        let Some((folder, name)) = names.iter().find_map(|name| Some((self.with(name)?, name))) else {
            let message = format!("there is no `{}`, so that nothing is known of the scene's objects", names[0]);
            return Err((names[0].clone(), Unusable::new("missing_file", message)));
        };
        let file = folder.below(name);
        let bytes = folder.bytes(name, MAX_MESH_BYTES).map_err(|why| (file.clone(), why))?;
        let mut mesh = Mesh::read(&bytes).map_err(|message| (file, Unusable::new("mesh", message)))?;
        for vertex in &mut mesh.vertices {
            *vertex = align.apply(vertex);
        }
        Ok(mesh)
    }

    /// Reads what annotators said of the mesh.
    fn annotation(&self, mesh: &Mesh) -> Result<SceneAnnotation, (String, Unusable)> {
        let read = |name: &str| {
            let Some(folder) = self.with(name) else {
                return Err((name.to_owned(), Unusable::new("missing_file", format!("there is no `{name}`"))));
            };
            let file = folder.below(name);
            folder.bytes(name, instances::MAX_BYTES).map(|json| (json, file.clone())).map_err(|why| (file, why))
        };
        let (json, file) = read(&format!("{}_vh_clean_2.0.010000.segs.json", self.id))?;
        let segments = instances::segments(&json, mesh).map_err(|why| (file, why))?;
        let (json, file) = read(&format!("{}.aggregation.json", self.id))?;
        let groups = instances::groups(&json).map_err(|why| (file.clone(), why))?;
        Ok(SceneAnnotation { segments, groups, file })
    }

    fn object(
        &self,
        instances: &Instances,
        mesh: &Mesh,
        index: usize,
        group: &SegmentGroup,
        category: Option<String>,
    ) -> Result<SceneObject, Unusable> {
        let category = category.ok_or_else(|| Unusable::new("category", "the object's label is empty"))?;
        let obb = instances.obb(mesh, index).ok_or_else(|| {
            Unusable::new("box3d", format!("no vertex of the mesh is in the segments of this `{category}`"))
        })?;
        Ok(SceneObject {
            scene_id: self.scene_id(),
            object_id: group.id.to_string(),
            category,
            points: Some(instances.vertices[index].len() as i64),
            ..SceneObject::boxed(&obb, "fitted")
        })
    }

    fn surface(
        &self,
        instances: &Instances,
        mesh: &Mesh,
        groups: &[usize],
        object_id: Option<String>,
        rows: &mut RowSink,
    ) -> Result<()> {
        let (vertices, triangles) = instances.surface(mesh, groups);
        if triangles.is_empty() {
            return Ok(());
        }
        rows.push(Row::Surface(Surface { scene_id: self.scene_id(), object_id, vertices, triangles }))
    }

    /// Reads the photos of the first folder that has some; else those that are taken out of a recording.
    fn frames(&self, align: &Rigid, objects: usize, rows: &mut RowSink) -> Result<()> {
        for folder in &self.folders {
            let shots = folder.shots();
            if !shots.is_empty() {
                let chosen = self.source.settings.chosen(shots.len());
                let names: Vec<&str> = chosen.into_iter().map(|i| shots[i].name.as_str()).collect();
                return self.photos(folder, &names, align, objects, rows);
            }
        }
        let recording = format!("{}.sens", self.id);
        let Some(folder) = self.with(&recording) else {
            let message = format!("the scene has neither photos nor {recording}, so that nothing is asked about it");
            return rows.refuse(format!("{}/photos", self.id), self.id, Unusable::new("missing_file", message));
        };
        let path = folder.below(&recording);
        let Some((into, _)) = &self.source.extract else {
            let message = "the photos are inside of the recording; set `extract` to a folder where they can be written";
            return rows.refuse(format!("{}/sens", self.id), &path, Unusable::new("sens", message));
        };
        let names = self.extract(&path, into, rows)?;
        let extracted = Root::local(into.path())?;
        let folder = FrameFolder::list(&extracted, self.id)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.photos(&folder, &names, align, objects, rows)
    }

    fn extract(&self, path: &str, into: &LocalFolder, rows: &mut RowSink) -> Result<Vec<String>> {
        let size = self.source.root.size(path)?.unwrap_or_default();
        let mut sens = match Sens::open(self.source.root.open(path)?, size) {
            Ok(sens) => sens,
            Err(why) => {
                rows.refuse(format!("{}/sens", self.id), path, why)?;
                return Ok(Vec::new());
            }
        };
        // A frame has 96 bytes at least, whatever a damaged header says.
        let frames = sens.header.frames.min(size / 96);
        let chosen = self.source.settings.chosen(frames as usize);
        sens::extract(&mut sens, &chosen, into, self.id, path, rows)
    }

    /// The frames of these names, of all photos in a folder.
    fn photos(
        &self,
        folder: &FrameFolder<'_>,
        names: &[&str],
        align: &Rigid,
        objects: usize,
        rows: &mut RowSink,
    ) -> Result<()> {
        let names: std::collections::HashSet<&str> = names.iter().copied().collect();
        let camera = folder.camera(&self.meta, self.source.intrinsics_of);
        for shot in folder.shots().into_iter().filter(|shot| names.contains(shot.name.as_str())) {
            let frame = camera.clone().map_err(|why| (folder.below(&shot.colour), why));
            let frame = frame.and_then(|camera| folder.frame(&shot, &camera, align));
            match frame {
                Ok((mut frame, stored)) => {
                    if let Err((file, why)) = folder.depth(&shot, stored, &mut frame) {
                        let loss = if why.code == NO_DEPTH { Loss::Nothing } else { Loss::Record };
                        rows.lose(loss, format!("{}/{}/depth", self.id, shot.name), &file, why)?;
                    }
                    rows.push(Row::Frame(Frame {
                        frame_id: format!("{}/{}", self.scene_id(), shot.name),
                        scene_id: Some(self.scene_id()),
                        split: self.split.clone(),
                        licence: Some(self.source.licence.clone()),
                        lifted_from: (objects > 0).then(|| "scan".to_owned()),
                        exhaustive: self.is_exhaustive(objects),
                        ..frame
                    }))?;
                }
                Err((file, why)) if why.code == TRACKING => {
                    rows.remark(format!("{}/{}", self.id, shot.name), &file, why)?;
                }
                Err((file, why)) => rows.refuse_image(format!("{}/{}", self.id, shot.name), &file, why)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_where_many_vertices_are_and_few_below() {
        let room = |below: usize| -> Vec<Vector3<f64>> {
            let heights = (0..100).map(|n| f64::from(n) * 0.02).chain(vec![0.05; 10]).chain(vec![-1.0; below]);
            heights.map(|z| Vector3::new(0.0, 0.0, z)).collect()
        };
        assert!(has_floor(&room(0), 0.0) && has_floor(&room(1), 0.0));
        assert!(!has_floor(&room(5), 0.0), "stairs lead down");
        assert!(!has_floor(&room(0), -0.5) && !has_floor(&room(0), 1.0) && !has_floor(&[], 0.0));
    }
}

//! Instances: which object each vertex of a mesh belongs to, from segments and their aggregation; and what that makes of the
//! mesh: boxes and surfaces.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use spatialmill_geometry::{OrientedBox, Vector3};

use super::mesh::Mesh;
use crate::source::json::forms::{self, Number, Perhaps};
use crate::tables::Unusable;

/// The segments file of the largest scene has ten megabytes.
pub const MAX_BYTES: u64 = 512 << 20;

/// `<id>_vh_clean_2.0.010000.segs.json`.
#[derive(Deserialize)]
struct SegmentFile {
    #[serde(rename = "segIndices")]
    segments: Vec<Number>,
}

/// `<id>.aggregation.json`, its objects still unread.
#[derive(Deserialize)]
struct AggregationFile {
    #[serde(rename = "segGroups")]
    _groups: Vec<IgnoredAny>,
}

/// An object as it is written.
#[derive(Deserialize)]
struct GroupRecord {
    #[serde(default, rename = "objectId")]
    object_id: Option<Number>,
    #[serde(default)]
    id: Option<Perhaps<Number>>,
    label: String,
    segments: Vec<Number>,
}

/// One annotated object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentGroup {
    /// Its value in ScanNet's own instance images, less one.
    pub id: u32,
    pub label: String,
    segments: Vec<i64>,
}

/// The segment of each vertex. Codes: `json`, `segments`.
pub fn segments(json: &[u8], mesh: &Mesh) -> Result<Vec<i64>, Unusable> {
    let file: SegmentFile = forms::file(json, "{\"segIndices\": [the segment of each vertex]}")?;
    if file.segments.len() != mesh.vertices.len() {
        let (segments, vertices) = (file.segments.len(), mesh.vertices.len());
        let message =
            format!("{segments} segment indices for a mesh of {vertices} vertices; are they of another mesh?");
        return Err(Unusable::new("segments", message));
    }
    whole(&file.segments).map_err(|wrong| {
        Unusable::new(
            "segments",
            format!("the segment of vertex {wrong} is no whole number: {}", file.segments[wrong].0),
        )
    })
}

/// The annotated objects, each usable or not; the error is for the file as a whole. Codes: `json`, `duplicate`.
pub fn groups(json: &[u8]) -> Result<Vec<Result<SegmentGroup, Unusable>>, Unusable> {
    let shape = "{\"segGroups\": [{\"objectId\": .., \"label\": .., \"segments\": [..]}, ..]}";
    let AggregationFile { .. } = forms::file(json, shape)?;
    let mut used = HashSet::new();
    let group = |json: Vec<u8>| {
        let group = forms::record::<GroupRecord>(&json)?.group()?;
        if !used.insert(group.id) {
            let message = format!("there is an object {} already; the first one is used", group.id);
            return Err(Unusable::new("duplicate", message));
        }
        Ok(group)
    };
    Ok(forms::elements(json, "segGroups")?.into_iter().map(group).collect())
}

impl GroupRecord {
    /// Code: `json`.
    fn group(self) -> Result<SegmentGroup, Unusable> {
        let refused = |message: &str| Unusable::new("json", message);
        // `id` and `objectId` are the same number in one release and differ in another; the latter is what images use.
        let number = |number: Option<Number>| number.filter(|number| number.0.is_finite());
        let id = number(self.object_id).or_else(|| number(Perhaps::given(&self.id).copied()));
        let id = id.ok_or_else(|| refused("it has neither `objectId` nor `id`"))?.whole();
        let id = id.and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| refused("its id is no whole number from 0 on"))?;
        let segments = whole(&self.segments).map_err(|_| refused("one of its `segments` is no whole number"))?;
        Ok(SegmentGroup { id, label: self.label, segments })
    }
}

/// Whole numbers; the error is where there is another.
fn whole(numbers: &[Number]) -> Result<Vec<i64>, usize> {
    numbers.iter().enumerate().map(|(at, number)| number.whole().ok_or(at)).collect()
}

/// The lowest id that no object has although a later one does.
pub fn first_gap(groups: &[SegmentGroup]) -> Option<u32> {
    let ids: BTreeSet<u32> = groups.iter().map(|group| group.id).collect();
    (0..).zip(&ids).find(|(expected, id)| expected != *id).map(|(expected, _)| expected)
}

/// A mesh, taken apart by object.
pub struct Instances {
    /// For each of the groups, its vertices.
    pub vertices: Vec<Vec<u32>>,
    /// For each of the groups, its triangles; then those of no group.
    triangles: Vec<Vec<[u32; 3]>>,
}

impl Instances {
    /// Vertices and triangles of each group. A segment in two groups is the first one's.
    pub fn of(mesh: &Mesh, segments: &[i64], groups: &[SegmentGroup]) -> Self {
        let mut group_of = HashMap::new();
        for (index, group) in groups.iter().enumerate() {
            for segment in &group.segments {
                group_of.entry(*segment).or_insert(index);
            }
        }
        let nobody = groups.len();
        let owners: Vec<usize> =
            segments.iter().map(|segment| group_of.get(segment).copied().unwrap_or(nobody)).collect();
        let mut vertices = vec![Vec::new(); nobody];
        for (vertex, owner) in owners.iter().enumerate() {
            if *owner != nobody {
                vertices[*owner].push(vertex as u32);
            }
        }
        let mut triangles = vec![Vec::new(); nobody + 1];
        for triangle in &mesh.triangles {
            let [a, b, c] = triangle.map(|corner| owners[corner as usize]);
            // Two corners out of three; a triangle between three things is nobody's.
            let owner = if a == b || a == c {
                a
            } else if b == c {
                b
            } else {
                nobody
            };
            triangles[owner].push(*triangle);
        }
        Self { vertices, triangles }
    }

    /// A mesh of which nothing is known but where it is.
    pub fn unknown(mesh: &Mesh) -> Self {
        Self { vertices: Vec::new(), triangles: vec![mesh.triangles.clone()] }
    }

    /// The box of a group: upright, of the least floor area; none without vertices.
    pub fn obb(&self, mesh: &Mesh, group: usize) -> Option<OrientedBox> {
        let points: Vec<Vector3<f64>> =
            self.vertices[group].iter().map(|vertex| mesh.vertices[*vertex as usize]).collect();
        OrientedBox::upright_of(&points)
    }

    /// The triangles of a group (or of nobody, for the number of groups), on vertices of their own.
    pub fn surface(&self, mesh: &Mesh, groups: &[usize]) -> (Vec<f32>, Vec<i32>) {
        let mut places = HashMap::new();
        let mut vertices = Vec::new();
        let mut triangles = Vec::new();
        for triangle in groups.iter().flat_map(|group| &self.triangles[*group]) {
            for corner in triangle {
                let place = *places.entry(*corner).or_insert_with(|| {
                    let vertex = &mesh.vertices[*corner as usize];
                    vertices.extend([vertex.x as f32, vertex.y as f32, vertex.z as f32]);
                    (vertices.len() / 3 - 1) as i32
                });
                triangles.push(place);
            }
        }
        (vertices, triangles)
    }

    /// The index of the triangles of nobody.
    pub fn nobody(&self) -> usize {
        self.triangles.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn grouped(json: &str) -> Vec<Result<SegmentGroup, Cow<'static, str>>> {
        groups(json.as_bytes()).unwrap().into_iter().map(|group| group.map_err(|why| why.code)).collect()
    }

    #[test]
    fn object_id_wins_over_id_and_bad_groups_are_told() {
        let json = r#"{"segGroups": [{"id": 7, "objectId": 3, "label": "chair", "segments": [1]},
            {"id": 4, "label": "bed", "segments": []}, {"id": 3, "label": "x", "segments": [2]},
            {"label": "x", "segments": []}, {"id": 9, "segments": [2]}, 5]}"#;
        let found = grouped(json);
        assert_eq!(found[0].as_ref().map(|group| group.id), Ok(3));
        assert_eq!(found[1].as_ref().map(|group| group.id), Ok(4));
        assert_eq!(
            found[2..].iter().map(|g| g.as_ref().unwrap_err()).collect::<Vec<_>>(),
            ["duplicate", "json", "json", "json"]
        );
        assert_eq!(groups(b"[").unwrap_err().code, "json");
        let forms = br#"{"segGroups": [{"id": "x", "objectId": "0", "label": "a", "segments": [1.0, "2"], "obb": NaN},
            {"id": 1.0, "objectId": null, "label": "b", "segments": []}, {"objectId": NaN, "id": true, "label": "c", "segments": []},
            {"objectId": 2, "label": "d", "segments": [NaN]}, {"objectId": 3, "label": "e", "label": "f", "segments": []},
            {"objectId": 4.5, "label": "g", "segments": []}], "params": Infinity}"#;
        let read = groups(forms).unwrap();
        assert_eq!(read[0], Ok(SegmentGroup { id: 0, label: "a".to_owned(), segments: vec![1, 2] }));
        let codes = read.iter().map(|group| group.as_ref().map_or_else(|why| &*why.code, |group| &group.label));
        assert_eq!(codes.collect::<Vec<_>>(), ["a", "b", "duplicate", "json", "json", "json"]);
        let usable: Vec<SegmentGroup> = found.into_iter().flatten().collect();
        assert_eq!((first_gap(&usable), first_gap(&[])), (Some(0), None));
    }

    #[test]
    fn triangles_go_to_the_object_of_most_corners() {
        let vertices = (0..6).map(|i| Vector3::new(f64::from(i), f64::from(i % 2), 0.0)).collect();
        let mesh = Mesh { vertices, triangles: vec![[0, 1, 2], [1, 2, 3], [2, 3, 4], [0, 3, 5]] };
        let group = |id, segments: &[i64]| SegmentGroup { id, label: String::new(), segments: segments.to_vec() };
        let groups = [group(0, &[10]), group(1, &[20, 10])];
        let instances = Instances::of(&mesh, &[10, 10, 20, 20, 30, 30], &groups);
        assert_eq!(instances.vertices, [vec![0, 1], vec![2, 3]]);
        assert_eq!(instances.triangles, [vec![[0, 1, 2]], vec![[1, 2, 3], [2, 3, 4]], vec![[0, 3, 5]]]);
        assert_eq!(instances.surface(&mesh, &[0]).1, [0, 1, 2]);
        assert_eq!(instances.surface(&mesh, &[1, 2]).0.len(), 3 * 6);
    }
}

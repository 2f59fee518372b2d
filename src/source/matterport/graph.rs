//! A navigation graph of R2R: where the panoramas of a house stand, and between which of them one can walk straight.
//!
//! In goes `<scan>_connectivity.json`, a list of viewpoints; their order is what `unobstructed` counts by. Out come those that are
//! included, and the links between them.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;
use spatialmill_geometry::Rigid;

use crate::source::json::forms::{self, Flag, Number, Numbers, Text};
use crate::tables::Unusable;
use crate::text;

/// What a file says.
#[derive(Debug, Default)]
pub struct NavigationGraph {
    /// Those that are included.
    pub viewpoints: Vec<Viewpoint>,
    /// Indices of viewpoints, and metres.
    pub links: Vec<(usize, usize, f64)>,
    /// Records that cannot be used.
    pub lost: Vec<(String, Unusable)>,
    /// What is odd about links.
    pub odd: Vec<(String, Unusable)>,
}

/// Where a panorama stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewpoint {
    /// Of the panorama.
    pub id: String,
    /// Of the camera that looks along the third side of the skybox; camera axes as OpenCV.
    pub world_from_camera: Rigid,
    /// Of the camera above the floor, metres.
    pub height: Option<f64>,
}

#[derive(Deserialize)]
struct Record {
    image_id: Text,
    pose: Numbers,
    included: Flag,
    unobstructed: Vec<Flag>,
    #[serde(default)]
    height: Option<Number>,
}

impl NavigationGraph {
    /// Reads a file. Code: `json`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        let text = text::decode(bytes).map_err(|why| Unusable::new("json", why))?;
        let listed: Vec<Value> = forms::record(text.as_bytes())
            .map_err(|why| Unusable::new("json", format!("{}; it should be a list of viewpoints", why.message)))?;
        let count = listed.len();
        let mut graph = Self::default();
        // By the place in the list: the viewpoint's index, and which others are in reach.
        let mut reached: Vec<Option<(usize, Vec<Flag>)>> = Vec::with_capacity(count);
        let mut seen = HashSet::new();
        for (at, value) in listed.into_iter().enumerate() {
            let key = value.get("image_id").and_then(Value::as_str).map_or(format!("[{at}]"), str::to_owned);
            let read = match Record::deserialize(value) {
                Ok(record) => record.viewpoint(count),
                Err(e) => Err(Unusable::new("json", e.to_string())),
            };
            reached.push(match read {
                Ok(Some((viewpoint, _))) if !seen.insert(viewpoint.id.clone()) => {
                    graph.lost.push((key, Unusable::new("duplicate", "the viewpoint is listed twice")));
                    None
                }
                Ok(Some((viewpoint, unobstructed))) => {
                    graph.viewpoints.push(viewpoint);
                    Some((graph.viewpoints.len() - 1, unobstructed))
                }
                // Not included: it overlaps another one.
                Ok(None) => None,
                Err(why) => {
                    graph.lost.push((key, why));
                    None
                }
            });
        }
        graph.link(&reached);
        Ok(graph)
    }

    fn link(&mut self, reached: &[Option<(usize, Vec<Flag>)>]) {
        let leads = |from: usize, to: usize| {
            let (_, unobstructed) = reached[from].as_ref()?;
            unobstructed.get(to)?.0.filter(|leads| *leads)
        };
        let place = |viewpoint: usize| self.viewpoints[viewpoint].world_from_camera.translation;
        let (mut one_way, mut nowhere, mut links) = (0, 0, Vec::new());
        for (at, from) in reached.iter().enumerate() {
            let Some((from, _)) = from else { continue };
            for (other, to) in reached.iter().enumerate() {
                let Some((to, _)) = to else { continue };
                if leads(at, other).is_none() {
                    continue;
                }
                let length = (place(*to) - place(*from)).norm();
                one_way += usize::from(leads(other, at).is_none());
                if length > 0.0 {
                    links.push((*from, *to, length));
                } else {
                    nowhere += 1;
                }
            }
        }
        self.links = links;
        let mut odd = |count: usize, what: &str| {
            if count > 0 {
                self.odd.push((what.to_owned(), Unusable::new("link", format!("{count} links {what}"))));
            }
        };
        odd(nowhere, "lead from a place to itself and are left out");
        odd(one_way, "lead one way only");
    }
}

impl Record {
    /// The viewpoint, where it is included, with what is in reach of it. Codes: `pose`, `json`.
    fn viewpoint(self, count: usize) -> Result<Option<(Viewpoint, Vec<Flag>)>, Unusable> {
        let included = self.included.0;
        if included == Some(false) {
            return Ok(None);
        }
        if included.is_none() {
            return Err(Unusable::new("json", "`included` is neither true nor false"));
        }
        let Self { image_id: Text(id), pose, unobstructed, height, .. } = self;
        if id.is_empty() || id.contains('/') {
            return Err(Unusable::new("json", "`image_id` is no name of a panorama"));
        }
        if unobstructed.len() != count || unobstructed.iter().any(|flag| flag.0.is_none()) {
            let message = format!("`unobstructed` has {} flags, and there are {count} viewpoints", unobstructed.len());
            return Err(Unusable::new("json", message));
        }
        let refused = |why: String| Unusable::new("pose", why);
        let pose = pose.exactly::<16>().map_err(|why| refused(format!("`pose`: {why}")))?;
        let world_from_camera = Rigid::from_row_major(&pose).map_err(|e| refused(e.to_string()))?;
        Ok(Some((Viewpoint { id, world_from_camera, height: Number::given(height) }, unobstructed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn viewpoint(id: &str, included: bool, x: f64, unobstructed: &[bool]) -> Value {
        let pose = [1.0, 0.0, 0.0, x, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.0];
        json!({"image_id": id, "pose": pose, "included": included, "visible": [], "unobstructed": unobstructed, "height": 1.5})
    }

    #[test]
    fn links_join_what_is_included_and_lead_somewhere() {
        let file = json!([
            viewpoint("a", true, 0.0, &[false, true, true, true]),
            viewpoint("b", false, 1.0, &[true, false, true, false]),
            viewpoint("c", true, 2.0, &[true, true, false, true]),
            viewpoint("d", true, 2.0, &[false, true, true, false]),
        ]);
        let graph = NavigationGraph::parse(file.to_string().as_bytes()).unwrap();
        assert_eq!(graph.viewpoints.iter().map(|v| v.id.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
        assert_eq!(graph.links, [(0, 1, 2.0), (0, 2, 2.0), (1, 0, 2.0)]);
        let odd: Vec<&str> = graph.odd.iter().map(|(_, why)| why.message.as_str()).collect();
        assert_eq!(odd, ["2 links lead from a place to itself and are left out", "1 links lead one way only"]);
    }

    #[test]
    fn a_bad_viewpoint_costs_itself() {
        let mut short = viewpoint("b", true, 1.0, &[true]);
        short["image_id"] = json!("short");
        let mut skewed = viewpoint("c", true, 1.0, &[true; 4]);
        skewed["pose"][0] = json!(3.0);
        let file = json!([viewpoint("a", true, 0.0, &[false, true, true, true]), short, skewed, {"image_id": "x"}]);
        let graph = NavigationGraph::parse(file.to_string().as_bytes()).unwrap();
        assert_eq!((graph.viewpoints.len(), graph.links.len()), (1, 0));
        let lost: Vec<(&str, &str)> = graph.lost.iter().map(|(key, why)| (key.as_str(), &*why.code)).collect();
        assert_eq!(lost, [("short", "json"), ("c", "pose"), ("x", "json")]);
        assert!(NavigationGraph::parse(b"{}").is_err() && NavigationGraph::parse(b"").is_err());
    }
}

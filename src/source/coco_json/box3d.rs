//! The 3D box of an annotation, in the fields that Omni3D adds to COCO.
//!
//! ```text
//!        4────────5
//!       ╱│       ╱│      `bbox3D_cam`: corners 0-3 are the near face, clockwise from its top left as the object's own front is
//!      0────────1 │      seen; 4-7 the far face likewise. Metres, camera axes: x right, y down, z forward.
//!      │ 7──────│─6
//!      │╱       │╱
//!      3────────2
//! ```
//!
//! What is unavailable is -1 there, number by number.

use serde::Deserialize;
use spatialmill_geometry::{OrientedBox, Vector3};

use crate::source::json::forms::{Flag, Number, Numbers};
use crate::tables::Unusable;

/// The fields. `center_cam`, `dimensions` and `R_cam` say the same as the corners, in an order of their own, and are not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Box3d {
    /// 24 numbers; a single -1 where there is no 3D box.
    #[serde(rename = "bbox3D_cam")]
    corners: Option<Numbers>,
    /// False where the 3D box cannot be relied on.
    #[serde(rename = "valid3D")]
    valid: Flag,
    /// Left, top, right, bottom, as a person drew it.
    #[serde(rename = "bbox2D_tight")]
    tight: Option<Numbers>,
    /// The projected 3D box, cut at the image's border, and before.
    #[serde(rename = "bbox2D_trunc")]
    cut: Option<Numbers>,
    #[serde(rename = "bbox2D_proj")]
    projected: Option<Numbers>,
    /// 0-1: what other things leave of it.
    visibility: Option<Number>,
    /// 0-1: what the image's border takes of it.
    truncation: Option<Number>,
}

/// What stands where a number is not known.
const UNAVAILABLE: f64 = -1.0;

/// A corner may be this far from where a box with right angles has it, relative to the box's diagonal.
const SKEW: f64 = 0.01;

impl Box3d {
    /// The oriented box; its axes point to the right, down and away from the front. Code: `box3d`.
    pub fn obb(&self) -> Result<Option<OrientedBox>, Unusable> {
        let Some(Numbers(numbers)) = self.corners.as_ref().filter(|_| self.valid.0 != Some(false)) else {
            return Ok(None);
        };
        if numbers.len() <= 1 || numbers.iter().all(|number| *number == UNAVAILABLE) {
            return Ok(None);
        }
        let whole = Some(numbers.as_chunks::<3>()).filter(|(_, rest)| rest.is_empty());
        let Some(corners) = whole.and_then(|(corners, _)| <[[f64; 3]; 8]>::try_from(corners).ok()) else {
            let message = format!("`bbox3D_cam` has {} numbers, not eight corners of three", numbers.len());
            return Err(Unusable::new("box3d", message));
        };
        let corners = corners.map(Vector3::from);
        let centre = corners.iter().sum::<Vector3<f64>>() / 8.0;
        let edges = [1, 3, 4].map(|end| corners[end] - corners[0]);
        let lengths = edges.map(|edge| edge.norm());
        let found = OrientedBox { centre, axes: [0, 1, 2].map(|i| edges[i] / lengths[i]), lengths: lengths.into() };
        let found = found.checked().map_err(|e| Unusable::new("box3d", e.to_string()))?;
        // Which of the three edges lead from corner 0 to each of the others.
        let paths = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]];
        let diagonal = Vector3::from(lengths).norm();
        for (i, path) in paths.iter().enumerate() {
            let at = corners[0] + (0..3).map(|k| edges[k] * f64::from(path[k])).sum::<Vector3<f64>>();
            if (at - corners[i]).norm() > SKEW * diagonal {
                return Err(Unusable::new("box3d", format!("corner {i} of `bbox3D_cam` is not where a box has it")));
            }
        }
        Ok(Some(found))
    }

    /// The 2D box as COCO has it: x, y, width, height. The drawn one, else the projected one.
    pub fn in_image(&self) -> Option<[f64; 4]> {
        let given = |corners: &[f64; 4]| corners[2] > corners[0] && corners[3] > corners[1];
        let [x0, y0, x1, y1] = four(&self.tight).filter(given).or(four(&self.cut).filter(given))?;
        Some([x0, y0, x1 - x0, y1 - y0])
    }

    /// How much of the object the image shows, where that is annotated.
    pub fn shown(&self) -> Option<f64> {
        let share = |given| Number::given(given).filter(|share| (0.0..=1.0).contains(share));
        let area = |corners| four(corners).map(|[x0, y0, x1, y1]| (x1 - x0) * (y1 - y0)).filter(|a| *a > 0.0);
        let inside = match (share(self.truncation), area(&self.cut), area(&self.projected)) {
            (Some(truncation), ..) => 1.0 - truncation,
            (None, Some(cut), Some(projected)) => (cut / projected).min(1.0),
            _ => 1.0,
        };
        share(self.visibility).map(|visibility| visibility * inside)
    }
}

fn four(numbers: &Option<Numbers>) -> Option<[f64; 4]> {
    numbers.as_ref().and_then(|numbers| numbers.0[..].try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::json::forms;

    fn check(json: &str) -> Box3d {
        forms::record(json.as_bytes()).unwrap()
    }

    /// Two metres wide, one high and three deep, four metres ahead.
    const BOX: &str = r#""bbox3D_cam": [[-1,0,4],[1,0,4],[1,1,4],[-1,1,4],[-1,0,7],[1,0,7],[1,1,7],[-1,1,7]]"#;

    #[test]
    fn corners_become_an_oriented_box() {
        let obb = check(&format!("{{{BOX}}}")).obb().unwrap().unwrap();
        assert_eq!((obb.centre, obb.lengths), (Vector3::new(0.0, 0.5, 5.5), Vector3::new(2.0, 1.0, 3.0)));
        assert_eq!(obb.axes, [Vector3::x(), Vector3::y(), Vector3::z()]);
    }

    #[test]
    fn what_is_unavailable_or_not_to_be_relied_on_is_no_box() {
        for json in [
            "{}",
            r#"{"bbox3D_cam": -1}"#,
            r#"{"bbox3D_cam": null, "bbox2D_tight": null, "visibility": NaN}"#,
            r#"{"bbox3D_cam": [], "bbox2D_tight": [], "bbox2D_trunc": -1}"#,
            &format!("{{{BOX}, \"valid3D\": false}}"),
            &format!("{{{BOX}, \"valid3D\": 0.0}}"),
        ] {
            assert_eq!(check(json).obb().unwrap(), None, "{json}");
        }
    }

    #[test]
    fn eight_points_that_are_no_box_are_refused() {
        for wrong in [
            ("[1,1,7]", "[1,2,7]"),
            ("[1,0,4]", "[-1,0,4]"),
            ("[-1,1,4]", "[0,0,4]"),
            (",[1,1,7]", ""),
            ("[1,1,7]", "[1,NaN,7]"),
        ] {
            let wrong = BOX.replace(wrong.0, wrong.1);
            assert_eq!(check(&format!("{{{wrong}}}")).obb().unwrap_err().code, "box3d", "{wrong}");
        }
    }

    #[test]
    fn the_drawn_box_goes_before_the_projected_one() {
        let both = r#""bbox2D_trunc": [0, 0, 4, 2], "bbox2D_proj": [-4, 0, 4, 2]"#;
        assert_eq!(
            check(&format!("{{\"bbox2D_tight\": [1, 1, 3, 2], {both}}}")).in_image(),
            Some([1.0, 1.0, 2.0, 1.0])
        );
        let projected =
            check(&format!("{{\"bbox2D_tight\": [-1, -1, -1, -1], \"visibility\": 0.5, \"truncation\": -1, {both}}}"));
        assert_eq!(projected.in_image(), Some([0.0, 0.0, 4.0, 2.0]));
        assert_eq!(projected.shown(), Some(0.25));
        assert_eq!(check(r#"{"visibility": -1, "truncation": 0.5}"#).shown(), None);
    }
}

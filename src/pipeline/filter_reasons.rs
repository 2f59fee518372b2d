//! Filter reasons: every reason that stages count filtered rows under, with what it means and the keys that decide it.
//!
//! `build --help` and what a build says of a small dataset are derived from this list; a test holds it against the queries.

/// A reason, in the words of the query that decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// As it is counted.
    pub name: &'static str,
    /// What it means, with the keys of mill.toml that decide it in parentheses.
    pub doc: &'static str,
}

const fn reason(name: &'static str, doc: &'static str) -> Reason {
    Reason { name, doc }
}

/// Every reason, under a heading that says of what.
pub const REASONS: &[(&str, &[Reason])] = &[
    (
        "detected, captioned",
        &[
            reason("nothing_found", "the model sees nothing in the image that it has a name for"),
            reason("found_twice", "the same place was found before, under this name or another"),
            reason("phrase_*", "what the model calls an object is no short noun phrase, or says where it is"),
            reason("does_not_fit", "the model itself says that the phrase does not fit (verify)"),
        ],
    ),
    (
        "objects",
        &[
            reason("crowd", "the region stands for a group"),
            reason("no_depth", "the depth image has no reading there"),
            reason("no_pixels", "its mask has no pixel"),
            reason("too_few_points", "too few readings to make a place in space from"),
            reason("bad_camera", "the camera makes no place in space"),
            reason("no_box3d", "the 3D box is missing or is none"),
            reason("behind_camera", "the 3D box reaches behind the camera"),
        ],
    ),
    (
        "questions, of each object",
        &[
            reason("marked_twice", "another mark of the same object says more of it (same_thing_iou)"),
            reason("damaged_image", "its image cannot be decoded; `quarantine` says why"),
            reason("skipped_category", "its name says nothing, or it has no end (skip_categories)"),
            reason("low_score", "a model is not sure of it, or of its mask (min_score, min_mask_score)"),
            reason("occluded", "too little of it is seen (min_visibility, min_visibility_size)"),
            reason("low_lift_quality", "its place cannot be trusted (min_lift_quality)"),
            reason(
                "low_size_quality",
                "its size cannot be trusted: far away, covered at an end, deeper than three widths, or no mask (min_lift_quality_size, depth_noise)",
            ),
            reason(
                "truncated",
                "the image cuts it off, so its size is not seen, nor, where it was lifted from depth, that it is the farther one",
            ),
        ],
    ),
    (
        "questions, of two objects",
        &[
            reason(
                "ambiguous_margin",
                "too close to call (min_gap_*, min_margin_*, of which depth has larger ones), or a tie",
            ),
            reason("overlapping", "too much of one is where the other is, in space or in the image (max_overlap_*)"),
            reason(
                "gravity_unknown",
                "nobody knows how the camera is tilted, and a tilt would make the other one the higher one (max_unknown_pitch)",
            ),
            reason(
                "image_disagrees",
                "the image shows them in the other order, or does not bear a model's depth out (min_image_gap_depth_model)",
            ),
            reason("seen_aslant", "the wider one is narrower when one stands before it"),
            reason("shape_disagrees", "the larger one is smaller from its broad side"),
        ],
    ),
    (
        "questions, of several objects",
        &[reason(
            "candidates_unclear",
            "one of the objects to be looked for or counted has no place or is unclear in one of these ways",
        )],
    ),
    (
        "dataset, of each question in each of the 19 formats",
        &[
            reason(
                "no_name",
                "a name of its objects fits another object of the image, too, or sounds like the other name",
            ),
            reason("no_box", "too little of an object is inside the image for a box (min_box_side)"),
            reason("no_mask", "an object has no mask, or too small a one (min_mask_pixels)"),
            reason(
                "no_outline",
                "its box is full of other objects, so that without a name nobody knows which is meant (max_box_filled)",
            ),
            reason("no_number", "a number would not stand on its object alone (min_number_room)"),
            reason("not_allowed", "the project does not allow the format (allow)"),
            reason(
                "balanced_out",
                "the mix that `[balance]` wants has less of it, or its words would give the answer away",
            ),
        ],
    ),
];

/// What a reason means, as it is counted: `from_depth/no_depth` where a stage has several files.
pub fn meaning(counted: &str) -> Option<&'static str> {
    let name = counted.rsplit('/').next().unwrap_or(counted);
    let named = |known: &str| known == name || known.strip_suffix('*').is_some_and(|start| name.starts_with(start));
    REASONS.iter().flat_map(|(_, reasons)| reasons.iter()).find(|reason| named(reason.name)).map(|reason| reason.doc)
}

/// All of them, for `--help`.
pub fn help() -> String {
    let mut text = String::from("Why rows are filtered; `doctor --keys` lists the thresholds:\n");
    for (heading, reasons) in REASONS {
        text += &format!("\n  {heading}\n");
        for Reason { name, doc } in *reasons {
            text += &format!("    {name:<20}  {doc}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn every_reason_of_the_queries_is_explained() {
        let project = Project::in_memory();
        let judging = ["3_objects", "4_relations", "7_balance"];
        let queries =
            project.queries().iter().filter(|(path, _)| judging.iter().any(|folder| path.starts_with(folder)));
        for (path, text) in queries.filter(|(path, _)| path.ends_with(".sql")) {
            for reason in text.split("THEN '").skip(1).filter_map(|rest| rest.split_once('\'')) {
                assert!(meaning(reason.0).is_some(), "{} of {path} is not explained", reason.0);
            }
        }
    }

    #[test]
    fn reasons_are_found_as_they_are_counted() {
        assert_eq!(meaning("from_depth/crowd"), Some("the region stands for a group"));
        assert!(meaning("phrase_too_long").is_some() && meaning("weather").is_none());
        assert!(help().contains("\n    occluded              too little of it is seen"));
    }
}

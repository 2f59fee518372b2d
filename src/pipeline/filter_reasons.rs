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
            reason(
                "too_few_points",
                "too few readings to make a place in space from (lift_min_readings, lift_min_points)",
            ),
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
        "questions about a scene",
        &[
            reason("not_single", "several objects of the scene are of its category"),
            reason("too_small", "its longest side is too short (min_object_size)"),
            reason(
                "outlier_size",
                "it is much larger or smaller than others of its category in the source: segmented with something else, in part, or misnamed (min_outlier_objects, max_size_ratio, max_size_spread, max_outlier_share)",
            ),
            reason(
                "not_seen",
                "no image of the question shows enough of it (min_sighting_share, min_sighting_pixels, min_sighting_visible, min_sighting_whole)",
            ),
            reason(
                "seen_in_part",
                "no image of the question shows as much of it as a name or a size needs (min_named_visible, min_named_inside, min_measured_visible, min_measured_inside)",
            ),
            reason(
                "not_together",
                "no image shows the objects together, and they stand in different rooms (min_far_distance_share)",
            ),
            reason("not_metric", "the scale of the scene's world is not known"),
            reason(
                "too_near",
                "objects are too close together (min_distance, min_relative_distance, min_stand_distance)",
            ),
            reason("too_far", "objects are too far apart (max_distance, max_direction_distance)"),
            reason(
                "definitions_disagree",
                "boxes say another distance or size than surfaces, or than a box that is laid otherwise (max_box_error, max_size_disagreement)",
            ),
            reason("near_boundary", "the direction is close to another one (min_direction_margin)"),
            reason("corners_elsewhere", "a part of the object is in another direction"),
            reason(
                "category_unclear",
                "another category of the scene is more special or more general: chair and office chair",
            ),
            reason("too_many", "there are too many to count (max_count)"),
            reason(
                "counted_twice",
                "two boxes of the category are in one place: one object was annotated twice, or in parts",
            ),
            reason("not_all_seen", "the images that a question may show do not show all that it asks about"),
            reason(
                "too_few_frames",
                "the scan has too few frames a second to say when an object appears (min_appearance_rate)",
            ),
            reason("tie_in_time", "two objects appear at nearly the same time (min_appearance_gap)"),
            reason("appears_slowly", "an object creeps into view, so that people would not agree when it appears"),
            reason(
                "symmetric",
                "the object looks the same after another turn, or nobody says that it does not (round_categories)",
            ),
            reason("seen_from_above", "a camera looks down on the object, or up at it, by more than 50 degrees"),
            reason("elevations_differ", "the cameras look at the object from different heights (max_elevation_change)"),
            reason("too_small_turn", "the object hardly seems to turn (min_rotation)"),
            reason("half_turn", "the object seems to turn by about half a turn, which has no side (max_rotation)"),
            reason("no_floor", "neither the source nor surfaces say how large or how high the floor is"),
            reason("incomplete_scan", "the scan has few points on the floor, or in several parts"),
            reason(
                "one_sided",
                "not each of the objects to choose from is the closest one to something, so that their names would tell which is",
            ),
            reason("no_landmarks", "the scene has fewer than two objects that a text can name"),
            reason("nowhere_to_walk", "the scan shows no floor, or none that is wide enough (walk_clearance)"),
            reason("straight_route", "the way between two landmarks has no turn"),
            reason(
                "too_many_turns",
                "the way between two landmarks has more than three turns, or four over a navigation graph",
            ),
            reason(
                "unclear_turn",
                "two people would not agree which way a turn of the route goes, or whether it is one",
            ),
            reason(
                "blocked_leg",
                "something stands in the way of a straight leg of the route: the way goes round it in small turns",
            ),
            reason("detour", "the straight legs of the route are much longer than the way itself (max_detour)"),
            reason(
                "no_corner_landmark",
                "no landmark stands beside a turn of the route, or beside a stop of a plan over a navigation graph so that photos from there show it (corner_reach, waypoint_reach, max_waypoint_offset)",
            ),
            reason(
                "short_leg",
                "two turns of the route, or two of its landmarks, are close to each other (min_route_leg)",
            ),
            reason(
                "landmark_elsewhere",
                "the landmark at the end of a straight leg lies in another direction (max_landmark_offset)",
            ),
            reason("stairs", "the floor rises or falls on the way over a navigation graph (max_route_rise)"),
            reason("too_many_views", "it needs more images than a question shows (views_per_question)"),
            reason("same_ends", "a shorter plan leads from the same landmark to the same other one"),
            reason("nothing_faced", "at the start no landmark lies ahead, behind, or at a right angle to the way"),
            reason("enough_of_scene", "the scene has enough questions of the task (questions_per_scene_task)"),
        ],
    ),
    (
        "questions about two images of a scene",
        &[
            reason("no_occlusion_evidence", "neither surfaces nor depth say what the two images show both"),
            reason("little_overlap", "they show too little of the same (min_pair_overlap, min_point_overlap)"),
            reason("nothing_in_common", "no object is in what the two images show both"),
            reason("much_overlap", "they show nearly the same (max_pair_overlap)"),
            reason("no_motion", "the pose of one of them is none"),
            reason("hardly_moved", "the camera moved too little that way (min_camera_move)"),
            reason("mostly_vertical", "the camera moved up or down more than along the floor"),
            reason("hardly_turned", "the camera turned too little to a side (min_camera_turn)"),
            reason("tilted", "the camera, or the object that is asked about, turned up or down as well"),
            reason("partly_seen", "one of them shows a little of the object"),
            reason(
                "not_exhaustive",
                "not every object of the scene is marked, so that another one may be in the image",
            ),
            reason("few_candidates", "the second image shows too few other objects, or points, apart from each other"),
        ],
    ),
    (
        "questions about lengths in one image",
        &[
            reason("estimated_depth", "a model estimated how far away things are"),
            reason(
                "hidden_side",
                "the side that counts is turned away (min_side_angle), or may be, where the object was lifted from depth",
            ),
            reason("enough_of_frame", "the image has enough questions of the task (metric_questions_per_frame)"),
        ],
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
            reason(
                "no_distractors",
                "too few values are far enough from the right one and from each other (option_gap_*)",
            ),
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
        let mut found = 0;
        for (path, text) in project.queries().iter().filter(|(path, _)| path.ends_with(".sql")) {
            for case in text.match_indices("END AS ").filter(|(at, _)| {
                let name = text[at + "END AS ".len()..].split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
                name.is_some_and(|name| name == "filtered" || name.ends_with("reason"))
            }) {
                for reason in case_before(text, case.0).split("THEN '").skip(1).filter_map(|rest| rest.split_once('\''))
                {
                    assert!(meaning(reason.0).is_some(), "{} of {path} is not explained", reason.0);
                    found += 1;
                }
            }
        }
        assert!(found > 40, "{found} reasons are found");
    }

    /// The text of the CASE that ends at `end`, with those inside it.
    fn case_before(text: &str, end: usize) -> &str {
        let mut open = 1;
        let words = text[..end].rmatch_indices(['C', 'E']).map(|(at, _)| at);
        for at in words {
            let starts = |word: &str| {
                let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let after = text[at..].strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
                before && after
            };
            if starts("END") {
                open += 1;
            } else if starts("CASE") {
                open -= 1;
                if open == 0 {
                    return &text[at..end];
                }
            }
        }
        text
    }

    #[test]
    fn reasons_are_found_as_they_are_counted() {
        assert_eq!(meaning("from_depth/crowd"), Some("the region stands for a group"));
        assert!(meaning("phrase_too_long").is_some() && meaning("weather").is_none());
        assert!(help().contains("\n    occluded              too little of it is seen"));
    }
}

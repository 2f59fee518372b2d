//! Arrow to geometry and back: the SQL functions of spatialmill. It never opens a file or a socket.
//!
//! A function is one [`Function`] in a file of its own and one line in [`FUNCTIONS`]. What registers it, documents it, runs its example and makes
//! stale what was computed with other code is derived from there.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

mod apparent_rotation;
mod arguments;
mod arranged_options;
pub mod balance;
mod box_corners;
mod box_distance;
mod box_iou;
mod box_visibility;
mod camera_motion;
mod covering_frames;
mod debias_names;
mod dice;
mod distance_to_box;
mod draw;
mod first_missing;
mod floor_area;
mod floor_routes;
mod footprint_overlap;
pub mod format;
mod format_allowed;
mod format_turns;
mod function;
mod graph_routes;
mod heading;
mod id_hash;
mod key;
mod label_points;
mod lists;
mod marks;
mod names;
pub mod nouns;
mod number_options;
mod number_struct;
mod orbit_position;
mod overlaps;
mod pair_sampling_rate;
pub mod phrases;
mod polygon_area;
mod record;
mod relate;
mod relate_tilted;
mod relative_direction;
pub mod reserved;
mod route_legs;
mod slots;
mod surface_distances;
mod text_map;
mod to_view_space;
pub mod types;
mod upright_box;
mod value_options;
mod value_text;
mod wording;
mod yaw_and_tilt;

pub use arguments::Arguments;
pub use function::{Call, Cost, Example, Function, FunctionDoc};
pub use lists::{Lists, lists_of};
pub use record::{Record, Shape};

use phrases::Phrases;

/// All SQL functions of this crate.
pub const FUNCTIONS: &[Function] = &[
    label_points::LABEL_POINTS,
    box_visibility::BOX_VISIBILITY,
    format_allowed::FORMAT_ALLOWED,
    format_turns::FORMAT_TURNS,
    first_missing::FIRST_MISSING,
    marks::ASSIGN_MARKS,
    marks::UNMARKED,
    marks::DRAWN_MARKS,
    marks::NAMED_BOXES,
    overlaps::OVERLAPS,
    to_view_space::TO_VIEW_SPACE,
    relate::RELATE,
    relate_tilted::RELATE_TILTED,
    box_distance::BOX_DISTANCE,
    box_iou::BOX_IOU,
    distance_to_box::DISTANCE_TO_BOX,
    surface_distances::SURFACE_DISTANCES,
    footprint_overlap::FOOTPRINT_OVERLAP,
    box_corners::BOX_CORNERS,
    upright_box::UPRIGHT_BOX,
    floor_area::FLOOR_AREA,
    polygon_area::POLYGON_AREA,
    relative_direction::RELATIVE_DIRECTION,
    camera_motion::CAMERA_MOTION,
    heading::HEADING,
    yaw_and_tilt::YAW_AND_TILT,
    orbit_position::ORBIT_POSITION,
    apparent_rotation::APPARENT_ROTATION,
    covering_frames::COVERING_FRAMES,
    route_legs::ROUTE_LEGS,
    floor_routes::FLOOR_ROUTES,
    graph_routes::GRAPH_ROUTES,
    balance::BALANCE,
    debias_names::DEBIAS_NAMES,
    number_options::NUMBER_OPTIONS,
    arranged_options::ARRANGED_OPTIONS,
    value_options::VALUE_OPTIONS,
    value_text::VALUE_TEXT,
    pair_sampling_rate::PAIR_SAMPLING_RATE,
    slots::OBJECT_SLOT,
    slots::CATEGORY_SLOT,
    slots::VALUE_SLOT,
    slots::IMAGE_SLOT,
    slots::DIRECTION_SLOT,
    slots::LIST_SLOT,
    draw::DRAW,
    id_hash::ID_HASH,
    names::NOUN_PHRASE,
    names::PLURAL,
    names::A_AN,
    names::IS_ARE,
    names::COUNTABLE,
    wording::TEMPLATE,
    wording::WORDING,
    wording::OPPOSITE,
    wording::RELATION_IN_TURN,
    wording::TOPIC,
];

/// What a session registers; without phrases, all but the functions over phrases.
pub fn scalar_functions(phrases: Option<&Arc<Phrases>>) -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().filter_map(move |function| function.scalar(phrases))
}

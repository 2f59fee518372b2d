//! Routes through a scene and the turns along them: over the viewpoints of a navigation graph ([`RouteGraph`], [`Planner`]), or over the free floor of a
//! scan ([`FloorMap`]), both on the ground plan of a world whose z axis points up.
//!
//! ```text
//! R2R's viewpoints ─ shortest path ──────────► points ─ merge what is nearly straight ─► legs, turns ─► actions
//! triangles ─► floor map ─ A*, string pulling ─►
//! ```
//!
//! A bearing is clockwise from +y and a turn is positive to the right, as in R2R.

mod corner_landmarks;
mod floor_map;
mod floor_path;
mod graph;
mod graph_plan;
mod legs;

pub use corner_landmarks::corner_landmarks;
pub use floor_map::{FloorMap, FloorMapRules};
pub use floor_path::{FloorPath, PathRules, PathTurn};
pub use graph::{GraphPath, RouteGraph};
pub use graph_plan::{GraphPlan, PlanFault, PlanObject, PlanPlace, PlanRules, Planner};
pub use legs::{Leg, TurnAction, TurnRules, legs};

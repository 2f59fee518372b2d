//! Planes to a JPEG that is encoded in cells, so that drawings of one picture share the cells that no ink falls on.
//!
//! ```text
//!   drawing 1, a box      drawing 2, a number      a cell is 16 rows of some blocks; a restart marker ends it,
//!   . # # . .             . . . . .                so its bytes depend on its own pixels only
//!   . # # . .             . . . n .
//!   . . . . .             . . . . .                drawing 2 encodes `n` and the `#` without their ink,
//!                                                  all else is the bytes of drawing 1
//! ```
//!
//! In: a canvas. Out: a baseline file, the same whether its cells were encoded together, apart or long ago. The encoder
//! is the crate `jpeg-encoder`; here its scans are cut at the markers and put together in another order. Markers take
//! some 1 % of the file.

mod cells;
mod grid;

pub use cells::{Cells, EncodeError};
pub use grid::Grid;

/// Of 100. Above, files grow much faster than they get better; below, marks get rims.
pub const QUALITY: u8 = 90;

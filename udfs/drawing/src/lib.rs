//! What is drawn on an image: bytes and marks in, JPEG bytes out. No files, no Arrow, no clock, no randomness.
//!
//! ```text
//! bytes ─► decode ─► planes ──────────► mean_colour
//!                       │
//!            marks ─► canvas ─► jpeg ─► bytes
//! ```
//!
//! Pixels are kept as JPEG has them, as brightness and, at half the size each way, colour: most images come as that and
//! all leave as that, so nothing is converted on the way. Positions are pixel floats from the stored picture's top-left
//! corner, x right and y down; the orientation that a camera noted in the file is not applied, because boxes and masks
//! are in the stored grid. Who wants another grid asks for the file [`turned`] first; who passes a file on, for one
//! [`without_orientation`], because not every loader disregards the note, and only where it has no [`oddity`].
//!
//! ```
//! use spatialmill_drawing::{Mark, Picture};
//! use spatialmill_geometry::PixelBox;
//! use spatialmill_geometry::colour::Colour;
//!
//! # let mut png = std::io::Cursor::new(Vec::new());
//! # image::RgbImage::from_pixel(640, 480, image::Rgb([90, 110, 80])).write_to(&mut png, image::ImageFormat::Png)?;
//! # let png = png.into_inner();
//! let picture = Picture::decode(&png)?;
//! let area = PixelBox { x0: 100.0, y0: 80.0, x1: 300.0, y1: 240.0 };
//! let red = Colour::named("red").unwrap();
//! let jpeg = picture.drawn(&[
//!     Mark::Box { area, colour: red },
//!     Mark::Number { number: 2, x: 200.0, y: 160.0, room: 40.0, colour: red },
//! ])?;
//! let marked = Picture::decode(&jpeg)?;
//! assert_eq!((marked.width(), marked.height()), (640, 480));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod board;
mod canvas;
mod decode;
mod jpeg;
mod mark;
mod oddity;
mod orientation;
mod picture;
mod planes;
mod rows;
mod text;
mod turn;

pub use board::{Board, BoardError, Line};
pub use decode::{DecodeError, MAX_BYTES_DECODED, MAX_SIDE, decode_rgb};
pub use jpeg::{EncodeError, QUALITY};
pub use mark::{Mark, MarkError};
pub use oddity::oddity;
pub use orientation::without_orientation;
pub use picture::{DrawError, Picture, Region};
pub use text::{cut, width};
pub use turn::{TurnError, turned};

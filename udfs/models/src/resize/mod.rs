//! Pictures at another size, each way just as the library does it that networks were trained with.
//!
//! | | as | what |
//! |---|---|---|
//! | [`linear`] | OpenCV's `INTER_LINEAR` | between the two nearest pixels along each axis, in bytes |
//! | [`antialiased`] | Pillow's `BILINEAR` | the same when the picture grows; when it shrinks, every pixel counts |
//! | [`sampled`] | torchvision's, or OpenCV's `INTER_CUBIC` | in floats, with a kernel to choose |
//!
//! The picture's corners stay where they are: the centre of pixel `i` of `n` lies at `(i + ½) / n` of a side, before and after.
//! Bytes come out bit for bit as from those libraries (`tests/oracle/models.py` compares); floats within their rounding.

mod antialiased;
mod linear;
mod sampled;
mod taps;

pub use antialiased::antialiased;
pub use linear::linear;
pub use sampled::sampled;
pub use taps::Kernel;

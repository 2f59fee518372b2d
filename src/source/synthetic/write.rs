//! Writing: the files of a frame below the source's root.

use spatialmill_geometry::{Intrinsics, Rigid};

use super::render::Rendering;
use crate::error::{Context, Result};
use crate::source::local_folder::LocalFolder;

/// Where the images of a frame are, relative to the root.
pub struct RoomFiles {
    pub colour: String,
    pub depth: String,
    /// SHA-256 of the depth image.
    pub depth_sha256: String,
}

/// Compression that keeps edges sharp.
const JPEG_QUALITY: u8 = 93;

/// Writes the images and the camera of a room's frame `n`.
pub fn frame(
    folder: &LocalFolder,
    room: &str,
    n: usize,
    picture: &Rendering,
    intrinsics: &Intrinsics,
    pose: &Rigid,
) -> Result<RoomFiles> {
    let (colour, depth) = (format!("{room}/color/{n:04}.jpg"), format!("{room}/depth/{n:04}.png"));
    let Intrinsics { fx, fy, cx, cy } = intrinsics;
    let camera = format!("{fx} 0 {cx} 0\n0 {fy} {cy} 0\n0 0 1 0\n0 0 0 1\n");
    let pose: String = pose
        .to_row_major()
        .chunks(4)
        .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(" ") + "\n")
        .collect();
    let (width, height) = (picture.width as u32, picture.height as u32);
    folder.put(&format!("{room}/intrinsics.txt"), camera.as_bytes())?;
    folder.put(&format!("{room}/pose/{n:04}.txt"), pose.as_bytes())?;
    folder.put_grey16(&format!("{room}/instance/{n:04}.png"), width, height, &picture.instance)?;
    let depth_sha256 = folder.put_grey16(&depth, width, height, &picture.depth_mm)?;
    folder.put(&colour, &jpeg(picture)?)?;
    Ok(RoomFiles { colour, depth, depth_sha256 })
}

fn jpeg(picture: &Rendering) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Sides are at most 4096 by the options' check.
    let (width, height) = (picture.width as u16, picture.height as u16);
    jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY)
        .encode(&picture.colour, width, height, jpeg_encoder::ColorType::Rgb)
        .or_internal(|| "a rendered picture cannot be encoded as JPEG".to_owned())?;
    Ok(bytes)
}

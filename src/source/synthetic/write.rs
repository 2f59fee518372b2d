//! Writing: the files of a frame below the source's root. A file appears whole or not at all, and one that is there already
//! with the same bytes is left alone, so that reading a shard again costs no writes and changes no modification time.

use std::path::PathBuf;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use spatialmill_geometry::{Intrinsics, Rigid};

use super::render::Picture;
use crate::error::{Context, Error, Result};
use crate::source::root::Root;

/// The root as a folder that can be written to.
pub struct Folder {
    path: PathBuf,
}

/// Where the images of a frame are, relative to the root.
pub struct Files {
    pub colour: String,
    pub depth: String,
}

/// Compression that keeps edges sharp.
const JPEG_QUALITY: u8 = 93;

impl Folder {
    /// The folder of a local root.
    pub fn of(root: &Root) -> Result<Self> {
        let url: url::Url = root.to_string().parse().or_internal(|| "a root without a URL".to_owned())?;
        let path = url.to_file_path().map_err(|()| {
            Error::usage("rooms can be made in a folder on this machine only")
                .with("root", &url)
                .hint("give the synthetic source a local `root`; the warehouse may still be in a bucket")
        })?;
        Ok(Self { path })
    }

    /// Writes the images and the camera of one frame.
    pub fn put_frame(
        &self,
        room: &str,
        n: usize,
        picture: &Picture,
        intrinsics: &Intrinsics,
        pose: &Rigid,
    ) -> Result<Files> {
        let files = Files { colour: format!("{room}/color/{n:04}.jpg"), depth: format!("{room}/depth/{n:04}.png") };
        let Intrinsics { fx, fy, cx, cy } = intrinsics;
        let camera = format!("{fx} 0 {cx} 0\n0 {fy} {cy} 0\n0 0 1 0\n0 0 0 1\n");
        let pose: String = super::row_major(pose)
            .chunks(4)
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(" ") + "\n")
            .collect();
        self.put(&format!("{room}/intrinsic.txt"), camera.as_bytes())?;
        self.put(&format!("{room}/pose/{n:04}.txt"), pose.as_bytes())?;
        self.put(&format!("{room}/instance/{n:04}.png"), &png(picture, &picture.instance)?)?;
        self.put(&files.depth, &png(picture, &picture.depth_mm)?)?;
        self.put(&files.colour, &jpeg(picture)?)?;
        Ok(files)
    }

    fn put(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(relative);
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let failed = || format!("cannot write `{}`", path.display());
        let folder = path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder).or_input(failed)?;
        // Written beside its place and then moved there, so that nobody ever reads half of it.
        let mut file = tempfile::NamedTempFile::new_in(folder).or_input(failed)?;
        std::io::Write::write_all(&mut file, bytes).or_input(failed)?;
        make_readable(file.as_file()).or_input(failed)?;
        file.persist(&path).or_input(failed)?;
        Ok(())
    }
}

/// Temporary files are for their owner alone; images are data like any other.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

fn jpeg(picture: &Picture) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Sides are at most 4096 by the options' check.
    let (width, height) = (picture.width as u16, picture.height as u16);
    jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY)
        .encode(&picture.colour, width, height, jpeg_encoder::ColorType::Rgb)
        .or_internal(|| "a rendered picture cannot be encoded as JPEG".to_owned())?;
    Ok(bytes)
}

fn png(picture: &Picture, samples: &[u16]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let native: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up)
        .write_image(&native, picture.width as u32, picture.height as u32, ExtendedColorType::L16)
        .or_internal(|| "a rendered picture cannot be encoded as PNG".to_owned())?;
    Ok(bytes)
}

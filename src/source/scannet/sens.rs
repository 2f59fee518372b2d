//! Recordings: the `.sens` file of a scan, read front to back, and taken apart into photos, depth and poses in files of their
//! own, because a photo needs a URL.
//!
//! Version 4, little-endian: a header with cameras and sizes, then frames of pose, times, colour and depth bytes. Sizes inside
//! are believed only as far as the file has bytes left.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::error::Result;
use crate::source::RowSink;
use crate::source::local_folder::LocalFolder;
use crate::source::photo::{MAX_BYTES, MAX_SIDE};
use crate::tables::Unusable;

/// A recording that is being read.
pub struct Sens<R> {
    from: Counted<R>,
    pub header: Header,
    /// Frames still to come.
    left: u64,
}

/// What is known before the first frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// 4 x 4, row by row.
    pub colour_camera: [f32; 16],
    /// 4 x 4, row by row.
    pub depth_camera: [f32; 16],
    pub colour: ColourCodec,
    pub depth: DepthCodec,
    /// Of the photos that the camera is of.
    pub colour_size: [u32; 2],
    pub depth_width: u32,
    pub depth_height: u32,
    /// Stored units in a metre.
    pub depth_shift: f32,
    pub frames: u64,
}

/// How photos are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourCodec {
    Png,
    Jpeg,
}

/// How depth is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DepthCodec {
    Raw,
    Zlib,
    /// None, or in a format of one vendor's that nobody else can read.
    Unreadable,
}

/// One frame, still packed.
#[derive(Debug, Clone, PartialEq)]
pub struct SensFrame {
    /// Camera to world, row by row.
    pub pose: [f32; 16],
    pub colour: Vec<u8>,
    pub depth: Vec<u8>,
}

impl<R: Read> Sens<R> {
    /// Reads the header of a file of `size` bytes. Code: `sens`.
    pub fn open(from: R, size: u64) -> Result<Self, Unusable> {
        let mut from = Counted { from, left: size };
        let header = from.header().map_err(|e| damaged("its header", &e))?;
        let left = header.frames;
        Ok(Self { from, header, left })
    }

    /// The next frame, unpacked only where it is wanted; none after the last. Nothing can be read after an error.
    pub fn next(&mut self, wanted: bool) -> Result<Option<SensFrame>, Unusable> {
        if self.left == 0 {
            return Ok(None);
        }
        let number = self.header.frames - self.left;
        match self.from.frame(wanted) {
            Ok(frame) => {
                self.left -= 1;
                Ok(Some(frame))
            }
            Err(e) => {
                let lost = std::mem::take(&mut self.left);
                Err(damaged(&format!("frame {number} (and with it the {lost} from there on)"), &e))
            }
        }
    }
}

impl Header {
    /// Depth in millimetres. Code: `depth`.
    pub fn millimetres(&self, packed: &[u8]) -> Result<Vec<u16>, Unusable> {
        let pixels = self.depth_width as usize * self.depth_height as usize;
        let mut units = Vec::new();
        let unpacked = match self.depth {
            DepthCodec::Raw => packed.take(pixels as u64 * 2 + 1).read_to_end(&mut units),
            DepthCodec::Zlib => ZlibDecoder::new(packed).take(pixels as u64 * 2 + 1).read_to_end(&mut units),
            DepthCodec::Unreadable => return Err(Unusable::new("depth", "depth of this compression cannot be read")),
        };
        unpacked.map_err(|e| Unusable::new("depth", format!("depth cannot be unpacked: {e}")))?;
        if units.len() != pixels * 2 {
            let (width, height) = (self.depth_width, self.depth_height);
            return Err(Unusable::new("depth", format!("{} bytes of depth, not {width}x{height}x2", units.len())));
        }
        let per_metre = f64::from(self.depth_shift);
        let millimetre = |units: &[u8; 2]| {
            let units = u16::from_le_bytes(*units);
            if per_metre == 1000.0 { units } else { (f64::from(units) * 1000.0 / per_metre).round() as u16 }
        };
        Ok(units.as_chunks().0.iter().map(millimetre).collect())
    }
}

/// Writes the chosen frames of a recording as an exported scene: `color/`, `depth/`, `pose/` and `intrinsic/` below `scene`. Returns
/// the names of the frames written. What is damaged goes to quarantine, by `key` and the recording's `path`.
pub fn extract<R: Read>(
    sens: &mut Sens<R>,
    chosen: &[usize],
    folder: &LocalFolder,
    scene: &str,
    path: &str,
    rows: &mut RowSink,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    folder.put(&format!("{scene}/intrinsic/intrinsic_color.txt"), matrix(&sens.header.colour_camera).as_bytes())?;
    folder.put(&format!("{scene}/intrinsic/intrinsic_depth.txt"), matrix(&sens.header.depth_camera).as_bytes())?;
    let [width, height] = sens.header.colour_size;
    folder
        .put(&format!("{scene}/_info.txt"), format!("m_colorWidth = {width}\nm_colorHeight = {height}\n").as_bytes())?;
    let mut chosen = chosen.iter().copied().peekable();
    for number in 0usize.. {
        let wanted = chosen.peek() == Some(&number);
        // Frames after the last that is wanted need not be read, nor be whole.
        if chosen.peek().is_none() {
            break;
        }
        let frame = match sens.next(wanted) {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(why) => {
                rows.refuse(format!("{scene}/{number:06}"), path, why)?;
                break;
            }
        };
        if !wanted {
            continue;
        }
        chosen.next();
        let name = format!("{number:06}");
        let ending = match sens.header.colour {
            ColourCodec::Jpeg => "jpg",
            ColourCodec::Png => "png",
        };
        folder.put(&format!("{scene}/color/{name}.{ending}"), &frame.colour)?;
        folder.put(&format!("{scene}/pose/{name}.txt"), matrix(&frame.pose).as_bytes())?;
        if sens.header.depth != DepthCodec::Unreadable {
            match sens.header.millimetres(&frame.depth) {
                Ok(depth) => {
                    let place = format!("{scene}/depth/{name}.png");
                    folder.put_grey16(&place, sens.header.depth_width, sens.header.depth_height, &depth)?;
                }
                // The photo is good without; what hides what comes from the mesh.
                Err(why) => rows.refuse(format!("{scene}/{name}/depth"), path, why)?,
            }
        }
        names.push(name);
    }
    Ok(names)
}

/// Four lines of four numbers.
fn matrix(numbers: &[f32; 16]) -> String {
    let line = |row: &[f32]| row.iter().map(f32::to_string).collect::<Vec<_>>().join(" ") + "\n";
    numbers.chunks(4).map(line).collect()
}

fn damaged(what: &str, error: &io::Error) -> Unusable {
    Unusable::new("sens", format!("the recording is damaged in {what}: {error}"))
}

/// A reader that knows how many bytes there are.
struct Counted<R> {
    from: R,
    left: u64,
}

impl<R: Read> Counted<R> {
    fn header(&mut self) -> io::Result<Header> {
        let version = self.u32()?;
        if version != 4 {
            return Err(invalid(format!("version {version}; only 4 is known")));
        }
        let name = self.u64()?;
        self.skip(name)?;
        let colour_camera = self.matrix()?;
        let _colour_extrinsic = self.matrix()?;
        let depth_camera = self.matrix()?;
        let _depth_extrinsic = self.matrix()?;
        let colour = match self.u32()? as i32 {
            1 => ColourCodec::Png,
            2 => ColourCodec::Jpeg,
            other => return Err(invalid(format!("photos of compression {other}; PNG (1) and JPEG (2) can be read"))),
        };
        let depth = match self.u32()? as i32 {
            0 => DepthCodec::Raw,
            1 => DepthCodec::Zlib,
            _ => DepthCodec::Unreadable,
        };
        let colour_size = [self.u32()?, self.u32()?];
        let [depth_width, depth_height] = [self.u32()?, self.u32()?];
        let depth_shift = f32::from_le_bytes(self.bytes()?);
        let frames = self.u64()?;
        let sides = 1..=MAX_SIDE;
        if depth != DepthCodec::Unreadable && !(sides.contains(&depth_width) && sides.contains(&depth_height)) {
            return Err(invalid(format!("depth of {depth_width}x{depth_height}; sides must be 1 to {MAX_SIDE}")));
        }
        if depth != DepthCodec::Unreadable && !(1e-3..=1e6).contains(&depth_shift) {
            return Err(invalid(format!("{depth_shift} units of depth in a metre")));
        }
        Ok(Header {
            colour_camera,
            depth_camera,
            colour,
            depth,
            colour_size,
            depth_width,
            depth_height,
            depth_shift,
            frames,
        })
    }

    fn frame(&mut self, wanted: bool) -> io::Result<SensFrame> {
        let pose = self.matrix()?;
        let _times: [u8; 16] = self.bytes()?;
        let (colour, depth) = (self.u64()?, self.u64()?);
        if !wanted {
            self.skip(colour)?;
            self.skip(depth)?;
            return Ok(SensFrame { pose, colour: Vec::new(), depth: Vec::new() });
        }
        Ok(SensFrame { pose, colour: self.block(colour)?, depth: self.block(depth)? })
    }

    fn block(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_BYTES {
            return Err(invalid(format!("an image of {size} bytes")));
        }
        self.take(size)?;
        let mut block = Vec::new();
        if (&mut self.from).take(size).read_to_end(&mut block)? as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(block)
    }

    fn skip(&mut self, size: u64) -> io::Result<()> {
        self.take(size)?;
        if io::copy(&mut (&mut self.from).take(size), &mut io::sink())? != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Counts bytes that are about to be read, and fails where there are not as many.
    fn take(&mut self, size: u64) -> io::Result<()> {
        let left = self.left.checked_sub(size);
        self.left = left.ok_or_else(|| invalid(format!("{size} bytes are promised, and {} are left", self.left)))?;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N as u64)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn matrix(&mut self) -> io::Result<[f32; 16]> {
        let mut numbers = [0.0; 16];
        for number in &mut numbers {
            *number = f32::from_le_bytes(self.bytes()?);
        }
        Ok(numbers)
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

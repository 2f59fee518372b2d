//! The cells of a picture as JPEG has them: encoded on demand, kept when they are without ink, put together to a file.

use std::ops::Range;
use std::sync::OnceLock;

use jpeg_encoder::{Encoder, EncodingError, ImageBuffer, JpegColorType, SamplingFactor};
use thiserror::Error;

use super::{Grid, QUALITY};
use crate::canvas::Canvas;

/// The encoder failed, or wrote what it does not write; both are errors of this program.
#[derive(Debug, Error)]
pub enum EncodeError {
    #[error("the encoder refused a picture that it should take: {0}")]
    Encoder(#[from] EncodingError),
    #[error("the encoder wrote a file without {0}")]
    Layout(&'static str),
}

/// What is kept of a picture between drawings.
#[derive(Debug)]
pub struct Cells {
    /// The bytes of each cell without ink, as far as they were needed.
    plain: Box<[OnceLock<Box<[u8]>>]>,
}

impl Cells {
    pub fn of(grid: Grid) -> Self {
        Self { plain: (0..grid.cells()).map(|_| OnceLock::new()).collect() }
    }

    /// The file of a drawing.
    pub fn file(&self, canvas: &Canvas, grid: Grid) -> Result<Vec<u8>, EncodeError> {
        let scans = self
            .missing(canvas, grid)
            .into_iter()
            .map(|cells| CellScan::encode(canvas, grid, cells))
            .collect::<Result<Vec<_>, _>>()?;
        let mut bytes: Vec<&[u8]> = vec![&[]; grid.cells()];
        for scan in &scans {
            for (cell, part) in scan.cells.clone().zip(&scan.parts) {
                bytes[cell] = &scan.file[part.clone()];
                if !canvas.inked()[cell] {
                    self.plain[cell].get_or_init(|| bytes[cell].into());
                }
            }
        }
        for (cell, bytes) in bytes.iter_mut().enumerate().filter(|(_, bytes)| bytes.is_empty()) {
            *bytes = self.plain[cell].get().ok_or(EncodeError::Layout("a cell"))?;
        }
        let head = match scans.first() {
            Some(scan) => scan.head(canvas)?,
            // Every cell is known, and none has ink: any of them will do for the head of the file.
            None => CellScan::encode(canvas, grid, 0..1)?.head(canvas)?,
        };
        let mut file = Vec::with_capacity(head.len() + bytes.iter().map(|cell| cell.len() + 2).sum::<usize>());
        file.extend(head);
        for (cell, bytes) in bytes.iter().enumerate() {
            if cell > 0 {
                // Restart markers count modulo eight.
                file.extend([0xFF, RESTART + ((cell - 1) % 8) as u8]);
            }
            file.extend_from_slice(bytes);
        }
        file.extend(END);
        Ok(file)
    }

    /// The cells to encode, in runs that are rectangles: parts of one row, or whole rows.
    fn missing(&self, canvas: &Canvas, grid: Grid) -> Vec<Range<usize>> {
        let needed = |cell: &usize| canvas.inked()[*cell] || self.plain[*cell].get().is_none();
        let mut runs: Vec<Range<usize>> = Vec::new();
        for cell in (0..grid.cells()).filter(needed) {
            match runs.last_mut() {
                Some(run) if run.end == cell && cell % grid.columns() != 0 => run.end += 1,
                _ => runs.push(cell..cell + 1),
            }
        }
        runs.dedup_by(|next, run| {
            let whole_rows = run.end == next.start && run.len() % grid.columns() == 0 && next.len() == grid.columns();
            if whole_rows {
                run.end = next.end;
            }
            whole_rows
        });
        runs
    }
}

/// The first restart marker, of eight.
const RESTART: u8 = 0xD0;
const END: [u8; 2] = [0xFF, 0xD9];

/// A run of cells as a file of its own.
struct CellScan {
    cells: Range<usize>,
    file: Vec<u8>,
    /// Where in the file each cell is.
    parts: Vec<Range<usize>>,
}

impl CellScan {
    fn encode(canvas: &Canvas, grid: Grid, cells: Range<usize>) -> Result<Self, EncodeError> {
        let image = CellImage { canvas, grid, cells: cells.clone() };
        // Photos take about a quarter of a byte a pixel.
        let mut file = Vec::with_capacity(1024 + usize::from(image.width()) * usize::from(image.height()) / 4);
        let mut encoder = Encoder::new(&mut file, QUALITY);
        // One value of colour for two by two pixels, as nearly all photos have it.
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        // At most 32,768 / 16.
        encoder.set_restart_interval(grid.blocks() as u16);
        encoder.encode_image(image)?;

        let mut parts = Vec::with_capacity(cells.len());
        let mut start = scan_start(&file)?;
        let end = file.len() - END.len();
        // Inside a scan 0xFF is followed by zero, except in a marker.
        for at in memchr::memchr_iter(0xFF, &file[start..end]).map(|at| start + at).collect::<Vec<_>>() {
            if file[at + 1] != 0 {
                parts.push(start..at);
                start = at + 2;
            }
        }
        parts.push(start..end);
        if parts.len() != cells.len() {
            return Err(EncodeError::Layout("a restart marker after each cell"));
        }
        Ok(Self { cells, file, parts })
    }

    /// All that comes before the first cell, saying the size of the whole picture instead of that of the run.
    fn head(&self, canvas: &Canvas) -> Result<Vec<u8>, EncodeError> {
        let mut head = self.file[..self.parts[0].start].to_vec();
        let at = segment(&head, 0xC0)?;
        let [height, width] = [canvas.height(), canvas.width()].map(|side| (side as u16).to_be_bytes());
        // Marker, length and precision come first.
        head[at + 5..at + 7].copy_from_slice(&height);
        head[at + 7..at + 9].copy_from_slice(&width);
        Ok(head)
    }
}

/// Where the entropy-coded bytes begin: after the start of the scan.
fn scan_start(file: &[u8]) -> Result<usize, EncodeError> {
    let at = segment(file, 0xDA)?;
    let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
    Ok(at + 2 + length)
}

/// Where a segment of the head begins, by its marker.
fn segment(file: &[u8], marker: u8) -> Result<usize, EncodeError> {
    // After the start of the file.
    let mut at = 2;
    while let Some([0xFF, found, high, low]) = file.get(at..at + 4) {
        if *found == marker {
            return Ok(at);
        }
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    Err(EncodeError::Layout("the segments of a baseline file"))
}

/// A run of cells as the encoder wants to see it.
struct CellImage<'a> {
    canvas: &'a Canvas<'a>,
    grid: Grid,
    cells: Range<usize>,
}

impl ImageBuffer for CellImage<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        let columns = self.cells.len().min(self.grid.columns());
        let last = self.grid.area(self.cells.start + columns - 1);
        // A side of a picture is at most 32,768 pixels.
        (last.x.end - self.grid.area(self.cells.start).x.start) as u16
    }

    fn height(&self) -> u16 {
        (self.grid.area(self.cells.end - 1).y.end - self.grid.area(self.cells.start).y.start) as u16
    }

    /// The encoder asks for colour at every pixel and uses that of even columns in even rows; the others get what is
    /// quickest.
    fn fill_buffers(&self, y: u16, [brightness, blue, red, _]: &mut [Vec<u8>; 4]) {
        let y = self.grid.area(self.cells.start).y.start + usize::from(y);
        let row = self.grid.across(0..1, y).start;
        let columns = self.cells.len().min(self.grid.columns());
        let first = row + self.cells.start % self.grid.columns();
        // An odd last row stands in for an even one below it.
        let even = y.is_multiple_of(2) || y + 1 == self.canvas.height();
        for cell in first..first + columns {
            let planes = self.canvas.planes(cell);
            let x = self.grid.area(cell).x;
            brightness.extend_from_slice(&planes.y[y * planes.width + x.start..y * planes.width + x.end]);
            let start = y / 2 * planes.colour_width();
            let colours = start + x.start / 2..start + x.end.div_ceil(2);
            for (plane, buffer) in [(&planes.cb, &mut *blue), (&planes.cr, &mut *red)] {
                let filled = buffer.len();
                buffer.resize(filled + x.len(), 0);
                if even {
                    let (pairs, single) = buffer[filled..].as_chunks_mut::<2>();
                    let colours = &plane[colours.clone()];
                    for (pair, colour) in pairs.iter_mut().zip(colours) {
                        *pair = [*colour; 2];
                    }
                    single.fill(colours[colours.len() - 1]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::Area;
    use crate::planes::{Ink, Planes};

    /// All pixels at once, as the encoder would have it.
    struct Whole<'a>(&'a Planes);

    impl ImageBuffer for Whole<'_> {
        fn get_jpeg_color_type(&self) -> JpegColorType {
            JpegColorType::Ycbcr
        }

        fn width(&self) -> u16 {
            self.0.width as u16
        }

        fn height(&self) -> u16 {
            self.0.height as u16
        }

        fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
            let Planes { width, y: brightness, cb, cr, .. } = self.0;
            let (row, colours) = (usize::from(y) * width, usize::from(y) / 2 * self.0.colour_width());
            for x in 0..*width {
                buffers[0].push(brightness[row + x]);
                buffers[1].push(cb[colours + x / 2]);
                buffers[2].push(cr[colours + x / 2]);
            }
        }
    }

    #[test]
    fn cells_put_together_are_the_file_that_the_encoder_writes_at_once() {
        for (width, height) in [(640, 50), (333, 47), (90, 33), (16, 16), (3, 5), (1, 100)] {
            let colours = halved(width) * halved(height);
            let noise = |length: usize, step: usize| (0..length).map(|k| (k * step % 241) as u8).collect::<Vec<_>>();
            let base =
                Planes { width, height, y: noise(width * height, 7), cb: noise(colours, 31), cr: noise(colours, 13) };
            let grid = Grid::of(width, height);
            let cells = Cells::of(grid);
            // The first drawing has ink in a corner, the next in the middle, the third nowhere, the last everywhere.
            let areas = [
                Area { x: 0..20, y: 0..20 },
                Area { x: width / 2..width / 2 + 1, y: height / 2..height },
                Area { x: 0..0, y: 0..0 },
                Area { x: 0..width, y: 0..height },
            ];
            for area in areas {
                let mut canvas = Canvas::on(&base, grid);
                canvas.paint(area, Ink { y: 10, cb: 240, cr: 90 }, |_, _, row| row.fill(200));
                let mut expected = Vec::new();
                let mut encoder = Encoder::new(&mut expected, QUALITY);
                encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
                encoder.set_restart_interval(grid.blocks() as u16);
                encoder.encode_image(Whole(&canvas.flattened())).unwrap();
                assert!(cells.file(&canvas, grid).unwrap() == expected, "{width} x {height}");
            }
        }
    }

    fn halved(side: usize) -> usize {
        side.div_ceil(2)
    }
}

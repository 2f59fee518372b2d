//! How a picture is cut into cells.

use std::ops::Range;

use crate::canvas::Area;

/// A row of cells is a row of the encoder's blocks; all cells have the same number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    width: usize,
    height: usize,
    /// Blocks of a cell.
    blocks: usize,
    /// Cells in a row.
    columns: usize,
}

/// Pixels of a block's side: eight values of colour, each of two pixels.
const BLOCK: usize = 16;

/// How many blocks a cell has at best: with fewer, markers make the file larger, with more, ink makes more cells its
/// own.
const BEST: usize = 10;

/// No cell has fewer, unless a row has.
const LEAST: usize = 5;

impl Grid {
    pub fn of(width: usize, height: usize) -> Self {
        let across = width.div_ceil(BLOCK);
        // The encoder restarts after a fixed number of blocks, so a row has to be a whole number of cells: closest to
        // the best by ratio, and a prime number of blocks is one cell.
        let off = |blocks: usize| BEST.max(blocks) * 1000 / BEST.min(blocks);
        let blocks = (LEAST..=across).filter(|blocks| across.is_multiple_of(*blocks)).min_by_key(|blocks| off(*blocks));
        let blocks = blocks.unwrap_or(across);
        Self { width, height, blocks, columns: across / blocks }
    }

    /// Blocks of a cell: what the file calls its restart interval.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Cells in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Cells in all, counted row by row.
    pub fn cells(&self) -> usize {
        self.columns * self.height.div_ceil(BLOCK)
    }

    /// The pixels of a cell.
    pub fn area(&self, cell: usize) -> Area {
        let side = self.blocks * BLOCK;
        let (x, y) = (cell % self.columns * side, cell / self.columns * BLOCK);
        Area { x: x..(x + side).min(self.width), y: y..(y + BLOCK).min(self.height) }
    }

    /// The cells of a span of a row of pixels.
    pub fn across(&self, x: Range<usize>, y: usize) -> Range<usize> {
        let (side, first) = (self.blocks * BLOCK, y / BLOCK * self.columns);
        first + x.start / side..first + x.end.div_ceil(side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cover_each_pixel_once() {
        for (width, height) in [(1, 1), (15, 33), (640, 480), (641, 427), (1920, 17), (976, 20), (4000, 16)] {
            let grid = Grid::of(width, height);
            let pixels: usize = (0..grid.cells()).map(|cell| grid.area(cell)).map(|a| a.x.len() * a.y.len()).sum();
            assert_eq!(pixels, width * height, "{width} x {height}");
            for (x, y) in [(0, 0), (width - 1, height - 1), (width / 2, height / 3)] {
                let cells = grid.across(x..x + 1, y);
                assert_eq!(cells.len(), 1);
                let area = grid.area(cells.start);
                assert!(area.x.contains(&x) && area.y.contains(&y), "{x}, {y} in {area:?}");
            }
        }
    }

    #[test]
    fn common_widths_have_cells_of_about_ten_blocks() {
        let blocks = [640, 1920, 1280, 1024, 800, 500].map(|width| Grid::of(width, 16).blocks());
        assert_eq!(blocks, [10, 10, 10, 8, 10, 8]);
    }
}

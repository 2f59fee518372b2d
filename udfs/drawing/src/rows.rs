//! A mask row by row. Masks run down the columns and pictures along the rows; this turns the one into the other at the
//! cost of the outline, not of the area.
//!
//! ```text
//!   . # #      what differs from the column to the left:   row 0: 1 3
//!   . . #                                                  row 1: 2 3      from, to, from, to, ...
//! ```

use std::ops::Range;

use spatialmill_geometry::Mask;

/// The spans of each row, from left to right, apart from each other.
pub struct RowSpans {
    /// The first row that may have any.
    first: usize,
    /// Where each row's edges start, and where the last ones end.
    starts: Vec<usize>,
    /// First pixel, one past the last, and so on.
    edges: Vec<u32>,
}

impl RowSpans {
    pub fn of(mask: &Mask) -> Self {
        let rows = mask.height() as usize;
        let mut counts = vec![0_usize; rows];
        changes(mask, |_, rows| counts[rows].iter_mut().for_each(|count| *count += 1));
        let first = counts.iter().position(|count| *count > 0).unwrap_or(rows);
        let last = counts.iter().rposition(|count| *count > 0).unwrap_or(first);

        let mut starts = Vec::with_capacity(last + 2 - first);
        let mut total = 0;
        for count in counts.get(first..=last).unwrap_or_default() {
            starts.push(total);
            total += count;
        }
        starts.push(total);
        let mut edges = vec![0; total];
        let mut next = starts.clone();
        changes(mask, |x, rows| {
            for next in &mut next[rows.start - first..rows.end - first] {
                edges[*next] = x;
                *next += 1;
            }
        });
        Self { first, starts, edges }
    }

    /// The rows that may have spans.
    pub fn range(&self) -> Range<usize> {
        self.first..self.first + self.starts.len() - 1
    }

    /// The spans of a row; none outside of the range.
    pub fn spans(&self, y: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let row = if self.range().contains(&y) { y - self.first } else { self.starts.len() };
        let edges = match self.starts.get(row..row + 2) {
            Some([start, end]) => &self.edges[*start..*end],
            _ => &[],
        };
        edges.as_chunks::<2>().0.iter().map(|[from, to]| *from as usize..*to as usize)
    }
}

/// Calls `change` with each column and those rows in which it is not what the column to its left is. Columns rise;
/// outside of the picture nothing is in the mask.
fn changes(mask: &Mask, mut change: impl FnMut(u32, Range<usize>)) {
    let height = u64::from(mask.height());
    let (mut left, mut here): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut column = 0;
    let mut next_column = |to: u32, left: &mut Vec<u32>, here: &mut Vec<u32>| {
        while column < to {
            differences(left, here, |rows| change(column, rows));
            std::mem::swap(left, here);
            here.clear();
            column += 1;
            if left.is_empty() {
                // Empty columns differ from nothing.
                column = to;
            }
        }
    };
    let mut at = 0_u64;
    for (index, run) in mask.runs().iter().enumerate() {
        let end = at + u64::from(*run);
        // Odd runs are ones.
        while index % 2 == 1 && at < end {
            // A run goes on at the top of the next column. All fit: sides are u32.
            let (x, bottom) = (at / height, (at / height + 1) * height);
            next_column(x as u32, &mut left, &mut here);
            let stop = end.min(bottom);
            here.extend([(at - x * height) as u32, (stop - x * height) as u32]);
            at = stop;
        }
        at = end;
    }
    // The column after the last one, and the one after that, are empty.
    let width = mask.width();
    next_column(width, &mut left, &mut here);
    differences(&left, &here, |rows| change(width, rows));
}

/// Calls `differ` with the rows that are in one of two columns only; a column is its edges, rising.
fn differences(one: &[u32], other: &[u32], mut differ: impl FnMut(Range<usize>)) {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut from = None;
    loop {
        let at = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if a == b => {
                // Both change, so they go on differing, or agreeing.
                one.next();
                other.next();
                continue;
            }
            (Some(a), Some(b)) if a < b => one.next(),
            (Some(_), None) => one.next(),
            (_, Some(_)) => other.next(),
            (None, None) => return,
        };
        match (from.take(), at) {
            (None, at) => from = at,
            (Some(from), Some(to)) => differ(*from as usize..*to as usize),
            (Some(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_hold_the_pixels_of_the_mask(
            (height, width, bits) in (1_u32..9, 1_u32..9).prop_flat_map(|(height, width)| {
                let pixels = (height * width) as usize;
                (Just(height), Just(width), prop::collection::vec(any::<bool>(), pixels))
            })
        ) {
            let mask = Mask::from_bits(height, width, bits).unwrap();
            let rows = RowSpans::of(&mask);
            let mut found = Vec::new();
            for y in 0..height as usize {
                let spans: Vec<_> = rows.spans(y).collect();
                prop_assert!(spans.iter().all(|span| span.start < span.end));
                prop_assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start));
                found.extend(spans.into_iter().flatten().map(|x| (x as u32, y as u32)));
            }
            found.sort();
            prop_assert_eq!(found, mask.pixels().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_empty_mask_has_no_rows() {
        let rows = RowSpans::of(&Mask::empty(3, 4).unwrap());
        assert!((0..9).all(|y| rows.spans(y).count() == 0));
    }
}

//! Building masks run after run, checked, in the form that [`Mask`] promises.

use super::{MAX_PIXELS, Mask, MaskError};

/// The runs so far; zeros first, and none but the first empty.
pub(super) struct Runs {
    height: u32,
    width: u32,
    covered: u64,
    runs: Vec<u32>,
}

impl Runs {
    pub(super) fn new(height: u32, width: u32) -> Result<Self, MaskError> {
        let pixels = u64::from(height) * u64::from(width);
        if pixels == 0 || pixels > MAX_PIXELS {
            return Err(MaskError::Size { height: height.into(), width: width.into() });
        }
        Ok(Self { height, width, covered: 0, runs: vec![0] })
    }

    /// For a mask of the same size as one that exists.
    pub(super) fn like(mask: &Mask) -> Self {
        Self { height: mask.height, width: mask.width, covered: 0, runs: vec![0] }
    }

    pub(super) fn pixels(&self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }

    /// The next `count` pixels are ones or zeros.
    pub(super) fn push(&mut self, ones: bool, count: u64) -> Result<(), MaskError> {
        let end = self.covered.saturating_add(count);
        if end > self.pixels() {
            return Err(MaskError::Coverage { covered: end, pixels: self.pixels() });
        }
        self.extend_to(ones, end);
        Ok(())
    }

    /// Zeros up to `start`, ones up to `end`.
    pub(super) fn push_span(&mut self, start: u64, end: u64) -> Result<(), MaskError> {
        self.push(false, start.saturating_sub(self.covered))?;
        self.push(true, end.saturating_sub(self.covered))
    }

    /// Ones or zeros up to the pixel `end`, which is at most the picture's; nothing if that is behind already.
    pub(super) fn extend_to(&mut self, ones: bool, end: u64) {
        if end <= self.covered {
            return;
        }
        // Fits: pictures have at most 2^28 pixels.
        let count = (end - self.covered) as u32;
        let last_is_ones = self.runs.len().is_multiple_of(2);
        match self.runs.last_mut() {
            Some(last) if last_is_ones == ones => *last += count,
            _ => self.runs.push(count),
        }
        self.covered = end;
    }

    /// What is left is zeros.
    pub(super) fn complete(mut self) -> Mask {
        self.extend_to(false, self.pixels());
        Mask { height: self.height, width: self.width, runs: self.runs }
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<Mask, MaskError> {
        if self.covered != self.pixels() {
            return Err(MaskError::Coverage { covered: self.covered, pixels: self.pixels() });
        }
        Ok(self.complete())
    }
}

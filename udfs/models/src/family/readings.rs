//! Checks of a depth map: which metres count as readings, and whether enough of the map has one.

use super::DepthMap;
use crate::{InvalidOutput, Size};

/// Which metres are readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Readings {
    /// Nearer ones are none; at least a little above 0.
    pub min_depth_m: f32,
    /// Farther ones are none.
    pub max_depth_m: f32,
    /// Those beyond so many times the 99th percentile are none.
    pub despike: Option<f32>,
    /// The share of a map that must be readings, 0-1.
    pub min_readings: f32,
}

impl Readings {
    /// Where the bounds are none, in words.
    pub(crate) fn check(&self) -> Result<(), super::InvalidModel> {
        let ordered = self.min_depth_m >= 0.0 && self.min_depth_m < self.max_depth_m && self.max_depth_m.is_finite();
        let share = (0.0..=1.0).contains(&self.min_readings);
        let spikes = self.despike.is_none_or(|times| times.is_finite() && times >= 1.0);
        if ordered && share && spikes {
            return Ok(());
        }
        let despike = self.despike.map_or("none".to_owned(), |times| times.to_string());
        Err(super::InvalidModel(format!(
            "a depth needs 0 <= `min_depth_m` < `max_depth_m`, `min_readings` from 0 to 1 and `despike` of at least 1, not {}, {}, {} and {despike}",
            self.min_depth_m, self.max_depth_m, self.min_readings
        )))
    }

    /// The map with 0 where there is no reading.
    pub(crate) fn keep(&self, size: Size, mut metres: Vec<f32>) -> Result<DepthMap, InvalidOutput> {
        let max_m = match self.despike {
            Some(times) => {
                percentile(&metres, 0.99).map_or(self.max_depth_m, |high| self.max_depth_m.min(times * high))
            }
            None => self.max_depth_m,
        };
        let mut readings = 0_usize;
        for metres in &mut metres {
            let reading = *metres > 0.0 && *metres >= self.min_depth_m && *metres <= max_m;
            readings += usize::from(reading);
            *metres = if reading { *metres } else { 0.0 };
        }
        let share = readings as f64 / metres.len().max(1) as f64;
        if readings == 0 || share < f64::from(self.min_readings) {
            let message = format!(
                "{readings} of {} depths lie between {} and {max_m} m, and more than {} of them must",
                metres.len(),
                self.min_depth_m,
                self.min_readings
            );
            return Err(InvalidOutput::new("depth_range", message));
        }
        Ok(DepthMap { size, metres })
    }
}

/// The number that this part of all positive numbers is at most, the lower of two between which it falls; none without any.
fn percentile(numbers: &[f32], part: f64) -> Option<f32> {
    percentile_of_all(&numbers.iter().copied().filter(|number| *number > 0.0).collect::<Vec<f32>>(), part)
}

/// The number that this part of all numbers is at most, the lower of two between which it falls; none without any.
pub(crate) fn percentile_of_all(numbers: &[f32], part: f64) -> Option<f32> {
    if numbers.is_empty() {
        return None;
    }
    let mut numbers = numbers.to_vec();
    let at = (part * (numbers.len() - 1) as f64) as usize;
    Some(*numbers.select_nth_unstable_by(at, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 4, height: 1 };
    const READINGS: Readings = Readings { min_depth_m: 0.5, max_depth_m: 10.0, despike: None, min_readings: 0.5 };

    #[test]
    fn what_lies_outside_is_no_reading() {
        let map = READINGS.keep(SIZE, vec![0.4, 0.5, 10.0, 10.1]).unwrap();
        assert_eq!(map.metres, [0.0, 0.5, 10.0, 0.0]);
    }

    #[test]
    fn too_few_readings_are_poison() {
        let invalid = READINGS.keep(SIZE, vec![0.0, -1.0, 11.0, 5.0]).unwrap_err();
        assert_eq!(invalid.code, "depth_range");
        let none_needed = Readings { min_readings: 0.0, ..READINGS };
        assert!(none_needed.keep(SIZE, vec![0.0; 4]).is_err());
        assert!(none_needed.keep(SIZE, vec![0.0, 0.0, 0.0, 1.0]).is_ok());
    }

    #[test]
    fn spikes_go() {
        let mut metres = vec![2.0; 200];
        metres[0] = 9.0;
        let despiked = Readings { despike: Some(2.0), ..READINGS };
        let map = despiked.keep(Size { width: 200, height: 1 }, metres.clone()).unwrap();
        assert_eq!((map.metres[0], map.metres[1]), (0.0, 2.0));
        assert_eq!(READINGS.keep(Size { width: 200, height: 1 }, metres).unwrap().metres[0], 9.0);
    }

    #[test]
    fn percentiles_take_the_lower() {
        let numbers = [4.0, 1.0, -7.0, 3.0, 0.0, 2.0];
        assert_eq!(percentile(&numbers, 0.0), Some(1.0));
        assert_eq!(percentile(&numbers, 0.99), Some(3.0));
        assert_eq!(percentile(&numbers, 1.0), Some(4.0));
        assert_eq!(percentile(&[0.0], 0.5), None);
    }
}

//! Masks against their bits: each operation on runs is repeated pixel by pixel.

use super::*;
use proptest::prelude::*;

/// Height, width and one bit per pixel, column by column, in long enough runs to be worth coding.
fn bits() -> impl Strategy<Value = (u32, u32, Vec<bool>)> {
    (1..24_u32, 1..24_u32).prop_flat_map(|(height, width)| {
        let pixels = (height * width) as usize;
        let stripes = prop::collection::vec((any::<bool>(), 1..40_usize), pixels);
        stripes.prop_map(move |stripes| {
            let bits = stripes.into_iter().flat_map(|(bit, n)| std::iter::repeat_n(bit, n)).take(pixels).collect();
            (height, width, bits)
        })
    })
}

fn two_bits() -> impl Strategy<Value = (u32, u32, Vec<bool>, Vec<bool>)> {
    bits().prop_flat_map(|(height, width, a)| {
        let b = prop::collection::vec(any::<bool>(), a.len());
        (Just(height), Just(width), Just(a), b)
    })
}

fn unpack(mask: &Mask) -> Vec<bool> {
    mask.runs.iter().enumerate().flat_map(|(i, &n)| std::iter::repeat_n(i % 2 == 1, n as usize)).collect()
}

/// What pycocotools encodes; made with `pycocotools.mask.encode`.
#[test]
fn writes_what_pycocotools_writes() {
    let mask = Mask::from_bits(7, 1, [1, 1, 1, 1, 1, 1, 0].map(|bit| bit == 1)).unwrap();
    assert_eq!(mask.to_counts(), "061");
    let mask = Mask::from_runs(100, 200, [4040, 20, 80, 20, 80, 20, 15740]).unwrap();
    assert_eq!(Mask::from_counts(100, 200, &mask.to_counts()), Ok(mask));
}

#[test]
fn refuses_bad_strings() {
    let decode = |counts: &str| Mask::from_counts(10, 10, counts);
    assert_eq!(decode(""), Err(MaskError::Coverage { covered: 0, pixels: 100 }));
    assert_eq!(decode("5"), Err(MaskError::Coverage { covered: 5, pixels: 100 }));
    assert!(matches!(decode("PPPPPPPPPPPP"), Err(MaskError::Character { at: 6 })));
    assert!(matches!(decode("P"), Err(MaskError::Character { at: 1 })));
    assert!(matches!(decode("12\u{7f}"), Err(MaskError::Character { at: 2 })));
    assert!(matches!(decode(" "), Err(MaskError::Character { at: 0 })));
    assert!(matches!(decode("O"), Err(MaskError::Run { run: 0 })), "a negative count");
    assert!(matches!(decode("oooooo0"), Err(MaskError::Run { .. } | MaskError::Coverage { .. })));
    assert!(matches!(Mask::from_counts(10, 10, "héhé"), Err(MaskError::Character { .. } | MaskError::Coverage { .. })));
}

#[test]
fn refuses_giant_and_empty_pictures_before_allocating() {
    for (height, width) in [(0, 5), (5, 0), (u32::MAX, u32::MAX), (1 << 15, 1 << 14)] {
        assert!(matches!(Mask::empty(height, width), Err(MaskError::Size { .. })));
    }
    assert!(Mask::from_runs(1 << 14, 1 << 14, [1 << 28]).is_ok());
    assert!(Mask::from_runs(1 << 14, 1 << 14, [u32::MAX, u32::MAX]).is_err());
}

#[test]
fn refuses_bad_polygons() {
    let fill = |polygon: &[f64]| Mask::from_polygons(10, 10, [polygon]);
    assert!(matches!(fill(&[0.0, 0.0, 1.0, 1.0]), Err(MaskError::PolygonLength { numbers: 4 })));
    assert!(matches!(fill(&[0.0; 7]), Err(MaskError::PolygonLength { numbers: 7 })));
    for bad in [f64::NAN, f64::INFINITY, 1e300, -1e300] {
        assert_eq!(fill(&[0.0, 0.0, 5.0, 0.0, bad, 5.0]), Err(MaskError::PolygonCoordinates));
    }
    let mut to_and_fro = Vec::new();
    for _ in 0..1000 {
        to_and_fro.extend([-1e7, 0.0, 1e7, 3.0]);
    }
    assert_eq!(fill(&to_and_fro), Err(MaskError::PolygonCoordinates));
    assert_eq!(fill(&[2.0; 600]).map(|mask| mask.area()), Ok(0), "one corner, three hundred times over");
}

#[test]
fn masks_of_different_pictures_do_not_mix() {
    let (a, b) = (Mask::empty(4, 6).unwrap(), Mask::empty(6, 4).unwrap());
    assert_eq!(a.union(&b), Err(MaskError::SizesDiffer(4, 6, 6, 4)));
}

#[test]
fn a_box_covers_the_pixels_whose_centres_it_holds() {
    let area = PixelBox { x0: 1.0, y0: 0.6, x1: 2.5, y1: 99.0 };
    let mask = Mask::from_box(3, 3, &area).unwrap();
    assert_eq!(mask.pixels().collect::<Vec<_>>(), [(1, 1), (1, 2)]);
    let nowhere = PixelBox { x0: -9.0, x1: -1.0, ..area };
    assert!(Mask::from_box(3, 3, &nowhere).unwrap().is_empty());
}

proptest! {
    #[test]
    fn strings_and_runs_round_trip((height, width, bits) in bits()) {
        let mask = Mask::from_bits(height, width, bits.iter().copied()).unwrap();
        prop_assert_eq!(Mask::from_counts(height, width, &mask.to_counts()), Ok(mask.clone()));
        prop_assert_eq!(Mask::from_runs(height, width, mask.runs().iter().copied()), Ok(mask.clone()));
        prop_assert_eq!(unpack(&mask), bits);
        prop_assert!(mask.runs().iter().skip(1).all(|run| *run > 0));
    }

    /// Runs that others split in two mean the same pixels.
    #[test]
    fn empty_runs_are_forgiven((height, width, bits) in bits()) {
        let split: Vec<u32> = bits.iter().flat_map(|&bit| if bit { [0, 1] } else { [1, 0] }).collect();
        let mask = Mask::from_runs(height, width, split.clone());
        prop_assert_eq!(Mask::from_counts(height, width, &text::encode(&split)), mask.clone());
        prop_assert_eq!(mask, Mask::from_bits(height, width, bits));
    }

    #[test]
    fn any_string_is_a_mask_or_an_error(text in ".{0,40}", height in 1..50_u32, width in 1..50_u32) {
        if let Ok(mask) = Mask::from_counts(height, width, &text) {
            prop_assert_eq!(mask.runs().iter().sum::<u32>(), height * width);
        }
    }

    #[test]
    fn agrees_with_bits_about_pixels((height, width, bits) in bits()) {
        let mask = Mask::from_bits(height, width, bits.iter().copied()).unwrap();
        let pixels: Vec<(u32, u32)> = (0..width)
            .flat_map(|x| (0..height).map(move |y| (x, y)))
            .zip(&bits)
            .filter_map(|(pixel, bit)| bit.then_some(pixel))
            .collect();
        prop_assert_eq!(mask.area(), pixels.len() as u64);
        prop_assert_eq!(mask.is_empty(), pixels.is_empty());
        let bounds = |of: fn(&(u32, u32)) -> u32| {
            Some((f64::from(pixels.iter().map(of).min()?), f64::from(pixels.iter().map(of).max()? + 1)))
        };
        let expected = bounds(|p| p.0).zip(bounds(|p| p.1)).map(|((x0, x1), (y0, y1))| PixelBox { x0, y0, x1, y1 });
        prop_assert_eq!(mask.bounds(), expected);
        for (x, y) in (0..width + 1).flat_map(|x| (0..height + 1).map(move |y| (x, y))) {
            prop_assert_eq!(mask.contains(x, y), pixels.contains(&(x, y)));
        }
        prop_assert_eq!(mask.pixels().collect::<Vec<_>>(), pixels);
    }

    #[test]
    fn agrees_with_bits_about_sets((height, width, a, b) in two_bits()) {
        let mask = |bits: &[bool]| Mask::from_bits(height, width, bits.iter().copied()).unwrap();
        let both = |op: fn(bool, bool) -> bool| mask(&a.iter().zip(&b).map(|(a, b)| op(*a, *b)).collect::<Vec<_>>());
        let (or, and) = (both(|a, b| a || b), both(|a, b| a && b));
        prop_assert_eq!(mask(&a).union(&mask(&b)), Ok(or.clone()));
        prop_assert_eq!(mask(&a).intersection(&mask(&b)), Ok(and.clone()));
        prop_assert_eq!(mask(&a).difference(&mask(&b)), Ok(both(|a, b| a && !b)));
        let iou = if or.is_empty() { 0.0 } else { and.area() as f64 / or.area() as f64 };
        prop_assert_eq!(mask(&a).iou(&mask(&b)), Ok(iou));
    }

    #[test]
    fn agrees_with_bits_about_erosion((height, width, bits) in bits()) {
        let mask = Mask::from_bits(height, width, bits.iter().copied()).unwrap();
        let (h, w) = (i64::from(height), i64::from(width));
        let set = |x: i64, y: i64| x < 0 || y < 0 || x >= w || y >= h || bits[(x * h + y) as usize];
        let kept = (0..w).flat_map(|x| (0..h).map(move |y| (x, y))).map(|(x, y)| {
            set(x, y) && set(x - 1, y) && set(x + 1, y) && set(x, y - 1) && set(x, y + 1)
        });
        prop_assert_eq!(mask.eroded(1), Mask::from_bits(height, width, kept).unwrap());
    }
}

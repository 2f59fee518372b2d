//! Lifting scenes whose shapes are known, rendered by a formula.

use super::*;
use crate::sampling::near;
use proptest::prelude::*;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const CAMERA: Intrinsics = Intrinsics { fx: 300.0, fy: 300.0, cx: 159.5, cy: 119.5 };

/// Depth and mask of a box in front of a wall `wall_m` away, by casting a ray through each pixel; everything in
/// camera axes.
fn picture_of(object: &OrientedBox, wall_m: f64) -> (DepthImage, Mask) {
    let ray = |x: u32, y: u32| CAMERA.back_project(x.into(), y.into(), 1.0);
    let hit = |x: u32, y: u32| object.span_along(&Vector3::zeros(), &ray(x, y)).map(|(entry, _)| entry);
    let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let metres = pixels.map(|(x, y)| hit(x, y).unwrap_or(wall_m) as f32).collect();
    let bits = (0..WIDTH).flat_map(|x| (0..HEIGHT).map(move |y| (x, y))).map(|(x, y)| hit(x, y).is_some());
    (DepthImage::new(WIDTH, HEIGHT, metres).unwrap(), Mask::from_bits(HEIGHT, WIDTH, bits).unwrap())
}

fn level_lift(outline: Outline, depth: &DepthImage) -> Result<Lifted, LiftFailure> {
    lift(&outline, depth, &CAMERA, &ViewSpace::level(), &LiftRules::default())
}

fn cube(at: [f64; 3], lengths: [f64; 3]) -> OrientedBox {
    OrientedBox::upright(at.into(), 0.0, lengths.into())
}

/// Grows a mask by a pixel, as a careless annotator does.
fn bled(mask: &Mask) -> Mask {
    let bits = (0..WIDTH).flat_map(|x| (0..HEIGHT).map(move |y| (x, y))).map(|(x, y)| {
        let beside = [(x, y), (x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
        beside.into_iter().any(|(x, y)| mask.contains(x, y))
    });
    Mask::from_bits(HEIGHT, WIDTH, bits).unwrap()
}

#[test]
fn finds_a_cube_in_front_of_a_wall() {
    // The camera sees the front face only: 0.6 m wide, 0.4 m high, 2 m ahead.
    let (depth, mask) = picture_of(&cube([0.0, 0.0, 2.2], [0.6, 0.4, 0.4]), 5.0);
    let lifted = level_lift(Outline::Mask(&mask), &depth).unwrap();
    assert!(near(&lifted.centre, &Vector3::new(0.0, 2.0, 0.0), 0.01));
    assert!(near(&lifted.bounds.extent(), &Vector3::new(0.6, 0.0, 0.4), 0.015), "{:?}", lifted.bounds.extent());
    assert!((lifted.nearest - 2.0).abs() < 1e-6);
    assert!((lifted.lift_quality - LiftRules::default().guessed_gravity).abs() < 0.03);
}

#[test]
fn a_mask_that_bleeds_onto_the_wall_changes_little() {
    let object = cube([0.3, 0.1, 2.2], [0.6, 0.4, 0.4]);
    for wall_m in [2.3, 2.6, 5.0, 40.0] {
        let (depth, mask) = picture_of(&object, wall_m);
        let tight = level_lift(Outline::Mask(&mask), &depth).unwrap();
        let loose = level_lift(Outline::Mask(&bled(&mask)), &depth).unwrap();
        assert!(near(&tight.bounds.extent(), &loose.bounds.extent(), 0.03), "wall at {wall_m}");
        assert!(near(&tight.centre, &loose.centre, 0.02), "wall at {wall_m}");
    }
}

#[test]
fn far_and_large_objects_stay_whole() {
    // A lorry 12 m long at 40 m, a house front 20 m wide at 60 m: gaps between points exceed the indoor radius.
    for (at, lengths) in [([0.0, 0.0, 41.0], [12.0, 3.0, 2.0]), ([0.0, 0.0, 65.0], [20.0, 8.0, 10.0])] {
        let (depth, mask) = picture_of(&cube(at, lengths), 200.0);
        let lifted = level_lift(Outline::Mask(&mask), &depth).unwrap();
        assert!((lifted.bounds.extent().x / lengths[0] - 1.0).abs() < 0.05, "{lifted:?}");
        assert!((lifted.bounds.extent().z / lengths[1] - 1.0).abs() < 0.10, "{lifted:?}");
    }
}

#[test]
fn small_and_thin_objects_are_found() {
    // A cup at arm's length and a pole two pixels wide.
    let (depth, mask) = picture_of(&cube([0.0, 0.0, 0.6], [0.08, 0.1, 0.08]), 3.0);
    assert!((level_lift(Outline::Mask(&mask), &depth).unwrap().bounds.extent().x - 0.08).abs() < 0.01);
    let (_, mask) = picture_of(&cube([0.0, 0.0, 4.0], [0.027, 2.0, 0.03]), 9.0);
    let flat = DepthImage::new(WIDTH, HEIGHT, vec![4.0; (WIDTH * HEIGHT) as usize]).unwrap();
    assert!((level_lift(Outline::Mask(&mask), &flat).unwrap().bounds.extent().z - 2.0).abs() < 0.05);
}

#[test]
fn a_tilted_camera_sees_upright_sizes() {
    // The camera looks 35 degrees down at a box of 0.5 x 0.4 x 0.3 m on the floor, turned by 30 degrees.
    let (sin, cos) = 35.0_f64.to_radians().sin_cos();
    let view = ViewSpace::from_gravity(&Vector3::new(0.0, cos, sin)).unwrap();
    let standing = OrientedBox::upright(Vector3::new(0.1, 1.6, -1.1), 0.52, Vector3::new(0.5, 0.4, 0.3));
    let to_camera = crate::Rigid { rotation: view.rotation().transpose(), translation: Vector3::zeros() };
    let (depth, mask) = picture_of(&standing.transform(&to_camera), 8.0);
    let lifted = lift(&Outline::Mask(&mask), &depth, &CAMERA, &view, &LiftRules::default()).unwrap();
    // The top and two sides are in sight, so that the box is known whole.
    assert!(near(&lifted.obb.lengths, &standing.lengths, 0.03), "{:?}", lifted.obb.lengths);
    assert!(lifted.obb.axes[0].dot(&standing.axes[0]).abs() > 0.99);
    let off = lifted.bounds.centre() - standing.centre;
    assert!(off.amax() < 0.03, "{off:?} {:?} {:?}", lifted.bounds, standing.bounds());
    assert!(lifted.lift_quality > 0.9);
}

#[test]
fn a_box_alone_tells_the_place_and_no_size() {
    // A vase on the left of the picture, 2 m ahead; the wall behind it fills the corners of its box.
    for wall_m in [2.6, 5.0, 40.0] {
        let (depth, mask) = picture_of(&cube([-0.5, 0.1, 2.2], [0.6, 0.4, 0.4]), wall_m);
        let mask_box = mask.bounds().unwrap();
        let loose =
            PixelBox { x0: mask_box.x0 - 8.0, y0: mask_box.y0 - 8.0, x1: mask_box.x1 + 8.0, y1: mask_box.y1 + 8.0 };
        for (bounds, off) in [(mask_box, 0.04), (loose, 0.15)] {
            let lifted = level_lift(Outline::Box { bounds, height: HEIGHT, width: WIDTH }, &depth).unwrap();
            let by_mask = level_lift(Outline::Mask(&mask), &depth).unwrap();
            assert!(near(&lifted.bounds.extent(), &by_mask.bounds.extent(), off), "{lifted:?} {by_mask:?}");
            assert!((lifted.nearest - 2.0).abs() < 0.01, "{lifted:?}");
            assert!((lifted.centre.x - by_mask.centre.x).abs() < 0.1, "{lifted:?} {by_mask:?}");
            assert_eq!(lifted.size_quality, 0.0);
            assert!(lifted.lift_quality > 0.7, "{}", lifted.lift_quality);
        }
    }
}

#[test]
fn a_box_of_two_depths_is_trusted_by_the_share_of_one() {
    // A fence: every other column is the meadow behind it, 5 columns each, so that 3 of 5 lie next to no jump.
    let metres = (0..HEIGHT).flat_map(|_| (0..WIDTH).map(|x| if x / 5 % 2 == 0 { 3.0 } else { 9.0 }));
    let depth = DepthImage::new(WIDTH, HEIGHT, metres.collect()).unwrap();
    let bounds = PixelBox { x0: 40.0, y0: 40.0, x1: 240.0, y1: 200.0 };
    let lifted = level_lift(Outline::Box { bounds, height: HEIGHT, width: WIDTH }, &depth).unwrap();
    assert_eq!(lifted.nearest, 3.0);
    assert!((lifted.lift_quality / LiftRules::default().guessed_gravity - 0.3).abs() < 0.01, "{}", lifted.lift_quality);
}

#[test]
fn far_things_keep_their_place_and_lose_their_size() {
    let of = |distance: f64, focal: f64| {
        let camera = Intrinsics { fx: focal, fy: focal, ..CAMERA };
        let object = cube([0.0, 0.0, distance + 1.0], [1.8, 1.5, 2.0]);
        let hit = |x: u32, y: u32| {
            object.span_along(&Vector3::zeros(), &camera.back_project(x.into(), y.into(), 1.0)).map(|(entry, _)| entry)
        };
        let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let metres = pixels.map(|(x, y)| hit(x, y).unwrap_or(200.0) as f32).collect();
        let bits = (0..WIDTH).flat_map(|x| (0..HEIGHT).map(move |y| (x, y))).map(|(x, y)| hit(x, y).is_some());
        let mask = Mask::from_bits(HEIGHT, WIDTH, bits).unwrap();
        let depth = DepthImage::new(WIDTH, HEIGHT, metres).unwrap();
        lift(&Outline::Mask(&mask), &depth, &camera, &ViewSpace::level(), &LiftRules::default()).unwrap()
    };
    let (near, far) = (of(6.0, 300.0), of(98.0, 4900.0));
    assert!(near.size_quality > 0.96 * near.lift_quality, "{near:?}");
    assert!(far.lift_quality > 0.9 * near.lift_quality && far.size_quality < 0.02, "{far:?}");
}

#[test]
fn depth_of_another_resolution_gives_the_same_object() {
    let (depth, mask) = picture_of(&cube([0.2, 0.0, 2.2], [0.6, 0.4, 0.4]), 5.0);
    let half = (0..HEIGHT / 2).flat_map(|y| (0..WIDTH / 2).map(move |x| (x, y)));
    let half = half.map(|(x, y)| depth.reading(2 * x + 1, 2 * y + 1).unwrap() as f32).collect();
    let half = DepthImage::new(WIDTH / 2, HEIGHT / 2, half).unwrap();
    let (a, b) = (level_lift(Outline::Mask(&mask), &depth).unwrap(), level_lift(Outline::Mask(&mask), &half).unwrap());
    assert!(near(&a.bounds.extent(), &b.bounds.extent(), 0.03));
}

#[test]
fn a_cut_outline_lowers_quality() {
    // Cut by the left border: 40 of its 40 rows touch it, and half its box's perimeter is 20 + 40.
    let bounds = PixelBox { x0: 0.0, y0: 100.0, x1: 20.0, y1: 140.0 };
    let mask = Mask::from_box(HEIGHT, WIDTH, &bounds).unwrap();
    assert!((uncut(&Outline::Mask(&mask)) - (1.0 - 40.0 / 60.0)).abs() < 1e-12);
    assert!((uncut(&Outline::Box { bounds, height: HEIGHT, width: WIDTH }) - (1.0 - 40.0 / 60.0)).abs() < 1e-12);
    let whole = PixelBox { x0: 0.0, y0: 0.0, x1: WIDTH.into(), y1: HEIGHT.into() };
    assert_eq!(uncut(&Outline::Box { bounds: whole, height: HEIGHT, width: WIDTH }), 0.0);
}

#[test]
fn says_why_it_fails() {
    let (depth, mask) = picture_of(&cube([0.0, 0.0, 2.2], [0.6, 0.4, 0.4]), 5.0);
    let code = |outline: Outline, depth: &DepthImage| level_lift(outline, depth).unwrap_err().code();
    let nothing = Mask::empty(HEIGHT, WIDTH).unwrap();
    assert_eq!(code(Outline::Mask(&nothing), &depth), "no_pixels");
    let beside = PixelBox { x0: -9.0, y0: 0.0, x1: -1.0, y1: 9.0 };
    assert_eq!(code(Outline::Box { bounds: beside, height: HEIGHT, width: WIDTH }, &depth), "no_pixels");
    assert_eq!(code(Outline::Box { bounds: beside, height: 0, width: 0 }, &depth), "no_pixels");
    let blind = DepthImage::new(1, 1, vec![f32::NAN]).unwrap();
    assert_eq!(code(Outline::Mask(&mask), &blind), "no_depth");
    let sky = DepthImage::new(1, 1, vec![1e9]).unwrap();
    assert_eq!(code(Outline::Mask(&mask), &sky), "no_depth");
    let speck = Mask::from_box(HEIGHT, WIDTH, &PixelBox { x0: 5.0, y0: 5.0, x1: 8.0, y1: 8.0 }).unwrap();
    assert_eq!(code(Outline::Mask(&speck), &depth), "too_few_points");
    let broken = Intrinsics { fx: f64::NAN, ..CAMERA };
    let failure = lift(&Outline::Mask(&mask), &depth, &broken, &ViewSpace::level(), &LiftRules::default());
    assert_eq!(failure.unwrap_err().code(), "bad_camera");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The cube's front face is what the camera sees, wherever it is.
    #[test]
    fn finds_boxes_anywhere_in_sight(
        x in -0.3..0.3, y in -0.2..0.2, z in 1.0..8.0, w in 0.1..0.5, h in 0.1..0.4, wall in 1.3..4.0,
    ) {
        let object = cube([x * z, y * z, z + 0.1], [w, h, 0.2]);
        let (depth, mask) = picture_of(&object, z * wall);
        prop_assume!(mask.area() > 200);
        let lifted = level_lift(Outline::Mask(&mask), &depth).unwrap();
        let pixel = z / CAMERA.fx;
        prop_assert!(f64::abs(lifted.bounds.extent().x - w) < 2.5 * pixel + 0.02 * w, "{:?}", lifted);
        prop_assert!(f64::abs(lifted.bounds.extent().z - h) < 2.5 * pixel + 0.02 * h, "{:?}", lifted);
        prop_assert!(f64::abs(lifted.nearest - z) < 1e-3);
    }

    /// A board whose lower side is covered along a part of it, by something that reaches so far down: all by a formula.
    #[test]
    fn what_a_thing_in_front_may_cover(w in 20_u32..80, h in 20_u32..80, part in 0.0..1.0_f64, down in 10_u32..120) {
        let board = PixelBox { x0: 100.0, y0: 30.0, x1: f64::from(100 + w), y1: f64::from(30 + h) };
        let mask = Mask::from_box(HEIGHT, WIDTH, &board).unwrap();
        let columns = (f64::from(w) * part).round() as u32;
        let metres = |x: u32, y: u32| {
            let before = (100..100 + columns).contains(&x) && (30 + h..30 + h + down).contains(&y);
            if before { 1.0 } else if mask.contains(x, y) { 2.0 } else { 4.0 }
        };
        let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let depth = DepthImage::new(WIDTH, HEIGHT, pixels.map(|(x, y)| metres(x, y)).collect()).unwrap();
        let covered = f64::from(columns) * f64::from(down.min(h));
        let area = f64::from(w) * f64::from(h);
        let found = Cover::of(&mask, &depth, &CoverRule::default());
        prop_assert!((found.leaves - area / (area + 0.5 * covered)).abs() < 1e-9, "{found:?}");
        prop_assert!((found.side - f64::from(columns) / f64::from(w)).abs() < 1e-9, "{found:?}");
    }

    /// A floor that a thing stands on comes nearer below it, and covers nothing of it, whatever the camera's height.
    #[test]
    fn what_a_thing_stands_on_covers_nothing(ahead in 2.0..6.0, eye in 0.4..1.8, w in 0.3..1.0, h in 0.3..0.9) {
        // The floor lies `eye` below the camera, y down; the thing's front stands on it, and a wall behind it.
        let object = cube([0.0, eye - 0.5 * h, ahead + 0.2], [w, h, 0.4]);
        let ray = |x: u32, y: u32| CAMERA.back_project(x.into(), y.into(), 1.0);
        let floor = |x, y| if ray(x, y).y > 0.0 { eye / ray(x, y).y } else { f64::INFINITY };
        let hit = |x, y| object.span_along(&Vector3::zeros(), &ray(x, y)).map(|(entry, _)| entry);
        let seen = |x, y| hit(x, y).filter(|at| *at <= floor(x, y) + 1e-9);
        let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let metres = pixels.map(|(x, y)| seen(x, y).unwrap_or(floor(x, y).min(9.0)) as f32).collect();
        let bits = (0..WIDTH).flat_map(|x| (0..HEIGHT).map(move |y| (x, y))).map(|(x, y)| seen(x, y).is_some());
        let mask = Mask::from_bits(HEIGHT, WIDTH, bits).unwrap();
        prop_assume!(mask.area() > 200);
        let found = Cover::of(&mask, &DepthImage::new(WIDTH, HEIGHT, metres).unwrap(), &CoverRule::default());
        prop_assert_eq!(found, Cover { leaves: 1.0, side: 0.0 });
    }

    /// Any readings at all: an answer of finite numbers or a failure.
    #[test]
    fn never_panics(metres in prop::collection::vec(any::<f32>(), 64), seed in prop::collection::vec(any::<bool>(), 64)) {
        let depth = DepthImage::new(8, 8, metres).unwrap();
        let mask = Mask::from_bits(8, 8, seed).unwrap();
        if let Ok(lifted) = lift(&Outline::Mask(&mask), &depth, &CAMERA, &ViewSpace::level(), &LiftRules::default()) {
            prop_assert!(lifted.centre.iter().chain(&lifted.bounds.extent()).all(|number| number.is_finite()));
            prop_assert!((0.0..=1.0).contains(&lifted.lift_quality));
        }
    }
}

/// Estimated depth: a board is worth as much as a measured one, a hole in a wall and a speck are not.
#[test]
fn estimated_depth_is_held_against_holes_and_specks() {
    let quality = |mask: &Mask, metres: &dyn Fn(u32, u32) -> f32, rules: &LiftRules| {
        let readings = (0..120 * 160).map(|i| metres(i % 160, i / 160)).collect();
        let depth = DepthImage::new(160, 120, readings).unwrap();
        lift(&Outline::Mask(mask), &depth, &CAMERA, &ViewSpace::level(), rules).unwrap().lift_quality
    };
    let board = Mask::from_box(120, 160, &PixelBox { x0: 40.0, y0: 30.0, x1: 100.0, y1: 80.0 }).unwrap();
    let in_front = |x, y| if board.contains(x, y) { 2.0 } else { 4.0 };
    let behind = |x, y| if board.contains(x, y) { 6.0 } else { 4.0 };
    let (measured, estimated) = (LiftRules::default(), LiftRules::estimated());
    assert!((quality(&board, &in_front, &estimated) / quality(&board, &in_front, &measured) - 1.0).abs() < 0.05);
    assert!(quality(&board, &behind, &measured) > 0.5);
    assert!(quality(&board, &behind, &estimated) < 0.05);
    // 25 of 19,200 pixels are 0.0013 of the picture; 0.002 are trusted.
    let speck = Mask::from_box(120, 160, &PixelBox { x0: 70.0, y0: 50.0, x1: 75.0, y1: 55.0 }).unwrap();
    // What is around it has another depth, or nothing would be trusted.
    let around = |x, y| if (69..76).contains(&x) && (49..56).contains(&y) { 3.0 } else { 3.5 };
    let ratio = quality(&speck, &around, &estimated) / quality(&speck, &around, &measured);
    assert!((ratio - 25.0 / 19_200.0 / 0.002).abs() < 1e-9, "{ratio}");
}

/// A network that does not tell a thing from the wall gives it the wall's depth. Of a board whose upper part stands before a far wall, the outline
/// that shows counts, with masks and without.
#[test]
fn estimated_depth_must_tell_a_thing_from_its_surroundings() {
    let bounds = PixelBox { x0: 60.0, y0: 40.0, x1: 100.0, y1: 80.0 };
    let board = Mask::from_box(120, 160, &bounds).unwrap();
    let told_apart = |outline: Outline, high: u32| {
        // The wall ends `high` rows below the board's upper edge; above it the room is deep.
        let readings =
            (0..120 * 160).map(|i| if i / 160 >= 40 + high || board.contains(i % 160, i / 160) { 2.0 } else { 4.0 });
        let depth = DepthImage::new(160, 120, readings.collect()).unwrap();
        let quality = |rules| lift(&outline, &depth, &CAMERA, &ViewSpace::level(), &rules).unwrap().lift_quality;
        quality(LiftRules::estimated()) / quality(LiftRules::default())
    };
    for outline in [Outline::Mask(&board), Outline::Box { bounds, height: 120, width: 160 }] {
        assert_eq!(told_apart(outline, 0), 1.0, "the upper side of four is more than a fifth");
        assert!(told_apart(outline, 40) > 0.95);
    }
    let wall = DepthImage::new(160, 120, vec![2.0; 120 * 160]).unwrap();
    for outline in [Outline::Mask(&board), Outline::Box { bounds, height: 120, width: 160 }] {
        let quality = |rules| lift(&outline, &wall, &CAMERA, &ViewSpace::level(), &rules).unwrap().lift_quality;
        assert_eq!(quality(LiftRules::estimated()), 0.0);
        assert!(quality(LiftRules::default()) > 0.5);
        let trusting = EstimatedRules { stands_out: 0.0, ..EstimatedRules::default() };
        assert_eq!(
            quality(LiftRules { estimated: Some(trusting), ..LiftRules::estimated() }),
            quality(LiftRules::default())
        );
    }
}

/// A lamp's shade on a pole of two pixels, which goes with the outline's edge: the shade does not stand for the lamp.
#[test]
fn what_is_lost_with_the_edge_is_missed() {
    let lamp = |pole: u32| {
        let shade = |x: u32, y: u32| (60..90).contains(&x) && (20..40).contains(&y);
        let stands = |x: u32, y: u32| (74..74 + pole).contains(&x) && (40..100).contains(&y);
        let bits = (0..160).flat_map(|x| (0..120).map(move |y| (x, y))).map(|(x, y)| shade(x, y) || stands(x, y));
        let mask = Mask::from_bits(120, 160, bits).unwrap();
        let depth = DepthImage::new(160, 120, vec![2.0; 120 * 160]).unwrap();
        lift(&Outline::Mask(&mask), &depth, &CAMERA, &ViewSpace::level(), &LiftRules::default()).unwrap().lift_quality
    };
    assert!(lamp(2) < 0.3, "{}", lamp(2));
    assert!(lamp(10) > 0.7, "{}", lamp(10));
}

/// A board seen edge-on with two sides below it, as thin as the edge that is taken off an outline: how high it is with them nobody has measured.
#[test]
fn a_size_that_was_not_measured_is_not_trusted() {
    let shelf = |side: u32| {
        let board = |x: u32, y: u32| (30..130).contains(&x) && (40..60).contains(&y);
        let sides =
            |x: u32, y: u32| (60..80).contains(&y) && (x < 30 + side || x >= 130 - side) && (30..130).contains(&x);
        let bits = (0..160).flat_map(|x| (0..120).map(move |y| (x, y))).map(|(x, y)| board(x, y) || sides(x, y));
        let mask = Mask::from_bits(120, 160, bits).unwrap();
        let depth = DepthImage::new(160, 120, vec![2.0; 120 * 160]).unwrap();
        lift(&Outline::Mask(&mask), &depth, &CAMERA, &ViewSpace::level(), &LiftRules::default()).unwrap()
    };
    let (thin, thick) = (shelf(2), shelf(12));
    assert!(thin.size_quality < 0.1, "{} of {}", thin.size_quality, thin.lift_quality);
    assert!(thick.size_quality > 0.7, "{} of {}", thick.size_quality, thick.lift_quality);
}

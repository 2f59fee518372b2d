//! Scenes small enough to know what a picture shows of them.

use super::*;
use crate::sampling::near;
use proptest::prelude::*;

/// At the world's origin, looking along +y; the world's z is up.
pub(super) fn shot() -> Shot {
    let rotation = nalgebra::Matrix3::new(1., 0., 0., 0., 0., 1., 0., -1., 0.);
    Shot {
        world_from_camera: Rigid { rotation, translation: Vector3::zeros() },
        intrinsics: Intrinsics { fx: 100.0, fy: 100.0, cx: 79.5, cy: 59.5 },
        width: 160,
        height: 120,
    }
}

pub(super) fn cube(x: f64, y: f64, z: f64, lengths: [f64; 3]) -> OrientedBox {
    OrientedBox::upright(Vector3::new(x, y, z), 0.0, lengths.into())
}

/// The twelve triangles of a box.
pub(super) fn mesh(shape: &OrientedBox) -> (Vec<f32>, Vec<i32>) {
    let vertices = shape.corners().iter().flatten().map(|at| *at as f32).collect();
    let faces = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]];
    (vertices, faces.into_iter().flat_map(|[a, b, c, d]| [a, b, c, a, c, d]).collect())
}

fn shown(objects: &[OrientedBox], with_surfaces: bool) -> Vec<Shown> {
    let meshes: Vec<_> = objects.iter().map(mesh).collect();
    let surface = |(object, (vertices, triangles)): (usize, &'_ (Vec<f32>, Vec<i32>))| {
        (Some(object), vertices.clone(), triangles.clone())
    };
    let owned: Vec<_> = meshes.iter().enumerate().map(surface).collect();
    let surfaces = owned.iter().map(|(object, vertices, triangles)| Surface { object: *object, vertices, triangles });
    let scene = Scene::new(objects, if with_surfaces { surfaces.collect() } else { vec![] }).unwrap();
    scene.project(&shot(), None).unwrap()
}

/// Both ways of knowing an object must tell the same.
fn check_both(objects: &[OrientedBox], check: impl Fn(&[Shown])) {
    check(&shown(objects, true));
    check(&shown(objects, false));
}

fn visibility_of(shown: &[Shown], object: usize) -> Option<f64> {
    shown.iter().find(|shown| shown.object == object).map(|shown| shown.visibility)
}

#[test]
fn an_object_in_full_sight() {
    check_both(&[cube(0.0, 4.5, 0.0, [0.96, 1.0, 0.48])], |shown| {
        // 24 x 12 pixels around the middle of the picture.
        assert_eq!(shown[0].bounds_in_picture, PixelBox { x0: 68.0, y0: 54.0, x1: 92.0, y1: 66.0 });
        assert_eq!(shown[0].visibility, 1.0);
        assert!(near(&shown[0].centre, &Vector3::new(0.0, 4.5, 0.0), 1e-6));
        assert!(near(&shown[0].bounds.extent(), &Vector3::new(0.96, 1.0, 0.48), 1e-6));
        assert!((shown[0].nearest - 4.0).abs() < 1e-6);
    });
}

#[test]
fn half_behind_another() {
    // The nearer one covers everything right of the middle.
    let objects = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5]), cube(2.0, 2.5, 0.0, [4.0, 0.2, 4.0])];
    check_both(&objects, |shown| {
        assert!((visibility_of(shown, 0).unwrap() - 0.5).abs() < 0.05, "{:?}", visibility_of(shown, 0));
        assert!(shown[0].mask.pixels().all(|(x, _)| x < 80));
    });
}

#[test]
fn wholly_behind_another_is_not_shown() {
    let objects = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5]), cube(0.0, 2.5, 0.0, [4.0, 0.2, 4.0])];
    check_both(&objects, |shown| assert_eq!(visibility_of(shown, 0), None));
}

#[test]
fn half_outside_the_picture() {
    // At 4 m the picture ends 3.2 m to the right (80 pixels of 100 per metre at 1 m).
    check_both(&[cube(3.2, 4.0, 0.0, [1.0, 0.001, 0.5])], |shown| {
        assert!((shown[0].visibility - 0.5).abs() < 0.05, "{}", shown[0].visibility);
        assert_eq!(shown[0].bounds_in_picture.x1, 160.0);
        // What is outside the picture still counts for its size.
        assert!((shown[0].bounds.extent().x - 1.0).abs() < 1e-6);
    });
}

#[test]
fn behind_the_camera_and_beside_the_picture_is_not_shown() {
    let objects = [
        cube(0.0, -4.0, 0.0, [1.0, 1.0, 1.0]),
        cube(9.0, 4.0, 0.0, [1.0, 1.0, 1.0]),
        cube(0.0, 4.0, -9.0, [1.0, 1.0, 1.0]),
    ];
    check_both(&objects, |shown| assert!(shown.is_empty()));
}

#[test]
fn partly_behind_the_camera() {
    // A long table that the camera stands at the side of: from 4 m behind it to 4 m ahead.
    check_both(&[cube(0.0, 0.0, -1.0, [1.0, 8.0, 0.2])], |shown| {
        assert!(shown[0].visibility < 0.5, "{}", shown[0].visibility);
        assert!((shown[0].bounds.extent().y - 8.0).abs() < 1e-5);
        assert!(shown[0].nearest >= 0.0, "behind the camera nothing is near");
    });
}

#[test]
fn the_camera_inside_an_object() {
    check_both(&[cube(0.0, 0.0, 0.0, [6.0, 6.0, 6.0])], |shown| {
        assert_eq!(shown[0].mask.area(), 160 * 120);
        assert!(shown[0].visibility < 0.1);
    });
}

#[test]
fn overlapping_boxes_hide_little_of_each_other() {
    // A chair pushed under a table: without depth, nobody knows.
    let objects = [cube(0.0, 4.0, 0.0, [1.0, 1.0, 1.0]), cube(0.0, 3.6, -0.1, [0.5, 0.6, 0.8])];
    let shown = shown(&objects, false);
    assert_eq!(visibility_of(&shown, 1), Some(1.0));
    // But where one sees past the chair's legs under the table, the chair is before the table for certain.
    assert!((0.9..1.0).contains(&visibility_of(&shown, 0).unwrap()));
}

/// Cars in rows along a road, as they do not overlap: each ray shows the one that it enters first.
#[test]
fn boxes_that_do_not_overlap_hide_each_other_as_solids_do() {
    let camera = Intrinsics { fx: 360.0, fy: 360.0, cx: 319.5, cy: 95.5 };
    let (width, height) = (640_u32, 192_u32);
    let mut cars = Vec::new();
    for (row, x) in [-5.5, -1.8, 3.6, 7.0].into_iter().enumerate() {
        for n in 0..10 {
            // y is down in camera axes; the boxes' third axis is theirs, which does not matter.
            let z = 6.0 + 1.3 * row as f64 + 7.1 * f64::from(n);
            cars.push(OrientedBox::upright(Vector3::new(x, 0.9, z), 0.0, Vector3::new(1.8, 1.5, 4.4)));
        }
    }
    let found = visibility_of_boxes(&cars, &camera, width, height).unwrap();
    let (mut first, mut alone) = (vec![0_u32; cars.len()], vec![0_u32; cars.len()]);
    for (x, y) in (-640..1280).flat_map(|x| (-192..384).map(move |y| (x, y))) {
        let ray = camera.back_project(f64::from(x), f64::from(y), 1.0);
        let hits = cars.iter().enumerate().filter_map(|(i, car)| Some((car.span_along(&Vector3::zeros(), &ray)?.0, i)));
        let hits: Vec<(f64, usize)> = hits.collect();
        hits.iter().for_each(|(_, i)| alone[*i] += 1);
        let inside = (0..width as i32).contains(&x) && (0..height as i32).contains(&y);
        if let Some((_, i)) = hits.iter().filter(|_| inside).min_by(|a, b| a.0.total_cmp(&b.0)) {
            first[*i] += 1;
        }
    }
    assert!(found.iter().filter(|share| **share < 0.5).count() >= 10, "{found:?}");
    for (i, share) in found.iter().enumerate() {
        let exact = f64::from(first[i]) / f64::from(alone[i]);
        // A hull's pixels by their area and by their number differ where they are few.
        assert!((share - exact).abs() < 0.03 + 8.0 / f64::from(alone[i]), "{i}: {share} {exact} of {}", alone[i]);
    }
}

/// A room around everything, and a wardrobe around the things in it, hide nothing, and what stands before the wardrobe hides both.
#[test]
fn what_is_around_a_thing_does_not_hide_it() {
    let camera = Intrinsics { fx: 100.0, fy: 100.0, cx: 79.5, cy: 59.5 };
    let at = |x: f64, z: f64, lengths: [f64; 3]| OrientedBox::upright(Vector3::new(x, 0.0, z), 0.0, lengths.into());
    let (room, wardrobe) = (at(0.0, 3.0, [6.0, 2.6, 6.2]), at(0.0, 4.5, [1.5, 1.5, 1.0]));
    let (shirt, screen) = (at(0.0, 4.8, [0.5, 0.8, 0.1]), at(0.5, 2.0, [1.0, 2.0, 0.05]));
    let found = visibility_of_boxes(&[room, wardrobe, shirt], &camera, 160, 120).unwrap();
    assert_eq!(found[1..], [1.0, 1.0]);
    let found = visibility_of_boxes(&[room, wardrobe, shirt, screen], &camera, 160, 120).unwrap();
    assert!((0.3..0.7).contains(&found[1]) && (0.3..0.7).contains(&found[2]), "{found:?}");
}

#[test]
fn measured_depth_tells_what_hides_a_box() {
    let objects = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5])];
    let scene = Scene::new(&objects, vec![]).unwrap();
    let project = |left: f32, right: f32| {
        let metres = (0..120).flat_map(|_| (0..160).map(move |x| if x < 80 { left } else { right })).collect();
        scene.project(&shot(), Some(&DepthImage::new(160, 120, metres).unwrap())).unwrap()
    };
    // Its surface at 4 m is seen on the left; on the right someone stands at 2 m.
    let half = project(4.0, 2.0);
    assert!((half[0].visibility - 0.5).abs() < 0.05);
    assert!(half[0].mask.pixels().all(|(x, _)| x < 80));
    // Through its empty right half a wall is seen: that part is no evidence.
    let hollow = project(4.0, 9.0);
    assert_eq!((hollow[0].visibility, hollow[0].mask.clone()), (1.0, half[0].mask.clone()));
    assert!(project(2.0, 2.0).is_empty());
    // A dark screen without readings is judged by the boxes.
    assert_eq!(project(0.0, f32::NAN)[0].visibility, 1.0);
}

#[test]
fn measured_depth_finds_what_the_scan_has_not() {
    let objects = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5])];
    let (vertices, triangles) = mesh(&objects[0]);
    let surface = Surface { object: Some(0), vertices: &vertices, triangles: &triangles };
    let scene = Scene::new(&objects, vec![surface]).unwrap();
    let project = |metres: f32| scene.project(&shot(), Some(&DepthImage::new(1, 1, vec![metres]).unwrap())).unwrap();
    assert!(project(2.0).is_empty(), "a passer-by");
    assert_eq!(project(3.9)[0].visibility, 1.0, "noise");
    assert_eq!(project(9.0)[0].visibility, 1.0, "a window pane that the sensor saw through");
}

#[test]
fn walls_hide_boxes_that_have_no_surface() {
    let objects = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5]), cube(1.0, 2.0, 0.0, [0.4, 0.1, 0.4])];
    let (vertices, triangles) = mesh(&cube(0.0, 3.0, 0.0, [9.0, 0.1, 9.0]));
    let wall = Surface { object: None, vertices: &vertices, triangles: &triangles };
    let scene = Scene::new(&objects, vec![wall]).unwrap();
    let shown = scene.project(&shot(), None).unwrap();
    assert_eq!(visibility_of(&shown, 0), None);
}

#[test]
fn refuses_scenes_and_shots_that_do_not_fit() {
    let objects = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5])];
    let scene = |object, vertices: &[f32], triangles: &[i32]| {
        Scene::new(&objects, vec![Surface { object, vertices, triangles }]).map(|_| ())
    };
    let corners = [0.0; 9];
    assert_eq!(scene(Some(0), &corners, &[0, 1, 2]), Ok(()));
    assert_eq!(scene(Some(0), &corners[..8], &[0, 1, 2]), Err(SceneError::NotTriples { surface: 0, numbers: 8 }));
    assert_eq!(scene(Some(0), &corners, &[0, 1]), Err(SceneError::NotTriples { surface: 0, numbers: 2 }));
    assert_eq!(scene(Some(0), &corners, &[0, 1, 3]), Err(SceneError::NoSuchVertex { surface: 0, index: 3 }));
    assert_eq!(scene(Some(0), &corners, &[0, 1, -1]), Err(SceneError::NoSuchVertex { surface: 0, index: -1 }));
    assert_eq!(scene(Some(1), &corners, &[]), Err(SceneError::NoSuchObject { surface: 0, object: 1 }));
    let scene = Scene::new(&objects, vec![]).unwrap();
    assert!(matches!(scene.project(&Shot { width: 0, ..shot() }, None), Err(ShotError::Size(_))));
    assert!(matches!(
        scene.project(&Shot { width: u32::MAX, height: u32::MAX, ..shot() }, None),
        Err(ShotError::Size(_))
    ));
    let intrinsics = Intrinsics { fx: 0.0, ..shot().intrinsics };
    assert!(matches!(scene.project(&Shot { intrinsics, ..shot() }, None), Err(ShotError::Camera(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A convex object alone: its mesh and its box are the same thing, found by a rasteriser and by rays.
    #[test]
    fn a_box_and_its_mesh_agree(
        x in -2.0..2.0, y in 1.0..8.0, z in -2.0..2.0, yaw in 0.0..3.0, w in 0.3..2.0, d in 0.3..2.0, h in 0.3..2.0,
    ) {
        let objects = [OrientedBox::upright(Vector3::new(x, y, z), yaw, Vector3::new(w, d, h))];
        let (by_mesh, by_box) = (shown(&objects, true), shown(&objects, false));
        let pixels = |shown: &[Shown]| shown.first().map_or(0, |shown| shown.mask.area());
        // Centres on the outline may fall either way.
        prop_assert!(pixels(&by_mesh).abs_diff(pixels(&by_box)) <= 3, "{} {}", pixels(&by_mesh), pixels(&by_box));
        if let (Some(a), Some(b)) = (by_mesh.first(), by_box.first()) && a.mask.area() > 50 {
            prop_assert!((a.visibility - b.visibility).abs() < 0.1, "{} {}", a.visibility, b.visibility);
            prop_assert!((a.nearest - b.nearest).abs() < 1e-4 || a.nearest > b.nearest);
            prop_assert!(near(&a.bounds.low, &b.bounds.low, 1e-5) && near(&a.bounds.high, &b.bounds.high, 1e-5));
        }
    }

    /// Moving the world and the camera together changes nothing.
    #[test]
    fn ignores_where_the_world_has_its_origin(yaw in -3.0..3.0, x in -9.0..9.0, y in -9.0..9.0, z in -9.0..9.0) {
        let (sin, cos) = f64::sin_cos(yaw);
        let rotation = nalgebra::Matrix3::new(cos, -sin, 0., sin, cos, 0., 0., 0., 1.);
        let motion = Rigid { rotation, translation: Vector3::new(x, y, z) };
        let objects = [cube(0.1, 4.5, 0.0, [1.0, 1.0, 0.5]), cube(2.05, 2.5, 0.0, [4.0, 0.2, 4.0])];
        let moved = objects.map(|shape| shape.transform(&motion));
        let shot_moved = Shot { world_from_camera: shot().world_from_camera.then(&motion), ..shot() };
        let before = Scene::new(&objects, vec![]).unwrap().project(&shot(), None).unwrap();
        let after = Scene::new(&moved, vec![]).unwrap().project(&shot_moved, None).unwrap();
        prop_assert_eq!(before.len(), after.len());
        for (a, b) in before.iter().zip(&after) {
            prop_assert!(near(&a.centre, &b.centre, 1e-9) && (a.nearest - b.nearest).abs() < 1e-9);
            prop_assert!((a.visibility - b.visibility).abs() < 0.01);
        }
    }
}

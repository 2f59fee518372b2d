//! Tests of whole views.

use proptest::prelude::*;
use spatialmill_geometry::{Rigid, Vector3};

use super::*;
use crate::shapes::{cuboid, part, poster, prism, white};
use crate::{Magnified, Material, Part, Shading, Texture, Turntable, Wrap};

/// 64 pixels wide, from +x, 1.75 away: what is at the origin has 40 pixels a unit.
fn front() -> Camera {
    Turntable { side: 64, elevation: 0, distance: 1.75, ..Turntable::default() }.camera_at(0)
}

fn plain() -> Style {
    Style { smoothing: Smoothing::None, light: Light::Albedo }
}

fn rgb(view: &View, x: usize, y: usize) -> [u8; 3] {
    let pixel = 3 * (y * view.width() as usize + x);
    view.rgb_on_white()[pixel..pixel + 3].try_into().unwrap()
}

fn grey(code: u8) -> [u8; 4] {
    [code, code, code, 255]
}

/// A triangle of one colour across the x axis at a height on it; the factor is light.
fn sheet(x: f32, light: [f32; 3]) -> (Part, Material) {
    let positions = vec![[x, -0.5, -0.5], [x, 0.5, -0.5], [x, 0.0, 0.5]];
    let [r, g, b] = light;
    let material = Material { base_factor: [r, g, b, 1.0], shading: Shading::Unlit, ..Material::default() };
    (part(positions, vec![[0, 1, 2]]), material)
}

fn mesh_of(sheets: Vec<(Part, Material)>) -> Mesh {
    let (parts, materials): (Vec<_>, Vec<_>) = sheets.into_iter().unzip();
    let parts = parts.into_iter().enumerate().map(|(material, part)| Part { material, ..part }).collect();
    Mesh::new(parts, materials, vec![]).unwrap()
}

#[test]
fn a_cubes_face_is_as_far_as_it_should_be() {
    // The front face is half a unit nearer: 56 pixels wide, all of it 1.25 away.
    let view = render(&white(cuboid([1.0; 3])), &front(), plain()).unwrap();
    assert_eq!(view.mask().iter().filter(|seen| **seen).count(), 56 * 56);
    for (seen, depth) in view.mask().iter().zip(view.depth()) {
        assert!(if *seen { (depth - 1.25).abs() < 1e-6 } else { *depth == f32::INFINITY });
    }
}

#[test]
fn a_slanting_plane_is_as_far_as_it_should_be() {
    // The plane x + y + z = 0.
    let corners = vec![[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]];
    let camera = front();
    let view = render(&white(part(corners, vec![[0, 1, 2]])), &camera, plain()).unwrap();
    let mut seen = 0;
    for (pixel, depth) in view.depth().iter().enumerate() {
        let ray = camera.intrinsics.back_project((pixel % 64) as f64, (pixel / 64) as f64, 1.0);
        // World: x = 1.75 - depth, y = ray.x · depth, z = -ray.y · depth.
        let exact = 1.75 / (1.0 - ray.x + ray.y);
        if view.mask()[pixel] {
            seen += 1;
            assert!((f64::from(*depth) - exact).abs() < 1e-6 * exact, "{depth} {exact}");
        }
    }
    assert!(seen > 1000);
}

#[test]
fn nearer_hides_farther_in_any_order() {
    let (red, blue) = (sheet(0.2, [1.0, 0.0, 0.0]), sheet(-0.2, [0.0, 0.0, 1.0]));
    for sheets in [vec![red.clone(), blue.clone()], vec![blue, red]] {
        let view = render(&mesh_of(sheets), &front(), plain()).unwrap();
        assert_eq!(rgb(&view, 32, 40), [255, 0, 0]);
        assert!((view.depth()[40 * 64 + 32] - 1.55).abs() < 1e-6);
    }
}

#[test]
fn both_sides_are_drawn_and_lit_alike() {
    let (part, material) = sheet(0.0, [1.0; 3]);
    let material = Material { shading: Shading::Lit, ..material };
    let back = Part { triangles: vec![[0, 2, 1]], ..part.clone() };
    let turned_away = Part { normals: vec![[-1.0, 0.0, 0.0]; 3], ..part.clone() };
    let all = [part, back, turned_away]
        .map(|part| render(&mesh_of(vec![(part, material)]), &front(), Style::default()).unwrap());
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    // Seen head-on: 0.45 + 0.55 · 2/3 of the light.
    assert_eq!(rgb(&all[0], 32, 40), [srgb::code(0.45 + 0.55 * 2.0 / 3.0); 3]);
}

#[test]
fn light_comes_from_the_upper_left() {
    let bright = |normal: [f32; 3]| {
        let (part, material) = sheet(0.0, [1.0; 3]);
        let part = Part { normals: vec![normal; 3], ..part };
        let mesh = mesh_of(vec![(part, Material { shading: Shading::Lit, ..material })]);
        rgb(&render(&mesh, &front(), Style::default()).unwrap(), 32, 40)[0]
    };
    // From +x, +y is on the right.
    let [left, right, up, down] = [[1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, -1.0]].map(bright);
    assert!(up > left && left > right && right > down, "{up} {left} {right} {down}");
    assert_eq!(down, srgb::code(0.45));
}

#[test]
fn a_poster_is_the_right_way_round_and_keeps_its_colours() {
    let texels = vec![grey(10), grey(60), grey(110), grey(250)];
    let base = Some(Texture { magnified: Magnified::Squares, ..Texture::default() });
    let view =
        render(&poster(2, texels, Material { base, ..Material::default() }), &front(), Style::default()).unwrap();
    let seen = [(20, 20), (43, 20), (20, 43), (43, 43)].map(|(x, y)| rgb(&view, x, y)[0]);
    assert_eq!(seen, [10, 60, 110, 250]);
}

#[test]
fn a_far_poster_is_its_average() {
    let texels: Vec<[u8; 4]> = (0..256 * 256).map(|k| grey(if (k + k / 256) % 2 == 0 { 255 } else { 0 })).collect();
    let view = render(&poster(256, texels, Material::default()), &front(), Style::default()).unwrap();
    let half = srgb::code(0.5);
    assert!(rgb(&view, 32, 32)[0].abs_diff(half) <= 1, "{:?}", rgb(&view, 32, 32));
}

#[test]
fn perspective_bends_no_texture() {
    // A floor of 8 stripes that goes away from the camera: what is seen half-way in the picture is not half-way along it.
    let texels: Vec<[u8; 4]> = (0..8).map(|k| grey(k * 30)).collect();
    let base = Texture { wrap: [Wrap::Edge; 2], magnified: Magnified::Squares, ..Texture::default() };
    let image = crate::Image::new(8, 1, texels).unwrap();
    let part = Part {
        positions: vec![[1.0, -4.0, -0.5], [1.0, 4.0, -0.5], [-7.0, 4.0, -0.5], [-7.0, -4.0, -0.5]],
        base_places: vec![[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]],
        triangles: vec![[0, 1, 2], [0, 2, 3]],
        ..Part::default()
    };
    let material = Material { base: Some(base), shading: Shading::Unlit, ..Material::default() };
    let camera = front();
    let view = render(&Mesh::new(vec![part], vec![material], vec![image]).unwrap(), &camera, plain()).unwrap();
    let mut checked = 0;
    for y in 38..64 {
        // The floor is half a unit below the camera.
        let depth = 0.5 * camera.intrinsics.fy / (y as f64 - camera.intrinsics.cy);
        let along = (depth - 0.75) / 8.0 * 8.0;
        if (along - along.round()).abs() > 0.25 && along > 0.0 && along < 8.0 {
            checked += 1;
            assert_eq!(rgb(&view, 32, y)[0], along as u8 * 30, "row {y}");
        }
    }
    assert!(checked > 5);
}

#[test]
fn what_is_transparent_is_a_hole() {
    let texels = vec![[200, 0, 0, 255], [200, 0, 0, 100]];
    let base = Some(Texture { magnified: Magnified::Squares, ..Texture::default() });
    let seen = |cutoff, opacity| {
        let material = Material { base, cutoff, base_factor: [1.0, 1.0, 1.0, opacity], ..Material::default() };
        let view = render(&poster(2, texels.clone(), material), &front(), plain()).unwrap();
        [20, 43].map(|x| view.mask()[32 * 64 + x])
    };
    assert_eq!(seen(None, 0.1), [true, true]);
    assert_eq!(seen(Some(0.5), 1.0), [true, false]);
    assert_eq!(seen(Some(0.3), 1.0), [true, true]);
    assert_eq!(seen(Some(0.5), 0.4), [false, false]);
}

#[test]
fn a_hole_shows_what_is_behind() {
    let (behind, blue) = sheet(-0.5, [0.0, 0.0, 1.0]);
    let poster = poster(1, vec![[255, 0, 0, 0]], Material { cutoff: Some(0.5), ..Material::default() });
    let mut parts = poster.parts.clone();
    parts.push(Part { material: 1, ..behind });
    let mesh = Mesh::new(parts, vec![poster.materials[0], blue], poster.images.clone()).unwrap();
    assert_eq!(rgb(&render(&mesh, &front(), Style::default()).unwrap(), 32, 36), [0, 0, 255]);
}

#[test]
fn smoothing_softens_edges_and_no_more() {
    let mesh = white(prism(5));
    let all = [Smoothing::None, Smoothing::TwoByTwo, Smoothing::ThreeByThree, Smoothing::FourByFour]
        .map(|smoothing| render(&mesh, &front(), Style { smoothing, light: Light::Albedo }).unwrap());
    let area =
        |view: &View| view.rgba().as_chunks::<4>().0.iter().map(|pixel| f64::from(pixel[3]) / 255.0).sum::<f64>();
    for view in &all {
        assert_eq!((view.mask(), view.depth()), (all[0].mask(), all[0].depth()));
        assert!((area(view) / area(&all[3]) - 1.0).abs() < 0.04);
        let grades =
            view.rgba().as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect::<std::collections::BTreeSet<_>>();
        assert!(grades.len() <= 17 && grades.contains(&0) && grades.contains(&255));
    }
    assert!(all[1].rgba().as_chunks::<4>().0.iter().any(|pixel| pixel[3] == 128));
}

#[test]
fn a_camera_inside_sees_the_inside() {
    let camera = Turntable { side: 32, elevation: 20, distance: 0.1, ..Turntable::default() }.camera_at(30);
    let view = render(&white(cuboid([1.0; 3])), &camera, Style::default()).unwrap();
    assert!(view.mask().iter().all(|seen| *seen) && view.is_cut());
    assert!(view.depth().iter().all(|depth| (NEAR as f32..1.1).contains(depth)));
}

#[test]
fn what_is_behind_or_too_near_is_not_there() {
    let camera = front();
    for x in [1.75 - 0.04, 1.8, 3.0] {
        let view = render(&mesh_of(vec![sheet(x, [1.0; 3])]), &camera, plain()).unwrap();
        assert!(view.mask().iter().all(|seen| !seen), "{x}");
        assert_eq!(view.rgb_on_white(), vec![255; 64 * 64 * 3]);
    }
}

#[test]
fn refuses_pictures_that_nobody_can_hold() {
    let mesh = white(cuboid([1.0; 3]));
    let camera = front();
    let of = |camera: Camera| render(&mesh, &camera, plain()).unwrap_err();
    assert_eq!(of(Camera { width: 0, ..camera }), RenderError::Size { width: 0, height: 64 });
    assert_eq!(of(Camera { height: 9000, ..camera }), RenderError::Size { width: 64, height: 9000 });
    let mut lost = camera;
    lost.camera_from_world.translation.x = f64::NAN;
    assert_eq!(of(lost), RenderError::Pose);
    let mut flat = camera;
    flat.intrinsics.fx = 0.0;
    assert!(matches!(of(flat), RenderError::Intrinsics(_)));
}

/// A change here is a change of every picture that was made before: it belongs into the changelog.
#[test]
fn the_bytes_are_these() {
    let texels = (0..64 * 64_u32).map(|k| [(k * 7) as u8, (k >> 4) as u8, ((k * k) >> 9) as u8, 255]).collect();
    let poster = poster(64, texels, Material::default());
    let ball = Part { normals: prism(24).positions, ..prism(24) };
    let mut parts = poster.parts.clone();
    parts.push(Part { material: 1, ..ball });
    let coloured = Material { base_factor: [0.8, 0.3, 0.1, 1.0], ..Material::default() };
    let mesh = Mesh::new(parts, vec![poster.materials[0], coloured], poster.images.clone()).unwrap();
    let mut bytes = Vec::new();
    for (azimuth, smoothing) in
        [(0, Smoothing::None), (35, Smoothing::TwoByTwo), (160, Smoothing::ThreeByThree), (251, Smoothing::FourByFour)]
    {
        let camera = Turntable { side: 96, elevation: 25, distance: 2.0, ..Turntable::default() }.camera_at(azimuth);
        let view = render(&mesh, &camera, Style { smoothing, light: Light::Shoulder }).unwrap();
        bytes.extend_from_slice(view.rgba());
        bytes.extend(view.rgb_on_white());
        bytes.extend(view.depth().iter().flat_map(|depth| depth.to_le_bytes()));
        bytes.extend(view.mask().iter().map(|seen| u8::from(*seen)));
    }
    assert_eq!(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes)), "9c5ff3d3fdaca1cc");
}

fn corner() -> impl Strategy<Value = [f32; 3]> {
    [-1.5..1.5_f32, -1.5..1.5_f32, -1.5..1.5_f32]
}

proptest! {
    /// Against geometry's own z-buffer, which cuts at a nearer plane and rounds otherwise: triangles that no sample is on the edge of.
    #[test]
    fn agrees_with_another_z_buffer(corners in prop::collection::vec([corner(), corner(), corner()], 1..20), azimuth in 0..360) {
        let camera = Turntable { side: 48, elevation: 20, distance: 3.0, ..Turntable::default() }.camera_at(azimuth);
        let mut other = spatialmill_geometry::Raster::new(48, 48);
        for (id, corners) in corners.iter().enumerate() {
            let corners = corners.map(|at| camera.camera_from_world.apply(&Vector3::from(at.map(f64::from))));
            other.draw(&camera.intrinsics, &corners, id as u32);
        }
        let triangles = (0..corners.len() as u32).map(|k| [3 * k, 3 * k + 1, 3 * k + 2]).collect();
        let view = render(&white(part(corners.concat(), triangles)), &camera, plain()).unwrap();
        for ((seen, depth), other) in view.mask().iter().zip(view.depth()).zip(other.depths()) {
            prop_assert_eq!(*seen, other.is_finite());
            prop_assert!(!seen || (depth - other).abs() < 1e-4 * other, "{} {}", depth, other);
        }
    }

    /// A square of many triangles has neither gaps nor a pixel that two of them own: all of it is at the depth of the whole.
    #[test]
    fn shared_sides_leave_no_gap(inner in prop::collection::vec([-0.5..0.5_f32, -0.5..0.5_f32], 1..8), azimuth in 0..360, elevation in -89..89) {
        // A fan round each point that lies in the triangle of the ones before.
        let mut points = vec![[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]];
        let mut triangles = vec![[0_usize, 1, 2], [0, 2, 3]];
        for point in inner {
            let side = |a: [f32; 2], b: [f32; 2]| (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) > 0.0;
            let within = |[a, b, c]: &[usize; 3]| {
                side(points[*a], points[*b]) && side(points[*b], points[*c]) && side(points[*c], points[*a])
            };
            let Some(at) = triangles.iter().position(within) else { continue };
            let [a, b, c] = triangles.swap_remove(at);
            let new = points.len();
            points.push(point);
            triangles.extend([[a, b, new], [b, c, new], [c, a, new]]);
        }
        // In a plane whose points are no sums of powers of two.
        let place = |[u, v]: [f32; 2]| [u, v, 0.0];
        let all = part(points.iter().copied().map(place).collect(), triangles.iter().map(|corners| corners.map(|corner| corner as u32)).collect());
        let whole = part(points[..4].iter().copied().map(place).collect(), vec![[0, 1, 2], [0, 2, 3]]);
        let camera = Turntable { side: 64, elevation, distance: 1.3, ..Turntable::default() }.camera_at(azimuth);
        let [all, whole] = [all, whole].map(|part| render(&white(part), &camera, plain()).unwrap());
        prop_assert_eq!(all.mask(), whole.mask());
    }

    /// Whatever a camera and a triangle are, the picture has a finite depth where it shows something.
    #[test]
    fn nothing_panics(corners in any::<[[i16; 3]; 3]>(), shift in -20..20, at in any::<[i8; 3]>(), fine in 0..4) {
        let scale = 2_f32.powi(shift);
        let positions = corners.iter().map(|corner| corner.map(|axis| f32::from(axis) * scale)).collect();
        let mut camera = front();
        camera.camera_from_world = Rigid { translation: Vector3::from(at.map(f64::from)), ..camera.camera_from_world };
        let smoothing = [Smoothing::None, Smoothing::TwoByTwo, Smoothing::ThreeByThree, Smoothing::FourByFour][fine as usize];
        let view = render(&white(part(positions, vec![[0, 1, 2]])), &camera, Style { smoothing, ..Style::default() }).unwrap();
        prop_assert!(view.mask().iter().zip(view.depth()).all(|(seen, depth)| *seen == depth.is_finite()));
    }
}

//! Views of a mesh, so that an oracle can compare them and a person can look at them.
//!
//! ```text
//! views <mesh> <folder>                  a line of standard input is a camera:
//!
//! <name> <width> <height> <fx> <fy> <cx> <cy> <12 numbers: world to camera, row by row>
//!
//! views <mesh> <folder> around           24 cameras round it, named by their azimuth, and its symmetry
//! ```
//!
//! A mesh is a `.glb` or `.gltf` file, which is turned so that z is up, or a Wavefront `.obj` of positions, places in images and
//! faces, which is left as it is and has no material; either is normalised. Written are `<name>.png` (before white), `<name>.mask.png` (0 or 255) and
//! `<name>.depth`: a float of 32 bits a pixel, least byte first.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;

use image::{GrayImage, RgbImage};
use spatialmill_geometry::{Intrinsics, Rigid};
use spatialmill_render::{
    Apart, Camera, Limits, Lookalikes, Material, Mesh, Part, STEPS, Style, Turntable, View, read_gltf, render,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, folder, rest @ ..] = arguments.as_slice() else { return Err("expected a mesh and a folder".into()) };
    let mesh = match path.strip_suffix(".obj") {
        Some(_) => obj(&std::fs::read_to_string(path)?)?,
        None => read_gltf(&std::fs::read(path)?, &Limits::default())?.z_up(),
    };
    let mesh = mesh.normalised()?;
    std::fs::create_dir_all(folder)?;
    let folder = Path::new(folder);
    match rest {
        [] => {
            for line in std::io::stdin().lock().lines() {
                let (name, camera) = camera(&line?)?;
                save(folder, &name, &render(&mesh, &camera, Style::default())?)?;
            }
        }
        [what] if what == "around" => {
            let turntable = Turntable { distance: 1.8, ..Turntable::default() };
            for step in 0..STEPS {
                let name = format!("{:03}", turntable.azimuth(step));
                save(folder, &name, &render(&mesh, &turntable.camera(step), Style::default())?)?;
            }
            println!("{} triangles, {:?}", mesh.triangle_count(), mesh.bounds());
            let turntable = Turntable { elevation: 15, ..turntable };
            let mut lookalikes = Lookalikes::new(&mesh, turntable, Apart::default());
            for turn in [15, 30, 90, 180] {
                let all: Vec<_> =
                    (0..6).map(|base| lookalikes.likeness(base * 15, base * 15 + turn)).collect::<Result<_, _>>()?;
                let [outline, colour] =
                    [all.iter().map(|one| one.outline).collect(), all.iter().map(|one| one.colour).collect()].map(ends);
                println!("{turn:3} degrees: outline {outline}, colour {colour}");
            }
            println!("symmetry {:?}", lookalikes.symmetry()?);
        }
        _ => return Err("expected a mesh and a folder, and perhaps `around`".into()),
    }
    Ok(())
}

fn ends(all: Vec<f64>) -> String {
    let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
    format!("{low:.3} to {high:.3}")
}

fn camera(line: &str) -> Result<(String, Camera), Box<dyn Error>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, width, height, numbers @ ..] = words.as_slice() else {
        return Err("a camera has a name and a size".into());
    };
    let numbers: Vec<f64> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let Ok([fx, fy, cx, cy, pose @ ..]) = <[f64; 16]>::try_from(numbers) else {
        return Err("a camera has 4 intrinsics and 12 numbers of its pose".into());
    };
    let mut rows = [0.0; 16];
    rows[..12].copy_from_slice(&pose);
    rows[15] = 1.0;
    let camera = Camera {
        intrinsics: Intrinsics { fx, fy, cx, cy },
        camera_from_world: Rigid::from_row_major(&rows)?,
        width: width.parse()?,
        height: height.parse()?,
    };
    Ok(((*name).to_owned(), camera))
}

fn save(folder: &Path, name: &str, view: &View) -> Result<(), Box<dyn Error>> {
    let (width, height) = (view.width(), view.height());
    let no_picture = "as many pixels as the view has";
    RgbImage::from_raw(width, height, view.rgb_on_white())
        .ok_or(no_picture)?
        .save(folder.join(format!("{name}.png")))?;
    let mask = view.mask().iter().map(|seen| if *seen { 255 } else { 0 }).collect();
    GrayImage::from_raw(width, height, mask).ok_or(no_picture)?.save(folder.join(format!("{name}.mask.png")))?;
    let depth: Vec<u8> = view.depth().iter().flat_map(|depth| depth.to_le_bytes()).collect();
    Ok(std::fs::write(folder.join(format!("{name}.depth")), depth)?)
}

/// Vertices and faces of a Wavefront file.
fn obj(text: &str) -> Result<Mesh, Box<dyn Error>> {
    let mut part = Part::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("v") => {
                let numbers: Vec<f32> = words.take(3).map(|number| number.parse()).collect::<Result<_, _>>()?;
                part.positions.push(numbers.try_into().map_err(|_| "a vertex has three numbers")?);
            }
            Some("f") => {
                let corners: Vec<u32> = words
                    .map(|corner| {
                        // From 1 on; what follows a slash are a place in an image and a normal.
                        let number: u32 = corner.split('/').next().unwrap_or_default().parse()?;
                        number.checked_sub(1).ok_or_else(|| "vertices count from 1".into())
                    })
                    .collect::<Result<_, Box<dyn Error>>>()?;
                let [first, rest @ ..] = corners.as_slice() else { continue };
                part.triangles.extend(rest.array_windows().map(|[b, c]| [*first, *b, *c]));
            }
            _ => {}
        }
    }
    Ok(Mesh::new(vec![part], vec![Material::default()], vec![])?)
}

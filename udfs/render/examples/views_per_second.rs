//! How many views of 512 x 512 pixels one core makes of 10,000 triangles, with a texture, 2 x 2 samples a pixel, outline and depth.
//!
//! A ball is what is rendered: its bumps are 1/8 of the radius, so that parts of it hide others, and it fills a third of the
//! picture, as objects do. Its image has 1024 x 1024 texels. Only rendering is timed, after all is read and one view was made, and of that the
//! time that the thread had a core, so that other programs do not count.
//!
//! ```text
//! views_per_second [seconds]
//! ```

use std::error::Error;
use std::time::Instant;

use spatialmill_render::{
    Apart, Image, Light, Lookalikes, Material, Mesh, Part, STEPS, Smoothing, Style, Texture, Turntable, render,
};

/// Of the ball, from pole to pole and around: 2 · 70 · 72 = 10,080 triangles, some of them without area at the poles.
const ROWS: u32 = 70;
const COLUMNS: u32 = 72;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(5.0), |seconds| seconds.parse())?;
    let mesh = ball()?.normalised()?;
    let turntable = Turntable { distance: 1.8, ..Turntable::default() };
    for (name, style) in [
        ("2 x 2 samples", Style::default()),
        ("4 x 4 samples", Style { smoothing: Smoothing::FourByFour, ..Style::default() }),
        ("1 sample, no light", Style { smoothing: Smoothing::None, light: Light::Albedo }),
    ] {
        let covered = render(&mesh, &turntable.camera(0), style)?.mask().iter().filter(|seen| **seen).count();
        assert!((70_000..120_000).contains(&covered), "{covered} pixels show the ball");
        // The best of several rounds: what else runs on the machine only ever takes time away.
        let (start, mut best) = (Instant::now(), f64::INFINITY);
        while start.elapsed().as_secs_f64() < seconds {
            let round = core_seconds(&start);
            for step in 0..STEPS {
                std::hint::black_box(render(&mesh, &turntable.camera(step), style)?);
            }
            best = best.min(core_seconds(&start) - round);
        }
        println!("{name}: {:.1} views/s of {} triangles", f64::from(STEPS) / best, mesh.triangle_count());
    }
    let start = Instant::now();
    let symmetry = Lookalikes::new(&mesh, turntable, Apart::default()).symmetry()?;
    println!("symmetry {symmetry:?} found in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Time that this thread had a core, where the system says (Linux), and time that passed, elsewhere.
fn core_seconds(start: &Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn ball() -> Result<Mesh, Box<dyn Error>> {
    let mut part = Part::default();
    for row in 0..=ROWS {
        for column in 0..=COLUMNS {
            let (u, v) = (column as f32 / COLUMNS as f32, row as f32 / ROWS as f32);
            let (azimuth, polar) = (u * std::f32::consts::TAU, v * std::f32::consts::PI);
            let radius = 1.0 + 0.125 * (azimuth * 5.0).sin() * (polar * 4.0).sin();
            let direction = [polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()];
            part.positions.push(direction.map(|axis| axis * radius));
            part.normals.push(direction);
            part.base_places.push([u, v]);
        }
    }
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let a = row * (COLUMNS + 1) + column;
            let b = a + COLUMNS + 1;
            part.triangles.extend([[a, b, a + 1], [a + 1, b, b + 1]]);
        }
    }
    let texels = (0..1024_u32 * 1024).map(|k| [(k >> 2) as u8, (k >> 12) as u8, (k / 977) as u8, 255]).collect();
    let image = Image::new(1024, 1024, texels).ok_or("as many texels as that")?;
    let material = Material { base: Some(Texture::default()), ..Material::default() };
    Ok(Mesh::new(vec![part], vec![material], vec![image])?)
}

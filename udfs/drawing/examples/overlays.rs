//! B3: marks drawn on photos, from file bytes to file bytes, one core. `benches/overlays.py` says what it is about and
//! runs it.
//!
//! ```text
//! overlays <folder>     photos and what to draw on them: <name>.jpg, <name>.marks, whose lines are
//!
//! box <colour> x0 y0 x1 y1      mask <colour> x,y,x,y,x,y [x,y,...]      number <colour> <number> x y room
//! ```
//!
//! Then a line of standard input is a kind of mark, or `all` for one picture a kind from one decode, and gets the
//! seconds that all photos took; `save` writes the pictures as <name>.<kind>.jpg beside the photos.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use spatialmill_drawing::{Mark, Picture};
use spatialmill_geometry::colour::Colour;
use spatialmill_geometry::{Mask, PixelBox};

const KINDS: [&str; 3] = ["box", "mask", "number"];

struct Photo {
    path: PathBuf,
    bytes: Vec<u8>,
    masks: Vec<(Mask, Colour)>,
    boxes: Vec<(PixelBox, Colour)>,
    numbers: Vec<(u16, [f64; 3], Colour)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "marks"));
    paths.sort();
    let photos: Vec<Photo> = paths.iter().map(|path| Photo::read(path)).collect::<Result<_, _>>()?;
    let mut out = std::io::stdout();
    for line in std::io::stdin().lines() {
        let start = Instant::now();
        match line?.trim() {
            "save" => {
                for (photo, kind) in photos.iter().flat_map(|photo| KINDS.map(|kind| (photo, kind))) {
                    let picture = Picture::decode(&photo.bytes)?;
                    std::fs::write(
                        photo.path.with_extension(format!("{kind}.jpg")),
                        picture.drawn(&photo.marks(kind))?,
                    )?;
                }
            }
            "decode" => {
                for photo in &photos {
                    black_box(Picture::decode(&photo.bytes)?);
                }
            }
            kinds => {
                let kinds = if kinds == "all" { &KINDS[..] } else { &[kinds] };
                for photo in &photos {
                    let picture = Picture::decode(&photo.bytes)?;
                    for kind in kinds {
                        black_box(picture.drawn(&photo.marks(kind))?);
                    }
                }
            }
        }
        writeln!(out, "{}", start.elapsed().as_secs_f64())?;
        out.flush()?;
    }
    Ok(())
}

impl Photo {
    fn read(marks: &Path) -> Result<Self, Box<dyn Error>> {
        let path = marks.with_extension("jpg");
        let bytes = std::fs::read(&path)?;
        let picture = Picture::decode(&bytes)?;
        let mut photo = Self { path, bytes, masks: Vec::new(), boxes: Vec::new(), numbers: Vec::new() };
        for line in std::fs::read_to_string(marks)?.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [kind, colour, place @ ..] = &words[..] else {
                return Err("a mark is a kind, a colour and a place".into());
            };
            let colour = Colour::named(colour).ok_or("no such colour")?;
            let numbers = |words: &[&str]| words.iter().map(|word| word.parse()).collect::<Result<Vec<f64>, _>>();
            match *kind {
                "mask" => {
                    let polygons = place.iter().map(|polygon| numbers(&polygon.split(',').collect::<Vec<_>>()));
                    let polygons = polygons.collect::<Result<Vec<_>, _>>()?;
                    let polygons = polygons.iter().map(Vec::as_slice);
                    photo.masks.push((Mask::from_polygons(picture.height(), picture.width(), polygons)?, colour));
                }
                "box" => {
                    let [x0, y0, x1, y1] = numbers(place)?[..] else { return Err("a box is four numbers".into()) };
                    photo.boxes.push((PixelBox { x0, y0, x1, y1 }, colour));
                }
                _ => {
                    let place: [f64; 3] = numbers(&place[1..])?.try_into().map_err(|_| "a number has x, y and room")?;
                    photo.numbers.push((words[2].parse()?, place, colour));
                }
            }
        }
        Ok(photo)
    }

    fn marks(&self, kind: &str) -> Vec<Mark<'_>> {
        match kind {
            "mask" => self.masks.iter().map(|(mask, colour)| Mark::Mask { mask, colour: *colour }).collect(),
            "box" => self.boxes.iter().map(|(area, colour)| Mark::Box { area: *area, colour: *colour }).collect(),
            _ => self
                .numbers
                .iter()
                .map(|(number, [x, y, room], colour)| Mark::Number {
                    number: *number,
                    x: *x,
                    y: *y,
                    room: *room,
                    colour: *colour,
                })
                .collect(),
        }
    }
}

//! Draws marks that are read from a text file on an image, so that a person, or an oracle in another language, can look at them.
//!
//! ```text
//! marks <image> <marks> <out.jpg>
//!
//! box <colour> x0 y0 x1 y1      mask <colour> x,y,x,y,x,y [x,y,...]      number <colour> <number> x y room
//! ```

use std::error::Error;

use spatialmill_drawing::{Mark, Picture};
use spatialmill_geometry::colour::Colour;
use spatialmill_geometry::{Mask, PixelBox};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, marks, out] = &arguments[..] else {
        return Err("expected an image, a file of marks, a file to write".into());
    };
    let picture = Picture::decode(&std::fs::read(image)?)?;
    let lines = std::fs::read_to_string(marks)?;
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.split(' ').collect()).collect();
    let masks: Vec<Mask> = lines
        .iter()
        .filter(|words| words[0] == "mask")
        .map(|words| mask(&picture, &words[2..]))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let mut next_mask = masks.iter();
    let marks = lines.iter().map(|words| {
        let colour = Colour::named(words[1]).ok_or_else(|| format!("no colour `{}`", words[1]))?;
        let number = |at: usize| words.get(at).ok_or("too few words")?.parse::<f64>().map_err(Box::<dyn Error>::from);
        Ok(match words[0] {
            "box" => {
                Mark::Box { area: PixelBox { x0: number(2)?, y0: number(3)?, x1: number(4)?, y1: number(5)? }, colour }
            }
            "mask" => Mark::Mask { mask: next_mask.next().ok_or("too few masks")?, colour },
            "number" => {
                Mark::Number { number: words[2].parse()?, x: number(3)?, y: number(4)?, room: number(5)?, colour }
            }
            other => return Err(format!("no mark `{other}`").into()),
        })
    });
    let marks = marks.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    std::fs::write(out, picture.drawn(&marks)?)?;
    for mask in &masks {
        println!("mean colour {:?}", picture.mean_colour(mask));
    }
    Ok(())
}

fn mask(picture: &Picture, polygons: &[&str]) -> Result<Mask, Box<dyn Error>> {
    let polygons: Vec<Vec<f64>> =
        polygons.iter().map(|polygon| polygon.split(',').map(str::parse).collect()).collect::<Result<_, _>>()?;
    Ok(Mask::from_polygons(picture.height(), picture.width(), polygons.iter().map(Vec::as_slice))?)
}

//! Answers questions about masks, one a line, so that an oracle in another language can ask thousands of them.
//!
//! ```text
//! polygons <height> <width> x,y,x,y,x,y [x,y,...]      counts <height> <width> <string>
//! ```
//!
//! Each answer is `<counts> <area> <x0> <y0> <x1> <y1>` (zeros for the box of an empty mask) or `error <message>`.

use spatialmill_geometry::{Mask, PixelBox};
use std::error::Error;
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        match answer(&line?) {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(error) => writeln!(out, "error {error}")?,
        }
    }
    Ok(out.flush()?)
}

fn answer(line: &str) -> Result<String, Box<dyn Error>> {
    let mut words = line.split(' ');
    let (Some(question), Some(height), Some(width)) = (words.next(), words.next(), words.next()) else {
        return Err("expected a question, a height and a width".into());
    };
    let (height, width) = (height.parse()?, width.parse()?);
    let mask = match question {
        "counts" => Mask::from_counts(height, width, words.next().unwrap_or_default())?,
        "polygons" => {
            let polygons: Vec<Vec<f64>> =
                words.map(|word| word.split(',').map(str::parse).collect()).collect::<Result<_, _>>()?;
            Mask::from_polygons(height, width, polygons.iter().map(Vec::as_slice))?
        }
        _ => return Err(format!("no question `{question}`").into()),
    };
    let PixelBox { x0, y0, x1, y1 } = mask.bounds().unwrap_or(PixelBox { x0: 0.0, y0: 0.0, x1: 0.0, y1: 0.0 });
    Ok(format!("{} {} {x0} {y0} {x1} {y1}", mask.to_counts(), mask.area()))
}

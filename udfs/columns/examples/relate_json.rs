//! Relates the frames on standard input, so that an oracle in another language can compare thousands of them.
//!
//! A line in is an object, `{"frame_id": .., "object_id": .., "centre": {"x": .., ..}, "extent": .., "low": .., "nearest": ..}`; a line
//! out is a row of the view `relations`.

use std::error::Error;
use std::io::{BufReader, Read, Write};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use datafusion::prelude::SessionContext;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let vec3 =
        DataType::Struct(Fields::from_iter(["x", "y", "z"].map(|name| Field::new(name, DataType::Float64, true))));
    let schema = Schema::new(vec![
        Field::new("frame_id", DataType::Utf8, true),
        Field::new("object_id", DataType::Utf8, true),
        Field::new("centre", vec3.clone(), true),
        Field::new("extent", vec3.clone(), true),
        Field::new("low", vec3, true),
        Field::new("nearest", DataType::Float64, true),
    ]);
    let mut lines = Vec::new();
    std::io::stdin().read_to_end(&mut lines)?;
    let objects =
        ReaderBuilder::new(Arc::new(schema)).build(BufReader::new(&lines[..]))?.collect::<Result<Vec<_>, _>>()?;

    let context = SessionContext::new();
    spatialmill_columns::scalar_functions(None).for_each(|function| context.register_udf(function));
    context.register_table("objects", context.read_batches(objects)?.into_view())?;
    let facts = context.sql(FACTS).await?.collect().await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut writer = LineDelimitedWriter::new(&mut out);
    writer.write_batches(&facts.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    Ok(out.flush()?)
}

const FACTS: &str = "
    WITH things AS (
        SELECT frame_id, object_id, {centre: centre, extent: extent, low: low, nearest: nearest} AS place FROM objects
    )
    SELECT frame_id, subject, object, axis, fact['relation'] AS relation, fact['value'] AS value, fact['unit'] AS unit,
        fact['margin'] AS margin, fact['overlap'] AS overlap, fact['agrees'] AS agrees
    FROM (
        SELECT s.frame_id, s.object_id AS subject, o.object_id AS object, axis, relate(s.place, o.place, axis) AS fact
        FROM things AS o
        JOIN (things AS s CROSS JOIN (VALUES ('lateral'), ('vertical'), ('depth'), ('width'), ('height'), ('volume')) AS axes (axis))
            ON s.frame_id = o.frame_id AND s.object_id <> o.object_id
    )
    WHERE fact IS NOT NULL
";

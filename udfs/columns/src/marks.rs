//! Marks as recipes: `assign_marks`, `unmarked`, `drawn_marks` and `named_boxes`.
//!
//! ```text
//! objects of a question ─► assign_marks ─► questions.marks   which image each is on, which colour and label it would have
//!                                            ├─► drawn_marks ─► samples.marks   what one image format draws of that
//!                                            └─► named_boxes ─► samples.boxes   what one text format writes of that
//! ```
//!
//! Nothing is drawn here: a recipe says what, and whoever needs the image draws it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int32Type};
use datafusion::common::{Result, exec_datafusion_err, plan_err};
use spatialmill_geometry::colour;

use crate::format::{ImageFormat, TextFormat};
use crate::label_points::label_point_fields;
use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const ASSIGN_MARKS: Function = Function {
    doc: FunctionDoc {
        name: "assign_marks",
        signature: "assign_marks(objects, draw)",
        summary: "the objects (object_id, image, box, label_point, own_colour) of a question, each with the place, colour and label of its mark; colours and labels run through all images of a question, and colours stay apart for any reader and from the objects' own",
        details: "\
`objects` is a list of (object_id, image, box, label_point, own_colour), `image` 0-based into `frame_ids`; `draw` is a number \
in [0, 1). Out comes the same list with a colour and a label for each. Colours and labels run through all images of a \
question. Colours differ from each other and from the object's own for readers with every kind of colour vision (the least \
CIEDE2000 difference); labels are 1, 2, 3 and so on. Which object gets which is left to the draw and not to the order of the \
list, or a label would tell the subject from the object.",
        example: Example {
            sql: "SELECT assign_marks([{object_id: 'cup', image: 0, box: NULL, label_point: NULL, own_colour: {r: 250, g: 0, b: 0}}], 0.1)[1]['label']",
            result: "1",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [objects, draw] => {
            Shape::List(OBJECT).check("assign_marks", "objects", objects)?;
            Shape::Number.check("assign_marks", "draw", draw)?;
            Ok(list_type(assigned_fields()))
        }
        _ => plan_err!("`assign_marks` takes two arguments, objects and a draw, and not {}", types.len()),
    },
    call: Call::Values(assign_marks),
};

pub const UNMARKED: Function = Function {
    doc: FunctionDoc {
        name: "unmarked",
        signature: "unmarked(object_ids)",
        summary: "the marks of objects that no image marks, as `questions.marks` has them: their ids alone",
        details: "\
`object_ids` is a list of texts, the objects of a question that shows a whole scene and names what it means. Out comes what `assign_marks` gives, with \
everything but `object_id` null. Null for a null list.",
        example: Example { sql: "SELECT unmarked(['cup', 'vase'])[2]['object_id']", result: "vase" },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Null] => {
            Ok(list_type(assigned_fields()))
        }
        _ => plan_err!("`unmarked` takes one list of object ids"),
    },
    call: Call::Values(unmarked),
};

pub const DRAWN_MARKS: Function = Function {
    doc: FunctionDoc {
        name: "drawn_marks",
        signature: "drawn_marks(marks, image_format)",
        summary: "the marks that an image format draws: boxes, masks or numbers, each with what its kind needs",
        details: "\
`marks` is what `assign_marks` gives, `image_format` is original, boxes, masks or numbers. Out comes `dataset.marks`: a \
recipe with kind, box, place, colour and label. Nothing is drawn here; whoever needs the image draws it. Nothing for \
original.",
        example: Example {
        sql: "SELECT drawn_marks(assign_marks([{object_id: 'cup', image: 0, box: {x0: 1, y0: 2, x1: 3, y1: 4}, label_point: NULL, own_colour: NULL}],
            0.1), 'boxes')[1]['box']['x1']",
        result: "3.0",
    },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [marks, _] => {
            Shape::List(ASSIGNED).check("drawn_marks", "marks", marks)?;
            Ok(list_type(drawn_fields()))
        }
        _ => plan_err!("`drawn_marks` takes two arguments, marks and an image format, and not {}", types.len()),
    },
    call: Call::Values(drawn_marks),
};

pub const NAMED_BOXES: Function = Function {
    doc: FunctionDoc {
        name: "named_boxes",
        signature: "named_boxes(marks, text_format)",
        summary: "the boxes that a text of this format writes, in the order in which it numbers them, each with its image: 0-based into frame_ids",
        details: "\
`marks` is what `assign_marks` gives, `text_format` one of the five text formats. Out comes `dataset.boxes`, each with its \
image: where a text says <box>n</box>, it means the n-th of them. An export writes them in the box format of its trainer. \
Nothing for text formats without boxes.",
        example: Example {
        sql: "SELECT named_boxes(assign_marks([{object_id: 'cup', image: 0, box: {x0: 1, y0: 2, x1: 3, y1: 4}, label_point: NULL, own_colour: NULL}],
            0.1), 'ref_region_box')[1]['y0']",
        result: "2.0",
    },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [marks, _] => {
            Shape::List(ASSIGNED).check("named_boxes", "marks", marks)?;
            Ok(list_type(named_box_fields()))
        }
        _ => plan_err!("`named_boxes` takes two arguments, marks and a text format, and not {}", types.len()),
    },
    call: Call::Values(named_boxes),
};

const BOX: Shape =
    Shape::Struct(&[("x0", Shape::Number), ("y0", Shape::Number), ("x1", Shape::Number), ("y1", Shape::Number)]);
const PLACE: Shape = Shape::Struct(&[("x", Shape::Number), ("y", Shape::Number), ("radius", Shape::Number)]);
const OBJECT: &[(&str, Shape)] = &[
    ("object_id", Shape::Text),
    ("image", Shape::Number),
    ("box", BOX),
    ("label_point", PLACE),
    ("own_colour", Shape::Struct(&[("r", Shape::Number), ("g", Shape::Number), ("b", Shape::Number)])),
];
const ASSIGNED: &[(&str, Shape)] = &[
    ("object_id", Shape::Text),
    ("image", Shape::Number),
    ("box", BOX),
    ("place", PLACE),
    ("colour", Shape::Text),
    ("label", Shape::Text),
];

fn box_fields() -> Fields {
    ["x0", "y0", "x1", "y1"].map(|edge| Field::new(edge, DataType::Float64, true)).to_vec().into()
}

fn assigned_fields() -> Fields {
    vec![
        Field::new("object_id", DataType::Utf8, true),
        Field::new("image", DataType::Int32, true),
        Field::new("box", DataType::Struct(box_fields()), true),
        Field::new("place", DataType::Struct(label_point_fields()), true),
        Field::new("colour", DataType::Utf8, true),
        Field::new("label", DataType::Utf8, true),
    ]
    .into()
}

/// A box that a text writes, with the image that it is on.
fn named_box_fields() -> Fields {
    box_fields().iter().cloned().chain([Arc::new(Field::new("image", DataType::Int32, true))]).collect()
}

fn drawn_fields() -> Fields {
    let mut fields: Vec<_> = assigned_fields().iter().cloned().collect();
    fields.insert(1, Arc::new(Field::new("kind", DataType::Utf8, true)));
    fields.into()
}

fn assign_marks(arguments: &Arguments) -> Result<ArrayRef> {
    let objects = Lists::new(&arguments.column(0)?)?;
    let draws = cast(&arguments.column(1)?, &DataType::Float64)?;
    let draws = draws.as_primitive::<Float64Type>();
    let record = Record(&objects.values);
    let ids = record.text("object_id")?;
    let images = cast(record.field("image")?, &DataType::Int32)?;
    let images = images.as_primitive::<Int32Type>();
    let own = own_colours(record.field("own_colour")?)?;
    let (mut colours, mut labels) = (vec![""; ids.len()], vec![0; ids.len()]);
    let mut lengths = Vec::with_capacity(arguments.rows());
    let mut order: Vec<usize> = Vec::new();
    let mut own_in_order: Vec<Option<[u8; 3]>> = Vec::new();
    for (row, rows) in objects.ranges().enumerate() {
        let rows = rows.unwrap_or_default();
        lengths.push(rows.len());
        if rows.is_empty() {
            continue;
        }
        let draw = if draws.is_valid(row) { draws.value(row).clamp(0.0, 1.0) } else { 0.0 };
        order.clear();
        order.extend(rows.clone());
        // Image by image: what is marked in two images would have neighbouring labels in them, and so be found without a look.
        order.sort_by_key(|object| (images.value(*object), ids.value(*object)));
        // The first of the ids is as likely to be the first of the labels as any.
        order.rotate_left(((draw * rows.len() as f64) as usize).min(rows.len() - 1));
        own_in_order.clear();
        own_in_order.extend(order.iter().map(|object| own[*object]));
        // The bits that the rotation has not used.
        let assigned = colour::assign(&own_in_order, (draw * (1u64 << 53) as f64) as u64);
        for (place, (object, colour)) in order.iter().zip(assigned).enumerate() {
            (colours[*object], labels[*object]) = (colour.name(), place + 1);
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids),
        Arc::new(images.clone()),
        cast_to(record.field("box")?, box_fields())?,
        cast_to(record.field("label_point")?, label_point_fields())?,
        Arc::new(StringArray::from(colours)),
        Arc::new(labels.iter().map(|label| Some(label.to_string())).collect::<StringArray>()),
    ];
    lists_of(assigned_fields(), columns, lengths, objects.nulls().cloned())
}

fn unmarked(arguments: &Arguments) -> Result<ArrayRef> {
    let ids = cast(&arguments.column(0)?, &DataType::new_list(DataType::Utf8, true))?;
    let ids = ids.as_list::<i32>();
    let (values, rows) = (ids.values(), ids.values().len());
    let fields = assigned_fields();
    let mut columns: Vec<ArrayRef> = fields.iter().map(|field| new_null_array(field.data_type(), rows)).collect();
    columns[0] = Arc::clone(values);
    let marks = StructArray::try_new(fields.clone(), columns, None)?;
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    Ok(Arc::new(ListArray::try_new(item, ids.offsets().clone(), Arc::new(marks), ids.nulls().cloned())?))
}

/// The colours of the objects themselves, where they are known.
fn own_colours(column: &ArrayRef) -> Result<Vec<Option<[u8; 3]>>> {
    let Some(colours) = column.as_struct_opt() else { return Ok(vec![None; column.len()]) };
    let record = Record(colours);
    let (r, g, b) = (record.number("r")?, record.number("g")?, record.number("b")?);
    let (r, g, b) = (r.or_nan(), g.or_nan(), b.or_nan());
    let colour = |row: usize| {
        let parts = [r[row], g[row], b[row]];
        // The cast saturates.
        (colours.is_valid(row) && parts.iter().all(|part| part.is_finite())).then(|| parts.map(|part| part as u8))
    };
    Ok((0..colours.len()).map(colour).collect())
}

fn cast_to(column: &ArrayRef, fields: Fields) -> Result<ArrayRef> {
    let wanted = DataType::Struct(fields);
    if column.data_type() == &DataType::Null {
        return Ok(new_null_array(&wanted, column.len()));
    }
    Ok(if column.data_type() == &wanted { column.clone() } else { cast(column, &wanted)? })
}

fn drawn_marks(arguments: &Arguments) -> Result<ArrayRef> {
    let marks = Lists::new(&arguments.column(0)?)?;
    let formats = arguments.text(1)?;
    let format = |row: usize| {
        let name = if formats.is_valid(row) { formats.value(row) } else { "" };
        ImageFormat::named(name).ok_or_else(|| exec_datafusion_err!("`{name}` is no image format"))
    };
    let mut kinds: Vec<&str> = Vec::new();
    let chosen = Chosen::of(&marks, |row| {
        let kind = format(row)?.mark_kind();
        kinds.extend(kind.into_iter().flat_map(|kind| std::iter::repeat_n(kind, marks.range(row).len())));
        Ok(kind.is_some())
    })?;
    let only = |column: ArrayRef, kind: &str| {
        let of_kind = NullBuffer::new(BooleanBuffer::from_iter(kinds.iter().map(|own| *own == kind)));
        with_nulls(&column, of_kind)
    };
    let columns = vec![
        chosen.column("object_id", &DataType::Utf8)?,
        Arc::new(StringArray::from(kinds.clone())),
        chosen.column("image", &DataType::Int32)?,
        only(chosen.column("box", &DataType::Struct(box_fields()))?, "box")?,
        only(chosen.column("place", &DataType::Struct(label_point_fields()))?, "number")?,
        chosen.column("colour", &DataType::Utf8)?,
        only(chosen.column("label", &DataType::Utf8)?, "number")?,
    ];
    lists_of(drawn_fields(), columns, chosen.lengths, None)
}

fn named_boxes(arguments: &Arguments) -> Result<ArrayRef> {
    let marks = Lists::new(&arguments.column(0)?)?;
    let formats = arguments.text(1)?;
    let chosen = Chosen::of(&marks, |row| {
        let name = if formats.is_valid(row) { formats.value(row) } else { "" };
        let format = TextFormat::named(name).ok_or_else(|| exec_datafusion_err!("`{name}` is no text format"))?;
        Ok(format.writes_boxes())
    })?;
    let boxes = chosen.column("box", &DataType::Struct(box_fields()))?;
    let mut columns = boxes.as_struct().columns().to_vec();
    columns.push(chosen.column("image", &DataType::Int32)?);
    lists_of(named_box_fields(), columns, chosen.lengths, None)
}

/// The marks of some rows, and none of the others.
struct Chosen<'a> {
    values: &'a StructArray,
    taken: UInt32Array,
    lengths: Vec<usize>,
}

impl<'a> Chosen<'a> {
    fn of(marks: &'a Lists, mut is_chosen: impl FnMut(usize) -> Result<bool>) -> Result<Self> {
        let (mut taken, mut lengths) = (Vec::new(), Vec::new());
        for row in 0..marks.rows() {
            let range = if is_chosen(row)? { marks.range(row) } else { 0..0 };
            lengths.push(range.len());
            // The values of one batch's lists are counted by i32 offsets.
            taken.extend(range.map(|mark| mark as u32));
        }
        Ok(Self { values: &marks.values, taken: taken.into(), lengths })
    }

    fn column(&self, name: &str, wanted: &DataType) -> Result<ArrayRef> {
        match self.values.column_by_name(name) {
            Some(column) if column.data_type() == wanted => Ok(take(column, &self.taken, None)?),
            Some(column) => Ok(cast(&take(column, &self.taken, None)?, wanted)?),
            // What an empty list in SQL is a list of has no fields.
            None => Ok(new_null_array(wanted, self.taken.len())),
        }
    }
}

/// `column`, null also where `valid` says so; so are the fields of a struct, because who takes a field does not ask for its struct.
fn with_nulls(column: &ArrayRef, valid: NullBuffer) -> Result<ArrayRef> {
    let nulls = NullBuffer::union(column.nulls(), Some(&valid));
    if let Some(structs) = column.as_struct_opt() {
        let fields = structs.columns().iter().map(|field| with_nulls(field, valid.clone())).collect::<Result<_>>()?;
        return Ok(Arc::new(StructArray::try_new(structs.fields().clone(), fields, nulls)?));
    }
    Ok(arrow::array::make_array(column.to_data().into_builder().nulls(nulls).build()?))
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn check(sql: &str, expected: &str) {
        let context = SessionContext::new();
        for function in [&ASSIGN_MARKS, &UNMARKED, &DRAWN_MARKS, &NAMED_BOXES] {
            context.register_udf(function.scalar(None).unwrap());
        }
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        assert_eq!(array_value_to_string(batches[0].column(0), 0).unwrap(), expected, "{sql}");
    }

    const PAIR: &str =
        "[{object_id: 'b', image: 0, box: {x0: 1, y0: 2, x1: 3, y1: 4}, label_point: {x: 2, y: 3, radius: 1}, own_colour: NULL},
        {object_id: 'a', image: 1, box: {x0: 5, y0: 6, x1: 7, y1: 8}, label_point: NULL, own_colour: NULL}]";

    #[tokio::test]
    async fn labels_follow_the_draw_and_not_the_order_of_things() {
        let labels = "m[1]['object_id'] || m[1]['label'] || m[2]['object_id'] || m[2]['label']";
        check(&format!("SELECT {labels} FROM (SELECT assign_marks({PAIR}, 0.2) AS m)"), "b1a2").await;
        check(&format!("SELECT {labels} FROM (SELECT assign_marks({PAIR}, 0.7) AS m)"), "b2a1").await;
        // Between an object's labels in two images stand those of others, as it happens.
        let twice = [("c", 0), ("c", 1), ("a", 1), ("d", 1)].map(|(id, image)| {
            format!("{{object_id: '{id}', image: {image}, box: NULL, label_point: NULL, own_colour: NULL}}")
        });
        let labels = (1..=4).map(|at| format!("m[{at}]['label']")).collect::<Vec<_>>().join(" || ");
        let marks = format!("assign_marks([{}], 0.0)", twice.join(", "));
        check(&format!("SELECT {labels} FROM (SELECT {marks} AS m)"), "1324").await;
    }

    #[tokio::test]
    async fn unmarked_objects_are_their_ids_alone() {
        // An empty list in SQL has no type of its own.
        check("SELECT cardinality(unmarked(make_array()))", "0").await;
        check("SELECT unmarked(CAST(NULL AS VARCHAR[])) IS NULL", "true").await;
        check(
            "SELECT concat(m[2]['object_id'], m[2]['image'], m[2]['label']) FROM (SELECT unmarked(['a', 'b']) AS m)",
            "b",
        )
        .await;
        check("SELECT named_boxes(unmarked(['a']), 'natural')", "[]").await;
    }

    #[tokio::test]
    async fn each_kind_has_what_it_needs_and_nothing_else() {
        for (format, expected) in [
            ("boxes", "2 box 3.0   1"),
            ("masks", "2 mask    1"),
            ("numbers", "2 number  2.0 2 1"),
            ("original", "0     "),
        ] {
            let what = "concat(cardinality(m), ' ', m[1]['kind'], ' ', m[1]['box']['x1'], ' ', m[1]['place']['x'], ' ', m[1]['label'], ' ', m[2]['image'])";
            check(
                &format!("SELECT {what} FROM (SELECT drawn_marks(assign_marks({PAIR}, 0.7), '{format}') AS m)"),
                expected,
            )
            .await;
        }
        for (format, expected) in [("mark", "0"), ("natural", "0"), ("ref_caption_box", "2")] {
            check(&format!("SELECT cardinality(named_boxes(assign_marks({PAIR}, 0.7), '{format}'))"), expected).await;
        }
        check(&format!("SELECT named_boxes(assign_marks({PAIR}, 0.7), 'ref_caption_box')[2]['image']"), "1").await;
    }
}

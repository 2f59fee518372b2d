//! `object_slot`, `category_slot`, `value_slot`, `image_slot`, `direction_slot`, `list_slot`: what a question speaks of, as values of one type.
//!
//! A question has a list of slots, which its task names and its phrases use: `[object_slot('subject', 'chair'), image_slot('view', 1)]`.
//! [`crate::phrases::slots`] says what each kind becomes in a text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, ListArray, StringArray, StructArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int32Type};
use datafusion::common::{Result, exec_datafusion_err, plan_err};

use crate::lists::Lists;
use crate::phrases::slots::{Content, Kind, Quantity, SlotValue};
use crate::record::Record;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const OBJECT_SLOT: Function = Function {
    doc: FunctionDoc {
        name: "object_slot",
        signature: "object_slot(name, text)",
        summary: "a slot of a question: one object of the image, by what it is called; the n-th object of a question has the n-th of its marks",
        details: "\
The first argument is the slot's name in the phrases (`{the subject}`), the second what the object is called. In a text it \
becomes a name, a box or a mark, as the text format says.",
        example: Example { sql: "SELECT object_slot('subject', 'red chair')['text']", result: "red chair" },
        cost: Cost::Cheap,
    },
    return_type: |types| slot_type("object_slot", types, 2),
    call: Call::Values(|arguments| slot(arguments, Kind::Object, 1, None)),
};

pub const CATEGORY_SLOT: Function = Function {
    doc: FunctionDoc {
        name: "category_slot",
        signature: "category_slot(name, text)",
        summary: "a slot of a question: a category, whose objects are counted or looked for and never marked",
        details: "\
`text` is the name of the category in the singular; phrases take its plural with `{plural category}` or an article. Its \
objects have no marks.",
        example: Example { sql: "SELECT category_slot('category', 'chair')['kind']", result: "category" },
        cost: Cost::Cheap,
    },
    return_type: |types| slot_type("category_slot", types, 2),
    call: Call::Values(|arguments| slot(arguments, Kind::Category, 1, None)),
};

pub const VALUE_SLOT: Function = Function {
    doc: FunctionDoc {
        name: "value_slot",
        signature: "value_slot(name, value, unit, decimals)",
        summary: "a slot of a question: a number with its unit (m, cm, m2, m3, deg, s, or a word) and so many decimals",
        details: "\
`unit` is m, cm, m2, m3, deg, s, or a word of its own; the value is rounded to `decimals` where a text says it, and whole \
here.",
        example: Example { sql: "SELECT value_slot('distance', 2.34, 'm', 1)['value']", result: "2.34" },
        cost: Cost::Cheap,
    },
    return_type: |types| slot_type("value_slot", types, 4),
    call: Call::Values(value_slot),
};

pub const IMAGE_SLOT: Function = Function {
    doc: FunctionDoc {
        name: "image_slot",
        signature: "image_slot(name, index)",
        summary: "a slot of a question: an image, by its place in `frame_ids`, from 0; texts count from 1",
        details: "\
`index` counts the images of `frame_ids` from 0; a text says \"image 2\" or \"the second image\".",
        example: Example { sql: "SELECT image_slot('view', 1)['value']", result: "1.0" },
        cost: Cost::Cheap,
    },
    return_type: |types| slot_type("image_slot", types, 2),
    call: Call::Values(image_slot),
};

pub const DIRECTION_SLOT: Function = Function {
    doc: FunctionDoc {
        name: "direction_slot",
        signature: "direction_slot(name, direction)",
        summary: "a slot of a question: a direction, as a relation that topics declare or in words",
        details: "\
`direction` is a relation that a topic declares, which is said as that topic says it, or plain words.",
        example: Example { sql: "SELECT direction_slot('facing', 'left')['text']", result: "left" },
        cost: Cost::Cheap,
    },
    return_type: |types| slot_type("direction_slot", types, 2),
    call: Call::Values(|arguments| slot(arguments, Kind::Direction, 1, None)),
};

pub const LIST_SLOT: Function = Function {
    doc: FunctionDoc {
        name: "list_slot",
        signature: "list_slot(name, items)",
        summary: "a slot of a question: an order of objects or the steps of a route, each the name of another slot, a relation or words",
        details: "\
`items` is a list of texts: names of other slots of the question, relations, or words. A text joins them in their order.",
        example: Example { sql: "SELECT list_slot('order', ['cup', 'vase'])['items'][2]", result: "vase" },
        cost: Cost::Cheap,
    },
    return_type: |types| slot_type("list_slot", types, 2),
    call: Call::Values(list_slot),
};

/// The fields of a slot, whatever its kind.
pub fn slot_fields() -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, true);
    vec![
        field("name", DataType::Utf8),
        field("kind", DataType::Utf8),
        field("text", DataType::Utf8),
        field("value", DataType::Float64),
        field("unit", DataType::Utf8),
        field("decimals", DataType::Int32),
        field("items", items_type()),
    ]
    .into()
}

fn items_type() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

fn slot_type(function: &str, types: &[DataType], wanted: usize) -> Result<DataType> {
    if types.len() != wanted {
        return plan_err!("`{function}` takes {wanted} arguments, the slot's name first, and not {}", types.len());
    }
    Ok(DataType::Struct(slot_fields()))
}

/// A slot of a kind, with the columns that the kind has: its text, or others by their place among the fields.
fn slot(arguments: &Arguments, kind: Kind, text_at: usize, others: Option<Vec<(usize, ArrayRef)>>) -> Result<ArrayRef> {
    let rows = arguments.rows();
    let fields = slot_fields();
    let mut columns: Vec<ArrayRef> = fields.iter().map(|field| new_null_array(field.data_type(), rows)).collect();
    columns[0] = Arc::new(arguments.text(0)?);
    columns[1] = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(kind.name(), rows)));
    match others {
        None => columns[2] = Arc::new(arguments.text(text_at)?),
        Some(others) => others.into_iter().for_each(|(at, column)| columns[at] = column),
    }
    Ok(Arc::new(StructArray::try_new(fields, columns, None)?))
}

fn value_slot(arguments: &Arguments) -> Result<ArrayRef> {
    let value = cast(&arguments.column(1)?, &DataType::Float64)?;
    let unit: ArrayRef = Arc::new(arguments.text(2)?);
    let decimals = cast(&arguments.column(3)?, &DataType::Int32)?;
    slot(arguments, Kind::Value, 0, Some(vec![(3, value), (4, unit), (5, decimals)]))
}

fn image_slot(arguments: &Arguments) -> Result<ArrayRef> {
    let index = cast(&arguments.column(1)?, &DataType::Float64)?;
    slot(arguments, Kind::Image, 0, Some(vec![(3, index)]))
}

fn list_slot(arguments: &Arguments) -> Result<ArrayRef> {
    let items = cast(&arguments.column(1)?, &items_type())?;
    slot(arguments, Kind::List, 0, Some(vec![(6, items)]))
}

/// The slots of some questions, ready to be read row by row.
pub struct Slots {
    lists: Lists,
    names: StringArray,
    kinds: StringArray,
    texts: StringArray,
    values: Float64Array,
    units: StringArray,
    decimals: Int32Array,
    items: ListArray,
    item_texts: StringArray,
}

impl Slots {
    pub fn new(column: &ArrayRef) -> Result<Self> {
        let lists = Lists::new(column)?;
        let record = Record(&lists.values);
        let empty = lists.values.is_empty();
        let text = |name: &str| if empty { Ok(StringArray::new_null(0)) } else { record.text(name) };
        let typed = |name: &str, wanted: &DataType| -> Result<ArrayRef> {
            Ok(if empty { new_null_array(wanted, 0) } else { cast(record.field(name)?, wanted)? })
        };
        let (names, kinds, texts, units) = (text("name")?, text("kind")?, text("text")?, text("unit")?);
        let values = typed("value", &DataType::Float64)?.as_primitive::<Float64Type>().clone();
        let decimals = typed("decimals", &DataType::Int32)?.as_primitive::<Int32Type>().clone();
        let items = typed("items", &items_type())?.as_list::<i32>().clone();
        let item_texts = items.values().as_string::<i32>().clone();
        Ok(Self { lists, names, kinds, texts, values, units, decimals, items, item_texts })
    }

    /// The items of all lists, as the slots borrow them.
    pub fn items(&self) -> Vec<&str> {
        self.item_texts.iter().map(Option::unwrap_or_default).collect()
    }

    /// The slots of one question into `out`. `items` is what [`Self::items`] gives.
    pub fn read<'a>(&'a self, row: usize, items: &'a [&'a str], out: &mut Vec<SlotValue<'a>>) -> Result<()> {
        out.clear();
        for slot in self.lists.range(row) {
            let text = |array: &'a StringArray| if array.is_valid(slot) { array.value(slot) } else { "" };
            let kind = Kind::named(text(&self.kinds))
                .ok_or_else(|| exec_datafusion_err!("`{}` is no kind of slot", text(&self.kinds)))?;
            let content = match kind {
                Kind::Object => Content::Object(text(&self.texts)),
                Kind::Category => Content::Category(text(&self.texts)),
                Kind::Value => Content::Value(Quantity {
                    value: self.values.value(slot),
                    unit: text(&self.units),
                    // More decimals than a double has say nothing.
                    decimals: self.decimals.value(slot).clamp(0, 15) as u8,
                }),
                // The cast saturates; NaN is 0.
                Kind::Image => Content::Image(self.values.value(slot) as u32),
                Kind::Direction => Content::Direction(text(&self.texts)),
                Kind::List => {
                    let offsets = self.items.value_offsets();
                    Content::List(&items[offsets[slot] as usize..offsets[slot + 1] as usize])
                }
            };
            out.push(SlotValue { name: text(&self.names), content });
        }
        Ok(())
    }
}

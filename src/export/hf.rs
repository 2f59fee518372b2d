//! Hugging Face `datasets`: Parquet with the images in it, a dataset card and a Croissant description.
//!
//! What makes the library take a column for images is the key `huggingface` of the Arrow schema's metadata, and types that allow null at
//! every level; without either, images load as plain bytes. The columns are those of `dataset`, whose schema is declared and never inferred, so
//! that all shards of an export have the same.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, ListArray, RecordBatch, StringBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::conversation::{ChatTurn, Conversation, read_turns, turns};
use super::dialect::Dialect;
use super::images::ImageStorage;
use super::json_lines::cannot_write;
use super::{ExportKind, ExportShard, FinishedExport, LoadedImage, LoadedRecord, Sample, to_json};
use crate::error::{Context, Error, Result};
use crate::marked_image::DrawnMark;
use crate::tables::SampleImage;

pub const HF: ExportKind = ExportKind {
    name: "hf",
    doc: "Hugging Face datasets: Parquet with images, conversations and all columns; dataset card, Croissant",
    long_doc: "  data/train-00000-of-00012.parquet   id, images, conversations and the columns of the dataset
  README.md                           how it is loaded, and the dataset card: licences, counts, columns
  croissant.json                      the same for machines

datasets.load_dataset(FOLDER) opens it: `images` are images, `conversations` are turns. Row groups are small enough for the Hub's viewer.",
    dialect: "internvl",
    path: |at, of| format!("data/{}", super::numbered(at, of, "parquet")),
    shard_rows: 2_000,
    embeds: true,
    most_images: None,
    takes_turns: true,
    record,
    write,
    index: None,
    asked: |sample| sample.question.clone(),
    read,
    finish: |finished| Ok([("croissant.json".to_owned(), super::pretty(&croissant(finished))?)].into()),
    start: |_| {
        "```python\nfrom datasets import load_dataset\nrows = load_dataset(\"/path/to/this/folder\", split=\"train\")\n\
         rows[0][\"images\"][0], rows[0][\"conversations\"]\n```\n"
            .to_owned()
    },
    rooted: false,
};

/// A row group is closed above so many bytes: readers of the Hub take 100 to 300 MB, and each holds one in memory.
const ROW_GROUP: usize = 32 << 20;

/// Rows between two looks at how large a row group has become.
const STEP: usize = 32;

/// And bytes of images: they are in memory a second time while their rows are put together.
const STEP_BYTES: usize = 8 << 20;

#[derive(Serialize)]
struct HfRecord<'a> {
    id: &'a str,
    /// For the shard's writer, which puts bytes in its place.
    images: &'a [SampleImage],
    conversations: Vec<ChatTurn>,
    #[serde(flatten)]
    columns: HfColumns<'a>,
}

/// A record that holds several samples: the columns of each are in a list.
#[derive(Serialize)]
struct HfPackedRecord<'a> {
    id: &'a str,
    images: &'a [SampleImage],
    conversations: Vec<ChatTurn>,
    samples: Vec<HfSample<'a>>,
}

#[derive(Serialize)]
struct HfSample<'a> {
    sample_id: &'a str,
    #[serde(flatten)]
    columns: HfColumns<'a>,
}

/// The columns of a row beside its conversation.
#[derive(Serialize)]
struct HfColumns<'a> {
    question_id: &'a str,
    source: &'a str,
    licence: Option<&'a str>,
    split: Option<&'a str>,
    scene_id: Option<&'a str>,
    frame_ids: &'a [String],
    task: &'a str,
    relation: &'a str,
    answer_form: &'a str,
    text_format: &'a str,
    image_format: &'a str,
    options: Option<&'a [String]>,
    answer_index: Option<i32>,
    ground_truth: &'a str,
    answer_value: Option<f64>,
    answer_unit: Option<&'a str>,
    object_ids: &'a [String],
    boxes: Vec<[f64; 4]>,
    box_images: Vec<usize>,
    marks: Vec<HfMark>,
    margin: f64,
    visibility: f64,
    lift_quality: f64,
    template_id: &'a str,
    seed: i64,
    generator: &'a str,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct HfMark {
    image: usize,
    #[serde(flatten)]
    mark: DrawnMark,
}

impl<'a> HfColumns<'a> {
    fn of(sample: &'a Sample) -> Self {
        Self {
            question_id: &sample.question_id,
            source: &sample.source,
            licence: sample.licence.as_deref(),
            split: sample.split.as_deref(),
            scene_id: sample.scene_id.as_deref(),
            frame_ids: &sample.frame_ids,
            task: &sample.task,
            relation: &sample.relation,
            answer_form: &sample.answer_form,
            text_format: &sample.text_format,
            image_format: &sample.image_format,
            options: sample.options.as_deref(),
            answer_index: sample.answer_index,
            ground_truth: &sample.ground_truth,
            answer_value: sample.answer_value,
            answer_unit: sample.answer_unit.as_deref(),
            object_ids: &sample.object_ids,
            boxes: sample.boxes.iter().map(|of| of.bbox.corners()).collect(),
            box_images: sample.boxes.iter().map(|of| of.image).collect(),
            marks: sample.marks.iter().map(|mark| HfMark { image: mark.image, mark: mark.into() }).collect(),
            margin: sample.margin,
            visibility: sample.visibility,
            lift_quality: sample.lift_quality,
            template_id: &sample.template_id,
            seed: sample.seed,
            generator: &sample.generator,
            other: &sample.other_columns,
        }
    }
}

/// A column: its Arrow type, and what `datasets` calls it.
struct HfColumn {
    name: String,
    kind: DataType,
    feature: Value,
}

impl HfColumn {
    fn new(name: impl Into<String>, kind: DataType) -> Self {
        Self { name: name.into(), feature: feature(&kind), kind }
    }
}

/// The type as `datasets` calls it.
fn feature(kind: &DataType) -> Value {
    match kind {
        DataType::List(item) => json!([feature(item.data_type())]),
        DataType::Struct(fields) => {
            fields.iter().map(|field| (field.name().clone(), feature(field.data_type()))).collect::<Map<_, _>>().into()
        }
        DataType::Int32 => json!({ "dtype": "int32", "_type": "Value" }),
        DataType::Int64 => json!({ "dtype": "int64", "_type": "Value" }),
        DataType::Float64 => json!({ "dtype": "float64", "_type": "Value" }),
        DataType::Boolean => json!({ "dtype": "bool", "_type": "Value" }),
        _ => json!({ "dtype": "string", "_type": "Value" }),
    }
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, true)))
}

fn structs(fields: &[(&str, DataType)]) -> DataType {
    DataType::Struct(fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect())
}

/// A column of `dataset` as its values are written to JSON and read from there: whole numbers and floats of one width, all else as text.
fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Boolean => kind.clone(),
        kind if kind.is_integer() => DataType::Int64,
        kind if kind.is_floating() => DataType::Float64,
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => list(plain(item.data_type())),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| Field::new(field.name(), plain(field.data_type()), true));
            DataType::Struct(fields.collect())
        }
        _ => DataType::Utf8,
    }
}

/// The columns of every shard but the images: the conversation, then those of `dataset`; where a record holds several samples, in a list.
fn columns(dataset: &Schema, turns: usize) -> Vec<HfColumn> {
    let mut columns = columns_of_samples(dataset);
    if turns > 1 {
        let mut own = vec![Field::new("sample_id", DataType::Utf8, true)];
        own.extend(columns.drain(2..).map(|column| Field::new(column.name, column.kind, true)));
        columns.push(HfColumn::new("samples", list(DataType::Struct(own.into()))));
    }
    columns
}

fn columns_of_samples(dataset: &Schema) -> Vec<HfColumn> {
    let numbers = || list(DataType::Float64);
    let mark = structs(&[
        ("object_id", DataType::Utf8),
        ("kind", DataType::Utf8),
        ("image", DataType::Int32),
        ("box", numbers()),
        ("place", numbers()),
        ("colour", DataType::Utf8),
        ("label", DataType::Utf8),
    ]);
    let turn = structs(&[("from", DataType::Utf8), ("value", DataType::Utf8)]);
    let mut columns = vec![HfColumn::new("id", DataType::Utf8), HfColumn::new("conversations", list(turn))];
    for field in dataset.fields() {
        match field.name().as_str() {
            // What the conversation and its id are made of.
            "sample_id" | "question" | "answer" => {}
            "boxes" => {
                columns.push(HfColumn::new("boxes", list(numbers())));
                columns.push(HfColumn::new("box_images", list(DataType::Int32)));
            }
            "marks" => columns.push(HfColumn::new("marks", list(mark.clone()))),
            name => columns.push(HfColumn::new(name, plain(field.data_type()))),
        }
    }
    columns
}

/// `images` stands after `id`.
const IMAGES_AT: usize = 1;

/// What is decoded from records, all columns but the images, and the schema of the shards.
fn schemas(dataset: &Schema, turns: usize) -> (SchemaRef, SchemaRef) {
    let columns = columns(dataset, turns);
    let fields: Vec<Field> = columns.iter().map(|column| Field::new(&column.name, column.kind.clone(), true)).collect();
    let plain = Arc::new(Schema::new(fields));
    let mut features: Map<String, Value> = columns.into_iter().map(|column| (column.name, column.feature)).collect();
    features.insert("images".to_owned(), json!([{ "_type": "Image" }]));
    let described = json!({ "info": { "features": features } }).to_string();
    let mut fields: Vec<Arc<Field>> = plain.fields().iter().cloned().collect();
    fields.insert(IMAGES_AT, Arc::new(Field::new("images", DataType::List(image_item()), true)));
    let whole = Schema::new_with_metadata(fields, HashMap::from([("huggingface".to_owned(), described)]));
    (plain, Arc::new(whole))
}

fn image_fields() -> Fields {
    vec![Field::new("bytes", DataType::Binary, true), Field::new("path", DataType::Utf8, true)].into()
}

fn image_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(image_fields()), true))
}

/// A conversation with all columns, for kinds that embed images.
pub fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    let (sample, id, conversations) = (conversation.first(), conversation.id(), turns(conversation, dialect)?);
    if conversation.sample_ids().is_none() {
        let columns = HfColumns::of(sample);
        return to_json(&HfRecord { id: &id, images: &sample.images, conversations, columns });
    }
    let samples = conversation.samples().iter();
    let samples = samples.map(|sample| HfSample { sample_id: &sample.sample_id, columns: HfColumns::of(sample) });
    to_json(&HfPackedRecord { id: &id, images: &sample.images, conversations, samples: samples.collect() })
}

fn write(shard: &ExportShard<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    let level = ZstdLevel::try_new(1).or_internal(|| "zstd has no level 1".into())?;
    // Images are compressed already, and nobody looks for one by its bytes.
    let pixels = ColumnPath::from("images.list.element.bytes");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_column_compression(pixels.clone(), Compression::UNCOMPRESSED)
        .set_column_dictionary_enabled(pixels.clone(), false)
        .set_column_statistics_enabled(pixels, EnabledStatistics::None)
        .build();
    let schemas = schemas(&shard.columns, shard.turns);
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schemas.1), Some(properties)).or_input(cannot_write)?;
    let (mut records, mut images, mut held) = (Vec::new(), BTreeMap::new(), 0);
    let mut put = |records: &mut Vec<String>, images: &mut BTreeMap<String, Bytes>| -> Result<()> {
        if !records.is_empty() {
            writer.write(&batch(records, images, &schemas)?).or_input(cannot_write)?;
            if writer.in_progress_size() > ROW_GROUP {
                writer.flush().or_input(cannot_write)?;
            }
        }
        records.clear();
        images.clear();
        Ok(())
    };
    for record in shard.records() {
        let record = record?;
        for path in super::images_of(&record)? {
            if let Some(bytes) = shard.image(&path)? {
                held += bytes.len();
                images.insert(path, bytes);
            }
        }
        records.push(record);
        if records.len() == STEP || held > STEP_BYTES {
            put(&mut records, &mut images)?;
            held = 0;
        }
    }
    put(&mut records, &mut images)?;
    writer.close().or_input(cannot_write)?;
    Ok(())
}

fn batch(
    records: &[String],
    images: &BTreeMap<String, Bytes>,
    (plain, whole): &(SchemaRef, SchemaRef),
) -> Result<RecordBatch> {
    let failed = || "a record does not fit the schema of shards".to_owned();
    let mut decoder =
        ReaderBuilder::new(Arc::clone(plain)).with_batch_size(records.len()).build_decoder().or_internal(failed)?;
    for record in records {
        let mut rest = record.as_bytes();
        while !rest.is_empty() {
            rest = &rest[decoder.decode(rest).or_internal(failed)?..];
        }
    }
    let plain = decoder.flush().or_internal(failed)?.ok_or_else(|| Error::internal(failed()))?;
    let (mut bytes, mut paths, mut lengths) = (BinaryBuilder::new(), StringBuilder::new(), Vec::new());
    for record in records {
        let names = super::images_of(record)?;
        lengths.push(names.len());
        for name in names {
            // Withheld images have a path and no bytes.
            bytes.append_option(images.get(&name));
            paths.append_value(name);
        }
    }
    let parts: Vec<ArrayRef> = vec![Arc::new(bytes.finish()), Arc::new(paths.finish())];
    let shown = StructArray::try_new(image_fields(), parts, None).or_internal(failed)?;
    let shown = ListArray::try_new(image_item(), OffsetBuffer::from_lengths(lengths), Arc::new(shown), None);
    let mut columns = plain.columns().to_vec();
    columns.insert(IMAGES_AT, Arc::new(shown.or_internal(failed)?));
    RecordBatch::try_new(Arc::clone(whole), columns).or_internal(failed)
}

fn read(bytes: &[u8]) -> Result<Vec<LoadedRecord>> {
    let failed = || "a Parquet shard cannot be read".to_owned();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes)).or_input(failed)?;
    let described = reader.schema().metadata().get("huggingface").map(|text| serde_json::from_str::<Value>(text));
    let described = described.and_then(Result::ok).unwrap_or_default();
    if described.pointer("/info/features/images") != Some(&json!([{ "_type": "Image" }])) {
        return Err(Error::input("a shard's schema does not say which columns are images"));
    }
    let mut rows = Vec::new();
    for batch in reader.with_batch_size(256).build().or_input(failed)? {
        let batch = batch.or_input(failed)?;
        // A forged shard may have other types under the same names.
        let wrong = || Error::input("a shard lacks id, images or conversations, or has other types");
        let ids = batch.column_by_name("id").and_then(|column| column.as_string_opt::<i32>()).ok_or_else(wrong)?;
        let images = StructLists::of(&batch, "images").ok_or_else(wrong)?;
        let said = StructLists::of(&batch, "conversations").ok_or_else(wrong)?;
        let data = images.fields.column(0).as_binary_opt::<i32>().ok_or_else(wrong)?;
        let text = |lists: &'_ StructLists, at: usize| {
            lists.fields.column(at).as_string_opt::<i32>().cloned().ok_or_else(wrong)
        };
        let samples = match batch.column_by_name("samples") {
            Some(column) => {
                let lists = column.as_list_opt::<i32>().ok_or_else(wrong)?.clone();
                let fields = lists.values().as_struct_opt().ok_or_else(wrong)?;
                let ids = fields.column_by_name("sample_id").and_then(|ids| ids.as_string_opt::<i32>().cloned());
                Some((lists, ids.ok_or_else(wrong)?))
            }
            None => None,
        };
        let (paths, from, value) = (text(&images, 1)?, text(&said, 0)?, text(&said, 1)?);
        for row in 0..batch.num_rows() {
            let image = |at: usize| match data.is_valid(at) {
                true => LoadedImage::Bytes(data.value(at).to_vec()),
                false => LoadedImage::Path(paths.value(at).to_owned()),
            };
            let turn = |at: usize| ChatTurn { from: from.value(at).to_owned(), value: value.value(at).to_owned() };
            let (images, turns) = (images.range(row).map(image).collect(), said.range(row).map(turn).collect());
            let sample_ids =
                samples.as_ref().map(|(lists, ids)| range_of(lists, row).map(|at| ids.value(at).to_owned()).collect());
            rows.push(read_turns(ids.value(row).to_owned(), sample_ids, images, turns)?);
        }
    }
    Ok(rows)
}

/// A column of lists of structs of two fields.
struct StructLists {
    lists: ListArray,
    fields: StructArray,
}

impl StructLists {
    fn of(batch: &RecordBatch, name: &str) -> Option<Self> {
        let lists = batch.column_by_name(name)?.as_list_opt::<i32>()?.clone();
        let fields = lists.values().as_struct_opt()?.clone();
        (fields.num_columns() == 2).then_some(Self { lists, fields })
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        range_of(&self.lists, row)
    }
}

/// Where a row's items are among all.
fn range_of(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let ends = lists.value_offsets();
    ends[row] as usize..ends[row + 1] as usize
}

fn licences(finished: &FinishedExport<'_>) -> Vec<String> {
    finished.counts.get("licence").map(|counts| counts.keys().cloned().collect()).unwrap_or_default()
}

/// What the README begins with: the Hub reads licence, size and features from there.
pub fn front_matter(finished: &FinishedExport<'_>) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("---\n");
    // Licences of the Hub are identifiers; these are whatever the sources call theirs.
    text += "license: other\nlicense_name: as-of-each-source\ntask_categories:\n- visual-question-answering\nlanguage:\n- en\n";
    let _ = writeln!(text, "pretty_name: {}", json!(finished.name));
    let size = match finished.samples {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        _ => "10M<n<100M",
    };
    let _ = writeln!(text, "size_categories:\n- {size}");
    text += "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*.parquet\n";
    text += "dataset_info:\n  features:\n";
    for field in schemas(&finished.columns, finished.turns).1.fields() {
        text += &card_feature(field.name(), field.data_type(), 2);
    }
    text += "---\n\n";
    text
}

/// A feature as the card's YAML has it.
fn card_feature(name: &str, kind: &DataType, depth: usize) -> String {
    let pad = "  ".repeat(depth);
    let dtype = |kind: &DataType| match kind {
        DataType::Float64 => "float64",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::Binary => "binary",
        DataType::Boolean => "bool",
        _ => "string",
    };
    let fields = |fields: &Fields, depth: usize| {
        fields.iter().map(|field| card_feature(field.name(), field.data_type(), depth)).collect::<String>()
    };
    match kind {
        DataType::List(item) if name == "images" && depth == 2 => {
            let _ = item;
            format!("{pad}- name: {name}\n{pad}  list: image\n")
        }
        DataType::List(item) => match item.data_type() {
            DataType::Struct(inner) => format!("{pad}- name: {name}\n{pad}  list:\n{}", fields(inner, depth + 1)),
            DataType::List(inner) => {
                format!("{pad}- name: {name}\n{pad}  list:\n{pad}    list: {}\n", dtype(inner.data_type()))
            }
            plain => format!("{pad}- name: {name}\n{pad}  list: {}\n", dtype(plain)),
        },
        DataType::Struct(inner) => format!("{pad}- name: {name}\n{pad}  struct:\n{}", fields(inner, depth + 1)),
        plain => format!("{pad}- name: {name}\n{pad}  dtype: {}\n", dtype(plain)),
    }
}

/// Croissant 1.0, because what reads 1.1 does not read lists of images yet.
fn croissant(finished: &FinishedExport<'_>) -> Value {
    let mut context = json!({
        "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": { "@id": "cr:data", "@type": "@json" }, "examples": { "@id": "cr:examples", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
    });
    for name in "citeAs column equivalentProperty extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath key md5 \
                 parentField path recordSet references regex repeated replace samplingRate separator source subField transform"
        .split_whitespace()
    {
        context[name] = json!(format!("cr:{name}"));
    }
    let field = |name: &str, kind: &str| {
        json!({
            "@type": "cr:Field", "@id": format!("samples/{name}"), "name": name, "dataType": kind,
            "source": { "fileSet": { "@id": "shards" }, "extract": { "column": name } },
        })
    };
    let mut fields = vec![field("id", "sc:Text")];
    if finished.images == ImageStorage::Embedded {
        let mut images = field("images", "sc:ImageObject");
        images["repeated"] = json!(true);
        images["source"]["transform"] = json!({ "jsonPath": "bytes" });
        fields.push(images);
    }
    for column in columns(&finished.columns, finished.turns).iter().skip(2) {
        match column.kind {
            DataType::Utf8 => fields.push(field(&column.name, "sc:Text")),
            DataType::Float64 => fields.push(field(&column.name, "sc:Float")),
            DataType::Int32 | DataType::Int64 => fields.push(field(&column.name, "sc:Integer")),
            _ => {}
        }
    }
    json!({
        "@context": context,
        "@type": "sc:Dataset",
        "name": finished.name,
        "description": format!("{} spatial-reasoning samples: images, questions and answers", finished.samples),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": licences(finished),
        "version": env!("CARGO_PKG_VERSION"),
        "distribution": [{
            "@type": "cr:FileSet", "@id": "shards", "name": "shards", "encodingFormat": "application/x-parquet",
            "includes": "data/train-*.parquet",
        }],
        "recordSet": [{ "@type": "cr:RecordSet", "@id": "samples", "name": "samples", "field": fields }],
    })
}

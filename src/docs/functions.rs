//! `docs/functions.md`: every SQL function, with an example that a test runs.

use spatialmill_columns::FunctionDoc;

use crate::functions::docs;

const INTRODUCTION: &str = "\
Every stage of the pipeline is a SQL query over these functions and [those of DataFusion](https://datafusion.apache.org/user-guide/sql/); they can be
called in `spatialmill sql`, in slices and in queries of your own, and `SHOW FUNCTIONS LIKE 'relate'` explains one there.

Structs are written `{x0: 1, y0: 2}`, lists `[..]`. A field is found by its name, in any order and with others beside it; whole numbers are
taken where numbers are meant. The same arguments give the same result, always, on every machine.

A call costs, by what it grows with:

- **cheap**: arithmetic or text, a microsecond or so a row;
- **per pair**: each object of a row's list is compared with the others;
- **reads images**: files are opened and images decoded; such a function gives a list of rows, and is called in a subquery's SELECT;
- **asks a model**: a model of models.toml is asked, unless its answer to the same is kept in the warehouse already.";

const EXAMPLES: &str = "\
Examples of functions that read images run over two `synthetic` sources (`rooms = 1`, `frames_per_room = 1`), one of them with
`geometry = \"depth\"`; those that ask models run over photos, with the models `boxes`, `masks`, `metres`, `lens`, `down`, `caption` and `ground` of
the tests.";

/// The page.
pub fn page() -> String {
    let docs = docs();
    let row = |doc: &&FunctionDoc| {
        format!("| [{}](#{}) | {} | {} |\n", doc.name, anchor(doc.signature), doc.cost.name(), super::cell(doc.summary))
    };
    let rows: String = docs.iter().map(row).collect();
    let sections: Vec<String> = docs.iter().map(|doc| section(doc)).collect();
    let body = format!(
        "{INTRODUCTION}\n\n{EXAMPLES}\n\n| function | cost | what it gives |\n|---|---|---|\n{rows}\n{}",
        sections.join("\n\n")
    );
    super::page("SQL functions", &body)
}

fn section(doc: &FunctionDoc) -> String {
    let FunctionDoc { signature, summary, details, example, cost, .. } = doc;
    format!(
        "## {signature}\n\n{}\n\n{}\n\n```sql\n{}\n```\n\ngives `{}`. Cost: {}.",
        super::sentence(summary).replace('<', "&lt;"),
        details.replace("<", "&lt;"),
        example.text(),
        example.result,
        cost.name()
    )
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}

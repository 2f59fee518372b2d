//! Labels: what annotators typed, as the categories of the warehouse.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::source::category;
use crate::source::root::Root;
use crate::text;

/// Where ScanNet puts its table.
const USUAL: &str = "scannetv2-labels.combined.tsv";

/// The table has 607 rows and 70 kB.
const MAX_BYTES: u64 = 16 << 20;

/// A table from raw labels to categories; empty where there is none.
#[derive(Debug, Default)]
pub struct Labels(HashMap<String, String>);

impl Labels {
    /// The table that an option names, or the usual one where it exists.
    pub fn open(root: &Root, path: Option<&str>, column: &str) -> Result<Self> {
        let path = match path {
            Some("none") => return Ok(Self::default()),
            Some(path) => path,
            None if root.exists(USUAL)? => USUAL,
            None => return Ok(Self::default()),
        };
        let bytes = root.bytes(path, MAX_BYTES)?;
        let text = text::decode(&bytes)
            .map_err(|why| Error::input("the label table is no text").with("file", path).because(why))?;
        Self::parse(&text, column).map_err(|missing| {
            Error::input(format!("the label table has no column `{missing}`"))
                .with("file", path)
                .hint("it takes tab-separated columns with a header; `label_map` and `label_column` choose another")
        })
    }

    /// From the text of a table; the error is the column that it lacks.
    fn parse<'a>(text: &str, column: &'a str) -> Result<Self, &'a str> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').map(str::trim).collect();
        let place = |name: &'a str| header.iter().position(|title| *title == name).ok_or(name);
        let (raw, category) = (place("raw_category")?, place(column)?);
        let mut table = HashMap::new();
        for line in lines {
            let cells: Vec<&str> = line.split('\t').collect();
            let (Some(raw), Some(name)) = (cells.get(raw), cells.get(category)) else { continue };
            if let Some(name) = category::spelled(name) {
                table.insert(squeezed(raw), name);
            }
        }
        Ok(Self(table))
    }

    /// The category of a raw label: the table's, else the label as it is. None for an empty label.
    pub fn category(&self, raw: &str) -> Option<String> {
        self.0.get(&squeezed(raw)).cloned().or_else(|| category::spelled(raw))
    }
}

/// Without spaces: scans are labelled `trashcan` and `trash can` alike, and the table knows one of the two.
fn squeezed(label: &str) -> String {
    label.chars().filter(|c| !c.is_whitespace() && *c != '_').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_what_it_knows_and_the_rest_stays() {
        let table =
            "id\traw_category\tcategory\tnyu40class\n1\tbooks\tbook\tbooks\n2\ttrash can\ttrash can\totherprop\n\n3\n";
        let labels = Labels::parse(table, "category").unwrap();
        let category = |raw| labels.category(raw);
        assert_eq!(category("books"), Some("book".to_owned()));
        assert_eq!(category("trashcan"), Some("trash can".to_owned()));
        assert_eq!(category("Tissue_Box"), Some("tissue box".to_owned()));
        assert_eq!(category(" "), None);
        assert_eq!(Labels::parse(table, "nyu40class").unwrap().category("trashcan"), Some("otherprop".to_owned()));
        assert_eq!(Labels::parse(table, "nyu").err(), Some("nyu"));
    }
}

//! A stage: the `.sql` files that write one table, with what their headers declare.
//!
//! In: the text of every file below `queries/` (compiled in, a project's own `queries/` folder over it). Out: [`Stage`]s, each
//! with the tables it reads. A header is comment lines at the top of a file, which any SQL shell ignores:
//!
//! ```sql
//! -- writes: relations          the table or view; several files may write one, as its UNION ALL
//! -- reads:  objects            tables and views, separated by commas
//! -- keep:   view               view: inlined into its readers' plans; cached: a view that is computed once for each shard and
//!                               held in memory while the shard is built; table: stored
//! -- keys:   frame_id, object   what names a row, here and in quarantine
//! -- check:  value > 0          true of every row of a table or a cached view, or nothing is published; may be repeated
//! -- shard:  each               each: built for each shard alone; all: built once, from all shards; a cached view of all shards reads only
//!                               tables that are built once, and is computed once
//! -- cluster: task              rows of one value lie together in the stored files
//! -- when: depth_model          left out, its table empty, while this key of mill.toml is empty
//! -- hysteresis: rate           rebuilt rows replace the stored ones only when this column moved by more than $rate_tolerance
//! ```
//!
//! A join in a stored stage holds its left side in memory and lets the right side stream past, always.
//!
//! `$name` in the query is a key of `mill.toml`; [`Stage::queries`] puts the literal in its place.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Context, Error, Result};
use crate::project::Project;

/// Everything that writes one table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The table or view that it writes.
    pub writes: String,
    /// The tables and views that its queries read.
    pub reads: BTreeSet<String>,
    /// Stored, cached or inlined into its readers.
    pub keep: Keep,
    /// The columns that name a row.
    pub keys: Vec<String>,
    /// Predicates that hold for every row.
    pub checks: Vec<String>,
    /// Built shard by shard, or once from all shards.
    pub shard: Scope,
    /// The key of `mill.toml` without whose value the stage is left out, where there is one.
    pub when: Option<String>,
    /// Columns whose values lie together in the stored files.
    pub cluster: Vec<String>,
    /// The column whose small changes are not worth a new version, where there is one.
    pub hysteresis: Option<String>,
    /// The queries, by the path of their file below `queries/`.
    pub files: BTreeMap<String, String>,
}

/// What becomes of a stage's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Inlined into its readers' plans, never stored.
    View,
    /// A view whose rows are few and that many read: computed once for each shard, in memory while that shard is built.
    Cached,
    /// Stored in the warehouse.
    Table,
}

/// What a stage is built from at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One shard.
    Each,
    /// All shards at once.
    All,
}

/// One file's query, ready to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The file below `queries/`.
    pub path: String,
    /// The folder that the file is in, without its number: what its filtered rows are counted under.
    pub origin: String,
    /// SQL with every `$name` replaced.
    pub sql: String,
}

impl Stage {
    /// The stages that a set of files (path below `queries/` -> text) declares, by the table they write.
    pub fn parse_all(files: &BTreeMap<String, String>) -> Result<BTreeMap<String, Stage>> {
        let mut stages: BTreeMap<String, Stage> = BTreeMap::new();
        // What lies below `slices/` are queries on the dataset, for people; no stage.
        let is_stage = |path: &str| path.ends_with(".sql") && !path.starts_with("slices/");
        for (path, text) in files.iter().filter(|(path, _)| is_stage(path)) {
            let parsed = parse(path, text)?;
            match stages.entry(parsed.writes.clone()) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    slot.insert(parsed);
                }
                std::collections::btree_map::Entry::Occupied(mut slot) => merge(slot.get_mut(), parsed, path)?,
            }
        }
        Ok(stages)
    }

    /// True while the project leaves it out.
    pub fn is_off(&self, project: &Project) -> bool {
        self.when.as_ref().is_some_and(|key| project.text(key).is_empty())
    }

    /// What it is while it is left out: a view without rows.
    pub fn switch_off(&mut self) {
        self.keep = Keep::View;
        self.reads.clear();
        self.files.clear();
    }

    /// The queries with the project's values in place of `$name`.
    pub fn queries(&self, project: &Project) -> Result<Vec<Query>> {
        let one = |(path, text): (&String, &String)| {
            let origin =
                path.rsplit('/').nth(1).unwrap_or(path).trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
            Ok(Query { path: path.clone(), origin: origin.to_owned(), sql: substitute(path, text, project)? })
        };
        self.files.iter().map(one).collect()
    }

    /// The names before a bracket in the queries: the functions that they call, and some keywords.
    pub fn functions(&self) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for (path, text) in &self.files {
            let tokens = tokens(path, text)?;
            let words = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect::<Vec<_>>();
            for pair in words.windows(2) {
                if let [Token::Word(word), Token::LParen] = pair {
                    names.insert(word.value.to_lowercase());
                }
            }
        }
        Ok(names)
    }

    /// The names of the keys of `mill.toml` that the queries use.
    pub fn parameters(&self) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for (path, text) in &self.files {
            for token in tokens(path, text)? {
                if let Token::Placeholder(name) = token {
                    names.insert(name.trim_start_matches('$').to_owned());
                }
            }
        }
        Ok(names)
    }
}

fn parse(path: &str, text: &str) -> Result<Stage> {
    let mut header: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let Some(comment) = line.trim().strip_prefix("--") else { break };
        let Some((name, value)) = comment.split_once(':') else { continue };
        let name = name.trim();
        if ["writes", "reads", "keep", "keys", "check", "shard", "when", "cluster", "hysteresis"].contains(&name) {
            header.entry(name).or_default().push(value.trim().to_owned());
        }
    }
    let wrong = |message: String| Error::usage(message).with("file", format!("queries/{path}"));
    let one = |name: &str| header.get(name).and_then(|values| values.first()).map(String::as_str);
    let list = |name: &str| -> Vec<String> {
        let all = header.get(name).map(|values| values.join(",")).unwrap_or_default();
        all.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    let writes = one("writes").ok_or_else(|| wrong("the header has no `-- writes:` line".into()))?;
    if !writes.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || writes.is_empty() {
        return Err(wrong("`-- writes:` names a table with ASCII letters, digits and `_`".into()));
    }
    let keep = match one("keep") {
        Some("view") => Keep::View,
        Some("cached") => Keep::Cached,
        Some("table") => Keep::Table,
        other => return Err(wrong(format!("`-- keep:` must be view, cached or table, not `{}`", other.unwrap_or("")))),
    };
    if keep == Keep::View && header.contains_key("check") {
        return Err(wrong(
            "a view is inlined, so that its rows cannot be checked; `-- keep: cached` or table has checks".into(),
        ));
    }
    let shard = match one("shard") {
        None | Some("each") => Scope::Each,
        Some("all") => Scope::All,
        Some(other) => return Err(wrong(format!("`-- shard:` must be each or all, not `{other}`"))),
    };
    Ok(Stage {
        writes: writes.to_owned(),
        reads: list("reads").into_iter().collect(),
        keep,
        keys: list("keys"),
        checks: header.get("check").cloned().unwrap_or_default(),
        shard,
        when: one("when").map(str::to_owned),
        cluster: list("cluster"),
        hysteresis: one("hysteresis").map(str::to_owned),
        files: BTreeMap::from([(path.to_owned(), text.to_owned())]),
    })
}

/// Files that write one table must say the same of it; what they read and check adds up.
fn merge(stage: &mut Stage, other: Stage, path: &str) -> Result<()> {
    let differs = [
        ("keep", stage.keep != other.keep),
        ("keys", stage.keys != other.keys),
        ("shard", stage.shard != other.shard),
        ("when", stage.when != other.when),
        ("cluster", stage.cluster != other.cluster),
        ("hysteresis", stage.hysteresis != other.hysteresis),
    ];
    if let Some((name, _)) = differs.iter().find(|(_, differs)| *differs) {
        let message = format!("`-- {name}:` differs from the other files that write `{}`", stage.writes);
        return Err(Error::usage(message).with("file", format!("queries/{path}")));
    }
    stage.reads.extend(other.reads);
    for check in other.checks {
        if !stage.checks.contains(&check) {
            stage.checks.push(check);
        }
    }
    stage.files.extend(other.files);
    Ok(())
}

fn tokens(path: &str, text: &str) -> Result<Vec<Token>> {
    // As it stands in the file, `'it''s'` among it, because it is written again.
    let tokens = Tokenizer::new(&GenericDialect {}, text).with_unescape(false).tokenize();
    tokens.or_input(|| format!("queries/{path} is not SQL"))
}

/// Placeholders become literals before planning: DataFusion cannot infer the type of a parameter inside a function call.
fn substitute(path: &str, text: &str, project: &Project) -> Result<String> {
    let mut sql = String::with_capacity(text.len());
    for token in tokens(path, text)? {
        match token {
            Token::Placeholder(name) => {
                let value = project.value(name.trim_start_matches('$')).ok_or_else(|| {
                    Error::usage(format!("the query uses `{name}`, which is no key of mill.toml"))
                        .with("file", format!("queries/{path}"))
                })?;
                sql.push_str(&literal(value));
            }
            other => sql.push_str(&other.to_string()),
        }
    }
    Ok(sql)
}

/// A value of `mill.toml` as SQL: arrays of any type as lists, tables as their TOML text.
fn literal(value: &toml::Value) -> String {
    match value {
        toml::Value::String(s) => format!("'{}'", s.replace('\'', "''")),
        toml::Value::Integer(i) => format!("CAST({i} AS BIGINT)"),
        toml::Value::Float(f) if f.is_finite() => format!("CAST({f:?} AS DOUBLE)"),
        toml::Value::Float(f) => format!("CAST('{f}' AS DOUBLE)"),
        toml::Value::Boolean(b) => b.to_string(),
        toml::Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        toml::Value::Datetime(d) => format!("'{d}'"),
        toml::Value::Table(table) => format!("'{}'", table.to_string().replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_header_is_read_and_placeholders_become_literals() {
        let text = "-- writes: facts\n-- reads: objects, frames\n-- keep: cached\n-- check: a <> b\n\nSELECT $seed AS s, '$seed' AS t, 'it''s' AS u FROM objects -- $x\n";
        let stages = Stage::parse_all(&files(&[("4_facts/facts.sql", text)])).unwrap();
        let stage = &stages["facts"];
        assert_eq!(stage.reads, BTreeSet::from(["objects".into(), "frames".into()]));
        assert_eq!((stage.keep, stage.shard), (Keep::Cached, Scope::Each));
        assert_eq!(stage.checks, ["a <> b"]);
        assert_eq!(stage.parameters().unwrap(), BTreeSet::from(["seed".to_owned()]));
        assert_eq!(stage.functions().unwrap(), BTreeSet::new());
        let text = "-- writes: a\n-- keep: view\nSELECT Draw ($seed, 'plural(x)', [abs(y)]) FROM t -- relate(x)";
        let stages = Stage::parse_all(&files(&[("a.sql", text)])).unwrap();
        assert_eq!(stages["a"].functions().unwrap(), BTreeSet::from(["abs".to_owned(), "draw".to_owned()]));
        let queries = stage.queries(&Project::in_memory()).unwrap();
        assert_eq!(queries[0].origin, "facts");
        assert!(
            queries[0].sql.contains("CAST(0 AS BIGINT) AS s, '$seed' AS t, 'it''s' AS u FROM"),
            "{}",
            queries[0].sql
        );
    }

    #[test]
    fn a_wrong_header_names_its_file() {
        let error = Stage::parse_all(&files(&[("x.sql", "-- writes: a\n-- keep: maybe\nSELECT 1")])).unwrap_err();
        assert_eq!(error.to_string(), "`-- keep:` must be view, cached or table, not `maybe`, file `queries/x.sql`");
        let named = files(&[("x.sql", "-- writes: a\u{1b}[2J\n-- keep: view\nSELECT 1")]);
        assert!(Stage::parse_all(&named).unwrap_err().to_string().contains("ASCII letters"));
        let view = files(&[("x.sql", "-- writes: a\n-- keep: view\n-- check: b > 0\nSELECT 1")]);
        assert!(Stage::parse_all(&view).unwrap_err().to_string().contains("its rows cannot be checked"));
        let two = files(&[("a.sql", "-- writes: t\n-- keep: view\n"), ("b.sql", "-- writes: t\n-- keep: table\n")]);
        assert!(Stage::parse_all(&two).unwrap_err().to_string().contains("`-- keep:` differs"));
    }
}

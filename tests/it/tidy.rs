//! The tree holds what its documents promise.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use spatialmill::EXPORTS;
use spatialmill_columns::format::{ImageFormat, TextFormat};
use spatialmill_geometry::relate::{AXES, RELATIONS};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, ending, into);
        } else if name.ends_with(ending) {
            into.push(path);
        }
    }
}

fn all(ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(root(), ending, &mut found);
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in all(".rs") {
        assert!(text.starts_with("//!"), "{} has no opening comment", path.display());
    }
}

#[test]
fn geometry_names_no_outer_ring_and_columns_opens_nothing() {
    for (path, text) in all(".rs") {
        let inside = |folder: &str| path.starts_with(root().join(folder).join("src"));
        let forbidden: &[&str] = if inside("udfs/geometry") {
            &["arrow::", "datafusion::", "std::fs", "std::time", "tokio::"]
        } else if inside("udfs/drawing") || inside("udfs/render") {
            &["arrow::", "datafusion::", "std::fs", "std::time", "tokio::", "object_store"]
        } else if inside("udfs/columns") {
            &["std::fs", "std::net", "tokio::spawn", "object_store"]
        } else if inside("udfs/chat") {
            &["arrow::", "datafusion::", "std::fs", "object_store", "ort::"]
        } else if inside("udfs/models") {
            // Its runtime opens files; nothing else does.
            &["arrow::", "datafusion::", "std::fs", "object_store", "reqwest"]
        } else if path.starts_with(root().join("src")) {
            &[" ort::", "(ort::", "<ort::", "reqwest"]
        } else {
            &[]
        };
        for name in forbidden {
            assert!(!text.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    for (path, text) in all(".md") {
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let link = rest.split([')', '#']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") {
                assert!(path.parent().unwrap().join(link).exists(), "{} links to {link}", path.display());
            }
        }
    }
}

#[test]
fn every_task_has_its_words_and_cases() {
    for entry in std::fs::read_dir(root().join("queries/5_ask")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            for file in ["ask.sql", "phrases.toml", "cases.slt"] {
                assert!(folder.join(file).exists(), "{} has no {file}", folder.display());
            }
        }
    }
}

#[test]
fn the_readme_names_every_kind_of_export_and_every_text_format() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let names = EXPORTS.iter().map(|kind| kind.name).chain(TextFormat::ALL.map(TextFormat::name));
    for name in names {
        assert!(readme.contains(&format!("| `{name}` |")), "README.md does not name {name}");
    }
    for (i, kind) in EXPORTS.iter().enumerate() {
        assert!(EXPORTS[..i].iter().all(|other| other.name != kind.name), "`{}` is listed twice", kind.name);
        assert!(root().join(format!("src/export/{}.rs", kind.name)).exists(), "{}", kind.name);
        assert!(!kind.doc.is_empty() && kind.long_doc.lines().count() > 2, "{}", kind.name);
    }
}

#[test]
fn the_matrix_has_every_format() {
    let matrix = std::fs::read_to_string(root().join("queries/6_format/formats.sql")).unwrap();
    let names = TextFormat::ALL.map(TextFormat::name).into_iter().chain(ImageFormat::ALL.map(ImageFormat::name));
    for name in names {
        assert!(matrix.contains(&format!("('{name}', ")), "formats.sql has no line for {name}");
    }
}

#[test]
fn every_relation_has_words_and_limits() {
    let read = |path: &str| std::fs::read_to_string(root().join("queries").join(path)).unwrap();
    let words: toml::Table = read("5_ask/topics.toml").parse().unwrap();
    let said: BTreeSet<(&str, &str)> = words
        .iter()
        .flat_map(|(axis, words)| {
            let relations = words.as_table().unwrap().iter().filter(|(_, value)| value.is_table());
            relations.map(move |(relation, _)| (axis.as_str(), relation.as_str()))
        })
        .collect();
    assert_eq!(said, RELATIONS.iter().map(|relation| (relation.axis, relation.name)).collect());
    let facts = read("4_relations/pair_facts.sql");
    for axis in AXES {
        assert!(facts.contains(&format!("('{}', $", axis.name)), "pair_facts.sql has no limits for {}", axis.name);
    }
}

/// Folders of `src/`, and the files beside each other in them, use each other in one direction: a reader who opens one knows what lies below
/// it. A folder's own `mod.rs` and what it holds are one.
#[test]
fn no_circle_of_folders_or_files() {
    let sources: BTreeMap<Vec<String>, String> = all(".rs")
        .into_iter()
        .filter_map(|(path, text)| {
            let path = path.strip_prefix(root().join("src")).ok()?.with_extension("");
            let mut names: Vec<String> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            names.pop_if(|name| ["mod", "lib", "main"].contains(&name.as_str()));
            Some((names, code(&text)))
        })
        .collect();
    let mut used: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
    for (module, text) in &sources {
        for path in paths(text, module) {
            let lengths = (0..=path.len()).rev();
            let found = lengths.filter_map(|length| sources.get_key_value(&path[..length])).next();
            used.entry(module).or_default().extend(found.map(|(module, _)| module.as_slice()));
        }
    }
    let folders: BTreeSet<&[String]> = sources.keys().filter_map(|module| Some(module.split_last()?.1)).collect();
    for folder in &folders {
        // The folder's children, each with all below it, and whom they use.
        let depth = folder.len();
        let child =
            |module: &[String]| (module.len() > depth && module.starts_with(folder)).then(|| module[depth].clone());
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, others) in &used {
            if let Some(one) = child(module) {
                uses.entry(one).or_default().extend(others.iter().filter_map(|other| child(other)));
            }
        }
        for start in uses.keys() {
            let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
            while let Some(name) = next.pop() {
                let others = uses.get(name).into_iter().flatten().filter(|other| *other != name);
                next.extend(others.filter(|other| reached.insert((*other).clone())));
            }
            let users: Vec<_> =
                reached.iter().filter(|name| uses.get(*name).is_some_and(|uses| uses.contains(start))).collect();
            assert!(!reached.contains(start), "src/{}: `{start}` is used by what it uses: {users:?}", folder.join("/"));
        }
    }
}

/// A file without its comments and its tests.
fn code(text: &str) -> String {
    let text = ["#[cfg(test)]", "#[cfg(all(test"]
        .iter()
        .fold(text, |text, tests| text.split(tests).next().unwrap_or_default());
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

/// Every path of the crate that a module's text names, from the crate's root.
fn paths(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            // The inner `super::` of `super::super::` is read with the outer one.
            if !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                tree(&text[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    let absolute = |path: Vec<String>| {
        let above = path.iter().take_while(|name| *name == "super").count();
        let base = if path.first().is_some_and(|name| name == "crate") {
            &[][..]
        } else {
            &module[..module.len().saturating_sub(above)]
        };
        let names = path.iter().filter(|name| *name != "super" && *name != "crate" && *name != "self");
        base.iter().chain(names).cloned().collect()
    };
    found.into_iter().map(absolute).collect()
}

/// Reads `a::b`, or the tree of a `use`: `a::{b, c::{d}}`. Gives what follows it.
fn tree<'a>(mut text: &'a str, above: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let before = above.len();
    loop {
        text = text.trim_start();
        if let Some(mut rest) = text.strip_prefix('{') {
            loop {
                rest = tree(rest, above, found).trim_start();
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => break,
                }
            }
            text = rest.strip_prefix('}').unwrap_or(rest);
            break;
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        above.push(text[..end].to_owned());
        text = &text[end..];
        match text.strip_prefix("::") {
            Some(rest) => text = rest,
            None => {
                found.push(above.clone());
                break;
            }
        }
    }
    above.truncate(before);
    text.trim_start()
        .strip_prefix("as ")
        .map_or(text, |rest| rest.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
}

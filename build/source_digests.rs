//! Digests of source code: the text of a function's module, and of all modules that it reaches, as one hash.
//!
//! In: the files of the workspace. Out: for each root file a digest that changes when code changes which the root may run.
//!
//! ```text
//! src/functions/lift.rs ─► use spatialmill_geometry::lift ─► udfs/geometry/src/lift/*.rs ─► use crate::obb ─► ...
//!                       └► tokens, without comments, tests and documentation ─► digest ◄─┘   nalgebra:: ─► its version in Cargo.lock
//! ```
//!
//! A module reaches the modules that its paths name (`use`, or a path in an expression) and the modules that it declares; what a path names in
//! a `lib.rs` or `mod.rs` that only imports it is looked for where it is defined. That is more than what runs, so that a digest changes too
//! often rather than too seldom. Formatting, comments, `#[cfg(test)]` and the texts of a `FunctionDoc` change nothing.

use std::collections::{BTreeMap, BTreeSet};

/// The files of a workspace, by their path relative to it.
pub type Files = BTreeMap<String, String>;

/// What is not followed, and is no part of a digest: how functions are called, listed and stored, and how errors are said. It carries values
/// and does not make them.
const PLUMBING: &[&str] = &[
    "src/cli/",
    "src/error.rs",
    "src/functions/async_function.rs",
    "src/functions/mod.rs",
    "src/functions/places.rs",
    "src/lib.rs",
    "src/pipeline/",
    "src/progress.rs",
    "src/project/",
    "src/run/",
    "src/suggestion.rs",
    "src/warehouse/",
    "udfs/columns/src/function.rs",
];

/// Lists of all things of a kind: their own code counts, and not what they list. So it is with a crate's root.
const LISTS: &[&str] = &["src/source/mod.rs"];

/// Attributes that change no result.
const FOR_PEOPLE: &[&str] = &["allow", "cold", "doc", "expect", "inline", "must_use"];

/// The digests of some files, by path.
pub fn digests<'a>(
    files: &Files,
    lock: &str,
    version: &str,
    roots: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, String> {
    let modules = Modules::of(files);
    let own: BTreeMap<&str, u128> = modules.0.values().map(|module| (module.file, module.hash())).collect();
    let packages = packages(lock);
    let digest = |root: &'a str| {
        let reached = modules.reached(root);
        // By content and not by name: a file that moves is the same code.
        let mut parts: BTreeSet<String> = reached.iter().map(|file| format!("{:032x}", own[file])).collect();
        for module in modules.0.values().filter(|module| reached.contains(module.file)) {
            parts.extend(module.names().filter_map(|name| packages.get(name)).flatten().cloned());
            if module.tokens.contains(&"\"CARGO_PKG_VERSION\"") {
                parts.insert(version.to_owned());
            }
            for path in module.included() {
                parts.extend(files.get(&path).map(|text| format!("{:032x}", hash([text.as_str()].into_iter()))));
            }
        }
        (root.to_owned(), format!("{:032x}", hash(parts.iter().map(String::as_str)))[..16].to_owned())
    };
    roots.map(digest).collect()
}

/// `name version` of each package of a Cargo.lock, by its name in code.
fn packages(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let value =
        |line: &str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned);
    let mut name = None;
    for line in lock.lines() {
        name = value(line, "name").or(name);
        if let (Some(name), Some(version)) = (&name, value(line, "version")) {
            packages.entry(name.replace('-', "_")).or_default().insert(format!("{name} {version}"));
        }
    }
    packages
}

/// A file as a module of its crate.
struct Module<'a> {
    file: &'a str,
    /// The crate's name, and the names of the modules around it and its own.
    path: Vec<String>,
    tokens: Vec<&'a str>,
    /// The modules that it declares in files of their own.
    declared: BTreeSet<&'a str>,
    /// Every path that it names, each from the crate's root: of `use` declarations with the name that it has here.
    paths: Vec<(Vec<String>, Option<String>)>,
}

/// All modules by their path.
struct Modules<'a>(BTreeMap<Vec<String>, Module<'a>>);

impl<'a> Modules<'a> {
    fn of(files: &'a Files) -> Self {
        let rust = files.iter().filter_map(|(file, text)| Module::of(file, text));
        Self(rust.map(|module| (module.path.clone(), module)).collect())
    }

    fn reached(&self, root: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut left: Vec<&Module> = self.0.values().filter(|module| module.file == root).collect();
        while let Some(module) = left.pop() {
            let is_plumbing = PLUMBING.iter().any(|name| module.file.starts_with(name)) && module.file != root;
            let is_list = LISTS.contains(&module.file) || module.path.len() == 1;
            if is_plumbing || !reached.insert(module.file) || is_list {
                continue;
            }
            left.extend(
                module
                    .declared
                    .iter()
                    .filter_map(|name| self.0.get(&[&module.path[..], &[(*name).to_owned()]].concat())),
            );
            for (path, _) in &module.paths {
                self.find(path, &mut left, 0);
            }
        }
        reached
    }

    /// The modules that define what a path names.
    fn find<'m>(&'m self, path: &[String], into: &mut Vec<&'m Module<'a>>, depth: usize) {
        let inside = (1..=path.len()).rev().find_map(|n| Some((self.0.get(&path[..n])?, &path[n..])));
        let Some((module, rest)) = inside else { return };
        let imported: Vec<&Vec<String>> = match rest.first() {
            Some(item) => {
                let is_it = |name: &str| name == item || name == "*" || item == "*";
                let named = module.paths.iter().filter(|(_, name)| name.as_deref().is_some_and(is_it));
                named.map(|(path, _)| path).collect()
            }
            None => Vec::new(),
        };
        // Imports may go in a circle.
        if imported.is_empty() || depth == 8 {
            into.push(module);
        }
        for target in imported.into_iter().filter(|_| depth < 8) {
            self.find(&[target, &rest[1..]].concat(), into, depth + 1);
        }
    }
}

impl<'a> Module<'a> {
    fn of(file: &'a str, text: &'a str) -> Option<Self> {
        let (folder, inner) = file.strip_suffix(".rs")?.split_once("src/")?;
        let name = match folder.trim_end_matches('/').rsplit('/').next() {
            Some("") | None => "spatialmill".to_owned(),
            Some(name) => format!("spatialmill_{name}"),
        };
        let inner = inner.trim_end_matches("/mod");
        let inside = inner.split('/').filter(|part| *part != "lib").map(str::to_owned);
        let path: Vec<String> = std::iter::once(name).chain(inside).collect();
        let tokens = significant(tokens(text));
        let declared = tokens.windows(3).filter(|w| w[0] == "mod" && w[2] == ";").map(|w| w[1]).collect();
        let mut module = Self { file, path, tokens, declared, paths: Vec::new() };
        module.paths = module.all_paths();
        Some(module)
    }

    fn hash(&self) -> u128 {
        hash(self.tokens.iter().copied())
    }

    /// Names before `::`, among them those of other crates.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.tokens.windows(2).filter(|w| w[1] == "::").map(|w| w[0])
    }

    /// The files that `include_str!` and its like compile in.
    fn included(&self) -> impl Iterator<Item = String> + '_ {
        let calls =
            self.tokens.windows(4).filter(|w| w[0].starts_with("include") && w[1] == "!" && w[3].starts_with('"'));
        calls.map(|w| {
            let mut parts: Vec<&str> = self.file.split('/').collect();
            parts.pop();
            for part in w[3].trim_matches('"').split('/') {
                if part == ".." {
                    parts.pop();
                } else {
                    parts.push(part);
                }
            }
            parts.join("/")
        })
    }

    fn all_paths(&self) -> Vec<(Vec<String>, Option<String>)> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let is_use = self.tokens[at] == "use";
            let before = at.checked_sub(1).map_or("", |i| self.tokens[i]);
            let from = at + usize::from(is_use);
            let starts = self.tokens.get(from).is_some_and(|token| is_name(token)) && before != "." && before != "::";
            if starts
                && let Some(base) =
                    self.base(self.tokens[from]).filter(|_| is_use || self.tokens.get(from + 1) == Some(&"::"))
            {
                let mut found = Vec::new();
                at = tree(&self.tokens, from + 1, base, &mut found).max(at + 1);
                paths.extend(found.into_iter().map(|(path, name)| (path, name.filter(|_| is_use))));
            } else {
                at += 1;
            }
        }
        paths
    }

    /// What the first name of a path stands for; none for another crate's and for what is no module.
    fn base(&self, name: &str) -> Option<Vec<String>> {
        match name {
            "crate" => Some(self.path[..1].to_vec()),
            "self" => Some(self.path.clone()),
            "super" => Some(self.path[..self.path.len().saturating_sub(1).max(1)].to_vec()),
            name if name.starts_with("spatialmill") => Some(vec![name.to_owned()]),
            name if self.declared.contains(name) => Some([&self.path[..], &[name.to_owned()]].concat()),
            _ => None,
        }
    }
}

/// The paths of the rest of a use tree, or of a plain path, after its first name; where it ends is returned.
fn tree(
    tokens: &[&str],
    mut at: usize,
    mut path: Vec<String>,
    found: &mut Vec<(Vec<String>, Option<String>)>,
) -> usize {
    let token = |at: usize| tokens.get(at).copied().unwrap_or_default();
    while token(at) == "::" {
        match token(at + 1) {
            "{" => {
                at += 2;
                while token(at) != "}" && !token(at).is_empty() {
                    let mut inner = path.clone();
                    if token(at) != "self" {
                        inner.push(token(at).to_owned());
                    }
                    at = tree(tokens, at + 1, inner, found);
                    at += usize::from(token(at) == ",");
                }
                return at + 1;
            }
            "super" => {
                path.pop();
            }
            name if is_name(name) || name == "*" => path.push(name.to_owned()),
            _ => break,
        }
        at += 2;
    }
    let renamed = token(at) == "as";
    let name = if renamed { Some(token(at + 1).to_owned()) } else { path.last().cloned() };
    found.push((path, name));
    at + 2 * usize::from(renamed)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Without what changes no result: tests, documentation and the comma that a formatter puts before a closing bracket.
fn significant(tokens: Vec<&str>) -> Vec<&str> {
    let is = |at: usize, text: &str| tokens.get(at) == Some(&text);
    let mut kept: Vec<&str> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if is(at, "#") && is(at + 1, "[") {
            let end = closing(&tokens, at + 1);
            let attribute = &tokens[at + 2..end];
            if attribute.concat() == "cfg(test)" {
                at = item_end(&tokens, end + 1);
            } else {
                // Others derive code, or name fields in JSON.
                let is_for_people = attribute.first().is_some_and(|name| FOR_PEOPLE.contains(name));
                kept.extend(tokens[at..=end].iter().filter(|_| !is_for_people));
                at = end + 1;
            }
        } else if is(at, "FunctionDoc") && is(at + 1, "{") && !matches!(kept.last(), Some(&("struct" | "impl"))) {
            at = closing(&tokens, at + 1) + 1;
        } else {
            if ["}", ")", "]"].contains(&tokens[at]) && kept.last() == Some(&",") {
                kept.pop();
            }
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// Where the item that starts here ends: behind its braces, or its semicolon.
fn item_end(tokens: &[&str], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at] {
            ";" => return at + 1,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// Where the bracket that opens here closes.
fn closing(tokens: &[&str], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// Rust's tokens, as far as they matter here: names, literals, `::` and single characters; no comments.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        } else if rest.starts_with("/*") {
            rest = &rest[block_comment(rest)..];
            continue;
        } else if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        } else if let Some(end) = raw_string(rest) {
            end
        } else if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
            quoted(rest, rest.find('"').unwrap_or(0), '"')
        } else if first == '\'' || rest.starts_with("b'") {
            character(rest)
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..end]);
        rest = &rest[end..];
    }
    tokens
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn raw_string(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let body = inner.trim_start_matches('#').strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(text.len() - body.len() + body.find(&close)? + close.len())
}

fn quoted(text: &str, open: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at <= open) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// A character literal, or the mark of a lifetime or label alone.
fn character(text: &str) -> usize {
    let open = text.find('\'').unwrap_or(0);
    let mut inner = text[open + 1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(text, open, '\''),
        _ => open + 1,
    }
}

/// FNV-1a of 128 bits, with each part's length: the same on every machine and with every compiler.
fn hash<'t>(parts: impl Iterator<Item = &'t str>) -> u128 {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    };
    for part in parts {
        add(&(part.len() as u64).to_le_bytes());
        add(part.as_bytes());
    }
    hash
}

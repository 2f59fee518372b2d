//! Every key of `mill.toml`: the one list that validation, defaults, `--set`, `init` and `doctor --keys` are derived from.

/// A key with its default and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The table of `mill.toml`: `build`, `ask`, ...
    pub section: &'static str,
    /// The name inside the table; in SQL it is `$name`.
    pub name: &'static str,
    /// TOML text of the default.
    pub default: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
}

const fn key(section: &'static str, name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key { section, name, default, doc }
}

/// All keys but those of `[[source]]`, which each kind of source documents itself. Names are unique over all sections, because
/// SQL knows them by name alone.
pub const KEYS: &[Key] = &[
    key("warehouse", "url", "\"warehouse\"", "where tables live: a path, file:///..., s3://bucket/prefix or memory://"),
    key("build", "seed", "0", "every random choice is a hash of this seed and stable ids"),
    key(
        "build",
        "memory",
        "\"2 GiB\"",
        "what the process may use; about a third of it is the query engine's pool, which spills beyond it",
    ),
    key("build", "partitions", "0", "how many partitions a plan has; 0 is one per core. Results do not depend on it"),
    key("build", "batch_size", "8192", "rows in a batch. Results do not depend on it"),
    key(
        "build",
        "max_quarantined",
        "0.05",
        "share of a source's rows that may be quarantined; above it nothing is published (exit code 3)",
    ),
];

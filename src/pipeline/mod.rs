//! The pipeline: stages as a graph, from the tables that sources fill to the dataset.
//!
//! ```text
//! frames, detections, scenes, scene_objects, surfaces, waypoints, links, motions      imported: one set of parts a source shard
//!      └─► detected, segmented, cameras, depths      table, each while a model is named for it
//!      └─► objects ─► appearances ─► (references, pair_facts) ─► questions ─► name_priors ─► keep_rates ─► (samples) ─► dataset
//!          table       table         cached      view            table         table, all     table, all    view       table
//! ```
//!
//! The order follows from the `reads` of each stage. A stored stage is built shard by shard. The views that it reads are inlined, so
//! that everything between two stored tables streams as one plan; a view that many queries read is cached: computed once for each shard.

pub mod account;
pub mod filter_pushdown;
pub mod filter_reasons;
pub mod fingerprint;
mod images;
pub mod stage;

use std::collections::{BTreeMap, BTreeSet};

pub use stage::{Keep, Scope, Stage};

use crate::error::{Error, Result};
use crate::project::Project;
use crate::suggestion::unknown;

/// The tables that sources fill.
pub const IMPORTED: &[&str] =
    &["frames", "detections", "scenes", "scene_objects", "surfaces", "waypoints", "links", "motions"];

/// Every stage, and the order in which the stored ones are built.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Stages by the table or view that they write.
    pub stages: BTreeMap<String, Stage>,
    /// The stored stages, each after everything that it reads.
    pub order: Vec<String>,
}

impl Pipeline {
    /// The pipeline of a project's queries.
    pub fn of(project: &Project) -> Result<Self> {
        let stages = Stage::parse_all(project.queries())?;
        for stage in stages.values() {
            if IMPORTED.contains(&stage.writes.as_str()) {
                return Err(Error::usage("a query writes a table that sources fill").with("table", &stage.writes));
            }
            for name in &stage.reads {
                if !stages.contains_key(name) && !IMPORTED.contains(&name.as_str()) {
                    let known = stages.keys().map(String::as_str).chain(IMPORTED.iter().copied()).collect::<Vec<_>>();
                    return Err(Error::usage(format!("`{}` reads `{name}`, which nothing writes", stage.writes))
                        .hint(format!("tables and views: {}", known.join(", "))));
                }
            }
            let parameters = stage.parameters()?;
            if let Some(name) = parameters.iter().chain(&stage.when).find(|name| project.value(name).is_none()) {
                return Err(Error::usage(format!("`{}` uses `${name}`, which is no key of mill.toml", stage.writes)));
            }
        }
        let mut pipeline = Self { stages, order: Vec::new() };
        for stage in pipeline.stages.values_mut().filter(|stage| stage.is_off(project)) {
            stage.switch_off();
        }
        let names: Vec<String> = pipeline.stages.keys().cloned().collect();
        let (mut done, mut path) = (BTreeSet::new(), Vec::new());
        for name in &names {
            pipeline.visit(name, &mut done, &mut path)?;
        }
        pipeline.check_views_of_all()?;
        Ok(pipeline)
    }

    /// A cached view that is computed once for all shards reads only what is the same for all of them.
    fn check_views_of_all(&self) -> Result<()> {
        let of_all = |stage: &Stage| stage.shard == Scope::All;
        for view in self.stages.values().filter(|stage| stage.keep == Keep::Cached && of_all(stage)) {
            let read = self.inputs(view);
            if let Some(table) = read.iter().find(|name| !self.stages.get(*name).is_some_and(of_all)) {
                let message =
                    format!("`{}` is of all shards and reads `{table}`, which each shard has its own of", view.writes);
                return Err(Error::usage(message).hint("without `-- shard: all` it is computed for each shard"));
            }
        }
        Ok(())
    }

    /// A stage by the table or view that it writes.
    pub fn stage(&self, name: &str) -> Result<&Stage> {
        self.stages.get(name).ok_or_else(|| Error::internal("no such stage").with("name", name))
    }

    /// That a table is one that a build makes; an error says what it is instead.
    pub fn check_built(&self, table: &str) -> Result<()> {
        if self.order.iter().any(|name| name == table) {
            return Ok(());
        }
        let wrong = |what: &str| Error::usage(format!("a build does not make `{table}`: {what}"));
        if IMPORTED.contains(&table) {
            return Err(wrong("it is what sources are read into").hint("`spatialmill import` fills it"));
        }
        match self.stages.get(table) {
            Some(Stage { when: Some(key), .. }) => {
                let hint = format!("`{key}` under [models] names a model of models.toml");
                Err(wrong(&format!("no model is named for it, `{key}` is empty")).hint(hint))
            }
            Some(_) => Err(wrong("it is a view, which its readers make for themselves")
                .hint(format!("tables that are built: {}", self.order.join(", ")))),
            None => Err(unknown("table", table, &self.order)),
        }
    }

    /// The stored tables that a stage depends on, through the views that it inlines.
    pub fn inputs(&self, stage: &Stage) -> BTreeSet<String> {
        let mut tables = BTreeSet::new();
        for name in &stage.reads {
            match self.stages.get(name) {
                Some(view) if view.keep != Keep::Table => tables.extend(self.inputs(view)),
                _ => {
                    tables.insert(name.clone());
                }
            }
        }
        tables
    }

    /// A stage and every view behind it up to what is stored, each view once.
    pub fn inlined<'a>(&'a self, stage: &'a Stage) -> Vec<&'a Stage> {
        let mut all = vec![stage];
        let mut next = 0;
        while let Some(reader) = all.get(next).copied() {
            for name in &reader.reads {
                if let Some(view) = self.stages.get(name).filter(|s| s.keep != Keep::Table)
                    && !all.iter().any(|s| s.writes == view.writes)
                {
                    all.push(view);
                }
            }
            next += 1;
        }
        all
    }

    /// Depth first, so that a table comes after what it reads; a cycle is named by its path.
    fn visit(&mut self, name: &str, done: &mut BTreeSet<String>, path: &mut Vec<String>) -> Result<()> {
        if path.iter().any(|p| p == name) {
            path.push(name.to_owned());
            return Err(Error::usage(format!("the stages read each other in a circle: {}", path.join(" reads "))));
        }
        let Some(stage) = self.stages.get(name).filter(|_| !done.contains(name)) else { return Ok(()) };
        let (reads, keep) = (stage.reads.clone(), stage.keep);
        path.push(name.to_owned());
        for input in &reads {
            self.visit(input, done, path)?;
        }
        path.pop();
        done.insert(name.to_owned());
        if keep == Keep::Table {
            self.order.push(name.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_pipeline_is_a_graph_that_ends_in_the_dataset() {
        let pipeline = Pipeline::of(&Project::in_memory()).unwrap();
        assert_eq!(
            pipeline.order,
            [
                "objects",
                "appearances",
                "category_sizes",
                "sightings",
                "questions",
                "name_priors",
                "keep_rates",
                "value_pools",
                "dataset"
            ]
        );
        let questions = pipeline.stage("questions").unwrap();
        assert!(pipeline.inputs(questions).contains("objects"));
        assert!(pipeline.inlined(questions).iter().any(|s| s.writes == "pair_facts"));
    }

    #[test]
    fn what_a_build_does_not_make_is_refused() {
        let pipeline = Pipeline::of(&Project::in_memory()).unwrap();
        assert!(pipeline.check_built("questions").is_ok());
        for (table, message, hint) in [
            ("datset", "there is no table `datset`", "did you mean `dataset`?"),
            (
                "frames",
                "a build does not make `frames`: it is what sources are read into",
                "`spatialmill import` fills it",
            ),
            ("detected", "a build does not make `detected`: no model is named for it", "`detect_model` under [models]"),
            ("pair_facts", "a build does not make `pair_facts`: it is a view", "tables that are built: objects, "),
        ] {
            let error = pipeline.check_built(table).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(error.advice().is_some_and(|advice| advice.starts_with(hint)), "{error:?}");
        }
    }

    #[test]
    fn a_view_of_all_shards_reads_nothing_of_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("queries")).unwrap();
        std::fs::write(folder.path().join("mill.toml"), "").unwrap();
        let load = |reads: &str| {
            let text =
                format!("-- writes: v\n-- reads: {reads}\n-- keep: cached\n-- shard: all\nSELECT * FROM {reads}");
            std::fs::write(folder.path().join("queries/v.sql"), text).unwrap();
            Pipeline::of(&Project::load(folder.path(), &[]).unwrap())
        };
        assert!(load("keep_rates").is_ok());
        for table in ["questions", "frames"] {
            let error = load(table).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`v` is of all shards and reads `{table}`")), "{error}");
        }
    }

    #[test]
    fn a_circle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mill.toml"), "").unwrap();
        std::fs::create_dir(folder.path().join("queries")).unwrap();
        for (writes, reads) in [("a", "b"), ("b", "a")] {
            let text = format!("-- writes: {writes}\n-- reads: {reads}\n-- keep: view\nSELECT 1");
            std::fs::write(folder.path().join(format!("queries/{writes}.sql")), text).unwrap();
        }
        let error = Pipeline::of(&Project::load(folder.path(), &[]).unwrap()).unwrap_err();
        assert!(error.to_string().contains("a reads b reads a"), "{error}");
    }
}

//! Models at work: what `models.toml` names, opened once a process and fed by the SQL functions of `functions/annotate`.
//!
//! ```text
//! models.toml ─► weights (checked hash) ─► networks ─► workers, one thread a session
//!                                                        ▲
//! uri ─► bytes ─► pixels (bounded) ─► family.prepare ────┘─► family.decode ─► answers, kept in the warehouse
//! ```
//!
//! A model is opened before any row that needs it is read. Memory: decoded pictures in flight, bounded by [`ImageBudget`], and each model's own.

mod answers;
pub mod chat_model;
mod image_budget;
pub mod library;
mod open;
mod weights;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use spatialmill_models::Task;
use tokio::sync::OnceCell;

pub use answers::{Answers, Beside, Key};
pub use chat_model::{ChatModel, Step};
pub use image_budget::{DecodedImage, ImageBudget};
pub use open::{Backend, Model};

use crate::error::{Error, Result};
use crate::project::Project;
use crate::warehouse::Location;

/// Every model of a project, each opened when it is first asked for.
pub struct Models {
    project: Project,
    /// What models said before.
    pub answers: Answers,
    /// Decoded pictures in flight.
    pub image_budget: ImageBudget,
    opened: Mutex<HashMap<String, Arc<OnceCell<Arc<Model>>>>>,
    asked: AtomicU64,
}

impl Models {
    /// Opens nothing. Answers are kept in the warehouse.
    pub fn of(project: &Project, warehouse: &Location) -> Result<Self> {
        Ok(Self {
            project: project.clone(),
            answers: Answers::at(warehouse.clone()),
            image_budget: ImageBudget::within(project.memory()? / 4),
            opened: Mutex::default(),
            asked: AtomicU64::new(0),
        })
    }

    /// A model that is ready to be asked.
    pub async fn get(&self, name: &str, task: Task) -> Result<Arc<Model>> {
        let entry = self.project.models().get(name, task).map_err(Error::from)?;
        let cell = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(opened.entry(name.to_owned()).or_default())
        };
        let model = cell.get_or_try_init(|| async { Model::open(&self.project, entry).await.map(Arc::new) }).await;
        model.map(Arc::clone).map_err(|e| e.with("model", name))
    }

    /// One image more was asked about, whether it was said before or not.
    pub fn count_image(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Images that were asked about so far, by any model.
    pub fn images(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What the models that were asked did, a line each, for people.
    pub fn account(&self) -> Vec<String> {
        self.used().iter().filter_map(|model| model.account()).collect()
    }

    /// The models that were asked, with what they did so far.
    pub fn used(&self) -> Vec<Arc<Model>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let mut used: Vec<_> = opened.values().filter_map(|cell| cell.get().map(Arc::clone)).collect();
        used.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
        used
    }
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").finish_non_exhaustive()
    }
}

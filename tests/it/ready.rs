//! Projects that are built once a run, for all tests that leave them as they are.

use std::fs::File;
use std::path::PathBuf;

use spatialmill::{Mill, Progress, Project};
use tokio::sync::OnceCell;

/// A project of synthetic sources, by its mill.toml.
pub struct Ready {
    name: &'static str,
    toml: fn() -> String,
    built: OnceCell<Folder>,
}

/// Kept as long as tests run: another run that begins meanwhile waits.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Ready {
    pub const fn new(name: &'static str, toml: fn() -> String) -> Self {
        Self { name, toml, built: OnceCell::const_new() }
    }

    /// The project, imported and built. Its sources and its warehouse are other tests', too.
    pub async fn open(&self) -> Mill {
        let folder = &self.built.get_or_init(|| self.build()).await.path;
        Mill::open(Project::load(folder, &[]).unwrap(), Progress::silent()).await.unwrap()
    }

    async fn build(&self) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        let lock = File::create(path.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        // An earlier run's is of other code.
        if path.exists() {
            std::fs::remove_dir_all(&path).unwrap();
        }
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("mill.toml"), (self.toml)()).unwrap();
        let mill = Mill::open(Project::load(&path, &[]).unwrap(), Progress::silent()).await.unwrap();
        mill.import(&[]).await.unwrap();
        mill.build(None).await.unwrap();
        Folder { path, _lock: lock }
    }
}

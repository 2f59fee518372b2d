//! Parts that nobody may rely on: those that `gc` is about to remove, and those that `verify` found damaged.
//!
//! A note is a file `_condemned/<reason>-<id>.json` that names parts. A build takes a part that a note names for one that is not there: it
//! does not take it over, it makes a shard again that has it, and it looks once more when its commit has landed.
//!
//! ```text
//! gc      writes its note ─► reads the log and the records ─► deletes what neither names ─► removes its note
//! build   writes its log entry (or record) ─► reads the notes ─► looks that its parts are there
//! ```
//!
//! Both first say what they want and then look what the other one said, so that whatever the order at least one of them sees the
//! other: a note that is written after a build read the notes is followed by a look at the log that names the build's parts, and
//! they are spared. A note that was removed before a build read the notes had its parts deleted before, and the build, which looks
//! for its parts after it read the notes, misses them. No clock and no age is part of this: a `gc` that is stopped between its look
//! and its deletions leaves its note standing. A `gc` that died leaves it, too; it costs a shard being made again at most, and the
//! next `gc` removes it once its parts are gone.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::{Part, Table};
use crate::error::{Context, Error, Result};

/// The folder of the notes, beside the parts. Delta readers pass over names that begin with `_`.
const FOLDER: &str = "_condemned";

/// Why a part is condemned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// `gc` is about to remove it.
    Garbage,
    /// `verify` found other bytes than were written.
    Damaged,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Damaged => "damaged",
        }
    }
}

/// As it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Condemned {
    parts: Vec<String>,
}

/// A note as it lies in the store.
pub(super) struct Note {
    pub(super) path: Path,
    reason: Reason,
    /// Relative to the table's folder.
    pub(super) parts: Vec<String>,
}

impl Table {
    /// Writes a note. One for the same parts and reason replaces the one before.
    pub(super) async fn condemn(&self, reason: Reason, id: &str, parts: Vec<String>) -> Result<Path> {
        let path = self.location().path(&format!("{FOLDER}/{}-{id}.json", reason.name()));
        let bytes = serde_json::to_vec(&Condemned { parts }).or_internal(|| "a note has no JSON form".into())?;
        self.location()
            .store()
            .put(&path, PutPayload::from(bytes))
            .await
            .or_input(|| format!("cannot write {path}"))?;
        Ok(path)
    }

    /// Removes notes; one that is gone already is no matter.
    pub(super) async fn pardon(&self, notes: Vec<Path>) -> Result<()> {
        let mut deleted = self.location().store().delete_stream(stream::iter(notes).map(Ok).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot remove a note of `{}`", self.name())),
            }
        }
        Ok(())
    }

    /// Replaces what `verify` said before: these parts are damaged, and no others.
    pub async fn note_damage(&self, paths: Vec<String>) -> Result<()> {
        let id = blake3::hash(paths.join("\n").as_bytes()).to_hex()[..16].to_owned();
        let before = self.notes().await?.into_iter().filter(|note| note.reason == Reason::Damaged);
        let mut before: Vec<Path> = before.map(|note| note.path).collect();
        if !paths.is_empty() {
            let now = self.condemn(Reason::Damaged, &id, paths).await?;
            before.retain(|path| *path != now);
        }
        self.pardon(before).await
    }

    /// All notes that can be read.
    pub(super) async fn notes(&self) -> Result<Vec<Note>> {
        let listed = self.location().files(FOLDER).await?;
        let mut notes = Vec::new();
        for object in listed {
            let name = object.location.filename().unwrap_or_default();
            let Some(reason) = [Reason::Garbage, Reason::Damaged].into_iter().find(|r| name.starts_with(r.name()))
            else {
                continue;
            };
            let found = match self.location().store().get(&object.location).await {
                Ok(found) => found.bytes().await,
                Err(error) => Err(error),
            };
            match found {
                // What cannot be understood was not written whole: whoever wrote it has deleted nothing yet.
                Ok(bytes) => {
                    let parts = serde_json::from_slice::<Condemned>(&bytes).map(|note| note.parts).unwrap_or_default();
                    notes.push(Note { path: object.location, reason, parts });
                }
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot read {}", object.location)),
            }
        }
        Ok(notes)
    }

    /// Those of the parts that are not there with the size that they were written with, or that are condemned.
    pub async fn lost<'a>(&self, parts: &'a [Part]) -> Result<Vec<&'a Part>> {
        // What another program added lies where it wants to, and is checked by `verify` alone. A part of ours that lies elsewhere is one whose
        // path in the log was altered.
        let ours: Vec<&Part> =
            parts.iter().filter(|part| folder_of(&part.path).is_some() || !part.fingerprint.is_empty()).collect();
        if ours.is_empty() {
            return Ok(Vec::new());
        }
        // Notes first: see above.
        let condemned: HashSet<String> = self.notes().await?.into_iter().flat_map(|note| note.parts).collect();
        let in_place: Vec<&Part> = ours.iter().copied().filter(|part| folder_of(&part.path).is_some()).collect();
        let found = self.sizes(&in_place).await?;
        let is_lost = |part: &Part| {
            folder_of(&part.path).is_none()
                || condemned.contains(&part.path)
                || found.get(&self.location().path(&part.path)) != Some(&part.bytes)
        };
        Ok(ours.into_iter().filter(|part| is_lost(part)).collect())
    }

    /// How large the files of these parts are, and perhaps others; those that are not there are left out.
    async fn sizes(&self, parts: &[&Part]) -> Result<HashMap<Path, u64>> {
        let store = self.location().store();
        let mut found = HashMap::new();
        if parts.len() <= ASKED_SINGLY {
            for part in parts {
                let path = self.location().path(&part.path);
                match store.head(&path).await {
                    Ok(object) => found.insert(path, object.size),
                    Err(object_store::Error::NotFound { .. }) => None,
                    Err(error) => return Err(error).or_input(|| format!("cannot look for {path}")),
                };
            }
            return Ok(found);
        }
        let mut folders: BTreeSet<&str> = parts.iter().filter_map(|part| folder_of(&part.path)).collect();
        if folders.len() > LISTED_SINGLY {
            folders = BTreeSet::from([PARTS]);
        }
        for folder in folders {
            let folder = self.location().path(folder);
            let mut listed = store.list(Some(&folder));
            while let Some(object) = listed.try_next().await.or_input(|| format!("cannot list {folder}"))? {
                found.insert(object.location, object.size);
            }
        }
        Ok(found)
    }

    /// The shards of this version that cannot be relied on, because of a part that is lost or of parts that do not belong together.
    pub async fn lost_shards(&self) -> Result<BTreeSet<String>> {
        let mut shards: BTreeSet<String> =
            self.lost(self.parts()).await?.into_iter().map(|part| part.shard.clone()).collect();
        // Parts of a shard are replaced together; where a log was altered they may not be.
        let neighbours = self.parts().windows(2).filter(|two| two[0].shard == two[1].shard);
        let mixed = neighbours.filter(|two| two[0].fingerprint != two[1].fingerprint);
        shards.extend(mixed.map(|two| two[0].shard.clone()));
        Ok(shards)
    }

    /// Fails where a part that a commit names is lost.
    pub(super) async fn all_there(&self, parts: &[Part]) -> Result<()> {
        let lost = self.lost(parts).await?;
        let Some(first) = lost.first() else { return Ok(()) };
        Err(Error::lost(format!("{} of {} parts were removed while they were written", lost.len(), parts.len()))
            .with("table", self.name())
            .with("part", &first.path)
            .hint("was something else cleaning up the warehouse? run again: what is still there is kept"))
    }
}

/// The folder of all parts.
const PARTS: &str = "parts";

/// So many parts are asked for one by one; more are listed, a thousand at a time.
const ASKED_SINGLY: usize = 4;

/// So many folders of runs are listed one by one; more are listed in one.
const LISTED_SINGLY: usize = 4;

/// `parts/<run>`.
fn folder_of(path: &str) -> Option<&str> {
    let run = path.strip_prefix(PARTS)?.strip_prefix('/')?.find('/')?;
    Some(&path[..PARTS.len() + 1 + run])
}

/// The run that wrote a part.
pub(super) fn run_of(path: &str) -> Option<&str> {
    folder_of(path).map(|folder| &folder[PARTS.len() + 1..])
}

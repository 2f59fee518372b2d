//! Staging records: shards whose parts are durable but not committed. The first record of a shard and fingerprint wins.
//!
//! ```text
//! attempts of one shard ─► parts under names of their own ─► _staging/<shard>-<fingerprint>.json       put-if-absent
//!                      └─► cannot be built                ─► _staging/<shard>-<fingerprint>.error.json put-if-absent
//! a try begins                                            ─► _staging/<shard>-<fingerprint>.try-<k>    put-if-absent
//! ```
//!
//! A record is written after a shard's parts and names them; whoever builds the same shard with the same fingerprint, now or after an
//! interruption, uses the parts of the record that is there. Records are never rewritten: a build acquires its lease before it looks
//! for them, and while a lease is alive `gc` leaves all records and their parts alone (`gc` says why that is enough). A record is a
//! hint and never a truth: one that is torn, or of which a part is missing, is replaced, and without one the shard is built again.

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::part_writer::path_name;
use super::{Location, Part, Table};
use crate::error::{Context, Error, Result};

/// The folder of the records, next to the parts. Delta readers pass over names that begin with `_`.
const FOLDER: &str = "_staging";

/// One shard whose parts are durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagingRecord {
    /// The shard.
    pub shard: String,
    /// Of everything that it was made from.
    pub fingerprint: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// What else the build needs: counts of rows filtered and quarantined.
    pub info: Map<String, Value>,
    /// The run that wrote it.
    #[serde(default)]
    pub run_id: String,
}

/// One shard that could not be built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagingError {
    /// The shard.
    pub shard: String,
    /// Of everything that it was to be made from.
    pub fingerprint: String,
    /// The run that tried.
    pub run_id: String,
    /// The family of the error, and the error.
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    /// True where another try may succeed.
    pub retryable: bool,
}

/// What became of a shard.
#[derive(Debug, Clone, PartialEq)]
pub enum StagedShard {
    /// Its parts are durable.
    Built(StagingRecord),
    /// It could not be built.
    Failed(StagingError),
}

/// A table's staging records.
#[derive(Debug, Clone)]
pub struct Staging {
    table: Table,
    location: Location,
}

/// How often a broken record is replaced when other attempts do the same.
const ROUNDS: usize = 8;

/// How often a record is written again that did not arrive.
const RESENT: usize = 3;

/// Records that are read at the same time.
const AT_ONCE: usize = 16;

impl Staging {
    pub(super) fn new(table: Table) -> Self {
        Self { location: table.location().clone(), table }
    }

    /// Writes the record of a shard whose parts are durable, and gives the record that counts: this one, or that of another attempt which
    /// was first. A broken record is replaced.
    pub async fn publish(&self, record: &StagingRecord) -> Result<StagingRecord> {
        let path = self.path(&record.shard, &record.fingerprint, RECORD);
        let bytes = to_json(record)?;
        let mut mode = PutMode::Create;
        for round in 0..ROUNDS {
            let written = self.put(&path, bytes.clone(), mode).await;
            mode = match written {
                Ok(()) => return Ok(record.clone()),
                Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                    // A store without conditional replacement. Two attempts may remove each other's record here: either is as good.
                    self.delete(vec![path.clone()]).await?;
                    PutMode::Create
                }
                // Taken, or the response was lost, so that it may be ours that is there.
                Err(error) => match self.read::<StagingRecord>(&path).await? {
                    Some((Some(first), _)) if self.is_whole(&first, record).await? => return Ok(first),
                    Some((_, version)) => PutMode::Update(version),
                    // Removed meanwhile, or the request was reset.
                    None if is_refused(&error) || round < RESENT => PutMode::Create,
                    None => return Err(error).or_input(|| format!("cannot write {path}")),
                },
            };
        }
        Err(Error::input("other attempts kept replacing a staging record").with("file", path))
    }

    /// What became of these shards, by shard; those without a record are left out, and those of which a part is broken.
    ///
    /// All records are found by one listing, and their parts checked at once.
    pub async fn find_all(&self, shards: &[(String, String)]) -> Result<BTreeMap<String, StagedShard>> {
        let listed: BTreeMap<Path, ObjectMeta> =
            self.list().await?.into_iter().map(|object| (object.location.clone(), object)).collect();
        let find = async |(shard, fingerprint): &(String, String)| -> Result<Option<StagedShard>> {
            let path = self.path(shard, fingerprint, RECORD);
            if listed.contains_key(&path)
                && let Some((Some(record), _)) = self.read::<StagingRecord>(&path).await?
                && (&record.shard, &record.fingerprint) == (shard, fingerprint)
            {
                return Ok(Some(StagedShard::Built(record)));
            }
            let path = self.path(shard, fingerprint, ERROR);
            if listed.contains_key(&path)
                && let Some((Some(error), _)) = self.read::<StagingError>(&path).await?
            {
                return Ok(Some(StagedShard::Failed(error)));
            }
            Ok(None)
        };
        let found: Vec<Option<StagedShard>> =
            stream::iter(shards.iter().map(find)).buffered(AT_ONCE).try_collect().await?;
        let mut found: BTreeMap<String, StagedShard> =
            shards.iter().zip(found).filter_map(|((shard, _), found)| Some((shard.clone(), found?))).collect();
        let parts: Vec<Part> = found.values().flat_map(StagedShard::parts).cloned().collect();
        let broken: HashSet<&str> =
            self.table.broken_parts(&parts).await?.into_iter().map(|part| part.path.as_str()).collect();
        found.retain(|_, outcome| !outcome.parts().iter().any(|part| broken.contains(part.path.as_str())));
        Ok(found)
    }

    /// Says that a shard cannot be built. The first error is kept.
    pub async fn publish_error(&self, error: &StagingError) -> Result<()> {
        let path = self.path(&error.shard, &error.fingerprint, ERROR);
        match self.put(&path, to_json(error)?, PutMode::Create).await {
            Err(refused) if is_refused(&refused) => Ok(()),
            written => written.or_input(|| format!("cannot write {path}")),
        }
    }

    /// Counts a try to build a shard, before it begins: 1 for the first. A try that kills its process is counted, too.
    pub async fn begin_try(&self, shard: &str, fingerprint: &str) -> Result<u32> {
        for n in 1..=u32::MAX {
            let path = self.path(shard, fingerprint, &format!(".try-{n}"));
            match self.put(&path, PutPayload::new(), PutMode::Create).await {
                Ok(()) => return Ok(n),
                Err(refused) if is_refused(&refused) => {}
                Err(error) => return Err(error).or_input(|| format!("cannot write {path}")),
            }
        }
        Err(Error::internal("a shard was tried more often than can be counted").with("shard", shard))
    }

    /// Writes a record whatever is there. It belongs to the record of another table, which is the one that counts.
    pub async fn replace(&self, record: &StagingRecord) -> Result<()> {
        let path = self.path(&record.shard, &record.fingerprint, RECORD);
        self.put(&path, to_json(record)?, PutMode::Overwrite).await.or_input(|| format!("cannot write {path}"))
    }

    /// Removes the records of shards that are committed or not needed, with their errors and tries: one listing, and deletions in bulk.
    pub async fn remove_all(&self, shards: &[(String, String)]) -> Result<()> {
        if shards.is_empty() {
            return Ok(());
        }
        let stems: HashSet<String> = shards.iter().map(|(shard, fingerprint)| stem(shard, fingerprint)).collect();
        let is_theirs = |path: &Path| path.filename().and_then(stem_of).is_some_and(|stem| stems.contains(stem));
        let listed = self.list().await?.into_iter().map(|object| object.location);
        self.delete(listed.filter(is_theirs).collect()).await
    }

    /// All files of the folder with what the records among them name, for `gc` and `verify`.
    pub(super) async fn all(&self) -> Result<Vec<StagedFile>> {
        let read = async |object: ObjectMeta| -> Result<StagedFile> {
            let is_record =
                object.location.filename().is_some_and(|name| name.ends_with(RECORD) && !name.ends_with(ERROR));
            let record = match is_record {
                true => self.read(&object.location).await?.and_then(|(record, _)| record),
                false => None,
            };
            Ok(StagedFile { object, record })
        };
        stream::iter(self.list().await?.into_iter().map(read)).buffered(AT_ONCE).try_collect().await
    }

    async fn list(&self) -> Result<Vec<ObjectMeta>> {
        self.location.files(FOLDER).await
    }

    async fn put(&self, path: &Path, bytes: PutPayload, mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions::from(mode);
        self.location.store().put_opts(path, bytes, options).await.map(drop)
    }

    async fn delete(&self, paths: Vec<Path>) -> Result<()> {
        let mut deleted = self.location.store().delete_stream(stream::iter(paths.into_iter().map(Ok)).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    return Err(error).or_input(|| format!("cannot remove staging records of `{}`", self.table.name()));
                }
            }
        }
        Ok(())
    }

    /// True for a record of the same shard whose parts are all there.
    async fn is_whole(&self, first: &StagingRecord, ours: &StagingRecord) -> Result<bool> {
        let is_same = (&first.shard, &first.fingerprint) == (&ours.shard, &ours.fingerprint);
        Ok(is_same && (first == ours || self.table.broken_parts(&first.parts).await?.is_empty()))
    }

    /// A file's content, none where it is torn, with its version; none where there is no file.
    async fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<(Option<T>, UpdateVersion)>> {
        let unreadable = || format!("cannot read {path}");
        let found = match self.location.store().get(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.or_input(unreadable)?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        match found.bytes().await {
            Ok(bytes) => Ok(Some((serde_json::from_slice(&bytes).ok(), version))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).or_input(unreadable),
        }
    }

    fn path(&self, shard: &str, fingerprint: &str, ending: &str) -> Path {
        self.location.path(&format!("{FOLDER}/{}{ending}", stem(shard, fingerprint)))
    }
}

impl StagedShard {
    fn parts(&self) -> &[Part] {
        match self {
            Self::Built(record) => &record.parts,
            Self::Failed(_) => &[],
        }
    }
}

/// A file of the folder, with what it says where it is a record that is not torn.
pub(super) struct StagedFile {
    pub(super) object: ObjectMeta,
    pub(super) record: Option<StagingRecord>,
}

const RECORD: &str = ".json";
const ERROR: &str = ".error.json";

/// What the files of one shard and fingerprint begin with.
fn stem(shard: &str, fingerprint: &str) -> String {
    format!("{}-{}", path_name(shard), path_name(fingerprint))
}

/// What a file's name begins with, without the ending that says what it is.
fn stem_of(name: &str) -> Option<&str> {
    let of_try = name.rsplit_once(".try-").map(|(stem, _)| stem);
    name.strip_suffix(ERROR).or_else(|| name.strip_suffix(RECORD)).or(of_try)
}

/// True where a conditional write found another file.
fn is_refused(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })
}

fn to_json(value: &impl Serialize) -> Result<PutPayload> {
    Ok(serde_json::to_vec(value).or_internal(|| "a staging record has no JSON form".into())?.into())
}

//! A folder on this machine and everything in it, links followed as far as they stay inside.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::file_entry::{FileEntry, UnreadablePath};
use crate::error::{Context, Result};

/// Links to folders that are followed in one walk: some folders that link to each other have more paths than anybody can walk.
const MAX_FOLLOWED: usize = 10_000;

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Inside,
    Anywhere,
}

/// A dataset's folder.
#[derive(Debug, Clone)]
pub struct ConfinedFolder {
    path: PathBuf,
    /// Where Hugging Face's cache keeps the files of a snapshot.
    blobs: Option<PathBuf>,
    pub links: Links,
}

impl ConfinedFolder {
    /// A folder that exists. It may be a link itself.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let path = path.canonicalize()?;
        Ok(Self { blobs: blobs_of(&path), path, links: Links::Inside })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True for a place, without links, that may be read.
    pub fn admits(&self, real: &Path) -> bool {
        let inside = |folder: &Path| real.starts_with(folder);
        self.links == Links::Anywhere || inside(&self.path) || self.blobs.as_deref().is_some_and(inside)
    }

    /// True for a path of something inside, which need not exist: by its name, and where it leads.
    pub fn contains(&self, path: &Path) -> bool {
        let named = path.starts_with(&self.path) && path.components().all(|part| part != Component::ParentDir);
        match path.canonicalize() {
            Ok(real) => (named && self.admits(&real)) || real.starts_with(&self.path),
            Err(_) => named,
        }
    }

    /// Hands everything in the folder at `shown` to `on`, in no order. `real` is where that is without links.
    pub fn walk(&self, shown: &str, real: PathBuf, on: &mut dyn FnMut(FileEntry) -> Result<()>) -> Result<()> {
        let mut above: Vec<PathBuf> = real.ancestors().skip(1).map(Path::to_owned).collect();
        above.push(real.clone());
        Walk { folder: self, above, followed: 0, on }.enter(&self.path.join(shown), &real)
    }
}

/// `<repository>/blobs` of a root at or below `<repository>/snapshots`.
fn blobs_of(root: &Path) -> Option<PathBuf> {
    let snapshots = root.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "snapshots"))?;
    let blobs = snapshots.parent()?.join("blobs");
    blobs.symlink_metadata().is_ok_and(|meta| meta.is_dir()).then_some(blobs)
}

struct Walk<'a> {
    folder: &'a ConfinedFolder,
    /// The real folders that lead to where the walk is, and all above them: a link to one of these leads nowhere new.
    above: Vec<PathBuf>,
    followed: usize,
    on: &'a mut dyn FnMut(FileEntry) -> Result<()>,
}

impl Walk<'_> {
    fn enter(&mut self, shown: &Path, real: &Path) -> Result<()> {
        let failed = || format!("cannot list `{}`", shown.display());
        let items = match std::fs::read_dir(real) {
            // A folder of somebody else, such as lost+found, is no reason to read nothing. Anything but a permission may be back in a minute.
            Err(e) if e.kind() == ErrorKind::PermissionDenied && real != self.folder.path => {
                return self.refuse(shown, "/", UnreadablePath::NotAllowed);
            }
            items => items.or_input(failed)?,
        };
        for item in items {
            let item = item.or_input(failed)?;
            let shown = shown.join(item.file_name());
            let is_link = item.file_type().is_ok_and(|kind| kind.is_symlink());
            let target = if is_link {
                match item.path().canonicalize() {
                    Ok(target) => target,
                    Err(_) => {
                        self.refuse(&shown, "", UnreadablePath::LeadsNowhere)?;
                        continue;
                    }
                }
            } else {
                item.path()
            };
            let meta = match target.metadata() {
                Ok(meta) => meta,
                // It went while we were here.
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                    let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
                    self.refuse(&shown, if is_folder { "/" } else { "" }, UnreadablePath::NotAllowed)?;
                    continue;
                }
                Err(e) => return Err(e).or_input(|| format!("cannot read `{}`", shown.display())),
            };
            let end = if meta.is_dir() { "/" } else { "" };
            if is_link && !self.folder.admits(&target) {
                self.refuse(&shown, end, UnreadablePath::LeadsOut)?;
            } else if item.file_name().to_str().is_none() {
                self.refuse(&shown, end, UnreadablePath::NotUtf8)?;
            } else if let Some(target) = link_as_text(&target) {
                self.refuse(&shown, if target.is_dir() { "/" } else { "" }, UnreadablePath::LinkAsText)?;
            } else if meta.is_file() {
                let (path, size, tag) = (self.relative(&shown), meta.len(), changed(&meta));
                (self.on)(FileEntry { path, size, tag, refused: None })?;
            } else if !meta.is_dir() {
                self.refuse(&shown, end, UnreadablePath::NoFile)?;
            } else if !is_link {
                self.above.push(target.clone());
                self.enter(&shown, &target)?;
                self.above.pop();
            } else if !self.above.contains(&target) {
                self.followed += 1;
                if self.followed > MAX_FOLLOWED {
                    self.refuse(&shown, end, UnreadablePath::TooManyLinks)?;
                    continue;
                }
                let depth = self.above.len();
                self.above.extend(target.ancestors().map(Path::to_owned));
                self.enter(&shown, &target)?;
                self.above.truncate(depth);
            }
        }
        Ok(())
    }

    fn refuse(&mut self, shown: &Path, end: &str, why: UnreadablePath) -> Result<()> {
        let path = format!("{}{end}", self.relative(shown));
        (self.on)(FileEntry { path, size: 0, tag: String::new(), refused: Some(why) })
    }

    /// Below the root; bytes that are no UTF-8 are spelled.
    fn relative(&self, shown: &Path) -> String {
        let relative = shown.strip_prefix(&self.folder.path).unwrap_or(shown);
        let mut text = String::new();
        for chunk in relative.as_os_str().as_encoded_bytes().utf8_chunks() {
            text += chunk.valid();
            chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
        }
        text
    }
}

/// What a file should be that holds a path and nothing else. Git writes links so where it is told that there are none, and so do archives
/// and copies of what it wrote.
pub fn link_as_text(file: &Path) -> Option<PathBuf> {
    // No photo is as short, and so nothing else is opened.
    const LONGEST: u64 = 512;
    let ending = file.extension().map(|ending| ending.to_ascii_lowercase());
    let suspect =
        ending.is_none_or(|ending| ["jpg", "jpeg", "png", "tar", "parquet"].iter().any(|known| ending == *known));
    let meta = file.metadata().ok().filter(|meta| suspect && meta.is_file() && meta.len() <= LONGEST)?;
    let text = std::fs::read_to_string(file).ok().filter(|text| text.len() as u64 == meta.len())?;
    let path = text.trim_end_matches(['\r', '\n']);
    let is_path = path.contains('/') && !path.contains(char::is_control);
    file.parent()?.join(path).canonicalize().ok().filter(|_| is_path)
}

/// When a file was modified and, where the system keeps it, when its entry was changed: tools that copy files set the former to what
/// it was elsewhere, and nobody can set the latter.
pub fn changed(meta: &std::fs::Metadata) -> String {
    let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = modified.map_or_else(String::new, |t| t.as_nanos().to_string());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        format!("{modified} {}.{:09}", meta.ctime(), meta.ctime_nsec())
    }
    #[cfg(not(unix))]
    modified
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::source::root::Root;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn put(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }

    fn listed(root: &Root) -> (Vec<String>, Vec<(String, UnreadablePath)>) {
        (root.list("").unwrap().into_iter().map(|entry| entry.path).collect(), root.refused())
    }

    #[test]
    fn links_are_followed_inside_and_told_where_they_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let (root, out) = (folder.path().join("root"), folder.path().join("out"));
        for path in ["root/a/1.jpg", "root/b/2.jpg", "root/deep/er/5.jpg", "out/3.jpg", "out/deep/4.jpg"] {
            put(&folder.path().join(path));
        }
        for (target, link) in [
            (out.join("3.jpg"), "file.jpg"),
            (out.clone(), "folder"),
            ("nowhere".into(), "dead.jpg"),
            ("self.jpg".into(), "self.jpg"),
            ("../a".into(), "b/also"),
            ("..".into(), "a/up"),
            (".".into(), "latest"),
            (".".into(), "a/self"),
            ("../../deep".into(), "deep/er/again"),
            ("a/1.jpg".into(), "first.jpg"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        put(&root.join(OsStr::from_bytes(b"no\xfftext.jpg")));
        put(&root.join(OsStr::from_bytes(b"d\xe9j\xe0")).join("vu.jpg"));
        std::fs::write(root.join("text.jpg"), "../out/3.jpg").unwrap();
        std::fs::write(root.join("text"), "../out\n").unwrap();
        std::fs::write(root.join("LICENSE"), "and/or\n").unwrap();
        std::process::Command::new("mkfifo").arg(root.join("pipe.jpg")).status().unwrap();

        let (files, refused) = listed(&Root::local(&root).unwrap());
        assert_eq!(files, ["LICENSE", "a/1.jpg", "b/2.jpg", "b/also/1.jpg", "deep/er/5.jpg", "first.jpg"]);
        let refused: Vec<(&str, UnreadablePath)> = refused.iter().map(|(path, why)| (path.as_str(), *why)).collect();
        let expected = [
            ("d\\xe9j\\xe0/", UnreadablePath::NotUtf8),
            ("dead.jpg", UnreadablePath::LeadsNowhere),
            ("file.jpg", UnreadablePath::LeadsOut),
            ("folder/", UnreadablePath::LeadsOut),
            ("no\\xfftext.jpg", UnreadablePath::NotUtf8),
            ("pipe.jpg", UnreadablePath::NoFile),
            ("self.jpg", UnreadablePath::LeadsNowhere),
            ("text.jpg", UnreadablePath::LinkAsText),
            ("text/", UnreadablePath::LinkAsText),
        ];
        assert_eq!(refused, expected);

        let trusting = Root::local(&root).unwrap().following_links();
        let (files, refused) = listed(&trusting);
        assert!(files.iter().any(|path| path == "folder/deep/4.jpg") && refused.len() == 7, "{files:?} {refused:?}");
        assert_eq!(trusting.bytes("folder/3.jpg", 9).unwrap(), b"x");
        let strict = Root::local(&root).unwrap();
        assert!(strict.bytes("folder/3.jpg", 9).is_err() && strict.list("folder").is_err());
        assert!(strict.list("text").unwrap_err().to_string().contains("a link that became a text"));
        for (path, strictly, trustingly) in [
            ("root/a/1.jpg", true, true),
            ("root/none.jpg", true, true),
            ("root/folder/3.jpg", false, true),
            ("out/3.jpg", false, false),
            ("root/a/../../out/3.jpg", false, false),
            ("root/b/../a/1.jpg", true, true),
        ] {
            let path = folder.path().canonicalize().unwrap().join(path).display().to_string();
            assert_eq!((strict.contains(&path), trusting.contains(&path)), (strictly, trustingly), "{path}");
            assert_eq!(strict.contains(&format!("file://{path}")), strictly, "{path}");
        }
        assert!(!strict.contains("s3://bucket/a/1.jpg"));
        // Nobody writes to the pipe: to open it would wait for ever.
        assert!(strict.bytes("pipe.jpg", 9).unwrap_err().to_string().contains("pipe"));
        assert!(strict.open("pipe.jpg").is_err());
    }

    #[test]
    fn a_folder_that_may_not_be_listed_is_told_and_the_rest_is_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/1.jpg", "lost+found/2.jpg", "named/3.jpg"] {
            put(&folder.path().join(path));
        }
        let allow = |name: &str, mode| {
            std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        // Its names may be read, and nothing that they name.
        allow("named", 0o444);
        allow("lost+found", 0);
        // Nobody is refused anything who may do everything.
        let is_refused = std::fs::read_dir(folder.path().join("lost+found")).is_err();
        let found = listed(&Root::local(folder.path()).unwrap());
        allow("named", 0o755);
        allow("lost+found", 0o755);
        if is_refused {
            let refused = ["lost+found/", "named/3.jpg"].map(|path| (path.to_owned(), UnreadablePath::NotAllowed));
            assert_eq!(found, (vec!["a/1.jpg".to_owned()], refused.to_vec()));
        } else {
            assert_eq!(found.0.len(), 3);
        }
    }

    #[test]
    fn a_snapshot_of_hugging_faces_cache_is_read_through_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("datasets--o--n");
        put(&repository.join("blobs/0a1b"));
        put(&folder.path().join("elsewhere"));
        let snapshot = repository.join("snapshots/main");
        std::fs::create_dir_all(snapshot.join("data")).unwrap();
        symlink("../../../blobs/0a1b", snapshot.join("data/1.jpg")).unwrap();
        symlink("../../../../elsewhere", snapshot.join("data/2.jpg")).unwrap();
        symlink(&snapshot, folder.path().join("root")).unwrap();
        for root in [&snapshot, &folder.path().join("root")] {
            let root = Root::local(root).unwrap();
            let refused = vec![("data/2.jpg".to_owned(), UnreadablePath::LeadsOut)];
            assert_eq!(listed(&root), (vec!["data/1.jpg".to_owned()], refused));
            assert_eq!(root.bytes("data/1.jpg", 9).unwrap(), b"x");
        }
    }

    #[test]
    fn folders_that_link_to_each_other_are_walked_for_a_while_only() {
        let folder = tempfile::tempdir().unwrap();
        // Each has ten links to the next: ten to the eighth paths.
        for level in 0..8 {
            put(&folder.path().join(format!("{level}/x.jpg")));
            for n in 0..10 {
                symlink(format!("../{}", level + 1), folder.path().join(format!("{level}/{n}"))).unwrap();
            }
        }
        put(&folder.path().join("8/x.jpg"));
        let (files, refused) = listed(&Root::local(folder.path()).unwrap());
        assert!(files.len() > MAX_FOLLOWED / 2 && refused.iter().any(|(_, why)| *why == UnreadablePath::TooManyLinks));
    }
}

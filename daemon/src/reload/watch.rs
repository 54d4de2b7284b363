//! Watch: says when files may have changed, whatever way they are replaced.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// Files are looked at this often even when nothing stirs: network file systems tell nothing.
const EVERY: Duration = Duration::from_secs(30);
/// A burst of writes is over when nothing has stirred for so long.
const QUIET: Duration = Duration::from_millis(200);
/// A burst that does not end is looked at after so long all the same.
const LONGEST_BURST: Duration = Duration::from_secs(2);
/// Links lead on for at most so many steps: Linux gives up there, too.
const MOST_LINKS: usize = 40;

/// Watches files that need not exist.
pub(super) struct Watch {
    stir: mpsc::Sender<()>,
    stirred: mpsc::Receiver<()>,
    watcher: Option<RecommendedWatcher>,
    warned: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        // One place: many signs mean no more than one.
        let (stir, stirred) = mpsc::channel(1);
        Self {
            stir,
            stirred,
            watcher: None,
            warned: false,
        }
    }

    /// Watches these files from now on, as their paths lead now. Done anew after each stir: folders may be others behind
    /// the same names.
    pub(super) fn set(&mut self, files: &BTreeSet<PathBuf>) {
        // The old one goes first: the system allows a user only so many.
        self.watcher = None;
        match watcher(files, self.stir.clone()) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.warned = false;
            }
            Err(error) if !self.warned => {
                self.warned = true;
                tracing::warn!(
                    %error,
                    "the configuration's files cannot be watched; they are looked at every {} seconds",
                    EVERY.as_secs()
                );
            }
            Err(_) => {}
        }
    }

    /// Returns once something has stirred and it is quiet again, or it is time to look anyway.
    pub(super) async fn stirred(&mut self) {
        if timeout(EVERY, self.stirred.recv()).await.is_err() {
            return;
        }
        let end = Instant::now() + LONGEST_BURST;
        while Instant::now() < end && timeout(QUIET, self.stirred.recv()).await.is_ok() {}
    }
}

fn watcher(
    files: &BTreeSet<PathBuf>,
    stir: mpsc::Sender<()>,
) -> notify::Result<RecommendedWatcher> {
    let entries: BTreeSet<PathBuf> = files.iter().flat_map(|file| entries(file)).collect();
    let folders: BTreeSet<PathBuf> = entries
        .iter()
        .filter_map(|entry| entry.parent().map(Path::to_owned))
        .collect();
    let of_interest: BTreeSet<PathBuf> = entries.union(&folders).cloned().collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let concerns = event.map_or(true, |event| {
            event.need_rescan()
                || writes(event.kind) && event.paths.iter().any(|path| of_interest.contains(path))
        });
        if concerns {
            // A full channel has the sign already.
            let _ = stir.try_send(());
        }
    })?;
    for folder in &folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether an event can mean another content; reading, which we do ourselves, does not.
fn writes(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The directory entries that decide what a path leads to: each link on the way, and the file itself or the first part
/// of the path that does not exist. A change of any of them can change what is read there.
fn entries(path: &Path) -> Vec<PathBuf> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut ahead: VecDeque<OsString> = parts(&path).collect();
    let mut here = PathBuf::from("/");
    let mut found = Vec::new();
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        let seen = next.symlink_metadata();
        match seen {
            Ok(seen) if seen.is_symlink() && found.len() < MOST_LINKS => {
                let target = std::fs::read_link(&next).unwrap_or_default();
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                    ahead.push_front(part);
                }
                found.push(next);
            }
            Ok(_) if !ahead.is_empty() => here = next,
            _ => {
                found.push(next);
                break;
            }
        }
    }
    found
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder, by its own name: `/tmp` may be a link.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        (dir, path)
    }

    #[test]
    fn a_config_map_is_watched_at_its_link_to_the_data() {
        let (_kept, dir) = folder();
        fs::create_dir(dir.join("..2026")).unwrap();
        fs::write(dir.join("..2026/camsync.toml"), "").unwrap();
        symlink("..2026", dir.join("..data")).unwrap();
        symlink("..data/camsync.toml", dir.join("camsync.toml")).unwrap();
        assert_eq!(
            entries(&dir.join("camsync.toml")),
            [
                dir.join("camsync.toml"),
                dir.join("..data"),
                dir.join("..2026/camsync.toml")
            ]
        );
    }

    #[test]
    fn what_does_not_exist_is_awaited_where_the_path_ends() {
        let (_kept, dir) = folder();
        assert_eq!(entries(&dir.join("gone/deep/x")), [dir.join("gone")]);
        symlink(dir.join("a/b"), dir.join("dangling")).unwrap();
        assert_eq!(
            entries(&dir.join("dangling")),
            [dir.join("dangling"), dir.join("a")]
        );
    }

    #[test]
    fn links_in_a_circle_end() {
        let (_kept, dir) = folder();
        symlink("b", dir.join("a")).unwrap();
        symlink("a", dir.join("b")).unwrap();
        assert!(entries(&dir.join("a")).contains(&dir.join("b")));
    }
}

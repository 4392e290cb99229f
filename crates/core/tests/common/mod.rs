//! Trees for tests, and the results of walking them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics fails")]
#![allow(dead_code, reason = "each test file is a crate of its own and uses a part of this")]

use std::ffi::{CString, OsStr};
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use fdkit::{Names, Step, Walk, WalkOptions};

/// A directory that is removed when the test ends.
pub struct TempDir(PathBuf);

impl TempDir {
    /// Creates an empty one.
    pub fn new() -> Self {
        Self::below(std::env::temp_dir())
    }

    /// Creates an empty one in a directory.
    pub fn below(place: impl AsRef<Path>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fdkit-core-{}-{count}", std::process::id());
        let path = fs::canonicalize(place).unwrap().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Creates one with entries: `a/b/` is a directory, `a/f` a file, `l -> x` a link.
    pub fn with(entries: &[&str]) -> Self {
        let dir = Self::new();
        for entry in entries {
            dir.add(entry);
        }
        dir
    }

    /// Adds an entry and the directories above it.
    pub fn add(&self, entry: &str) {
        make(&self.0, entry);
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of an entry.
    pub fn at(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.join(Path::new(name.as_ref()))
    }

    /// Returns its path for system calls.
    pub fn c_path(&self) -> CString {
        c_string(self.0.as_os_str().as_bytes())
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // `rm` also removes trees that are deeper than PATH_MAX.
        let _ = std::process::Command::new("rm").arg("-rf").arg(&self.0).status();
    }
}

/// Converts bytes without a NUL, which no test uses.
pub fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap()
}

/// Makes one entry in a directory, and the directories above it.
pub fn make(directory: &Path, entry: &str) {
    let (name, target) = entry.split_once(" -> ").map_or((entry, None), |(n, t)| (n, Some(t)));
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match target {
        Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        None if name.ends_with('/') => fs::create_dir_all(path).unwrap(),
        None => drop(fs::File::create(path).unwrap()),
    }
}

/// Returns options with some values that differ from the default.
pub fn options(topdown: bool, follow_symlinks: bool, max_open: usize) -> WalkOptions {
    WalkOptions { topdown, follow_symlinks, max_open }
}

/// Returns the names as text.
pub fn texts(names: &Names) -> Vec<String> {
    names.iter().map(|(name, _)| name.to_str().unwrap().to_owned()).collect()
}

/// The result of a walk: paths below the top, and errors with their paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// In the order of the visits. The path of the top is empty.
    pub visited: Vec<String>,
    /// The error number and the path.
    pub skipped: Vec<(i32, String)>,
}

impl Seen {
    /// Returns the visits in an order that does not depend on the file system.
    pub fn sorted(mut self) -> Self {
        self.visited.sort();
        self.skipped.sort();
        self
    }
}

/// Walks to the end. Calls `at` for each directory, which can edit the walk.
pub fn walk_with(
    top: &TempDir,
    options: WalkOptions,
    mut at: impl FnMut(&mut Walk<'_>, &str),
) -> Seen {
    let mut walk = Walk::new(&top.c_path(), None, options);
    let mut seen = Seen::default();
    while let Some(step) = walk.step().unwrap() {
        let below = walk.path().strip_prefix(top.path()).unwrap();
        let below = below.to_str().unwrap().to_owned();
        match step {
            Step::Directory => {
                at(&mut walk, &below);
                seen.visited.push(below);
            }
            Step::Skipped(error) => seen.skipped.push((error.errno(), below)),
        }
    }
    assert!(walk.fd().is_none(), "everything is closed at the end");
    seen
}

/// Walks to the end.
pub fn walk(top: &TempDir, options: WalkOptions) -> Seen {
    walk_with(top, options, |_, _| {})
}

/// Returns whether a descriptor refers to the directory at a path.
pub fn is_same(fd: BorrowedFd<'_>, path: &Path) -> bool {
    let of_fd = fs::metadata(format!("/dev/fd/{}", fd.as_raw_fd())).unwrap();
    let of_path = fs::metadata(path).unwrap();
    (of_fd.dev(), of_fd.ino()) == (of_path.dev(), of_path.ino())
}

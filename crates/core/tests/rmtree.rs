//! Tests the deletion of a tree in steps.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

mod common;

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use common::{TempDir, c_string};
use fdkit::{Progress, Rmtree};

fn rmtree(dir: &TempDir, name: &str) -> Rmtree {
    Rmtree::new(None, &c_string(dir.at(name).as_os_str().as_bytes())).unwrap()
}

/// Steps to the end. Returns the failures with their paths below `dir`.
fn finish(dir: &TempDir, mut tree: Rmtree) -> Vec<(String, i32, &'static str)> {
    let mut failures = Vec::new();
    loop {
        match tree.step(100) {
            Progress::More => {}
            Progress::Failed(path, error) => {
                let below = path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
                failures.push((below, error.errno(), error.syscall()));
            }
            Progress::Done => return failures,
        }
    }
}

fn names(path: PathBuf) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn errno_of(dir: &TempDir, path: &str) -> i32 {
    let path = [dir.path().as_os_str().as_bytes(), b"/", path.as_bytes()].concat();
    let error = Rmtree::new(None, &c_string(&path)).unwrap_err();
    assert_eq!(error.syscall(), "openat");
    error.errno()
}

#[test]
fn everything_is_removed_and_links_are_not_followed() {
    let dir = TempDir::with(&["top/a/b/f", "top/a/e/", "top/f", "kept/f", "top/l -> ../kept"]);
    symlink(dir.at("kept"), dir.at("top/a/absolute")).unwrap();
    symlink("nowhere", dir.at("top/a/dangling")).unwrap();
    assert_eq!(finish(&dir, rmtree(&dir, "top")), []);
    assert_eq!(names(dir.at("")), ["kept"]);
    assert_eq!(names(dir.at("kept")), ["f"]);
}

#[test]
fn trailing_slashes_make_no_difference() {
    let dir = TempDir::with(&["top/f", "kept/f", "link -> kept"]);
    for link in ["link", "link/", "link///"] {
        assert_eq!(errno_of(&dir, link), libc::ENOTDIR);
    }
    let path = [dir.path().as_os_str().as_bytes(), b"//top//"].concat();
    assert_eq!(finish(&dir, Rmtree::new(None, &c_string(&path)).unwrap()), []);
    assert_eq!(names(dir.at("")), ["kept", "link"]);
    assert_eq!(names(dir.at("kept")), ["f"]);
}

#[test]
fn a_top_that_is_not_a_directory_is_refused() {
    let dir = TempDir::with(&["f"]);
    for name in ["f", "f/", "f/below"] {
        assert_eq!(errno_of(&dir, name), libc::ENOTDIR);
    }
    for name in ["missing", "missing/", "missing/below"] {
        assert_eq!(errno_of(&dir, name), libc::ENOENT);
    }
    assert_eq!(Rmtree::new(None, c"").unwrap_err().errno(), libc::ENOENT);
    assert_eq!(names(dir.at("")), ["f"]);
}

#[test]
fn a_relative_path_starts_at_the_descriptor() {
    let dir = TempDir::with(&["a/top/b/f", "a/kept"]);
    let above = fs::File::open(dir.at("a")).unwrap();
    let mut tree = Rmtree::new(Some(above.as_fd()), c"top").unwrap();
    drop(above);
    while tree.step(100) != Progress::Done {}
    assert_eq!(names(dir.at("a")), ["kept"]);
}

#[test]
fn the_top_is_removed_from_the_directory_in_which_it_was_opened() {
    let dir = TempDir::with(&["a/top/f", "b/top/"]);
    let tree = rmtree(&dir, "a/top");
    fs::rename(dir.at("a"), dir.at("c")).unwrap();
    fs::rename(dir.at("b"), dir.at("a")).unwrap();
    assert_eq!(finish(&dir, tree), []);
    assert_eq!(names(dir.at("c")), [""; 0]);
    assert_eq!(names(dir.at("a")), ["top"], "what has its path now is another");
}

#[test]
fn a_top_named_dot_is_emptied_but_not_removed() {
    let dir = TempDir::with(&["top/a/f"]);
    let failures = finish(&dir, rmtree(&dir, "top/."));
    assert_eq!(failures, [("top".to_owned(), libc::EINVAL, "unlinkat")]);
    assert_eq!(names(dir.at("top")), [""; 0]);
}

#[test]
fn a_step_removes_at_most_the_given_number_of_entries() {
    let dir = TempDir::new();
    for i in 0..100 {
        dir.add(&format!("top/f{i}"));
    }
    let mut tree = rmtree(&dir, "top");
    let left = || fs::read_dir(dir.at("top")).map_or(0, Iterator::count);
    assert_eq!(tree.step(0), Progress::More);
    assert_eq!(left(), 100);
    let mut before = 100;
    for most in [1, 1, 10, 30] {
        assert_eq!(tree.step(most), Progress::More);
        assert!(left() <= before && before - left() <= most);
        before = left();
    }
    assert!(before < 100);
    // One of the remaining steps may be for the top. Each of the others removes something.
    assert_eq!(tree.step(before + 3), Progress::More);
    assert_eq!(left(), 0);
}

#[test]
fn steps_after_the_end_return_done() {
    let dir = TempDir::with(&["top/"]);
    let mut tree = rmtree(&dir, "top");
    while tree.step(1) != Progress::Done {}
    fs::create_dir(dir.at("top")).unwrap();
    assert_eq!(tree.step(100), Progress::Done);
    assert_eq!(names(dir.at("")), ["top"]);
}

#[test]
fn the_deletion_continues_after_a_failure() {
    let dir = TempDir::with(&["top/a/b/f", "top/c/d/f"]);
    let mut tree = rmtree(&dir, "top");
    // Steps to the first directory, at the end of a branch, whose names are now known.
    assert_eq!(tree.step(1), Progress::More);
    let is_first_in_a = tree.step(1) == Progress::More && names(dir.at("top/a/b")).is_empty();
    let first = if is_first_in_a { "top/a/b" } else { "top/c/d" };
    dir.add(&format!("{first}/late"));
    let above = first.rsplit_once('/').unwrap().0.to_owned();
    let expected = [first.to_owned(), above.clone(), "top".to_owned()];
    let expected = expected.map(|path| (path, libc::ENOTEMPTY, "unlinkat"));
    assert_eq!(finish(&dir, tree), expected);
    assert_eq!(names(dir.at("top")).len(), 1);
    assert_eq!(names(dir.at(first)), ["late"]);
}

#[test]
fn a_directory_that_is_swapped_for_a_link_is_not_entered() {
    let dir = TempDir::with(&["top/a/b/f", "top/c/d/f", "top/f", "kept/b/f", "kept/d/f"]);
    let mut tree = rmtree(&dir, "top");
    assert_eq!(tree.step(1), Progress::More);
    for name in ["a", "c"] {
        fs::rename(dir.at(format!("top/{name}")), dir.at(name)).unwrap();
        symlink(dir.at("kept"), dir.at(format!("top/{name}"))).unwrap();
    }
    let mut failures = finish(&dir, tree);
    failures.sort();
    let told: Vec<_> = failures.iter().map(|(path, errno, _)| (path.as_str(), *errno)).collect();
    let expected = [("top", libc::ENOTEMPTY), ("top/a", libc::ENOTDIR), ("top/c", libc::ENOTDIR)];
    assert_eq!(told, expected);
    assert_eq!(names(dir.at("kept/b")), ["f"]);
    assert_eq!(names(dir.at("kept/d")), ["f"]);
    // One directory was entered before it was moved; the deletion holds it open, wherever it is.
    let emptied = ["a", "c"].into_iter().filter(|name| names(dir.at(name)).is_empty());
    assert_eq!(emptied.count(), 1);
}

#[test]
fn an_entry_that_vanishes_is_not_an_error() {
    let dir = TempDir::with(&["top/a/b/f", "top/a/b/g", "top/c/d/f", "top/c/d/g", "top/f"]);
    let mut tree = rmtree(&dir, "top");
    assert_eq!(tree.step(2), Progress::More);
    fs::remove_dir_all(dir.at("top")).unwrap();
    assert_eq!(finish(&dir, tree), []);
}

#[test]
fn names_of_any_bytes_are_removed() {
    let dir = TempDir::new();
    let name = std::ffi::OsStr::from_bytes(b"odd\xff\x80\n");
    fs::create_dir_all(dir.at("top").join(name).join(name)).unwrap();
    fs::write(dir.at("top").join(name).join("f"), "").unwrap();
    assert_eq!(finish(&dir, rmtree(&dir, "top")), []);
    assert_eq!(names(dir.at("")), [""; 0]);
}

//! Tests that walks of any depth use a bounded number of descriptors.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics fails")]

mod common;

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};

use common::{TempDir, is_same, options, walk, walk_with};
use fdkit::{Step, Walk};

// A chain `d/d/d…`. Each level also has `e/f/`, so that the walk returns to it.
fn bushy(depth: usize) -> TempDir {
    let top = TempDir::new();
    for level in 0..depth {
        top.add(&format!("{}e/f/", "d/".repeat(level)));
    }
    top
}

#[test]
fn a_tree_that_is_deeper_than_path_max_is_walked() {
    const DEPTH: usize = 3_000;
    let top = TempDir::new();
    let mut at: OwnedFd = fs::File::open(top.path()).unwrap().into();
    for _ in 0..DEPTH {
        nix::sys::stat::mkdirat(&at, c"d", nix::sys::stat::Mode::S_IRWXU).unwrap();
        at = fdkit::files::names::openat(
            Some(std::os::fd::AsFd::as_fd(&at)),
            c"d",
            libc::O_RDONLY,
            0,
        )
        .unwrap();
    }
    for topdown in [true, false] {
        let mut lengths = Vec::new();
        let seen = walk_with(&top, options(topdown, false, 4), |walk, path| {
            assert!(walk.fd().is_some());
            lengths.push(path.len().div_ceil(2));
        });
        assert_eq!(seen.skipped, []);
        let mut expected: Vec<_> = (0..=DEPTH).collect();
        if !topdown {
            expected.reverse();
        }
        assert_eq!(lengths, expected);
    }
}

#[test]
fn few_descriptors_visit_the_same_directories_as_many() {
    let top = bushy(40);
    for topdown in [true, false] {
        let expected = walk(&top, options(topdown, false, 1000));
        assert_eq!(expected.visited.len(), 40 * 3);
        for max_open in [0, 1, 4, 5, 7] {
            let seen = walk_with(&top, options(topdown, false, max_open), |walk, _| {
                assert!(is_same(walk.fd().unwrap(), walk.path()));
            });
            assert_eq!(seen, expected);
        }
    }
}

#[test]
fn the_walk_returns_through_links_by_name() {
    let top = TempDir::with(&["start/"]);
    for room in 0..20 {
        top.add(&format!("rooms/{room}/a/"));
        top.add(&format!("rooms/{room}/next -> ../{}", room + 1));
        top.add(&format!("rooms/{room}/z/y/"));
    }
    top.add("rooms/20/");
    top.add("start/first -> ../rooms/0");
    for topdown in [true, false] {
        let expected = walk(&top, options(topdown, true, 1000));
        let seen = walk_with(&top, options(topdown, true, 4), |walk, _| {
            assert!(is_same(walk.fd().unwrap(), walk.path()));
        });
        assert_eq!(seen, expected);
        assert_eq!(seen.skipped, []);
    }
}

#[test]
fn a_directory_that_was_moved_away_is_reported() {
    let top = bushy(12);
    let elsewhere = TempDir::new();
    let is_deepest = |path: &str| path == "d/".repeat(11) + "e";
    let seen = walk_with(&top, options(true, false, 4), |walk, path| {
        if walk.dirnames().len() == 2 {
            walk.set_dirnames([b"d".as_slice(), b"e"]).unwrap();
        }
        if is_deepest(path) {
            fs::rename(top.at("d/d/d/d"), elsewhere.at("below")).unwrap();
            fs::rename(top.at("d/d"), elsewhere.at("above")).unwrap();
            fs::create_dir_all(top.at("d/d/e")).unwrap();
        }
    });
    let lost = ["d/d/d/e", "d/d/e"].map(|path| (libc::ESTALE, path.to_owned()));
    assert_eq!(seen.skipped, lost);
    assert_eq!(seen.visited.len() + 2 * lost.len(), 12 * 3);
}

// Runs in a child process, since the limit applies to the whole process.
#[test]
fn a_walk_that_runs_out_of_descriptors_closes_some_of_its_own() {
    const LIMITED: &str = "FDKIT_TEST_LIMITED";
    if std::env::var_os(LIMITED).is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_walk_that_runs_out_of_descriptors_closes_some_of_its_own"])
            .env(LIMITED, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let top = bushy(60);
    let expected = walk(&top, options(true, false, 1000));
    let open = fs::File::open(top.path()).unwrap().as_raw_fd();
    let limit = libc::rlimit { rlim_cur: open as u64 + 12, rlim_max: open as u64 + 12 };
    // SAFETY: the structure is initialized and outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let mut taken = Vec::new();
    let seen = walk_with(&top, options(true, false, 1000), |_, path| {
        if path == "d/d/d/d/d/d" {
            taken.extend(std::iter::from_fn(|| fs::File::open("/").ok()));
        }
    });
    assert!(!taken.is_empty());
    assert_eq!(seen, expected);

    let mut walk = Walk::new(&top.c_path(), None, options(true, false, 4));
    drop(taken);
    assert_eq!(walk.step(), Ok(Some(Step::Directory)));
}

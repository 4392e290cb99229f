//! Tests the read-ahead of walks: the resources that it uses, and that it releases them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics fails")]
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{TempDir, options, texts, walk_with};
use fdkit::{Step, Walk, WalkOptions};

/// Runs one test at a time, since descriptors and threads belong to the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(directory: &str) -> usize {
    fs::read_dir(directory).unwrap().count()
}

fn descriptors() -> usize {
    count("/proc/self/fd")
}

/// Counts the threads of walks, not those of tests.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")));
    names.filter(|name| name.as_ref().is_ok_and(|name| name.trim() == "fdkit walk")).count()
}

/// Counts the threads of walks that stay. The kernel lists a thread for a moment after it was joined.
fn threads_left() -> usize {
    for _ in 0..1_000 {
        if threads() == 0 {
            return 0;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    threads()
}

/// Creates a tree of 1 + 20 + 400 directories that are old enough to be listed ahead.
fn wide() -> TempDir {
    let top = TempDir::new();
    for one in 0..20 {
        for other in 0..20 {
            top.add(&format!("d{one}/d{other}/f"));
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(30));
    top
}

#[test]
fn a_small_walk_starts_no_thread() {
    let _alone = alone();
    let top = TempDir::with(&["a/b/c/", "d/", "e/f/", "g/"]);
    let seen = walk_with(&top, WalkOptions::default(), |_, _| assert_eq!(threads_left(), 0));
    assert_eq!(seen.visited.len(), 8);
}

#[test]
fn a_walk_starts_at_most_the_given_number_of_threads() {
    let _alone = alone();
    let top = wide();
    for most in [0, 1, 3] {
        let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default()).threads(most);
        let mut seen = 0;
        while walk.step().unwrap().is_some() {
            seen = seen.max(threads());
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        assert!(seen <= most, "{seen} threads of {most}");
        assert!(most == 0 || seen > 0);
        assert_eq!(threads_left(), 0, "they end with the walk");
    }
}

#[test]
fn a_dropped_walk_leaves_no_descriptor_and_no_thread() {
    let _alone = alone();
    let top = wide();
    let before = descriptors();
    for steps in 0..300 {
        for exact in [true, false] {
            let topdown = steps % 3 != 0;
            let walk = Walk::new(&top.c_path(), None, options(topdown, false, 128));
            let mut walk = walk.threads(4).exact(exact);
            for _ in 0..steps {
                walk.step().unwrap();
            }
            if steps % 7 == 0 {
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
            drop(walk);
            assert_eq!((descriptors(), threads_left()), (before, 0), "after {steps} steps");
        }
    }
}

/// Walks in batches. Returns the paths, and how many steps found the directory listed.
fn in_batches(
    top: &TempDir,
    options: WalkOptions,
    threads: usize,
    most: usize,
) -> (Vec<PathBuf>, usize) {
    let mut walk = Walk::new(&top.c_path(), None, options).threads(threads).exact(false);
    let (mut paths, mut ready) = (Vec::new(), 0);
    loop {
        let step = walk.step_if_ready();
        ready += usize::from(step.is_some());
        let step = match step {
            None => {
                let step = walk.step().unwrap();
                let mut left = most;
                walk.look_ahead(|| {
                    left = left.saturating_sub(1);
                    left == 0
                });
                step
            }
            step => step,
        };
        match step {
            None => return (paths, ready),
            Some(step) => assert_eq!(step, Step::Directory),
        }
        let names = walk.dirnames().iter().chain(walk.filenames()).count();
        assert_eq!(names, count(&format!("/proc/self/fd/{}", walk.fd().unwrap().as_raw_fd())));
        paths.push(walk.path().to_path_buf());
    }
}

#[test]
fn a_walk_in_batches_visits_the_same_directories() {
    let _alone = alone();
    let top = wide();
    symlink("d1", top.at("d0/link")).unwrap();
    symlink("..", top.at("d5/d3/loop")).unwrap();
    let before = descriptors();
    for topdown in [true, false] {
        for max_open in [4, 8, 128] {
            let options = options(topdown, false, max_open);
            let expected = walk_with(&top, options, |_, _| {}).visited;
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            for (threads, most) in [(0, 32), (1, 1), (1, 32), (4, 8), (4, 1000)] {
                let (paths, ready) = in_batches(&top, options, threads, most);
                let below = |path: &PathBuf| path.strip_prefix(top.path()).unwrap().to_owned();
                let paths: Vec<_> = paths.iter().map(below).collect();
                assert_eq!(paths, expected);
                if threads == 0 {
                    assert_eq!(ready, 0);
                } else if max_open == 128 && most >= 32 {
                    assert!(ready > 300, "{ready} of 421, {options:?}");
                }
                assert_eq!((descriptors(), threads_left()), (before, 0));
            }
        }
    }
}

#[test]
fn links_to_directories_are_passed_without_a_step() {
    let _alone = alone();
    let top = TempDir::new();
    for number in 0..20 {
        fs::create_dir(top.at(format!("d{number}"))).unwrap();
        symlink("d0", top.at(format!("l{number}"))).unwrap();
    }
    fs::create_dir(top.at("d7/below")).unwrap();
    symlink("..", top.at("d7/up")).unwrap();
    for topdown in [true, false] {
        let mut walk = Walk::new(&top.c_path(), None, options(topdown, false, 128)).exact(false);
        // Bottom-up, the first step comes to a directory without children.
        walk.step().unwrap();
        walk.look_ahead(|| false);
        let mut steps = 1;
        while walk.step_if_ready().is_some() {
            steps += 1;
        }
        assert_eq!(steps, 22, "topdown: {topdown}");
        assert_eq!(walk.step(), Ok(None));
    }
}

#[test]
fn an_exact_walk_is_never_ready() {
    let _alone = alone();
    let top = wide();
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default()).threads(1);
    assert_eq!(walk.step_if_ready(), None, "nothing is opened");
    walk.step().unwrap();
    walk.look_ahead(|| false);
    assert_eq!(walk.step_if_ready(), None);
    let mut walk = walk.exact(false);
    assert_eq!(walk.step_if_ready(), Some(Step::Directory));
}

#[test]
fn descriptors_stay_within_max_open() {
    let _alone = alone();
    let top = wide();
    let before = descriptors();
    for max_open in [4, 6, 10, 30, 128] {
        let mut walk = Walk::new(&top.c_path(), None, options(true, false, max_open)).threads(4);
        let mut most = 0;
        while walk.step().unwrap().is_some() {
            // One descriptor belongs to the count itself.
            most = most.max(descriptors() - before);
        }
        assert!(most <= max_open, "{most} of {max_open}");
    }
}

#[test]
fn an_interrupted_walk_ends_its_threads() {
    let _alone = alone();
    let top = wide();
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default()).threads(2);
    for _ in 0..30 {
        assert_eq!(walk.step(), Ok(Some(Step::Directory)));
    }
    walk.interrupt().store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(walk.step(), Ok(None));
    assert_eq!(threads_left(), 0);
}

#[test]
fn directories_that_change_after_they_were_listed_ahead_are_listed_again() {
    let _alone = alone();
    let top = wide();
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default()).threads(4);
    assert_eq!(walk.step(), Ok(Some(Step::Directory)));
    let mut visited = 1;
    // Waits until everything is listed that is listed ahead.
    std::thread::sleep(std::time::Duration::from_millis(30));
    for one in 0..20 {
        top.add(&format!("d{one}/late"));
    }
    while let Some(step) = walk.step().unwrap() {
        assert_eq!(step, Step::Directory);
        visited += 1;
        let is_above = walk.path().parent() == Some(top.path());
        assert_eq!(is_above, texts(walk.filenames()).contains(&"late".to_owned()));
    }
    assert_eq!(visited, 421);
}

#[test]
fn links_that_change_after_they_were_listed_ahead_are_classified_again() {
    let _alone = alone();
    let top = wide();
    for one in 0..20 {
        top.add(&format!("d{one}/first -> ../target"));
        top.add(&format!("d{one}/second -> ../missing"));
    }
    std::thread::sleep(std::time::Duration::from_millis(30));
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default()).threads(4);
    assert_eq!(walk.step(), Ok(Some(Step::Directory)));
    walk.step().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
    top.add("target/");
    while walk.step().unwrap().is_some() {
        if walk.path().parent() == Some(top.path()) && !walk.path().ends_with("target") {
            assert!(texts(walk.dirnames()).contains(&"first".to_owned()));
            assert!(texts(walk.filenames()).contains(&"second".to_owned()));
        }
    }
}

#[test]
fn a_hundred_thousand_levels_are_walked_with_64_descriptors() {
    const DEPTH: usize = 100_000;
    let _alone = alone();
    // The tree is in memory, since it takes minutes to create and remove it on a disk.
    let top = TempDir::below("/dev/shm");
    let before = descriptors();
    let mode = nix::sys::stat::Mode::S_IRWXU;
    let mut at: OwnedFd = fs::File::open(top.path()).unwrap().into();
    for _ in 0..DEPTH {
        nix::sys::stat::mkdirat(&at, c"d", mode).unwrap();
        nix::sys::stat::mkdirat(&at, c"e", mode).unwrap();
        at = fdkit::files::names::openat(Some(at.as_fd()), c"d", libc::O_RDONLY, 0).unwrap();
    }
    drop(at);
    std::thread::sleep(std::time::Duration::from_millis(30));
    for topdown in [true, false] {
        let mut walk = Walk::new(&top.c_path(), None, options(topdown, false, 64)).threads(4);
        let mut steps = 0;
        while let Some(step) = walk.step().unwrap() {
            assert_eq!(step, Step::Directory);
            steps += 1;
            if steps % 1000 == 0 {
                assert!(descriptors() - before <= 64);
            }
        }
        assert_eq!(steps, 1 + 2 * DEPTH);
    }
    // `rm` takes long to remove it.
    let mut tree = fdkit::Rmtree::new(None, &top.c_path()).unwrap();
    while tree.step(1000) != fdkit::Progress::Done {}
}

// Runs in a child process, since the limit applies to the whole process.
#[test]
fn a_process_that_runs_out_of_descriptors_reads_less_ahead() {
    const LIMITED: &str = "FDKIT_TEST_LIMITED";
    if std::env::var_os(LIMITED).is_none() {
        let _alone = alone();
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_that_runs_out_of_descriptors_reads_less_ahead"])
            .env(LIMITED, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let top = wide();
    let expected = walk_with(&top, WalkOptions::default(), |_, _| {});
    assert_eq!(expected.visited.len(), 421);
    let next = fs::File::open("/").unwrap().as_raw_fd() as u64;
    for spare in [3, 5, 10, 40] {
        let limit = libc::rlimit { rlim_cur: next + spare, rlim_max: next + 64 };
        // SAFETY: the structure is whole and outlives the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default()).threads(4);
        let mut steps = 0;
        while let Some(step) = walk.step().unwrap() {
            assert_eq!(step, Step::Directory);
            steps += 1;
            std::thread::yield_now();
        }
        assert_eq!(steps, 421);
    }
}

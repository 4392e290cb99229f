//! Tests the deletion of a tree on several threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails")]

mod common;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{TempDir, c_string};
use fdkit::{Progress, Rmtree};

fn tree(path: &Path, threads: usize) -> Rmtree {
    Rmtree::new(None, &c_string(path.as_os_str().as_encoded_bytes())).unwrap().threads(threads)
}

/// Creates a directory in memory, since these tests take minutes on a disk.
fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::below(memory) } else { TempDir::new() }
}

/// Steps to the end. Returns the failures with their paths below `top`.
fn finish(top: &Path, mut tree: Rmtree) -> Vec<(String, i32, &'static str)> {
    let mut failures = Vec::new();
    loop {
        match tree.step(10) {
            Progress::More => {}
            Progress::Failed(path, error) => {
                let below = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                failures.push((below, error.errno(), error.syscall()));
            }
            Progress::Done => return failures,
        }
    }
}

fn fill(dir: &TempDir, top: &str) {
    for one in 0..12 {
        for other in 0..12 {
            for file in 0..4 {
                dir.add(&format!("{top}/d{one}/d{other}/f{file}"));
            }
            dir.add(&format!("{top}/d{one}/d{other}/l -> ../.."));
        }
        dir.add(&format!("{top}/d{one}/f"));
    }
}

fn count(path: &Path) -> usize {
    let below = |entry: fs::DirEntry| {
        if entry.file_type().unwrap().is_dir() { 1 + count(&entry.path()) } else { 1 }
    };
    fs::read_dir(path).map_or(0, |entries| entries.map(|entry| below(entry.unwrap())).sum())
}

#[test]
fn everything_is_removed_with_any_number_of_threads() {
    for threads in [0, 1, 2, 4, 9] {
        for _ in 0..5 {
            let dir = in_memory();
            fill(&dir, "top");
            dir.add("kept/f");
            symlink(dir.at("kept"), dir.at("top/d3/outside")).unwrap();
            assert_eq!(finish(dir.path(), tree(&dir.at("top"), threads)), []);
            assert!(!dir.at("top").exists());
            assert!(dir.at("kept/f").exists());
        }
    }
}

#[test]
fn threads_remove_entries_between_steps() {
    let dir = in_memory();
    fill(&dir, "top");
    let before = count(&dir.at("top"));
    let mut tree = tree(&dir.at("top"), 2);
    for steps in 1..500 {
        assert_eq!(tree.step(1), Progress::More);
        if count(&dir.at("top")) + steps + 20 < before {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("no thread removed anything");
}

#[test]
fn nothing_is_removed_after_an_interrupt_and_a_drop() {
    for steps in 0..40 {
        let dir = in_memory();
        fill(&dir, "top");
        let flag = Arc::new(AtomicBool::new(false));
        let mut tree = tree(&dir.at("top"), 4).interrupted_by(Arc::clone(&flag));
        for _ in 0..steps * 8 {
            tree.step(1);
        }
        if steps % 2 == 0 {
            flag.store(true, Ordering::Relaxed);
            while tree.step(1) != Progress::Done {}
        } else {
            drop(tree);
        }
        let left = count(&dir.at("top"));
        assert!(left > 0);
        std::thread::sleep(std::time::Duration::from_millis(3));
        assert_eq!(count(&dir.at("top")), left);
    }
}

// Runs in a child process as an unprivileged user, who may not remove everything.
#[test]
fn failures_have_the_order_of_a_deletion_on_one_thread() {
    const TREE: &str = "FDKIT_TEST_TREE";
    if let Some(place) = std::env::var_os(TREE) {
        let run = |name: String, threads| {
            let top = Path::new(&place).join(name);
            let failures = finish(&top, tree(&top, threads));
            (failures, count(&top))
        };
        let (expected, left) = run("0".into(), 0);
        let count = |errno| expected.iter().filter(|failure| failure.1 == errno).count();
        assert_eq!((count(libc::EACCES), count(libc::ENOTEMPTY)), (12 * 5 + 6, 12 + 12 + 1));
        assert_eq!(left, 12 + 12 + 12 * 5 + 6);
        for twin in 1..8 {
            assert_eq!(run(twin.to_string(), 4), (expected.clone(), left));
        }
        return;
    }
    let dir = in_memory();
    let open = |mode| {
        let set = |name: String, mode| {
            fs::set_permissions(dir.at(name), PermissionsExt::from_mode(mode)).unwrap();
        };
        for twin in 0..8 {
            for one in 0..12 {
                // The files and links of this directory stay.
                set(format!("{twin}/d{one}/d7"), if mode == 0 { 0o555 } else { 0o777 });
                if one % 2 == 0 {
                    // This directory cannot be listed.
                    set(format!("{twin}/d{one}/d9"), mode);
                }
            }
        }
    };
    for twin in 0..8 {
        fill(&dir, &twin.to_string());
    }
    let mut chmod = Command::new("chmod");
    assert!(chmod.args(["-R", "777"]).arg(dir.path()).status().unwrap().success());
    open(0);
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "failures_have_the_order_of_a_deletion_on_one_thread"]);
    test.env(TREE, OsString::from(dir.path()));
    if nix::unistd::geteuid().is_root() {
        test.uid(65534);
    }
    let output = test.output().unwrap();
    open(0o777);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn directories_that_are_swapped_for_links_are_not_entered() {
    let dir = in_memory();
    dir.add("kept/d0/f0");
    dir.add("kept/f");
    for round in 0..20 {
        fill(&dir, "top");
        let is_over = Arc::new(AtomicBool::new(false));
        let swapper = {
            let (is_over, top, kept) = (Arc::clone(&is_over), dir.at("top"), dir.at("kept"));
            let aside = dir.at("aside");
            std::thread::spawn(move || {
                let mut i = round;
                while !is_over.load(Ordering::Relaxed) {
                    i += 1;
                    let path = top.join(format!("d{}/d{}", i % 12, i / 12 % 12));
                    if fs::rename(&path, &aside).is_ok() {
                        let _ = symlink(&kept, &path);
                        let _ = fs::remove_file(&path);
                        let _ = fs::rename(&aside, &path);
                    }
                    let _ = fs::remove_dir_all(&aside);
                }
            })
        };
        let mut tree = tree(&dir.at("top"), 4);
        while tree.step(10) != Progress::Done {}
        is_over.store(true, Ordering::Relaxed);
        swapper.join().unwrap();
        assert_eq!(count(&dir.at("kept")), 3);
        let _ = fs::remove_dir_all(dir.at("top"));
    }
}

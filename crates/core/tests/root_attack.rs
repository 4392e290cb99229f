//! Directories and links are swapped all the time while a root is used: nothing outside is read,
//! made, changed or removed. `ROOT_ATTACK` says how many operations each resolver makes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]
#![cfg(target_os = "linux")]

mod common;

use std::ffi::{CStr, CString};
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{TempDir, c_string, make};
use fdkit::constants::RENAME_EXCHANGE;
use fdkit::files::names::{openat, renameat2, unlink};
use fdkit::root::{Resolver, Root, RootOptions, WriteOptions};

const SECRET: &[u8] = b"secret";

const INSIDE: &[&str] = &[
    "a/b/c/",
    "a/b/file",
    "a/file",
    "out -> ../outside",
    "deep/er/est/",
    "deep/file",
    "link -> a/b",
];

// Each pair changes places again and again: directories, links that lead out, and a directory outside
// the root, which takes along whoever stands in it. No path leads through something that is swapped:
// the attack itself would carry what is outside into the root.
const SWAPS: &[(&str, &str)] = &[
    ("root/a", "root/out"),
    ("root/deep", "pit/er"),
    ("root/a", "root/deep"),
    ("root/link", "root/out"),
];

fn world() -> TempDir {
    let top = TempDir::with(&["outside/b/c/", "outside/b/", "pit/er/est/"]);
    INSIDE.iter().for_each(|entry| make(&top.at("root"), entry));
    for name in ["file", "b/file", "b/c/file"] {
        fs::write(top.at("outside").join(name), SECRET).unwrap();
    }
    top
}

fn outside(top: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut stack = vec![top.join("outside")];
    while let Some(directory) = stack.pop() {
        for entry in fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            let is_directory = entry.file_type().unwrap().is_dir();
            let data = if is_directory { Vec::new() } else { fs::read(entry.path()).unwrap() };
            let mode = entry.metadata().unwrap();
            found.push((format!("{:?} {:?}", entry.path(), mode.permissions()), data));
            if is_directory {
                stack.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

const PARTS: &[&str] =
    &["a", "b", "c", "file", "out", "deep", "er", "est", "link", "..", "..", "new", "outside"];

/// The next of a sequence of random numbers.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 8) as usize
}

fn random_path(state: &mut u64) -> CString {
    let count = 1 + next(state) % 5;
    let parts: Vec<&str> = (0..count).map(|_| PARTS[next(state) % PARTS.len()]).collect();
    CString::new(parts.join("/")).unwrap()
}

/// Runs `work` while another thread swaps, and returns how often that succeeded.
fn while_swapping(top: &Path, work: impl FnOnce()) -> u64 {
    let (stop, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let pairs = SWAPS.iter().map(|(one, other)| {
                [one, other].map(|name| c_string(top.join(name).as_os_str().as_encoded_bytes()))
            });
            let pairs: Vec<_> = pairs.collect();
            let mut state = 88_172_645_463_325_252;
            while !stop.load(Ordering::Relaxed) {
                let [one, other] = &pairs[next(&mut state) % pairs.len()];
                let swapped = renameat2(None, one, None, other, RENAME_EXCHANGE);
                swaps.fetch_add(swapped.is_ok().into(), Ordering::Relaxed);
            }
        });
        // The thread must stop even if the work panics, or the scope never ends.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        stop.store(true, Ordering::Relaxed);
        done.unwrap();
    });
    swaps.into_inner()
}

fn ignore(_: fdkit::Result<()>) {}

fn operate(root: &Root, state: &mut u64) {
    let (path, other) = (random_path(state), random_path(state));
    let truncate = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    match next(state) % 16 {
        0..=5 => {
            let data = root.read_file(&path, libc::O_NONBLOCK);
            assert_ne!(data.as_deref(), Ok(SECRET), "{path:?} was read");
        }
        6 | 7 => ignore(root.write_file(
            &path,
            b"x",
            WriteOptions { flags: truncate, ..Default::default() },
        )),
        8 => ignore(root.write_file(
            &path,
            b"x",
            WriteOptions { atomic: true, ..Default::default() },
        )),
        9 => ignore(root.unlink(&path)),
        10 => ignore(root.mkdir(&path, 0o777)),
        11 => ignore(root.rename(&path, &other, 0)),
        12 => ignore(root.chmod(&path, 0o711)),
        13 => ignore(root.link(&path, &other)),
        14 => ignore(root.symlink(&other, &path)),
        _ => ignore(root.rmdir(&path)),
    }
}

fn attack(resolver: Resolver) {
    let operations = std::env::var("ROOT_ATTACK").map_or(60_000, |count| count.parse().unwrap());
    let top = world();
    let before = outside(top.path());
    let options = RootOptions { resolver, ..RootOptions::default() };
    let path = c_string(top.at("root").as_os_str().as_encoded_bytes());
    let mut state = 0x1234_5678_9abc_def1;
    let mut swaps = 0;
    for _ in 0..operations / 2_000 {
        let root = Root::open(&path, None, options).unwrap();
        swaps += while_swapping(top.path(), || {
            for _ in 0..2_000 {
                operate(&root, &mut state);
            }
        });
        assert_eq!(outside(top.path()), before);
        // The tree is worn out after a while.
        fs::remove_dir_all(top.at("root")).unwrap();
        fs::create_dir(top.at("root")).unwrap();
        INSIDE.iter().for_each(|entry| make(&top.at("root"), entry));
        fs::remove_dir_all(top.at("pit")).unwrap();
        fs::create_dir_all(top.at("pit/er/est")).unwrap();
    }
    println!("{resolver:?}: {operations} operations, {swaps} swaps");
    assert!(swaps > operations / 100, "{swaps} swaps are not enough");
}

#[test]
fn nothing_leads_out_by_the_kernel() {
    attack(Resolver::Automatic);
}

#[test]
fn nothing_leads_out_step_by_step() {
    attack(Resolver::Stepwise);
}

#[test]
fn the_same_by_path_leads_out_at_once() {
    let top = world();
    let directory =
        openat(None, &c_string(top.at("root").as_os_str().as_encoded_bytes()), 0, 0).unwrap();
    let path: &CStr = c"a/b/file";
    let mut was_read = false;
    while_swapping(top.path(), || {
        for _ in 0..200_000 {
            let Ok(fd) = openat(Some(directory.as_fd()), path, libc::O_NONBLOCK, 0) else {
                continue;
            };
            let mut data = Vec::new();
            let _ = fs::File::from(fd).read_to_end(&mut data);
            if data == SECRET {
                was_read = true;
                let _ = unlink(Some(directory.as_fd()), path);
                break;
            }
        }
    });
    assert!(was_read, "the control found nothing: the attack does not work");
}

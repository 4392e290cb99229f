//! Tests the disk usage of a tree.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails")]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::{TempDir, c_string};
use fdkit::{DirectoryUsage, DiskUsage, Progress, Usage, UsageOptions};

fn finish(mut counted: DiskUsage) -> (Usage, Vec<(String, i32)>) {
    let mut failures = Vec::new();
    loop {
        match counted.step(10) {
            Progress::More => {}
            Progress::Failed(path, error) => {
                failures.push((path.to_str().unwrap().to_owned(), error.errno()));
            }
            Progress::Done => return (counted.usage(), failures),
        }
    }
}

fn usage(path: &Path, options: UsageOptions) -> Usage {
    let path = c_string(path.as_os_str().as_encoded_bytes());
    let (usage, failures) = finish(DiskUsage::new(None, &path, options).unwrap());
    assert_eq!(failures, []);
    usage
}

fn with_threads(threads: usize) -> UsageOptions {
    UsageOptions { threads: Some(threads), ..UsageOptions::default() }
}

/// Computes the usage one entry at a time.
fn expected(path: &Path, seen: &mut Vec<(u64, u64)>, total: &mut Usage) {
    let found = fs::symlink_metadata(path).unwrap();
    if found.is_dir() {
        total.directories += 1;
        total.allocated += found.blocks() * 512;
        for entry in fs::read_dir(path).unwrap() {
            expected(&entry.unwrap().path(), seen, total);
        }
        return;
    }
    let identity = (found.dev(), found.ino());
    if found.nlink() > 1 && seen.contains(&identity) {
        return;
    }
    seen.push(identity);
    total.files += 1;
    total.allocated += found.blocks() * 512;
    total.bytes += if found.is_file() || found.is_symlink() { found.len() } else { 0 };
}

fn mixed() -> TempDir {
    let top = TempDir::new();
    for one in 0..15 {
        for other in 0..10 {
            top.add(&format!("d{one}/d{other}/f"));
            fs::write(top.at(format!("d{one}/d{other}/g")), vec![1; one * 1000 + other]).unwrap();
        }
        top.add(&format!("d{one}/l -> d0/g"));
        let linked = top.at(format!("d{one}/linked"));
        fs::hard_link(top.at("d0/d1/g"), linked).unwrap();
    }
    // The hole counts with its allocated size, which is 0.
    fs::File::create(top.at("hole")).unwrap().set_len(1 << 30).unwrap();
    nix::unistd::mkfifo(&top.at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    top
}

#[test]
fn the_usage_is_the_sum_of_all_entries() {
    let top = mixed();
    let mut total = Usage::default();
    expected(top.path(), &mut Vec::new(), &mut total);
    assert!(total.bytes > 1 << 30 && total.allocated < 1 << 30);
    for threads in [0, 1, 4] {
        for _ in 0..20 {
            assert_eq!(usage(top.path(), with_threads(threads)), total);
        }
    }
}

/// Computes the usage of each directory, in the order of a walk that is sorted by name.
fn of_each_directory(path: &Path, all: &mut Vec<DirectoryUsage>) {
    let mut usage = Usage::default();
    expected(path, &mut Vec::new(), &mut usage);
    all.push(DirectoryUsage { path: path.to_owned(), usage });
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            of_each_directory(&entry.path(), all);
        }
    }
}

fn largest(path: &Path, options: UsageOptions) -> Vec<DirectoryUsage> {
    let path = c_string(path.as_os_str().as_encoded_bytes());
    let mut counted = DiskUsage::new(None, &path, options).unwrap();
    while counted.step(7) != Progress::Done {}
    counted.take_largest()
}

#[test]
fn the_largest_directories_come_first_and_equal_ones_in_the_order_of_their_paths() {
    let top = TempDir::new();
    for one in 0..15 {
        for other in 0..10 {
            // Ten of each size: d0/d0, d3/d0 and so on.
            top.add(&format!("d{one}/d{other}/e/f"));
            fs::write(top.at(format!("d{one}/d{other}/e/f")), vec![1; one % 3 * 1000]).unwrap();
        }
        fs::write(top.at(format!("d{one}/g")), vec![1; one]).unwrap();
    }
    let mut all = Vec::new();
    of_each_directory(top.path(), &mut all);
    all.sort_by(|a, b| b.usage.bytes.cmp(&a.usage.bytes).then(a.path.cmp(&b.path)));
    assert_eq!(all.len(), 316);
    for threads in [0, 4] {
        for most in [0, 1, 2, 20, 111, 315, 316, 1000] {
            let options = UsageOptions { largest: most, ..with_threads(threads) };
            let expected = all.get(..most).unwrap_or(&all);
            assert_eq!(largest(top.path(), options), expected, "{most} with {threads} threads");
        }
    }
}

#[test]
fn paths_of_the_largest_begin_with_the_path_of_the_tree() {
    let top = TempDir::with(&["d/e/f"]);
    let options = UsageOptions { largest: 9, ..UsageOptions::default() };
    let paths = |path: &Path| -> Vec<_> {
        largest(path, options).into_iter().map(|found| found.path).collect()
    };
    let slash = top.at("d/");
    assert_eq!(paths(&slash), [slash.clone(), top.at("d/e")]);
    assert_eq!(paths(&top.at("d/e/f")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_file_with_several_names_counts_in_one_directory() {
    let top = TempDir::with(&["a/b/f", "c/"]);
    fs::write(top.at("a/b/f"), "12345").unwrap();
    fs::hard_link(top.at("a/b/f"), top.at("c/g")).unwrap();
    let found = largest(top.path(), UsageOptions { largest: 9, ..UsageOptions::default() });
    let bytes: Vec<_> = found.iter().map(|found| (found.usage.bytes, found.usage.files)).collect();
    let is_in_c = found.iter().any(|found| found.path == top.at("c") && found.usage.bytes == 5);
    let empty = if is_in_c { vec![(0, 0); 2] } else { vec![(0, 0)] };
    assert_eq!(bytes, [vec![(5, 1); 4 - empty.len()], empty].concat());
}

#[test]
fn the_path_is_that_of_the_directory_counted_last() {
    let top = TempDir::with(&["d/e/f"]);
    let mut counted = DiskUsage::new(None, &top.c_path(), UsageOptions::default()).unwrap();
    for name in ["", "d", "d/e"] {
        assert_eq!(counted.step(1), Progress::More);
        assert_eq!(
            counted.path(),
            if name.is_empty() { top.path().to_owned() } else { top.at(name) }
        );
    }
    assert_eq!(counted.step(2), Progress::Done);
    assert_eq!(counted.path(), Path::new(""));
}

#[test]
fn the_allocated_size_equals_that_of_du() {
    let top = mixed();
    let du = std::process::Command::new("du").args(["-sk", "--"]).arg(top.path()).output().unwrap();
    let text = String::from_utf8(du.stdout).unwrap();
    let kib: u64 = text.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(usage(top.path(), UsageOptions::default()).allocated.div_ceil(1024), kib);
}

#[test]
fn a_file_and_a_link_count_as_themselves() {
    let top = TempDir::with(&["d/f", "l -> d"]);
    fs::write(top.at("d/f"), "12345").unwrap();
    let of = |name: &str| usage(&top.at(name), UsageOptions::default());
    let counts = |usage: Usage| (usage.bytes, usage.files, usage.directories);
    assert_eq!(counts(of("d/f")), (5, 1, 0));
    assert_eq!(counts(of("l")), (1, 1, 0));
    assert_eq!(counts(of("d")), (5, 1, 1));
    let missing = DiskUsage::new(None, c"/missing/x", UsageOptions::default());
    assert_eq!(missing.unwrap_err().errno(), libc::ENOENT);
}

#[test]
fn other_file_systems_can_be_excluded() {
    // On Linux there is always another file system below /dev.
    if !Path::new("/dev/pts").exists() || !Path::new("/dev/shm").exists() {
        return;
    }
    let own = UsageOptions { one_file_system: true, ..UsageOptions::default() };
    let count = |options| finish(DiskUsage::new(None, c"/dev", options).unwrap()).0.directories;
    let top = TempDir::below("/dev/shm");
    top.add("a/b/");
    let (all, one) = (count(UsageOptions::default()), count(own));
    assert!(all >= one + 3, "{all} {one}");
    let found = largest(Path::new("/dev"), UsageOptions { largest: usize::MAX, ..own });
    assert!(found.iter().all(|found| !found.path.starts_with("/dev/shm")), "{found:?}");
    assert_eq!(found.first().map(|top| top.usage.directories), Some(found.len() as u64));
}

#[test]
fn an_interrupted_count_ends() {
    let top = mixed();
    let flag = Arc::new(AtomicBool::new(false));
    let counted = DiskUsage::new(None, &top.c_path(), with_threads(4)).unwrap();
    let mut counted = counted.interrupted_by(Arc::clone(&flag));
    assert_eq!(counted.step(30), Progress::More);
    flag.store(true, std::sync::atomic::Ordering::Relaxed);
    let before = counted.usage();
    assert_eq!(counted.step(2), Progress::Done);
    assert_eq!(counted.usage(), before);
    assert!(before.directories < 100);
}

// Runs in a child process as an unprivileged user, who may not read everything.
#[test]
fn failures_have_paths_and_the_order_of_the_walk() {
    use std::os::unix::process::CommandExt;
    const TREE: &str = "FDKIT_TEST_TREE";
    if let Some(tree) = std::env::var_os(TREE) {
        let path = c_string(tree.as_encoded_bytes());
        let run = |threads| finish(DiskUsage::new(None, &path, with_threads(threads)).unwrap());
        let expected = run(0);
        let count = |end: &str| expected.1.iter().filter(|(path, _)| path.ends_with(end)).count();
        assert_eq!((count("/closed"), count("/locked/f")), (10, 10));
        assert!(expected.1.iter().all(|(_, errno)| *errno == libc::EACCES));
        for _ in 0..20 {
            assert_eq!(run(4), expected);
        }
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let top = TempDir::new();
    let set = |name: &str, mode| {
        fs::set_permissions(top.at(name), PermissionsExt::from_mode(mode)).unwrap();
    };
    set("", 0o755);
    for i in 0..10 {
        for name in ["closed", "locked", "open"] {
            for j in 0..3 {
                top.add(&format!("d{i}/{name}/d{j}/f"));
            }
            top.add(&format!("d{i}/{name}/f"));
        }
        set(&format!("d{i}/closed"), 0);
        set(&format!("d{i}/locked"), 0o744);
    }
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "failures_have_paths_and_the_order_of_the_walk"]);
    test.env(TREE, top.path());
    if nix::unistd::geteuid().is_root() {
        test.uid(65534);
    }
    let output = test.output().unwrap();
    for i in 0..10 {
        set(&format!("d{i}/closed"), 0o700);
        set(&format!("d{i}/locked"), 0o700);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

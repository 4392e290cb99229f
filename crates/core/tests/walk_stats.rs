//! Tests walks that also return the metadata of entries.
#![expect(clippy::unwrap_used, reason = "a test that panics fails")]

mod common;

use std::fs;

use common::{TempDir, options};
use fdkit::files::stat::{fstatat, stat_all};
use fdkit::{FileType, Names, Step, Walk, WalkOptions};

// The constants of libc have another type on macOS.
const S_IFMT: u32 = 0o170_000;
const S_IFLNK: u32 = 0o120_000;

fn tree() -> TempDir {
    let top = TempDir::new();
    for one in 0..10 {
        for other in 0..10 {
            let name = format!("d{one}/d{other}/f");
            top.add(&name);
            fs::write(top.at(&name), vec![0; one * 10 + other]).unwrap();
        }
        top.add(&format!("d{one}/l -> d3"));
        top.add(&format!("d{one}/dangling -> nothing"));
    }
    std::thread::sleep(std::time::Duration::from_millis(30));
    top
}

#[test]
fn stats_have_the_order_of_the_names() {
    let top = tree();
    for topdown in [true, false] {
        for (threads, exact) in [(0, true), (1, true), (4, true), (4, false)] {
            let walk = Walk::new(&top.c_path(), None, options(topdown, false, 128));
            let mut walk = walk.threads(threads).exact(exact).stats(true);
            let mut files = 0;
            while let Some(step) = walk.step().unwrap() {
                assert_eq!(step, Step::Directory);
                let check = |names: &Names, stats: &[Option<fdkit::files::stat::Stat>]| {
                    assert_eq!(names.len(), stats.len());
                    for ((name, file_type), stat) in names.iter().zip(stats) {
                        assert_eq!(*stat, fstatat(walk.fd(), name, false).ok());
                        let is_link = stat.unwrap().mode & S_IFMT == S_IFLNK;
                        assert_eq!(is_link, file_type == FileType::SymbolicLink);
                    }
                    names.len()
                };
                check(walk.dirnames(), walk.dirname_stats());
                files += check(walk.filenames(), walk.filename_stats());
            }
            assert_eq!(files, 100 + 10);
        }
    }
}

#[test]
fn stats_are_empty_unless_requested() {
    let top = TempDir::with(&["a", "d/"]);
    let mut walk = Walk::new(&top.c_path(), None, WalkOptions::default());
    walk.step().unwrap();
    assert!(walk.filename_stats().is_empty() && walk.dirname_stats().is_empty());
}

#[test]
fn stat_all_returns_results_in_the_order_of_the_names() {
    let top = TempDir::with(&["f", "d/", "l -> d"]);
    let dir = fs::File::open(top.path()).unwrap();
    let fd = Some(std::os::fd::AsFd::as_fd(&dir));
    for follow in [true, false] {
        let names = [c"f", c"missing", c"l", c"d", c"f"];
        let expected: Vec<_> = names.iter().map(|name| fstatat(fd, name, follow)).collect();
        assert_eq!(stat_all(fd, names, follow), expected);
        assert_eq!(expected.iter().filter(|result| result.is_err()).count(), 1);
    }
    assert_eq!(stat_all(fd, [], true), []);
}
